// SPDX-License-Identifier: Apache-2.0
/* truth/truth.h: what other tools are told is what runs, never more, and gone when it is not so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "common/conf.h"
#include "common/paths.h"
#include "keep_document.h"
#include "truth/truth.h"

enum { NOW = 1795378500 }; /* 2026-11-22T20:15:00Z */

static const char state_text[] =
	"{'format': 'suture-apply-state', 'version': 1, 'at': '2026-11-22T20:15:00Z',"
	" 'kernel': {'release': '6.1.0-47-amd64', 'arch': 'x86_64', 'build_id': "
	"'aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44', 'kernel_id': '00', 'package_version': "
	"'6.1.170-3'},"
	" 'boot_id': '5d1f6a3e-7c1b-4c8e-9a57-0d9d5f1a2b3c', 'product_uuid': 'x', 'uptime_s': 812,"
	" 'switch': {'state': 'normal', 'by': ''}, 'support': {'state': 'supported', 'message': ''},"
	" 'engine': {'state': 'loaded', 'version': '0.1.0', 'abi': 1, 'message': ''},"
	" 'patch': {'id': 'K20261121_01', 'level': 3, 'cves': ['CVE-2026-1234', 'CVE-2026-52928'],"
	"  'sha256': 'abcd', 'applied_at': '2026-11-21T20:15:00Z', 'pause_ns': 812345,"
	"  'functions': ['unix_ioctl'], 'ours': true, 'signed_by': 'vendor'},"
	" 'phase': 'probation', 'probation': {'since': '2026-11-21T20:15:00Z', 'seconds_left': 640,"
	"  'seconds': 900}, 'good': null, 'unloaded': false,"
	" 'quarantined': [{'id': 'K20261120_01', 'level': 2, 'sha256': 'ee', 'at': "
	"'2026-11-20T20:15:00Z', 'why': 'panic', 'detail': ''}],"
	" 'choice': {'mode': 'normal', 'pin': null, 'hold': null, 'tags': []}, 'residue': false,"
	" 'errors': []}";

static const char status_text[] = "Package: linux-image-6.1.0-40-amd64\n"
				  "Status: install ok installed\n"
				  "Architecture: amd64\n"
				  "Version: 6.1.150-1\n"
				  "\n"
				  "Package: linux-image-6.1.0-47-amd64\n"
				  "Status: install ok installed\n"
				  "Priority: optional\n"
				  "Architecture: amd64\n"
				  "Version: 6.1.172-1\n"
				  "Description: Linux 6.1\n"
				  " Package: not-this\n"
				  "\n"
				  "Package: zlib1g\n"
				  "Status: deinstall ok config-files\n"
				  "Architecture: amd64\n"
				  "Version: 1.2\n";

static json_t *parse(const char *text)
{
	char *s = strdup(text);
	json_error_t e;
	json_t *j;

	assert_non_null(s);
	for (char *p = s; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	j = json_loads(s, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("%s", e.text);
	free(s);
	return j;
}

struct place {
	char *root;
	json_t *state;
	struct agent_conf conf;
};

static void metrics_to(struct place *p, const char *path)
{
	snprintf(p->conf.metrics, sizeof(p->conf.metrics), "%s", path);
}

static void put(const struct place *p, const char *path, const char *text)
{
	struct sut_err err = {0};

	assert_ok(sut_file_write(agent_path(p->root, path).s, text, strlen(text), 0644, &err), err);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	static const char *const dirs[] = {"/run/suture",	    "/etc",  "/var/lib/dpkg",
					   "/var/lib/suture/apply", "/prom", "/proc"};
	struct sut_err err = {0};

	assert_non_null(p);
	assert_ok(sut_tmpdir("truth", &p->root, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(dirs); i++)
		assert_ok(sut_mkdir_p(agent_path(p->root, dirs[i]).s, &err), err);
	put(p, "/etc/os-release",
	    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n");
	put(p, "/etc/debian_version", "12.11\n");
	put(p, "/etc/hostname", "web1\n");
	put(p, "/var/lib/dpkg/status", status_text);
	p->state = parse(state_text);
	p->conf.vex = true;
	metrics_to(p, "/prom/suture.prom");
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	assert_int_equal(sut_rm_rf(p->root, NULL), 0);
	free(p->root);
	json_decref(p->state);
	free(p);
	return 0;
}

static bool is_there(const struct place *p, const char *path)
{
	return sut_exists(agent_path(p->root, path).s);
}

static char *content(const struct place *p, const char *path)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	assert_ok(sut_file_read(agent_path(p->root, path).s, &b, &err), err);
	return strdup(sut_buf_str(&b));
}

static json_t *document(const struct place *p, const char *path)
{
	char *s = content(p, path);
	json_error_t e;
	json_t *j = json_loads(s, JSON_REJECT_DUPLICATES, &e);

	if (!j)
		fail_msg("%s: %s", path, e.text);
	free(s);
	return j;
}

static void publish(struct place *p)
{
	struct sut_err err = {0};

	assert_ok(truth_publish(p->root, p->state, &p->conf, &err), err);
}

static void set(struct place *p, const char *name, json_t *value)
{
	assert_int_equal(json_object_set_new(p->state, name, value), 0);
}

static void assert_file(const struct place *p, const char *path, const char *text)
{
	char *s = content(p, path);
	struct stat st;

	assert_string_equal(s, text);
	free(s);
	assert_int_equal(stat(agent_path(p->root, path).s, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "(none)";
}

/* ------------------------------------------------------------------ */

static void what_runs_is_told(void **state)
{
	struct place *p = *state;
	json_t *j;

	publish(p);
	assert_file(p, AGENT_EFFECTIVE, "6.1.170-3+suture3\n");
	assert_file(p, AGENT_CVES, "CVE-2026-1234\nCVE-2026-52928\n");
	j = document(p, AGENT_RELEASE);
	assert_string_equal(str(j, "format"), "suture-release");
	assert_string_equal(str(j, "provider"), "suture");
	assert_string_equal(str(j, "effective_version"), "6.1.170-3+suture3");
	assert_string_equal(str(j, "boot_id"), "5d1f6a3e-7c1b-4c8e-9a57-0d9d5f1a2b3c");
	assert_true(json_is_true(json_object_get(j, "live")));
	assert_string_equal(str(json_object_get(j, "patch"), "patchset"), "K20261121_01");
	assert_true(json_is_true(json_object_get(json_object_get(j, "patch"), "probation")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "patch"), "level")),
			 3);
	assert_string_equal(str(json_object_get(j, "kernel"), "package"),
			    "linux-image-6.1.0-47-amd64");
	assert_string_equal(str(json_object_get(j, "kernel"), "package_version"), "6.1.170-3");
	/* upgraded on disk, and not booted yet */
	assert_string_equal(str(json_object_get(j, "kernel"), "installed_version"), "6.1.172-1");
	assert_int_equal(json_array_size(json_object_get(j, "cves")), 2);
	json_decref(j);
}

static void only_the_release_stays_when_nothing_is_applied(void **state)
{
	struct place *p = *state;
	json_t *j;
	char *s;

	publish(p);
	set(p, "patch", json_null());
	publish(p);
	assert_false(is_there(p, AGENT_EFFECTIVE));
	assert_false(is_there(p, AGENT_CVES));
	assert_false(is_there(p, AGENT_VEX));
	j = document(p, AGENT_RELEASE);
	assert_true(json_is_false(json_object_get(j, "live")));
	assert_true(json_is_null(json_object_get(j, "patch")));
	assert_int_equal(json_array_size(json_object_get(j, "cves")), 0);
	assert_string_equal(str(j, "effective_version"), "6.1.170-3");
	json_decref(j);
	s = content(p, "/prom/suture.prom");
	assert_non_null(strstr(s, "\nsuture_patched 0\n"));
	assert_non_null(strstr(s, "\nsuture_cves_fixed 0\n"));
	assert_null(strstr(s, "K20261121_01"));
	free(s);
}

static void code_that_was_changed_behind_the_patch_counts_as_unpatched(void **state)
{
	struct place *p = *state;

	publish(p);
	set(p, "errors", json_pack("[{s:s, s:s}]", "code", "changed", "message", "m"));
	publish(p);
	assert_false(is_there(p, AGENT_EFFECTIVE));
	assert_false(is_there(p, AGENT_CVES));
	assert_false(is_there(p, AGENT_VEX));
	assert_false(truth_is_fixed(p->state, "CVE-2026-1234"));
	set(p, "errors", json_pack("[{s:s, s:s}]", "code", "mismatch", "patchset", "K20261121_01"));
	publish(p);
	assert_false(is_there(p, AGENT_CVES));
	/* another failure, and that of another patch, say nothing about what runs */
	set(p, "errors",
	    json_pack("[{s:s, s:s}, {s:s, s:s}]", "code", "conflict", "message", "m", "code",
		      "mismatch", "patchset", "K20261122_01"));
	publish(p);
	assert_true(is_there(p, AGENT_CVES));
}

static void withdrawing_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};

	publish(p);
	assert_true(is_there(p, "/prom/suture.prom"));
	assert_ok(truth_withdraw(p->root, &err), err);
	assert_false(is_there(p, AGENT_EFFECTIVE));
	assert_false(is_there(p, AGENT_CVES));
	assert_false(is_there(p, AGENT_VEX));
	assert_false(is_there(p, AGENT_RELEASE));
	assert_false(is_there(p, "/prom/suture.prom"));
	assert_false(is_there(p, AGENT_METRICS_AT));
	/* and once more */
	assert_ok(truth_withdraw(p->root, &err), err);
}

static void what_is_switched_off_is_removed(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};

	publish(p);
	p->conf.vex = false;
	publish(p);
	assert_false(is_there(p, AGENT_VEX));
	metrics_to(p, "/prom/other.prom");
	publish(p);
	assert_false(is_there(p, "/prom/suture.prom"));
	assert_true(is_there(p, "/prom/other.prom"));
	*p->conf.metrics = 0;
	publish(p);
	assert_false(is_there(p, "/prom/other.prom"));
	assert_true(is_there(p, AGENT_CVES));
	/* nobody knows what the administrator wants */
	p->conf.vex = true;
	metrics_to(p, "/prom/suture.prom");
	publish(p);
	assert_ok(truth_publish(p->root, p->state, NULL, &err), err);
	assert_false(is_there(p, AGENT_VEX));
	assert_false(is_there(p, "/prom/suture.prom"));
	assert_true(is_there(p, AGENT_CVES));
}

static void a_file_that_cannot_be_written_does_not_stop_the_others(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};

	metrics_to(p, "/nowhere/suture.prom");
	assert_int_equal(truth_publish(p->root, p->state, &p->conf, &err), -ENOENT);
	assert_says(err, "/nowhere");
	assert_true(is_there(p, AGENT_VEX));
	assert_int_equal(mkdir(agent_path(p->root, "/run/suture/x").s, 0755), 0);
	assert_int_equal(unlink(agent_path(p->root, AGENT_EFFECTIVE).s), 0);
	assert_int_equal(mkdir(agent_path(p->root, AGENT_EFFECTIVE).s, 0755), 0);
	set(p, "patch", json_null());
	assert_true(truth_publish(p->root, p->state, &p->conf, &err) < 0);
	assert_false(is_there(p, AGENT_CVES));
	assert_true(truth_withdraw(p->root, &err) < 0);
	assert_says(err, AGENT_EFFECTIVE);
}

/* ------------------------------------------------------------------ */

/* The members of OpenVEX 0.2.0, as its specification lists them. */
static void assert_members(const json_t *j, const char *const may[], const char *const must[])
{
	const char *key;
	json_t *v;

	assert_true(json_is_object(j));
	json_object_foreach((json_t *)j, key, v) {
		bool known = false;

		for (size_t i = 0; may[i]; i++)
			known = known || sut_streq(may[i], key);
		if (!known)
			fail_msg("OpenVEX knows no '%s'", key);
	}
	for (size_t i = 0; must[i]; i++)
		if (!json_object_get(j, must[i]))
			fail_msg("OpenVEX asks for '%s'", must[i]);
}

static void assert_date(const json_t *j, const char *key)
{
	struct tm tm;
	const char *s = str(j, key), *end = strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		fail_msg("%s is no date-time", s);
}

static void assert_openvex(const json_t *j)
{
	static const char *const document_may[] = {
		"@context",	"@id",	   "author",  "role",	    "timestamp",
		"last_updated", "version", "tooling", "statements", NULL};
	static const char *const document_must[] = {"@context", "@id",	      "author", "timestamp",
						    "version",	"statements", NULL};
	static const char *const statement_may[] = {"@id",
						    "version",
						    "vulnerability",
						    "timestamp",
						    "last_updated",
						    "products",
						    "status",
						    "supplier",
						    "status_notes",
						    "justification",
						    "impact_statement",
						    "action_statement",
						    "action_statement_timestamp",
						    NULL};
	static const char *const statement_must[] = {"vulnerability", "status", "products", NULL};
	static const char *const vulnerability_may[] = {"@id", "name", "description", "aliases",
							NULL},
				 *const name[] = {"name", NULL};
	static const char *const product_may[] = {"@id", "identifiers", "hashes", "subcomponents",
						  NULL},
				 *const id[] = {"@id", NULL}, *const purl[] = {"purl", NULL};
	const json_t *s, *p;
	size_t i, k;

	keep_document(j, "agent", "openvex");
	assert_members(j, document_may, document_must);
	assert_string_equal(str(j, "@context"), "https://openvex.dev/ns/v0.2.0");
	assert_true(json_integer_value(json_object_get(j, "version")) >= 1);
	assert_date(j, "timestamp");
	assert_date(j, "last_updated");
	assert_true(json_array_size(json_object_get(j, "statements")) >= 1);
	json_array_foreach(json_object_get(j, "statements"), i, s) {
		assert_members(s, statement_may, statement_must);
		assert_members(json_object_get(s, "vulnerability"), vulnerability_may, name);
		assert_string_equal(str(s, "status"), "fixed");
		assert_true(json_array_size(json_object_get(s, "products")) >= 1);
		json_array_foreach(json_object_get(s, "products"), k, p) {
			assert_members(p, product_may, id);
			assert_members(json_object_get(p, "identifiers"), purl, purl);
		}
	}
}

static void the_vex_document_is_of_its_form_and_speaks_of_this_host(void **state)
{
	struct place *p = *state;
	const json_t *s, *products;
	json_t *j;

	publish(p);
	j = document(p, AGENT_VEX);
	assert_openvex(j);
	assert_string_equal(str(j, "@id"), "urn:uuid:5d1f6a3e-7c1b-4c8e-9a57-0d9d5f1a2b3c");
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 1);
	assert_int_equal(json_array_size(json_object_get(j, "statements")), 2);
	s = json_array_get(json_object_get(j, "statements"), 0);
	assert_string_equal(str(json_object_get(s, "vulnerability"), "name"), "CVE-2026-1234");
	/* what was booted, not what was installed since */
	products = json_object_get(s, "products");
	assert_int_equal(json_array_size(products), 2);
	assert_string_equal(str(json_array_get(products, 0), "@id"),
			    "pkg:deb/debian/linux-image-6.1.0-47-amd64@6.1.170-3?arch=amd64&"
			    "distro=debian-12");
	assert_string_equal(str(json_array_get(products, 1), "@id"),
			    "pkg:deb/debian/linux-image-6.1.0-47-amd64@6.1.170-3?arch=amd64&"
			    "distro=debian-12.11");
	assert_non_null(strstr(str(s, "status_notes"), "host web1"));
	assert_non_null(strstr(str(s, "status_notes"), "until 20"));
	json_decref(j);
	publish(p);
	j = document(p, AGENT_VEX);
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 2);
	json_decref(j);
	/* another boot begins with 1 */
	set(p, "boot_id", json_string("00000000-0000-4000-8000-000000000000"));
	publish(p);
	j = document(p, AGENT_VEX);
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 1);
	json_decref(j);
}

static void a_vex_document_counts_for_a_day(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};
	struct truth_host h;
	json_t *j;

	assert_ok(truth_host_read(p->root, p->state, &h, &err), err);
	assert_ok(truth_vex(p->state, &h, "web1", NOW, 7, &j, &err), err);
	assert_string_equal(str(j, "timestamp"), "2026-11-22T20:15:00Z");
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 7);
	assert_non_null(
		strstr(str(json_array_get(json_object_get(j, "statements"), 0), "status_notes"),
		       "until 2026-11-23T20:15:00Z"));
	json_decref(j);
}

static void nobody_vouches_for_an_unsigned_patch(void **state)
{
	struct place *p = *state;

	publish(p);
	json_object_set_new(json_object_get(p->state, "patch"), "signed_by", json_string(""));
	publish(p);
	assert_false(is_there(p, AGENT_VEX));
	assert_true(is_there(p, AGENT_CVES));
}

static void a_kernel_without_a_package_has_no_vex_document(void **state)
{
	struct place *p = *state;

	publish(p);
	put(p, "/var/lib/dpkg/status",
	    "Package: zlib1g\nStatus: install ok installed\n"
	    "Architecture: amd64\nVersion: 1\n");
	publish(p);
	assert_false(is_there(p, AGENT_VEX));
	assert_file(p, AGENT_EFFECTIVE, "6.1.170-3+suture3\n");
}

static void a_red_hat_kernel_is_named_as_scanners_do(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};
	struct truth_host h;
	json_t *j;

	put(p, "/etc/os-release", "ID=\"rhel\"\nVERSION_ID=\"9.4\"\nID_LIKE=fedora\n");
	assert_int_equal(sut_rm_rf(agent_path(p->root, "/var/lib/dpkg").s, &err), 0);
	set(p, "kernel",
	    json_pack("{s:s, s:s}", "release", "5.14.0-427.13.1.el9_4.x86_64", "arch", "x86_64"));
	assert_ok(truth_host_read(p->root, p->state, &h, &err), err);
	assert_string_equal(h.type, "rpm");
	assert_ok(truth_vex(p->state, &h, "db1", NOW, 1, &j, &err), err);
	assert_openvex(j);
	assert_string_equal(
		str(json_array_get(
			    json_object_get(json_array_get(json_object_get(j, "statements"), 0),
					    "products"),
			    0),
		    "@id"),
		"pkg:rpm/redhat/kernel-core@5.14.0-427.13.1.el9_4?arch=x86_64&distro=rhel-9.4");
	json_decref(j);
}

static void the_version_of_what_was_booted_comes_from_the_kernel_when_nobody_said_it(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};
	struct truth_host h;
	char version[2 * TRUTH_WORD_MAX];

	json_object_del(json_object_get(p->state, "kernel"), "package_version");
	put(p, "/proc/version",
	    "Linux version 6.1.0-47-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian "
	    "12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP "
	    "PREEMPT_DYNAMIC Debian 6.1.170-3 (2026-11-01)\n");
	assert_ok(truth_host_read(p->root, p->state, &h, &err), err);
	assert_string_equal(h.package_version, "6.1.170-3");
	/* "Debian 12.2.0-14+deb12u1)" of the compiler is none */
	put(p, "/proc/version",
	    "Linux version 6.1.0 (root@x) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0) #1 SMP\n");
	assert_ok(truth_host_read(p->root, p->state, &h, &err), err);
	assert_string_equal(h.package_version, "");
	assert_ok(truth_effective(p->state, &h, version), err);
	assert_string_equal(version, "6.1.0-47-amd64+suture3");
}

/* ------------------------------------------------------------------ */

/* What promtool and the text format ask for: each metric once, HELP and TYPE before its samples. */
static void assert_exposition(const char *text)
{
	char name[128] = "", seen[8192] = "", helped[128] = "";
	char *copy = strdup(text), *save, *line;

	assert_int_equal(text[strlen(text) - 1], '\n');
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t n;

		if (!strncmp(line, "# HELP ", 7)) {
			snprintf(helped, sizeof(helped), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
			if (strstr(seen, helped) && strstr(seen, helped)[strlen(helped)] == ' ')
				fail_msg("%s comes twice", helped);
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ", helped);
			assert_true(line[7 + strlen(helped)] == ' ' && line[8 + strlen(helped)]);
			continue;
		}
		if (!strncmp(line, "# TYPE ", 7)) {
			n = strcspn(line + 7, " ");
			snprintf(name, sizeof(name), "%.*s", (int)n, line + 7);
			assert_string_equal(name, helped);
			assert_string_equal(line + 7 + n, " gauge");
			continue;
		}
		n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
		if (n != strlen(name) || strncmp(line, name, n))
			fail_msg("%s is not below its TYPE", line);
		assert_true(sut_startswith(name, "suture_"));
		assert_false(sut_endswith(name, "_total"));
		if (line[n] == '{')
			n = (size_t)(strrchr(line, '}') - line) + 1;
		assert_int_equal(line[n], ' ');
		assert_int_equal(strspn(line + n + 1, "0123456789."), strlen(line + n + 1));
	}
	free(copy);
}

static void the_metrics_say_what_runs(void **state)
{
	struct place *p = *state;
	char *s;

	put(p, AGENT_NET_SAID,
	    "{\"format\": \"suture-agent-state\", \"version\": 1, \"registered\": true, "
	    "\"state\": \"pending\", \"checkin\": {\"last\": \"2026-11-22T20:10:00Z\", "
	    "\"failures\": 2}, \"check\": {\"last\": \"2026-11-22T18:00:00Z\", \"failures\": 0, "
	    "\"expires\": \"2026-11-29T00:00:00Z\"}}");
	publish(p);
	s = content(p, "/prom/suture.prom");
	assert_exposition(s);
	assert_non_null(strstr(s, "\nsuture_patched 1\n"));
	assert_non_null(strstr(s, "\nsuture_patch_level 3\n"));
	assert_non_null(strstr(s, "\nsuture_cves_fixed 2\n"));
	assert_non_null(
		strstr(s, "suture_patch_info{patchset=\"K20261121_01\",signed_by=\"vendor\""));
	assert_non_null(strstr(s, "effective=\"6.1.170-3+suture3\""));
	assert_non_null(strstr(s, "\nsuture_probation 1\n"));
	assert_non_null(strstr(s, "\nsuture_quarantined_patches 1\n"));
	assert_non_null(strstr(s, "\nsuture_pending 1\n"));
	assert_non_null(strstr(s, "\nsuture_state{state=\"pending\"} 1\n"));
	assert_non_null(strstr(s, "\nsuture_state{state=\"current\"} 0\n"));
	assert_non_null(strstr(s, "\nsuture_last_checkin_timestamp_seconds 1795378200\n"));
	assert_non_null(strstr(s, "\nsuture_checkin_failures 2\n"));
	assert_non_null(strstr(s, "\nsuture_patch_pause_seconds 0.000812345\n"));
	free(s);
}

static void labels_are_escaped(void **state)
{
	struct place *p = *state;
	char *s;

	json_object_set_new(json_object_get(p->state, "patch"), "signed_by",
			    json_string("a\"} 1\nevil{x=\"\\"));
	publish(p);
	s = content(p, "/prom/suture.prom");
	assert_exposition(s);
	assert_non_null(strstr(s, "signed_by=\"a\\\"} 1\\nevil{x=\\\"\\\\\""));
	free(s);
}

/* sutured has no rights; what it says of itself is kept only as far as it is plain. */
static void what_the_unprivileged_half_says_is_not_believed(void **state)
{
	static const char *const bad[] = {
		"{}", "{'checkin': 5, 'check': [], 'state': {}, 'registered': 1}",
		("{'state': 'pending\\n} 5', 'checkin': {'last': '1\\nx 2', 'failures': -5}, "
		 "'check': {'last': {'a': 1}, 'more': 'x'}, 'evil': 'y'}")};
	struct place *p = *state;
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		json_t *said = parse(bad[i]);
		char *s;

		assert_ok(truth_said(p->root, said, &err), err);
		json_decref(said);
		publish(p);
		s = content(p, "/prom/suture.prom");
		assert_exposition(s);
		assert_null(strstr(s, "suture_last_check"));
		free(s);
		s = content(p, AGENT_NET_SAID);
		assert_null(strstr(s, "evil"));
		assert_null(strstr(s, "more"));
		assert_null(strstr(s, "} 5"));
		free(s);
	}
}

static void what_sutured_says_is_in_the_metrics(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};
	json_t *said = parse("{'registered': true, 'state': 'current', 'checkin': {'last': "
			     "'2026-11-22T20:10:00Z', 'next': null, 'failures': 0, 'error': ''}}");
	char *s;

	assert_ok(truth_said(p->root, said, &err), err);
	json_decref(said);
	publish(p);
	s = content(p, "/prom/suture.prom");
	assert_non_null(strstr(s, "\nsuture_registered 1\n"));
	assert_non_null(strstr(s, "\nsuture_last_checkin_timestamp_seconds 1795378200\n"));
	free(s);
}

#define LIBRARY                                                                                    \
	"{'build_id': '0f1e2d3c4b5a69788796a5b4c3d2e1f000112233', 'name': 'libcrypto.so.3', "      \
	"'package': 'libssl3', 'package_version': '3.0.17-1~deb12u2', 'id': 'U20261121_01', "      \
	"'level': 2, 'cves': ['CVE-2026-31790', 'CVE-2026-1234'], 'signed_by': 'vendor', "         \
	"'processes': 3, 'patched': %d, 'reasons': {}, 'phase': 'good', 'unloaded': false}"

static void with_library(struct place *p, int patched, const char *daemon, const char *watch)
{
	char text[2048];

	snprintf(text, sizeof(text), "[" LIBRARY "]", patched);
	set(p, "libraries", parse(text));
	set(p, "daemon", json_pack("{s:s,s:s,s:s}", "state", daemon, "text", "", "watch", watch));
}

/* The status of a CVE in the vex document for the package; "" when it is not there. */
static void assert_vex(struct place *p, const char *package, const char *status, const char *says)
{
	json_t *j = document(p, AGENT_VEX), *s;
	bool found = false;
	size_t i;

	keep_document(j, "agent", "openvex");
	json_array_foreach(json_object_get(j, "statements"), i, s) {
		const char *id = str(json_array_get(json_object_get(s, "products"), 0), "@id");

		if (!strstr(id, package))
			continue;
		found = true;
		assert_string_equal(str(s, "status"), status);
		assert_non_null(strstr(str(s, "status_notes"), says));
		assert_int_equal(!strcmp(status, "affected"),
				 json_object_get(s, "action_statement") != NULL);
	}
	assert_true(found);
	json_decref(j);
}

static void a_library_is_fixed_when_every_process_runs_the_patch(void **state)
{
	struct place *p = *state;
	json_t *j;
	char *metrics;

	with_library(p, 3, "running", "on");
	metrics_to(p, "/suture.prom");
	publish(p);
	assert_file(p, AGENT_CVES, "CVE-2026-1234\nCVE-2026-52928\nCVE-2026-31790\n");
	assert_true(truth_is_fixed(p->state, "cve-2026-31790"));
	assert_vex(p, "libssl3@3.0.17-1~deb12u2", "fixed", "3 of 3 processes");
	assert_vex(p, "linux-image", "fixed", "live patch K20261121_01");
	j = document(p, AGENT_RELEASE);
	assert_string_equal(str(json_array_get(json_object_get(j, "libraries"), 0), "state"),
			    "fixed");
	json_decref(j);
	metrics = content(p, "/suture.prom");
	assert_non_null(strstr(metrics, "suture_library_patched{name=\"libcrypto.so.3\""));
	assert_non_null(strstr(metrics, "suture_process_daemon{state=\"running\"} 1"));
	assert_non_null(strstr(metrics, "suture_library_cves_fixed 2"));
	assert_exposition(metrics);
	free(metrics);
}

static void a_library_that_some_processes_lack_is_not_fixed(void **state)
{
	struct place *p = *state;

	with_library(p, 2, "running", "on");
	publish(p);
	/* That CVE of the kernel is in the library as well. */
	assert_file(p, AGENT_CVES, "CVE-2026-52928\n");
	assert_false(truth_is_fixed(p->state, "CVE-2026-31790"));
	assert_vex(p, "libssl3", "affected", "2 of 3 processes");
}

static void what_nobody_watches_is_not_known_to_be_fixed(void **state)
{
	struct place *p = *state;

	with_library(p, 3, "running", "failed");
	publish(p);
	assert_file(p, AGENT_CVES, "CVE-2026-52928\n");
	assert_vex(p, "libssl3", "under_investigation", "not known");
	with_library(p, 3, "failed", "off");
	publish(p);
	assert_vex(p, "libssl3", "under_investigation", "not known");
}

static void a_library_is_told_without_a_patch_of_the_kernel(void **state)
{
	struct place *p = *state;

	set(p, "patch", json_null());
	with_library(p, 3, "running", "on");
	publish(p);
	assert_file(p, AGENT_CVES, "CVE-2026-31790\nCVE-2026-1234\n");
	assert_vex(p, "libssl3", "fixed", "3 of 3");
	/* And what was unloaded, or nobody vouches for, is not. */
	json_object_set_new(json_array_get(json_object_get(p->state, "libraries"), 0), "signed_by",
			    json_string(""));
	publish(p);
	assert_false(sut_exists(agent_path(p->root, AGENT_VEX).s));
	json_object_set_new(json_array_get(json_object_get(p->state, "libraries"), 0), "unloaded",
			    json_true());
	publish(p);
	assert_false(sut_exists(agent_path(p->root, AGENT_CVES).s));
}

static void only_names_of_cves_are_told(void **state)
{
	struct place *p = *state;

	json_object_set_new(json_object_get(p->state, "patch"), "cves",
			    json_pack("[s, s, i, s, s]", "CVE-2026-1234", "evil\nCVE-2026-9999", 5,
				      "CVE-2026-123", "CVE-2026-12x4"));
	publish(p);
	assert_file(p, AGENT_CVES, "CVE-2026-1234\n");
	assert_true(truth_is_fixed(p->state, "cve-2026-1234"));
	assert_false(truth_is_fixed(p->state, "CVE-2026-12345"));
	assert_false(truth_is_fixed(p->state, "CVE-2026-123"));
}

static void a_state_that_is_none_is_refused(void **state)
{
	struct place *p = *state;
	struct sut_err err = {0};
	json_t *j = json_object();

	publish(p);
	assert_int_equal(truth_publish(p->root, j, &p->conf, &err), -EBADMSG);
	assert_false(is_there(p, AGENT_CVES));
	assert_false(is_there(p, AGENT_EFFECTIVE));
	assert_false(is_there(p, AGENT_RELEASE));
	json_decref(j);
}

static void a_stanza_is_found_by_its_whole_name(void **state _unused_)
{
	char version[TRUTH_WORD_MAX] = "", arch[TRUTH_WORD_MAX] = "";
	size_t n = sizeof(status_text) - 1;

	assert_int_equal(truth_dpkg(status_text, n, "linux-image-6.1.0-47-amd64", version, arch),
			 0);
	assert_string_equal(version, "6.1.172-1");
	assert_string_equal(arch, "amd64");
	assert_int_equal(truth_dpkg(status_text, n, "linux-image-6.1.0-4", version, arch), -ENOENT);
	assert_int_equal(truth_dpkg(status_text, n, "not-this", version, arch), -ENOENT);
	/* removed, its configuration left */
	assert_int_equal(truth_dpkg(status_text, n, "zlib1g", version, arch), -ENOENT);
	assert_int_equal(truth_dpkg("", 0, "zlib1g", version, arch), -ENOENT);
}

#define with_place(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_place(what_runs_is_told),
		with_place(only_the_release_stays_when_nothing_is_applied),
		with_place(code_that_was_changed_behind_the_patch_counts_as_unpatched),
		with_place(withdrawing_leaves_nothing),
		with_place(what_is_switched_off_is_removed),
		with_place(a_file_that_cannot_be_written_does_not_stop_the_others),
		with_place(the_vex_document_is_of_its_form_and_speaks_of_this_host),
		with_place(a_vex_document_counts_for_a_day),
		with_place(nobody_vouches_for_an_unsigned_patch),
		with_place(a_kernel_without_a_package_has_no_vex_document),
		with_place(a_red_hat_kernel_is_named_as_scanners_do),
		with_place(
			the_version_of_what_was_booted_comes_from_the_kernel_when_nobody_said_it),
		with_place(the_metrics_say_what_runs),
		with_place(labels_are_escaped),
		with_place(what_the_unprivileged_half_says_is_not_believed),
		with_place(what_sutured_says_is_in_the_metrics),
		with_place(a_library_is_fixed_when_every_process_runs_the_patch),
		with_place(a_library_that_some_processes_lack_is_not_fixed),
		with_place(what_nobody_watches_is_not_known_to_be_fixed),
		with_place(a_library_is_told_without_a_patch_of_the_kernel),
		with_place(only_names_of_cves_are_told),
		with_place(a_state_that_is_none_is_refused),
		cmocka_unit_test(a_stanza_is_found_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
