// SPDX-License-Identifier: Apache-2.0
/* export/tables.h: a view as CSV. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "export/tables.h"
#include "map/build.h"
#include "sample_coverage.h"

enum { NOW = 1795000000 };

/* Two hosts with three findings each; the name of the second would be a formula. */
static struct map_view *sample(void)
{
	static const struct find_rec records[] = {
		{1, 1, 1, FIND_HIGH}, {2, 0, 1, FIND_LOW}, {3, 0, 2, FIND_NOT_RUNNING}};
	struct names *n = names_new(4, 3, 2);
	struct find_set set = {0};
	struct kept_set *k;
	struct map_index *x = NULL;
	struct view_builder *b = NULL;
	struct map_view *v = NULL;
	struct sut_err err = {0};

	assert_int_equal(names_cve(n, 1, "CVE-2026-1001"), 0);
	assert_int_equal(names_cve(n, 2, "CVE-2026-1004"), 0);
	assert_int_equal(names_cve(n, 3, "CVE-2026-7777"), 0);
	assert_int_equal(names_package(n, 1, "linux-image-6.1.0-47-amd64", "6.1.170-3"), 0);
	assert_int_equal(names_package(n, 2, "nginx, \"the\" server", "1.2"), 0);
	assert_int_equal(names_native(n, 1, "plugin-1", "@holes"), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(records); i++)
		assert_int_equal(find_set_add(&set, &records[i]), 0);
	find_set_settle(&set);
	k = kept_set_new(7, &set);
	assert_ok(index_new(SAMPLE_COVERAGE, strlen(SAMPLE_COVERAGE), &x, &err), err);
	assert_ok(build_begin(x, n, NOW, 3, &b, &err), err);
	for (int64_t i = 1; i <= 2; i++) {
		const struct build_host h = {
			.id = i,
			.uid = i == 1 ? "aaaa" : "bbbb",
			.system_id = i == 1 ? "s1" : "s2",
			.hostname = i == 1 ? "web1" : "=cmd|' /C calc'!A0",
			.feed = i == 1 ? "stable" : "test",
			.build_id = SAMPLE_KERNEL_AA,
			.release = "6.1.0-47-amd64",
			.registered = true,
			.scanned_at = NOW - 60,
			.scanner = "trivy",
			.sets = &k,
			.nsets = 1,
		};

		assert_ok(build_host(b, &h, &err), err);
	}
	assert_ok(build_end(b, &v, &err), err);
	kept_set_put(k);
	return v;
}

static int keep(void *ctx, const struct sut_buf *lines, struct sut_err *err _unused_)
{
	return sut_buf_add(ctx, lines->data, lines->len);
}

static size_t count(const char *s, const char *what)
{
	size_t n = 0;

	while ((s = strstr(s, what))) {
		n++;
		s += strlen(what);
	}
	return n;
}

typedef int (*table_fn)(const struct map_view *v, const struct export_query *q, export_lines fn,
			void *ctx, struct sut_err *err);

/* The table, which has so many lines without the first. */
static const char *table(table_fn fn, const struct export_query *q, struct sut_buf *b, size_t lines)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	struct sut_err err = {0};

	b->len = 0;
	assert_ok(fn(v, q, keep, b, &err), err);
	assert_int_equal(count(sut_buf_str(b), "\r\n"), lines + 1);
	return sut_buf_str(b);
}

static void test_findings_are_one_line_each(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	const struct export_query q = {.hosts = VIEW_ANY};
	const char *s = table(export_findings, &q, &b, 6);

	assert_true(sut_startswith(s, "id,system_id,hostname,cve,severity,verdict,"));
	assert_non_null(strstr(s, "\naaaa,s1,web1,CVE-2026-1001,high,fix-ready,"));
	assert_non_null(strstr(s, ",CVE-2026-7777,unknown,"));
	assert_non_null(strstr(s, ",\"nginx, \"\"the\"\" server\",1.2,yes,"));
	/* What scanners and hosts wrote is no formula. */
	assert_non_null(strstr(s, "\nbbbb,s2,\"'=cmd|' /C calc'!A0\",CVE-"));
	assert_non_null(strstr(s, ",plugin-1,\"'@holes\"\r\n"));
}

static void test_findings_are_chosen(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct export_query q = {.hosts = VIEW_ANY, .verdicts = 1u << VERDICT_FIX_READY};

	assert_non_null(strstr(table(export_findings, &q, &b, 2), "CVE-2026-1001"));
	q = (struct export_query){.hosts = VIEW_ANY, .severities = 1u << FIND_LOW};
	assert_non_null(strstr(table(export_findings, &q, &b, 2), "CVE-2026-1004"));
	q = (struct export_query){.hosts = VIEW_ANY, .cve = index_cve("CVE-2026-7777")};
	assert_non_null(strstr(table(export_findings, &q, &b, 2), "CVE-2026-7777"));
	q = (struct export_query){.hosts = VIEW_ANY};
	q.hosts.feed = "stable";
	assert_null(strstr(table(export_findings, &q, &b, 3), "bbbb"));
	q.hosts.q = "none such";
	table(export_findings, &q, &b, 0);
}

static void test_systems_have_their_counts(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct export_query q = {.hosts = VIEW_ANY};
	const char *s = table(export_systems, &q, &b, 2);

	assert_non_null(strstr(s, ",findings,exposed,fix-ready,partial,fix-held,reboot-needed,"
				  "no-fix,unknown-target,not-affected,live-fixed\r\n"));
	assert_non_null(
		strstr(s, "\naaaa,s1,,web1,,stable,,no,exposed,6.1.0-47-amd64," SAMPLE_KERNEL_AA
			  ",0,,2026-11-18T11:05:40Z,trivy,3,"));
	q.hosts.feed = "test";
	table(export_systems, &q, &b, 1);
}

static void test_cves_are_counted_over_the_fleet(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct export_query q = {.hosts = VIEW_ANY};
	const char *s = table(export_cves, &q, &b, 3);

	assert_non_null(strstr(s, "\nCVE-2026-1001,high,2,2,kernel,2,0,"));
	q.q = "1001";
	table(export_cves, &q, &b, 1);
	q.q = NULL;
	q.verdicts = 1u << VERDICT_LIVE_FIXED;
	table(export_cves, &q, &b, 0);
}

static int refuse(void *ctx _unused_, const struct sut_buf *lines _unused_, struct sut_err *err)
{
	return sut_err_set(err, ENOSPC, "full");
}

static void test_whoever_takes_the_lines_may_end_it(void **state _unused_)
{
	_cleanup_(view_putp) struct map_view *v = sample();
	const struct export_query q = {.hosts = VIEW_ANY};
	struct sut_err err = {0};

	assert_int_equal(export_findings(v, &q, refuse, NULL, &err), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings_are_one_line_each),
		cmocka_unit_test(test_findings_are_chosen),
		cmocka_unit_test(test_systems_have_their_counts),
		cmocka_unit_test(test_cves_are_counted_over_the_fleet),
		cmocka_unit_test(test_whoever_takes_the_lines_may_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
