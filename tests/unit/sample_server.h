/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for tests of its calls: a fresh, migrated database (SQLite, and PostgreSQL when there is a server), two
 * tenants with a user and a token of each role, staff, and a clock that stands. No sockets: web_handle().
 */
#ifndef SUTURE_TESTS_SAMPLE_SERVER_H
#define SUTURE_TESTS_SAMPLE_SERVER_H

#include <jansson.h>

#include "auth/token.h"
#include "sample_db.h"
#include "web/server.h"
#include "web/web.h"

enum { SAMPLE_NOW = 1795000000 /* 2026-11-18T10:26:40Z */ };

enum sample_role {
	SAMPLE_VIEWER,
	SAMPLE_OPERATOR,
	SAMPLE_RELEASE,
	SAMPLE_KEYS,
	SAMPLE_ADMIN,
	SAMPLE_AUDITOR,
	SAMPLE_ROLES
};

struct sample_tenant {
	int64_t id;
	const char *name; /* "alpha", "beta" */
	/* API tokens, one of each role; the users are called "alpha-viewer", "alpha-operator" … */
	char token[SAMPLE_ROLES][SUT_TOKEN_MAX];
	int64_t user[SAMPLE_ROLES];
};

struct sample_server {
	struct sample_db db;
	const struct server_program *program;
	struct server *p;
	struct sut_db *c; /* a connection of the test's own, outside a transaction */
	int64_t now;	  /* what the server takes for the time */
	struct sample_tenant tenant[2];
	char staff
		[SUT_TOKEN_MAX]; /* token of the user "root": staff and admin, of the tenant "default" */
	int64_t staff_user, staff_tenant;
	/* the last answer */
	int status;
	json_t *json; /* NULL when the body is none */
	struct web_resp r;
	/* Headers of the next call alone; ends with NULL. */
	const char *headers[9];
	size_t nheaders;
	const char *peer; /* of all calls; NULL: 127.0.0.1 */
};

/* Changes the settings, which begin a record of the program's: see sample_portal.h. */
typedef void sample_configure(struct server_conf *c);

/* configure: NULL, or sets more than the defaults. */
void sample_server_new(const struct server_program *program, enum sut_db_engine engine,
		       sample_configure *configure, struct sample_server *s);
void sample_server_drop(struct sample_server *s);
/* Closes the server and opens another on the same database. */
void sample_server_again(struct sample_server *s, sample_configure *configure);

/* A second process on the same database, with so many reader threads (0: none). Free it by server_freep(). */
struct server *sample_server_another(struct sample_server *s, unsigned int readers);

/* Makes a call and returns its status. token: NULL for none; json: text of the body, NULL for none. */
int sample_call(struct sample_server *s, const char *method, const char *target, const char *token,
		const char *json);
/* The same with a body that is no JSON. */
int sample_call_raw(struct sample_server *s, const char *method, const char *target,
		    const char *token, const void *body, size_t len);
/* Goes with the next call: sample_header(s, "Idempotency-Key: 1"). The text has to live so long. */
void sample_header(struct sample_server *s, const char *header);

/* "code" of the last answer when it is a problem, else "". */
const char *sample_code(const struct sample_server *s);
/* A string of the last answer by its name; fails the test when there is none. */
const char *sample_text(const struct sample_server *s, const char *name);
int64_t sample_int(const struct sample_server *s, const char *name);
/* The value of a header of the last answer; NULL. */
const char *sample_answer_header(const struct sample_server *s, const char *name);

/* The one number that a statement without parameters gives. */
int64_t sample_number(struct sample_server *s, const char *sql);
/* A statement without rows and parameters that must work. */
void sample_sql(struct sample_server *s, const char *sql);

/* A user with roles ("viewer operator"), and a token of his with the same. */
int64_t sample_user(struct sample_server *s, int64_t tenant, const char *name, const char *roles,
		    bool staff, char ret_token[static SUT_TOKEN_MAX]);
int64_t sample_tenant_new(struct sample_server *s, const char *name);

/* The call must have had this status; otherwise the test fails and shows the answer. */
#define assert_status(s, want)                                                                     \
	do {                                                                                       \
		if ((s)->status != (want))                                                         \
			fail_msg("status %d instead of %d: %s", (s)->status, (want),               \
				 sut_buf_str(&(s)->r.raw));                                        \
	} while (0)
/* It is the problem with this code. */
#define assert_problem(s, want, word)                                                              \
	do {                                                                                       \
		assert_status(s, want);                                                            \
		assert_string_equal(sample_code(s), word);                                         \
	} while (0)

/* Cases run on each engine; *state is a struct sample_server. */
struct sample_server_case {
	const char *name;
	void (*run)(void **state);
	sample_configure *configure; /* may be NULL */
	enum sut_db_engine only;     /* 0: both */
};
int sample_server_run(const struct server_program *program, const struct sample_server_case *cases,
		      size_t n);

#endif
