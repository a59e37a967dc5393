/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A published repository for tests: root 2 of 3, targets 1 of 1, the role "kernel" (kernel/x/x and kernel/x/x/x),
 * online keys; all made by suture-repo's own code, with the online roles signed by the test. It
 * never fails: it aborts.
 */
#ifndef SUTURE_SAMPLE_PUBLISHED_H
#define SUTURE_SAMPLE_PUBLISHED_H

#include "change.h"

#define SAMPLE_PUBLISHED_NOW INT64_C(1795000000) /* 2026-11-18T11:06:40Z */

struct sample_published {
	char *dir;
	struct sut_repo *repo;
};

struct sample_published *sample_published_new(void);
void sample_published_free(struct sample_published *s);
void sample_published_freep(struct sample_published **s);
#define _cleanup_sample_published_ _cleanup_(sample_published_freep)

/* Writes the files of the change, and a snapshot and a timestamp that have them; not the staged folder. */
void sample_published_publish(struct sample_published *s, const struct sut_change *c);
/* Opens it again. */
void sample_published_reopen(struct sample_published *s);

/* A key of DIR/keys, without passphrase. */
struct sut_privkey *sample_published_key(const struct sample_published *s, const char *name);
void sample_published_sign(const struct sample_published *s, struct sut_change *c, const char *key);
struct sut_change *sample_published_change(const struct sample_published *s);

#endif
