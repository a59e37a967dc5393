// SPDX-License-Identifier: Apache-2.0
/* web/cookie.c: browsers log in by a cookie, and no other site can use it. */
#include "unit.h"

#include <string.h>

#include "auth/password.h"
#include "sample_frame.h"
#include "sample_portal.h"
#include "web/metrics.h"
#include "web/router.h"

static struct server_program with_cookies;

static void set_up(struct sample_server *s)
{
	static const struct web_table none = {0};
	struct web_table tables[40];
	size_t n = 0;
	struct sut_err err = {0};
	char hash[SUT_PASSWORD_HASH_MAX], sql[512];

	with_cookies = *s->p->program;
	with_cookies.cookies = true;
	s->p->program = &with_cookies;
	sample_frame(s);
	for (; with_cookies.tables[n].name; n++)
		tables[n] = with_cookies.tables[n];
	tables[n++] = (struct web_table){"test", sample_frame_routes};
	tables[n] = none;
	web_router_free(sut_steal(s->p->router));
	assert_ok(web_router_new(tables, &s->p->router, &err), err);
	metrics_free(sut_steal(s->p->metrics));
	assert_ok(metrics_new("suture_test", s->p->router, &s->p->metrics, &err), err);
	assert_ok(sut_password_hash("long enough 17", hash, &err), err);
	snprintf(sql, sizeof(sql), "UPDATE users SET password = '%s' WHERE name = 'alpha-operator'",
		 hash);
	sample_sql(s, sql);
}

static char set_cookie[256], cookie[256];

/* Logs in; the browser's header is in cookie. */
static void login(struct sample_server *s)
{
	const char *v;

	sample_call(s, "POST", "/v1/sessions", NULL,
		    "{\"user\": \"alpha-operator\", \"password\": \"long enough 17\", "
		    "\"cookie\": true}");
	assert_status(s, 201);
	v = sample_answer_header(s, "Set-Cookie");
	assert_non_null(v);
	snprintf(set_cookie, sizeof(set_cookie), "%s", v);
	snprintf(cookie, sizeof(cookie), "Cookie: theme=dark; %.*s; x=y", (int)strcspn(v, ";"), v);
}

/* A call as a browser makes it: NULL leaves a header out. */
static int browse(struct sample_server *s, const char *method, const char *target,
		  const char *const headers[], const char *json)
{
	sample_header(s, cookie);
	for (size_t i = 0; headers && headers[i]; i++)
		sample_header(s, headers[i]);
	return sample_call(s, method, target, NULL, json);
}

static void a_browser_logs_in_by_a_cookie(void **state)
{
	struct sample_server *s = *state;

	set_up(s);
	login(s);
	assert_null(json_object_get(s->json, "token"));
	assert_string_equal(sample_text(s, "user"), "alpha-operator");
	assert_int_equal(strncmp(set_cookie, "__Host-suture-session=", 22), 0);
	assert_non_null(strstr(set_cookie, "; Path=/; HttpOnly; SameSite=Strict; Secure"));
	assert_null(strstr(set_cookie, "Domain"));
	assert_int_equal(browse(s, "GET", "/v1/whoami", NULL, NULL), 200);
	assert_string_equal(sample_text(s, "name"), "alpha-operator");
	/* Without it nobody is known, and a bearer's token is looked at first. */
	assert_int_equal(sample_call(s, "GET", "/v1/whoami", NULL, NULL), 401);
	sample_header(s, cookie);
	assert_int_equal(
		sample_call(s, "GET", "/v1/whoami", s->tenant[1].token[SAMPLE_VIEWER], NULL), 200);
	assert_string_equal(sample_text(s, "name"), "beta-viewer");
	/* Who does not ask for one gets a token and no cookie. */
	assert_int_equal(sample_call(s, "POST", "/v1/sessions", NULL,
				     "{\"user\": \"alpha-operator\", \"password\": "
				     "\"long enough 17\"}"),
			 201);
	assert_non_null(sample_text(s, "token"));
	assert_null(sample_answer_header(s, "Set-Cookie"));
}

static void what_changes_something_has_to_come_from_our_page(void **state)
{
	static const struct {
		const char *headers[4];
		int status;
	} cases[] = {
		{{NULL}, 403},
		{{"Suture-CSRF: 1"}, 403}, /* older browsers send Origin with each POST */
		{{"Origin: https://portal.example"}, 403},
		{{"Sec-Fetch-Site: same-origin"}, 403},
		{{"Suture-CSRF: 2", "Sec-Fetch-Site: same-origin"}, 403},
		{{"Suture-CSRF: 1", "Origin: https://evil.example"}, 403},
		{{"Suture-CSRF: 1", "Origin: null"}, 403},
		{{"Suture-CSRF: 1", "Origin: "}, 403},
		{{"Suture-CSRF: 1", "Origin: http://portal.example"}, 403},
		{{"Suture-CSRF: 1", "Origin: https://portal.example.evil.example"}, 403},
		{{"Suture-CSRF: 1", "Origin: https://portal.exampl"}, 403},
		{{"Suture-CSRF: 1", "Origin: https://portal.example:8443"}, 403},
		{{"Suture-CSRF: 1", "Origin: https://portal.example/"}, 403},
		{{"Suture-CSRF: 1", "Sec-Fetch-Site: cross-site", "Origin: https://portal.example"},
		 403},
		{{"Suture-CSRF: 1", "Sec-Fetch-Site: same-site", "Origin: https://portal.example"},
		 403},
		{{"Suture-CSRF: 1", "Sec-Fetch-Site: none"}, 403},
		{{"Suture-CSRF: 1", "Host: a.example", "Origin: http://b.example"}, 403},
		{{"Suture-CSRF: 1", "Host: ", "Origin: http://"}, 403},
		{{"Suture-CSRF: 1", "Origin: https://portal.example"}, 201},
		{{"Suture-CSRF: 1", "Origin: HTTPS://Portal.Example"}, 201},
		{{"Suture-CSRF: 1", "Host: localhost:8443", "Origin: http://localhost:8443"}, 201},
		{{"Suture-CSRF: 1", "Sec-Fetch-Site: same-origin"}, 201},
	};
	struct sample_server *s = *state;

	set_up(s);
	login(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		browse(s, "POST", "/t/note", cases[i].headers, "{\"text\": \"x\"}");
		if (s->status != cases[i].status)
			fail_msg("case %zu: %d", i, s->status);
		if (s->status == 403)
			assert_string_equal(sample_code(s), "csrf");
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM notes"), 4);
	/* A token needs none of it. */
	assert_int_equal(sample_call(s, "POST", "/t/note", s->tenant[0].token[SAMPLE_OPERATOR],
				     "{\"text\": \"x\"}"),
			 201);
	/* And looking needs none either. */
	assert_int_equal(
		browse(s, "GET", "/t/list", (const char *[]){"Origin: https://evil", NULL}, NULL),
		200);
}

static void logging_out_ends_the_session_and_the_cookie(void **state)
{
	static const char *const ours[] = {"Suture-CSRF: 1", "Sec-Fetch-Site: same-origin", NULL};
	struct sample_server *s = *state;
	const char *v;

	set_up(s);
	login(s);
	assert_int_equal(browse(s, "DELETE", "/v1/sessions/current", NULL, NULL), 403);
	assert_int_equal(browse(s, "DELETE", "/v1/sessions/current", ours, NULL), 204);
	v = sample_answer_header(s, "Set-Cookie");
	assert_non_null(v);
	assert_string_equal(v, "__Host-suture-session=; Path=/; HttpOnly; SameSite=Strict; Secure; "
			       "Max-Age=0");
	browse(s, "GET", "/v1/whoami", NULL, NULL);
	assert_problem(s, 401, "token-unknown");
	/* A session that is over is not in the way of the next. */
	browse(s, "POST", "/v1/sessions", ours,
	       "{\"user\": \"alpha-operator\", \"password\": \"long enough 17\", \"cookie\": true}");
	assert_status(s, 201);
}

static void another_site_logs_nobody_in(void **state)
{
	static const char body[] = "{\"user\": \"alpha-operator\", \"password\": "
				   "\"long enough 17\", \"cookie\": true}";
	struct sample_server *s = *state;

	set_up(s);
	sample_header(s, "Origin: https://evil.example");
	sample_call(s, "POST", "/v1/sessions", NULL, body);
	assert_problem(s, 403, "csrf");
	sample_header(s, "Sec-Fetch-Site: cross-site");
	sample_call(s, "POST", "/v1/sessions", NULL, body);
	assert_problem(s, 403, "csrf");
	assert_null(sample_answer_header(s, "Set-Cookie"));
}

static void a_cookie_that_is_none_is_nobody(void **state)
{
	struct sample_server *s = *state;
	char text[256];

	set_up(s);
	login(s);
	/* Another name, another prefix, an API token, nothing. */
	snprintf(text, sizeof(text), "Cookie: suture-session%s", strchr(set_cookie, '='));
	sample_header(s, text);
	sample_call(s, "GET", "/v1/whoami", NULL, NULL);
	assert_problem(s, 401, "token-missing");
	snprintf(text, sizeof(text), "Cookie: __Host-suture-session=%s",
		 s->tenant[0].token[SAMPLE_ADMIN]);
	sample_header(s, text);
	sample_call(s, "GET", "/v1/whoami", NULL, NULL);
	assert_problem(s, 401, "token-missing");
	sample_header(s, "Cookie: __Host-suture-session=; ; ;=");
	sample_call(s, "GET", "/v1/whoami", NULL, NULL);
	assert_problem(s, 401, "token-missing");
}

static void plain(struct server_conf *c)
{
	free(c->url);
	c->url = NULL;
}

static void without_tls_the_cookie_has_a_plain_name(void **state)
{
	static const char *const ours[] = {"Suture-CSRF: 1", "Host: 127.0.0.1:8080",
					   "Origin: http://127.0.0.1:8080", NULL};
	struct sample_server *s = *state;

	set_up(s);
	login(s);
	assert_int_equal(strncmp(set_cookie, "suture-session=", 15), 0);
	assert_null(strstr(set_cookie, "Secure"));
	assert_non_null(strstr(set_cookie, "; HttpOnly; SameSite=Strict"));
	assert_int_equal(browse(s, "POST", "/t/note", ours, "{\"text\": \"x\"}"), 201);
}

static void a_program_without_cookies_knows_none(void **state)
{
	struct sample_server *s = *state;

	set_up(s);
	login(s);
	with_cookies.cookies = false;
	browse(s, "GET", "/v1/whoami", NULL, NULL);
	assert_problem(s, 401, "token-missing");
	sample_call(s, "POST", "/v1/sessions", NULL,
		    "{\"user\": \"alpha-operator\", \"password\": \"long enough 17\", "
		    "\"cookie\": true}");
	assert_problem(s, 422, "invalid-field");
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"a browser logs in by a cookie", a_browser_logs_in_by_a_cookie, NULL, 0},
		{"what changes something has to come from our page",
		 what_changes_something_has_to_come_from_our_page, NULL, 0},
		{"logging out ends the session and the cookie",
		 logging_out_ends_the_session_and_the_cookie, NULL, 0},
		{"another site logs nobody in", another_site_logs_nobody_in, NULL, SUT_DB_SQLITE},
		{"a cookie that is none is nobody", a_cookie_that_is_none_is_nobody, NULL,
		 SUT_DB_SQLITE},
		{"without TLS the cookie has a plain name", without_tls_the_cookie_has_a_plain_name,
		 plain, SUT_DB_SQLITE},
		{"a program without cookies knows none", a_program_without_cookies_knows_none, NULL,
		 SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
