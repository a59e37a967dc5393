/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is trusted at one moment: the client workflow (specification 1.0.34, section
 * 5.3 to 5.6) as a state machine over bytes. No file, no network, no clock: the caller brings them.
 *
 * Order: new (root), any number of root, root_done, timestamp, snapshot, targets. A call out
 * of order is -EPROTO. A call that fails changes nothing.
 *
 * Reasons in errors: "signatures", "version", "rollback", "expired", "hash", "length",
 * "missing", "format".
 */
#ifndef SUTURE_TUF_TRUSTED_H
#define SUTURE_TUF_TRUSTED_H

#include "tuf/meta.h"

struct sut_tuf_trusted;

/* From the root that came with the program or was persisted: it must be signed by
 * a threshold of its own keys. Its expiry does not matter yet. now: seconds since the epoch, fixed for all that
 * follows. */
int sut_tuf_trusted_new(const void *root, size_t len, int64_t now, struct sut_tuf_trusted **ret,
			struct sut_err *err) _must_check_;
void sut_tuf_trusted_free(struct sut_tuf_trusted *t);
void sut_tuf_trusted_freep(struct sut_tuf_trusted **t);

/* 5.3.4, 5.3.5: signed by thresholds of the old and the new keys, version exactly one more.
 * -EALREADY when it has the version of the trusted one: that stays, and the update goes on with it. */
int sut_tuf_trusted_root(struct sut_tuf_trusted *t, const void *data, size_t len,
			 struct sut_err *err) _must_check_;

/* 5.3.10: not expired. Roots are fixed from here on. */
int sut_tuf_trusted_root_done(struct sut_tuf_trusted *t, struct sut_err *err) _must_check_;

/* 5.3.11: have keys of timestamp or snapshot gone since sut_tuf_trusted_new()? Then what is
 * persisted of both is to be deleted. Note: it must also be detected when an earlier run died between
 * persisting a root and deleting; so the caller deletes files that no longer verify, too. */
bool sut_tuf_trusted_rotated(const struct sut_tuf_trusted *t);

/*
 * 5.4. local: it is the persisted one, which may be expired and is only there for
 * rollback checks. Returns 0 when it is new and now trusted, 1 when it has the version
 * of the trusted one (which stays; nothing to persist). Rollback of the timestamp and of the snapshot
 * version in it are refused. Expiry is checked unless local.
 */
int sut_tuf_trusted_timestamp(struct sut_tuf_trusted *t, const void *data, size_t len, bool local,
			      struct sut_err *err) _must_check_;

/* 5.5. local: the persisted one. Returns 0 when it is the one the timestamp names and may be used. When it
 * is not (another version, another length or hash, or expired) it is kept for rollback checks only:
 * returns 1, and the new one must be fetched. Requires that the trusted timestamp is not expired. */
int sut_tuf_trusted_snapshot(struct sut_tuf_trusted *t, const void *data, size_t len, bool local,
			     struct sut_err *err) _must_check_;

/* 5.6: a targets file of `role`, verified by the keys of `delegator` ("root" for role "targets").
 * Trusted under (role, delegator): the same role of another delegator is verified anew, and must
 * be the same file. What is trusted already stays where it is. */
int sut_tuf_trusted_targets(struct sut_tuf_trusted *t, const char *role, const char *delegator,
			    const void *data, size_t len, struct sut_err *err) _must_check_;

/* NULL when not (yet) trusted. Owned by t. */
const struct sut_tuf_meta *sut_tuf_trusted_get(const struct sut_tuf_trusted *t,
					       enum sut_tuf_type type);
const struct sut_tuf_meta *sut_tuf_trusted_role(const struct sut_tuf_trusted *t, const char *role,
						const char *delegator);

#endif
