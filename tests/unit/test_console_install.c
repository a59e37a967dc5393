// SPDX-License-Identifier: Apache-2.0
/* install/install.h: the line that adds a server, and the script behind it. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "install/install.h"
#include "sample_console.h"
#include "seal.h"
#include "web/selfsigned.h"

static char folder[200];

#define SECRET "sutkey_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define URL "https://console.example"
#define STRANGE "asset'7; $(touch /tmp/oops) \"`id`\""

static void with_url(struct server_conf *c)
{
	free(c->url);
	c->url = strdup(URL);
}

static void with_own_ca(struct server_conf *c)
{
	_cleanup_strv_ struct sut_strv names = {0};
	_cleanup_(sut_freep) char *key = sut_sprintf("%s/key.pem", folder);
	struct sut_err err = {0};

	with_url(c);
	c->tls_cert = sut_sprintf("%s/cert.pem", folder);
	(void)!unlink(c->tls_cert);
	(void)!unlink(key);
	assert_int_equal(sut_strv_add(&names, "console.example"), 0);
	assert_ok(selfsigned_write(c->tls_cert, key, &names, &err), err);
}

/* The key is sealed as link/keys.c does it. */
static void sample(struct sample_server *s)
{
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(4096);
	struct sut_err err = {0};
	char purpose[80];
	int64_t tenant = s->tenant[0].id;

	snprintf(purpose, sizeof(purpose), "key:%lld:0123456789abcdef", (long long)tenant);
	assert_ok(seal_put(sample_console(s)->seal, purpose, SECRET, strlen(SECRET), &sealed, &err),
		  err);
	assert_ok(sut_db_exec(s->c,
			      "INSERT INTO portals (tenant, url, token, ca, since) VALUES"
			      " ($1, 'https://portal.example', $2, 'PORTAL CA', 0)",
			      SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_B("x", 1)), NULL, &err),
		  err);
	assert_ok(sut_db_exec(s->c,
			      "INSERT INTO keys (uid, tenant, kind, secret, created, created_by)"
			      " VALUES ('0123456789abcdef', $1, 'random', $2, 0, 'x')",
			      SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_B(sealed.data, sealed.len)),
			      NULL, &err),
		  err);
	assert_ok(sut_db_exec(s->c,
			      "INSERT INTO enrolments (uid, tenant, key_uid, external_id, state,"
			      " created, created_by) VALUES ('e1', $1, '0123456789abcdef', $2,"
			      " 'waiting', 0, 'x')",
			      SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(STRANGE)), NULL, &err),
		  err);
}

static char *command(struct sample_server *s)
{
	struct web_req q = {.server = s->p, .db = s->c, .now = s->now};
	struct sut_err err = {0};
	char *line = NULL;

	q.who.tenant = s->tenant[0].id;
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(install_command(&q, sample_number(s, "SELECT id FROM enrolments"), &line, &err),
		  err);
	assert_ok(sut_db_commit(s->c, &err), err);
	return line;
}

/* "/install/sutins_…" of a line; to be freed. */
static char *target(const char *line)
{
	const char *at = strstr(line, URL);

	assert_non_null(at);
	at += strlen(URL);
	return strndup(at, strcspn(at, "'"));
}

static int get(struct sample_server *s, const char *line)
{
	_cleanup_(sut_freep) char *path = target(line);

	return sample_call(s, "GET", path, NULL, NULL);
}

/* The value that the script of the last answer has, as a shell sees it. */
static void assert_value(struct sample_server *s, const char *name, const char *want)
{
	_cleanup_buf_ struct sut_buf v = SUT_BUF_INIT(1 << 20);
	const char *text = sut_buf_str(&s->r.raw), *end = strstr(text, "# --- end of settings");
	_cleanup_(sut_freep) char *script = NULL;
	const char *argv[] = {"sh", NULL};
	struct sut_err err = {0};

	assert_non_null(end);
	script = sut_sprintf("%.*s\nprintf %%s \"$%s\"", (int)(end - text), text, name);
	assert_ok(sut_run_ok(
			  argv,
			  &(struct sut_run_opts){.in = script, .in_len = strlen(script), .out = &v},
			  &err),
		  err);
	if (want)
		assert_string_equal(sut_buf_str(&v), want);
	else
		assert_true(v.len > 40);
}

static void the_script_has_what_the_server_needs(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *line = NULL;

	sample(s);
	line = command(s);
	assert_true(sut_startswith(line, "curl -fsS '" URL "/install/sutins_"));
	assert_true(sut_endswith(line, "' | sh"));
	assert_int_equal(get(s, line), 200);
	assert_string_equal(s->r.type, "text/x-shellscript; charset=utf-8");
	assert_value(s, "console", URL);
	assert_value(s, "console_ca", "");
	assert_value(s, "portal", "https://portal.example");
	assert_value(s, "portal_ca", "PORTAL CA");
	assert_value(s, "external_id", STRANGE);
	assert_value(s, "suture_key", SECRET);
	assert_value(s, "job_key", NULL);
	assert_value(s, "key_id", NULL);
	/* Cut off, it does nothing. */
	assert_true(sut_endswith(sut_buf_str(&s->r.raw), "\nmain\n"));
	/* Not kept by anybody on the way. */
	assert_string_equal(s->r.cache_control ? s->r.cache_control : "no-store", "no-store");
}

/* It is a script that says why, and ends with 1. */
static void assert_refused(struct sample_server *s, const char *line, const char *why)
{
	_cleanup_buf_ struct sut_buf said = SUT_BUF_INIT(1 << 16);
	const char *argv[] = {"sh", NULL};
	struct sut_err err = {0};

	/* curl -f would give the shell nothing of any other status. */
	assert_int_equal(get(s, line), strstr(line, "/install/sutins_") ? 200 : 404);
	assert_null(strstr(sut_buf_str(&s->r.raw), SECRET));
	assert_int_equal(sut_run(argv,
				 &(struct sut_run_opts){.in = s->r.raw.data,
							.in_len = s->r.raw.len,
							.err_out = &said},
				 &err),
			 1);
	if (!strstr(sut_buf_str(&said), why))
		fail_msg("'%s' is not said: %s", why, sut_buf_str(&said));
}

static void only_the_hash_is_kept_and_a_new_line_ends_the_old(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *first = NULL, *second = NULL;

	sample(s);
	first = command(s);
	assert_int_equal(sample_number(s, "SELECT LENGTH(install_hash) FROM enrolments"), 32);
	assert_int_equal(get(s, first), 200);
	assert_int_equal(get(s, first), 200);
	second = command(s);
	assert_refused(s, first, "knows no such line");
	assert_int_equal(get(s, second), 200);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), SECRET));
}

static void lines_that_are_no_longer_good_say_so(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *line = NULL;

	sample(s);
	line = command(s);
	assert_refused(s, "curl '" URL "/install/x' | sh", "knows no such line");
	assert_refused(s, "'" URL "/install/sutins_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'",
		       "knows no such line");
	assert_refused(s, "'" URL "/install/" SECRET "'", "knows no such line");
	s->now += INSTALL_VALID_S;
	assert_refused(s, line, "expired");
	s->now -= 1;
	assert_int_equal(get(s, line), 200);
	sample_sql(s, "UPDATE keys SET revoked = 1");
	assert_refused(s, line, "revoked");
	sample_sql(s, "UPDATE keys SET revoked = NULL");
	sample_sql(s, "UPDATE enrolments SET state = 'active', seen = install_until - 86000");
	assert_refused(s, line, "registered already");
	/* Announced again, to be installed anew. */
	free(line);
	s->now += 3600;
	line = command(s);
	assert_int_equal(get(s, line), 200);
}

/* A server that never heard of the console's authority still speaks to nobody else. */
static void with_an_authority_of_its_own_the_line_pins_the_key(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *line = NULL, *want = NULL;
	_cleanup_buf_ struct sut_buf pin = SUT_BUF_INIT(1024);
	const char *argv[] = {
		"sh", "-c",
		"openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform "
		"DER | openssl dgst -sha256 -binary | base64 | tr -d '\\n'",
		NULL};
	struct sut_err err = {0};

	sample(s);
	line = command(s);
	assert_ok(sut_run_ok(argv, &(struct sut_run_opts){.cwd = folder, .out = &pin}, &err), err);
	want = sut_sprintf("curl -fsSk --pinnedpubkey 'sha256//%s' '" URL "/install/",
			   sut_buf_str(&pin));
	assert_true(sut_startswith(line, want));
	assert_int_equal(get(s, line), 200);
	assert_value(s, "console_ca", NULL);
}

static void without_its_own_address_there_is_no_line(void **state)
{
	struct sample_server *s = *state;
	struct web_req q = {.server = s->p, .db = s->c, .now = s->now};
	struct sut_err err = {0};
	char *line = NULL;

	sample(s);
	assert_int_equal(install_command(&q, 1, &line, &err), -EINVAL);
	assert_string_equal(err.reason, "install-not-configured");
}

static void no_url(struct server_conf *c)
{
	free(c->url);
	c->url = NULL;
}

int main(void)
{
	const struct sample_server_case cases[] = {
		{"the_script_has_what_the_server_needs", the_script_has_what_the_server_needs,
		 with_url, 0},
		{"only_the_hash_is_kept_and_a_new_line_ends_the_old",
		 only_the_hash_is_kept_and_a_new_line_ends_the_old, with_url, 0},
		{"lines_that_are_no_longer_good_say_so", lines_that_are_no_longer_good_say_so,
		 with_url, 0},
		{"with_an_authority_of_its_own_the_line_pins_the_key",
		 with_an_authority_of_its_own_the_line_pins_the_key, with_own_ca, 0},
		{"without_its_own_address_there_is_no_line",
		 without_its_own_address_there_is_no_line, no_url, 0},
	};
	_cleanup_(sut_freep) char *made = NULL;
	struct sut_err err = {0};
	int r;

	if (sut_tmpdir("install", &made, &err) < 0)
		return 1;
	snprintf(folder, sizeof(folder), "%s", made);
	r = SAMPLE_CONSOLE_RUN(cases);
	(void)!sut_rm_rf(folder, NULL);
	return r;
}
