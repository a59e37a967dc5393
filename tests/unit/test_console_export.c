// SPDX-License-Identifier: Apache-2.0
/* console/export: OpenVEX 0.2.0 and CSAF 2.0 (VEX profile) have all that they must, and CSV is tame. */
#include "unit.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "base/str.h"
#include "export/csaf.h"
#include "export/csv.h"
#include "export/openvex.h"
#include "keep_document.h"

enum { NOW = 1795378500 }; /* 2026-11-22T20:15:00Z */

static const struct index_target kernel = {.package = "linux-image-6.1.0-47-amd64",
					   .version = "6.1.170-3"},
				 ssl = {.package = "libssl3", .version = "3.0.15-1"};

static const struct export_host web1 = {
	.uid = "0123456789abcdef",
	.system_id = "9876543210abcdef",
	.name = "web1.example",
	.os = "Debian GNU/Linux 12 (bookworm)",
	.machine = "x86_64",
	.release = "6.1.0-47-amd64",
	.build_id = "aa",
	.boot_id = "5d1f6a3e-7c1b-4c8e-9a57-0d9d5f1a2b3c",
	.package = "linux-image-6.1.0-47-amd64",
	.package_version = "6.1.170-3",
	.patchset = "K20261121_01",
	.level = 3,
	.scanner = "trivy",
	.scanned_at = NOW - 3600,
	.last_seen = NOW - 60,
	.portal_ok = true,
};

static const struct export_by by = {"alpha", "https://console.example", NOW};

#define KERNEL "linux-image-6.1.0-47-amd64", "6.1.170-3"

/* One of every kind. */
static const struct export_finding findings[] = {
	{"CVE-2026-1001",
	 KERNEL,
	 {.verdict = VERDICT_LIVE_FIXED,
	  .target = &kernel,
	  .level = 3,
	  .patchset = "K20261121_01"}},
	{"CVE-2026-1002",
	 KERNEL,
	 {.verdict = VERDICT_FIX_READY, .target = &kernel, .level = 4, .patchset = "K20261122_01"}},
	{"CVE-2026-1003",
	 KERNEL,
	 {.verdict = VERDICT_FIX_HELD,
	  .why = WHY_FEED,
	  .target = &kernel,
	  .level = 4,
	  .patchset = "K20261122_01"}},
	{"CVE-2026-1004",
	 KERNEL,
	 {.verdict = VERDICT_REBOOT_NEEDED,
	  .why = WHY_REBOOT,
	  .target = &kernel,
	  .fixed_in = "6.1.180-1"}},
	{"CVE-2026-1005", KERNEL, {.verdict = VERDICT_NO_FIX, .target = &kernel}},
	{"CVE-2026-1006",
	 "nginx",
	 "1.22.1-9",
	 {.verdict = VERDICT_UNKNOWN_TARGET, .why = WHY_OTHER_PACKAGE}},
	{"CVE-2026-1007",
	 KERNEL,
	 {.verdict = VERDICT_NOT_AFFECTED,
	  .why = WHY_PACKAGE_HAS_IT,
	  .target = &kernel,
	  .fixed_in = "6.1.160-1"}},
	{"CVE-2026-1002",
	 "linux-image-6.1.0-40-amd64",
	 "6.1.150-1",
	 {.verdict = VERDICT_NOT_AFFECTED, .why = WHY_NOT_RUNNING}},
	{"CVE-2026-1008",
	 "openssl",
	 "3.0.15-1",
	 {.verdict = VERDICT_PARTIAL,
	  .why = WHY_SOME_PROCESSES,
	  .target = &ssl,
	  .level = 1,
	  .patchset = "U1",
	  .patched = 2,
	  .processes = 3}},
	{"CVE-2026-1009",
	 "libssl3",
	 "3.0.15-1",
	 {.verdict = VERDICT_REBOOT_NEEDED,
	  .why = WHY_RESTART,
	  .target = &ssl,
	  .fixed_in = "3.0.17-1"}},
	{"CVE-2026-1010",
	 KERNEL,
	 {.verdict = VERDICT_PARTIAL,
	  .why = WHY_IN_PART,
	  .target = &kernel,
	  .level = 3,
	  .patchset = "K20261121_01",
	  .note = "the second function"}},
	{"CVE-2026-1011", "", "", {.verdict = VERDICT_UNKNOWN_TARGET, .why = WHY_NO_PACKAGE}},
};

/* --- helpers --- */

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s)
		fail_msg("no text %s", key);
	return s;
}

/* must and may are words with a space around each. */
static void assert_members(const json_t *j, const char *must, const char *may)
{
	_cleanup_(sut_freep) char *left = strdup(must);
	char *save = NULL;
	const char *name;
	const json_t *v;

	assert_true(json_is_object(j));
	for (char *w = strtok_r(left, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!json_object_get(j, w))
			fail_msg("%s is missing", w);
	json_object_foreach((json_t *)j, name, v) {
		_cleanup_(sut_freep) char *word = sut_sprintf(" %s ", name);

		if (!strstr(must, word) && !strstr(may, word))
			fail_msg("%s is not of the specification", name);
		/* Neither of them has empty texts or lists. */
		if (json_is_string(v))
			assert_true(json_string_length(v) > 0);
		if (json_is_array(v))
			assert_true(json_array_size(v) > 0);
	}
}

static void assert_matches(const char *s, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&re, s, 0, NULL, 0) != 0)
		fail_msg("'%s' does not match %s", s, pattern);
	regfree(&re);
}

#define DATE "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
#define PURL                                                                                       \
	"^pkg:(deb/debian|rpm/redhat)/[^@]+@[^?]+\\?arch=(amd64|x86_64)&distro=(debian-12|rhel-9.4)$"

static bool is_one_of(const char *s, const char *words)
{
	_cleanup_(sut_freep) char *word = sut_sprintf(" %s ", s);

	return strstr(words, word);
}

/* --- OpenVEX --- */

static void assert_openvex(const json_t *j)
{
	const json_t *s, *p;
	size_t i, k;

	assert_members(j, " @context @id author timestamp version statements ",
		       " role last_updated tooling ");
	assert_string_equal(str(j, "@context"), "https://openvex.dev/ns/v0.2.0");
	assert_matches(str(j, "@id"), "^urn:[a-z]+:[a-z0-9:]+$");
	assert_matches(str(j, "timestamp"), DATE);
	assert_matches(str(j, "last_updated"), DATE);
	assert_true(json_integer_value(json_object_get(j, "version")) >= 1);
	json_array_foreach(json_object_get(j, "statements"), i, s) {
		const char *status = str(s, "status");

		assert_members(s, " vulnerability products status ",
			       " status_notes justification impact_statement action_statement ");
		assert_members(json_object_get(s, "vulnerability"), " name ", " ");
		assert_true(is_one_of(status, " fixed affected not_affected under_investigation "));
		assert_non_null(strstr(str(s, "status_notes"), "web1.example"));
		assert_non_null(strstr(str(s, "status_notes"), "until 2026-11-23T20:15:00Z"));
		if (sut_streq(status, "affected"))
			assert_true(strlen(str(s, "action_statement")) > 10);
		else
			assert_null(json_object_get(s, "action_statement"));
		if (sut_streq(status, "not_affected"))
			assert_true(is_one_of(str(s, "justification"),
					      " component_not_present vulnerable_code_not_present "
					      "vulnerable_code_not_in_execute_path "
					      "vulnerable_code_cannot_be_controlled_by_adversary "
					      "inline_mitigations_already_exist "));
		else
			assert_null(json_object_get(s, "justification"));
		json_array_foreach(json_object_get(s, "products"), k, p) {
			assert_members(p, " @id ", " identifiers ");
			if (json_object_get(p, "identifiers"))
				assert_matches(str(json_object_get(p, "identifiers"), "purl"),
					       PURL);
		}
	}
}

/* "fixed" …; "" when nothing is said of that CVE in that package. */
static const char *vex_status(const json_t *j, const char *cve, const char *package)
{
	const json_t *s;
	size_t i;

	json_array_foreach(json_object_get(j, "statements"), i, s) {
		const json_t *p = json_array_get(json_object_get(s, "products"), 0);

		if (sut_streq(str(json_object_get(s, "vulnerability"), "name"), cve) &&
		    strstr(str(p, "@id"), package))
			return str(s, "status");
	}
	return "";
}

static json_t *openvex(const struct export_host *h, const struct export_finding *v, size_t n)
{
	struct sut_err err = {0};
	json_t *j = NULL;

	assert_ok(export_openvex(h, v, n, &by, &j, &err), err);
	keep_document(j, "console", "openvex");
	return j;
}

static json_t *csaf(const struct export_host *h, const struct export_finding *v, size_t n);

static void test_openvex_has_its_form(void **state _unused_)
{
	json_t *j = openvex(&web1, findings, SUT_ARRAY_SIZE(findings));

	assert_openvex(j);
	json_decref(j);
}

static void test_verdicts_become_statuses(void **state _unused_)
{
	static const char *const want[][3] = {
		{"CVE-2026-1001", "6.1.0-47", "fixed"},
		{"CVE-2026-1002", "6.1.0-47", "affected"},
		{"CVE-2026-1002", "6.1.0-40", "not_affected"},
		{"CVE-2026-1003", "6.1.0-47", "affected"},
		{"CVE-2026-1004", "6.1.0-47", "affected"},
		{"CVE-2026-1005", "6.1.0-47", "affected"},
		{"CVE-2026-1006", "nginx", "under_investigation"},
		{"CVE-2026-1007", "6.1.0-47", "not_affected"},
		{"CVE-2026-1008", "openssl", "affected"},
		{"CVE-2026-1008", "libssl3", "affected"},
		{"CVE-2026-1009", "libssl3", "affected"},
		{"CVE-2026-1010", "6.1.0-47", "affected"},
		{"CVE-2026-1011", "linux-image-6.1.0-47", "under_investigation"},
	};
	json_t *j = openvex(&web1, findings, SUT_ARRAY_SIZE(findings));

	for (size_t i = 0; i < SUT_ARRAY_SIZE(want); i++)
		assert_string_equal(vex_status(j, want[i][0], want[i][1]), want[i][2]);
	assert_int_equal(json_array_size(json_object_get(j, "statements")), SUT_ARRAY_SIZE(want));
	json_decref(j);
}

/* A scanner may see the same package twice; what is said of it must not contradict itself. */
static void test_of_two_findings_the_worse_counts(void **state _unused_)
{
	const struct export_finding two[] = {findings[0], findings[1], findings[0], findings[1]};
	struct export_finding v[4];
	json_t *j;

	memcpy(v, two, sizeof(v));
	v[0].cve = v[1].cve = v[2].cve = v[3].cve = "CVE-2026-7777";
	j = openvex(&web1, v, 4);
	assert_int_equal(json_array_size(json_object_get(j, "statements")), 1);
	assert_string_equal(vex_status(j, "CVE-2026-7777", "linux"), "affected");
	json_decref(j);
}

static void test_a_host_of_unknown_system_is_named_itself(void **state _unused_)
{
	struct export_host h = web1;
	json_t *j;

	h.os = "";
	h.boot_id = h.package = h.package_version = h.system_id = "";
	j = openvex(&h, findings + 11, 1);
	assert_string_equal(
		str(json_array_get(
			    json_object_get(json_array_get(json_object_get(j, "statements"), 0),
					    "products"),
			    0),
		    "@id"),
		"urn:suture:host:0123456789abcdef");
	assert_openvex(j);
	json_decref(j);
}

static void test_an_identifier_is_an_iri_whatever_a_scanner_wrote(void **state _unused_)
{
	struct export_finding f = findings[5];
	struct export_host h = web1;
	json_t *j;

	h.os = "<b>Debian";
	f.package = "<img src=x> \xc3\xa9";
	f.version = "1:2.3+4%";
	j = openvex(&h, &f, 1);
	assert_string_equal(
		str(json_array_get(
			    json_object_get(json_array_get(json_object_get(j, "statements"), 0),
					    "products"),
			    0),
		    "@id"),
		"urn:suture:host:0123456789abcdef:%3Cimg%20src%3Dx%3E%20%C3%A9:1%3A2.3+4%25");
	json_decref(j);
	json_decref(csaf(&h, &f, 1));
}

static void test_without_findings_there_is_no_document(void **state _unused_)
{
	struct sut_err err = {0};
	json_t *j = NULL;

	assert_int_equal(export_openvex(&web1, NULL, 0, &by, &j, &err), -ENODATA);
	assert_string_equal(err.reason, "nothing-to-say");
	assert_int_equal(export_csaf(&web1, NULL, 0, &by, &j, &err), -ENODATA);
	assert_null(j);
}

/* --- CSAF --- */

static void assert_full_name(json_t *ids, const json_t *p)
{
	const json_t *helper = json_object_get(p, "product_identification_helper");

	assert_members(p, " name product_id ", " product_identification_helper ");
	/* 6.1.2: no product id is defined twice */
	assert_null(json_object_get(ids, str(p, "product_id")));
	json_object_set_new(ids, str(p, "product_id"), json_true());
	if (json_object_get(helper, "purl"))
		assert_matches(str(helper, "purl"), PURL);
}

static json_t *assert_product_tree(const json_t *tree)
{
	json_t *ids = json_object();
	const json_t *p;
	size_t i;

	assert_members(tree, " full_product_names ", " relationships ");
	json_array_foreach(json_object_get(tree, "full_product_names"), i, p) {
		assert_full_name(ids, p);
	}
	json_array_foreach(json_object_get(tree, "relationships"), i, p) {
		assert_members(p,
			       " category product_reference relates_to_product_reference "
			       "full_product_name ",
			       " ");
		assert_string_equal(str(p, "category"), "installed_on");
		assert_non_null(json_object_get(ids, str(p, "product_reference")));
		assert_non_null(json_object_get(ids, str(p, "relates_to_product_reference")));
		assert_full_name(ids, json_object_get(p, "full_product_name"));
	}
	return ids;
}

static void assert_head(const json_t *d)
{
	const json_t *t = json_object_get(d, "tracking"), *p = json_object_get(d, "publisher"), *r;

	assert_members(d, " category csaf_version publisher title tracking ",
		       " lang notes distribution ");
	assert_string_equal(str(d, "category"), "csaf_vex");
	assert_string_equal(str(d, "csaf_version"), "2.0");
	assert_members(p, " category name namespace ", " ");
	assert_true(is_one_of(str(p, "category"),
			      " coordinator discoverer other translator user vendor "));
	assert_matches(str(p, "namespace"), "^[a-z]+:.+$");
	assert_members(t,
		       " current_release_date id initial_release_date revision_history status "
		       "version ",
		       " generator ");
	assert_matches(str(t, "current_release_date"), DATE);
	assert_matches(str(t, "initial_release_date"), DATE);
	assert_matches(str(t, "id"), "^[a-z0-9-]+$");
	assert_true(is_one_of(str(t, "status"), " draft final interim "));
	assert_members(json_object_get(json_object_get(t, "generator"), "engine"), " name ",
		       " version ");
	/* 6.1.16, 6.1.21: the history begins with 1, and its newest is the document's. */
	assert_int_equal(json_array_size(json_object_get(t, "revision_history")), 1);
	r = json_array_get(json_object_get(t, "revision_history"), 0);
	assert_members(r, " date number summary ", " ");
	assert_string_equal(str(r, "number"), "1");
	assert_string_equal(str(t, "version"), "1");
	assert_true(
		is_one_of(str(json_object_get(json_object_get(d, "distribution"), "tlp"), "label"),
			  " AMBER GREEN RED WHITE "));
}

/* Is id in one of the lists of "product_ids" of these objects? */
static bool names(const json_t *list, const char *id)
{
	const json_t *o, *v;
	size_t i, k;

	json_array_foreach((json_t *)list, i, o) {
		json_array_foreach(json_object_get(o, "product_ids"), k, v) {
			if (sut_streq(json_string_value(v), id))
				return true;
		}
	}
	return false;
}

static void assert_vulnerability(json_t *ids, const json_t *v)
{
	static const char *const groups[] = {"fixed", "known_affected", "known_not_affected",
					     "under_investigation"};
	const json_t *status = json_object_get(v, "product_status"), *o, *id;
	json_t *seen = json_object();
	size_t i;

	/* 4.5: cve or ids, notes, product_status */
	assert_members(v, " cve notes product_status ", " remediations flags threats ");
	assert_matches(str(v, "cve"), "^CVE-[0-9]{4}-[0-9]{4,}$");
	assert_members(status, " ",
		       " fixed known_affected known_not_affected under_investigation ");
	assert_true(json_object_size(status) > 0);
	json_array_foreach(json_object_get(v, "notes"), i, o) {
		assert_members(o, " category text ", " title ");
		assert_true(is_one_of(str(o, "category"),
				      " description details faq general legal_disclaimer other "
				      "summary "));
	}
	for (size_t g = 0; g < SUT_ARRAY_SIZE(groups); g++) {
		json_array_foreach(json_object_get(status, groups[g]), i, id) {
			const char *name = json_string_value(id);

			/* 6.1.1: it is defined; 6.1.6: in one group only */
			assert_non_null(json_object_get(ids, name));
			assert_null(json_object_get(seen, name));
			json_object_set_new(seen, name, json_true());
			/* 6.1.27.10: an action for each affected; .9: an impact for each that is not */
			if (g == 1)
				assert_true(names(json_object_get(v, "remediations"), name));
			if (g == 2)
				assert_true(names(json_object_get(v, "flags"), name) &&
					    names(json_object_get(v, "threats"), name));
		}
	}
	json_array_foreach(json_object_get(v, "remediations"), i, o) {
		assert_members(o, " category details product_ids ", " restart_required ");
		assert_true(is_one_of(str(o, "category"),
				      " mitigation no_fix_planned none_available vendor_fix "
				      "workaround "));
	}
	json_array_foreach(json_object_get(v, "flags"), i, o) {
		assert_members(o, " label product_ids ", " ");
	}
	json_array_foreach(json_object_get(v, "threats"), i, o) {
		assert_members(o, " category details product_ids ", " ");
		assert_string_equal(str(o, "category"), "impact");
	}
	json_decref(seen);
}

static json_t *csaf(const struct export_host *h, const struct export_finding *v, size_t n)
{
	struct sut_err err = {0};
	json_t *j = NULL, *ids, *seen = json_object();
	const json_t *o;
	size_t i;

	assert_ok(export_csaf(h, v, n, &by, &j, &err), err);
	assert_members(j, " document product_tree vulnerabilities ", " ");
	assert_head(json_object_get(j, "document"));
	ids = assert_product_tree(json_object_get(j, "product_tree"));
	json_array_foreach(json_object_get(j, "vulnerabilities"), i, o) {
		assert_vulnerability(ids, o);
		/* 6.1.23: a CVE is there once */
		assert_null(json_object_get(seen, str(o, "cve")));
		json_object_set_new(seen, str(o, "cve"), json_true());
	}
	json_decref(ids);
	json_decref(seen);
	keep_document(j, "console", "csaf");
	return j;
}

static const json_t *vulnerability(const json_t *j, const char *cve)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(j, "vulnerabilities"), i, v) {
		if (sut_streq(str(v, "cve"), cve))
			return v;
	}
	fail_msg("no %s", cve);
	return NULL;
}

/* "CATEGORY RESTART" of the first remedy */
static void assert_remedy(const json_t *j, const char *cve, const char *category,
			  const char *restart)
{
	const json_t *r = json_array_get(json_object_get(vulnerability(j, cve), "remediations"), 0);
	const char *again = json_string_value(
		json_object_get(json_object_get(r, "restart_required"), "category"));

	assert_string_equal(str(r, "category"), category);
	assert_string_equal(again ? again : "", restart);
}

static void test_csaf_has_its_form(void **state _unused_)
{
	json_t *j = csaf(&web1, findings, SUT_ARRAY_SIZE(findings));
	const json_t *status;

	assert_int_equal(json_array_size(json_object_get(j, "vulnerabilities")), 11);
	status = json_object_get(vulnerability(j, "CVE-2026-1001"), "product_status");
	assert_int_equal(json_array_size(json_object_get(status, "fixed")), 1);
	status = json_object_get(vulnerability(j, "CVE-2026-1002"), "product_status");
	assert_int_equal(json_array_size(json_object_get(status, "known_affected")), 1);
	assert_int_equal(json_array_size(json_object_get(status, "known_not_affected")), 1);
	json_decref(j);
}

static void test_remedies_say_what_has_to_restart(void **state _unused_)
{
	json_t *j = csaf(&web1, findings, SUT_ARRAY_SIZE(findings));

	assert_remedy(j, "CVE-2026-1002", "vendor_fix", "none");
	assert_remedy(j, "CVE-2026-1003", "vendor_fix", "none");
	assert_remedy(j, "CVE-2026-1004", "vendor_fix", "system");
	assert_remedy(j, "CVE-2026-1005", "none_available", "");
	assert_remedy(j, "CVE-2026-1008", "vendor_fix", "service");
	assert_remedy(j, "CVE-2026-1009", "vendor_fix", "service");
	assert_remedy(j, "CVE-2026-1010", "mitigation", "");
	json_decref(j);
}

static void test_csaf_of_a_host_that_only_a_scan_knows(void **state _unused_)
{
	struct export_host h = web1;
	json_t *j;

	h.system_id = h.boot_id = h.package = h.package_version = h.machine = "";
	h.os = "Plan 9";
	j = csaf(&h, findings + 11, 1);
	json_decref(j);
	h.os = "Red Hat Enterprise Linux 9.4";
	h.machine = "x86_64";
	j = csaf(&h, findings, 1);
	json_decref(j);
}

static void test_csaf_is_stored_under_a_plain_name(void **state _unused_)
{
	_cleanup_(sut_freep) char *name = export_csaf_name(&web1, NOW);

	assert_string_equal(name, "suture-0123456789abcdef-20261122t201500z.json");
}

/* --- CSV --- */

static void assert_csv(const char *value, const char *want)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1024);

	assert_int_equal(csv_text(&b, value), 0);
	assert_int_equal(csv_end(&b), 0);
	assert_string_equal(sut_buf_str(&b), want);
}

static void test_csv_is_quoted_where_it_has_to_be(void **state _unused_)
{
	assert_csv("plain text", "plain text\r\n");
	assert_csv("", "\r\n");
	assert_csv(NULL, "\r\n");
	assert_csv("a,b", "\"a,b\"\r\n");
	assert_csv("say \"x\"", "\"say \"\"x\"\"\"\r\n");
	assert_csv("two\nlines", "\"two\nlines\"\r\n");
}

static void test_formulas_are_defused(void **state _unused_)
{
	assert_csv("=1+1", "\"'=1+1\"\r\n");
	assert_csv("+1", "\"'+1\"\r\n");
	assert_csv("-1", "\"'-1\"\r\n");
	assert_csv("@SUM(A1)", "\"'@SUM(A1)\"\r\n");
	assert_csv("\t=1", "\"'\t=1\"\r\n");
	assert_csv("a=1", "a=1\r\n");
}

static void test_csv_lines_end_as_the_standard_says(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1024);

	assert_int_equal(csv_int(&b, -5), 0);
	assert_int_equal(csv_time(&b, NOW), 0);
	assert_int_equal(csv_time(&b, 0), 0);
	assert_int_equal(csv_end(&b), 0);
	assert_string_equal(sut_buf_str(&b), "-5,2026-11-22T20:15:00Z,\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openvex_has_its_form),
		cmocka_unit_test(test_verdicts_become_statuses),
		cmocka_unit_test(test_of_two_findings_the_worse_counts),
		cmocka_unit_test(test_a_host_of_unknown_system_is_named_itself),
		cmocka_unit_test(test_an_identifier_is_an_iri_whatever_a_scanner_wrote),
		cmocka_unit_test(test_without_findings_there_is_no_document),
		cmocka_unit_test(test_csaf_has_its_form),
		cmocka_unit_test(test_remedies_say_what_has_to_restart),
		cmocka_unit_test(test_csaf_of_a_host_that_only_a_scan_knows),
		cmocka_unit_test(test_csaf_is_stored_under_a_plain_name),
		cmocka_unit_test(test_csv_is_quoted_where_it_has_to_be),
		cmocka_unit_test(test_formulas_are_defused),
		cmocka_unit_test(test_csv_lines_end_as_the_standard_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
