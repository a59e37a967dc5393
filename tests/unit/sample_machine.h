/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture-apply on a machine that is kept in a file (tests/sim/machine_file.h), below a folder of its own, with a key
 * that it trusts and patches signed by it. Everything but the kernel is real.
 */
#ifndef SUTURE_TESTS_SAMPLE_MACHINE_H
#define SUTURE_TESTS_SAMPLE_MACHINE_H

#include "base/buf.h"
#include "crypto/sha256.h"
#include "machine_file.h"
#include "suture-apply/act.h"
#include "suture-apply/boot.h"
#include "suture-apply/guard.h"
#include "suture-apply/stage.h"
#include "suture-apply/state.h"

enum { SAMPLE_PATCHES = 3, SAMPLE_LIBRARIES = 8 };

/* Of library[4]; those behind it count on. */
#define SAMPLE_OTHER_BUILD_ID "ffeeddccbbaa9988776655443322110000000004"

struct sample_file {
	char id[16];
	char sha256[SUT_SHA256_HEX];
	struct sut_buf file, sig;
};

struct sample_machine {
	char *root;
	/* "K1" has level 1, and so on */
	struct sample_file patch[SAMPLE_PATCHES + 1]; /* from 1 */
	/* "U1" to "U3" for SAMPLE_LIBRARY_BUILD_ID, with levels 1 to 3; each further one for another library; from 1 */
	struct sample_file library[SAMPLE_LIBRARIES + 1];
	pid_t process; /* sample_process_start(); 0: it does not run */
};

/* All of these abort when they fail, but for those that return an error. */
struct sample_machine *sample_machine_new(void);
void sample_machine_free(struct sample_machine *s);

/* A sealed memfd; the caller's. */
int sample_sealed(const struct sut_buf *b);

/* What one run of suture-apply would do, and what it returned. err may be NULL. */
int sample_stage(const struct sample_machine *s, int n, struct sut_err *err);
int sample_stage_fds(const struct sample_machine *s, int n, int patch_fd, int sig_fd,
		     struct sut_err *err);
int sample_apply(const struct sample_machine *s, int n, struct sut_err *err);
int sample_unload(const struct sample_machine *s, struct sut_err *err);
int sample_settle(const struct sample_machine *s, struct sut_err *err);
int sample_boot_verb(const struct sample_machine *s, struct sut_err *err);
int sample_shutdown_verb(const struct sample_machine *s, struct sut_err *err);
/* A request as root; *ret (may be NULL) the answer. */
int sample_verb(const struct sample_machine *s, json_t *request, json_t **ret, struct sut_err *err);

/* Level of what runs; 0: nothing. */
int sample_runs(const struct sample_machine *s);
void sample_guard(const struct sample_machine *s, struct guard *ret);
json_t *sample_state(const struct sample_machine *s);

/* The next boot of the machine, then suture-apply boot. clean: it was shut down in order before. */
void sample_next_boot(const struct sample_machine *s, bool clean, const char *cmdline);

/* --- libraries --- */

/*
 * suture-process as suture-apply sees it, in a process of its own that does nothing to anybody. What it was told last is
 * ROOT/process-set.json, so that it may be killed and started anew at any time: {"sha256": [...], "exclude": …, "init": …}. In
 * ROOT/process.json a test says what it sees: {"processes": [{"pid", "comm", "build_id"}], "unpatched": {WORD: count}, "fail": "REASON"}.
 */
void sample_process_start(struct sample_machine *s);
void sample_process_stop(struct sample_machine *s);
/* n: index into library; is it what the daemon was told last? */
bool sample_process_has(const struct sample_machine *s, int n);
/* How many it was told of; -1: it was told nothing yet. */
int sample_process_count(const struct sample_machine *s);

int sample_lib_stage(const struct sample_machine *s, int n, struct sut_err *err);
int sample_lib_stage_fds(const struct sample_machine *s, int n, int patch_fd, int sig_fd,
			 bool insecure, struct sut_err *err);
int sample_lib_apply(const struct sample_machine *s, int n, struct sut_err *err);
int sample_lib_unload(const struct sample_machine *s, const char *build_id, struct sut_err *err);
int sample_lib_settle(const struct sample_machine *s, struct sut_err *err);
/* suture-apply libraries */
int sample_lib_feed(const struct sample_machine *s, struct sut_err *err);
void sample_lib_build_id(int n, char ret[41]);
void sample_lib_guard(const struct sample_machine *s, int n, struct guard *ret);
/* n stands its probation. */
void sample_lib_make_good(const struct sample_machine *s, int n);

/* n stands its probation. */
void sample_make_good(const struct sample_machine *s, int n);

void sample_write(const struct sample_machine *s, const char *path, const char *text,
		  unsigned int mode);

#endif
