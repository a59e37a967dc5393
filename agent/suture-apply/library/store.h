/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of each library or program, below AGENT_LIBRARIES/BUILDID: staged patches (SHA256.upatch.bin, its .sig,
 * SHA256.json with what is told about it, SHA256.insecure when root applied it although nobody vouches), and wanted.json:
 * which of them is to run.
 *
 * wanted.json is a guard (guard.h), and so are its rules: it is durable before anything is done, and ends a probation. A
 * boot is no danger to a library, so it only begins the probation anew.
 */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_STORE_H
#define SUTURE_AGENT_APPLY_LIBRARY_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "suture-apply/apply.h"
#include "suture-apply/guard.h"
#include "suture-apply/stage.h"

enum { STORE_LIBRARIES_MAX = 256, STORE_BUILD_ID = 2 * SUTURE_BUILD_ID_LEN + 1 };

/* Is it 40 lower-case hexadecimal digits? */
bool store_is_build_id(const char *s);

/* Every build-id of which something is kept, in their order. No folder is an empty list. */
int store_list(const struct apply *a, struct sut_strv *ret, struct sut_err *err) _must_check_;

/* May root apply what nobody vouches for? -EPERM (reason "policy") where suture.conf forbids it. */
int store_insecure_allowed(const struct apply *a, struct sut_err *err) _must_check_;

/* Keeps a parsed patch; as stage_put(). -E2BIG: too many libraries. */
int store_keep(struct apply *a, const struct sut_loaded *l, const struct sut_trust *t, int patch_fd,
	       const struct sut_buf *sig, json_t **ret_facts, struct sut_err *err) _must_check_;

/* Which library is this staged patch for? -ENOENT (reason "not-staged"). */
int store_find(const struct apply *a, const char *sha256, char ret_build_id[static STORE_BUILD_ID],
	       struct sut_err *err) _must_check_;

/*
 * A staged patch, read and verified again. *ret_fd (may be NULL): the very bytes that were verified, in a sealed memfd of
 * the caller. -ENOENT (reason "not-staged").
 */
int store_open(struct apply *a, const char *build_id, const char *sha256, struct sut_loaded **ret,
	       struct sut_trust *ret_trust, int *ret_fd, struct sut_err *err) _must_check_;

/* What was told about it when it was staged. -ENOENT. */
int store_facts(const struct apply *a, const char *build_id, const char *sha256, json_t **ret,
		struct sut_err *err) _must_check_;

/* Removes what g does not name but the one called keep (NULL: none). */
void store_tidy(const struct apply *a, const char *build_id, const struct guard *g,
		const char *keep);

/* wanted.json: as guard_read() and guard_write(). */
int store_read(const struct apply *a, const char *build_id, struct guard *ret,
	       struct sut_err *err) _must_check_;
int store_write(const struct apply *a, const char *build_id, const struct guard *g,
		struct sut_err *err) _must_check_;

/* What is to run by it; its id is "" when nothing is. A pure function. */
const struct guard_patch *store_wanted(const struct guard *g);

#endif
