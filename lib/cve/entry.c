// SPDX-License-Identifier: Apache-2.0
#include "entry.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

bool sut_line_starts(struct line l, const char *prefix)
{
	size_t n = strlen(prefix);

	return l.len >= n && memcmp(l.s, prefix, n) == 0;
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '+' || c == '.';
}

/* "NAME (VERSION)"; *ret_end: behind the parenthesis. */
static bool take_name(struct line l, struct head *ret, size_t *ret_end)
{
	size_t i = 0, open;

	while (i < l.len && name_char(l.s[i]))
		i++;
	if (i == 0 || !isalnum((unsigned char)l.s[0]) || i + 2 >= l.len || l.s[i] != ' ' ||
	    l.s[i + 1] != '(')
		return false;
	ret->source = (struct line){l.s, i};
	open = i += 2;
	while (i < l.len && l.s[i] != ')' && l.s[i] != '(' && l.s[i] != ' ' && l.s[i] != '\t')
		i++;
	if (i == open || i == l.len || l.s[i] != ')')
		return false;
	ret->version = (struct line){l.s + open, i - open};
	*ret_end = i + 1;
	return true;
}

/* Distributions and a semicolon: " bookworm-security;" */
static bool has_distributions(struct line l, size_t i)
{
	size_t words = 0;

	while (i < l.len && l.s[i] == ' ') {
		size_t from;

		while (i < l.len && l.s[i] == ' ')
			i++;
		for (from = i; i < l.len && name_char(l.s[i]);)
			i++;
		words += i > from;
	}
	return words > 0 && i < l.len && l.s[i] == ';';
}

static bool is_comment(struct line l)
{
	return l.s[0] == '#' || sut_line_starts(l, "/*") ||
	       (l.s[0] == '$' && memchr(l.s + 1, '$', l.len - 1));
}

/* deb-changelog(5) does not describe these, but files that are older than it have them at their end. */
static bool is_old(struct line l, bool named)
{
	static const char *const words[] = {
		"Old Changelog:",     "Changes from version ", "Changes for ", "Local variables",
		";; Local variables", ";;Local variables",     "vim:",	       "-*-",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_line_starts(l, words[i]))
			return true;
	return named;
}

enum line_kind sut_changelog_line(struct line l, struct head *ret)
{
	struct head h = {0};
	size_t end = 0, i = 0;
	bool named;

	while (i < l.len && isspace((unsigned char)l.s[i]))
		i++;
	if (i == l.len)
		return LINE_EMPTY;
	if (sut_line_starts(l, " --") && (l.len == 3 || l.s[3] == ' '))
		return LINE_TRAILER;
	if (i > 0)
		return i > 1 || l.s[0] == '\t' ? LINE_TEXT : LINE_BAD;
	named = take_name(l, &h, &end);
	if (named && has_distributions(l, end)) {
		*ret = h;
		return LINE_HEAD;
	}
	if (is_comment(l))
		return LINE_COMMENT;
	return is_old(l, named) ? LINE_OLD : LINE_BAD;
}

static bool take_number(struct line *l, size_t most, int *ret)
{
	size_t n = 0;

	*ret = 0;
	while (n < l->len && n < most && isdigit((unsigned char)l->s[n]))
		*ret = *ret * 10 + (l->s[n++] - '0');
	l->s += n;
	l->len -= n;
	return n > 0;
}

static bool take_char(struct line *l, char c)
{
	if (l->len == 0 || l->s[0] != c)
		return false;
	l->s++;
	l->len--;
	return true;
}

static void skip_space(struct line *l)
{
	while (l->len && (l->s[0] == ' ' || l->s[0] == '\t')) {
		l->s++;
		l->len--;
	}
}

static bool take_month(struct line *l, int *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int m = 0; m < 12 && l->len >= 3; m++) {
		if (strncasecmp(names + 3 * m, l->s, 3) != 0)
			continue;
		*ret = m;
		/* "Sept" and whole names occur */
		while (l->len && isalpha((unsigned char)l->s[0])) {
			l->s++;
			l->len--;
		}
		return true;
	}
	return false;
}

static bool take_zone(struct line *l, int *ret_seconds)
{
	int hhmm = 0, sign = 1;

	*ret_seconds = 0;
	if (sut_line_starts(*l, "GMT") || sut_line_starts(*l, "UTC"))
		return true;
	if (take_char(l, '-'))
		sign = -1;
	else if (!take_char(l, '+'))
		return false;
	if (!take_number(l, 4, &hhmm) || hhmm > 1400)
		return false;
	*ret_seconds = sign * (hhmm / 100 * 3600 + hhmm % 100 * 60);
	return true;
}

int sut_changelog_date(struct line t, int64_t *ret)
{
	const char *close = memrchr(t.s, '>', t.len);
	struct line l = t;
	struct tm tm = {0};
	int zone = 0;

	if (!close)
		return -EINVAL;
	l.s = close + 1;
	l.len = t.len - (size_t)(l.s - t.s);
	skip_space(&l);
	while (l.len && isalpha((unsigned char)l.s[0])) {
		l.s++;
		l.len--;
	}
	(void)take_char(&l, ',');
	skip_space(&l);
	if (!take_number(&l, 2, &tm.tm_mday))
		return -EINVAL;
	skip_space(&l);
	if (!take_month(&l, &tm.tm_mon))
		return -EINVAL;
	skip_space(&l);
	if (!take_number(&l, 4, &tm.tm_year) || tm.tm_year < 1990)
		return -EINVAL;
	tm.tm_year -= 1900;
	skip_space(&l);
	if (!take_number(&l, 2, &tm.tm_hour) || !take_char(&l, ':') ||
	    !take_number(&l, 2, &tm.tm_min))
		return -EINVAL;
	if (take_char(&l, ':') && !take_number(&l, 2, &tm.tm_sec))
		return -EINVAL;
	skip_space(&l);
	if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60 || !take_zone(&l, &zone))
		return -EINVAL;
	*ret = (int64_t)timegm(&tm) - zone;
	return 0;
}
