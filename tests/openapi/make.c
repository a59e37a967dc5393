// SPDX-License-Identifier: Apache-2.0
/* Values made from schemas: such that fit, and such that do not. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "schema.h"

uint64_t schema_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
	return n ? schema_random(state) % n : 0;
}

static const json_t *any(const json_t *list, uint64_t *state)
{
	return json_array_get(list, below(state, json_array_size(list)));
}

static json_t *make_string(const json_t *s, uint64_t *state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const char *format = json_string_value(json_object_get(s, "format"));
	size_t min = (size_t)json_integer_value(json_object_get(s, "minLength")),
	       max = (size_t)json_integer_value(json_object_get(s, "maxLength")), n;
	char text[64];

	if (json_object_get(s, "pattern"))
		return NULL;
	if (sut_streq(format, "date-time"))
		return json_string("2027-01-02T03:04:05Z");
	if (sut_streq(format, "uri"))
		return json_string("https://hooks.example/suture");
	n = min + below(state, 12) + 1;
	if (max && n > max)
		n = max;
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	for (size_t i = 0; i < n; i++)
		text[i] = letters[below(state, sizeof(letters) - 1)];
	return json_stringn(text, n);
}

static json_t *make_integer(const json_t *s, uint64_t *state)
{
	const json_t *min = json_object_get(s, "minimum"), *max = json_object_get(s, "maximum");
	int64_t low = min ? json_integer_value(min) : 0,
		high = max ? json_integer_value(max) : low + 1000;

	return json_integer(low + (json_int_t)below(state, (size_t)(high - low + 1)));
}

static json_t *make_array(const json_t *doc, const json_t *s, uint64_t *state)
{
	size_t min = (size_t)json_integer_value(json_object_get(s, "minItems")), n = min;
	const json_t *max = json_object_get(s, "maxItems");
	json_t *list = json_array();

	if (!max || (size_t)json_integer_value(max) > n)
		n += below(state, 2);
	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list,
					  schema_make(doc, json_object_get(s, "items"), state)) < 0)
			break;
	return list;
}

static bool required(const json_t *s, const char *name)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(s, "required"), i, e) {
		if (sut_streq(json_string_value(e), name))
			return true;
	}
	return false;
}

static json_t *make_object(const json_t *doc, const json_t *s, uint64_t *state)
{
	json_t *object = json_object();
	const json_t *p;
	const char *name;

	json_object_foreach((json_t *)json_object_get(s, "properties"), name, p) {
		json_t *v;

		if (!required(s, name) && below(state, 2))
			continue;
		v = schema_make(doc, p, state);
		if (v)
			json_object_set_new(object, name, v);
	}
	return object;
}

json_t *schema_make(const json_t *doc, const json_t *schema, uint64_t *state)
{
	const json_t *s = schema_deref(doc, schema), *types, *list;
	const char *type;

	list = json_object_get(schema, "examples");
	if (!json_array_size(list))
		list = json_object_get(s, "examples");
	if (json_array_size(list) && (!json_object_get(s, "properties") || below(state, 3)))
		return json_deep_copy(any(list, state));
	if (json_object_get(s, "const"))
		return json_deep_copy(json_object_get(s, "const"));
	if (json_object_get(s, "enum"))
		return json_deep_copy(any(json_object_get(s, "enum"), state));
	list = json_object_get(s, "anyOf");
	if (!list)
		list = json_object_get(s, "oneOf");
	if (list)
		return schema_make(doc, any(list, state), state);
	types = json_object_get(s, "type");
	type = json_string_value(json_is_array(types) ? any(types, state) : types);
	if (sut_streq(type, "string"))
		return make_string(s, state);
	if (sut_streq(type, "integer") || sut_streq(type, "number"))
		return make_integer(s, state);
	if (sut_streq(type, "boolean"))
		return json_boolean(below(state, 2));
	if (sut_streq(type, "array"))
		return make_array(doc, s, state);
	if (sut_streq(type, "object"))
		return make_object(doc, s, state);
	return json_null();
}

/* --- what does not fit --- */

static json_t *filled(char c, size_t n)
{
	_cleanup_(sut_freep) char *s = malloc(n + 1);

	if (!s)
		return NULL;
	memset(s, c, n);
	return json_stringn(s, n);
}

static json_t *deep(size_t n)
{
	json_t *v = json_array();

	while (n--) {
		json_t *outer = json_array();

		json_array_append_new(outer, v);
		v = outer;
	}
	return v;
}

/* What parsers and databases have stumbled over. */
static json_t *odd(uint64_t *state)
{
	static const char *const texts[] = {
		"",
		"' OR 1=1 --",
		"\"; DROP TABLE systems; --",
		"../../../../etc/passwd",
		"..%2f..%2f",
		"%00",
		"\u202eevil",
		"\xf0\x9f\x92\xa9",
		"$1",
		"%s%s%s%n",
		"<script>alert(1)</script>",
		"a\nSet-Cookie: x=1",
		"0x7fffffffffffffff",
		"-1",
		"null",
		"\x01\x02\x1b[31m",
		"2026-13-45T99:99:99Z",
		"9999-12-31T23:59:60Z",
		"CVE-0000-0",
		"level:99999999999999999999",
		"date:2026-02-31",
		"0.0.0.0/33",
		"http://[::1]:0/",
		"file:///etc/passwd",
	};

	switch (below(state, 14)) {
	case 0:
		return json_null();
	case 1:
		return json_true();
	case 2:
		return json_integer(INT64_MAX);
	case 3:
		return json_integer(INT64_MIN);
	case 4:
		return json_integer(-1);
	case 5:
		return json_real(1e308);
	case 6:
		return json_real(0.5);
	case 7:
		return json_object();
	case 8:
		return json_array();
	case 9:
		return filled('a', 70 + below(state, 3000));
	case 10:
		return deep(below(state, 30));
	case 11:
		return json_stringn("a\0b", 3);
	default:
		return json_string(texts[below(state, SUT_ARRAY_SIZE(texts))]);
	}
}

static void spoil_member(const json_t *doc, const json_t *s, json_t *object, uint64_t *state)
{
	const json_t *properties = json_object_get(s, "properties");
	size_t n = json_object_size(properties), pick = below(state, n);
	const char *name;
	const json_t *p;
	json_t *v = NULL;

	json_object_foreach((json_t *)properties, name, p) {
		if (pick-- > 0)
			continue;
		switch (below(state, 4)) {
		case 0:
			json_object_del(object, name);
			break;
		case 1:
			v = schema_spoil(doc, p, state);
			break;
		default:
			v = odd(state);
			break;
		}
		if (v)
			json_object_set_new(object, name, v);
		return;
	}
	json_object_set_new(object, "surprise", odd(state));
}

json_t *schema_spoil(const json_t *doc, const json_t *schema, uint64_t *state)
{
	const json_t *s = schema_deref(doc, schema);
	json_t *v;

	if (!json_object_get(s, "properties") || !below(state, 8))
		return odd(state);
	v = schema_make(doc, schema, state);
	if (!json_is_object(v))
		return v;
	do {
		if (below(state, 6))
			spoil_member(doc, s, v, state);
		else
			json_object_set_new(v, below(state, 2) ? "surprise" : "__proto__",
					    odd(state));
	} while (!below(state, 3));
	return v;
}
