/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata folder as the signer sees it: root and every delegated role that can be reached,
 * verified as a client does it. The folder belongs to others; nothing in it is believed.
 */
#ifndef SUTURE_REPO_SIGNER_VIEW_H
#define SUTURE_REPO_SIGNER_VIEW_H

#include <stdbool.h>

#include "base/buf.h"
#include "tuf/trusted.h"

enum { SUT_VIEW_BYTES_MAX = 64 << 20 /* of all roles together */ };

struct sut_view_role {
	char *name;
	int64_t version;
	struct sut_buf text;
	struct sut_tuf_meta *meta;
	char sha256[SUT_DIGEST_HEX_MAX];
};

/* role is delegated to by delegator (indexes; delegator -1: root). */
struct sut_view_edge {
	int delegator, role;
};

struct sut_view {
	int dir;			 /* open folder, or -1: there is none */
	struct sut_tuf_trusted *trusted; /* roots only; root_done is the caller's */
	const struct sut_tuf_meta *root; /* of trusted */
	struct sut_buf root_text;	 /* the newest one of the folder: no staged one */
	struct sut_view_role *roles;	 /* "targets" first; a delegator before its roles */
	size_t nroles;
	struct sut_view_edge *edges; /* all of them, in the same order */
	size_t nedges;
	json_t *index; /* name -> index */
	size_t bytes;
};

/* Opens the folder and follows the chain of roots from start. staged (may be NULL) is
 * one more root, after those of the folder; one that is there already is fine.
 * A folder that is not there holds nothing. Whether the root has expired is not looked at. Errors of trusted.h. */
int sut_view_open(const char *metadata, const struct sut_buf *start, const char *staged,
		  size_t staged_len, int64_t now, struct sut_view *ret,
		  struct sut_err *err) _must_check_;

/* Which version of a role is wanted; less than 0 is passed on. */
struct sut_view_ask {
	int (*version)(void *ctx, const char *role, int64_t *ret, struct sut_err *err);
	void *ctx;
};

/* Reads and verifies targets and whatever can be reached from it, each against the keys of everybody who
 * delegates to it. Expiry is the caller's business. */
int sut_view_roles(struct sut_view *v, const struct sut_view_ask *ask,
		   struct sut_err *err) _must_check_;

/* NULL when it was not reached. */
const struct sut_view_role *sut_view_role(const struct sut_view *v, const char *name);

/* Adds the file of the folder. -ENOENT; -EFBIG beyond out->max; -EPERM for what is not a file. */
int sut_view_read(const struct sut_view *v, const char *name, struct sut_buf *out,
		  struct sut_err *err) _must_check_;
void sut_view_release(struct sut_view *v);

#endif
