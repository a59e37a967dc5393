/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a command that builds a patch, `suture-build kernel` and `suture-build library`: options, the scratch folder, the patch
 * file, what is printed, and the exit status. What differs is a table of functions.
 */
#ifndef SUTURE_BUILDER_FRONT_H
#define SUTURE_BUILDER_FRONT_H

#include <jansson.h>

#include "front/options.h"
#include "front/request.h"
#include "patch/container.h"
#include "report/refusal.h"

enum { SUT_FRONT_PAYLOADS_MAX = 2 };

/* What a build made; points into it. */
struct sut_front_result {
	const struct sut_fixset *fixset;
	const struct sut_refusals *refusals; /* not empty: nothing was built */
	struct sut_member payloads[SUT_FRONT_PAYLOADS_MAX];
	size_t npayloads;
};

/* ctx is the command's own: target and build. */
struct sut_front {
	const char *command; /* "kernel" */
	const char *usage;
	const char *unproven; /* what to look at when the proof failed */
	uint32_t level;	      /* when none is given; 0: --level must be given */
	bool files;	      /* takes --file and --report */
	int (*open)(void *ctx, const char *cache, const struct sut_build_options *o,
		    struct sut_err *err);
	/* *ret is written in every case. -EKEYREJECTED: the proof failed. */
	int (*build)(void *ctx, const struct sut_request *q, struct sut_front_result *ret,
		     struct sut_err *err);
	/* Without "members"; NULL: no memory. */
	json_t *(*manifest)(void *ctx, const struct sut_request *q, int64_t created);
	int (*text)(void *ctx, struct sut_buf *out); /* report.txt */
	json_t *(*json)(void *ctx, const char *outcome, const struct sut_err *err);
	void (*summary)(void *ctx, const struct sut_build_options *o); /* for standard output */
	void (*release)(void *ctx); /* what open and build made */
};

/* Runs the command; returns its exit status (cmd.h). */
int sut_front_run(const struct sut_front *f, void *ctx, int argc, char **argv);

#endif
