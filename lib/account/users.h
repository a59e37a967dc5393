/* SPDX-License-Identifier: Apache-2.0 */
/* Making a user, which creating a tenant does too. */
#ifndef SUTURE_ACCOUNT_USERS_H
#define SUTURE_ACCOUNT_USERS_H

#include "auth/password.h"
#include "web/web.h"

/* A one-time password, made in `prepare`, because hashing it takes long. */
struct account_once {
	char password[32];
	char hash[SUT_PASSWORD_HASH_MAX];
};
int account_once_make(struct account_once **ret, struct sut_err *err) _must_check_;
void account_once_free(void *once); /* wipes it */

struct account_user_new {
	int64_t tenant;
	const char *name, *title;
	unsigned int roles;
	bool staff;
	const struct account_once *once; /* NULL: a service account, without password */
};
/* Inserts the user and writes the audit entry. WEB_NO with 409 "exists" when the name is taken. *ret: as GET
 * shows it, and "password". */
int account_user_make(struct web_req *q, struct web_resp *r, const struct account_user_new *u,
		      json_t **ret, struct sut_err *err) _must_check_;

#endif
