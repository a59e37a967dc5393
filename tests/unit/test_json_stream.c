// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "json/stream.h"

struct told {
	struct sut_buf text;
	unsigned int end_at;
};

static int event(void *ctx, struct sut_json_stream *s, enum sut_json_event e, const char *text)
{
	static const char names[] = "{}[]snTFN";
	struct told *t = ctx;

	assert_int_equal(sut_buf_addf(&t->text, "%zu%c%s%s ", sut_json_stream_depth(s), names[e],
				      text,
				      *sut_json_stream_key(s, sut_json_stream_depth(s)) ? "@" : ""),
			 0);
	return t->end_at && --t->end_at == 0 ? -EIO : 0;
}

/* In pieces of so many bytes. */
static int run(struct told *t, const char *json, size_t len, size_t piece, size_t string_max,
	       char why[64])
{
	const struct sut_json_stream_opts o = {.string_max = string_max, .event = event, .ctx = t};
	struct sut_json_stream *s;
	int r;

	t->text = SUT_BUF_INIT(1 << 20);
	assert_int_equal(sut_json_stream_open(&o, &s), 0);
	for (r = 0; r == 0 && len;) {
		size_t n = len < piece ? len : piece;

		r = sut_json_stream_feed(s, json, n);
		json += n;
		len -= n;
	}
	if (r == 0)
		r = sut_json_stream_finish(s);
	snprintf(why, 64, "%s", sut_json_stream_why(s));
	sut_json_stream_free(s);
	return r;
}

static void expect(const char *json, size_t string_max, const char *text)
{
	for (size_t piece = 1; piece <= strlen(json); piece++) {
		struct told t = {0};
		char why[64];
		int r = run(&t, json, strlen(json), piece, string_max, why);

		if (r < 0)
			fail_msg("%s: %s", json, why);
		assert_string_equal(sut_buf_str(&t.text), text);
		sut_buf_release(&t.text);
	}
}

static void refuse(const char *json, size_t len, const char *why)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct told t = {0};
		char said[64];

		assert_int_equal(run(&t, json, len, piece, 100, said), -EBADMSG);
		assert_string_equal(said, why);
		sut_buf_release(&t.text);
	}
}
#define REFUSE(json, why) refuse(json, sizeof(json) - 1, why)

static void test_values(void **state _unused_)
{
	expect("{}", 9, "0{ 0} ");
	expect(" [ ] ", 9, "0[ 0] ");
	expect("-12.5e+3", 99, "0n-12.5e+3 ");
	expect("{\"a\":1,\"b\":[true,false,null,{\"c\":\"x\"}]}", 9,
	       "0{ 1n1@ 1[@ 2T 2F 2N 2{ 3sx@ 2} 1]@ 0} ");
	expect("[0,-0,0.5,10E2,1e-7]", 9, "0[ 1n0 1n-0 1n0.5 1n10E2 1n1e-7 0] ");
}

static void test_strings(void **state _unused_)
{
	expect("\"\\\"\\\\\\/\\n\\u00e9\\u20AC\\ud83d\\ude00\xc3\xa9\\u0000\"", 99,
	       "0s\"\\/\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9? ");
	/* Cut between characters; what follows is left out too. */
	expect("\"abc\xe2\x82\xac"
	       "d\"",
	       5, "0sabc ");
	expect("\"abcdefgh\"", 5, "0sabcde ");
	expect("\"\"", 0, "0s ");
}

static void test_what_is_no_json(void **state _unused_)
{
	REFUSE("[1,]", "has something else where a value should be");
	REFUSE("{\"a\":1,}", "has something else where a name of a member should be");
	REFUSE("{\"a\" 1}", "has no colon behind the name of a member");
	REFUSE("[1 2]", "has no comma between two values");
	REFUSE("[1}", "has a } where a ] should be");
	REFUSE("{\"a\":1]", "has a ] where a } should be");
	REFUSE("[] []", "has something behind its end");
	REFUSE("[01]", "has no comma between two values");
	REFUSE("[1.]", "has a number that is none");
	REFUSE("-", "has a number that is none");
	REFUSE("[+1]", "has something else where a value should be");
	REFUSE("nul", "is cut off");
	REFUSE("nulL", "has a word that is none of true, false, null");
	REFUSE("\"a\nb\"", "has a control character in a string");
	REFUSE("\"\\x\"", "has an unknown escape in a string");
	REFUSE("\"\\\0\"", "has an unknown escape in a string");
	REFUSE("\"\\u12g4\"", "has an escape \\u without four hexadecimal digits");
	REFUSE("\"\\ud83d\"", "has half of a surrogate pair");
	REFUSE("\"\\ud83d\\n\"", "has half of a surrogate pair");
	REFUSE("\"\\ud83d\\u0041\"", "has half of a surrogate pair");
	REFUSE("\"\\ude00\"", "has half of a surrogate pair");
	REFUSE("\"\xff\"", "has text that is not UTF-8");
	REFUSE("\"\xc3\"\"", "has text that is not UTF-8");
	REFUSE("\"\xed\xa0\x80\"", "has text that is not UTF-8");
	REFUSE("{\"a\":[1,{", "is cut off");
	REFUSE("\"abc", "is cut off");
	REFUSE(" ", "is cut off");
}

static void test_depth(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(200000);

	for (size_t i = 0; i < SUT_JSON_STREAM_DEPTH; i++)
		assert_int_equal(sut_buf_addstr(&b, "["), 0);
	refuse((const char *)b.data, b.len, "is cut off");
	assert_int_equal(sut_buf_addstr(&b, "["), 0);
	refuse((const char *)b.data, b.len, "is nested too deeply");
}

static int at(void *ctx, struct sut_json_stream *s, enum sut_json_event e, const char *text)
{
	unsigned int *found = ctx;

	if (e == SUT_JSON_STRING && !strcmp(text, "x")) {
		assert_true(sut_json_stream_at(s, "a/*/b"));
		assert_false(sut_json_stream_at(s, "a/*/bb"));
		assert_false(sut_json_stream_at(s, "a/*"));
		assert_false(sut_json_stream_at(s, "a/*/b/c"));
		assert_false(sut_json_stream_at(s, "a/b/b"));
		assert_string_equal(sut_json_stream_key(s, 1), "a");
		assert_string_equal(sut_json_stream_key(s, 2), "");
		assert_string_equal(sut_json_stream_key(s, 4), "");
		assert_int_equal(sut_json_stream_line(s), 2);
		++*found;
	}
	return 0;
}

static void test_path_and_place(void **state _unused_)
{
	static const char json[] = "{\"a\":[1,\n{\"b\":\"x\"}]}";
	unsigned int found = 0;
	const struct sut_json_stream_opts o = {.string_max = 9, .event = at, .ctx = &found};
	struct sut_json_stream *s;

	assert_int_equal(sut_json_stream_open(&o, &s), 0);
	assert_int_equal(sut_json_stream_feed(s, json, strlen(json)), 0);
	assert_int_equal(sut_json_stream_finish(s), 0);
	assert_int_equal(found, 1);
	sut_json_stream_free(s);
	assert_int_equal(sut_json_stream_open(&o, &s), 0);
	assert_int_equal(sut_json_stream_feed(s, "[\n\n  ?]", 7), -EBADMSG);
	assert_int_equal(sut_json_stream_line(s), 3);
	assert_int_equal(sut_json_stream_column(s), 3);
	sut_json_stream_free(s);
}

static void test_a_callback_ends_it(void **state _unused_)
{
	for (unsigned int i = 1; i <= 5; i++) {
		struct told t = {.end_at = i};
		char why[64];

		assert_int_equal(run(&t, "[1,\"a\",null]", 12, 12, 9, why), -EIO);
		assert_string_equal(why, "");
		sut_buf_release(&t.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_what_is_no_json), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_path_and_place),	cmocka_unit_test(test_a_callback_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
