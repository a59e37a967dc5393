// SPDX-License-Identifier: Apache-2.0
#include "job/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "job/manifest.h"

/*
 * Jansson says "invalid token" when memory is short, and may even read a text with a letter missing. So its
 * allocations are watched, behind whoever watches them already.
 */
static _Thread_local bool starved;
static json_malloc_t next_malloc;

static void *watched_malloc(size_t n)
{
	void *p = next_malloc(n);

	if (!p)
		starved = true;
	return p;
}

__attribute__((constructor)) static void watch(void)
{
	json_free_t release;

	json_get_alloc_funcs(&next_malloc, &release);
	json_set_alloc_funcs(watched_malloc, release);
}

/* Levels of nesting of text that may be anything: jansson recurses for each. */
static size_t depth_of(const char *s, size_t len)
{
	size_t depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = false;
		} else if (s[i] == '"') {
			in_string = true;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > deepest)
				deepest = depth;
		} else if ((s[i] == '}' || s[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return deepest;
}

int job_json_parse(struct job_at *at, const void *text, size_t len, json_t **ret)
{
	_cleanup_json_ json_t *j = NULL;
	json_error_t e = {0};

	if (len && depth_of(text, len) > JOB_JSON_DEPTH_MAX)
		return job_bad(at, "", "is nested more than %d levels deep", JOB_JSON_DEPTH_MAX);
	starved = false;
	j = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &e) : NULL;
	if (starved || (!j && len && json_error_code(&e) == json_error_out_of_memory))
		return sut_err_oom(at->err);
	if (!j && len && json_error_code(&e) == json_error_duplicate_key)
		return job_bad(at, "", "has the same member twice (line %d)", e.line);
	if (!j || !json_is_object(j))
		return job_bad(at, "", "is no JSON object%s", len ? "" : ": it is empty");
	at->node = j;
	*ret = sut_steal(j);
	return 0;
}

int job_bad(const struct job_at *at, const char *key, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sut_err_reason(at->err, EBADMSG, at->reason,
			      "%s%s%s%s%.64s %s. Whoever made it has to mend it "
			      "(docs/formats/job.md)",
			      at->doc, *at->path || *key ? ": " : "", at->path,
			      *at->path && *key ? "." : "", key, what);
}

int job_known(const struct job_at *at, const char *const *known)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)at->node, key, v) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return job_bad(at, key, "is not known here");
	}
	return 0;
}

static struct job_at below(const struct job_at *at, const char *key, const json_t *node)
{
	struct job_at a = {.node = node, .doc = at->doc, .reason = at->reason, .err = at->err};

	snprintf(a.path, sizeof(a.path), "%.48s%s%.32s", at->path, *at->path ? "." : "", key);
	return a;
}

bool job_is_printable(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

bool job_is_token(const char *s, size_t max, const char *extra)
{
	size_t n = strlen(s);

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(extra, s[i]))
			return false;
	return true;
}

bool job_is_hex(const char *s, size_t digits)
{
	return strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

int job_text(const struct job_at *at, const char *key, bool must, size_t max, const char **ret)
{
	const json_t *v = json_object_get(at->node, key);
	const char *s = json_string_value(v);

	if (!v && !must) {
		*ret = NULL;
		return 0;
	}
	if (!s)
		return job_bad(at, key, "is missing or not a string");
	if (!*s || strlen(s) > max || !job_is_printable(s))
		return job_bad(at, key, "is not a printable text of 1 to %zu bytes", max);
	*ret = s;
	return 0;
}

int job_uint(const struct job_at *at, const char *key, bool must, int64_t min, int64_t max,
	     int64_t *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (!v && !must) {
		*ret = 0;
		return 0;
	}
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return job_bad(at, key, "is not an integer from %lld to %lld", (long long)min,
			       (long long)max);
	*ret = json_integer_value(v);
	return 0;
}

int job_bool(const struct job_at *at, const char *key, bool *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (v && !json_is_boolean(v))
		return job_bad(at, key, "is neither true nor false");
	*ret = json_is_true(v);
	return 0;
}

int job_time(const struct job_at *at, const char *key, bool must, int64_t *ret)
{
	const json_t *v = json_object_get(at->node, key);
	const char *s = json_string_value(v);

	if (!v && !must) {
		*ret = 0;
		return 0;
	}
	if (!s || sut_job_time_parse(s, ret) < 0)
		return job_bad(at, key, "is not a time like \"2026-11-22T06:15:00Z\"");
	return 0;
}

int job_object(const struct job_at *at, const char *key, bool must, struct job_at *ret)
{
	const json_t *v = json_object_get(at->node, key);

	if (v ? !json_is_object(v) : must)
		return job_bad(at, key, "is missing or not an object");
	*ret = below(at, key, v);
	return 0;
}

int job_list(const struct job_at *at, const char *key, size_t min, size_t max, struct job_at *ret)
{
	const json_t *v = json_object_get(at->node, key);
	size_t n = json_array_size(v);

	if (v && !json_is_array(v))
		return job_bad(at, key, "is not a list");
	if (n < min || n > max)
		return job_bad(at, key, "has %zu entries; %zu to %zu are possible", n, min, max);
	*ret = below(at, key, v);
	return 0;
}

struct job_at job_entry(const struct job_at *list, size_t i)
{
	struct job_at a = *list;

	a.node = json_array_get(list->node, i);
	snprintf(a.path, sizeof(a.path), "%.80s[%zu]", list->path, i);
	return a;
}

json_t *job_json_text(const char *s)
{
	_cleanup_(sut_freep) char *copy = strdup(s);

	if (!copy)
		return NULL;
	sut_make_printable(copy, "\n\t");
	return json_string(copy);
}
