// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/str.h"
#include "cve/changelog.h"

#define TRAILER " -- A Person <person@suture.example>  Mon, 02 Mar 2026 10:00:00 +0100\n\n"
#define ENTRY(version, items)                                                                      \
	"linux (" version ") stable-security; urgency=high\n\n" items "\n" TRAILER

static struct sut_changelog *parse(const char *text)
{
	struct sut_changelog *c = NULL;
	struct sut_err err = {0};

	assert_ok(sut_changelog_parse(text, strlen(text), &c, &err), err);
	assert_int_equal(err.code, 0);
	return c;
}

static const struct sut_changelog_fix *find(const struct sut_changelog *c, const char *cve)
{
	for (size_t i = 0; i < c->nfixes; i++)
		if (sut_streq(c->fixes[i].cve, cve))
			return &c->fixes[i];
	return NULL;
}

static void expect(const struct sut_changelog *c, const char *cve, const char *version,
		   const char *subject)
{
	const struct sut_changelog_fix *f = find(c, cve);

	if (!version) {
		assert_null(f);
		return;
	}
	if (!f)
		fail_msg("%s was not found", cve);
	assert_string_equal(c->versions[f->version].version, version);
	if (subject)
		assert_string_equal(f->subject, subject);
}

#define _cleanup_log_ _cleanup_(sut_changelog_freep)

static void test_cve_behind_a_subject(void **state _unused_)
{
	_cleanup_log_ struct sut_changelog *c = parse(
		ENTRY("6.1.10-1", "  * New upstream stable update:\n"
				  "    https://kernel.example/ChangeLog-6.1.10\n"
				  "    - [x86] lamps: do not glow after release (CVE-2026-10001)\n"
				  "    - lamps: a subject that is so long that what it\n"
				  "      names is in the next line (CVE-2026-10002,\n"
				  "      CVE-2026-10003)\n"
				  "    - lamps: nothing to see here\n"
				  "    https://kernel.example/ChangeLog-6.1.9\n"
				  "  * doors: lock them (Closes: #123456) (CVE-2026-100004)\n"));

	assert_string_equal(c->source, "linux");
	assert_int_equal(c->nversions, 1);
	assert_int_equal(c->versions[0].released, 1772442000);
	assert_int_equal(c->nfixes, 4);
	expect(c, "CVE-2026-10001", "6.1.10-1", "[x86] lamps: do not glow after release");
	expect(c, "CVE-2026-10002", "6.1.10-1",
	       "lamps: a subject that is so long that what it names is in the next line");
	expect(c, "CVE-2026-10003", "6.1.10-1",
	       "lamps: a subject that is so long that what it names is in the next line");
	expect(c, "CVE-2026-100004", "6.1.10-1", "doors: lock them");
}

static void test_cve_at_the_head_or_in_the_middle(void **state _unused_)
{
	_cleanup_log_ struct sut_changelog *c = parse(ENTRY(
		"3.0-1",
		"  * CVE-2026-1111 (\"Reads beyond f() of a door\")\n"
		"  * CVE-2026-1112: doors stay open. Closes: #1.\n"
		"  * Locks for doors (CVE-2026-1113) and for\n"
		"    windows (CVE-2026-1114):\n"
		"  * d/p/local-CVE-2026-1115-doors.diff: New.\n"
		"  * Names nothing: XCVE-2026-1116, CVE-2026-111, CVE-20261-1117, CVE-2026-1118a\n"
		"  * bells: too loud\n    CVE-2026-1119\n"));

	assert_int_equal(c->nfixes, 6);
	expect(c, "CVE-2026-1111", "3.0-1", "Reads beyond f() of a door");
	expect(c, "CVE-2026-1112", "3.0-1", "doors stay open");
	expect(c, "CVE-2026-1113", "3.0-1", "Locks for doors and for windows");
	expect(c, "CVE-2026-1114", "3.0-1", NULL);
	expect(c, "CVE-2026-1115", "3.0-1", NULL);
	expect(c, "CVE-2026-1119", "3.0-1", "bells: too loud");
}

static void test_the_oldest_version_counts(void **state _unused_)
{
	_cleanup_log_ struct sut_changelog *c =
		parse(ENTRY("3-1", "  * lamps: again (CVE-2026-1001)\n") ENTRY(
			"2-1", "  * lamps: first (CVE-2026-1001)\n") ENTRY("1-1", "  * Begin.\n"));

	assert_int_equal(c->nversions, 3);
	assert_int_equal(c->nfixes, 1);
	expect(c, "CVE-2026-1001", "2-1", "lamps: first");
}

static void test_a_fix_that_was_taken_back(void **state _unused_)
{
	_cleanup_log_ struct sut_changelog *c = parse(
		ENTRY("5-1", "  * Revert \"Revert \"bells: ring\"\"\n"
			     "  * cups: hold water (CVE-2026-1006)\n"
			     "  * Revert \"cups: hold water\"\n"
			     "  * Revert \"jars: close\"\n"
			     "  * jars: close (CVE-2026-1007)\n")
			ENTRY("4-1", "  * lamps: glow less (CVE-2026-1001)\n")
				ENTRY("3-1",
				      "  * Revert \"lamps: glow less\"\n"
				      "  * Revert \"[x86] doors: open\" (Closes: #1)\n"
				      "  * Revert \"bells: ring\"\n"
				      "  * Revert \"cats: purr (CVE-2026-1005)\" (CVE-2026-1004)\n")
					ENTRY("2-1", "  * lamps: glow less (CVE-2026-1001)\n"
						     "    - [x86] doors: open (CVE-2026-1002)\n"
						     "    - bells: ring (CVE-2026-1003)\n"
						     "  * Drop \"hats: off\" (CVE-2026-1008)\n"
						     "  * hats: Drop them (CVE-2026-1009)\n"));

	/* again later; for good; back again; by taking back; only quoted */
	expect(c, "CVE-2026-1001", "4-1", NULL);
	expect(c, "CVE-2026-1002", NULL, NULL);
	expect(c, "CVE-2026-1003", "2-1", NULL);
	expect(c, "CVE-2026-1004", "3-1", NULL);
	expect(c, "CVE-2026-1005", NULL, NULL);
	/* Within a version the order of the items decides. */
	expect(c, "CVE-2026-1006", NULL, NULL);
	expect(c, "CVE-2026-1007", "5-1", NULL);
	expect(c, "CVE-2026-1008", NULL, NULL);
	expect(c, "CVE-2026-1009", "2-1", "hats: Drop them");
}

static void test_a_signed_package_stands_for_its_source(void **state _unused_)
{
	_cleanup_log_ struct sut_changelog *c = parse(
		"linux-signed-amd64 (6.1.10+2) stable; urgency=high\n\n"
		"  * Sign kernel from linux 6.1.10-2\n\n  * lamps: dim (CVE-2026-1001)\n\n" TRAILER
			ENTRY("6.1.10-1", "  * doors: close (CVE-2026-1002)\n"));

	assert_string_equal(c->source, "linux");
	assert_int_equal(c->nversions, 2);
	expect(c, "CVE-2026-1001", "6.1.10-2", "lamps: dim");
	expect(c, "CVE-2026-1002", "6.1.10-1", "doors: close");
}

static void test_what_surrounds_entries(void **state _unused_)
{
	_cleanup_log_ struct sut_changelog *c = parse("# Written by a tool\n" ENTRY(
		"1:2.0~rc1-1",
		"  [ A Person ]\n  * Begin.\n") "# Older entries have been removed from this changelog.\n"
						"linux (0.9-1) UNRELEASED; urgency=low\n\n  * Old.\n\n"
						" -- A Person <person@suture.example>  sometime in spring\n\n"
						"Old Changelog:\nanything at all CVE-2026-1001\n");

	assert_int_equal(c->nversions, 2);
	assert_int_equal(c->versions[1].released, 0);
	assert_int_equal(c->nfixes, 0);
}

static void test_subjects_are_cut_and_printable(void **state _unused_)
{
	char text[4000] = "linux (1-1) x; urgency=low\n\n  * \x1b[31m";
	_cleanup_log_ struct sut_changelog *c = NULL;
	const char *s;
	size_t n = strlen(text);

	for (int i = 0; i < 150; i++, n += 3)
		memcpy(text + n, "\xe2\x82\xac", 4);
	snprintf(text + n, sizeof(text) - n, " (CVE-2026-1001)\n\n%s", TRAILER);
	c = parse(text);
	assert_int_equal(c->nfixes, 1);
	s = c->fixes[0].subject;
	assert_int_equal(s[0], '?');
	assert_in_range(strlen(s), SUT_CVE_SUBJECT_MAX - 3, SUT_CVE_SUBJECT_MAX);
	assert_memory_equal(s + strlen(s) - 3, "\xe2\x82\xac", 3);
}

static void refused(const void *text, size_t len, const char *says)
{
	struct sut_changelog *c = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_changelog_parse(text, len, &c, &err), -EBADMSG);
	assert_string_equal(err.reason, "changelog");
	assert_says(err, says);
	assert_null(c);
}

static void test_what_is_no_changelog_is_refused(void **state _unused_)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "no entry"},
		{"# nothing\n", "no entry"},
		{"  * An item.\n", "line 1 of the changelog stands before"},
		{TRAILER, "line 1 of the changelog ends an entry"},
		{"<html>", "line 1 of the changelog is neither"},
		{"linux (1-1) x; urgency=low\n\n  * Cut",
		 "line 3 of the changelog is the last one"},
		{"linux (1-1) x; urgency=low\n\n  * A\n\nlinux (0-1) x; urgency=low\n", "line 5"},
		{"linux (one) x; urgency=low\n", "line 1 of the changelog names a version"},
		{"linux (1-1):\n", "has an old form"},
		{"linux (1-1) x; urgency=low\n\n  * A\n -- B <b@c.example>  soon\n", "has no date"},
		{ENTRY("1-1", "  * A\n") "rubbish!\n", "is neither"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++)
		refused(cases[i].text, strlen(cases[i].text), cases[i].says);
	refused(ENTRY("1-1", "  * A\n") "\0", sizeof(ENTRY("1-1", "  * A\n") "\0") - 1,
		"bytes of 0");
}

static size_t gzip(const void *data, size_t len, unsigned char *out, size_t room)
{
	z_stream z = {.next_in = (void *)data,
		      .avail_in = (uInt)len,
		      .next_out = out,
		      .avail_out = (uInt)room};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 9, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void test_gzip(void **state _unused_)
{
	static const char text[] = ENTRY("1-1", "  * lamps: dim (CVE-2026-1001)\n");
	unsigned char out[1000];
	size_t n = gzip(text, sizeof(text) - 1, out, sizeof(out) - 1);
	struct sut_changelog *c = NULL;
	struct sut_err err = {0};

	assert_ok(sut_changelog_parse(out, n, &c, &err), err);
	expect(c, "CVE-2026-1001", "1-1", "lamps: dim");
	sut_changelog_free(c);
	refused(out, n - 1, "cut off");
	out[n] = 'x';
	refused(out, n + 1, "something follows");
	out[n / 2] ^= 0x55;
	refused(out, n, "damaged");
}

static void test_a_gzip_bomb_is_refused(void **state _unused_)
{
	const size_t len = SUT_CHANGELOG_MAX + 1, room = 1 << 20;
	unsigned char *out = malloc(room);
	char *zeros = calloc(1, len);

	assert_non_null(out);
	assert_non_null(zeros);
	refused(out, gzip(zeros, len, out, room), "unpacked, the changelog is larger than");
	free(zeros);
	free(out);
}

static void test_cve_ids(void **state _unused_)
{
	static const char *const good[] = {"CVE-1999-0001", "CVE-2026-12345",
					   "CVE-2026-1234567890"};
	static const char *const wrong[] = {"",
					    "CVE-2026-",
					    "CVE-2026-123",
					    "cve-2026-1234",
					    "CVE-2026-1234 ",
					    "CVE-2026-01234",
					    "CVE-226-1234",
					    "CVE-2026-12345678901234567",
					    "CVE-20261-1234"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		assert_true(sut_cve_id_ok(good[i]));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++)
		assert_false(sut_cve_id_ok(wrong[i]));
	assert_false(sut_cve_id_ok(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cve_behind_a_subject),
		cmocka_unit_test(test_cve_at_the_head_or_in_the_middle),
		cmocka_unit_test(test_the_oldest_version_counts),
		cmocka_unit_test(test_a_fix_that_was_taken_back),
		cmocka_unit_test(test_a_signed_package_stands_for_its_source),
		cmocka_unit_test(test_what_surrounds_entries),
		cmocka_unit_test(test_subjects_are_cut_and_printable),
		cmocka_unit_test(test_what_is_no_changelog_is_refused),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_a_gzip_bomb_is_refused),
		cmocka_unit_test(test_cve_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
