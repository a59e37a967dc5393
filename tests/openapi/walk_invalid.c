// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "schema.h"
#include "walk.h"

struct where {
	struct walk *k;
	const struct operation *op;
	const char *target;
	json_t *body; /* that is good */
};

/* A call that has to be refused. */
static void send(const struct where *w, struct request *q, const char *what)
{
	_cleanup_(answer_release) struct answer a = {0};
	struct walk *k = w->k;
	char why[300];

	q->method = w->op->method;
	if (!q->target)
		q->target = w->target;
	if (!q->token && !operation_role(w->op, "public"))
		q->token = operation_role(w->op, "agent") ? k->w.a.credential : k->w.staff;
	if (q->token == k->w.staff)
		q->tenant = k->w.a.name;
	client_call(&k->c, q, &a);
	snprintf(why, sizeof(why), "%s: %s is to be refused", w->op->id, what);
	if (a.status < 400 || a.status > 499)
		client_blame(&k->c, q, &a, why);
	else
		client_conforms(&k->c, w->op, q, &a);
}

static void refuse(const struct where *w, const json_t *body, const char *what)
{
	send(w, &(struct request){.body = body}, what);
}

static void with(const struct where *w, const char *name, json_t *value, const char *what)
{
	json_t *body = json_copy(w->body);
	char text[200];

	json_object_set_new(body, name, value);
	snprintf(text, sizeof(text), "'%s' that is %s", name, what);
	refuse(w, body, text);
	json_decref(body);
}

static json_t *filled(size_t n)
{
	_cleanup_(sut_freep) char *s = malloc(n + 1);

	if (!s)
		return json_null();
	memset(s, 'a', n);
	return json_stringn(s, n);
}

/* One of each type; those that do not fit have to be refused. */
static void wrong_types(const struct where *w, const char *name, const json_t *schema)
{
	json_t *values[] = {json_null(),     json_true(),   json_integer(7), json_real(1.5),
			    json_string(""), json_object(), json_array()};
	static const char *const names[] = {"null",	     "true",	  "a number", "a fraction",
					    "an empty text", "an object", "a list"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(values); i++) {
		struct schema_error e;

		if (!schema_check(w->k->c.doc, schema, values[i], 0, &e))
			with(w, name, json_incref(values[i]), names[i]);
		json_decref(values[i]);
	}
}

static void out_of_range(const struct where *w, const char *name, const json_t *schema)
{
	const json_t *s = schema_deref(w->k->c.doc, schema), *v;

	v = json_object_get(s, "maxLength");
	if (v)
		with(w, name, filled((size_t)json_integer_value(v) + 1), "too long");
	v = json_object_get(s, "maximum");
	if (v)
		with(w, name, json_integer(json_integer_value(v) + 1), "too large");
	v = json_object_get(s, "minimum");
	if (v)
		with(w, name, json_integer(json_integer_value(v) - 1), "too small");
	if (json_object_get(s, "enum"))
		with(w, name, json_string("neither"), "none of the words");
	if (json_object_get(s, "pattern") || json_object_get(s, "format"))
		with(w, name, json_string("\x01 {"), "not of the pattern");
	v = json_object_get(s, "maxItems");
	if (v) {
		json_t *list = json_array();

		for (long long i = 0; i <= json_integer_value(v); i++)
			json_array_append_new(list, json_string("x"));
		with(w, name, list, "too many");
	}
}

static bool required(const json_t *schema, const char *name)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, e) {
		if (sut_streq(json_string_value(e), name))
			return true;
	}
	return false;
}

static void fields(const struct where *w, const json_t *schema)
{
	const json_t *p;
	const char *name;

	with(w, "surprise", json_true(), "unknown");
	json_object_foreach((json_t *)json_object_get(schema, "properties"), name, p) {
		json_t *body = json_copy(w->body);

		wrong_types(w, name, p);
		out_of_range(w, name, p);
		json_object_del(body, name);
		if (required(schema, name))
			refuse(w, body, name);
		json_decref(body);
	}
}

static void raw(const struct where *w, const char *text, size_t len, const char *type,
		const char *what)
{
	send(w, &(struct request){.raw = text, .len = len, .type = type}, what);
}

static void bodies(const struct where *w)
{
	static const char *const bad[] = {
		"{",	"nonsense", "{\"a\": 1, \"a\": 2}", "[1]",   "7",
		"null", "\"text\"", "{\"a\": NaN}",	    "{} {}", "\xff\xfe"};
	_cleanup_(sut_freep) char *big = malloc(300 << 10);
	_cleanup_(sut_freep) char *deep = malloc(20000);

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		raw(w, bad[i], strlen(bad[i]), "application/json", bad[i]);
	if (!big || !deep)
		return;
	memset(big, ' ', 300 << 10);
	memcpy(big, "{", 1);
	big[(300 << 10) - 1] = '}';
	raw(w, big, 300 << 10, "application/json", "a body of 300 KiB");
	memset(deep, '[', 10000);
	memset(deep + 10000, ']', 10000);
	raw(w, deep, 20000, "application/json", "JSON nested 10000 deep");
	raw(w, "<a/>", 4, "text/xml", "XML");
}

static void arguments(const struct where *w)
{
	static const char *const bad[][2] = {
		{"surprise=1", "an unknown argument"},
		{"limit=0", "limit 0"},
		{"limit=501", "limit 501"},
		{"limit=-1", "limit -1"},
		{"limit=1&limit=2", "two limits"},
		{"limit=99999999999999999999", "a huge limit"},
		{"limit=x", "limit x"},
		{"cursor=%27%20OR%201=1", "a cursor with SQL"},
		{"cursor=-5", "a cursor below 0"},
		{"%zz=1", "a malformed argument"},
		{"limit=%00", "a NUL in an argument"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_(sut_freep) char *target = sut_sprintf("%s?%s", w->target, bad[i][0]);

		send(w, &(struct request){.target = target, .body = w->body}, bad[i][1]);
	}
}

/* What stands in a path comes from anybody. */
static void paths(const struct where *w)
{
	static const char *const bad[] = {"..%2f..%2fetc%2fpasswd", "%00", "%ff%fe",   "%", "%2",
					  "'%20OR%20'1'='1",	    "$1",  "%e2%80%ae"};
	const char *at;

	for (at = w->op->path; (at = strchr(at, '{')); at++) {
		for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
			_cleanup_(sut_freep) char *head =
				strndup(w->op->path, (size_t)(at - w->op->path));
			_cleanup_(sut_freep) char *target =
				sut_sprintf("%s%s%s", head, bad[i], strchr(at, '}') + 1);

			/* Of the others the example will do. */
			for (char *b = target; (b = strchr(b, '{'));)
				memset(b, '0', strcspn(b, "}") + 1);
			send(w, &(struct request){.target = target, .body = w->body}, bad[i]);
		}
	}
}

static void operation(struct walk *k, const struct operation *op)
{
	json_t *values = world_values(&k->w, &k->w.a);
	const json_t *schema = operation_body(&k->c, op);
	struct where w = {.k = k, .op = op};

	w.body = walk_body(k, &k->w.a, op, values);
	w.target = operation_target(&k->c, op, values, NULL);
	if (schema) {
		fields(&w, schema);
		bodies(&w);
	}
	if (sut_startswith(op->path, "/v1/"))
		arguments(&w);
	/* Whatever a browser asks for, it gets the page. */
	if (!sut_streq(op->id, "getPage"))
		paths(&w);
	free((char *)w.target);
	json_decref(w.body);
	json_decref(values);
}

void walk_invalid(struct walk *k)
{
	for (size_t i = 0; i < k->nops; i++)
		operation(k, &k->ops[i]);
}
