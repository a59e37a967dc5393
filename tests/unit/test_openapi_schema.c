// SPDX-License-Identifier: Apache-2.0
/* The tests' own checker of schemas: what it lets through, no other test notices. */
#include "unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "schema.h"

static const char schemas[] =
	"{\"c\": {"
	"\"Name\": {\"type\": \"string\", \"pattern\": \"^[a-z]+$\", \"maxLength\": 5, \"examples\": [\"ab\"]},"
	"\"Maybe\": {\"anyOf\": [{\"$ref\": \"#/c/Name\"}, {\"type\": \"null\"}]},"
	"\"One\": {\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"number\", \"minimum\": 5}]},"
	"\"Open\": {\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}},"
	"\"Thing\": {\"type\": \"object\", \"required\": [\"name\"], \"additionalProperties\": false, \"properties\": {"
	"  \"name\": {\"$ref\": \"#/c/Name\"}, \"count\": {\"type\": [\"integer\", \"null\"], \"minimum\": 1, \"maximum\": 9},"
	"  \"at\": {\"type\": \"string\", \"format\": \"date-time\"}, \"kind\": {\"type\": \"string\", \"enum\": [\"x\", \"y\"]},"
	"  \"list\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/c/Name\"}, \"minItems\": 1, \"maxItems\": 2, \"uniqueItems\": true},"
	"  \"tags\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}, \"maxProperties\": 1,"
	"             \"propertyNames\": {\"pattern\": \"^t\"}}}}"
	"}}";

static json_t *doc;

static int load(void **state _unused_)
{
	doc = json_loads(schemas, 0, NULL);
	return doc ? 0 : -1;
}

static int drop(void **state _unused_)
{
	json_decref(doc);
	return 0;
}

static bool ok(const char *name, const char *text, unsigned int flags, struct schema_error *e)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
	bool good;

	assert_non_null(v);
	good = schema_check(doc, json_object_get(json_object_get(doc, "c"), name), v, flags, e);
	json_decref(v);
	return good;
}

static void values_are_judged(void **state _unused_)
{
	static const struct {
		const char *schema, *value;
		bool good;
		const char *pointer;
	} v[] = {
		{"Name", "\"abc\"", true, ""},
		{"Name", "\"abcdef\"", false, ""},
		{"Name", "\"aBc\"", false, ""},
		{"Name", "7", false, ""},
		{"Maybe", "null", true, ""},
		{"Maybe", "\"a\"", true, ""},
		{"Maybe", "1", false, ""},
		{"One", "3", true, ""},
		{"One", "7", false, ""}, /* both */
		{"One", "1.5", false, ""},
		{"One", "7.5", true, ""},
		{"Thing", "{\"name\": \"a\"}", true, ""},
		{"Thing", "{}", false, ""},
		{"Thing", "[]", false, ""},
		{"Thing", "{\"name\": \"a\", \"more\": 1}", false, "/more"},
		{"Thing", "{\"name\": \"A\"}", false, "/name"},
		{"Thing", "{\"name\": \"a\", \"count\": 0}", false, "/count"},
		{"Thing", "{\"name\": \"a\", \"count\": 10}", false, "/count"},
		{"Thing", "{\"name\": \"a\", \"count\": null}", true, ""},
		{"Thing", "{\"name\": \"a\", \"count\": 1.5}", false, "/count"},
		{"Thing", "{\"name\": \"a\", \"at\": \"2026-11-22T01:02:03Z\"}", true, ""},
		{"Thing", "{\"name\": \"a\", \"at\": \"2026-11-22\"}", false, "/at"},
		{"Thing", "{\"name\": \"a\", \"at\": \"2026-11-22T01:02:03\"}", false, "/at"},
		{"Thing", "{\"name\": \"a\", \"kind\": \"z\"}", false, "/kind"},
		{"Thing", "{\"name\": \"a\", \"list\": [\"a\", \"b\"]}", true, ""},
		{"Thing", "{\"name\": \"a\", \"list\": []}", false, "/list"},
		{"Thing", "{\"name\": \"a\", \"list\": [\"a\", \"a\"]}", false, "/list"},
		{"Thing", "{\"name\": \"a\", \"list\": [\"a\", \"b\", \"c\"]}", false, "/list"},
		{"Thing", "{\"name\": \"a\", \"list\": [\"a\", \"B\"]}", false, "/list/1"},
		{"Thing", "{\"name\": \"a\", \"tags\": {\"t1\": \"x\"}}", true, ""},
		{"Thing", "{\"name\": \"a\", \"tags\": {\"u\": \"x\"}}", false, "/tags/u"},
		{"Thing", "{\"name\": \"a\", \"tags\": {\"t\": 1}}", false, "/tags/t"},
		{"Thing", "{\"name\": \"a\", \"tags\": {\"t1\": \"\", \"t2\": \"\"}}", false,
		 "/tags"},
		{"Open", "{\"b\": 1}", true, ""},
	};
	struct schema_error e;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (ok(v[i].schema, v[i].value, 0, &e) != v[i].good)
			fail_msg("%s: %s: '%s' %s", v[i].schema, v[i].value, e.pointer, e.text);
		assert_string_equal(e.pointer, v[i].pointer);
		assert_int_equal(e.text[0] == '\0', v[i].good);
	}
}

static void strict_means_that_nothing_is_undescribed(void **state _unused_)
{
	struct schema_error e;

	assert_true(ok("Open", "{\"a\": 1}", SCHEMA_STRICT, &e));
	assert_false(ok("Open", "{\"b\": 1}", SCHEMA_STRICT, &e));
	assert_string_equal(e.pointer, "/b");
}

/* Alternatives that fail leave nothing behind: a long list is no deep one. */
static void long_lists_are_judged_to_the_end(void **state _unused_)
{
	json_t *schema = json_pack("{s:{s:s}}", "items", "$ref", "#/c/Maybe"), *list = json_array();
	struct schema_error e;

	for (int i = 0; i < 1000; i++)
		json_array_append_new(list, json_null());
	if (!schema_check(doc, schema, list, 0, &e))
		fail_msg("%s: %s", e.pointer, e.text);
	json_array_append_new(list, json_integer(1));
	assert_false(schema_check(doc, schema, list, 0, &e));
	assert_string_equal(e.pointer, "/1000");
	json_decref(schema);
	json_decref(list);
}

static void what_it_does_not_know_is_no_schema(void **state _unused_)
{
	static const char *const bad[] = {
		"{\"type\": \"string\", \"minimal\": 1}",
		"{\"properties\": {\"a\": {\"$ref\": \"#/c/Nobody\"}}}",
		"{\"type\": \"object\", \"required\": [\"b\"], \"properties\": {\"a\": true}}",
		"{\"pattern\": \"[\"}",
		"{\"type\": \"string\", \"maxLength\": 1, \"examples\": [\"ab\"]}",
		"{\"properties\": {\"a\": {\"type\": \"integer\", \"examples\": [\"1\"]}}}",
		"{\"items\": {\"anyOf\": [{\"x\": 1}]}}",
	};
	struct schema_error e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *s = json_loads(bad[i], 0, NULL);

		assert_non_null(s);
		if (schema_sound(doc, s, &e))
			fail_msg("%s", bad[i]);
		json_decref(s);
	}
	assert_true(schema_sound(doc, json_object_get(json_object_get(doc, "c"), "Thing"), &e));
}

static void made_values_fit_and_spoilt_ones_mostly_do_not(void **state _unused_)
{
	const json_t *thing = json_object_get(json_object_get(doc, "c"), "Thing");
	uint64_t seed = 7;
	struct schema_error e;
	int bad = 0;

	for (int i = 0; i < 500; i++) {
		json_t *v = schema_make(doc, thing, &seed), *w = schema_spoil(doc, thing, &seed);

		if (!schema_check(doc, thing, v, 0, &e)) {
			/* Two equal items by chance. */
			assert_string_equal(e.pointer, "/list");
		}
		bad += !schema_check(doc, thing, w, 0, &e);
		json_decref(v);
		json_decref(w);
	}
	assert_in_range(bad, 400, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_judged),
		cmocka_unit_test(strict_means_that_nothing_is_undescribed),
		cmocka_unit_test(long_lists_are_judged_to_the_end),
		cmocka_unit_test(what_it_does_not_know_is_no_schema),
		cmocka_unit_test(made_values_fit_and_spoilt_ones_mostly_do_not),
	};

	return cmocka_run_group_tests(tests, load, drop);
}
