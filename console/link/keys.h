/* SPDX-License-Identifier: Apache-2.0 */
/* Registration keys: made at the portal, and kept here too, with the secret sealed. */
#ifndef SUTURE_CONSOLE_LINK_KEYS_H
#define SUTURE_CONSOLE_LINK_KEYS_H

#include "link/link.h"

/* A key that the portal made or changed, as it answered. In a WRITE transaction. secret: NULL for none. */
int link_key_keep(struct web_req *q, const json_t *key, const char *secret,
		  struct sut_err *err) _must_check_;

/* Adds the secret of a random key, or the name of a customer key, to *ret; wipe it. 1; 0: there is no such key, or it
 * is revoked. */
struct link_key {
	bool customer;
	struct sut_buf secret; /* or the customer's ID */
};
int link_key_read(struct console *c, struct sut_db *db, int64_t tenant, const char *uid,
		  struct link_key *ret, struct sut_err *err) _must_check_;

/* Counts of systems, revocations: as the portal has them now. A token that may not see keys changes nothing. Not in a
 * transaction. */
int link_keys_refresh(struct sut_db *db, const struct link *l, struct link_client *client,
		      struct sut_err *err) _must_check_;

/* An item of GET /v1/keys from a row of LINK_KEY_SELECT, whose column 0 is the row id. NULL when memory is short. */
#define LINK_KEY_SELECT                                                                            \
	"SELECT id, uid, kind, note, customer_id, feed, products, max_systems, limit_kind,"        \
	" systems, hint, expires, created, created_by, revoked, version FROM keys"
json_t *link_key_json(const struct sut_db_rows *row);

#endif
