// SPDX-License-Identifier: Apache-2.0
#include "patch/field.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "patch/manifest.h"

struct sut_json_at sut_field_top(const json_t *doc, struct sut_err *err)
{
	return (struct sut_json_at){
		.node = doc,
		.doc = "manifest.json",
		.reason = "manifest",
		.advice = "Download the patch again; if that does not help, tell its author",
		.err = err};
}

bool sut_member_name_ok(const char *name)
{
	return sut_is_token(name, 100, "._-") && name[0] != '.';
}

int sut_field_optional(const struct sut_json_at *at, const char *key, const char **ret)
{
	*ret = "";
	return sut_json_string(at, key, false, ret);
}

int sut_field_string(const struct sut_json_at *at, const char *key, const char **ret)
{
	const char *s = "";
	int r = sut_field_optional(at, key, &s);

	if (r < 0)
		return r;
	if (!*s)
		return sut_json_bad(at, key, "is missing or empty");
	*ret = s;
	return 0;
}

int sut_field_uint(const struct sut_json_at *at, const char *key, uint32_t min, uint32_t max,
		   uint32_t *ret)
{
	int64_t n = 0;
	int r = sut_json_int(at, key, true, min, max, &n);

	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}

/* "0x" and 1 to 16 lower-case digits: JSON numbers cannot hold 64 bits everywhere. */
int sut_field_address(const struct sut_json_at *at, const char *key, uint64_t *ret)
{
	const char *s = "";
	int r = sut_field_string(at, key, &s);

	if (r < 0)
		return r;
	if (!sut_startswith(s, "0x") || sut_parse_u64(s, UINT64_MAX, ret) < 0 || *ret == 0)
		return sut_json_bad(at, key, "is not an address like \"0xffffffff81000000\"");
	return 0;
}

int sut_field_symbol(const struct sut_json_at *at, const char *key, const char **ret)
{
	int r = sut_field_string(at, key, ret);

	if (r < 0)
		return r;
	return sut_is_token(*ret, at->own, "._$")
		       ? 0
		       : sut_json_bad(at, key, "is not the name of a symbol");
}

int sut_field_member_name(const struct sut_json_at *at, const char *key, const char **ret)
{
	int r = sut_field_string(at, key, ret);

	if (r < 0)
		return r;
	return sut_member_name_ok(*ret) ? 0 : sut_json_bad(at, key, "is not the name of a member");
}

int sut_field_sha256(const struct sut_json_at *at, const char *key, const char **ret)
{
	int r = sut_field_string(at, key, ret);

	if (r < 0)
		return r;
	if (!sut_is_hex(*ret, 64))
		return sut_json_bad(at, key, "is not 64 lower-case hexadecimal digits");
	return 0;
}

int sut_field_absent(const struct sut_json_at *at, const char *key, const char *why)
{
	return json_object_get(at->node, key) ? sut_json_bad(at, key, "%s", why) : 0;
}

int sut_field_entry(const struct sut_json_at *list, size_t i, struct sut_json_at *ret)
{
	*ret = sut_json_entry(list, i);
	return json_is_object(ret->node) ? 0 : sut_json_bad(ret, "", "is not an object");
}

/* A list of strings; each must pass ok(). */
int sut_field_strings(const struct sut_json_at *at, const char *key, bool must, size_t max,
		      bool (*ok)(const char *s), const char *what, const char ***ret, size_t *ret_n)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(at, key, must, 0, max, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return sut_err_oom(at->err);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list.node, i));

		if (!s || !ok(s))
			return sut_json_bad(&list, "", "entry %zu is not %s", i, what);
		(*ret)[i] = s;
	}
	*ret_n = n;
	return 0;
}

bool sut_is_source_path(const char *s)
{
	return sut_is_token(s, 1024, "._-+/,") && s[0] != '/' && !strstr(s, "..");
}

/* Text of an unverified file goes to terminals and logs: nothing in it may be a command for them, or
 * make it look like other text. */
static bool is_clean(const char *s)
{
	size_t len = strlen(s);
	const uint8_t *p = (const uint8_t *)s, *end = p + len;

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return len <= SUT_MANIFEST_STRING_MAX;
}

int sut_field_check_text(const struct sut_json_at *top, const json_t *v, unsigned int depth)
{
	const char *key;
	json_t *child;
	size_t i;
	int r;

	if (depth > SUT_MANIFEST_DEPTH_MAX)
		return sut_json_bad(top, "", "is nested too deeply");
	if (json_is_string(v) && !is_clean(json_string_value(v)))
		return sut_json_bad(top, "",
				    "holds a string that is too long or has a control character");
	json_array_foreach(v, i, child) {
		r = sut_field_check_text(top, child, depth + 1);
		if (r < 0)
			return r;
	}
	json_object_foreach((json_t *)v, key, child) {
		if (!is_clean(key))
			return sut_json_bad(top, "", "holds a key with a control character");
		r = sut_field_check_text(top, child, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}
