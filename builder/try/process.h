/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying a patch of a library: one process of a test program, before the patch, with it, and after it was taken out.
 *
 * The program reads a line from its standard input and prints one line that tells what it sees; three times. docs/internals/try.md.
 */
#ifndef SUTURE_BUILDER_TRY_PROCESS_H
#define SUTURE_BUILDER_TRY_PROCESS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct sut_try_process_opts {
	const char *patch;	  /* upatch.bin */
	const char *const *argv;  /* the test program; ends with NULL */
	const char *cache;	  /* NULL: the usual one */
	const char *engine;	  /* suture-process; NULL: beside suture-build, or in PATH */
	unsigned int timeout_sec; /* of each answer; 0: 30 */
	bool own;		  /* as it is found: no shipped library put before it */
};

enum { SUT_TRY_PHASES = 3 };

struct sut_try_process {
	char target[256], file[256];
	char *line[SUT_TRY_PHASES]; /* before, patched, reverted; NULL: it did not come to that */
	double seconds[2];	    /* apply, revert */
	int status;		    /* of the program: exit status, 128 + signal */
	bool changed, restored; /* the line with the patch differs; the last one is the first one */
	char failed[64];	/* the step that failed; "" for none */
	char why[2048];
};

/* 0 when the program could be started and its end was seen; out->failed tells the rest. Release in every case. */
int sut_try_process_run(const struct sut_try_process_opts *o, struct sut_try_process *out,
			struct sut_err *err) _must_check_;
bool sut_try_process_ok(const struct sut_try_process *t);
void sut_try_process_print(const struct sut_try_process *t, FILE *f);
json_t *sut_try_process_json(const struct sut_try_process *t);
void sut_try_process_release(struct sut_try_process *t);

/* Is the patch file for a library? -EBADMSG, -ENOENT … */
int sut_try_is_library(const char *patch, bool *ret, struct sut_err *err) _must_check_;

#endif
