// SPDX-License-Identifier: Apache-2.0
/* Files as answers: parts, conditions, gzip beside, and ways out of the folder that are none. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "sample_httpd.h"

#define HOST "Host: x\r\n"

enum { BIG = 3 << 20 };

static struct sample_httpd site;
static char *dir, *outside;

static int put(const char *name, const void *data, size_t len, int64_t mtime)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	struct timespec t[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	struct sut_err err;

	return path && sut_file_write(path, data, len, 0644, &err) == 0 &&
			       utimensat(AT_FDCWD, path, t, 0) == 0
		       ? 0
		       : -1;
}

static int start(void **state _unused_)
{
	_cleanup_(sut_freep) char *sub = NULL, *link = NULL, *fifo = NULL, *uplink = NULL;
	char *big = malloc(BIG);
	struct sut_err err;

	if (!big || sut_tmpdir("suture-unit", &outside, &err) < 0)
		return -1;
	dir = sut_sprintf("%s/public", outside);
	sub = sut_sprintf("%s/public/sub", outside);
	link = sut_sprintf("%s/public/link", outside);
	uplink = sut_sprintf("%s/public/up", outside);
	fifo = sut_sprintf("%s/public/fifo", outside);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 251);
	if (!dir || !sub || !link || !fifo || !uplink || sut_mkdir_p(sub, &err) < 0 ||
	    put("ten", "0123456789", 10, 1000000000) < 0 || put("empty", "", 0, 1) < 0 ||
	    put("sub/deep.json", "{}", 2, 1) < 0 || put("a.json", "plain", 5, 1000) < 0 ||
	    put("a.json.gz", "packed", 6, 1000) < 0 || put("old.json", "plain", 5, 1000) < 0 ||
	    put("old.json.gz", "packed", 6, 999) < 0 || put("big", big, BIG, 5) < 0 ||
	    put("sp ace", "x", 1, 1) < 0 || symlink("ten", link) < 0 || symlink("..", uplink) < 0 ||
	    mkfifo(fifo, 0644) < 0)
		return -1;
	free(big);
	sample_start(&site, NULL, NULL);
	site.dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return site.dirfd < 0;
}

static int stop(void **state _unused_)
{
	struct sut_err err;

	sample_stop(&site);
	close(site.dirfd);
	free(dir);
	return sut_rm_rf(outside, &err);
}

static int get(const char *method, const char *path, const char *headers, const char **text)
{
	_cleanup_(sut_freep) char *request =
		sut_sprintf("%s /file/%s HTTP/1.1\r\n" HOST "%s\r\n", method, path, headers);

	assert_non_null(request);
	return sample_ask(&site, request, text);
}

static void assert_has(const char *text, const char *part)
{
	if (!strcasestr(text, part))
		fail_msg("\"%s\" has no \"%s\"", text, part);
}

static const char *tag_of(const char *path)
{
	static char tag[100];
	const char *text;

	assert_int_equal(get("HEAD", path, "", &text), 200);
	text = strcasestr(text, "\r\nETag: ");
	assert_non_null(text);
	snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(text + 8, "\r"), text + 8);
	return tag;
}

static void files_come_with_what_caches_need(void **state _unused_)
{
	const char *text;

	assert_int_equal(get("GET", "ten", "", &text), 200);
	assert_true(sut_endswith(text, "\r\n\r\n0123456789"));
	assert_has(text, "\r\nContent-Length: 10\r\n");
	assert_has(text, "\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n");
	assert_has(text, "\r\nAccept-Ranges: bytes\r\n");
	assert_has(text, "\r\nCache-Control: max-age=60\r\n");
	assert_has(text, "\r\nContent-Type: application/octet-stream\r\n");
	assert_has(text, "\r\nETag: \"a-");
	assert_int_equal(get("HEAD", "ten", "", &text), 200);
	assert_has(text, "\r\nContent-Length: 10\r\n");
	assert_true(sut_endswith(text, "\r\n\r\n"));
	assert_int_equal(get("GET", "empty", "", &text), 200);
	assert_has(text, "\r\nContent-Length: 0\r\n");
	assert_int_equal(get("GET", "sub/deep.json", "", &text), 200);
	assert_has(text, "\r\nContent-Type: application/json\r\n");
	assert_int_equal(get("GET", "sp%20ace", "", &text), 200);
	assert_int_equal(get("POST", "ten", "Content-Length: 0\r\n", &text), 405);
	assert_has(text, "\r\nAllow: GET, HEAD\r\n");
}

static void parts_are_sent(void **state _unused_)
{
	static const struct {
		const char *range, *content, *body;
		int status;
	} v[] = {
		{"bytes=2-5", "bytes 2-5/10", "2345", 206},
		{"bytes=7-", "bytes 7-9/10", "789", 206},
		{"bytes=-2", "bytes 8-9/10", "89", 206},
		{"bytes=0-100", "bytes 0-9/10", "0123456789", 206},
		{"bytes=10-", "bytes */10", "", 416},
		{"bytes=-0", "bytes */10", "", 416},
		{"bytes=4-2", NULL, "0123456789", 200},
		{"bytes=0-1,4-5", NULL, "0123456789", 200},
		{"nonsense", NULL, "0123456789", 200},
	};
	const char *text;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		char header[100], end[100];

		snprintf(header, sizeof(header), "Range: %s\r\n", v[i].range);
		assert_int_equal(get("GET", "ten", header, &text), v[i].status);
		snprintf(end, sizeof(end), "\r\n\r\n%s", v[i].body);
		assert_true(sut_endswith(text, end));
		snprintf(end, sizeof(end), "\r\nContent-Range: %s\r\n", v[i].content);
		if (v[i].content)
			assert_has(text, end);
		else
			assert_null(strcasestr(text, "Content-Range"));
	}
	assert_int_equal(get("HEAD", "ten", "Range: bytes=2-5\r\n", &text), 200);
}

static void a_part_is_of_the_file_that_the_client_has(void **state _unused_)
{
	const char *text, *tag = tag_of("ten");
	char header[200];

	snprintf(header, sizeof(header), "Range: bytes=2-5\r\nIf-Range: %s\r\n", tag);
	assert_int_equal(get("GET", "ten", header, &text), 206);
	snprintf(header, sizeof(header), "Range: bytes=2-5\r\nIf-Range: W/%s\r\n", tag);
	assert_int_equal(get("GET", "ten", header, &text), 200);
	assert_int_equal(get("GET", "ten", "Range: bytes=2-5\r\nIf-Range: \"other\"\r\n", &text),
			 200);
	assert_int_equal(get("GET", "ten",
			     "Range: bytes=2-5\r\nIf-Range: Sun, 09 Sep 2001 01:46:40 GMT\r\n",
			     &text),
			 206);
	assert_int_equal(get("GET", "ten",
			     "Range: bytes=2-5\r\nIf-Range: Sun, 09 Sep 2001 01:46:41 GMT\r\n",
			     &text),
			 200);
}

static void what_has_not_changed_is_not_sent(void **state _unused_)
{
	const char *text, *tag = tag_of("ten");
	char header[200];

	snprintf(header, sizeof(header), "If-None-Match: \"x\", %s\r\n", tag);
	assert_int_equal(get("GET", "ten", header, &text), 304);
	assert_has(text, tag);
	assert_true(sut_endswith(text, "\r\n\r\n"));
	assert_int_equal(get("GET", "ten", "If-None-Match: *\r\n", &text), 304);
	assert_int_equal(get("GET", "ten", "If-None-Match: \"x\"\r\n", &text), 200);
	assert_int_equal(
		get("GET", "ten", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", &text),
		304);
	assert_int_equal(
		get("GET", "ten", "If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n", &text),
		200);
	/* Tags count more than times. */
	assert_int_equal(get("GET", "ten",
			     "If-None-Match: \"x\"\r\n"
			     "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n",
			     &text),
			 200);
	assert_int_equal(get("GET", "ten", "If-Modified-Since: yesterday\r\n", &text), 200);
}

static void the_packed_form_is_sent_to_who_takes_it(void **state _unused_)
{
	_cleanup_(sut_freep) char *plain = strdup(tag_of("a.json"));
	const char *text;

	assert_int_equal(get("GET", "a.json", "Accept-Encoding: br, gzip\r\n", &text), 200);
	assert_true(sut_endswith(text, "\r\n\r\npacked"));
	assert_has(text, "\r\nContent-Encoding: gzip\r\n");
	assert_has(text, "\r\nContent-Type: application/json\r\n");
	assert_has(text, "\r\nVary: Accept-Encoding\r\n");
	/* The forms are different things. */
	assert_null(strstr(text, plain));
	assert_int_equal(get("GET", "a.json", "", &text), 200);
	assert_true(sut_endswith(text, "\r\n\r\nplain"));
	assert_has(text, "\r\nVary: Accept-Encoding\r\n");
	assert_int_equal(get("GET", "a.json", "Accept-Encoding: gzip;q=0\r\n", &text), 200);
	assert_true(sut_endswith(text, "\r\n\r\nplain"));
	assert_int_equal(
		get("GET", "a.json", "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\n", &text), 206);
	assert_true(sut_endswith(text, "\r\n\r\npl"));
	/* One that was left behind is not of this file. */
	assert_int_equal(get("GET", "old.json", "Accept-Encoding: gzip\r\n", &text), 200);
	assert_true(sut_endswith(text, "\r\n\r\nplain"));
}

static void nothing_else_can_be_read(void **state _unused_)
{
	static const char *const no[] = {
		"",
		"..",
		"../public/ten",
		"%2e%2e/public/ten",
		"sub/../ten",
		"sub/%2e%2e/ten",
		"%2fetc%2fpasswd",
		"/etc/passwd",
		"link",
		"up/public/ten",
		"fifo",
		"sub",
		"sub/",
		"ten/",
		"ten/x",
		"./ten",
		"sub//deep.json",
		"ten%00",
		"ten%00.json",
		"nothing",
		"ten%0a",
		"..%5cten",
		"%c0%ae%c0%ae/ten",
	};
	char longest[4000];
	const char *text;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(no); i++) {
		int status = get("GET", no[i], "", &text);

		if (status != 404)
			fail_msg("'%s': %d", no[i], status);
		assert_has(text, "\"code\":\"not-found\"");
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(get("GET", longest, "", &text), 404);
}

static void downloads_are_whole_and_can_be_continued(void **state _unused_)
{
	_cleanup_(sut_http_freep) struct sut_http *h = NULL;
	_cleanup_(sut_freep) char *copy = sut_sprintf("%s/copy", outside);
	_cleanup_(sut_freep) char *orig = sut_sprintf("%s/big", dir);
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(BIG), b = SUT_BUF_INIT(BIG);
	struct sut_err err = {0};
	char url[100];
	int fd;

	setenv("no_proxy", "127.0.0.1", 1);
	assert_ok(sut_http_new(NULL, &h, &err), err);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/file/big", site.port);
	fd = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_ok(sut_file_read(orig, &a, &err), err);
	/* The first part is there already. */
	assert_int_equal(pwrite(fd, a.data, 1000001, 0), 1000001);
	assert_ok(sut_http_get_file(h, url, fd, 1000001, BIG, &err), err);
	assert_ok(sut_file_read(copy, &b, &err), err);
	assert_int_equal(b.len, BIG);
	assert_memory_equal(a.data, b.data, BIG);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_with_what_caches_need),
		cmocka_unit_test(parts_are_sent),
		cmocka_unit_test(a_part_is_of_the_file_that_the_client_has),
		cmocka_unit_test(what_has_not_changed_is_not_sent),
		cmocka_unit_test(the_packed_form_is_sent_to_who_takes_it),
		cmocka_unit_test(nothing_else_can_be_read),
		cmocka_unit_test(downloads_are_whole_and_can_be_continued),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
