// SPDX-License-Identifier: Apache-2.0
/* lib/httpd with real sockets: what a request may look like, how large it may be and how long it may take. */
#include "unit.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cidr.h"
#include "base/str.h"
#include "sample_httpd.h"

#define HOST "Host: x\r\n"

static struct sample_httpd site;

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

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void assert_has(const char *text, const char *part)
{
	if (!strcasestr(text, part))
		fail_msg("\"%s\" has no \"%s\"", text, part);
}

static void assert_last(const char *want)
{
	char last[SAMPLE_LAST];

	sample_done(&site, last);
	assert_string_equal(last, want);
}

static void a_request_is_answered_at_once_or_later(void **state _unused_)
{
	const char *text;

	sample_start(&site, NULL, NULL);
	assert_int_equal(ask("GET /echo?a=b HTTP/1.1\r\n" HOST "\r\n", &text), 200);
	assert_has(text, "GET /echo?a=b 127.0.0.1 http 0:");
	assert_has(text, "\r\nDate: ");
	assert_has(text, "\r\nX-Request-Id: ");
	assert_has(text, "\r\nX-Content-Type-Options: nosniff");
	assert_null(strcasestr(text, "Strict-Transport"));
	assert_null(strcasestr(text, "\r\nServer:"));
	assert_int_equal(
		ask("POST /later HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", &text), 200);
	assert_has(text, "POST /later? 127.0.0.1 http 5:hello");
	assert_int_equal(ask("HEAD /echo HTTP/1.1\r\n" HOST "\r\n", &text), 200);
	assert_has(text, "\r\nContent-Length: 29\r\n");
	assert_true(sut_endswith(text, "\r\n\r\n"));
	assert_int_equal(ask("GET http://portal.example/echo?x HTTP/1.1\r\n" HOST "\r\n", &text),
			 200);
	assert_has(text, "GET /echo?x ");
	assert_int_equal(ask("GET /echo HTTP/1.0\r\n\r\n", &text), 200);
}

static void a_connection_is_kept_and_requests_may_be_pipelined(void **state _unused_)
{
	char request[64];
	const char *text;
	int fd;

	sample_start(&site, NULL, NULL);
	fd = sample_connect(&site);
	for (int i = 0; i < 20; i++) {
		sample_sends(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
		assert_int_equal(sample_answer(fd, false, NULL), 200);
	}
	for (int i = 0; i < 50; i++) {
		snprintf(request, sizeof(request), "GET /%s/%d HTTP/1.1\r\n" HOST "\r\n",
			 i % 2 ? "later" : "echo", i);
		sample_sends(fd, request);
	}
	for (int i = 0; i < 50; i++) {
		assert_int_equal(sample_answer(fd, false, &text), 200);
		snprintf(request, sizeof(request), "GET /%s/%d?", i % 2 ? "later" : "echo", i);
		assert_has(text, request);
	}
	sample_sends(fd, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	assert_int_equal(sample_answer(fd, false, &text), 200);
	assert_has(text, "\r\nConnection: close");
	assert_true(sample_ended(fd, NULL));
	close(fd);
}

static void bodies_come_in_pieces_chunks_or_after_100_continue(void **state _unused_)
{
	const char *text;
	int fd;

	sample_start(&site, NULL, NULL);
	fd = sample_connect(&site);
	sample_sends(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na");
	usleep(20000);
	sample_sends(fd, "b");
	usleep(20000);
	sample_sends(fd, "c");
	assert_int_equal(sample_answer(fd, false, &text), 200);
	assert_has(text, " 3:abc");
	sample_sends(fd, "POST /echo HTTP/1.1\r\n" HOST
			 "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_int_equal(sample_answer(fd, false, &text), 100);
	sample_sends(fd, "xyz");
	assert_int_equal(sample_answer(fd, false, &text), 200);
	assert_has(text, " 3:xyz");
	/* Behind chunks nothing more is read, however their lines ended. */
	sample_sends(fd, "POST /echo HTTP/1.1\r\n" HOST
			 "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
			 "GET /smuggled HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(sample_answer(fd, false, &text), 200);
	assert_has(text, " 5:hello");
	assert_has(text, "\r\nConnection: close");
	assert_true(sample_ended(fd, &text));
	assert_null(strstr(text, "smuggled"));
	close(fd);
	assert_int_equal(sample_done(&site, NULL), 3);
}

/* Whatever could be read as another request by a proxy: no answer but 400, and the end. */
static void requests_that_others_read_otherwise_are_refused(void **state _unused_)
{
	static const struct {
		const char *name, *text;
		size_t len;
	} bad[] = {
#define BAD(name, text) {name, text, sizeof(text) - 1}
#define TAIL "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"
		BAD("two lengths", "POST /echo HTTP/1.1\r\n" HOST
				   "Content-Length: 0\r\nContent-Length: 50\r\n\r\n" TAIL),
		BAD("the same length twice", "POST /echo HTTP/1.1\r\n" HOST
					     "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" TAIL),
		BAD("a list of lengths",
		    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n" TAIL),
		BAD("length and chunks", "POST /echo HTTP/1.1\r\n" HOST
					 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
					 "0\r\n\r\n" TAIL),
		BAD("chunks and length", "POST /echo HTTP/1.1\r\n" HOST
					 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
					 "0\r\n\r\n" TAIL),
		BAD("two encodings", "POST /echo HTTP/1.1\r\n" HOST
				     "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
				     "0\r\n\r\n" TAIL),
		BAD("another encoding", "POST /echo HTTP/1.1\r\n" HOST
					"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" TAIL),
		BAD("an encoding with space behind",
		    "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n"
		    "0\r\n\r\n" TAIL),
		BAD("chunks in 1.0", "POST /echo HTTP/1.0\r\n" HOST
				     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" TAIL),
		BAD("a negative length",
		    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n" TAIL),
		BAD("a length with a sign",
		    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n" TAIL),
		BAD("no length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n" TAIL),
		BAD("a huge length", "POST /echo HTTP/1.1\r\n" HOST
				     "Content-Length: 18446744073709551616\r\n\r\n" TAIL),
		BAD("space before the colon",
		    "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 50\r\n\r\n" TAIL),
		BAD("tab before the colon", "POST /echo HTTP/1.1\r\n" HOST "X\t: 50\r\n\r\n" TAIL),
		BAD("a continued line",
		    "POST /echo HTTP/1.1\r\n" HOST "X-A: b\r\n Content-Length: 50\r\n\r\n" TAIL),
		BAD("a continued line, tab",
		    "GET /echo HTTP/1.1\r\n" HOST "X-A: b\r\n\tc\r\n\r\n" TAIL),
		BAD("space before the first header", "GET /echo HTTP/1.1\r\n Host: x\r\n\r\n" TAIL),
		BAD("bare LF after a header", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\n\r\n" TAIL),
		BAD("bare LF after the first line", "GET /echo HTTP/1.1\n" HOST "\r\n" TAIL),
		BAD("bare LF at the end", "GET /echo HTTP/1.1\r\n" HOST "\n" TAIL),
		BAD("bare LF inside a value",
		    "GET /echo HTTP/1.1\r\n" HOST "X: a\nContent-Length: 50\r\n\r\n" TAIL),
		BAD("CR inside a value",
		    "GET /echo HTTP/1.1\r\n" HOST "X: a\rContent-Length: 50\r\n\r\n" TAIL),
		BAD("NUL inside a value",
		    "GET /echo HTTP/1.1\r\n" HOST "X: a\0Content-Length: 50\r\n\r\n" TAIL),
		BAD("NUL inside a name", "GET /echo HTTP/1.1\r\n" HOST "X\0Y: a\r\n\r\n" TAIL),
		BAD("NUL in the target", "GET /echo\0/x HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("a control character", "GET /echo HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n" TAIL),
		BAD("no name", "GET /echo HTTP/1.1\r\n" HOST ": a\r\n\r\n" TAIL),
		BAD("no colon", "GET /echo HTTP/1.1\r\n" HOST "Garbage\r\n\r\n" TAIL),
		BAD("two hosts", "GET /echo HTTP/1.1\r\n" HOST HOST "\r\n" TAIL),
		BAD("no host", "GET /echo HTTP/1.1\r\n\r\n" TAIL),
		BAD("two spaces", "GET  /echo HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("space in the target", "GET /echo x HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("space at the end", "GET /echo HTTP/1.1 \r\n" HOST "\r\n" TAIL),
		BAD("a tab as a space", "GET\t/echo HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("a method of odd characters", "G(T /echo HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("no version", "GET /echo\r\n" HOST "\r\n" TAIL),
		BAD("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" TAIL),
		BAD("HTTP/0.9", "GET /echo HTTP/0.9\r\n" HOST "\r\n" TAIL),
		BAD("lower case", "GET /echo http/1.1\r\n" HOST "\r\n" TAIL),
		BAD("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
		BAD("a relative target", "GET echo HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("a bad escape", "GET /echo?a=%zz HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("an escaped NUL", "GET /echo?a=%00 HTTP/1.1\r\n" HOST "\r\n" TAIL),
		BAD("bytes above 127", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n" TAIL),
	};
	static const char *const versions[] = {"microhttpd", "libmicro", "MHD", "0.9.", "GnuTLS"};

	sample_start(&site, NULL, NULL);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		int fd = sample_connect(&site);
		const char *text;
		int status = 0;

		sample_send(fd, bad[i].text, bad[i].len);
		if (!sample_ended(fd, &text))
			fail_msg("%s: the connection goes on: %s", bad[i].name, text);
		/* libmicrohttpd itself says nothing to some of the worst. */
		if (*text)
			assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
		if (status && status != 400 && status != 505 && status != 413)
			fail_msg("%s: %s", bad[i].name, text);
		if (strstr(text, "smuggled") ||
		    strstr(strstr(text, "\n") ? text + 5 : text, "HTTP/1.1 2"))
			fail_msg("%s: the tail was read: %s", bad[i].name, text);
		for (size_t v = 0; v < SUT_ARRAY_SIZE(versions); v++)
			assert_null(strstr(text, versions[v]));
		close(fd);
	}
	/* Well again after all that. */
	assert_int_equal(ask("GET /echo HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
}

static void what_is_too_large_gets_its_status(void **state _unused_)
{
	static char big[70000];
	const char *text;
	int fd;

	sample_start(&site, NULL, NULL);
	/* The target: 4,096 bytes pass. */
	memset(big, 'a', sizeof(big));
	memcpy(big, "GET /", 5);
	snprintf(big + 4 + 4096, 64, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(ask(big, &text), 200);
	memset(big + 5, 'a', 5000);
	snprintf(big + 4 + 4097, 64, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(ask(big, &text), 414);
	assert_has(text, "application/problem+json");
	/* One that does not even fit in memory. */
	memset(big + 5, 'a', sizeof(big) - 5);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(ask(big, &text), 414);
	/* Headers. */
	snprintf(big, sizeof(big), "GET /echo HTTP/1.1\r\n" HOST "X: %*s\r\n\r\n", 15000, "x");
	assert_int_equal(ask(big, &text), 200);
	snprintf(big, sizeof(big), "GET /echo HTTP/1.1\r\n" HOST "X: %*s\r\n\r\n", 16400, "x");
	assert_int_equal(ask(big, &text), 431);
	snprintf(big, sizeof(big), "GET /echo HTTP/1.1\r\n" HOST "X: %*s\r\n\r\n", 60000, "x");
	assert_int_equal(ask(big, &text), 431);
	for (int n = 99; n <= 200; n += 101) {
		size_t len = (size_t)snprintf(big, sizeof(big), "GET /echo HTTP/1.1\r\n" HOST);

		for (int i = 0; i < n; i++)
			len += (size_t)snprintf(big + len, sizeof(big) - len, "X: y\r\n");
		snprintf(big + len, sizeof(big) - len, "\r\n");
		assert_int_equal(ask(big, &text), n == 99 ? 200 : 431);
	}
	/* Arguments. */
	for (int n = 64; n <= 65; n++) {
		size_t len = (size_t)snprintf(big, sizeof(big), "GET /echo?");

		for (int i = 0; i < n; i++)
			len += (size_t)snprintf(big + len, sizeof(big) - len, "x=%d&", i);
		snprintf(big + len, sizeof(big) - len, " HTTP/1.1\r\n" HOST "\r\n");
		assert_int_equal(ask(big, &text), n == 64 ? 200 : 400);
	}
	/* Bodies: with a length, with chunks, asked for beforehand, far too large. */
	assert_int_equal(
		ask("POST /small HTTP/1.1\r\n" HOST "Content-Length: 8\r\n\r\n12345678", &text),
		200);
	assert_int_equal(
		ask("POST /small HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n123456789", &text),
		413);
	assert_has(text, "\"code\":\"body-too-large\"");
	assert_has(text, "\r\nConnection: close");
	assert_int_equal(ask("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			     "8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n",
			     &text),
			 413);
	assert_int_equal(ask("POST /small HTTP/1.1\r\n" HOST
			     "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
			     &text),
			 413);
	assert_int_equal(
		ask("POST /small HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n", &text),
		413);
	/* Chunks without end are cut off. */
	fd = sample_connect(&site);
	sample_sends(fd, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 200; i++) {
		char head[16];

		snprintf(head, sizeof(head), "%zx\r\n", sizeof(big));
		sample_sends(fd, head);
		sample_send(fd, big, sizeof(big));
		sample_sends(fd, "\r\n");
	}
	assert_true(sample_ended(fd, NULL));
	close(fd);
	assert_int_equal(ask("GET /echo HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
}

/* One byte at a time ends when the time for a whole request is over, not later. */
static void trickle(const char *begin, int want)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	int fd = sample_connect(&site), status = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const char *text = "";
	double before = now();

	sample_sends(fd, begin);
	while (now() - before < 6 && !poll(&p, 1, 0)) {
		sample_sends(fd, "a");
		nanosleep(&pause, NULL);
	}
	assert_true(sample_ended(fd, &text));
	if (now() - before < 0.8 || now() - before > 4)
		fail_msg("'%.20s' ended after %.1f s", begin, now() - before);
	if (*text)
		assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
	assert_int_equal(status, want);
	close(fd);
}

static void what_trickles_in_is_given_up(void **state _unused_)
{
	struct sut_httpd_stats st;

	sample_start(&site,
		     &(struct sut_httpd_opts){.request_sec = 1, .idle_sec = 30, .threads = 1},
		     NULL);
	trickle("GET /", 408);
	trickle("GET /echo HTTP/1.1\r\n", 408);
	trickle("GET /echo HTTP/1.1\r\n" HOST "X: ", 408);
	trickle("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", 408);
	assert_last("POST /echo 408");
	trickle("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3e8\r\n", 408);
	sut_httpd_stats(site.h, &st);
	assert_int_equal(st.timeouts, 5);
	assert_int_equal(st.in_flight, 0);
}

static bool ends_within(int fd, double from, double to)
{
	double before = now();

	return sample_ended(fd, NULL) && now() - before >= from && now() - before <= to;
}

static void idle_connections_end_after_their_time(void **state _unused_)
{
	int fresh, used;

	sample_start(&site, &(struct sut_httpd_opts){.request_sec = 1, .idle_sec = 2}, NULL);
	fresh = sample_connect(&site);
	assert_true(ends_within(fresh, 1.5, 4));
	used = sample_connect(&site);
	sample_sends(used, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(sample_answer(used, false, NULL), 200);
	assert_true(ends_within(used, 1.5, 4));
	close(fresh);
	close(used);
	/* An answer that takes its time is no idling. */
	used = sample_connect(&site);
	sample_sends(used, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	usleep(3500000);
	sample_release(&site);
	assert_int_equal(sample_answer(used, false, NULL), 200);
	close(used);
}

static void the_proxy_says_who_the_client_is(void **state _unused_)
{
	struct sut_cidr proxies[2];
	struct sut_err err = {0};
	const char *text;

	assert_ok(sut_cidr_parse("127.0.0.0/8", &proxies[0], &err), err);
	assert_ok(sut_cidr_parse("10.0.0.0/8", &proxies[1], &err), err);
	sample_start(&site, &(struct sut_httpd_opts){.proxies = proxies, .nproxies = 2}, NULL);
	assert_int_equal(ask("GET /echo HTTP/1.1\r\n" HOST
			     "X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.1.1.1\r\n"
			     "X-Forwarded-Proto: https\r\n\r\n",
			     &text),
			 200);
	assert_has(text, " 192.0.2.1 https ");
	assert_has(text, "\r\nStrict-Transport-Security: ");
	/* Lines are one list. */
	assert_int_equal(ask("GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.1\r\n"
			     "X-Forwarded-For: 192.0.2.2\r\n\r\n",
			     &text),
			 200);
	assert_has(text, " 192.0.2.2 http ");
	assert_int_equal(
		ask("GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: nonsense\r\n\r\n", &text), 200);
	assert_has(text, " 127.0.0.1 http ");
}

static void others_are_not_believed(void **state _unused_)
{
	struct sut_cidr proxy;
	struct sut_err err = {0};
	const char *text;

	assert_ok(sut_cidr_parse("10.0.0.0/8", &proxy, &err), err);
	sample_start(&site, &(struct sut_httpd_opts){.proxies = &proxy, .nproxies = 1}, NULL);
	assert_int_equal(ask("GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.1\r\n"
			     "X-Forwarded-Proto: https\r\n\r\n",
			     &text),
			 200);
	assert_has(text, " 127.0.0.1 http ");
}

static void headers_of_answers_cannot_be_split(void **state _unused_)
{
	const char *text;
	int fd;

	sample_start(&site, NULL, NULL);
	fd = sample_connect(&site);
	sample_sends(fd, "GET /header HTTP/1.1\r\n" HOST "\r\n");
	assert_true(sample_ended(fd, &text));
	assert_string_equal(text, "");
	close(fd);
	assert_last("GET /header 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_request_is_answered_at_once_or_later, stop),
		cmocka_unit_test_teardown(a_connection_is_kept_and_requests_may_be_pipelined, stop),
		cmocka_unit_test_teardown(bodies_come_in_pieces_chunks_or_after_100_continue, stop),
		cmocka_unit_test_teardown(requests_that_others_read_otherwise_are_refused, stop),
		cmocka_unit_test_teardown(what_is_too_large_gets_its_status, stop),
		cmocka_unit_test_teardown(what_trickles_in_is_given_up, stop),
		cmocka_unit_test_teardown(idle_connections_end_after_their_time, stop),
		cmocka_unit_test_teardown(the_proxy_says_who_the_client_is, stop),
		cmocka_unit_test_teardown(others_are_not_believed, stop),
		cmocka_unit_test_teardown(headers_of_answers_cannot_be_split, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
