// SPDX-License-Identifier: Apache-2.0
#include "base/conf.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the space around s, in place. */
static char *trim(char *s)
{
	size_t n;

	while (is_space(*s))
		s++;
	n = strlen(s);
	while (n && is_space(s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Text alone: no control characters but tabs, no malformed UTF-8, nothing that hides what stands there. */
static bool is_text(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + len;

	while (p < end) {
		int32_t c = sut_utf8_next(&p, end);

		if (c != '\t' && !sut_is_printable(c))
			return false;
	}
	return true;
}

static int parse_line(const char *name, unsigned int number, char *line, sut_conf_fn fn, void *ctx,
		      struct sut_err *err)
{
	char *s = trim(line), *eq, *key, *value;
	int r;

	if (!*s || *s == '#')
		return 0;
	eq = strchr(s, '=');
	if (!eq)
		return sut_err_reason(err, EBADMSG, "conf",
				      "%s:%u: '%.60s' is no setting. Write: key = value", name,
				      number, s);
	*eq = '\0';
	key = trim(s);
	value = trim(eq + 1);
	if (!*key)
		return sut_err_reason(err, EBADMSG, "conf",
				      "%s:%u: there is no name before '='. Write: key = value",
				      name, number);
	r = fn(ctx, key, value, err);
	if (r < 0)
		sut_err_prefix(err, "%s:%u", name, number);
	return r < 0 ? r : 0;
}

int sut_conf_parse(const char *name, const void *text, size_t len, sut_conf_fn fn, void *ctx,
		   struct sut_err *err)
{
	char line[SUT_CONF_LINE_MAX + 1];
	const char *p = text ? text : "", *end = p + len;
	unsigned int number = 0;

	if (len > SUT_CONF_MAX)
		return sut_err_reason(
			err, EBADMSG, "conf",
			"%s has %zu bytes; at most %d are read. Is it the right file?", name, len,
			SUT_CONF_MAX);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		int r;

		number++;
		if (n && p[n - 1] == '\r') /* as editors of other systems end lines */
			n--;
		if (n > SUT_CONF_LINE_MAX)
			return sut_err_reason(err, EBADMSG, "conf",
					      "%s:%u: the line has %zu bytes; at most %d are read",
					      name, number, n, SUT_CONF_LINE_MAX);
		if (!is_text(p, n))
			return sut_err_reason(err, EBADMSG, "conf",
					      "%s:%u: the line holds control characters or is not "
					      "UTF-8. Write plain text",
					      name, number);
		memcpy(line, p, n);
		line[n] = '\0';
		r = parse_line(name, number, line, fn, ctx, err);
		if (r < 0)
			return r;
		p = nl ? nl + 1 : end;
	}
	return 0;
}

int sut_conf_bool(const char *value, bool *ret, struct sut_err *err)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (!strcmp(value, words[i])) {
			*ret = i & 1;
			return 0;
		}
	return sut_err_reason(err, EINVAL, "conf", "'%s' is neither yes nor no", value);
}

int sut_conf_duration(const char *value, int64_t max, int64_t *ret, struct sut_err *err)
{
	static const struct {
		char unit;
		int64_t sec;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	char digits[24];
	size_t n = strlen(value);
	int64_t factor = 1;
	uint64_t v;

	for (size_t i = 0; n && i < SUT_ARRAY_SIZE(units); i++)
		if (value[n - 1] == units[i].unit) {
			factor = units[i].sec;
			n--;
			break;
		}
	if (!n || n >= sizeof(digits) || value[0] < '0' || value[0] > '9')
		goto bad;
	memcpy(digits, value, n);
	digits[n] = '\0';
	/* "0x10m" is a number to sut_parse_u64(), but no duration. */
	if (strspn(digits, "0123456789") != n)
		goto bad;
	if (sut_parse_u64(digits, INT64_MAX, &v) < 0 || (int64_t)v > max / factor)
		return sut_err_reason(err, EINVAL, "conf", "'%s' is more than %lld seconds", value,
				      (long long)max);
	*ret = (int64_t)v * factor;
	return 0;
bad:
	return sut_err_reason(err, EINVAL, "conf",
			      "'%s' is no duration. Write a number and s, m, h or d: 30s, 5m",
			      value);
}
