/* SPDX-License-Identifier: Apache-2.0 */
/* A scan of a format, read as a whole and in small blocks: the sink is called in the order that the header promises, with what it promises. */
#ifndef SUTURE_TESTS_SCAN_INPUT_H
#define SUTURE_TESTS_SCAN_INPUT_H

#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "scan/internal.h"

struct scan_told {
	bool in_host;
	uint64_t hash, hosts, findings, cves, without_cve;
};

static void scan_told_text(struct scan_told *t, const char *s, size_t max)
{
	char again[SUT_SCAN_TITLE_MAX + 1];

	t->hash = (t->hash ^ 0xff) * 1099511628211u;
	if (!s)
		return;
	FUZZ_ASSERT(*s && strlen(s) <= max && strlen(s) < sizeof(again));
	memcpy(again, s, strlen(s) + 1);
	sut_make_printable(again, "");
	FUZZ_ASSERT(!strcmp(again, s));
	for (; *s; s++)
		t->hash = (t->hash ^ (uint8_t)*s) * 1099511628211u;
}

static int scan_on_host(void *ctx, const struct sut_scan_host *h, struct sut_err *err _unused_)
{
	struct scan_told *t = ctx;

	FUZZ_ASSERT(!t->in_host);
	t->in_host = true;
	t->hosts++;
	scan_told_text(t, h->system_id, SUT_SCAN_ID_MAX);
	scan_told_text(t, h->machine_id, SUT_SCAN_ID_MAX);
	scan_told_text(t, h->fqdn, SUT_SCAN_ID_MAX);
	scan_told_text(t, h->hostname, SUT_SCAN_ID_MAX);
	scan_told_text(t, h->os, SUT_SCAN_ID_MAX);
	scan_told_text(t, h->kernel, SUT_SCAN_ID_MAX);
	FUZZ_ASSERT(h->naddresses <= SUT_SCAN_LIST_MAX && h->nmacs <= SUT_SCAN_LIST_MAX);
	for (size_t i = 0; i < h->naddresses; i++)
		scan_told_text(t, h->addresses[i], 45);
	for (size_t i = 0; i < h->nmacs; i++)
		scan_told_text(t, h->macs[i], 17);
	FUZZ_ASSERT(h->scanned_at >= 0);
	FUZZ_ASSERT(h->system_id || h->machine_id || h->fqdn || h->hostname || h->naddresses ||
		    h->nmacs);
	return 0;
}

static int scan_on_finding(void *ctx, const struct sut_scan_finding *f,
			   struct sut_err *err _unused_)
{
	struct scan_told *t = ctx;

	FUZZ_ASSERT(t->in_host && f->ncves <= SUT_SCAN_CVES_MAX);
	t->findings++;
	t->cves += f->ncves;
	t->without_cve += !f->ncves;
	scan_told_text(t, f->native_id, SUT_SCAN_ID_MAX);
	scan_told_text(t, f->title, SUT_SCAN_TITLE_MAX);
	scan_told_text(t, f->package, SUT_SCAN_ID_MAX);
	scan_told_text(t, f->version, SUT_SCAN_ID_MAX);
	scan_told_text(t, f->fixed_version, SUT_SCAN_ID_MAX);
	scan_told_text(t, f->purl, SUT_SCAN_ID_MAX);
	for (size_t i = 0; i < f->ncves; i++) {
		char id[SUT_SCAN_CVE_MAX];

		FUZZ_ASSERT(sut_scan_cve(f->cves[i], strlen(f->cves[i]), id));
		FUZZ_ASSERT(!strcmp(id, f->cves[i]));
		scan_told_text(t, f->cves[i], SUT_SCAN_CVE_MAX - 1);
	}
	FUZZ_ASSERT(f->severity <= SUT_SCAN_SEVERITY_CRITICAL);
	t->hash = (t->hash ^ f->flags ^ (uint64_t)f->severity << 8) * 1099511628211u;
	return 0;
}

static int scan_on_host_end(void *ctx, struct sut_err *err _unused_)
{
	struct scan_told *t = ctx;

	FUZZ_ASSERT(t->in_host);
	t->in_host = false;
	return 0;
}

static int scan_read(enum sut_scan_format f, const uint8_t *data, size_t len, size_t block,
		     struct scan_told *t)
{
	static const struct sut_scan_host host = {.hostname = "web1", .kernel = "6.1.0-18-amd64"};
	const struct sut_scan_opts o = {.format = f, .name = "input", .host = &host};
	const struct sut_scan_sink sink = {scan_on_host, scan_on_finding, scan_on_host_end, t};
	struct sut_scan_summary sum;
	struct sut_err err = {0};
	struct sut_scan *s;
	int r = sut_scan_open(&o, &sink, &s, &err);

	FUZZ_ASSERT(r == 0);
	if (block)
		scan_set_block(s, block);
	r = sut_scan_feed(s, data, len, &err);
	if (r == 0)
		r = sut_scan_finish(s, &sum, &err);
	if (r < 0) {
		FUZZ_ASSERT(err.code == -r && !strcmp(err.reason, "scan") &&
			    sut_startswith(err.msg, "input: "));
	} else {
		FUZZ_ASSERT(!t->in_host && sum.format != SUT_SCAN_UNKNOWN);
		FUZZ_ASSERT(f == SUT_SCAN_UNKNOWN || sum.format == f);
		FUZZ_ASSERT(sum.hosts == t->hosts && sum.findings == t->findings &&
			    sum.cves == t->cves && sum.without_cve == t->without_cve);
	}
	sut_scan_free(s);
	return r;
}

static inline int scan_input(enum sut_scan_format f, const uint8_t *data, size_t len)
{
	struct scan_told whole = {0}, pieces = {0};
	int r = scan_read(f, data, len, 0, &whole);

	FUZZ_ASSERT(scan_read(f, data, len, 3, &pieces) == r);
	FUZZ_ASSERT(whole.hash == pieces.hash && whole.findings == pieces.findings);
	return 0;
}

#endif
