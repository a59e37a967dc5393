// SPDX-License-Identifier: Apache-2.0
/* suture-admin's tables say what docs/formats/openapi.json says, and there is a command for every call. */
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "admin.h"
#include "call.h"
#include "schema.h"
#include "show.h"
#include "term.h"

static json_t *doc, *used;
static int problems;

#define COMPLAIN(...) (print_error("  " __VA_ARGS__), problems++)

static int load(void **state _unused_)
{
	doc = json_load_file(SOURCE_ROOT "/docs/formats/openapi.json", 0, NULL);
	used = json_object();
	return doc && used ? 0 : -1;
}

static int drop(void **state _unused_)
{
	json_decref(doc);
	json_decref(used);
	return 0;
}

static const json_t *operation(const struct admin_verb *v)
{
	char method[8] = "";
	const json_t *op;

	for (size_t i = 0; i < sizeof(method) - 1 && v->method[i]; i++)
		method[i] = (char)tolower((unsigned char)v->method[i]);
	op = json_object_get(json_object_get(json_object_get(doc, "paths"), v->path), method);
	if (op)
		json_object_set_new(used, json_string_value(json_object_get(op, "operationId")),
				    json_true());
	return op;
}

static const json_t *parameter(const json_t *op, const char *in, const char *name)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(op, "parameters"), i, p) {
		p = schema_deref(doc, p);
		if (sut_streq(json_string_value(json_object_get(p, "in")), in) &&
		    sut_streq(json_string_value(json_object_get(p, "name")), name))
			return p;
	}
	return NULL;
}

static const json_t *body_schema(const json_t *op)
{
	const json_t *content = json_object_get(json_object_get(op, "requestBody"), "content");

	return schema_deref(
		doc, json_object_get(json_object_get(content, "application/json"), "schema"));
}

static bool takes_null(const json_t *s)
{
	struct schema_error e;
	json_t *null = json_null();

	return schema_check(doc, s, null, 0, &e);
}

static const json_t *answer_schema(const json_t *op)
{
	const json_t *r;
	const char *status;

	json_object_foreach((json_t *)json_object_get(op, "responses"), status, r) {
		if (status[0] == '2')
			return schema_deref(
				doc, json_object_get(json_object_get(json_object_get(r, "content"),
								     "application/json"),
						     "schema"));
	}
	return NULL;
}

/* "kernel.level" in a schema. */
static const json_t *described(const json_t *schema, const char *path)
{
	while (schema && *path) {
		size_t n = strcspn(path, ".");
		char part[64];

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		schema = schema_deref(doc,
				      json_object_get(json_object_get(schema, "properties"), part));
		path += n + (path[n] == '.');
	}
	return schema;
}

static void check_opts(const struct admin_noun *n, const struct admin_verb *v, const json_t *op)
{
	const json_t *body = body_schema(op);

	for (const struct admin_opt *o = v->opts; o && o->name; o++) {
		const json_t *p = json_object_get(json_object_get(body, "properties"), o->field);

		if (o->flags & ADMIN_QUERY)
			p = parameter(op, "query", o->field);
		/* What a command reads itself. */
		if (!p && !v->run)
			COMPLAIN("%s %s --%s: %s %s knows no '%s'\n", n->name, v->name, o->name,
				 v->method, v->path, o->field);
		if (p && !(o->flags & ADMIN_QUERY) && !v->run &&
		    takes_null(p) != !!(o->flags & ADMIN_NULL))
			COMPLAIN("%s %s --%s: 'none' or not?\n", n->name, v->name, o->name);
	}
}

/* What can be said in the API can be said here, and what has to be, has to be. */
static void check_fields(const struct admin_noun *n, const struct admin_verb *v, const json_t *op)
{
	const json_t *p, *e, *body = body_schema(op);
	const char *field;
	size_t i;

	if (v->run)
		return;
	json_object_foreach((json_t *)json_object_get(body, "properties"), field, p) {
		bool must = false, said = false;

		json_array_foreach(json_object_get(body, "required"), i, e) {
			must |= sut_streq(json_string_value(e), field);
		}
		for (const struct admin_arg *a = v->args; a && a->name; a++)
			said |= sut_streq(a->field, field);
		for (const struct admin_opt *o = v->opts; o && o->name; o++)
			if (sut_streq(o->field, field)) {
				said = true;
				if (must && !(o->flags & ADMIN_REQUIRED))
					COMPLAIN("%s %s --%s has to be required\n", n->name,
						 v->name, o->name);
			}
		if (!said)
			COMPLAIN("%s %s: there is no option for '%s'\n", n->name, v->name, field);
	}
	json_array_foreach(json_object_get(op, "parameters"), i, p) {
		bool said = false;

		p = schema_deref(doc, p);
		field = json_string_value(json_object_get(p, "name"));
		if (!sut_streq(json_string_value(json_object_get(p, "in")), "query") ||
		    sut_streq(field, "limit") || sut_streq(field, "cursor"))
			continue;
		for (const struct admin_opt *o = v->opts; o && o->name; o++)
			said |= sut_streq(o->field, field);
		if (!said)
			COMPLAIN("%s %s: there is no option for the argument '%s'\n", n->name,
				 v->name, field);
	}
}

static void check_answer(const struct admin_noun *n, const struct admin_verb *v, const json_t *op)
{
	const json_t *answer = answer_schema(op),
		     *item = json_object_get(described(answer, "items"), "items");

	item = schema_deref(doc, item);
	for (const struct admin_column *c = v->columns; c && c->title; c++)
		if (!described(item, c->field))
			COMPLAIN("%s %s: items have no '%s'\n", n->name, v->name, c->field);
	if (v->secret && !described(answer, v->secret))
		COMPLAIN("%s %s: the answer has no '%s'\n", n->name, v->name, v->secret);
	if (!!(v->flags & ADMIN_PAGED) != !!parameter(op, "query", "limit"))
		COMPLAIN("%s %s: pages or not?\n", n->name, v->name);
	if (!v->run && !!(v->flags & ADMIN_MATCH) != !!parameter(op, "header", "If-Match"))
		COMPLAIN("%s %s: If-Match or not?\n", n->name, v->name);
	if (!v->run && !!(v->flags & ADMIN_REPEAT) != !!parameter(op, "header", "Idempotency-Key"))
		COMPLAIN("%s %s: Idempotency-Key or not?\n", n->name, v->name);
}

static void commands_say_what_the_document_says(void **state _unused_)
{
	problems = 0;
	for (size_t i = 0; admin_nouns[i]; i++) {
		const struct admin_noun *n = admin_nouns[i];

		for (const struct admin_verb *v = n->verbs; v->name; v++) {
			const json_t *op = operation(v);

			if (!op) {
				COMPLAIN("%s %s: %s %s is no operation\n", n->name, v->name,
					 v->method, v->path);
				continue;
			}
			check_opts(n, v, op);
			check_fields(n, v, op);
			check_answer(n, v, op);
		}
	}
	assert_int_equal(problems, 0);
}

static void everything_a_user_may_do_is_a_command(void **state _unused_)
{
	const json_t *item, *op;
	const char *path, *method;

	problems = 0;
	/* By "status". */
	json_object_set_new(used, "getSystemSummary", json_true());
	json_object_foreach((json_t *)json_object_get(doc, "paths"), path, item) {
		json_object_foreach((json_t *)item, method, op) {
			const char *id = json_string_value(json_object_get(op, "operationId")),
				   *role = json_string_value(json_array_get(
					   json_object_get(op, "x-suture-roles"), 0));

			if (sut_streq(role, "public") || sut_streq(role, "agent"))
				continue;
			if (!json_object_get(used, id))
				COMPLAIN("no command does %s %s\n", method, path);
		}
	}
	assert_int_equal(problems, 0);
}

static void times_are_understood(void **state _unused_)
{
	static const struct {
		const char *s, *is;
	} good[] = {
		{"2026-11-22T01:02:03Z", "2026-11-22T01:02:03Z"},
		{"2026-11-22", "2026-11-22T00:00:00Z"},
		{"+90d", "1970-04-01T00:00:00Z"},
		{"+12h", "1970-01-01T12:00:00Z"},
		{"+30", "1970-01-01T00:00:30Z"},
	};
	static const char *const bad[] = {"",
					  "tomorrow",
					  "+",
					  "+5w",
					  "2026-11",
					  "2026-11-22x",
					  "2026-11-22T01:02:03ZZZZZZZZZZZZZZZZZZZZZZZZ"};
	struct sut_err err = {0};
	char is[32];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++) {
		assert_ok(admin_time(good[i].s, 0, is, &err), err);
		assert_string_equal(is, good[i].is);
	}
	assert_ok(admin_time("-1d", 86400 * 2, is, &err), err);
	assert_string_equal(is, "1970-01-02T00:00:00Z");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_true(admin_time(bad[i], 0, is, &err) < 0);
}

static void ages_are_told_in_words(void **state _unused_)
{
	static const struct {
		int64_t now;
		const char *is;
	} v[] = {
		{0, "0 s ago"},	   {119, "119 s ago"},	     {120, "2 min ago"},
		{7200, "2 h ago"}, {2 * 86400, "2 d ago"},   {800 * 86400, "2 y ago"},
		{-90, "in 90 s"},  {-90 * 86400, "in 90 d"},
	};
	char is[32];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		show_age("1970-01-01T00:00:00Z", v[i].now, is);
		assert_string_equal(is, v[i].is);
	}
	show_age(NULL, 0, is);
	assert_string_equal(is, "-");
	show_age("nonsense", 0, is);
	assert_string_equal(is, "-");
}

static void words_are_quoted_in_paths(void **state _unused_)
{
	_cleanup_(sut_freep) char *t =
		admin_target("/v1/sources/{distribution}/{source}/changelog",
			     (char *[]){(char *)"a/../b", (char *)"\xc3\xa4?", NULL}, "x=1");

	assert_string_equal(t, "/v1/sources/a%2F..%2Fb/%C3%A4%3F/changelog?x=1");
	assert_null(admin_target("/v1/{a}/{b}", (char *[]){(char *)"one", NULL}, NULL));
}

static void widths_are_counted_in_characters(void **state _unused_)
{
	assert_int_equal(term_columns("abc"), 3);
	assert_int_equal(term_fit("abcdef", 4), 4);
	assert_int_equal(term_fit("abc", 10), 3);
	assert_int_equal(term_fit("", 10), 0);
	/* Never into the middle of a character. */
	for (size_t n = 0; n < 6; n++) {
		size_t fit = term_fit("\xc3\xa4\xc3\xb6\xc3\xbc", n);

		assert_true(fit % 2 == 0 && fit <= 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_say_what_the_document_says),
		cmocka_unit_test(everything_a_user_may_do_is_a_command),
		cmocka_unit_test(times_are_understood),
		cmocka_unit_test(ages_are_told_in_words),
		cmocka_unit_test(words_are_quoted_in_paths),
		cmocka_unit_test(widths_are_counted_in_characters),
	};

	return cmocka_run_group_tests(tests, load, drop);
}
