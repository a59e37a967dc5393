// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

bool sut_scan_cve(const char *s, size_t len, char ret[SUT_SCAN_CVE_MAX])
{
	enum { HEAD = 9 }; /* CVE-2026- */

	if (len < HEAD + 4 || len > HEAD + 19 || strncasecmp(s, "CVE-", 4) != 0 || s[8] != '-')
		return false;
	for (size_t i = 4; i < len; i++)
		if (i != 8 && !isdigit((unsigned char)s[i]))
			return false;
	if (len > HEAD + 4 && s[HEAD] == '0')
		return false;
	memcpy(ret, "CVE", 3);
	memcpy(ret + 3, s + 3, len - 3);
	ret[len] = 0;
	return true;
}

void scan_found_clear(struct scan_found *f)
{
	f->id[0] = f->title[0] = f->package[0] = f->version[0] = f->fixed[0] = f->purl[0] = 0;
	f->severity = SUT_SCAN_SEVERITY_UNKNOWN;
	f->ncves = 0;
}

void scan_found_release(struct scan_found *f)
{
	free(f->cves);
	free(f->sums);
	f->cves = NULL;
	f->sums = NULL;
	f->ncves = f->cves_cap = 0;
}

static uint64_t sum_of(const char *id)
{
	uint64_t sum = 14695981039346656037u;

	for (; *id; id++)
		sum = (sum ^ (uint8_t)*id) * 1099511628211u;
	return sum;
}

static int grow(struct scan_found *f)
{
	size_t cap = f->cves_cap ? f->cves_cap * 2 : 16;
	void *more = reallocarray(f->cves, cap, sizeof(*f->cves));

	if (!more)
		return -ENOMEM;
	f->cves = more;
	more = reallocarray(f->sums, cap, sizeof(*f->sums));
	if (!more)
		return -ENOMEM;
	f->sums = more;
	f->cves_cap = cap;
	return 0;
}

int scan_found_cve(struct scan_found *f, const char *s, size_t len, struct sut_err *err)
{
	char id[SUT_SCAN_CVE_MAX];
	uint64_t sum;

	if (!sut_scan_cve(s, len, id))
		return 0;
	sum = sum_of(id);
	for (size_t i = 0; i < f->ncves; i++)
		if (f->sums[i] == sum && !strcmp(f->cves[i], id))
			return 0;
	if (f->ncves == SUT_SCAN_CVES_MAX)
		return scan_big(err,
				"has a finding (%s) of more than %d CVEs: no scanner does that",
				f->id, SUT_SCAN_CVES_MAX);
	if (f->ncves == f->cves_cap && grow(f) < 0)
		return sut_err_oom(err);
	f->sums[f->ncves] = sum;
	memcpy(f->cves[f->ncves++], id, sizeof(id));
	return 0;
}

int scan_found_cves(struct scan_found *f, const char *text, struct sut_err *err)
{
	while (*text) {
		size_t n;
		int r;

		if (!isalnum((unsigned char)*text)) {
			text++;
			continue;
		}
		for (n = 1; isalnum((unsigned char)text[n]) || text[n] == '-';)
			n++;
		r = scan_found_cve(f, text, n, err);
		if (r < 0)
			return r;
		text += n;
	}
	return 0;
}

static char *put(char *at, const char *s)
{
	size_t n = strlen(s) + 1;

	memcpy(at, s, n);
	return at + n;
}

int scan_keep(struct scan_pool *p, const struct scan_found *f, struct scan_kept **ret,
	      struct sut_err *err)
{
	const char *strings[] = {f->id, f->title, f->package, f->version, f->fixed, f->purl};
	size_t size = sizeof(struct scan_kept);
	struct scan_kept *k;
	char *at;
	int r;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(strings); i++)
		size += strlen(strings[i]) + 1;
	for (size_t i = 0; i < f->ncves; i++)
		size += strlen(f->cves[i]) + 1;
	r = scan_pool_alloc(p, size, &k, err);
	if (r < 0)
		return r;
	*k = (struct scan_kept){.severity = (uint16_t)f->severity, .ncves = (uint16_t)f->ncves};
	at = k->strings;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(strings); i++)
		at = put(at, strings[i]);
	for (size_t i = 0; i < f->ncves; i++)
		at = put(at, f->cves[i]);
	*ret = k;
	return 0;
}

const char *sut_scan_kernel_of(const char *package, size_t *ret_len)
{
	static const char *const heads[] = {
		"linux-image-unsigned-", "linux-image-extra-", "linux-image-",
		"linux-modules-extra-",	 "linux-modules-",     "linux-headers-",
		"linux-buildinfo-",	 "linux-tools-",       "linux-kbuild-",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(heads); i++) {
		const char *s = package + strlen(heads[i]);
		size_t n;

		if (!sut_startswith(package, heads[i]))
			continue;
		/* "linux-image-amd64" names none. */
		if (!isdigit((unsigned char)*s) || !strchr(s, '.') || !strchr(s, '-'))
			return NULL;
		n = strcspn(s, ":"); /* the architecture behind the name of a package */
		if (n > 4 && !strncmp(s + n - 4, "-dbg", 4))
			n -= 4;
		else if (n > 9 && !strncmp(s + n - 9, "-unsigned", 9))
			n -= 9;
		*ret_len = n;
		return s;
	}
	return NULL;
}
