// SPDX-License-Identifier: Apache-2.0
/* Scans: uploaded, imported, replaced, deleted; and what the view makes of them. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "map/map.h"
#include "sample_fleet_findings.h"

#define HEAD "host,cve,package,version,severity\n"
#define IMAGE ",linux-image-6.1.0-47-amd64,6.1.170-3,high\n"

static void status_of(struct sample_server *s, const char *scan, const char *state)
{
	_cleanup_(sut_freep) char *target = sut_sprintf("/v1/scans/%s", scan);

	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	if (!sut_streq(sample_text(s, "state"), state))
		fail_msg("%s: %s", state, sut_buf_str(&s->r.raw));
}

static struct map_view *view(struct sample_server *s)
{
	struct map_view *v = NULL;
	struct sut_err err = {0};

	assert_ok(sut_db_begin(s->c, SUT_DB_READ, &err), err);
	assert_ok(map_view(sample_console(s), s->c, s->tenant[0].id, &v, &err), err);
	sut_db_rollback(s->c);
	return v;
}

static uint32_t count(struct sample_server *s, int64_t host, enum verdict verdict)
{
	_cleanup_(view_putp) struct map_view *v = view(s);
	enum view_protection p;
	struct view_counts n;

	view_system_counts(v, host, &n, &p);
	return n.verdicts[verdict];
}

static unsigned int spooled(struct sample_server *s)
{
	DIR *d = opendir(sample_console(s)->conf.spool);
	unsigned int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* All cases have one folder. */
static void clear_spool(struct sample_server *s)
{
	struct sut_err err = {0};

	assert_ok(sut_rm_rf(sample_console(s)->conf.spool, &err), err);
	assert_ok(sut_mkdir_p(sample_console(s)->conf.spool, &err), err);
	sut_closep(&s->p->spool_fd);
	s->p->spool_fd = open(sample_console(s)->conf.spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->p->spool_fd >= 0);
}

static void test_a_file_becomes_verdicts(void **state)
{
	struct sample_server *s = *state;
	int64_t web1, web2;
	const char *scan;

	clear_spool(s);
	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	web2 = sample_machine(s, &s->tenant[0], "web2", 1);
	scan = sample_import(s, &s->tenant[0], "?name=fleet.csv",
			     HEAD "web1,CVE-2026-1001" IMAGE "web1,CVE-2026-1004" IMAGE
				  "web2,CVE-2026-1001" IMAGE "web3,CVE-2026-1001" IMAGE);
	status_of(s, scan, "done");
	assert_string_equal(sample_text(s, "format"), "csv");
	assert_string_equal(sample_text(s, "name"), "fleet.csv");
	assert_int_equal(sample_int(s, "hosts"), 3);
	assert_int_equal(sample_int(s, "findings"), 4);
	assert_int_equal(sample_int(s, "unmatched"), 1);
	assert_int_equal(spooled(s), 0);
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 1);
	assert_int_equal(count(s, web1, VERDICT_REBOOT_NEEDED), 1);
	assert_int_equal(count(s, web2, VERDICT_LIVE_FIXED), 1);
	/* web3 is new, and the portal does not know it */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM hosts"), 3);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM hosts WHERE scanner <> ''"), 3);
	/* web2 and web3 have the same */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM find_sets"), 2);
}

static void test_a_scan_takes_the_place_of_the_one_before(void **state)
{
	struct sample_server *s = *state;
	int64_t web1;

	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	sample_import(s, &s->tenant[0], "",
		      HEAD "web1,CVE-2026-1001" IMAGE "web1,CVE-2026-1004" IMAGE);
	s->now += 60;
	sample_import(s, &s->tenant[0], "", HEAD "web1,CVE-2026-1004" IMAGE);
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 0);
	assert_int_equal(count(s, web1, VERDICT_REBOOT_NEEDED), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM find_sets"), 1);
	/* Another scanner stands beside it. */
	status_of(s,
		  sample_import(s, &s->tenant[0], "?format=debsecan&system=web1000000000000",
				"CVE-2026-1001 linux-image-6.1.0-47-amd64\n"),
		  "done");
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 1);
	assert_int_equal(count(s, web1, VERDICT_REBOOT_NEEDED), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM host_findings"), 2);
}

static void test_rows_of_one_host_need_not_be_together(void **state)
{
	struct sample_server *s = *state;
	int64_t web1;

	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	sample_machine(s, &s->tenant[0], "web2", 0);
	sample_import(s, &s->tenant[0], "",
		      HEAD "web1,CVE-2026-1001" IMAGE "web2,CVE-2026-1001" IMAGE
			   "web1,CVE-2026-1004" IMAGE);
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 1);
	assert_int_equal(count(s, web1, VERDICT_REBOOT_NEEDED), 1);
}

static void test_a_malformed_file_changes_nothing(void **state)
{
	struct sample_server *s = *state;
	int64_t web1;
	const char *scan;

	clear_spool(s);
	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	sample_import(s, &s->tenant[0], "", HEAD "web1,CVE-2026-1001" IMAGE);
	scan = sample_import(s, &s->tenant[0], "?format=trivy",
			     "{\"SchemaVersion\": 2, \"ArtifactName\": \"web1\", \"Results\": [");
	status_of(s, scan, "failed");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s->json, "error"), "code")),
		"scan-malformed");
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 1);
	assert_int_equal(spooled(s), 0);
	scan = sample_import(s, &s->tenant[0], "", "<a/>");
	status_of(s, scan, "failed");
}

static void test_a_deleted_scan_leaves_nothing(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *target = NULL;
	int64_t web1;

	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	target = sut_sprintf("/v1/scans/%s",
			     sample_import(s, &s->tenant[0], "", HEAD "web1,CVE-2026-1001" IMAGE));
	sample_call(s, "DELETE", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 403);
	sample_call(s, "DELETE", target, s->tenant[1].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 404);
	sample_call(s, "DELETE", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 204);
	sample_import_waiting(s);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM find_sets"), 0);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM hosts WHERE scanned_at IS NOT NULL"), 0);
}

static void test_the_built_in_scan(void **state)
{
	struct sample_server *s = *state;
	int64_t web1;

	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	sample_call(s, "POST", "/v1/scans/builtin", s->tenant[0].token[SAMPLE_OPERATOR], "{}");
	assert_status(s, 202);
	sample_import_waiting(s);
	/* 1001; 1003 in part */
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 2);
	/* 1002, 1005 */
	assert_int_equal(count(s, web1, VERDICT_FIX_HELD), 2);
	/* 1004 of the kernel, 2002 of the library */
	assert_int_equal(count(s, web1, VERDICT_REBOOT_NEEDED), 2);
	assert_int_equal(count(s, web1, VERDICT_PARTIAL), 1);
	sample_call(s, "POST", "/v1/scans/builtin", s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"systems\": [\"none\"]}");
	assert_status(s, 202);
}

static void test_uploads_are_checked(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_OPERATOR];

	clear_spool(s);
	sample_call_raw(s, "POST", "/v1/scans", token, "", 0);
	assert_problem(s, 422, "scan-empty");
	sample_call_raw(s, "POST", "/v1/scans?format=word", token, "x", 1);
	assert_problem(s, 400, "bad-argument");
	sample_call_raw(s, "POST", "/v1/scans?system=none", token, "x", 1);
	assert_problem(s, 404, "not-found");
	sample_call_raw(s, "POST", "/v1/scans?x=none", token, "x", 1);
	assert_problem(s, 400, "unknown-argument");
	sample_call_raw(s, "POST", "/v1/scans", s->tenant[0].token[SAMPLE_VIEWER], "x", 1);
	assert_status(s, 403);
	assert_int_equal(spooled(s), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM scans"), 0);
}

static void test_what_was_begun_is_begun_again(void **state)
{
	struct sample_server *s = *state;
	int64_t web1;
	const char *scan;

	sample_coverage(s, &s->tenant[0]);
	web1 = sample_machine(s, &s->tenant[0], "web1", 0);
	sample_call_raw(s, "POST", "/v1/scans", s->tenant[0].token[SAMPLE_OPERATOR],
			HEAD "web1,CVE-2026-1001" IMAGE, strlen(HEAD "web1,CVE-2026-1001" IMAGE));
	assert_status(s, 202);
	scan = sample_text(s, "id");
	/* as a process that died leaves it */
	sample_sql(s, "UPDATE scans SET state = 'running', tries = 1, hosts = 7");
	sample_import_waiting(s);
	(void)scan;
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM scans WHERE state = 'done'"), 1);
	assert_int_equal(sample_number(s, "SELECT hosts FROM scans"), 1);
	assert_int_equal(count(s, web1, VERDICT_FIX_READY), 1);
	/* its file is gone, and nobody else has it */
	sample_call_raw(s, "POST", "/v1/scans", s->tenant[0].token[SAMPLE_OPERATOR], "x", 1);
	sample_sql(s, "UPDATE scans SET uid = 'lost', created = 1 WHERE state = 'waiting'");
	sample_import_waiting(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM scans WHERE state = 'failed'"), 1);
}

static void test_hosts_of_a_scan(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *target = NULL;

	sample_machine(s, &s->tenant[0], "web1", 0);
	target = sut_sprintf("/v1/scans/%s/hosts", sample_import(s, &s->tenant[0], "",
								 HEAD "web1,CVE-2026-1001" IMAGE
								      "web9,CVE-2026-1001" IMAGE));
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_AUDITOR], NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 2);
	sample_call(s, "GET", "/v1/scans", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 0);
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}

int main(void)
{
	const struct sample_server_case cases[] = {
		CASE(test_a_file_becomes_verdicts),
		CASE(test_a_scan_takes_the_place_of_the_one_before),
		CASE(test_rows_of_one_host_need_not_be_together),
		CASE(test_a_malformed_file_changes_nothing),
		CASE(test_a_deleted_scan_leaves_nothing),
		CASE(test_the_built_in_scan),
		CASE(test_uploads_are_checked),
		CASE(test_what_was_begun_is_begun_again),
		CASE(test_hosts_of_a_scan),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
