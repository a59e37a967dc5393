// SPDX-License-Identifier: Apache-2.0
/* sut_http_request(): calls of APIs, over TCP and unix sockets; and where it must not connect. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "http/internal.h"
#include "sample_httpd.h"

static struct sample_httpd site;

static struct sut_http *client(const struct sut_http_opts *opts)
{
	static const struct sut_http_opts impatient = {.total_sec = 10};
	struct sut_err err = {0};
	struct sut_http *h = NULL;

	assert_ok(sut_http_new(opts ? opts : &impatient, &h, &err), err);
	return h;
}

static const char *url(const char *path)
{
	static char u[512];

	snprintf(u, sizeof(u), "http://127.0.0.1:%u%s", site.port, path);
	return u;
}

static int start(void **state _unused_)
{
	setenv("no_proxy", "127.0.0.1,localhost", 1);
	sample_start(&site, NULL, NULL);
	return 0;
}

static int stop(void **state _unused_)
{
	if (site.h)
		sample_stop(&site);
	return 0;
}

/* What the server says it got. */
static void expect_echo(struct sut_http *h, const char *method, const char *body, const char *echo)
{
	static const char *const headers[] = {"Content-Type: application/json", "X-Any: 1", NULL};
	struct sut_http_answer a = {.body = SUT_BUF_INIT(4096)};
	struct sut_err err = {0};

	assert_ok(sut_http_request(h, method, url("/echo?x=1"), headers, body,
				   body ? strlen(body) : 0, &a, &err),
		  err);
	assert_int_equal(a.status, 200);
	assert_string_equal(sut_buf_str(&a.body), echo);
	assert_string_equal(a.type, "text/plain");
	sut_buf_release(&a.body);
}

static void any_method_goes_with_and_without_a_body(void **state _unused_)
{
	_cleanup_(sut_http_freep) struct sut_http *h = client(NULL);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	expect_echo(h, "POST", "{}", "POST /echo?x=1 127.0.0.1 http 2:{}");
	expect_echo(h, "POST", NULL, "POST /echo?x=1 127.0.0.1 http 0:");
	expect_echo(h, "PATCH", "abc", "PATCH /echo?x=1 127.0.0.1 http 3:abc");
	expect_echo(h, "PUT", NULL, "PUT /echo?x=1 127.0.0.1 http 0:");
	expect_echo(h, "DELETE", NULL, "DELETE /echo?x=1 127.0.0.1 http 0:");
	expect_echo(h, "GET", NULL, "GET /echo?x=1 127.0.0.1 http 0:");
	expect_echo(h, "HEAD", NULL, "");
	/* Nothing of it is left for a download. */
	assert_ok(sut_http_get(h, url("/echo"), 4096, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), "GET /echo? 127.0.0.1 http 0:");
}

static void any_status_is_an_answer(void **state _unused_)
{
	_cleanup_(sut_http_freep) struct sut_http *h = client(NULL);
	struct sut_http_answer a = {.body = SUT_BUF_INIT(4096)};
	struct sut_err err = {0};

	assert_ok(sut_http_request(h, "POST", url("/small"), NULL, "123456789", 9, &a, &err), err);
	assert_int_equal(a.status, 413);
	assert_string_equal(a.type, "application/problem+json");
	assert_non_null(strstr(sut_buf_str(&a.body), "\"code\":\"body-too-large\""));
	sut_buf_release(&a.body);
}

static void answers_are_bounded(void **state _unused_)
{
	_cleanup_(sut_http_freep) struct sut_http *h = client(NULL);
	struct sut_http_answer a = {.status = 7, .body = SUT_BUF_INIT(65535)};
	struct sut_err err = {0};

	assert_int_equal(sut_http_request(h, "GET", url("/big"), NULL, NULL, 0, &a, &err), -EFBIG);
	assert_int_equal(a.status, 7);
	assert_int_equal(a.body.len, 0);
	a.body.max++;
	assert_ok(sut_http_request(h, "GET", url("/big"), NULL, NULL, 0, &a, &err), err);
	assert_int_equal(a.body.len, 65536);
	sut_buf_release(&a.body);
}

static void mistakes_are_refused_before_anything_is_sent(void **state _unused_)
{
	static const char *const split[] = {"X-A: 1\r\nX-B: 2", NULL};
	_cleanup_(sut_http_freep) struct sut_http *h = client(NULL);
	struct sut_http_answer a = {.body = SUT_BUF_INIT(100)};
	struct sut_http_stats st;
	struct sut_err err = {0};

	assert_int_equal(sut_http_request(h, "GET", url("/"), split, NULL, 0, &a, &err), -EINVAL);
	assert_int_equal(sut_http_request(h, "GE T", url("/"), NULL, NULL, 0, &a, &err), -EINVAL);
	assert_int_equal(sut_http_request(h, "", url("/"), NULL, NULL, 0, &a, &err), -EINVAL);
	assert_int_equal(sut_http_request(h, "GET", "ftp://x/", NULL, NULL, 0, &a, &err), -EINVAL);
	assert_int_equal(sut_http_request(h, "GET", "http://127.0.0.1:1/", NULL, NULL, 0, &a, &err),
			 -ECONNREFUSED);
	sut_http_stats(h, &st);
	assert_int_equal(st.requests, 0);
}

static void unix_sockets_are_reached(void **state _unused_)
{
	_cleanup_(sut_freep) char *dir = NULL, *where = NULL;
	struct sut_http_answer a = {.body = SUT_BUF_INIT(4096)};
	struct sample_httpd other = {0};
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("suture-unit", &dir, &err), err);
	where = sut_sprintf("unix:%s/s", dir);
	assert_non_null(where);
	sample_start(&other, NULL, where);
	{
		_cleanup_(sut_http_freep) struct sut_http *h =
			client(&(struct sut_http_opts){.unix_socket = where + 5, .total_sec = 10});

		assert_ok(sut_http_request(h, "GET", "http://portal/echo", NULL, NULL, 0, &a, &err),
			  err);
	}
	assert_string_equal(sut_buf_str(&a.body), "GET /echo? unix http 0:");
	sut_buf_release(&a.body);
	sample_stop(&other);
	assert_ok(sut_rm_rf(dir, &err), err);
}

static bool is_public(const char *address)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};

	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		return http_is_public((struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
	return http_is_public((struct sockaddr *)&six);
}

static void private_addresses_are_known_in_every_spelling(void **state _unused_)
{
	static const char *const no[] = {"127.0.0.1",
					 "127.255.255.254",
					 "0.0.0.0",
					 "0.1.2.3",
					 "169.254.169.254",
					 "224.0.0.1",
					 "255.255.255.255",
					 "240.0.0.1",
					 "::",
					 "::1",
					 "::127.0.0.1",
					 "::ffff:127.0.0.1",
					 "::ffff:169.254.169.254",
					 "64:ff9b::127.0.0.1",
					 "fe80::1",
					 "febf::1",
					 "ff02::1",
					 "fec0::1",
					 "::ffff:0.0.0.0"};
	static const char *const yes[] = {"10.0.0.1",	      "192.168.1.1",	   "192.0.2.1",
					  "223.255.255.1",    "2001:db8::1",	   "fd00::1",
					  "::ffff:192.0.2.1", "64:ff9b::192.0.2.1"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(no); i++)
		if (is_public(no[i]))
			fail_msg("%s", no[i]);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(yes); i++)
		if (!is_public(yes[i]))
			fail_msg("%s", yes[i]);
}

static void no_private_holds_for_names_and_numbers(void **state _unused_)
{
	static const char *const hosts[] = {"127.0.0.1",  "localhost", "0x7f.1",
					    "2130706433", "[::1]",     "[::ffff:127.0.0.1]",
					    "0",	  "[::]"};
	unsigned int before = sample_done(&site, NULL);

	/* A proxy of the environment would be asked to connect instead. */
	setenv("http_proxy", url(""), 1);
	unsetenv("no_proxy");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(hosts); i++) {
		_cleanup_(sut_http_freep) struct sut_http *h =
			client(&(struct sut_http_opts){.no_private = true, .total_sec = 10});
		struct sut_http_answer a = {.body = SUT_BUF_INIT(100)};
		struct sut_err err = {0};
		char u[128];
		int r;

		snprintf(u, sizeof(u), "http://%s:%u/echo", hosts[i], site.port);
		r = sut_http_request(h, "POST", u, NULL, "x", 1, &a, &err);
		if (r != -EACCES)
			fail_msg("%s: %d: %s", u, r, err.msg);
		assert_says(err, "not allowed");
	}
	unsetenv("http_proxy");
	setenv("no_proxy", "127.0.0.1,localhost", 1);
	assert_int_equal(sample_done(&site, NULL), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_method_goes_with_and_without_a_body),
		cmocka_unit_test(any_status_is_an_answer),
		cmocka_unit_test(answers_are_bounded),
		cmocka_unit_test(mistakes_are_refused_before_anything_is_sent),
		cmocka_unit_test(unix_sockets_are_reached),
		cmocka_unit_test(private_addresses_are_known_in_every_spelling),
		cmocka_unit_test(no_private_holds_for_names_and_numbers),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
