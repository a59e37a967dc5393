// SPDX-License-Identifier: Apache-2.0
#include "json/field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int sut_json_bad(const struct sut_json_at *at, const char *key, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sut_err_reason(at->err, EBADMSG, at->reason, "%s%s%s%s%.64s %s. %s", at->doc,
			      *at->path || *key ? ": " : "", at->path, *at->path && *key ? "." : "",
			      key, what, at->advice);
}

struct sut_json_at sut_json_member(const struct sut_json_at *at, const char *key)
{
	struct sut_json_at a = *at;

	a.node = json_object_get(at->node, key);
	snprintf(a.path, sizeof(a.path), "%.110s%s%.40s", at->path, *at->path ? "." : "", key);
	return a;
}

struct sut_json_at sut_json_entry(const struct sut_json_at *list, size_t i)
{
	struct sut_json_at a = *list;

	a.node = json_array_get(list->node, i);
	snprintf(a.path, sizeof(a.path), "%.130s[%zu]", list->path, i);
	return a;
}

int sut_json_string(const struct sut_json_at *at, const char *key, bool must, const char **ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (!v && !must)
		return 0;
	if (!json_is_string(v))
		return sut_json_bad(at, key,
				    must ? "is missing or not a string" : "is not a string");
	*ret = json_string_value(v);
	return 0;
}

int sut_json_int(const struct sut_json_at *at, const char *key, bool must, int64_t min, int64_t max,
		 int64_t *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (!v && !must)
		return 0;
	if (!json_is_integer(v))
		return sut_json_bad(at, key, "is missing or not an integer");
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return sut_json_bad(at, key, "is %lld (%lld to %lld are possible)",
				    (long long)json_integer_value(v), (long long)min,
				    (long long)max);
	*ret = json_integer_value(v);
	return 0;
}

int sut_json_bool(const struct sut_json_at *at, const char *key, bool *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (v && !json_is_boolean(v))
		return sut_json_bad(at, key, "is neither true nor false");
	if (v)
		*ret = json_is_true(v);
	return 0;
}

int sut_json_object(const struct sut_json_at *at, const char *key, bool must,
		    struct sut_json_at *ret)
{
	struct sut_json_at v = sut_json_member(at, key);

	if (v.node ? !json_is_object(v.node) : must)
		return sut_json_bad(at, key, "is missing or not an object");
	*ret = v;
	return 0;
}

int sut_json_list(const struct sut_json_at *at, const char *key, bool must, size_t min, size_t max,
		  struct sut_json_at *ret)
{
	struct sut_json_at v = sut_json_member(at, key);
	size_t n = json_array_size(v.node);

	if (v.node ? !json_is_array(v.node) : must)
		return sut_json_bad(at, key, "is missing or not a list");
	if (n < min || n > max)
		return sut_json_bad(at, key, "has %zu entries (%zu to %zu are possible)", n, min,
				    max);
	*ret = v;
	return 0;
}
