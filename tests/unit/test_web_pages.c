// SPDX-License-Identifier: Apache-2.0
/* web/pages.h: what browsers get, and that they get nothing else. */
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sample_frame.h"
#include "sample_portal.h"
#include "web/metrics.h"
#include "web/pages.h"
#include "web/router.h"
#include "web/serve.h"

#define CSP                                                                                        \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "       \
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "             \
	"form-action 'none'; frame-ancestors 'none'\r\n"

static const struct web_table tables[] = {{"pages", web_pages}, {"test", sample_frame_routes}, {0}};

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	struct sut_err err = {0};

	assert_non_null(path);
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
}

/* The folder of the test has pages/ and, beside it, a secret. */
static void set_up(struct sample_server *s)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/pages", s->db.dir);
	_cleanup_(sut_freep) char *assets = sut_sprintf("%s/pages/assets", s->db.dir);
	_cleanup_(sut_freep) char *link = sut_sprintf("%s/pages/link.txt", s->db.dir);
	struct sut_err err = {0};

	sample_frame(s);
	web_router_free(sut_steal(s->p->router));
	assert_ok(web_router_new(tables, &s->p->router, &err), err);
	metrics_free(sut_steal(s->p->metrics));
	assert_ok(metrics_new("suture_test", s->p->router, &s->p->metrics, &err), err);
	put(s->db.dir, "secret.txt", "secret");
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(assets, 0755), 0);
	put(dir, "index.html", "<!doctype html>the page");
	put(dir, "icon.svg", "<svg/>");
	put(dir, ".hidden.txt", "secret");
	put(dir, "nodot", "secret");
	put(assets, "index-BqK2x9aZ.js", "let a = 1");
	put(assets, "index-BqK2x9aZ.js.gz", "packed");
	put(assets, "plain.css", "a {}");
	assert_int_equal(symlink("../secret.txt", link), 0);
	s->p->files_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->p->files_fd >= 0);
	assert_ok(serve_start(s->p, NULL, 0, &err), err);
}

static char answer[8192];

/* All that the server says. */
static void ask(struct sample_server *s, const char *method, const char *target,
		const char *headers)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)sut_httpd_port(s->p->httpd, 0)),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_(sut_freep) char *text =
		sut_sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method,
			    target, headers);
	_cleanup_(sut_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n;

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	while ((n = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	/* Whatever happens, browsers do not guess. */
	assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
}

static int status(void)
{
	return (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
}

static bool says(const char *text)
{
	return strstr(answer, text) != NULL;
}

static void pages_are_one_page(void **state)
{
	static const char *const paths[] = {"/",	   "/systems", "/systems/4711/timeline",
					    "/index.html", "/nodot",   "/systems?q=a&unknown=1",
					    "/v1x",	   "/a%20b"};
	struct sample_server *s = *state;

	set_up(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++) {
		ask(s, "GET", paths[i], "");
		if (!says("HTTP/1.1 200 ") || !says("\r\n\r\n<!doctype html>the page"))
			fail_msg("%s: %s", paths[i], answer);
		assert_true(says("Content-Type: text/html; charset=utf-8\r\n"));
		assert_true(says(CSP));
		assert_true(says("Referrer-Policy: no-referrer\r\n"));
		assert_true(says("Cross-Origin-Opener-Policy: same-origin\r\n"));
		assert_true(says("Cache-Control: no-cache\r\n"));
		assert_true(says("ETag: \""));
		assert_false(says("secret"));
	}
	ask(s, "HEAD", "/jobs", "");
	assert_true(says("HTTP/1.1 200 ") && says(CSP) && !says("the page"));
	ask(s, "POST", "/jobs", "Content-Length: 0\r\n");
	assert_true(says("HTTP/1.1 405 "));
	serve_stop(s->p);
}

static void files_are_kept_by_the_browser(void **state)
{
	struct sample_server *s = *state;
	char etag[160], *p;

	set_up(s);
	ask(s, "GET", "/assets/index-BqK2x9aZ.js", "");
	assert_true(says("HTTP/1.1 200 ") && says("\r\n\r\nlet a = 1"));
	assert_true(says("Content-Type: text/javascript; charset=utf-8\r\n"));
	assert_true(says("Cache-Control: public, max-age=31536000, immutable\r\n"));
	assert_true(says("Vary: Accept-Encoding\r\n") && says(CSP));
	p = strstr(answer, "ETag: ");
	assert_non_null(p);
	snprintf(etag, sizeof(etag), "If-None-Match: %.*s\r\n", (int)strcspn(p + 6, "\r"), p + 6);
	ask(s, "GET", "/assets/index-BqK2x9aZ.js", etag);
	assert_true(says("HTTP/1.1 304 "));
	ask(s, "GET", "/assets/index-BqK2x9aZ.js", "Accept-Encoding: br, gzip\r\n");
	assert_true(says("Content-Encoding: gzip\r\n") && says("\r\n\r\npacked"));
	assert_true(says("Content-Type: text/javascript; charset=utf-8\r\n"));
	ask(s, "GET", "/assets/plain.css", "");
	assert_true(says("Cache-Control: no-cache\r\n") && says("Content-Type: text/css"));
	ask(s, "GET", "/icon.svg", "");
	assert_true(says("Content-Type: image/svg+xml\r\n"));
	serve_stop(s->p);
}

static void nothing_else_is_given(void **state)
{
	static const char *const paths[] = {
		"/secret.txt",
		"/../secret.txt",
		"/%2e%2e/secret.txt",
		"/..%2fsecret.txt",
		"/assets/../../secret.txt",
		"/assets/..%2f..%2fsecret.txt",
		"/%2fetc%2fpasswd.txt",
		"//etc/hosts.conf",
		"/link.txt",
		"/.hidden.txt",
		"/assets/.hidden.txt",
		"/assets/missing-BqK2x9aZ.js",
		"/index.html/x.txt",
		"/v1",
		"/v1/nothing",
		"/v1/systems/x.json",
	};
	struct sample_server *s = *state;

	set_up(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++) {
		ask(s, "GET", paths[i], "");
		/* Empty parts and dots may as well be the page: what matters is what is not there. */
		if (says("\r\n\r\nsecret") || says("root:") || (status() != 404 && status() != 400))
			fail_msg("%s: %s", paths[i], answer);
		if (status() == 404)
			assert_true(says("\"code\":\"not-found\"") ||
				    says("\"code\": \"not-found\""));
	}
	serve_stop(s->p);
	sut_closep(&s->p->files_fd);
	s->p->files_fd = -1;
	sample_call(s, "GET", "/systems", NULL, NULL);
	assert_problem(s, 503, "no-pages");
}

static void sockets(struct server_conf *c)
{
	c->access_log = SERVER_LOG_OFF;
	assert_int_equal(sut_strv_add(&c->listen, "127.0.0.1:0"), 0);
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"pages are one page", pages_are_one_page, sockets, SUT_DB_SQLITE},
		{"files are kept by the browser", files_are_kept_by_the_browser, sockets,
		 SUT_DB_SQLITE},
		{"nothing else is given", nothing_else_is_given, sockets, SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
