/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registration key, as those need it who enrol systems with it or move them to it.
 *
 * How many systems a key has is counted in its row, which the counting locks: so a limit holds however
 * many portals enrol at once, and nothing is ever counted by reading all systems.
 */
#ifndef SUTURE_PORTAL_FLEET_KEY_H
#define SUTURE_PORTAL_FLEET_KEY_H

#include "auth/token.h"
#include "fleet/check.h"
#include "web/web.h"

struct fleet_key {
	int64_t id, tenant;
	char uid[SUT_UID_LEN + 1];
	bool customer;	     /* of the kind "customer" */
	bool advisory;	     /* its limit only warns */
	int64_t max_systems; /* -1: no limit */
	int64_t expires;     /* 0: never */
	int64_t revoked;     /* 0: no */
	unsigned int products;
	int64_t feed;
	char feed_name[WEB_NAME_MAX + 1];
	char tenant_name[WEB_NAME_MAX + 1];
	bool tenant_disabled;
	json_t *networks, *tags; /* owned */
};

/* 1: *ret is it (release it); 0: there is none. */
int fleet_key_by_hash(struct sut_db *db, const uint8_t hash[static SUT_TOKEN_HASH],
		      struct fleet_key *ret, struct sut_err *err) _must_check_;
int fleet_key_by_customer(struct sut_db *db, int64_t tenant, const char *customer_id,
			  struct fleet_key *ret, struct sut_err *err) _must_check_;
int fleet_key_by_uid(struct sut_db *db, int64_t tenant, const char *uid, struct fleet_key *ret,
		     struct sut_err *err) _must_check_;
int fleet_key_by_id(struct sut_db *db, int64_t tenant, int64_t id, struct fleet_key *ret,
		    struct sut_err *err) _must_check_;
/* The one with a customer id that is only in one tenant, for callers of whom no tenant is known. 0 when
 * there are several, too. */
int fleet_key_by_any_customer(struct sut_db *db, const char *customer_id, struct fleet_key *ret,
			      struct sut_err *err) _must_check_;
void fleet_key_release(struct fleet_key *k);
#define _cleanup_key_ _cleanup_(fleet_key_release)

/* Whether it may be used now: 0, or what web_problem() returned ("tenant-disabled", "key-revoked",
 * "key-expired", "product-not-covered"). */
int fleet_key_refuse(const struct fleet_key *k, int64_t now, unsigned int products,
		     struct web_resp *r) _must_check_;
/* Is the address in its networks? Without networks every address is. */
bool fleet_key_network(const struct fleet_key *k, const char *address);

/* Counts one more system: 0; "key-limit" by web_problem() when a hard limit is reached. An advisory limit
 * that is passed gives an event and an entry in the audit log. */
int fleet_key_take(struct web_req *q, struct web_resp *r, const struct fleet_key *k,
		   struct sut_err *err) _must_check_;
/* Counts n systems less. */
int fleet_key_give(struct sut_db *db, int64_t tenant, int64_t key, int64_t n,
		   struct sut_err *err) _must_check_;

/* A feed that the tenant sees: its row id. 0: there is none of that name. < 0. */
int fleet_feed_find(struct sut_db *db, int64_t tenant, const char *name, int64_t *ret,
		    struct sut_err *err) _must_check_;

#endif
