// SPDX-License-Identifier: Apache-2.0
#include "account/accounts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "crypto/sha256.h"

json_t *account_roles_json(unsigned int roles)
{
	json_t *list = json_array();

	for (unsigned int bit = 1; list && bit <= SUT_ROLE_ALL; bit <<= 1)
		if ((roles & bit) && json_array_append_new(list, json_string(sut_role_name(bit)))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

unsigned int account_roles_of(const char *text)
{
	unsigned int roles = 0;

	/* A role that a newer portal knows gives no rights here. */
	return text && sut_roles_parse(text, &roles, NULL) == 0 ? roles : 0;
}

unsigned int account_roles_wide(unsigned int roles)
{
	return roles & SUT_ROLE_ADMIN ? SUT_ROLE_ALL : roles;
}

int account_roles_take(struct web_resp *r, const json_t *list, const char *pointer,
		       unsigned int *ret)
{
	unsigned int roles = 0;
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) {
		const char *name = json_string_value(item);
		unsigned int bit = 1;

		while (bit <= SUT_ROLE_ALL && !(name && strcmp(name, sut_role_name(bit)) == 0))
			bit <<= 1;
		if (bit > SUT_ROLE_ALL) {
			char where[64];

			(void)snprintf(where, sizeof(where), "%s/%zu", pointer, i);
			return web_bad_field(r, where,
					     "this is no role; there are viewer, operator, "
					     "release-manager, key-manager, admin and auditor");
		}
		roles |= bit;
	}
	*ret = roles;
	return 0;
}

int account_roles_may_give(const struct web_req *q, struct web_resp *r, unsigned int roles)
{
	unsigned int missing = roles & ~account_roles_wide(q->who.roles);
	char names[96];

	if (!missing)
		return 0;
	sut_roles_format(missing, names);
	return web_problem(r, 403, "role-not-yours",
			   "Only roles that you have can be given; you do not have: %s. Leave them "
			   "out, or ask an admin.",
			   names);
}

void account_throttle_init(struct account_throttle *t, const char *user, bool known,
			   const char *peer)
{
	char hex[SUT_SHA256_HEX], text[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	sut_sha256_hex(user, strlen(user), hex);
	(void)snprintf(t->user, sizeof(t->user), "user:%s%s", known ? "" : "?", known ? user : hex);
	(void)snprintf(t->address, sizeof(t->address), "address:%s", peer);
	if (inet_pton(AF_INET6, peer, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
		return;
	memset(v6.s6_addr + 8, 0, 8);
	if (inet_ntop(AF_INET6, &v6, text, sizeof(text)))
		(void)snprintf(t->address, sizeof(t->address), "address:%s/64", text);
}

int account_throttle_wait(struct web_req *q, const struct account_throttle *t, bool lock,
			  int64_t *ret, struct sut_err *err)
{
	static const char look[] =
		"SELECT blocked_until FROM login_failures WHERE subject IN ($1, $2) ORDER BY subject";
	static const char hold[] =
		"SELECT blocked_until FROM login_failures WHERE subject IN ($1, $2) "
		"ORDER BY subject FOR UPDATE";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t wait = 0;
	int k;

	k = sut_db_query(q->db, lock && sut_db_engine(q->db) == SUT_DB_PGSQL ? hold : look,
			 SUT_DB_ARGS(SUT_DB_T(t->user), SUT_DB_T(t->address)), &rows, err);
	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		if (sut_db_int(rows, 0) - q->now > wait)
			wait = sut_db_int(rows, 0) - q->now;
	if (k < 0)
		return k;
	*ret = wait;
	return 0;
}

static int count(struct web_req *q, const char *subject, int free, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int64_t over, wait = ACCOUNT_WAIT_FIRST_SEC;
	int k;

	k = sut_db_one(q->db,
		       "INSERT INTO login_failures (subject, failures, last, blocked_until) "
		       "VALUES ($1, 1, $2, 0) ON CONFLICT (subject) DO UPDATE SET "
		       "failures = CASE WHEN login_failures.last < $3 THEN 1 "
		       "ELSE login_failures.failures + 1 END, last = $2 RETURNING failures",
		       SUT_DB_ARGS(SUT_DB_T(subject), SUT_DB_I(q->now),
				   SUT_DB_I(q->now - ACCOUNT_FORGET_SEC)),
		       &row, err);
	if (k < 0)
		return k;
	over = row ? sut_db_int(row, 0) - free : 0;
	if (over < 0)
		return 0;
	while (over-- > 0 && wait < ACCOUNT_WAIT_MAX_SEC)
		wait *= 2;
	if (wait > ACCOUNT_WAIT_MAX_SEC)
		wait = ACCOUNT_WAIT_MAX_SEC;
	return sut_db_exec(q->db, "UPDATE login_failures SET blocked_until = $2 WHERE subject = $1",
			   SUT_DB_ARGS(SUT_DB_T(subject), SUT_DB_I(q->now + wait)), NULL, err);
}

int account_throttle_failed(struct web_req *q, const struct account_throttle *t,
			    struct sut_err *err)
{
	/* In the order of account_throttle_wait(): "address:" before "user:", so that portals do not wait for
	 * each other. */
	int k = count(q, t->address, ACCOUNT_ADDRESS_FREE, err);

	return k < 0 ? k : count(q, t->user, ACCOUNT_PASSWORD_FREE, err);
}

int account_throttle_cleared(struct web_req *q, const struct account_throttle *t,
			     struct sut_err *err)
{
	return sut_db_exec(q->db, "DELETE FROM login_failures WHERE subject = $1",
			   SUT_DB_ARGS(SUT_DB_T(t->user)), NULL, err);
}

int account_throttle_problem(struct web_resp *r, int64_t wait, struct sut_err *err)
{
	int k = web_problem(r, 429, "too-many-attempts",
			    "Too many wrong passwords. Wait %lld seconds and try again.",
			    (long long)wait);

	if (sut_strv_addf(&r->headers, "Retry-After: %lld", (long long)wait) < 0)
		return sut_err_oom(err);
	return k;
}
