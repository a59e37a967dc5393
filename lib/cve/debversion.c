// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "changelog.h"

enum { VERSION_MAX = 200 };

/* A version in its three parts; those that are not there are empty. */
struct parts {
	const char *epoch, *upstream, *revision;
	size_t nepoch, nupstream, nrevision;
};

static void split(const char *s, struct parts *ret)
{
	const char *colon = strchr(s, ':'), *dash, *end = s + strlen(s);

	*ret = (struct parts){.epoch = s};
	if (colon) {
		ret->nepoch = (size_t)(colon - s);
		s = colon + 1;
	}
	dash = strrchr(s, '-');
	ret->upstream = s;
	ret->nupstream = (size_t)((dash ? dash : end) - s);
	ret->revision = dash ? dash + 1 : end;
	ret->nrevision = (size_t)(end - ret->revision);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool only(const char *s, size_t n, const char *more)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
			return false;
	return true;
}

int sut_debversion_ok(const char *s)
{
	const char *colon = s ? strchr(s, ':') : NULL;
	struct parts p;
	long epoch = 0;

	if (!s || strlen(s) > VERSION_MAX)
		return false;
	split(s, &p);
	if (colon && (p.nepoch == 0 || p.nepoch > 10))
		return false;
	for (size_t i = 0; i < p.nepoch; i++) {
		if (!is_digit(p.epoch[i]))
			return false;
		epoch = epoch * 10 + (p.epoch[i] - '0');
	}
	if (epoch > INT_MAX || p.nupstream == 0 || !is_digit(p.upstream[0]))
		return false;
	if (!only(p.upstream, p.nupstream, colon ? ".+~-:" : ".+~-"))
		return false;
	return p.upstream[p.nupstream] != '-' ||
	       (p.nrevision && only(p.revision, p.nrevision, ".+~"));
}

/* Weight of the character at i of a part: '~' before the end, the end before letters, these before the rest. */
static int weight(const char *s, size_t n, size_t i)
{
	if (i >= n || is_digit(s[i]))
		return 0;
	if (s[i] == '~')
		return -1;
	return isalpha((unsigned char)s[i]) ? s[i] : (unsigned char)s[i] + 256;
}

static size_t digits(const char *s, size_t n, size_t *i)
{
	size_t from;

	while (*i < n && s[*i] == '0')
		(*i)++;
	for (from = *i; *i < n && is_digit(s[*i]);)
		(*i)++;
	return *i - from;
}

/* Runs of other characters and runs of digits in turn. */
static int compare(const char *a, size_t na, const char *b, size_t nb)
{
	size_t i = 0, j = 0;

	while (i < na || j < nb) {
		size_t da, db;
		int d;

		while ((i < na && !is_digit(a[i])) || (j < nb && !is_digit(b[j]))) {
			d = weight(a, na, i) - weight(b, nb, j);
			if (d)
				return d;
			i++;
			j++;
		}
		da = digits(a, na, &i);
		db = digits(b, nb, &j);
		if (da != db)
			return da < db ? -1 : 1;
		d = da ? memcmp(a + i - da, b + j - db, da) : 0;
		if (d)
			return d;
	}
	return 0;
}

int sut_debversion_cmp(const char *a, const char *b)
{
	struct parts x, y;
	int d;

	split(a, &x);
	split(b, &y);
	d = compare(x.epoch, x.nepoch, y.epoch, y.nepoch);
	if (d == 0)
		d = compare(x.upstream, x.nupstream, y.upstream, y.nupstream);
	if (d == 0)
		d = compare(x.revision, x.nrevision, y.revision, y.nrevision);
	return d;
}

int sut_cve_id_ok(const char *s)
{
	size_t n;

	if (!s || strncmp(s, "CVE-", 4) != 0 || strlen(s) >= SUT_CVE_ID_MAX)
		return false;
	for (s += 4, n = 0; is_digit(s[n]);)
		n++;
	if (n != 4 || s[4] != '-')
		return false;
	for (s += 5, n = 0; is_digit(s[n]);)
		n++;
	return !s[n] && (n == 4 || (n > 4 && s[0] != '0'));
}
