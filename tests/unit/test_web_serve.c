// SPDX-License-Identifier: Apache-2.0
/* The portal behind real sockets. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "http/http.h"
#include "sample_frame.h"
#include "sample_portal.h"
#include "web/serve.h"

/* Standard error of the portal goes to a file meanwhile. */
struct served {
	struct sample_server *s;
	char url[64];
	int saved, log;
};

static void start(struct sample_server *s, struct served *v)
{
	struct sut_err err = {0};
	char *path = sut_sprintf("%s/log", s->db.dir);

	sample_frame(s);
	assert_non_null(path);
	v->s = s;
	fflush(stderr);
	v->saved = dup(STDERR_FILENO);
	v->log = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	free(path);
	assert_true(v->saved >= 0 && v->log >= 0);
	dup2(v->log, STDERR_FILENO);
	assert_ok(serve_start(s->p, NULL, 0, &err), err);
	snprintf(v->url, sizeof(v->url), "http://127.0.0.1:%u", sut_httpd_port(s->p->httpd, 0));
}

/* Ends it; what it logged is in *ret. */
static void stop(struct served *v, struct sut_buf *ret)
{
	serve_stop(v->s->p);
	dup2(v->saved, STDERR_FILENO);
	close(v->saved);
	lseek(v->log, 0, SEEK_SET);
	*ret = SUT_BUF_INIT(1 << 20);
	assert_int_equal(sut_file_read_fd(v->log, "log", ret, NULL), 0);
	close(v->log);
}

static int ask(struct served *v, const char *method, const char *path, const char *token,
	       const char *body, struct sut_http_answer *ret)
{
	char authorization[SUT_TOKEN_MAX + 32], url[256];
	const char *headers[] = {"Content-Type: application/json", token ? authorization : NULL,
				 NULL};
	struct sut_http *h = NULL;
	struct sut_err err = {0};

	snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
		 token ? token : "");
	snprintf(url, sizeof(url), "%s%s", v->url, path);
	assert_ok(sut_http_new(NULL, &h, &err), err);
	*ret = (struct sut_http_answer){.body = SUT_BUF_INIT(1 << 20)};
	assert_ok(
		sut_http_request(h, method, url, headers, body, body ? strlen(body) : 0, ret, &err),
		err);
	sut_http_free(h);
	return ret->status;
}

static void configure(struct server_conf *c)
{
	c->readers = 2;
	c->access_log = SERVER_LOG_ALL;
	assert_int_equal(sut_strv_add(&c->listen, "127.0.0.1:0"), 0);
}

static void calls_come_and_go_over_sockets(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf log = {0};
	struct sut_http_answer a;
	struct served v;

	start(s, &v);
	assert_int_equal(ask(&v, "POST", "/t/note", s->tenant[0].token[SAMPLE_OPERATOR],
			     "{\"text\": \"x\"}", &a),
			 201);
	assert_string_equal(a.etag, "\"v1\"");
	sut_buf_release(&a.body);
	assert_int_equal(
		ask(&v, "GET", "/t/list?limit=1", s->tenant[0].token[SAMPLE_VIEWER], NULL, &a),
		200);
	assert_string_equal(sut_buf_str(&a.body), "{\"items\":[\"x\"],\"next\":null}\n");
	sut_buf_release(&a.body);
	assert_int_equal(ask(&v, "GET", "/t/etag", NULL, NULL, &a), 200);
	assert_string_equal(a.etag, "\"v7\"");
	assert_string_equal(a.type, "application/json");
	sut_buf_release(&a.body);
	assert_int_equal(ask(&v, "GET", "/t/nothing", NULL, NULL, &a), 404);
	assert_string_equal(a.type, "application/problem+json");
	sut_buf_release(&a.body);
	stop(&v, &log);
}

static void the_log_has_what_matters_and_no_secret(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf log = {0};
	const char *token = s->tenant[0].token[SAMPLE_OPERATOR];
	struct sut_http_answer a;
	struct served v;
	json_t *line = NULL;
	char *save = NULL;
	unsigned int n = 0;

	start(s, &v);
	ask(&v, "POST", "/t/note", token, "{\"text\": \"secret-in-body\"}", &a);
	sut_buf_release(&a.body);
	ask(&v, "GET", "/t/list?x=secret-in-query", token, NULL, &a);
	sut_buf_release(&a.body);
	ask(&v, "GET", "/t/allow/any", "sutapi_secret-in-token", NULL, &a);
	sut_buf_release(&a.body);
	ask(&v, "GET", "/t/secret-in-path", NULL, NULL, &a);
	sut_buf_release(&a.body);
	stop(&v, &log);
	assert_null(strstr(sut_buf_str(&log), "secret"));
	assert_null(strstr(sut_buf_str(&log), token));
	for (char *l = strtok_r((char *)log.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		line = json_loads(l, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(line);
		if (sut_streq(json_string_value(json_object_get(line, "route")), "/t/note")) {
			n++;
			assert_string_equal(json_string_value(json_object_get(line, "status")),
					    "201");
			assert_string_equal(json_string_value(json_object_get(line, "actor")),
					    "alpha-operator");
			assert_string_equal(json_string_value(json_object_get(line, "tenant")),
					    "alpha");
			assert_string_equal(json_string_value(json_object_get(line, "method")),
					    "POST");
			assert_int_equal(
				strlen(json_string_value(json_object_get(line, "request_id"))),
				SUT_HTTPD_REQUEST_ID);
		}
		json_decref(line);
	}
	assert_int_equal(n, 1);
}

static void a_body_that_is_too_large_is_refused_before_it_came(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf log = {0};
	struct sut_http_answer a;
	struct served v;
	char *body = malloc(WEB_BODY_MAX + 2);

	assert_non_null(body);
	memset(body, ' ', WEB_BODY_MAX + 1);
	body[WEB_BODY_MAX + 1] = '\0';
	start(s, &v);
	assert_int_equal(ask(&v, "POST", "/t/raw", NULL, body, &a), 413);
	sut_buf_release(&a.body);
	assert_int_equal(ask(&v, "POST", "/t/raw-big", NULL, body, &a), 200);
	assert_int_equal(a.body.len, WEB_BODY_MAX + 1);
	sut_buf_release(&a.body);
	stop(&v, &log);
	free(body);
}

static void who_sends_a_large_body_is_asked_before_it_comes(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf log = {0};
	struct sut_http_answer a;
	struct served v;
	char *body = malloc(WEB_BODY_MAX + 2);
	const struct {
		const char *token;
		int status;
	} callers[] = {
		{NULL, 401},
		{"sutapi_nobody", 401},
		{s->tenant[0].token[SAMPLE_VIEWER], 403},
		{s->tenant[0].token[SAMPLE_OPERATOR], 200},
	};

	assert_non_null(body);
	memset(body, ' ', WEB_BODY_MAX + 1);
	body[WEB_BODY_MAX + 1] = '\0';
	start(s, &v);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(callers); i++) {
		assert_int_equal(ask(&v, "POST", "/t/raw-big/own", callers[i].token, body, &a),
				 callers[i].status);
		if (callers[i].status != 200)
			assert_string_equal(a.type, "application/problem+json");
		else
			assert_int_equal(a.body.len, WEB_BODY_MAX + 1);
		sut_buf_release(&a.body);
	}
	stop(&v, &log);
	free(body);
}

static void tokens_do_not_travel_in_the_clear_by_accident(void **state)
{
	static const struct {
		const char *listen;
		int want;
	} cases[] = {
		{"0.0.0.0:0", -EPERM}, {"[::]:0", -EPERM}, {":0", -EPERM},
		{"127.0.0.1:0", 0},    {"127.5.0.1:0", 0},
	};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct sut_err err = {0};
		int r;

		sut_strv_release(&sample_portal(s)->conf.s.listen);
		assert_int_equal(sut_strv_add(&sample_portal(s)->conf.s.listen, cases[i].listen),
				 0);
		r = serve_start(s->p, NULL, 0, &err);
		assert_int_equal(r, cases[i].want);
		if (r < 0) {
			assert_string_equal(err.reason, "conf");
			assert_says(err, "plain-http");
		}
		serve_stop(s->p);
	}
	sample_portal(s)->conf.s.plain_http = true;
	sut_strv_release(&sample_portal(s)->conf.s.listen);
	assert_int_equal(sut_strv_add(&sample_portal(s)->conf.s.listen, "0.0.0.0:0"), 0);
	assert_int_equal(serve_start(s->p, NULL, 0, NULL), 0);
	serve_stop(s->p);
}

static void inherited_sockets_are_looked_at_as_well(void **state)
{
	struct sample_server *s = *state;

	for (int local = 0; local < 2; local++) {
		struct sockaddr_in a = {.sin_family = AF_INET};
		struct sut_err err = {0};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

		a.sin_addr.s_addr = htonl(local ? INADDR_LOOPBACK : INADDR_ANY);
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_int_equal(listen(fd, 10), 0);
		r = serve_start(s->p, &fd, 1, &err);
		assert_int_equal(r, local ? 0 : -EPERM);
		serve_stop(s->p);
		close(fd);
	}
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, configure, 0                                                                \
	}
	static const struct sample_server_case cases[] = {
		CASE(calls_come_and_go_over_sockets),
		CASE(the_log_has_what_matters_and_no_secret),
		CASE(who_sends_a_large_body_is_asked_before_it_comes),
		{"a_body_that_is_too_large_is_refused_before_it_came",
		 a_body_that_is_too_large_is_refused_before_it_came, configure, SUT_DB_SQLITE},
		{"tokens_do_not_travel_in_the_clear_by_accident",
		 tokens_do_not_travel_in_the_clear_by_accident, configure, SUT_DB_SQLITE},
		{"inherited_sockets_are_looked_at_as_well", inherited_sockets_are_looked_at_as_well,
		 configure, SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
