// SPDX-License-Identifier: Apache-2.0
/* lib/httpd with real sockets: requests, answers from anywhere, limits, and its end. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_httpd.h"

#define HOST "Host: x\r\n"

static struct sample_httpd site;

static void start(const struct sut_httpd_opts *opts)
{
	sample_start(&site, opts, NULL);
}

static int ask(const char *request, const char **text)
{
	return sample_ask(&site, request, text);
}

static int stop(void **state _unused_)
{
	if (site.h)
		sample_stop(&site);
	return 0;
}

static void a_request_is_answered_at_once_or_later(void **state _unused_)
{
	const char *text;

	start(NULL);
	assert_int_equal(ask("GET /echo?a=b HTTP/1.1\r\n" HOST "\r\n", &text), 200);
	assert_non_null(strstr(text, "GET /echo?a=b 127.0.0.1 http 0:"));
	assert_non_null(strcasestr(text, "\r\nDate: "));
	assert_non_null(strcasestr(text, "\r\nX-Request-Id: "));
	assert_non_null(strcasestr(text, "\r\nX-Content-Type-Options: nosniff"));
	assert_null(strcasestr(text, "Strict-Transport"));
	assert_null(strcasestr(text, "\r\nServer:"));
	assert_int_equal(
		ask("POST /later HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", &text), 200);
	assert_non_null(strstr(text, "POST /later? 127.0.0.1 http 5:hello"));
	assert_int_equal(ask("HEAD /echo HTTP/1.1\r\n" HOST "\r\n", &text), 200);
	assert_non_null(strcasestr(text, "\r\nContent-Length: 29\r\n"));
	assert_true(sut_endswith(text, "\r\n\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_request_is_answered_at_once_or_later, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
