/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A published repository on disk, with patches for several kernels and levels, for tests of a portal. The role
 * "kernel" is delegated, as suture-repo does it. It never fails: it aborts.
 */
#ifndef SUTURE_SAMPLE_RELEASE_H
#define SUTURE_SAMPLE_RELEASE_H

#include "portal.h"
#include "sample_repo.h"

#define SAMPLE_KERNEL_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SAMPLE_KERNEL_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct sample_release {
	char *dir; /* with metadata/, targets/, root.json */
	struct sample_repo *repo;
	json_t *kernel; /* the "signed" part of the delegated role */
	struct sample_tuf_key *key;
};

/* A patch to release. Zeros and NULL: "K<level>", 1795000000, one CVE made of the level, no banner. */
struct sample_patch_opts {
	const char *build_id;
	unsigned int level;
	const char *id, *created, *banner;
	const char *const *cves; /* ends with NULL */
	const char *path;	 /* of the target, when it is to be another */
	const char *requires;	 /* a word that nobody knows */
};

struct sample_release *sample_release_new(void);
void sample_release_free(struct sample_release *r);

/* Both show with the next publish. */
void sample_release_add(struct sample_release *r, const struct sample_patch_opts *o);
void sample_release_withdraw(struct sample_release *r, const char *build_id, unsigned int level);
/* Signs, and writes all files. */
void sample_release_publish(struct sample_release *r);
/* Flips the byte in the middle of a file below dir. */
void sample_release_damage(struct sample_release *r, const char *file);
/* The file of a target, "targets/kernel/…/HASH.kpatch.bin"; the caller frees. */
char *sample_release_file(struct sample_release *r, const char *build_id, unsigned int level);

/* The one that the functions below give to a portal. */
extern struct sample_release *sample_release_now;
void sample_release_configure(struct server_conf *c);
/* The same with a fresh one, instead of the one there was. */
void sample_release_fresh(struct server_conf *c);

#endif
