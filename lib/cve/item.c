// SPDX-License-Identifier: Apache-2.0
#include "item.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* Behind "[x86] [arm64] ". */
static const char *skip_tags(const char *s)
{
	while (*s == '[') {
		const char *end = strchr(s, ']');

		if (!end || end[1] != ' ')
			break;
		for (s = end + 1; *s == ' ';)
			s++;
	}
	return s;
}

/* Of Revert "TITLE" the last quotation mark; NULL when it is none. */
static const char *end_of_revert(const char *s)
{
	return strncmp(s, "Revert \"", 8) == 0 ? strrchr(s + 8, '"') : NULL;
}

/* Length of the CVE id at s; 0: none. */
static size_t cve_at(const char *item, const char *s)
{
	char id[SUT_CVE_ID_MAX];
	size_t n = 4;

	if (strncmp(s, "CVE-", 4) != 0 || (s > item && isalnum((unsigned char)s[-1])))
		return 0;
	n += strspn(s + n, "0123456789");
	if (s[n] != '-')
		return 0;
	n += 1 + strspn(s + n + 1, "0123456789");
	if (n >= sizeof(id) || isalpha((unsigned char)s[n]))
		return 0;
	memcpy(id, s, n);
	id[n] = 0;
	return sut_cve_id_ok(id) ? n : 0;
}

int sut_item_next_cve(const char *item, size_t *at, char ret[static SUT_CVE_ID_MAX])
{
	const char *begin = skip_tags(item), *close = end_of_revert(begin), *s = item + *at;

	if (strncmp(begin, "Drop ", 5) == 0)
		return 0;
	if (close && s < close)
		s = close;
	for (; (s = strstr(s, "CVE-")); s += 4) {
		size_t n = cve_at(item, s);

		if (n == 0)
			continue;
		memcpy(ret, s, n);
		ret[n] = 0;
		*at = (size_t)(s + n - item);
		return 1;
	}
	return 0;
}

/* Length of what only refers to something: "(CVE-2026-1, XSA-1)", "(Closes: #1)", " CVE-2026-1" at the
 * end, "Closes: #1"; 0: none. A closing parenthesis may be missing. */
static size_t reference_at(const char *item, const char *s)
{
	bool open = *s == '(';
	size_t n = open;

	if (strncmp(s + n, "Closes:", 7) == 0) {
		n += strcspn(s + n, ")");
		return n + (open && s[n] == ')');
	}
	if (!open && !cve_at(item, s))
		return 0;
	n += strspn(s + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-, /");
	if (s[n] == ')')
		n++;
	else if (s[n])
		return 0;
	if (!open)
		return s[n] ? 0 : n;
	for (const char *c = s; c < s + n; c++)
		if (cve_at(item, c))
			return n;
	return 0;
}

/* "CVE-2026-1234: …", "CVE-2026-1234 ("…")": behind the id. */
static const char *skip_head(const char *s)
{
	const char *from = s;
	size_t n;

	while ((n = cve_at(from, s))) {
		s += n;
		s += strspn(s, " ,/:");
	}
	return *s == '-' && s[1] == ' ' ? s + 2 : s;
}

/* The text without references, and without the space that they leave. */
static char *without_references(const char *item)
{
	_cleanup_(sut_freep) char *out = malloc(strlen(item) + 1);
	const char *s = item;
	size_t n = 0;

	if (!out)
		return NULL;
	while (*s) {
		size_t skip = *s == '(' || *s == 'C' ? reference_at(item, s) : 0;

		if (skip) {
			s += skip;
			while (n && out[n - 1] == ' ')
				n--;
		} else if (*s == ' ' && n && out[n - 1] == ' ') {
			s++;
		} else {
			out[n++] = *s++;
		}
	}
	while (n && strchr(" .,:;", out[n - 1]))
		n--;
	out[n] = 0;
	return sut_steal(out);
}

/* (What was meant) to What was meant, when the first parenthesis is closed by the last character. */
static void unwrap_parentheses(char *s)
{
	size_t n = strlen(s), depth = 0;

	if (s[0] != '(')
		return;
	for (size_t i = 0; i < n; i++) {
		depth += s[i] == '(';
		depth -= s[i] == ')';
		if (depth == 0) {
			if (i == n - 1 && n > 2) {
				memmove(s, s + 1, n - 2);
				s[n - 2] = 0;
			}
			return;
		}
	}
}

static void unwrap_quotes(char *s)
{
	size_t n = strlen(s);

	if (n > 2 && s[0] == '"' && strchr(s + 1, '"') == s + n - 1) {
		memmove(s, s + 1, n - 2);
		s[n - 2] = 0;
	}
}

static void cut(char *s, size_t max)
{
	if (strlen(s) <= max)
		return;
	while (max && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	s[max] = 0;
}

char *sut_item_subject(const char *item)
{
	char *s = without_references(skip_head(item));

	if (!s)
		return NULL;
	unwrap_parentheses(s);
	unwrap_quotes(s);
	sut_make_printable(s, "");
	cut(s, SUT_CVE_SUBJECT_MAX);
	return s;
}

char *sut_item_title(const char *item)
{
	return without_references(skip_head(skip_tags(item)));
}

int sut_item_reverts(const char *item, char **ret_title)
{
	const char *s = skip_tags(item), *close = end_of_revert(s);
	_cleanup_(sut_freep) char *inner = NULL;
	char *title;

	if (!close)
		return 0;
	inner = strndup(s + 8, (size_t)(close - s - 8));
	title = inner ? sut_item_title(inner) : NULL;
	if (!title)
		return -ENOMEM;
	*ret_title = title;
	return 1;
}

int sut_item_signs(const char *item, char **ret_source, char **ret_version)
{
	static const char words[] = "Sign kernel from ";
	_cleanup_(sut_freep) char *source = NULL;
	char *version;
	size_t n;

	if (strncmp(item, words, sizeof(words) - 1) != 0)
		return 0;
	item += sizeof(words) - 1;
	n = strcspn(item, " ");
	if (n == 0 || item[n] != ' ' || !sut_debversion_ok(item + n + 1))
		return 0;
	source = strndup(item, n);
	version = strdup(item + n + 1);
	if (!source || !version) {
		free(version);
		return -ENOMEM;
	}
	*ret_source = sut_steal(source);
	*ret_version = version;
	return 1;
}
