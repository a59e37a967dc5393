// SPDX-License-Identifier: Apache-2.0
/* The view: made of hosts and find sets without a database. */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "map/build.h"
#include "sample_coverage.h"

enum { NOW = 1795000000, CVES = 8, PACKAGES = 4, NATIVES = 3 };

/* By row id. */
static const char *const cves[CVES] = {NULL,
				       "CVE-2026-1001",
				       "CVE-2026-1002",
				       "CVE-2026-1003",
				       "CVE-2026-1004",
				       "CVE-2026-2001",
				       "CVE-2026-7777",
				       NULL};

static struct names *names(void)
{
	struct names *n = names_new(CVES, PACKAGES, NATIVES);

	assert_non_null(n);
	for (uint32_t i = 0; i < CVES; i++)
		if (cves[i])
			assert_int_equal(names_cve(n, i, cves[i]), 0);
	assert_int_equal(names_package(n, 1, "linux-image-6.1.0-47-amd64", "6.1.170-3"), 0);
	assert_int_equal(names_package(n, 2, "libssl3", "3.0.15-1"), 0);
	assert_int_equal(names_package(n, 3, "linux-image-6.1.0-40-amd64", "6.1.150-1"), 0);
	assert_int_equal(names_native(n, 1, "plugin-1", "Kernel holes"), 0);
	return n;
}

static struct kept_set *set(int64_t id, const struct find_rec *v, size_t n)
{
	struct find_set s = {0};
	struct kept_set *k;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(find_set_add(&s, &v[i]), 0);
	find_set_settle(&s);
	k = kept_set_new(id, &s);
	assert_non_null(k);
	return k;
}

static const struct build_host common = {
	.feed = "stable",
	.build_id = SAMPLE_KERNEL_AA,
	.release = "6.1.0-47-amd64",
	.registered = true,
	.scanned_at = NOW - 60,
	.tags = "{\"env\":\"prod\"}",
	.libraries = "[{\"name\":\"libssl.so.3\",\"build_id\":\"" SAMPLE_LIBSSL_CC
		     "\",\"level\":1,\"processes\":4,\"patched\":3}]",
};

/* web1 runs nothing, web2 and web3 run level 1, web4 is not registered, web5 was not scanned. */
static struct map_view *sample(void)
{
	static const struct find_rec records[] = {
		{1, 1, 1, FIND_HIGH},	  {2, 1, 1, FIND_LOW}, {3, 0, 1, 0}, {4, 0, 1, 0},
		{5, 0, 2, FIND_CRITICAL}, {6, 0, 1, 0},	       {1, 0, 3, 0},
	};
	struct kept_set *k = set(7, records, SUT_ARRAY_SIZE(records));
	struct map_index *x = NULL;
	struct view_builder *b = NULL;
	struct map_view *v = NULL;
	struct sut_err err = {0};

	assert_ok(index_new(SAMPLE_COVERAGE, strlen(SAMPLE_COVERAGE), &x, &err), err);
	assert_ok(build_begin(x, names(), NOW, 3, &b, &err), err);
	for (int64_t i = 1; i <= 5; i++) {
		_cleanup_(sut_freep) char *name = sut_sprintf("Web%d", (int)i);
		struct build_host h = common;

		h.id = i * 10;
		h.uid = h.hostname = name;
		h.system_id = i == 4 ? NULL : name;
		h.registered = i != 4;
		h.level = i == 2 || i == 3;
		h.sets = &k;
		h.nsets = i != 5;
		assert_ok(build_host(b, &h, &err), err);
	}
	assert_ok(build_end(b, &v, &err), err);
	kept_set_put(k);
	return v;
}

static void test_a_host_counts_a_cve_once(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	enum view_protection p;
	struct view_counts n;

	view_system_counts(v, 10, &n, &p);
	assert_int_equal(n.findings, 6);
	/* 1001 of the kernel that runs; that of the one that does not is nothing beside it. 1003 in part */
	assert_int_equal(n.verdicts[VERDICT_FIX_READY], 2);
	assert_int_equal(n.verdicts[VERDICT_FIX_HELD], 1);
	assert_int_equal(n.verdicts[VERDICT_REBOOT_NEEDED], 1);
	assert_int_equal(n.verdicts[VERDICT_PARTIAL], 1);
	assert_int_equal(n.verdicts[VERDICT_NO_FIX], 1);
	assert_int_equal(n.exposed, 6);
	assert_int_equal(p, VIEW_EXPOSED);
	view_system_counts(v, 20, &n, &p);
	assert_int_equal(n.verdicts[VERDICT_LIVE_FIXED], 1);
	assert_int_equal(n.exposed, 5);
	view_system_counts(v, 40, &n, &p);
	assert_int_equal(p, VIEW_UNKNOWN);
	view_system_counts(v, 11, &n, &p);
	assert_int_equal(n.findings, 0);
}

static void test_equal_hosts_are_one_class(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	const struct view_totals *t = view_totals(v);

	assert_int_equal(t->systems, 5);
	assert_int_equal(t->classes, 4);
	assert_int_equal(t->protection[VIEW_UNKNOWN], 2);
	assert_int_equal(t->protection[VIEW_EXPOSED], 3);
	assert_int_equal(t->verdicts[VERDICT_LIVE_FIXED], 2);
	assert_int_equal(view_generation(v), 3);
}

static void test_cves_are_in_order(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	const struct view_cve *c = view_cve_at(v, 0);

	assert_int_equal(view_cves(v), 6);
	assert_string_equal(c->name, "CVE-2026-1001");
	assert_int_equal(c->systems, 4);
	assert_int_equal(c->verdicts[VERDICT_FIX_READY], 1);
	assert_int_equal(c->verdicts[VERDICT_LIVE_FIXED], 2);
	assert_int_equal(c->severity, FIND_HIGH);
	assert_int_equal(c->products, VIEW_KERNEL);
	assert_int_equal(view_cve(v, "CVE-2026-2001")->products, VIEW_LIBRARY);
	assert_null(view_cve(v, "CVE-2026-9999"));
	assert_string_equal(view_host_at(v, view_worst_hosts(v)[0])->hostname, "Web1");
}

static int collect(void *ctx, const struct view_host *h, const struct view_finding *f)
{
	char *s = ctx;

	snprintf(s + strlen(s), 200 - strlen(s), "%s %s;", h->hostname,
		 verdict_name(f->answer.verdict));
	return 0;
}

static void test_hosts_of_a_cve(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	char s[200] = "";

	assert_int_equal(view_cve_hosts(v, view_cve(v, "CVE-2026-1001"), collect, s), 0);
	assert_string_equal(s,
			    "Web1 fix-ready;Web2 live-fixed;Web3 live-fixed;Web4 unknown-target;");
}

static int count_cves(void *ctx, const struct view_cve *c _unused_,
		      const uint32_t verdicts[static VERDICTS] _unused_)
{
	++*(int *)ctx;
	return 0;
}

static void test_findings_of_scanners_roll_up(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	const struct view_native *n;
	int k = 0;

	assert_int_equal(view_natives(v), 1);
	n = view_native_at(v, 0);
	assert_ptr_equal(view_native(v, 1), n);
	assert_null(view_native(v, 2));
	assert_string_equal(n->title, "Kernel holes");
	assert_int_equal(n->systems, 4);
	assert_int_equal(n->verdicts[VERDICT_FIX_READY], 1);
	/* 1001 closed, 1002 held */
	assert_int_equal(n->verdicts[VERDICT_PARTIAL], 2);
	assert_int_equal(n->worst, VERDICT_FIX_READY);
	assert_int_equal(view_native_cves(v, n, count_cves, &k), 0);
	assert_int_equal(k, 2);
}

static int count_findings(void *ctx, const struct view_finding *f)
{
	++*(int *)ctx;
	return f->cve_id == 5 && f->answer.patched != 3 ? -1 : 0;
}

static void test_findings_of_a_host(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	int n = 0;

	assert_int_equal(view_findings(v, view_host_uid(v, "Web2"), count_findings, &n), 0);
	assert_int_equal(n, 7);
	n = 0;
	assert_int_equal(view_findings(v, view_host(v, 50), count_findings, &n), 0);
	assert_int_equal(n, 0);
}

static void test_select(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	const int64_t key = index_cve("CVE-2026-1001"), hosts[] = {10, 20};
	const uint32_t native = 1;
	const struct {
		struct view_query q;
		size_t n, cves;
	} rows[] = {
		{{.protection = -1}, 5, 0},
		{{.protection = -1, .verdicts = 1 << VERDICT_FIX_READY}, 1, 2},
		{{.protection = -1, .cves = &key, .ncves = 1}, 4, 1},
		{{.protection = -1, .cves = &key, .ncves = 1, .verdicts = 1 << VERDICT_LIVE_FIXED},
		 2,
		 1},
		{{.protection = -1, .natives = &native, .nnatives = 1}, 4, 2},
		{{.protection = -1, .hosts = hosts, .nhosts = 2}, 2, 0},
		{{.protection = -1, .q = "wEB3"}, 1, 0},
		{{.protection = -1, .q = "none"}, 0, 0},
		{{.protection = -1, .tag = "env=prod"}, 5, 0},
		{{.protection = -1, .tag = "env"}, 5, 0},
		{{.protection = -1, .tag = "env=test"}, 0, 0},
		{{.protection = VIEW_UNKNOWN}, 2, 0},
		{{.protection = -1, .feed = "test"}, 0, 0},
		{{.protection = -1, .products = VIEW_LIBRARY, .verdicts = 1 << VERDICT_PARTIAL},
		 4,
		 1},
		{{.protection = -1, .cves = &key}, 0, 0},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(rows); i++) {
		_cleanup_(sut_freep) struct view_selected *s = NULL;
		struct sut_err err = {0};
		size_t n = 0, k = 0;

		assert_ok(view_select(v, &rows[i].q, &s, &n, &k, &err), err);
		if (n != rows[i].n || k != rows[i].cves)
			fail_msg("row %zu: %zu systems, %zu CVEs", i, n, k);
	}
}

static void test_without_coverage_nothing_is_known(void **state _unused_)
{
	const struct find_rec r = {1, 1, 1, 0};
	struct kept_set *k = set(1, &r, 1);
	struct view_builder *b = NULL;
	_cleanup_(view_putp) struct map_view *v = NULL;
	struct sut_err err = {0};
	struct build_host h = common;

	assert_ok(build_begin(NULL, names(), NOW, 1, &b, &err), err);
	h.sets = &k;
	h.nsets = 1;
	assert_ok(build_host(b, &h, &err), err);
	assert_ok(build_end(b, &v, &err), err);
	assert_int_equal(view_totals(v)->verdicts[VERDICT_UNKNOWN_TARGET], 1);
	kept_set_put(k);
}

static void test_several_scanners_of_one_host(void **state _unused_)
{
	const struct find_rec one[] = {{1, 0, 1, 0}, {2, 0, 1, 0}},
			      two[] = {{1, 1, 1, 0}, {6, 0, 1, 0}};
	struct kept_set *k[2] = {set(1, one, 2), set(2, two, 2)};
	struct view_builder *b = NULL;
	_cleanup_(view_putp) struct map_view *v = NULL;
	struct map_index *x = NULL;
	struct sut_err err = {0};
	struct build_host h = common;

	assert_ok(index_new(SAMPLE_COVERAGE, strlen(SAMPLE_COVERAGE), &x, &err), err);
	assert_ok(build_begin(x, names(), NOW, 1, &b, &err), err);
	h.sets = k;
	h.nsets = 2;
	assert_ok(build_host(b, &h, &err), err);
	assert_ok(build_end(b, &v, &err), err);
	assert_int_equal(view_host_at(v, 0)->counts->findings, 3);
	assert_int_equal(view_natives(v), 1);
	kept_set_put(k[0]);
	kept_set_put(k[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_host_counts_a_cve_once),
		cmocka_unit_test(test_equal_hosts_are_one_class),
		cmocka_unit_test(test_cves_are_in_order),
		cmocka_unit_test(test_hosts_of_a_cve),
		cmocka_unit_test(test_findings_of_scanners_roll_up),
		cmocka_unit_test(test_findings_of_a_host),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_without_coverage_nothing_is_known),
		cmocka_unit_test(test_several_scanners_of_one_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
