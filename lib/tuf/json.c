// SPDX-License-Identifier: Apache-2.0
#include "tuf/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int bad(struct sut_err *err, const char *what, const char *why)
{
	return sut_err_reason(err, EBADMSG, "format",
			      "%s: %s. Whoever made this file has to mend it; until then the last "
			      "good one stays in use",
			      what, why);
}

static bool has_real(const json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_object(j))
		json_object_foreach((json_t *)j, key, v)
			if (has_real(v))
				return true;
	if (json_is_array(j))
		json_array_foreach(j, i, v)
			if (has_real(v))
				return true;
	return json_is_real(j);
}

int sut_json_parse(const void *data, size_t len, const char *what, json_t **ret,
		   struct sut_err *err)
{
	_cleanup_json_ json_t *j = NULL;
	struct sut_json_why why;
	int r = sut_json_object_parse(data, len, SUT_JSON_DEPTH_MAX, &j, &why);

	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0 && why.line)
		return sut_err_reason(
			err, EBADMSG, "format",
			"%s: line %u: not the JSON that metadata may be: it %s. Is this the right "
			"address, and no error page?",
			what, why.line, why.text);
	if (r < 0)
		return bad(err, what, why.text);
	if (has_real(j))
		return bad(err, what, "has a number that is not an integer");
	*ret = sut_steal(j);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Canonical form. Each returns 0 or what sut_buf_add() says; -EBADMSG for no such form.  */

static int add_value(const json_t *j, struct sut_buf *out, unsigned int depth);

static int add_string(const char *s, size_t len, struct sut_buf *out)
{
	size_t from = 0;
	int r = sut_buf_addstr(out, "\"");

	if (memchr(s, 0, len))
		return -EBADMSG;
	for (size_t i = 0; r == 0 && i < len; i++)
		if (s[i] == '"' || s[i] == '\\') {
			r = sut_buf_add(out, s + from, i - from);
			if (r == 0)
				r = sut_buf_addstr(out, "\\");
			from = i;
		}
	if (r == 0)
		r = sut_buf_add(out, s + from, len - from);
	return r < 0 ? r : sut_buf_addstr(out, "\"");
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_object(const json_t *j, struct sut_buf *out, unsigned int depth)
{
	_cleanup_(sut_freep) const char **keys = NULL;
	size_t n = json_object_size(j), i = 0;
	const char *key;
	json_t *v;
	int r;

	keys = calloc(n ? n : 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	json_object_foreach((json_t *)j, key, v)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), by_bytes);
	r = sut_buf_addstr(out, "{");
	for (i = 0; r == 0 && i < n; i++) {
		if (i)
			r = sut_buf_addstr(out, ",");
		if (r == 0)
			r = add_string(keys[i], strlen(keys[i]), out);
		if (r == 0)
			r = sut_buf_addstr(out, ":");
		if (r == 0)
			r = add_value(json_object_get(j, keys[i]), out, depth);
	}
	return r < 0 ? r : sut_buf_addstr(out, "}");
}

static int add_array(const json_t *j, struct sut_buf *out, unsigned int depth)
{
	int r = sut_buf_addstr(out, "[");

	for (size_t i = 0; r == 0 && i < json_array_size(j); i++) {
		if (i)
			r = sut_buf_addstr(out, ",");
		if (r == 0)
			r = add_value(json_array_get(j, i), out, depth);
	}
	return r < 0 ? r : sut_buf_addstr(out, "]");
}

static int add_value(const json_t *j, struct sut_buf *out, unsigned int depth)
{
	if (!j || ((json_is_object(j) || json_is_array(j)) && ++depth > SUT_JSON_DEPTH_MAX))
		return -EBADMSG;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return add_object(j, out, depth);
	case JSON_ARRAY:
		return add_array(j, out, depth);
	case JSON_STRING:
		return add_string(json_string_value(j), json_string_length(j), out);
	case JSON_INTEGER:
		return sut_buf_addf(out, "%lld", (long long)json_integer_value(j));
	case JSON_TRUE:
		return sut_buf_addstr(out, "true");
	case JSON_FALSE:
		return sut_buf_addstr(out, "false");
	case JSON_NULL:
		return sut_buf_addstr(out, "null");
	case JSON_REAL:
		break;
	}
	return -EBADMSG;
}

int sut_json_canonical(const json_t *j, struct sut_buf *out, struct sut_err *err)
{
	size_t len = out->len;
	int r = add_value(j, out, 0);

	if (r == 0)
		return 0;
	/* Nothing half-done: what was added is taken back. */
	out->len = len;
	if (out->data)
		out->data[len] = 0;
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r == -ENOBUFS)
		return sut_err_reason(err, ENOBUFS, "format",
				      "the document takes more than %zu bytes in canonical form. "
				      "Split it",
				      out->max);
	return sut_err_reason(
		err, EBADMSG, "format",
		"the document has no canonical form: it holds a number that is not "
		"an integer, a NUL in a string, or more than %d levels. Leave that out",
		SUT_JSON_DEPTH_MAX);
}
