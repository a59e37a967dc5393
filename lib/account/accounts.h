/* SPDX-License-Identifier: Apache-2.0 */
/* What users, sessions and tokens have in common: roles in JSON, and the brake on guessing. */
#ifndef SUTURE_ACCOUNT_ACCOUNTS_H
#define SUTURE_ACCOUNT_ACCOUNTS_H

#include "web/web.h"

enum {
	ACCOUNT_PASSWORD_FREE = 5,  /* wrong passwords of a user before waiting begins */
	ACCOUNT_ADDRESS_FREE = 20,  /* from an address: many users may share one */
	ACCOUNT_WAIT_FIRST_SEC = 5, /* doubles with each further failure */
	ACCOUNT_WAIT_MAX_SEC =
		15 * 60, /* nobody is locked out for good by somebody else's guesses */
	ACCOUNT_FORGET_SEC = 24 * 60 * 60, /* failures so old do not count */
};

/* ["viewer", …] of a mask, or of its text in the database. NULL when memory is short. */
json_t *account_roles_json(unsigned int roles);
/* The mask of the text in the database. ADMIN stays alone: account_roles_of_user() widens it. */
unsigned int account_roles_of(const char *text);
/* What somebody with these roles may do and hand on: ADMIN is all of them. */
unsigned int account_roles_wide(unsigned int roles);
/* A list in a request. 0, or what web_bad_field() returns, with pointer to the word that is no role. */
int account_roles_take(struct web_resp *r, const json_t *list, const char *pointer,
		       unsigned int *ret) _must_check_;
/* Roles that the caller may not give are a problem: 403 "role-not-yours". */
int account_roles_may_give(const struct web_req *q, struct web_resp *r,
			   unsigned int roles) _must_check_;

/*
 * Wrong passwords are counted by user and by address (an IPv6 address by its /64), in the database, so all
 * portals count together. While a subject waits, no password is looked at and nothing is counted.
 */
struct account_throttle {
	char user[WEB_NAME_MAX + 64];
	char address[64];
};
/* known: the user exists. The names of others are stored hashed: people type passwords there by mistake. */
void account_throttle_init(struct account_throttle *t, const char *user, bool known,
			   const char *peer);
/* Seconds to wait, 0: none. lock: of WEB_WRITE calls; other portals wait for the end of this transaction. */
int account_throttle_wait(struct web_req *q, const struct account_throttle *t, bool lock,
			  int64_t *ret, struct sut_err *err) _must_check_;
int account_throttle_failed(struct web_req *q, const struct account_throttle *t,
			    struct sut_err *err) _must_check_;
/* The user got in: forgets his failures. Those of the address stay, else one good account would reset them. */
int account_throttle_cleared(struct web_req *q, const struct account_throttle *t,
			     struct sut_err *err) _must_check_;
/* 429 "too-many-attempts" with Retry-After. */
int account_throttle_problem(struct web_resp *r, int64_t wait, struct sut_err *err) _must_check_;

#endif
