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

enum { SAMPLE_PATCHES = 3 };

struct sample_machine {
	char *root;
	struct {
		char id[16]; /* "K1" has level 1, and so on */
		char sha256[SUT_SHA256_HEX];
		struct sut_buf file, sig;
	} patch[SAMPLE_PATCHES + 1]; /* from 1 */
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

/* n stands its probation. */
void sample_make_good(const struct sample_machine *s, int n);

void sample_write(const struct sample_machine *s, const char *path, const char *text,
		  unsigned int mode);

#endif
