// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <zlib.h>

#include "sample_portal.h"

#define TRAILER " -- A Person <person@suture.example>  Mon, 02 Mar 2026 10:00:00 +0100\n\n"
#define ENTRY(version, items)                                                                      \
	"linux (" version ") stable-security; urgency=high\n\n" items "\n" TRAILER

#define V1 ENTRY("6.1.1-1", "  * Begin.\n  * hats: off (CVE-2026-1000)\n")
#define V2                                                                                         \
	ENTRY("6.1.2-1", "  * lamps: dim (CVE-2026-1001)\n"                                        \
			 "  * doors: \"close\" them (CVE-2026-10002)\n"                            \
			 "  * cups: hold water (CVE-2026-1003)\n")
#define V3 ENTRY("6.1.3-1", "  * Revert \"cups: hold water\"\n  * bells: ring (CVE-2025-20001)\n")

#define LINUX "/v1/sources/debian/linux/changelog"
#define VIEWER s->tenant[0].token[SAMPLE_VIEWER]
#define BUILD_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BUILD_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BUILD_C "cccccccccccccccccccccccccccccccccccccccc"
#define KERNEL_A "1111111111111111111111111111111111111111"

static int import(struct sample_server *s, const char *target, const char *text)
{
	return sample_call_raw(s, "POST", target, s->staff, text, strlen(text));
}

static void must_import(struct sample_server *s, const char *text)
{
	import(s, LINUX, text);
	assert_status(s, 200);
}

/* The version that fixes it in the only source; NULL. */
static const char *fixed_in(struct sample_server *s, const char *cve)
{
	char target[100];
	const char *v = NULL;

	snprintf(target, sizeof(target), "/v1/cves/%s", cve);
	sample_call(s, "GET", target, VIEWER, NULL);
	if (s->status == 404)
		return NULL;
	assert_status(s, 200);
	assert_int_equal(json_unpack(s->json, "{s:[{s:s}]}", "fixed_in", "version", &v), 0);
	return v;
}

/* Two kernels of 6.1.1-1 and 6.1.2-1 (A, B) and a library (C); K1 and K2. */
static void sample_patches(struct sample_server *s)
{
	static const char *const sql[] = {
		"INSERT INTO patchsets (id, name, product, created, seen) VALUES "
		"(1, 'K20260401_01', 'kernel', 1775000000, 1775000000), "
		"(2, 'K20260501_01', 'kernel', 1777600000, 1777600000), "
		"(3, 'U20260501_01', 'library', 1777600000, 1777600000)",
#define TARGET(id, set, build, level, name, pkg, version, kernel)                                  \
	"(" id ", " set ", '" build "', " level ", '" id ".bin', 1, '', '" name "', 'x86_64', '"   \
	"r" id "', '" pkg "', '" version "', " kernel ")"
		"INSERT INTO patch_targets (id, patchset, build_id, level, path, length, sha256, target, "
		"arch, release, package, package_version, kernel_id, manifest) SELECT x.*, '{}' FROM "
		"(VALUES " TARGET(
			"1", "1", BUILD_A, "1", "debian/a", "linux-image-a", "6.1.1-1",
			"'" KERNEL_A
			"'") ", " TARGET("2", "2", BUILD_A, "2", "debian/a", "linux-image-a",
					 "6.1.1-1",
					 "'" KERNEL_A
					 "'") ", " TARGET("3", "2", BUILD_B, "1", "debian/b",
							  "linux-image-b", "6.1.2-1+b1",
							  "NULL") ", " TARGET("4", "3", BUILD_C,
									      "1", "debian/c",
									      "libc6", "2.36-9",
									      "NULL") ") x",
		"INSERT INTO patch_cves (target, cve, status, note) VALUES "
		"(1, 'CVE-2026-1001', 'partial', 'only on \"x86\"'), (2, 'CVE-2026-1001', 'fixed', ''), "
		"(2, 'CVE-2026-10002', 'mitigated', ''), (3, 'CVE-2025-20001', 'fixed', ''), "
		"(4, 'CVE-2026-7777', 'fixed', '')",
		"INSERT INTO feeds (id, tenant, name, created) VALUES (100, 77, 'secret', 0)",
		"INSERT INTO feed_entries (feed, patchset, state, entered, changed, changed_by) "
		"SELECT id, 1, 'active', 0, 0, 'test' FROM feeds WHERE tenant = 0 OR name = 'secret'",
		"INSERT INTO feed_entries (feed, patchset, state, entered, changed, changed_by) "
		"SELECT id, 2, CASE WHEN name = 'test' THEN 'active' ELSE 'held' END, 0, 0, 'test' "
		"FROM feeds WHERE tenant = 0",
		"UPDATE meta SET value = value + 1 WHERE name = 'generation'",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(sql); i++)
		sample_sql(s, sql[i]);
}

static void reading_a_changelog_says_what_it_changed(void **state)
{
	struct sample_server *s = *state;
	int64_t before = sample_number(s, "SELECT value FROM meta WHERE name = 'generation'");

	must_import(s, V2 V1);
	assert_string_equal(sample_text(s, "version"), "6.1.2-1");
	assert_string_equal(sample_text(s, "oldest"), "6.1.1-1");
	assert_int_equal(sample_int(s, "versions"), 2);
	assert_int_equal(sample_int(s, "cves"), 4);
	assert_int_equal(sample_int(s, "added"), 4);
	assert_int_equal(sample_number(s, "SELECT value FROM meta WHERE name = 'generation'"),
			 before + 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'cve.import'"),
			 1);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'cve.imported'"), 1);
	sample_call(s, "GET", "/v1/sources", VIEWER, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
}

static void reading_it_again_changes_nothing(void **state)
{
	struct sample_server *s = *state;

	must_import(s, V2 V1);
	must_import(s, V2 V1);
	assert_int_equal(
		sample_int(s, "added") + sample_int(s, "changed") + sample_int(s, "removed"), 0);
	assert_int_equal(sample_int(s, "cves"), 4);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'cve.import'"),
			 1);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'cve.imported'"), 1);
}

static void a_newer_changelog_decides_and_the_order_does_not_matter(void **state)
{
	struct sample_server *s = *state;

	for (int newer_first = 0; newer_first < 2; newer_first++) {
		if (newer_first) {
			import(s, LINUX "?replace=true", V3 V2);
			assert_status(s, 200);
			must_import(s, V2 V1);
		} else {
			must_import(s, V2 V1);
			must_import(s, V3 V2);
			assert_int_equal(sample_int(s, "added"), 1);
			assert_int_equal(sample_int(s, "removed"), 1);
		}
		assert_string_equal(fixed_in(s, "CVE-2026-1000"), "6.1.1-1");
		assert_string_equal(fixed_in(s, "CVE-2026-1001"), "6.1.2-1");
		assert_null(fixed_in(s, "CVE-2026-1003")); /* taken back in 6.1.3-1 */
		assert_string_equal(fixed_in(s, "CVE-2025-20001"), "6.1.3-1");
		sample_call(s, "GET", "/v1/sources", VIEWER, NULL);
		assert_string_equal(
			json_string_value(json_object_get(
				json_array_get(json_object_get(s->json, "items"), 0), "oldest")),
			"6.1.1-1");
	}
}

static void a_changelog_of_another_branch_is_refused(void **state)
{
	struct sample_server *s = *state;

	must_import(s, V2 V1);
	import(s, LINUX, ENTRY("6.12.3-1", "  * doors: close (CVE-2026-10002)\n"));
	assert_problem(s, 409, "changelog-unrelated");
	assert_string_equal(fixed_in(s, "CVE-2026-10002"), "6.1.2-1");
	import(s, LINUX "?replace=true", ENTRY("6.12.3-1", "  * doors: close (CVE-2026-10002)\n"));
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "versions"), 1);
	assert_string_equal(fixed_in(s, "CVE-2026-10002"), "6.12.3-1");
	assert_null(fixed_in(s, "CVE-2026-1001"));
}

static void a_compressed_changelog(void **state)
{
	struct sample_server *s = *state;
	unsigned char out[1000];
	z_stream z = {.next_in = (void *)V1,
		      .avail_in = sizeof(V1) - 1,
		      .next_out = out,
		      .avail_out = sizeof(out)};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 9, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	sample_call_raw(s, "POST", LINUX, s->staff, out, sizeof(out) - z.avail_out);
	deflateEnd(&z);
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "cves"), 1);
}

static void what_is_no_changelog_of_that_source_is_refused(void **state)
{
	struct sample_server *s = *state;

	import(s, LINUX, "{\"changelog\": true}\n");
	assert_problem(s, 422, "invalid-changelog");
	import(s, LINUX, "");
	assert_problem(s, 422, "invalid-changelog");
	import(s, "/v1/sources/debian/openssl/changelog", V1);
	assert_problem(s, 422, "invalid-changelog");
	import(s, "/v1/sources/De%20bian/linux/changelog", V1);
	assert_problem(s, 422, "invalid-name");
	import(s, "/v1/sources/debian/..%2flinux/changelog", V1);
	assert_problem(s, 422, "invalid-name");
	import(s, LINUX "?replace=1", V1);
	assert_problem(s, 400, "bad-argument");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM sources"), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'cve.import'"),
			 0);
}

static void only_staff_reads_changelogs_in(void **state)
{
	struct sample_server *s = *state;

	for (int i = 0; i < SAMPLE_ROLES; i++) {
		sample_call_raw(s, "POST", LINUX, s->tenant[0].token[i], V1, strlen(V1));
		assert_status(s, 403);
	}
	sample_call_raw(s, "POST", LINUX, NULL, V1, strlen(V1));
	assert_status(s, 401);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM sources"), 0);
}

/* The CVEs of the list, "1001 10002 …" without their year; walks all pages of two. */
static const char *listed(struct sample_server *s, const char *filter)
{
	static char out[200];
	char target[200], cursor[40] = "0";

	out[0] = 0;
	do {
		const char *next = NULL;
		json_t *items, *item;
		size_t i;

		snprintf(target, sizeof(target), "/v1/cves?limit=2&cursor=%s%s", cursor, filter);
		sample_call(s, "GET", target, VIEWER, NULL);
		assert_status(s, 200);
		items = json_object_get(s->json, "items");
		next = json_string_value(json_object_get(s->json, "next"));
		assert_true(json_array_size(items) <= 2);
		json_array_foreach(items, i, item) {
			snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s",
				 *out ? " " : "",
				 json_string_value(json_object_get(item, "cve")) + 9);
		}
		snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
	} while (*cursor);
	return out;
}

static void cves_are_listed_in_their_order_and_filtered(void **state)
{
	struct sample_server *s = *state;

	must_import(s, V3 V2 V1);
	sample_patches(s);
	/* by year and number, not by their text */
	assert_string_equal(listed(s, ""), "20001 1000 1001 7777 10002");
	assert_string_equal(listed(s, "&source=linux"), "20001 1000 1001 10002");
	assert_string_equal(listed(s, "&source=debian/linux"), "20001 1000 1001 10002");
	assert_string_equal(listed(s, "&source=openssl"), "");
	assert_string_equal(listed(s, "&source=linux&since=6.1.1-1"), "20001 1001 10002");
	assert_string_equal(listed(s, "&source=linux&since=6.1.2-1"), "20001");
	assert_string_equal(listed(s, "&source=linux&since=9"), "");
	assert_string_equal(listed(s, "&status=fixed"), "20001 1001 7777");
	assert_string_equal(listed(s, "&status=partial"), "10002");
	assert_string_equal(listed(s, "&status=pending_reboot"), "20001");
	assert_string_equal(listed(s, "&q=DOORS"), "10002");
	assert_string_equal(listed(s, "&q=cve-2025"), "20001");
	assert_string_equal(listed(s, "&q=nothing"), "");
	sample_call(s, "GET", "/v1/cves?status=gone", VIEWER, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/cves?since=6.1.1-1", VIEWER, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/cves?source=linux&since=x", VIEWER, NULL);
	assert_problem(s, 400, "bad-argument");
}

static void one_cve_says_where_it_is_fixed(void **state)
{
	struct sample_server *s = *state;
	json_t *want;

	must_import(s, V3 V2 V1);
	sample_patches(s);
	sample_call(s, "GET", "/v1/cves/CVE-2025-20001", VIEWER, NULL);
	assert_status(s, 200);
	want = json_pack("{s:s, s:s, s:[{s:s, s:s, s:s}],"
			 " s:[{s:s, s:n, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s}],"
			 " s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:s}]}",
			 "cve", "CVE-2025-20001", "subject", "bells: ring", "fixed_in",
			 "distribution", "debian", "source", "linux", "version", "6.1.3-1",
			 "patches", "build_id", BUILD_B, "kernel_id", "product", "kernel", "target",
			 "debian/b", "release", "r3", "package_version", "6.1.2-1+b1", "level", 1,
			 "patchset", "K20260501_01", "status", "fixed", "note", "",
			 "pending_reboot", "build_id", BUILD_A, "kernel_id", KERNEL_A, "product",
			 "kernel", "target", "debian/a", "release", "r1", "package_version",
			 "6.1.1-1", "fixed_in", "6.1.3-1");
	assert_non_null(want);
	if (!json_equal(want, s->json))
		fail_msg("%s", sut_buf_str(&s->r.raw));
	json_decref(want);
	/* partial at level 1, whole at level 2 */
	sample_call(s, "GET", "/v1/cves/CVE-2026-1001", VIEWER, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "patches")), 2);
	assert_int_equal(json_array_size(json_object_get(s->json, "pending_reboot")), 0);
	sample_call(s, "GET", "/v1/cves/CVE-2026-4242", VIEWER, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "GET", "/v1/cves/x", VIEWER, NULL);
	assert_problem(s, 404, "not-found");
}

static json_t *target_of(struct sample_server *s, const char *build_id)
{
	json_t *t, *list = json_object_get(s->json, "targets");
	size_t i;

	json_array_foreach(list, i, t) {
		if (sut_streq(json_string_value(json_object_get(t, "build_id")), build_id))
			return t;
	}
	fail_msg("no target %s", build_id);
	return NULL;
}

static void expect_json(const json_t *is, const char *name, const char *want)
{
	json_t *w = json_loads(want, JSON_DECODE_ANY, NULL);
	char *text = json_dumps(json_object_get(is, name), JSON_ENCODE_ANY | JSON_COMPACT);

	assert_non_null(w);
	if (!json_equal(json_object_get(is, name), w))
		fail_msg("%s is %s instead of %s", name, text, want);
	free(text);
	json_decref(w);
}

static void coverage_tells_fixed_partial_and_pending(void **state)
{
	struct sample_server *s = *state;
	json_t *t;

	must_import(s, V3 V2 V1);
	sample_patches(s);
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_status(s, 200);
	expect_json(s->json, "format", "\"suture-coverage\"");
	expect_json(s->json, "version", "1");
	assert_int_equal(json_array_size(json_object_get(s->json, "targets")), 3);
	t = target_of(s, BUILD_A);
	expect_json(t, "kernel_id", "\"" KERNEL_A "\"");
	expect_json(t, "target", "\"debian/a\"");
	expect_json(t, "product", "\"kernel\"");
	expect_json(t, "source",
		    "{\"distribution\":\"debian\",\"name\":\"linux\",\"version\":\"6.1.3-1\"}");
	/* another tenant's feed is not told */
	expect_json(
		t, "levels",
		"[{\"level\":1,\"patchset\":\"K20260401_01\",\"released\":\"2026-03-31T23:33:20Z\","
		"\"feeds\":[\"test\",\"candidate\",\"stable\"]},"
		"{\"level\":2,\"patchset\":\"K20260501_01\",\"released\":\"2026-05-01T01:46:40Z\","
		"\"feeds\":[\"test\"]}]");
	expect_json(t, "fixed",
		    "[{\"cve\":\"CVE-2026-1001\",\"level\":2,\"fixed_in\":\"6.1.2-1\"}]");
	expect_json(
		t, "partial",
		"[{\"cve\":\"CVE-2026-10002\",\"level\":2,\"status\":\"mitigated\",\"note\":\"\","
		"\"fixed_in\":\"6.1.2-1\"},"
		"{\"cve\":\"CVE-2026-1001\",\"level\":1,\"status\":\"partial\","
		"\"note\":\"only on \\\"x86\\\"\",\"fixed_in\":\"6.1.2-1\"}]");
	expect_json(t, "pending_reboot", "[{\"cve\":\"CVE-2025-20001\",\"fixed_in\":\"6.1.3-1\"}]");
	/* what the package has is not told: CVE-2026-1001 in B */
	t = target_of(s, BUILD_B);
	expect_json(t, "fixed",
		    "[{\"cve\":\"CVE-2025-20001\",\"level\":1,\"fixed_in\":\"6.1.3-1\"}]");
	expect_json(t, "pending_reboot", "[]");
	expect_json(t, "kernel_id", "null");
	t = target_of(s, BUILD_C);
	expect_json(t, "source", "null");
	expect_json(t, "fixed", "[{\"cve\":\"CVE-2026-7777\",\"level\":1}]");
	expect_json(
		t, "levels",
		"[{\"level\":1,\"patchset\":\"U20260501_01\",\"released\":\"2026-05-01T01:46:40Z\","
		"\"feeds\":[]}]");
}

static void coverage_of_one_target(void **state)
{
	struct sample_server *s = *state;

	sample_patches(s);
	sample_call(s, "GET", "/v1/coverage?build_id=" BUILD_B, VIEWER, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "targets")), 1);
	target_of(s, BUILD_B);
	sample_call(s, "GET", "/v1/coverage?kernel_id=" KERNEL_A, VIEWER, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "targets")), 1);
	target_of(s, BUILD_A);
	sample_call(s, "GET", "/v1/coverage?kernel_id=" BUILD_A, VIEWER, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "targets")), 0);
	sample_call(s, "GET", "/v1/coverage?kernel_id=" KERNEL_A "&build_id=" BUILD_A, VIEWER,
		    NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/coverage?build_id=" BUILD_A "0", VIEWER, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/coverage?build_id=%27%20OR%201=1", VIEWER, NULL);
	assert_problem(s, 400, "bad-argument");
}

static void gone_patches_are_not_told(void **state)
{
	struct sample_server *s = *state;

	must_import(s, V3 V2 V1);
	sample_patches(s);
	sample_sql(s, "UPDATE patch_targets SET gone = 1 WHERE id IN (2, 3)");
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "targets")), 2);
	expect_json(target_of(s, BUILD_A), "fixed", "[]");
	expect_json(target_of(s, BUILD_A), "pending_reboot",
		    "[{\"cve\":\"CVE-2025-20001\",\"fixed_in\":\"6.1.3-1\"},"
		    "{\"cve\":\"CVE-2026-10002\",\"fixed_in\":\"6.1.2-1\"}]");
}

static void coverage_has_an_etag_until_it_changes(void **state)
{
	struct sample_server *s = *state;
	char etag[80], header[120];

	must_import(s, V2 V1);
	sample_patches(s);
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	snprintf(etag, sizeof(etag), "%s", s->r.etag);
	snprintf(header, sizeof(header), "If-None-Match: %s", etag);
	assert_int_equal(etag[0], '"');
	/* a change that does not concern it */
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	sample_header(s, header);
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_status(s, 304);
	assert_int_equal(s->r.raw.len, 0);
	must_import(s, V3 V2);
	sample_header(s, header);
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_status(s, 200);
	assert_string_not_equal(s->r.etag, etag);
	/* the same data, the same tag, in another process too */
	snprintf(header, sizeof(header), "If-None-Match: %s", s->r.etag);
	sample_server_again(s, NULL);
	sample_header(s, header);
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_status(s, 304);
}

static void coverage_comes_compressed_or_not(void **state)
{
	struct sample_server *s = *state;
	char plain[16384], etag[80];
	size_t n;
	z_stream z = {.next_out = (void *)plain, .avail_out = sizeof(plain)};
	int end;

	must_import(s, V3 V2 V1);
	sample_patches(s);
	sample_header(s, "Accept-Encoding: br, gzip");
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_status(s, 200);
	assert_string_equal(sample_answer_header(s, "Content-Encoding"), "gzip");
	assert_string_equal(sample_answer_header(s, "Vary"), "Accept-Encoding");
	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	z.next_in = s->r.raw.data;
	z.avail_in = (uInt)s->r.raw.len;
	end = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	assert_int_equal(end, Z_STREAM_END);
	n = sizeof(plain) - z.avail_out;
	snprintf(etag, sizeof(etag), "%s", s->r.etag);
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	assert_status(s, 200);
	assert_null(sample_answer_header(s, "Content-Encoding"));
	assert_string_equal(sample_answer_header(s, "Vary"), "Accept-Encoding");
	assert_int_equal(s->r.raw.len, n);
	assert_memory_equal(s->r.raw.data, plain, n);
	/* two representations, two tags (RFC 9110, 8.8.1) */
	assert_string_not_equal(s->r.etag, etag);
}

static void *ask(void *arg)
{
	struct sample_server *s = arg;
	_cleanup_(sut_freep) char *auth = sut_sprintf("Authorization: Bearer %s", VIEWER);
	const char *headers[] = {auth, NULL};
	struct web_call call = {.method = "GET", .target = "/v1/coverage", .headers = headers};
	uintptr_t bad = 0;

	for (int i = 0; i < 30; i++) {
		struct web_resp r;
		json_t *json;

		web_handle(s->p, &call, &r);
		json = json_loadb((char *)r.raw.data, r.raw.len, 0, NULL);
		bad += r.status != 200 || !json;
		json_decref(json);
		web_resp_release(&r);
	}
	return (void *)bad;
}

static void many_ask_while_it_changes(void **state)
{
	struct sample_server *s = *state;
	pthread_t t[4];
	void *bad;

	sample_patches(s);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask, s), 0);
	for (int i = 0; i < 10; i++)
		import(s, LINUX "?replace=true", i & 1 ? V3 V2 V1 : V1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_ptr_equal(bad, NULL);
	}
	/* who asks after a change gets what was changed */
	sample_call(s, "GET", "/v1/coverage?build_id=" BUILD_A, VIEWER, NULL);
	expect_json(target_of(s, BUILD_A), "pending_reboot",
		    "[{\"cve\":\"CVE-2025-20001\",\"fixed_in\":\"6.1.3-1\"}]");
	sample_call(s, "GET", "/v1/coverage", VIEWER, NULL);
	expect_json(target_of(s, BUILD_A), "pending_reboot",
		    "[{\"cve\":\"CVE-2025-20001\",\"fixed_in\":\"6.1.3-1\"}]");
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(reading_a_changelog_says_what_it_changed),
		CASE(reading_it_again_changes_nothing),
		CASE(a_newer_changelog_decides_and_the_order_does_not_matter),
		CASE(a_changelog_of_another_branch_is_refused),
		CASE(a_compressed_changelog),
		CASE(what_is_no_changelog_of_that_source_is_refused),
		CASE(only_staff_reads_changelogs_in),
		CASE(cves_are_listed_in_their_order_and_filtered),
		CASE(one_cve_says_where_it_is_fixed),
		CASE(coverage_tells_fixed_partial_and_pending),
		CASE(coverage_of_one_target),
		CASE(gone_patches_are_not_told),
		CASE(coverage_has_an_etag_until_it_changes),
		CASE(coverage_comes_compressed_or_not),
		CASE(many_ask_while_it_changes),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
