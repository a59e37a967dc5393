/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of users, sessions and tokens: users who log in. Include sample_portal.h first. */
#ifndef SUTURE_TESTS_ACCOUNTS_H
#define SUTURE_TESTS_ACCOUNTS_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

#define ACCOUNT_PASSWORD "tall blue lighthouse"

/* A call with a body made by printf. */
static inline int account_call(struct sample_server *s, const char *method, const char *target,
			       const char *token, const char *fmt, ...) _printf_(5, 6);
static inline int account_call(struct sample_server *s, const char *method, const char *target,
			       const char *token, const char *fmt, ...)
{
	char body[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(body, sizeof(body), fmt, ap);
	va_end(ap);
	return sample_call(s, method, target, token, body);
}

static inline int account_login(struct sample_server *s, const char *user, const char *password)
{
	return account_call(s, "POST", "/v1/sessions", NULL,
			    "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
}

/* Copies a text of the last answer. */
static inline void account_keep(const struct sample_server *s, const char *name, char *to,
				size_t size)
{
	(void)snprintf(to, size, "%s", sample_text(s, name));
}

/* Makes a user by the API; his one-time password goes to once. */
static inline void account_make(struct sample_server *s, const char *by, const char *name,
				const char *roles, char once[static 64])
{
	account_call(s, "POST", "/v1/users", by, "{\"name\":\"%s\",\"roles\":%s}", name, roles);
	assert_status(s, 201);
	account_keep(s, "password", once, 64);
}

/* Makes a user who has changed his password to ACCOUNT_PASSWORD and is logged in. */
static inline void account_user(struct sample_server *s, const char *by, const char *name,
				const char *roles, char session[static SUT_TOKEN_MAX])
{
	char once[64];

	account_make(s, by, name, roles, once);
	account_login(s, name, once);
	assert_status(s, 201);
	account_keep(s, "token", session, SUT_TOKEN_MAX);
	account_call(s, "POST", "/v1/password", session, "{\"old\":\"%s\",\"new\":\"%s\"}", once,
		     ACCOUNT_PASSWORD);
	assert_status(s, 204);
}

/* The text is nowhere in the files of the database. Of SQLite: PostgreSQL's are the server's. */
static inline void account_not_stored(struct sample_server *s, const char *secret)
{
	static const char *const files[] = {"test.db", "test.db-wal"};

	if (s->db.engine != SUT_DB_SQLITE)
		return;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", s->db.dir, files[i]);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);
		struct sut_err err = {0};

		assert_non_null(path);
		assert_ok(sut_file_read(path, &b, &err), err);
		if (b.len && memmem(b.data, b.len, secret, strlen(secret)))
			fail_msg("a secret is in %s", files[i]);
	}
}

#endif
