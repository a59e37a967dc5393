// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "sample_scan.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

const struct sut_scan_host sample_scan_host = {.system_id = "S-1",
					       .hostname = "web1",
					       .kernel = "6.1.0-18-amd64"};

void sample_scan_file(const char *name, struct sut_buf *ret)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/tests/unit/scan/%s", SOURCE_ROOT, name);
	struct sut_err err = {0};

	assert_non_null(path);
	*ret = SUT_BUF_INIT(64 << 20);
	assert_ok(sut_file_read(path, ret, &err), err);
}

static void put(struct sample_scan *r, const char *what, const char *value)
{
	char again[1024];

	if (!value)
		return;
	assert_true(*value);
	snprintf(again, sizeof(again), "%s", value);
	scan_text(again, sizeof(again), value, strlen(value));
	assert_string_equal(again, value);
	assert_true(strlen(value) <= SUT_SCAN_TITLE_MAX);
	assert_int_equal(sut_buf_addf(&r->text, " %s=%s", what, value), 0);
}

static int may_fail(struct sample_scan *r, struct sut_err *err)
{
	return ++r->calls == r->fail_at ? sut_err_set(err, EIO, "the sink is full") : 0;
}

static int on_host(void *ctx, const struct sut_scan_host *h, struct sut_err *err)
{
	struct sample_scan *r = ctx;

	assert_false(r->in_host);
	r->in_host = true;
	assert_int_equal(sut_buf_addstr(&r->text, "host"), 0);
	put(r, "system", h->system_id);
	put(r, "machine", h->machine_id);
	put(r, "fqdn", h->fqdn);
	put(r, "name", h->hostname);
	put(r, "os", h->os);
	put(r, "kernel", h->kernel);
	for (size_t i = 0; i < h->naddresses; i++)
		put(r, "ip", h->addresses[i]);
	for (size_t i = 0; i < h->nmacs; i++)
		put(r, "mac", h->macs[i]);
	if (h->scanned_at)
		assert_int_equal(sut_buf_addf(&r->text, " at=%lld", (long long)h->scanned_at), 0);
	assert_int_equal(sut_buf_addstr(&r->text, "\n"), 0);
	return may_fail(r, err);
}

static int on_finding(void *ctx, const struct sut_scan_finding *f, struct sut_err *err)
{
	struct sample_scan *r = ctx;

	assert_true(r->in_host);
	assert_int_equal(sut_buf_addf(&r->text, "finding %s [", f->native_id ? f->native_id : "-"),
			 0);
	for (size_t i = 0; i < f->ncves; i++) {
		char id[SUT_SCAN_CVE_MAX];

		assert_true(sut_scan_cve(f->cves[i], strlen(f->cves[i]), id));
		assert_string_equal(id, f->cves[i]);
		assert_int_equal(sut_buf_addf(&r->text, "%s%s", i ? " " : "", id), 0);
	}
	assert_int_equal(sut_buf_addstr(&r->text, "]"), 0);
	put(r, "title", f->title);
	put(r, "package", f->package);
	put(r, "version", f->version);
	put(r, "fixed", f->fixed_version);
	put(r, "purl", f->purl);
	if (f->severity)
		put(r, "severity", sut_scan_severity_name(f->severity));
	assert_int_equal(sut_buf_addf(&r->text, "%s\n",
				      f->flags & SUT_SCAN_NOT_RUNNING ? " not-running" : ""),
			 0);
	return may_fail(r, err);
}

static int on_host_end(void *ctx, struct sut_err *err)
{
	struct sample_scan *r = ctx;

	assert_true(r->in_host);
	r->in_host = false;
	assert_int_equal(sut_buf_addstr(&r->text, "end\n"), 0);
	return may_fail(r, err);
}

void sample_scan_run(struct sample_scan *r, const struct sut_scan_opts *o, const void *data,
		     size_t len, size_t feed, size_t block)
{
	const struct sut_scan_sink sink = {on_host, on_finding, on_host_end, r};
	_cleanup_scan_ struct sut_scan *s = NULL;
	const char *at = data;

	r->text = SUT_BUF_INIT(64 << 20);
	assert_ok(sut_scan_open(o, &sink, &s, &r->err), r->err);
	if (block)
		scan_set_block(s, block);
	while (len && r->result == 0) {
		/* A copy of the exact size, so that a sanitizer sees who reads beyond it. */
		size_t n = len < feed ? len : feed;
		_cleanup_(sut_freep) char *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, at, n);
		r->result = sut_scan_feed(s, copy, n, &r->err);
		at += n;
		len -= n;
	}
	if (r->result == 0)
		r->result = sut_scan_finish(s, &r->sum, &r->err);
	if (r->result == 0)
		assert_false(r->in_host);
	else
		assert_true(r->err.code == -r->result && *r->err.msg);
}

void sample_scan_release(struct sample_scan *r)
{
	sut_buf_release(&r->text);
	*r = (struct sample_scan){0};
}

void sample_scan_pieces(const struct sut_scan_opts *o, const void *data, size_t len)
{
	_cleanup_sample_scan_ struct sample_scan whole = {0};
	size_t max = len < 3000 ? len : 3000;

	sample_scan_run(&whole, o, data, len, len, 0);
	if (whole.result < 0)
		fail_msg("%s", whole.err.msg);
	for (size_t n = 1; n <= max; n += n < 70 ? 1 : n / 3) {
		_cleanup_sample_scan_ struct sample_scan a = {0}, b = {0};

		sample_scan_run(&a, o, data, len, n, 0);
		sample_scan_run(&b, o, data, len, len, n);
		assert_string_equal(sut_buf_str(&a.text), sut_buf_str(&whole.text));
		assert_string_equal(sut_buf_str(&b.text), sut_buf_str(&whole.text));
		assert_memory_equal(&a.sum, &whole.sum, sizeof(a.sum));
		assert_memory_equal(&b.sum, &whole.sum, sizeof(b.sum));
	}
}

void sample_scan_cuts(const struct sut_scan_opts *o, const void *data, size_t len, bool may_be_fine)
{
	while (len && memchr(" \n", ((const char *)data)[len - 1], 2))
		len--;
	for (size_t n = 0; n < len; n++) {
		_cleanup_sample_scan_ struct sample_scan r = {0};

		sample_scan_run(&r, o, data, n, n ? n : 1, 0);
		if (!may_be_fine)
			assert_true(r.result < 0);
	}
}
