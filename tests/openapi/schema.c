// SPDX-License-Identifier: Apache-2.0
#include "schema.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 40 };

struct check {
	const json_t *doc;
	unsigned int flags;
	struct schema_error *err;
	size_t at; /* length of err->pointer */
	int depth;
};

_printf_(2, 3) static bool no(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->err->text, sizeof(c->err->text), fmt, ap);
	va_end(ap);
	return false;
}

/* Goes into a member; the old length is to be put back by up(). */
_printf_(2, 3) static size_t down(struct check *c, const char *fmt, ...)
{
	size_t was = c->at, room = sizeof(c->err->pointer) - was;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(c->err->pointer + was, room, fmt, ap);
	va_end(ap);
	c->at = n < 0 ? was : (size_t)n < room ? was + (size_t)n : sizeof(c->err->pointer) - 1;
	return was;
}

/* The pointer stays where something was found to be wrong. */
static bool up(struct check *c, size_t was, bool good)
{
	if (good) {
		c->at = was;
		c->err->pointer[was] = '\0';
	}
	return good;
}

const json_t *schema_ref(const json_t *doc, const char *ref)
{
	const json_t *v = doc;

	if (!sut_startswith(ref, "#/"))
		return NULL;
	for (ref += 2; v && *ref;) {
		size_t n = strcspn(ref, "/");
		char part[128];

		if (n >= sizeof(part))
			return NULL;
		memcpy(part, ref, n);
		part[n] = '\0';
		v = json_object_get(v, part);
		ref += n + (ref[n] == '/');
	}
	return v;
}

const json_t *schema_deref(const json_t *doc, const json_t *schema)
{
	for (int i = 0; i < DEPTH_MAX && schema; i++) {
		const char *ref = json_string_value(json_object_get(schema, "$ref"));

		if (!ref)
			return schema;
		schema = schema_ref(doc, ref);
	}
	return NULL;
}

/* --- does a value fit? --- */

static bool of_type(const char *type, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return sut_streq(type, "object");
	case JSON_ARRAY:
		return sut_streq(type, "array");
	case JSON_STRING:
		return sut_streq(type, "string");
	case JSON_INTEGER:
		return sut_streq(type, "integer") || sut_streq(type, "number");
	case JSON_REAL:
		return sut_streq(type, "number");
	case JSON_TRUE:
	case JSON_FALSE:
		return sut_streq(type, "boolean");
	default:
		return sut_streq(type, "null");
	}
}

static bool type_fits(const json_t *types, const json_t *v)
{
	const json_t *t;
	size_t i;

	if (json_is_string(types))
		return of_type(json_string_value(types), v);
	json_array_foreach(types, i, t) {
		if (of_type(json_string_value(t), v))
			return true;
	}
	return false;
}

static size_t code_points(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static bool is_time(const char *s)
{
	struct tm tm = {0};
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	return end && strlen(s) >= 20 && sut_streq(end, "Z");
}

static bool string_fits(struct check *c, const json_t *schema, const json_t *v)
{
	const char *s = json_string_value(v),
		   *pattern = json_string_value(json_object_get(schema, "pattern")),
		   *format = json_string_value(json_object_get(schema, "format"));
	const json_t *min = json_object_get(schema, "minLength"),
		     *max = json_object_get(schema, "maxLength");
	size_t n = code_points(s, json_string_length(v));
	regex_t re;
	bool good;

	if (min && n < (size_t)json_integer_value(min))
		return no(c, "'%.60s' is shorter than %lld", s, json_integer_value(min));
	if (max && n > (size_t)json_integer_value(max))
		return no(c, "'%.60s…' is longer than %lld", s, json_integer_value(max));
	if (pattern) {
		if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
			return no(c, "'%s' is no pattern", pattern);
		good = regexec(&re, s, 0, NULL, 0) == 0;
		regfree(&re);
		if (!good)
			return no(c, "'%.80s' does not fit %s", s, pattern);
	}
	if (sut_streq(format, "date-time") && !is_time(s))
		return no(c, "'%.60s' is no time", s);
	if (sut_streq(format, "uri") && !strstr(s, ":"))
		return no(c, "'%.60s' is no URI", s);
	return true;
}

static bool number_fits(struct check *c, const json_t *schema, const json_t *v)
{
	const json_t *min = json_object_get(schema, "minimum"),
		     *max = json_object_get(schema, "maximum");
	double n = json_number_value(v);

	if (min && n < json_number_value(min))
		return no(c, "%g is less than %g", n, json_number_value(min));
	if (max && n > json_number_value(max))
		return no(c, "%g is more than %g", n, json_number_value(max));
	return true;
}

static bool fits(struct check *c, const json_t *schema, const json_t *v);

static bool array_fits(struct check *c, const json_t *schema, const json_t *v)
{
	const json_t *items = json_object_get(schema, "items"),
		     *min = json_object_get(schema, "minItems"),
		     *max = json_object_get(schema, "maxItems"), *e;
	bool unique = json_is_true(json_object_get(schema, "uniqueItems"));
	size_t i;

	if (min && json_array_size(v) < (size_t)json_integer_value(min))
		return no(c, "fewer than %lld items", json_integer_value(min));
	if (max && json_array_size(v) > (size_t)json_integer_value(max))
		return no(c, "more than %lld items", json_integer_value(max));
	json_array_foreach(v, i, e) {
		size_t was = down(c, "/%zu", i);

		if (!up(c, was, !items || fits(c, items, e)))
			return false;
		for (size_t k = 0; unique && k < i; k++)
			if (json_equal(json_array_get(v, k), e))
				return no(c, "items %zu and %zu are equal", k, i);
	}
	return true;
}

static bool member_fits(struct check *c, const json_t *schema, const char *name, const json_t *v)
{
	const json_t *properties = json_object_get(schema, "properties"),
		     *more = json_object_get(schema, "additionalProperties"),
		     *names = json_object_get(schema, "propertyNames"),
		     *own = json_object_get(properties, name);
	json_t *text;
	bool good;

	if (names) {
		text = json_string(name);
		good = text && fits(c, names, text);
		json_decref(text);
		if (!good)
			return false;
	}
	if (own)
		return fits(c, own, v);
	if (json_is_object(more))
		return fits(c, more, v);
	if (json_is_false(more) || (!more && properties && (c->flags & SCHEMA_STRICT)))
		return no(c, "there is no such property");
	return true;
}

static bool object_fits(struct check *c, const json_t *schema, const json_t *v)
{
	const json_t *min = json_object_get(schema, "minProperties"),
		     *max = json_object_get(schema, "maxProperties"), *e;
	const char *name;
	size_t i;

	if (min && json_object_size(v) < (size_t)json_integer_value(min))
		return no(c, "fewer than %lld properties", json_integer_value(min));
	if (max && json_object_size(v) > (size_t)json_integer_value(max))
		return no(c, "more than %lld properties", json_integer_value(max));
	json_array_foreach(json_object_get(schema, "required"), i, e) {
		if (!json_object_get(v, json_string_value(e)))
			return no(c, "'%s' is missing", json_string_value(e));
	}
	json_object_foreach((json_t *)v, name, e) {
		size_t was = down(c, "/%s", name);

		if (!up(c, was, member_fits(c, schema, name, e)))
			return false;
	}
	return true;
}

/* How many of the alternatives fit. */
static size_t alternatives(struct check *c, const json_t *list, const json_t *v)
{
	struct schema_error keep = *c->err, first = {0};
	size_t n = 0, was = c->at, i;
	const json_t *s;

	json_array_foreach(list, i, s) {
		if (fits(c, s, v))
			n++;
		else if (!first.text[0])
			first = *c->err;
		c->at = was;
		*c->err = keep;
	}
	if (!n) {
		*c->err = first;
		c->at = strlen(first.pointer);
	}
	return n;
}

static bool one_of_values(const json_t *list, const json_t *v)
{
	const json_t *e;
	size_t i;

	json_array_foreach(list, i, e) {
		if (json_equal(e, v))
			return true;
	}
	return false;
}

static bool by_type(struct check *c, const json_t *schema, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return string_fits(c, schema, v);
	case JSON_INTEGER:
	case JSON_REAL:
		return number_fits(c, schema, v);
	case JSON_ARRAY:
		return array_fits(c, schema, v);
	case JSON_OBJECT:
		return object_fits(c, schema, v);
	default:
		return true;
	}
}

static bool combined(struct check *c, const json_t *schema, const json_t *v)
{
	const json_t *any = json_object_get(schema, "anyOf"),
		     *one = json_object_get(schema, "oneOf"),
		     *all = json_object_get(schema, "allOf"), *s;
	size_t n, i;

	if (any && !alternatives(c, any, v))
		return false;
	if (one) {
		n = alternatives(c, one, v);
		if (!n)
			return false;
		if (n > 1)
			return no(c, "%zu alternatives of oneOf fit", n);
	}
	json_array_foreach(all, i, s) {
		if (!fits(c, s, v))
			return false;
	}
	return true;
}

static bool fits_here(struct check *c, const json_t *schema, const json_t *v)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const json_t *types = json_object_get(schema, "type"),
		     *values = json_object_get(schema, "enum"),
		     *constant = json_object_get(schema, "const"), *target;

	if (json_is_boolean(schema))
		return json_is_true(schema) ? true : no(c, "nothing may be here");
	if (!json_is_object(schema))
		return no(c, "there is no schema");
	if (c->depth > DEPTH_MAX)
		return no(c, "nested too deep");
	if (ref) {
		target = schema_ref(c->doc, ref);
		if (!target)
			return no(c, "%s leads nowhere", ref);
		if (!fits(c, target, v))
			return false;
	}
	if (types && !type_fits(types, v)) {
		_cleanup_(sut_freep) char *is = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		_cleanup_(sut_freep) char *want = json_dumps(types, JSON_ENCODE_ANY);

		return no(c, "%.80s is not %s", is ? is : "it", want ? want : "of this type");
	}
	if (values && !one_of_values(values, v)) {
		_cleanup_(sut_freep) char *is = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

		return no(c, "%.80s is none of the values", is ? is : "it");
	}
	if (constant && !json_equal(constant, v))
		return no(c, "it is not the constant");
	return by_type(c, schema, v) && combined(c, schema, v);
}

static bool fits(struct check *c, const json_t *schema, const json_t *v)
{
	bool good;

	c->depth++;
	good = fits_here(c, schema, v);
	c->depth--;
	return good;
}

bool schema_check(const json_t *doc, const json_t *schema, const json_t *value, unsigned int flags,
		  struct schema_error *ret)
{
	struct check c = {.doc = doc, .flags = flags, .err = ret};

	*ret = (struct schema_error){0};
	return fits(&c, schema, value);
}

/* --- is it a schema? --- */

static bool sound(struct check *c, const json_t *s);

static bool sound_map(struct check *c, const json_t *map)
{
	const json_t *s;
	const char *name;

	json_object_foreach((json_t *)map, name, s) {
		size_t was = down(c, "/%s", name);

		if (!up(c, was, sound(c, s)))
			return false;
	}
	return true;
}

static bool sound_list(struct check *c, const json_t *list)
{
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s) {
		size_t was = down(c, "/%zu", i);

		if (!up(c, was, sound(c, s)))
			return false;
	}
	return true;
}

static bool keyword(struct check *c, const char *name, const json_t *v)
{
	static const char *const plain[] = {
		"type",		 "enum",	"const",       "required",  "minProperties",
		"maxProperties", "minItems",	"maxItems",    "format",    "minLength",
		"maxLength",	 "minimum",	"maximum",     "examples",  "default",
		"title",	 "description", "uniqueItems", "deprecated"};
	const char *text = json_string_value(v);
	regex_t re;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(plain); i++)
		if (sut_streq(name, plain[i]))
			return true;
	if (sut_streq(name, "$ref"))
		return text && schema_ref(c->doc, text) ? true : no(c, "%s leads nowhere", text);
	if (sut_streq(name, "pattern")) {
		if (!text || regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0)
			return no(c, "is no pattern");
		regfree(&re);
		return true;
	}
	if (sut_streq(name, "properties"))
		return sound_map(c, v);
	if (sut_streq(name, "items") || sut_streq(name, "propertyNames") ||
	    sut_streq(name, "additionalProperties"))
		return sound(c, v);
	if (sut_streq(name, "anyOf") || sut_streq(name, "oneOf") || sut_streq(name, "allOf"))
		return sound_list(c, v);
	return no(c, "is a keyword that the tests do not know");
}

static bool sound(struct check *c, const json_t *s)
{
	const json_t *properties = json_object_get(s, "properties"), *v;
	const char *name;
	size_t i;

	if (json_is_boolean(s))
		return true;
	if (!json_is_object(s))
		return no(c, "is no schema");
	json_object_foreach((json_t *)s, name, v) {
		size_t was = down(c, "/%s", name);

		if (!up(c, was, keyword(c, name, v)))
			return false;
	}
	json_array_foreach(json_object_get(s, "required"), i, v) {
		if (!json_object_get(properties, json_string_value(v)))
			return no(c, "requires '%s', which it does not describe",
				  json_string_value(v));
	}
	return true;
}

static bool examples_fit(struct check *c, const json_t *s)
{
	const json_t *v;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(s, "examples"), i, v) {
		if (!fits(c, s, v))
			return false;
	}
	json_object_foreach((json_t *)json_object_get(s, "properties"), name, v) {
		if (!examples_fit(c, v))
			return false;
	}
	return true;
}

bool schema_sound(const json_t *doc, const json_t *schema, struct schema_error *ret)
{
	struct check c = {.doc = doc, .flags = SCHEMA_STRICT, .err = ret};

	*ret = (struct schema_error){0};
	return sound(&c, schema) && examples_fit(&c, schema);
}
