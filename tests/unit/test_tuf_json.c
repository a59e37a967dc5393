// SPDX-License-Identifier: Apache-2.0
/* tuf/json.h: strict in, canonical out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "tuf/json.h"

static int parse(const char *text, size_t len, json_t **ret, struct sut_err *err)
{
	*err = (struct sut_err){0};
	return sut_json_parse(text, len, "x.json", ret, err);
}

static void refused(const char *text, const char *says)
{
	struct sut_err err;
	json_t *j = NULL;

	if (parse(text, strlen(text), &j, &err) != -EBADMSG)
		fail_msg("accepted: %s", text);
	assert_null(j);
	assert_string_equal(err.reason, "format");
	assert_says(err, "x.json");
	assert_says(err, says);
}

/* The canonical form of text. */
static void canonical_is(const char *text, const char *want)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);
	_cleanup_json_ json_t *j = NULL;
	struct sut_err err;

	assert_ok(parse(text, strlen(text), &j, &err), err);
	assert_ok(sut_json_canonical(j, &out, &err), err);
	assert_string_equal(sut_buf_str(&out), want);
}

static void keys_are_sorted_by_their_bytes(void **state _unused_)
{
	/* U+FF61 comes before U+10000 in UTF-8, and after it in UTF-16. Lower case comes after upper case,
	 * '_' between them. */
	canonical_is("{\"b\": 1, \"a\": 2, \"_\": 3, \"B\": 4, \"aa\": 5}",
		     "{\"B\":4,\"_\":3,\"a\":2,\"aa\":5,\"b\":1}");
	canonical_is("{\"\\ud800\\udc00\": 1, \"\\uff61\": 2, \"\\u00e9\": 3, \"z\": 4}",
		     "{\"z\":4,\"\xc3\xa9\":3,\"\xef\xbd\xa1\":2,\"\xf0\x90\x80\x80\":1}");
}

static void only_quote_and_backslash_are_escaped(void **state _unused_)
{
	canonical_is("{\"k\\\"\": \"a\\nb\\tc\\u0001\\u007f\\\\ \\\" \\/ \\u00fc\"}",
		     "{\"k\\\"\":\"a\nb\tc\x01\x7f\\\\ \\\" / \xc3\xbc\"}");
}

static void values_keep_their_kind_and_lists_their_order(void **state _unused_)
{
	canonical_is(" { \"l\" : [ 3 , 1 , [ ] , { } , null , true , false , -7 , \"\" ] } ",
		     "{\"l\":[3,1,[],{},null,true,false,-7,\"\"]}");
	canonical_is("{\"a\": 9223372036854775807, \"b\": -9223372036854775808, \"c\": -0}",
		     "{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":0}");
}

static void two_texts_of_one_value_have_one_form(void **state _unused_)
{
	canonical_is("{\"a\":\"\\u0041\"}", "{\"a\":\"A\"}");
	canonical_is("{\n\"\\u0061\"\t:\"A\"}\n", "{\"a\":\"A\"}");
}

static void numbers_that_are_not_integers_are_refused(void **state _unused_)
{
	refused("{\"a\": 1.0}", "not an integer");
	refused("{\"a\": [[1e3]]}", "not an integer");
	refused("{\"a\": {\"b\": -0.0}}", "not an integer");
	refused("{\"a\": 9223372036854775808}", "not the JSON");
	refused("{\"a\": NaN}", "not the JSON");
	refused("{\"a\": 01}", "not the JSON");
}

static void duplicate_keys_are_refused(void **state _unused_)
{
	refused("{\"a\": 1, \"a\": 1}", "twice");
	refused("{\"x\": {\"a\": 1, \"\\u0061\": 2}}", "twice");
}

static void what_is_no_object_is_refused(void **state _unused_)
{
	refused("", "empty");
	refused("[]", "no JSON object");
	refused("1", "not the JSON");
	refused("null", "not the JSON");
	refused("<html>", "not the JSON");
	refused("{}{}", "not the JSON");
	refused("{} x", "not the JSON");
	refused("{", "not the JSON");
	refused("{\"a\": 1,}", "not the JSON");
	refused("{\"a\": 'b'}", "not the JSON");
	refused("// c\n{}", "not the JSON");
	refused("\xef\xbb\xbf{}", "not the JSON");
}

static void text_that_is_not_utf8_is_refused(void **state _unused_)
{
	refused("{\"a\": \"\xff\"}", "not the JSON");
	refused("{\"a\": \"\xc0\x80\"}", "not the JSON");
	refused("{\"a\": \"\xed\xa0\x80\"}", "not the JSON");
	refused("{\"a\": \"\\ud800\"}", "not the JSON");
	refused("{\"a\": \"\\udc00x\"}", "not the JSON");
	refused("{\"a\xf4\x90\x80\x80\": 1}", "not the JSON");
}

static void nul_is_refused(void **state _unused_)
{
	static const char text[] = "{\"a\": \"b\0c\"}";
	struct sut_err err;
	json_t *j = NULL;

	refused("{\"a\": \"b\\u0000c\"}", "not the JSON");
	refused("{\"a\\u0000\": 1}", "not the JSON");
	assert_int_equal(parse(text, sizeof(text) - 1, &j, &err), -EBADMSG);
	assert_int_equal(parse("{}\0", 3, &j, &err), -EBADMSG);
	assert_null(j);
}

/* {"a": [[[...]]]} with that many levels. */
static char *nested(size_t levels)
{
	char *s = malloc(2 * levels + 16), *p = s;

	assert_non_null(s);
	p += snprintf(p, 8, "{\"a\": ");
	memset(p, '[', levels - 1);
	memset(p + levels - 1, ']', levels - 1);
	memcpy(p + 2 * (levels - 1), "}", 2);
	return s;
}

static void depth_is_bounded(void **state _unused_)
{
	_cleanup_(sut_freep) char *most = nested(SUT_JSON_DEPTH_MAX);
	_cleanup_(sut_freep) char *more = nested(SUT_JSON_DEPTH_MAX + 1);
	_cleanup_(sut_freep) char *far_more = nested(2000000);
	_cleanup_json_ json_t *j = NULL;
	struct sut_err err;

	assert_ok(parse(most, strlen(most), &j, &err), err);
	refused(more, "nested too deeply");
	refused(far_more, "nested too deeply");
	/* Brackets in strings do not count. */
	canonical_is("{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}",
		     "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}");
}

static void documents_without_a_canonical_form_leave_the_buffer_alone(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(64);
	_cleanup_json_ json_t *real = json_pack("{s:i, s:f}", "a", 1, "b", 1.5);
	_cleanup_json_ json_t *nul = json_pack("{s:o}", "a", json_stringn("x\0y", 3));
	_cleanup_json_ json_t *big = json_pack("{s:s}", "a",
					       "0123456789012345678901234567890123456789"
					       "012345678901234567890123456789");
	json_t *deep = json_array();
	struct sut_err err = {0};

	assert_int_equal(sut_buf_addstr(&out, "before"), 0);
	assert_int_equal(sut_json_canonical(real, &out, &err), -EBADMSG);
	assert_says(err, "canonical");
	assert_int_equal(sut_json_canonical(nul, &out, &err), -EBADMSG);
	assert_int_equal(sut_json_canonical(big, &out, &err), -ENOBUFS);
	for (int i = 0; i < SUT_JSON_DEPTH_MAX; i++)
		deep = json_pack("[o]", deep);
	assert_int_equal(sut_json_canonical(deep, &out, &err), -EBADMSG);
	json_decref(deep);
	assert_string_equal(sut_buf_str(&out), "before");
}

/* ------------------------------------------------------------------ */

static unsigned int fail_at, count; /* the allocation that fails; 0: none */

static void *failing_malloc(size_t n)
{
	return ++count == fail_at ? NULL : malloc(n);
}

static void short_memory_is_an_error_like_any_other(void **state _unused_)
{
	static const char text[] =
		"{\"k\": [1, \"two\", {\"three\": {}}], \"l\": null, \"m\": \"n\"}";
	static const char want[] = "{\"k\":[1,\"two\",{\"three\":{}}],\"l\":null,\"m\":\"n\"}";
	unsigned int ok = 0;

	json_set_alloc_funcs(failing_malloc, free);
	for (unsigned int n = 1; !ok && n < 1000; n++) {
		_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1000);
		json_t *j = NULL;
		struct sut_err err;
		int r;

		count = 0;
		fail_at = n;
		r = parse(text, sizeof(text) - 1, &j, &err);
		if (r == 0) {
			assert_ok(sut_json_canonical(j, &out, &err), err);
			assert_string_equal(sut_buf_str(&out), want);
			ok = count < n;
		} else {
			/* Jansson takes some of them for mistakes of the text. */
			assert_true(r == -ENOMEM || r == -EBADMSG);
			assert_true(err.msg[0] != 0);
			assert_null(j);
		}
		json_decref(j);
	}
	json_set_alloc_funcs(malloc, free);
	assert_true(ok > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_sorted_by_their_bytes),
		cmocka_unit_test(only_quote_and_backslash_are_escaped),
		cmocka_unit_test(values_keep_their_kind_and_lists_their_order),
		cmocka_unit_test(two_texts_of_one_value_have_one_form),
		cmocka_unit_test(numbers_that_are_not_integers_are_refused),
		cmocka_unit_test(duplicate_keys_are_refused),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(text_that_is_not_utf8_is_refused),
		cmocka_unit_test(nul_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(documents_without_a_canonical_form_leave_the_buffer_alone),
		cmocka_unit_test(short_memory_is_an_error_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
