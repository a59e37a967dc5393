/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change to the metadata on its way from the first edit to its publication.
 *
 * The pending change is the file DIR/staged/change.json, written whole or not at all, and the target files
 * it adds, in DIR/staged/files/. change.json is all that an offline machine needs: it
 * holds each file before and after, and the files that say who must sign. Signatures
 * are added there; copies signed by several people at the same time are merged.
 *
 * Nothing in a change is trusted: publish.h verifies the whole repository as a client
 * would, and needs neither names nor notes of this file for that.
 */
#ifndef SUTURE_REPO_CHANGE_H
#define SUTURE_REPO_CHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/key.h"
#include "base/str.h"
#include "repo.h"

enum {
	SUT_CHANGE_MAX = 256 << 20,	 /* bytes of change.json */
	SUT_CHANGE_ROLES_MAX = 20000,	 /* files in one change */
	SUT_CHANGE_FILES_MAX = 100000,	 /* target files in one change */
	SUT_CHANGE_TARGET_MAX = 1 << 30, /* bytes of one of them */
};

struct sut_change {
	json_t *doc;	       /* change.json */
	json_t *places;	       /* path: its index in "files" of doc; made when it is asked for */
	struct sut_repo *repo; /* NULL on an offline machine */
};

/* One group of keys of which a threshold must sign one file. A new root needs two groups: the old keys and the new. */
struct sut_change_need {
	const char *role; /* strings point into the change */
	const char *why;  /* "root", "new root", "targets", "kernel" … : who vouches for it */
	uint32_t threshold, have;
	struct sut_strv missing; /* names (or ids) of keys of the group that have not signed */
	struct sut_strv ids;	 /* their ids */
};

struct sut_change_needs {
	struct sut_change_need *v;
	size_t n;
	size_t unmet; /* groups below their threshold */
};

/* Parses change.json; a pure function of bytes. -EBADMSG (reason "change"). */
int sut_change_parse(const void *data, size_t len, struct sut_change **ret,
		     struct sut_err *err) _must_check_;
int sut_change_format(const struct sut_change *c, struct sut_buf *out,
		      struct sut_err *err) _must_check_;
void sut_change_free(struct sut_change *c);
void sut_change_freep(struct sut_change **c);

/* The pending change of an open repository, or a new, empty one. One that was published already (a killed
 * run) is removed; one that was made for an older state is an error: -ESTALE. */
int sut_change_open(struct sut_repo *repo, struct sut_change **ret,
		    struct sut_err *err) _must_check_;
bool sut_change_pending(const struct sut_repo *repo); /* is there a file */
bool sut_change_empty(const struct sut_change *c);

/*
 * The "signed" part of the role in this change, to be edited in place. The first call
 * makes it: a copy of what is published with the next version and a fresh expiry, or the first
 * file of a role that was not there. Its signatures are gone from then on. *ret is borrowed.
 */
int sut_change_edit(struct sut_change *c, const char *role, json_t **ret,
		    struct sut_err *err) _must_check_;

/* The "signed" part as it will be: of the change, or else what is published. NULL when there is none. Borrowed; not
 * to be edited. */
const json_t *sut_change_peek(const struct sut_change *c, const char *role);

/* Adds a file below public/, e.g. "targets/kernel/…/HASH.kpatch.bin". It is written to DIR/staged/files at once, and
 * appears at its place when the change is published. */
int sut_change_add_file(struct sut_change *c, const char *path, const void *data, size_t len,
			struct sut_err *err) _must_check_;

/* The entry of that file ("path", "sha256", "length"), borrowed, in *ret; NULL when the change does not add it. */
int sut_change_file(struct sut_change *c, const char *path, const json_t **ret,
		    struct sut_err *err) _must_check_;

/* Edits every role whose published file would not be accepted any more once this change is, because its keys or its
 * threshold change, so that it is signed anew. Called by sut_change_save(). */
int sut_change_settle(struct sut_change *c, struct sut_err *err) _must_check_;

/* Settles, checks the form of every file with lib/tuf, and writes DIR/staged/change.json. */
int sut_change_save(struct sut_change *c, struct sut_err *err) _must_check_;

/* Who must sign, and who has. */
int sut_change_needs(const struct sut_change *c, struct sut_change_needs *ret,
		     struct sut_err *err) _must_check_;
void sut_change_needs_release(struct sut_change_needs *n);

/* Signs every file for which the key counts and that it has not signed. *ret_n: how many. */
int sut_change_sign(struct sut_change *c, const struct sut_privkey *key, size_t *ret_n,
		    struct sut_err *err) _must_check_;

/* Takes signatures of another copy of the same change. -ESTALE when it is of another one. */
int sut_change_merge(struct sut_change *c, const struct sut_change *other, size_t *ret_n,
		     struct sut_err *err) _must_check_;

/* Removes the pending change, which is published now. */
int sut_change_done(struct sut_repo *repo, struct sut_err *err) _must_check_;

/* Drops the pending change and its files. -EBUSY when a part of it may be public already. */
int sut_change_abandon(struct sut_repo *repo, struct sut_err *err) _must_check_;

#endif
