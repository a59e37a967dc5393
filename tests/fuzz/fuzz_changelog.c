// SPDX-License-Identifier: Apache-2.0
/* A Debian changelog, plain or gzip; and its lines as versions. */
#include <string.h>

#include "base/utf8.h"
#include "cve/changelog.h"
#include "fuzz.h"

static int sign(int d)
{
	return (d > 0) - (d < 0);
}

static void order(const char *a, const char *b)
{
	FUZZ_ASSERT(sign(sut_debversion_cmp(a, b)) == -sign(sut_debversion_cmp(b, a)));
	FUZZ_ASSERT(sut_debversion_cmp(a, a) == 0);
}

static void compare_lines(const uint8_t *data, size_t len)
{
	char a[64], b[64] = "1";

	while (len) {
		const uint8_t *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) : len;

		if (n < sizeof(a) && !memchr(data, 0, n)) {
			memcpy(a, data, n);
			a[n] = 0;
			order(a, b);
			memcpy(b, a, sizeof(b));
			FUZZ_ASSERT(!sut_debversion_ok(a) || *a);
		}
		data += nl ? n + 1 : n;
		len -= nl ? n + 1 : n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sut_changelog *c = NULL;
	struct sut_err err = {0};
	int r;

	compare_lines(data, len);
	r = sut_changelog_parse(data, len, &c, &err);
	if (r < 0) {
		FUZZ_ASSERT(!c && err.code == -r && *err.msg);
		return 0;
	}
	FUZZ_ASSERT(c->source && *c->source && c->nversions);
	for (size_t i = 0; i < c->nversions; i++)
		FUZZ_ASSERT(sut_debversion_ok(c->versions[i].version));
	for (size_t i = 0; i < c->nfixes; i++) {
		const struct sut_changelog_fix *f = &c->fixes[i];
		char again[SUT_CVE_SUBJECT_MAX + 1];

		FUZZ_ASSERT(sut_cve_id_ok(f->cve) && f->version < c->nversions);
		FUZZ_ASSERT(i == 0 || strcmp(f[-1].cve, f->cve) < 0);
		FUZZ_ASSERT(strlen(f->subject) <= SUT_CVE_SUBJECT_MAX);
		memcpy(again, f->subject, strlen(f->subject) + 1);
		sut_make_printable(again, "");
		FUZZ_ASSERT(strcmp(again, f->subject) == 0);
	}
	sut_changelog_free(c);
	return 0;
}
