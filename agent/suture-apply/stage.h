/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staged patches: verified, and kept beside the guard of the kernel build they are for, as
 * AGENT_KERNELS/BUILDID/SHA256.kpatch.bin and SHA256.kpatch.bin.sig, with SHA256.json, the few facts that are
 * told about it. Nothing that is not there is ever applied, and what is there is verified again each time.
 * Patches of libraries have a store of their own (library/store.h).
 */
#ifndef SUTURE_AGENT_APPLY_STAGE_H
#define SUTURE_AGENT_APPLY_STAGE_H

#include <jansson.h>

#include "apply.h"
#include "guard.h"
#include "kernel/loaded.h"
#include "kernel/trust.h"

enum { STAGE_PATCH_MAX = 64 << 20, STAGE_SIG_MAX = 4096, STAGE_FACTS_MAX = 1 << 20 };

/* Where one patch is, and what is told about it. */
struct stage_place {
	struct agent_path dir, patch, sig, facts;
};
/* end: of the patch's name. */
void stage_place_in(const struct agent_path *dir, const char *sha256, const char *end,
		    struct stage_place *ret);
/* Durable when it returns: facts, signature, patch, in this order. */
int stage_keep(const struct stage_place *p, int patch_fd, const struct sut_buf *sig,
	       const json_t *facts, struct sut_err *err) _must_check_;
int stage_read_facts(const struct agent_path *file, const char *sha256, json_t **ret,
		     struct sut_err *err) _must_check_;
json_t *stage_facts_of(const struct sut_loaded *l, const struct sut_trust *t);
bool stage_is_sha256(const char *s);
/* The digest of a name of one of our files; false for any other name. */
bool stage_digest_of(const char *name, char ret[static SUT_SHA256_HEX]);
int stage_not_staged(const char *sha256, struct sut_err *err);
/* Parses what somebody vouches for. t: of the bytes. */
int stage_parse(struct sut_loaded *l, struct sut_trust *t, const char *name,
		struct sut_err *err) _must_check_;

/*
 * Patch and signature from two memfds, which must be sealed against every change (-EPERM, reason "unsealed"),
 * be no longer than the limits above, and hold what sha256 says (-EBADMSG, reason "digest"). Reasons of the
 * rest: those of trust.h, loaded.h and kernel.h. *ret_facts: {"id", "level", "cves", "sha256", "signed_by",
 * "released_at"}, the caller's; of a library also "kind", "build_id" and "soname". Durable when it returns.
 * insecure_local: root's word that nobody needs to vouch; only for libraries, and only where suture.conf allows it.
 */
int stage_put(struct apply *a, int patch_fd, int sig_fd, const char *sha256, bool insecure_local,
	      json_t **ret_facts, struct sut_err *err) _must_check_;

/*
 * A staged patch, read and verified again. -ENOENT (reason "not-staged") when it is not there. Give *ret to
 * sut_loaded_free().
 */
int stage_open(struct apply *a, const char *sha256, struct sut_loaded **ret,
	       struct sut_trust *ret_trust, struct sut_err *err) _must_check_;

/* What was told about it when it was staged: for people and files, nothing is decided by it. -ENOENT. */
int stage_facts(struct apply *a, const char *sha256, json_t **ret,
		struct sut_err *err) _must_check_;

/* Which staged patch of the running kernel has this id and level? -ENOENT. For what was applied by hand. */
int stage_find(struct apply *a, const char *id, uint32_t level, char ret[static SUT_SHA256_HEX],
	       struct sut_err *err) _must_check_;

/* Removes what the guard does not name (as now or good) but the one called keep (NULL: none), and what is
 * applied. Failing is no error of the caller's work. */
void stage_tidy(struct apply *a, const struct guard *g, const char *keep);

/* Name, level and digest, as the guard has them. */
void stage_guard_patch(const struct sut_loaded *l, struct guard_patch *ret);

/* The whole content of a sealed memfd. name: for messages. */
int stage_sealed(int fd, size_t max, const char *name, struct sut_buf *out,
		 struct sut_err *err) _must_check_;

#endif
