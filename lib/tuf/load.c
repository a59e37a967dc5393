// SPDX-License-Identifier: Apache-2.0
#include "tuf/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int sut_tuf_bad(const struct sut_tuf_at *at, const char *key, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return sut_err_reason(at->err, EBADMSG, "format",
			      "%s: %s%s%s %s. Whoever made this file has to mend it; until then "
			      "the last good one stays in use",
			      at->what, at->path, *at->path && *key ? "." : "", key, why);
}

struct sut_tuf_at sut_tuf_at(const struct sut_tuf_at *at, const char *key)
{
	struct sut_tuf_at r = {
		.node = json_object_get(at->node, key), .what = at->what, .err = at->err};

	snprintf(r.path, sizeof(r.path), "%.80s%s%.30s", at->path, *at->path ? "." : "", key);
	return r;
}

struct sut_tuf_at sut_tuf_at_index(const struct sut_tuf_at *at, size_t i)
{
	struct sut_tuf_at r = {
		.node = json_array_get(at->node, i), .what = at->what, .err = at->err};

	snprintf(r.path, sizeof(r.path), "%.80s[%zu]", at->path, i);
	return r;
}

struct sut_tuf_at sut_tuf_at_value(const struct sut_tuf_at *at, json_t *value)
{
	struct sut_tuf_at r = {.node = value, .what = at->what, .err = at->err};

	snprintf(r.path, sizeof(r.path), "an entry of %.80s", at->path);
	return r;
}

int sut_tuf_get_string(const struct sut_tuf_at *at, const char *key, const char **ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (!json_is_string(v))
		return sut_tuf_bad(at, key, "is missing or not a string");
	*ret = json_string_value(v);
	return 0;
}

int sut_tuf_get_int(const struct sut_tuf_at *at, const char *key, int64_t min, int64_t max,
		    int64_t *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (!json_is_integer(v))
		return sut_tuf_bad(at, key, "is missing or not an integer");
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return sut_tuf_bad(at, key, "is %lld (%lld to %lld are possible)",
				   (long long)json_integer_value(v), (long long)min,
				   (long long)max);
	*ret = json_integer_value(v);
	return 0;
}

int sut_tuf_get_optional_int(const struct sut_tuf_at *at, const char *key, int64_t min, int64_t max,
			     int64_t *ret)
{
	return json_object_get(at->node, key) ? sut_tuf_get_int(at, key, min, max, ret) : 0;
}

int sut_tuf_get_optional_bool(const struct sut_tuf_at *at, const char *key, bool *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (v && !json_is_boolean(v))
		return sut_tuf_bad(at, key, "is neither true nor false");
	if (v)
		*ret = json_is_true(v);
	return 0;
}

int sut_tuf_get_object(const struct sut_tuf_at *at, const char *key, struct sut_tuf_at *ret)
{
	struct sut_tuf_at v = sut_tuf_at(at, key);

	if (!json_is_object(v.node))
		return sut_tuf_bad(at, key, "is missing or not an object");
	*ret = v;
	return 0;
}

int sut_tuf_get_array(const struct sut_tuf_at *at, const char *key, size_t max,
		      struct sut_tuf_at *ret)
{
	struct sut_tuf_at v = sut_tuf_at(at, key);

	if (!json_is_array(v.node))
		return sut_tuf_bad(at, key, "is missing or not a list");
	if (json_array_size(v.node) > max)
		return sut_tuf_bad(at, key, "has %zu entries (%zu at most)",
				   json_array_size(v.node), max);
	*ret = v;
	return 0;
}

int sut_tuf_get_strings(const struct sut_tuf_at *at, const char *key, size_t max, size_t max_len,
			const char ***ret, size_t *ret_n)
{
	_cleanup_(sut_freep) const char **v = NULL;
	struct sut_tuf_at list;
	size_t n;
	int r = sut_tuf_get_array(at, key, max, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	if (n) {
		v = calloc(n, sizeof(*v));
		if (!v)
			return sut_err_oom(at->err);
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(list.node, i);

		if (!json_is_string(s) || !json_string_length(s) || json_string_length(s) > max_len)
			return sut_tuf_bad(&list, "",
					   "has an entry that is not a string of 1 to "
					   "%zu bytes",
					   max_len);
		v[i] = json_string_value(s);
	}
	*ret = sut_steal(v);
	*ret_n = n;
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int sut_tuf_duplicates(const char *const *v, size_t n)
{
	_cleanup_(sut_freep) const char **sorted = NULL;

	if (n < 2)
		return 0;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_bytes);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			return 1;
	return 0;
}

bool sut_tuf_is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}
