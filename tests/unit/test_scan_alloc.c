// SPDX-License-Identifier: Apache-2.0
/* lib/scan when memory is short: each allocation fails once. The scan is then either read as it is, or refused for that reason. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "scan/scan.h"

static const struct sut_scan_host host = {.hostname = "web1",
					  .addresses = (const char *[]){"192.0.2.1"},
					  .naddresses = 1};

/* Allocates nothing. */
static void mix(uint64_t *hash, const char *s)
{
	for (; s && *s; s++)
		*hash = (*hash ^ (uint8_t)*s) * 1099511628211u;
	*hash = (*hash ^ 0xff) * 1099511628211u;
}

static int on_host(void *ctx, const struct sut_scan_host *h, struct sut_err *err _unused_)
{
	mix(ctx, h->fqdn);
	mix(ctx, h->hostname);
	for (size_t i = 0; i < h->naddresses; i++)
		mix(ctx, h->addresses[i]);
	for (size_t i = 0; i < h->nmacs; i++)
		mix(ctx, h->macs[i]);
	return 0;
}

static int on_finding(void *ctx, const struct sut_scan_finding *f, struct sut_err *err _unused_)
{
	mix(ctx, f->native_id);
	mix(ctx, f->title);
	mix(ctx, f->package);
	mix(ctx, f->version);
	for (size_t i = 0; i < f->ncves; i++)
		mix(ctx, f->cves[i]);
	return 0;
}

static int import(const struct sut_buf *b, uint64_t *ret_hash, struct sut_err *err)
{
	const struct sut_scan_opts o = {.name = "scan", .host = &host};
	const struct sut_scan_sink sink = {on_host, on_finding, NULL, ret_hash};
	_cleanup_scan_ struct sut_scan *s = NULL;
	struct sut_scan_summary sum;
	int r = sut_scan_open(&o, &sink, &s, err);

	*ret_hash = 0;
	if (r == 0)
		r = sut_scan_feed(s, b->data, b->len, err);
	return r < 0 ? r : sut_scan_finish(s, &sum, err);
}

static void test_every_allocation_may_fail(void **state _unused_)
{
	static const char *const files[] = {
		"tests/unit/scan/oval.xml",
		"tests/unit/scan/arf.xml",
		"tests/unit/scan/xccdf.xml",
		"tests/unit/scan/nessus.xml",
		"tests/unit/scan/trivy.json",
		"tests/unit/scan/grype.json",
		"tests/unit/scan/scan.csv",
		"tests/unit/scan/debsecan-detail.txt",
		"tests/unit/scan/debsecan-report.txt",
		"tests/fuzz/corpus/scan_detect/oval.xml.gz",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", SOURCE_ROOT, files[i]);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
		struct sut_err err = {0};
		uint64_t right, hash, n = 0, made;

		assert_ok(sut_file_read(path, &b, &err), err);
		assert_ok(import(&b, &right, &err), err);
		do {
			int r;

			err = (struct sut_err){0};
			fault_alloc_arm(++n);
			r = import(&b, &hash, &err);
			made = fault_alloc_disarm();
			if (r == 0 && hash != right)
				fail_msg("%s: allocation %llu: read as something else", files[i],
					 (unsigned long long)n);
			if (r < 0 && (r != -ENOMEM || err.code != ENOMEM))
				fail_msg("%s: allocation %llu: %d: %s", files[i],
					 (unsigned long long)n, r, err.msg);
		} while (n <= made);
		assert_true(n > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
