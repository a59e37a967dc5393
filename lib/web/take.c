// SPDX-License-Identifier: Apache-2.0
/* Reads the fields of a JSON body into variables, and says all that is wrong with them at once. */
#include <string.h>

#include "base/utf8.h"
#include "web/job.h"

enum { ARRAY_MAX = 1000 };

static const char *type_name(const struct web_field *f)
{
	switch (f->type) {
	case WEB_T_INT:
		return "a whole number";
	case WEB_T_BOOL:
		return "true or false";
	case WEB_T_TIME:
		return "a time in a string, as 2026-11-22T12:00:00Z";
	case WEB_T_ARRAY:
		return "a list";
	case WEB_T_OBJECT:
		return "an object";
	default:
		return "a string";
	}
}

static bool has_type(const struct web_field *f, const json_t *v)
{
	switch (f->type) {
	case WEB_T_INT:
		return json_is_integer(v);
	case WEB_T_BOOL:
		return json_is_boolean(v);
	case WEB_T_ARRAY:
		return json_is_array(v);
	case WEB_T_OBJECT:
		return json_is_object(v);
	default:
		return json_is_string(v);
	}
}

static void bad(struct web_resp *r, const struct web_field *f, const char *what)
{
	char pointer[80];

	snprintf(pointer, sizeof(pointer), "/%.70s", f->name);
	web_bad_field(r, pointer, "%s", what);
}

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n && n <= WEB_NAME_MAX && strchr("._-", s[0]) == NULL &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static int take_string(const struct web_field *f, const char *s, struct web_resp *r)
{
	size_t n = strlen(s), max = f->max ? (size_t)f->max : WEB_TEXT_MAX;
	char text[96];

	if (!n && !(f->flags & WEB_EMPTY_OK))
		return bad(r, f, "it is empty"), WEB_NO;
	if (n > max) {
		snprintf(text, sizeof(text), "it has %zu bytes; at most %zu are taken", n, max);
		return bad(r, f, text), WEB_NO;
	}
	for (const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s); p < end;) {
		int32_t c = sut_utf8_next(&p, end);

		if (c != '\n' && c != '\t' && !sut_is_printable(c))
			return bad(r, f,
				   "it holds a control character, or one that turns the direction of "
				   "text"),
			       WEB_NO;
	}
	*(const char **)f->ret = s;
	return 0;
}

static int take_int(const struct web_field *f, int64_t v, struct web_resp *r)
{
	char text[96];

	if (v < f->min || v > f->max) {
		snprintf(text, sizeof(text), "%lld is not from %lld to %lld", (long long)v,
			 (long long)f->min, (long long)f->max);
		return bad(r, f, text), WEB_NO;
	}
	*(int64_t *)f->ret = v;
	return 0;
}

static int take_value(const struct web_field *f, json_t *v, struct web_resp *r)
{
	char text[96];

	switch (f->type) {
	case WEB_T_INT:
		return take_int(f, json_integer_value(v), r);
	case WEB_T_BOOL:
		*(bool *)f->ret = json_is_true(v);
		return 0;
	case WEB_T_TIME:
		if (web_time_parse(json_string_value(v), f->ret) < 0)
			return bad(r, f, "it is no time as 2026-11-22T12:00:00Z"), WEB_NO;
		return 0;
	case WEB_T_NAME:
		if (!is_name(json_string_value(v)))
			return bad(r, f,
				   "a name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and begins "
				   "with a letter or a digit"),
			       WEB_NO;
		*(const char **)f->ret = json_string_value(v);
		return 0;
	case WEB_T_ARRAY:
		if (json_array_size(v) > (f->max ? (size_t)f->max : ARRAY_MAX)) {
			snprintf(text, sizeof(text), "it has %zu entries; at most %lld are taken",
				 json_array_size(v), f->max ? (long long)f->max : ARRAY_MAX);
			return bad(r, f, text), WEB_NO;
		}
		*(json_t **)f->ret = v;
		return 0;
	case WEB_T_OBJECT:
		*(json_t **)f->ret = v;
		return 0;
	default:
		return take_string(f, json_string_value(v), r);
	}
}

static int take_field(const struct web_field *f, json_t *v, struct web_resp *r)
{
	char text[96];

	if (json_is_null(v) && (f->flags & WEB_NULLABLE)) {
		if (f->ret_given)
			*f->ret_given = true;
		return 0;
	}
	if (!v) {
		if (!(f->flags & WEB_REQUIRED))
			return 0;
		return bad(r, f, "it is missing"), WEB_NO;
	}
	if (!has_type(f, v)) {
		snprintf(text, sizeof(text), "it must be %s", type_name(f));
		return bad(r, f, text), WEB_NO;
	}
	if (f->ret_given)
		*f->ret_given = true;
	return take_value(f, v, r);
}

int web_take(struct web_req *q, struct web_resp *r, const struct web_field *f, size_t n)
{
	const char *name;
	json_t *v;
	int rc = 0;

	/* Who wants no arguments beside the body does not ask for them. */
	if (q->job && !q->job->args_taken && web_only_args(q, r, (const char *const[]){NULL}) != 0)
		return WEB_NO;
	if (q->body && !json_is_object(q->body))
		return web_bad_field(r, "", "it must be a JSON object");
	for (size_t i = 0; i < n; i++)
		if (take_field(&f[i], json_object_get(q->body, f[i].name), r) != 0)
			rc = WEB_NO;
	json_object_foreach(q->body, name, v) {
		char pointer[80];
		size_t i = 0;

		while (i < n && strcmp(f[i].name, name) != 0)
			i++;
		if (i < n)
			continue;
		snprintf(pointer, sizeof(pointer), "/%.70s", name);
		rc = web_bad_field(r, pointer, "there is no such field. Remove it");
	}
	return rc;
}
