// SPDX-License-Identifier: Apache-2.0
/* httpd/parse.h: the pure functions. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "httpd/httpd.h"
#include "httpd/parse.h"

static void targets_are_cut_at_the_first_question_mark(void **state _unused_)
{
	static const struct {
		const char *target, *path, *query;
	} v[] = {
		{"/", "/", ""},
		{"/a/b?c=d?e", "/a/b", "c=d?e"},
		{"/a?", "/a", ""},
		{"/%2e%2e/", "/%2e%2e/", ""},
		{"*", "*", ""},
		{"//x/y", "//x/y", ""},
		{"http://host:80/a?b", "/a", "b"},
		{"HTTPS://host", "/", ""},
		{"http://host?b", "", "b"},
		{"a", NULL, NULL},
		{"", NULL, NULL},
		{"/a b", NULL, NULL},
		{"/a#b", NULL, NULL},
		{"/a\\b", NULL, NULL},
		{"/a\"b", NULL, NULL},
		{"/\x80", NULL, NULL},
		{"/\x7f", NULL, NULL},
		{"ftp://x/", NULL, NULL},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		char *t = strdup(v[i].target), *path = NULL, *query = NULL;

		assert_non_null(t);
		assert_int_equal(httpd_split_target(t, &path, &query), v[i].path ? 0 : -EBADMSG);
		if (v[i].path) {
			assert_string_equal(path, *v[i].path ? v[i].path : "/");
			assert_string_equal(query, v[i].query);
		}
		free(t);
	}
}

static void queries_are_decoded(void **state _unused_)
{
	char q[] = "a=1&b&c=&%64=%2B+%26&&=x&e=f=g&a=2";
	static const char *const want[] = {"a",	  "1", "b", "",	 "c",	"",  "d",
					   "+ &", "",  "x", "e", "f=g", "a", "2"};
	struct httpd_arg args[8];
	static const char *const bad[] = {"%", "%1", "%zz", "a=%g0", "%00", "a=b%", "a=%0"};

	assert_int_equal(httpd_parse_query(q, args, 8), 7);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(args[i].name, want[2 * i]);
		assert_string_equal(args[i].value, want[2 * i + 1]);
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		char *s = strdup(bad[i]);

		assert_non_null(s);
		assert_int_equal(httpd_parse_query(s, args, 8), -EBADMSG);
		free(s);
	}
	{
		char many[] = "a&b&c";

		assert_int_equal(httpd_parse_query(many, args, 2), -E2BIG);
	}
}

static void path_segments_are_decoded(void **state _unused_)
{
	static const struct {
		const char *s, *want;
	} v[] = {{"abc", "abc"},	 {"a%20b", "a b"}, {"a+b", "a+b"}, {"%2F%2e", "/."},
		 {"%C3%a4", "\xc3\xa4"}, {"", ""},	   {"%", NULL},	   {"a%2", NULL},
		 {"%00", NULL},		 {"%GG", NULL},	   {"%-1", NULL}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		char *got = sut_httpd_unquote(v[i].s, strlen(v[i].s));

		if (v[i].want)
			assert_string_equal(got, v[i].want);
		else
			assert_null(got);
		free(got);
	}
	assert_null(sut_httpd_unquote("a\0b", 3));
	{
		char *part = sut_httpd_unquote("ab%20c", 2);

		assert_string_equal(part, "ab");
		free(part);
	}
}

static void ranges_are_one_part_or_none(void **state _unused_)
{
	static const struct {
		const char *s;
		uint64_t size;
		enum httpd_range want;
		uint64_t from, len;
	} v[] = {
		{"bytes=0-0", 10, HTTPD_RANGE_PART, 0, 1},
		{"bytes=2-5", 10, HTTPD_RANGE_PART, 2, 4},
		{"bytes=5-", 10, HTTPD_RANGE_PART, 5, 5},
		{"bytes=-3", 10, HTTPD_RANGE_PART, 7, 3},
		{"bytes=-30", 10, HTTPD_RANGE_PART, 0, 10},
		{"bytes=9-99", 10, HTTPD_RANGE_PART, 9, 1},
		{"bytes=0-18446744073709551615", 10, HTTPD_RANGE_PART, 0, 10},
		{"bytes=0-99999999999999999999999", 10, HTTPD_RANGE_PART, 0, 10},
		{"BYTES=1-1", 10, HTTPD_RANGE_PART, 1, 1},
		{"bytes=10-", 10, HTTPD_RANGE_BEYOND, 0, 0},
		{"bytes=99999999999999999999-", 10, HTTPD_RANGE_BEYOND, 0, 0},
		{"bytes=-0", 10, HTTPD_RANGE_BEYOND, 0, 0},
		{"bytes=5-4", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=0-1,3-4", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=-", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=a-b", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=--1", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=1-2-3", 10, HTTPD_RANGE_ALL, 0, 0},
		{"lines=1-2", 10, HTTPD_RANGE_ALL, 0, 0},
		{"", 10, HTTPD_RANGE_ALL, 0, 0},
		{"bytes=0-", 0, HTTPD_RANGE_ALL, 0, 0},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		uint64_t from = 0, len = 0;

		if (httpd_parse_range(v[i].s, v[i].size, &from, &len) != v[i].want)
			fail_msg("%s", v[i].s);
		assert_int_equal(from, v[i].from);
		assert_int_equal(len, v[i].len);
	}
}

static void the_last_foreign_address_is_the_client(void **state _unused_)
{
	static const struct {
		const char *list, *want;
	} v[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"198.51.100.1, 192.0.2.1", "192.0.2.1"},
		{"198.51.100.1, 192.0.2.1,10.0.0.1 ,\t10.0.0.2", "192.0.2.1"},
		{"10.0.0.1, 10.0.0.2", "10.0.0.1"},
		{"2001:db8::1", "2001:db8::1"},
		{"[2001:db8::1]:443, 10.0.0.1", "2001:db8::1"},
		{"[2001:DB8::1]", "2001:db8::1"},
		{"192.0.2.1:8080", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"unknown, 192.0.2.1", "192.0.2.1"},
		/* The proxy vouches for itself, but what it was told is nonsense. */
		{"evil, 10.0.0.1", "10.0.0.1"},
		{", 10.0.0.1", "10.0.0.1"},
		{"", NULL},
		{"evil", NULL},
		{"192.0.2.1, evil", NULL},
		{"192.0.2.1,", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]x", NULL},
		{"1.2.3.4.5", NULL},
	};
	struct sut_cidr proxy;
	struct sut_err err = {0};

	assert_ok(sut_cidr_parse("10.0.0.0/8", &proxy, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		char got[HTTPD_ADDRESS] = "";
		int r = httpd_forwarded_for(v[i].list, &proxy, 1, got);

		if (r != (v[i].want ? 0 : -EINVAL) || (v[i].want && strcmp(got, v[i].want) != 0))
			fail_msg("'%s': %d '%s'", v[i].list, r, got);
	}
	assert_true(httpd_forwarded_https("https"));
	assert_true(httpd_forwarded_https("http, HTTPS "));
	assert_false(httpd_forwarded_https("https, http"));
	assert_false(httpd_forwarded_https("httpsx"));
	assert_false(httpd_forwarded_https(""));
}

static void tags_are_found_in_lists(void **state _unused_)
{
	assert_true(httpd_etag_listed("\"a\"", "\"a\""));
	assert_true(httpd_etag_listed("\"x\", W/\"a\" ", "\"a\""));
	assert_true(httpd_etag_listed("*", "\"a\""));
	assert_true(httpd_etag_listed("\"a,b\",\"a\"", "\"a\""));
	assert_false(httpd_etag_listed("\"ab\"", "\"a\""));
	assert_false(httpd_etag_listed("a", "\"a\""));
	assert_false(httpd_etag_listed("\"a", "\"a\""));
	assert_false(httpd_etag_listed("", "\"a\""));
	assert_false(httpd_etag_listed("\"a,b\"", "\"b\""));
}

static void gzip_is_taken_when_it_is_said(void **state _unused_)
{
	assert_true(httpd_takes_gzip("gzip"));
	assert_true(httpd_takes_gzip("deflate, GZIP;q=0.5"));
	assert_true(httpd_takes_gzip("*"));
	assert_true(httpd_takes_gzip("br;q=1.0, gzip;q=0.001"));
	assert_false(httpd_takes_gzip(""));
	assert_false(httpd_takes_gzip("br"));
	assert_false(httpd_takes_gzip("gzip;q=0"));
	assert_false(httpd_takes_gzip("gzip;q=0.000, br"));
	assert_false(httpd_takes_gzip("xgzip"));
	assert_false(httpd_takes_gzip("gzipx"));
}

static void dates_go_both_ways(void **state _unused_)
{
	static const char *const bad[] = {"",
					  "Mon, 22 Nov 2026 02:47:44 GMT",
					  "Sun, 31 Nov 2026 02:47:44 GMT",
					  "Sun, 22 Nov 2026 02:47:44 UTC",
					  "Sun, 22 Nov 2026 2:47:44 GMT ",
					  "Sunday, 22-Nov-26 02:47:44 GMT",
					  "Sun Nov 22 02:47:44 2026",
					  "Sun, 22 Nov 2026 25:47:44 GMT",
					  "Sun, -2 Nov 2026 02:47:44 GMT"};
	char text[HTTPD_DATE];
	int64_t t = 7;

	httpd_format_date(1795315664, text);
	assert_string_equal(text, "Sun, 22 Nov 2026 02:47:44 GMT");
	assert_int_equal(httpd_parse_date(text, &t), 0);
	assert_int_equal(t, 1795315664);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(httpd_parse_date(bad[i], &t), -EINVAL);
	assert_int_equal(t, 1795315664);
}

static void paths_stay_where_they_are(void **state _unused_)
{
	static const char *const no[] = {"",   "/",    "/a",   "a/",	"a//b", ".",
					 "..", "../a", "a/..", "a/./b", "a\nb", "a\x7f"};
	static const char *const yes[] = {"a", "a/b/c.json", "...", "..a", ".a", "a..", "\xc3\xa4"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(no); i++)
		if (httpd_path_is_plain(no[i]))
			fail_msg("%s", no[i]);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(yes); i++)
		if (!httpd_path_is_plain(yes[i]))
			fail_msg("%s", yes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_cut_at_the_first_question_mark),
		cmocka_unit_test(queries_are_decoded),
		cmocka_unit_test(path_segments_are_decoded),
		cmocka_unit_test(ranges_are_one_part_or_none),
		cmocka_unit_test(the_last_foreign_address_is_the_client),
		cmocka_unit_test(tags_are_found_in_lists),
		cmocka_unit_test(gzip_is_taken_when_it_is_said),
		cmocka_unit_test(dates_go_both_ways),
		cmocka_unit_test(paths_stay_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
