/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cidr.h"
#include "base/str.h"
#include "base/utf8.h"

int check_bad(struct check *c, const char *where, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (c->pointer[0])
		return -EINVAL;
	snprintf(c->pointer, sizeof(c->pointer), "%s%s%s", where, name[0] ? "/" : "", name);
	if (!c->pointer[0])
		snprintf(c->pointer, sizeof(c->pointer), "/");
	sut_make_printable(c->pointer, "");
	va_start(ap, fmt);
	vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	/* The name of a member may have been cut within a character. */
	sut_make_printable(c->detail, "");
	return -EINVAL;
}

static bool is_alnum(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool allowed(enum check_kind kind, char ch)
{
	switch (kind) {
	case CHECK_WORD:
		return is_alnum(ch) || (ch && strchr("._-:+~/@", ch));
	case CHECK_ID:
		return is_alnum(ch) || ch == '-';
	case CHECK_NONCE:
		return is_alnum(ch) || ch == '-' || ch == '_';
	case CHECK_HEX:
		return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f');
	case CHECK_HOST:
		return is_alnum(ch) || (ch && strchr("._-", ch));
	case CHECK_PRINTABLE:
		break;
	}
	return false;
}

static const char *const KINDS[] = {
	[CHECK_WORD] = "letters, digits and . _ - : + ~ / @",
	[CHECK_ID] = "letters, digits and -",
	[CHECK_NONCE] = "letters, digits, - and _",
	[CHECK_HEX] = "hexadecimal digits in lower case",
	[CHECK_HOST] = "letters, digits and . _ -",
	[CHECK_PRINTABLE] = "printable characters",
};

bool check_printable(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + len;

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

int check_string(struct check *c, const char *where, const char *name, const json_t *j,
		 enum check_kind kind, size_t min, size_t max, const char **ret)
{
	const char *s;
	size_t len;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_string(j))
		return check_bad(c, where, name, "must be a string");
	s = json_string_value(j);
	len = json_string_length(j);
	if (len < min || len > max)
		return check_bad(c, where, name, "must have %zu to %zu bytes, not %zu", min, max,
				 len);
	if (kind == CHECK_PRINTABLE) {
		if (!check_printable(s, len))
			return check_bad(c, where, name, "may hold %s only", KINDS[kind]);
	} else {
		for (size_t i = 0; i < len; i++)
			if (!allowed(kind, s[i]))
				return check_bad(c, where, name, "may hold %s only", KINDS[kind]);
	}
	*ret = s;
	return 0;
}

int check_int(struct check *c, const char *where, const char *name, const json_t *j, int64_t min,
	      int64_t max, int64_t *ret)
{
	int64_t v;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_integer(j))
		return check_bad(c, where, name, "must be an integer");
	v = json_integer_value(j);
	if (v < min || v > max)
		return check_bad(c, where, name, "must be %lld to %lld", (long long)min,
				 (long long)max);
	*ret = v;
	return 0;
}

int check_only(struct check *c, const char *where, const json_t *j, const char *const *names)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)j, key, v) {
		bool known = false;

		for (size_t i = 0; names[i] && !known; i++)
			known = !strcmp(names[i], key);
		if (!known)
			return check_bad(c, where, key, "is not known here; remove it");
	}
	return 0;
}

static bool tag_name(const char *s)
{
	size_t n = strlen(s);

	if (!n || n > FLEET_TAG_NAME_MAX || strchr("._-", s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
		      strchr("._-", s[i])))
			return false;
	return true;
}

int check_tags(struct check *c, const char *where, const json_t *j)
{
	const char *key;
	json_t *v;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j))
		return check_bad(c, where, "", "must be an object of names and values");
	if (json_object_size(j) > FLEET_TAGS_MAX)
		return check_bad(c, where, "", "may hold at most %d tags", FLEET_TAGS_MAX);
	json_object_foreach((json_t *)j, key, v) {
		const char *value = NULL;

		if (!tag_name(key))
			return check_bad(
				c, where, key,
				"the name of a tag has 1 to %d of a-z 0-9 . _ - and begins with a letter or a digit",
				FLEET_TAG_NAME_MAX);
		if (json_is_null(v))
			return check_bad(c, where, key, "must be a string");
		if (check_string(c, where, key, v, CHECK_PRINTABLE, 0, FLEET_TAG_VALUE_MAX, &value))
			return -EINVAL;
	}
	return 0;
}

int check_products(struct check *c, const char *where, const char *name, const json_t *j,
		   unsigned int *ret)
{
	unsigned int mask = 0;
	size_t i;
	json_t *v;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_array(j) || !json_array_size(j) || json_array_size(j) > 8)
		return check_bad(c, where, name, "must be a list of \"kernel\" and \"library\"");
	json_array_foreach(j, i, v) {
		const char *s = json_string_value(v);

		if (s && !strcmp(s, "kernel"))
			mask |= FLEET_KERNEL;
		else if (s && !strcmp(s, "library"))
			mask |= FLEET_LIBRARY;
		else
			return check_bad(c, where, name,
					 "must be a list of \"kernel\" and \"library\"");
	}
	*ret = mask;
	return 0;
}

int check_networks(struct check *c, const char *where, const json_t *j)
{
	size_t i;
	json_t *v;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_array(j))
		return check_bad(c, where, "", "must be a list of networks");
	if (json_array_size(j) > FLEET_NETWORKS_MAX)
		return check_bad(c, where, "", "may hold at most %d networks", FLEET_NETWORKS_MAX);
	json_array_foreach(j, i, v) {
		struct sut_err err = {0};
		struct sut_cidr net;
		char place[24];

		snprintf(place, sizeof(place), "%zu", i);
		if (!json_is_string(v) || json_string_length(v) > FLEET_SHORT_MAX)
			return check_bad(c, where, place,
					 "must be a network such as \"10.0.0.0/8\"");
		if (sut_cidr_parse(json_string_value(v), &net, &err) < 0)
			return check_bad(c, where, place, "%s", err.msg);
	}
	return 0;
}
