/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches in the metadata (docs/internals/repository.md): each is a target at
 *
 *   kernel/BUILDID/LEVEL/kpatch.bin   one level
 *   kernel/BUILDID/kpatch.bin         the highest level that is released
 *
 * and those of libraries at library/BUILDID/LEVEL/upatch.bin and library/BUILDID/upatch.bin,
 * with the file, and its .sig beside it, under public/targets. What agents want to know before they
 * download is in "custom" of the entry.
 */
#ifndef SUTURE_REPO_RELEASE_H
#define SUTURE_REPO_RELEASE_H

#include "change.h"
#include "patch/container.h"
#include "patch/manifest.h"
#include "patch/modsign.h"

enum {
	SUT_RELEASE_CVES_MAX = 64,	 /* named in an entry; the manifest has them all */
	SUT_RELEASE_SUPERSEDES_MAX = 16, /* ids of earlier levels */
	SUT_RELEASE_REASON_MAX = 500,	 /* bytes of a reason */
};

/* A patch file that was read and checked whole. */
struct sut_release_file {
	char *path;
	struct sut_buf data, sig;
	struct sut_patch *patch;
	struct sut_manifest *manifest;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	char sha256[SUT_SHA256_HEX];
};

/* Container, manifest and the table or payload of each object. key (may be NULL): payloads for kernels get the kernel's
 * module signature, so data is another file then; the patch of a library stays as it is. Errors name the file. */
int sut_release_open(const char *path, const struct sut_modsign_key *key,
		     struct sut_release_file *ret, struct sut_err *err) _must_check_;
void sut_release_close(struct sut_release_file *f);

/* Makes f->sig. now: seconds since the epoch. */
int sut_release_sign(struct sut_release_file *f, const struct sut_privkey *key, int64_t now,
		     struct sut_err *err) _must_check_;

/* Takes f->sig from a file that was made elsewhere; by a key of the repository (keys/NAME.minisign.pub
 * or the public half of key), and for this very patch. */
int sut_release_take_sig(struct sut_release_file *f, const char *path, const struct sut_pubkey *key,
			 struct sut_err *err) _must_check_;

/* One patch that is released. */
struct sut_release {
	bool library;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	uint32_t level;
	const char *id, *target, *arch; /* of custom; "" when it does not say */
	const char *sha256;
	int64_t length;
	json_t *entry; /* of the targets file; one reference */
};

struct sut_releases {
	struct sut_release *v; /* kernels, then libraries; by build-id, then level */
	size_t n;
};

/* As they will be with this change. */
int sut_releases_read(const struct sut_change *c, struct sut_releases *ret,
		      struct sut_err *err) _must_check_;
void sut_releases_release(struct sut_releases *r);

/*
 * What is released, grouped by kernel, and who is in charge of which path: read once for all the patches
 * of a run. It knows what is added through it. No other edit of the change while there is one.
 */
struct sut_release_plan;

int sut_release_plan_new(struct sut_change *c, struct sut_release_plan **ret,
			 struct sut_err *err) _must_check_;
void sut_release_plan_free(struct sut_release_plan *p);
void sut_release_plan_freep(struct sut_release_plan **p);

struct sut_release_opts {
	const char *reason; /* why a level that is not higher is released; NULL: it is refused */
	bool dry_run;	    /* no file is copied; the change must not be saved */
};

/*
 * Adds the file, its signature and its entries to the change.
 *   -EEXIST (reason "lower-level")  the level is not above what is released, and there is no reason
 *   -EALREADY                       just this file is released at this level
 *   -EINVAL (reason "signature")    it is not signed yet
 */
int sut_release_add(struct sut_release_plan *p, const struct sut_release_file *f,
		    const struct sut_release_opts *o, struct sut_err *err) _must_check_;

/* "kernel", "library": the first part of the paths; the last one is sut_patch_file_name(). */
const char *sut_release_folder(bool library);

/* Takes one level out, of the kernel or library with that build-id. *ret_latest: the level that is the highest now, 0 for none. -ENOENT. The files stay. */
int sut_release_withdraw(struct sut_change *c, const char *build_id, uint32_t level,
			 uint32_t *ret_latest, struct sut_err *err) _must_check_;

#endif
