// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "sample_server.h"

enum { CASES_MAX = 128 };

static int64_t sample_clock(void *ctx)
{
	return ((struct sample_server *)ctx)->now;
}

static struct server *open_server(const struct sample_server *s, unsigned int readers,
				  sample_configure *configure)
{
	const struct server_conf_desc *d = s->program->conf;
	struct server_conf *conf = calloc(1, d->size);
	struct server *p = NULL;
	struct sut_err err = {0};

	assert_non_null(conf);
	assert_ok(server_conf_init(d, conf, &err), err);
	free(conf->database);
	conf->database = strdup(s->db.url);
	assert_non_null(conf->database);
	conf->url = strdup("https://portal.example");
	conf->readers = readers;
	if (configure)
		configure(conf);
	assert_ok(s->program->open(conf, &p, &err), err);
	server_conf_release(d, conf);
	free(conf);
	return p;
}

struct server *sample_server_another(struct sample_server *s, unsigned int readers)
{
	return open_server(s, readers, NULL);
}

/* Calls run in the thread of the test. */
static void open_first(struct sample_server *s, sample_configure *configure)
{
	s->p = open_server(s, 0, configure);
	s->p->clock = sample_clock;
	s->p->clock_ctx = s;
}

static int64_t insert(struct sample_server *s, const char *sql, const struct sut_db_arg *args,
		      size_t n)
{
	_cleanup_(sut_db_rows_freep) struct sut_db_rows *rows = NULL;
	struct sut_err err = {0};

	assert_ok(sut_db_one(s->c, sql, args, n, &rows, &err), err);
	assert_non_null(rows);
	return sut_db_int(rows, 0);
}

int64_t sample_tenant_new(struct sample_server *s, const char *name)
{
	return insert(s, "INSERT INTO tenants (name, created) VALUES ($1, $2) RETURNING id",
		      SUT_DB_ARGS(SUT_DB_T(name), SUT_DB_I(s->now)));
}

int64_t sample_user(struct sample_server *s, int64_t tenant, const char *name, const char *roles,
		    bool staff, char ret_token[static SUT_TOKEN_MAX])
{
	char uid[SUT_UID_LEN + 1], hint[16];
	uint8_t hash[SUT_TOKEN_HASH];
	struct sut_err err = {0};
	int64_t user;

	assert_ok(sut_uid_make(uid, &err), err);
	user = insert(s,
		      "INSERT INTO users (uid, tenant, name, roles, staff, created)"
		      " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
		      SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant), SUT_DB_T(name), SUT_DB_T(roles),
				  SUT_DB_I(staff), SUT_DB_I(s->now)));
	assert_ok(sut_token_make(SUT_TOKEN_API, ret_token, &err), err);
	sut_token_hash(ret_token, hash);
	sut_token_hint(ret_token, hint);
	assert_ok(sut_uid_make(uid, &err), err);
	insert(s,
	       "INSERT INTO tokens (uid, tenant, user_id, kind, name, hash, hint, roles, created)"
	       " VALUES ($1, $2, $3, 'api', 'test', $4, $5, $6, $7) RETURNING id",
	       SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant), SUT_DB_I(user),
			   SUT_DB_B(hash, sizeof(hash)), SUT_DB_T(hint), SUT_DB_T(roles),
			   SUT_DB_I(s->now)));
	return user;
}

static void fill(struct sample_server *s)
{
	static const char *const tenants[] = {"alpha", "beta"};
	static const char *const roles[] = {"viewer",	   "operator", "release-manager",
					    "key-manager", "admin",    "auditor"};

	s->staff_tenant = sample_tenant_new(s, "default");
	s->staff_user = sample_user(s, s->staff_tenant, "root", "admin", true, s->staff);
	for (size_t i = 0; i < 2; i++) {
		s->tenant[i].name = tenants[i];
		s->tenant[i].id = sample_tenant_new(s, tenants[i]);
		for (size_t k = 0; k < SAMPLE_ROLES; k++) {
			char name[64];

			snprintf(name, sizeof(name), "%s-%s", tenants[i], roles[k]);
			s->tenant[i].user[k] = sample_user(s, s->tenant[i].id, name, roles[k],
							   false, s->tenant[i].token[k]);
		}
	}
}

void sample_server_new(const struct server_program *program, enum sut_db_engine engine,
		       sample_configure *configure, struct sample_server *s)
{
	struct sut_err err = {0};

	*s = (struct sample_server){.program = program, .now = SAMPLE_NOW};
	web_resp_release(&s->r);
	sample_db_new(engine, &s->db);
	s->c = sample_db_open(&s->db);
	assert_ok(sut_db_migrate(s->c, program->migrations, *program->nmigrations, 0, s->now, &err),
		  err);
	/* One transaction, for the sake of slow disks. */
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	fill(s);
	assert_ok(sut_db_commit(s->c, &err), err);
	open_first(s, configure);
}

void sample_server_again(struct sample_server *s, sample_configure *configure)
{
	server_freep(&s->p);
	open_first(s, configure);
}

void sample_server_drop(struct sample_server *s)
{
	server_freep(&s->p);
	sut_db_free(s->c);
	json_decref(s->json);
	web_resp_release(&s->r);
	sample_db_drop(&s->db);
	*s = (struct sample_server){0};
}

void sample_header(struct sample_server *s, const char *header)
{
	assert_true(s->nheaders + 3 < SUT_ARRAY_SIZE(s->headers));
	s->headers[s->nheaders++] = header;
}

static int call(struct sample_server *s, const char *method, const char *target, const char *token,
		const void *body, size_t len)
{
	char authorization[SUT_TOKEN_MAX + 32];
	const struct web_call c = {
		.method = method,
		.target = target,
		.headers = s->headers,
		.body = body,
		.len = len,
		.peer = s->peer,
	};

	if (token) {
		snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", token);
		sample_header(s, authorization);
	}
	json_decref(s->json);
	web_resp_release(&s->r);
	web_handle(s->p, &c, &s->r);
	memset(s->headers, 0, sizeof(s->headers));
	s->nheaders = 0;
	s->status = s->r.status;
	s->json = s->r.raw.len ? json_loadb((const char *)s->r.raw.data, s->r.raw.len, 0, NULL)
			       : NULL;
	return s->status;
}

int sample_call(struct sample_server *s, const char *method, const char *target, const char *token,
		const char *json)
{
	if (json)
		sample_header(s, "Content-Type: application/json");
	return call(s, method, target, token, json, json ? strlen(json) : 0);
}

int sample_call_raw(struct sample_server *s, const char *method, const char *target,
		    const char *token, const void *body, size_t len)
{
	return call(s, method, target, token, body, len);
}

const char *sample_code(const struct sample_server *s)
{
	const char *code = json_string_value(json_object_get(s->json, "code"));

	return s->status >= 400 && code ? code : "";
}

const char *sample_text(const struct sample_server *s, const char *name)
{
	const char *v = json_string_value(json_object_get(s->json, name));

	if (!v)
		fail_msg("there is no text '%s' in %s", name, sut_buf_str(&s->r.raw));
	return v;
}

int64_t sample_int(const struct sample_server *s, const char *name)
{
	const json_t *v = json_object_get(s->json, name);

	if (!json_is_integer(v))
		fail_msg("there is no number '%s' in %s", name, sut_buf_str(&s->r.raw));
	return json_integer_value(v);
}

const char *sample_answer_header(const struct sample_server *s, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < s->r.headers.n; i++)
		if (!strncasecmp(s->r.headers.v[i], name, n) && s->r.headers.v[i][n] == ':')
			return s->r.headers.v[i] + n + 1 + strspn(s->r.headers.v[i] + n + 1, " ");
	return NULL;
}

int64_t sample_number(struct sample_server *s, const char *sql)
{
	return insert(s, sql, SUT_DB_NONE);
}

void sample_sql(struct sample_server *s, const char *sql)
{
	struct sut_err err = {0};

	assert_ok(sut_db_script(s->c, sql, &err), err);
}

/* --- */

struct run {
	struct sample_server s;
	const struct sample_server_case *c;
	const struct server_program *program;
	enum sut_db_engine engine;
	char name[160];
};

static int setup(void **state)
{
	struct run *r = *state;

	sample_server_new(r->program, r->engine, r->c->configure, &r->s);
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	if (r->s.db.url)
		sample_server_drop(&r->s);
	return 0;
}

int sample_server_run(const struct server_program *program, const struct sample_server_case *cases,
		      size_t n)
{
	static const char *const prefix[] = {"", "sqlite", "pgsql"};
	static struct run runs[2 * CASES_MAX];
	static struct CMUnitTest tests[2 * CASES_MAX];
	size_t k = 0;

	if (n > CASES_MAX)
		return 1;
	for (enum sut_db_engine e = SUT_DB_SQLITE; e <= SUT_DB_PGSQL; e++)
		for (size_t i = 0; i < n; i++) {
			struct run *r = &runs[k];

			if (!sample_db_has(e) || (cases[i].only && cases[i].only != e))
				continue;
			*r = (struct run){.program = program, .c = &cases[i], .engine = e};
			snprintf(r->name, sizeof(r->name), "%s: %s", prefix[e], cases[i].name);
			/* The sample is the first member. */
			tests[k++] = (struct CMUnitTest){.name = r->name,
							 .test_func = cases[i].run,
							 .setup_func = setup,
							 .teardown_func = teardown,
							 .initial_state = r};
		}
	if (!sample_db_has(SUT_DB_PGSQL))
		printf("# without PostgreSQL: SUTURE_TEST_PG is not set (tests/pg.sh)\n");
	return _cmocka_run_group_tests(program->noun, tests, k, NULL, NULL);
}
