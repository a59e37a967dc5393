// SPDX-License-Identifier: Apache-2.0
/* The signed repository as the portal reads it, and what it gives away of it. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "repo/sync.h"
#include "sample_portal.h"
#include "sample_release.h"

#define A SAMPLE_KERNEL_A
#define B SAMPLE_KERNEL_B
#define BANNER "Linux version 6.1.0-47-cloud-amd64 (x@y) (gcc-12) #1 SMP Debian 6.1.170-3"

static void add(const char *build_id, unsigned int level)
{
	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = build_id, .level = level});
}

static void publish(void)
{
	sample_release_publish(sample_release_now);
}

static void sync_now(struct sample_server *s)
{
	sample_call(s, "POST", "/v1/repository/sync", s->staff, NULL);
	assert_status(s, 200);
}

static void assert_good(struct sample_server *s)
{
	sync_now(s);
	if (strcmp(sample_text(s, "status"), "good") != 0 &&
	    strcmp(sample_text(s, "status"), "expires-soon") != 0)
		fail_msg("not good: %s", sut_buf_str(&s->r.raw));
}

static void assert_broken(struct sample_server *s, const char *reason)
{
	json_t *error;

	sync_now(s);
	error = json_object_get(s->json, "error");
	assert_string_equal(sample_text(s, "status"), "broken");
	assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
	assert_true(strlen(json_string_value(json_object_get(error, "detail"))) > 20);
}

static int64_t generation(struct sample_server *s)
{
	return sample_number(s, "SELECT value FROM meta WHERE name = 'generation'");
}

/* ------------------------------------------------------------------ */

static void what_is_released_comes_with_all_it_says(void **state)
{
	static const char *const cves[] = {"CVE-2026-2000", "CVE-2026-1000", "CVE-2026-2000", NULL};
	struct sample_server *s = *state;
	const json_t *item, *f;

	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = A,
						       .level = 1,
						       .id = "K20261101_01",
						       .created = "2026-11-01T10:00:00Z",
						       .cves = cves,
						       .banner = BANNER});
	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = B,
						       .level = 1,
						       .id = "K20261101_01",
						       .created = "2026-11-01T11:00:00Z"});
	add(A, 2);
	publish();
	assert_good(s);
	assert_int_equal(sample_int(s, "released"), 3);
	assert_int_equal(sample_int(s, "patches"), 3);
	assert_int_equal(sample_int(s, "patchsets"), 2);
	assert_int_equal(json_array_size(json_object_get(s->json, "roles")), 5);
	assert_int_equal(
		sample_number(s, "SELECT created FROM patchsets WHERE name = 'K20261101_01'"),
		1793527200);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'patchset.released'"
				 " AND tenant = 0"),
		2);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'patchset.released'"
				 " AND object = 'K2'"),
		1);

	sample_call(s, "GET", "/v1/patches?build_id=" A, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	item = json_array_get(json_object_get(s->json, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "patchset")), "K20261101_01");
	/* printf '%s\n' "$BANNER" | sha1sum */
	assert_string_equal(json_string_value(json_object_get(item, "kernel_id")),
			    "e26a8dbc4c75413f4ed92fea1a71c3f31b570b96");
	assert_int_equal(json_array_size(json_object_get(item, "cves")), 2);
	f = json_array_get(json_object_get(item, "functions"), 0);
	assert_string_equal(json_string_value(json_object_get(f, "name")), "unix_ioctl");
	assert_string_equal(json_string_value(json_array_get(json_object_get(item, "files"), 0)),
			    "net/unix/af_unix.c");
	f = json_array_get(json_object_get(item, "feeds"), 0);
	assert_string_equal(json_string_value(json_object_get(f, "feed")), "test");
}

static void a_second_look_changes_nothing(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};
	int64_t g, events;

	add(A, 1);
	publish();
	assert_good(s);
	g = generation(s);
	events = sample_number(s, "SELECT COUNT(*) FROM events");
	assert_good(s);
	assert_int_equal(sample_int(s, "released"), 0);
	s->now += 60;
	assert_ok(repo_sync(sample_portal(s), s->c, s->now, &err), err);
	assert_int_equal(generation(s), g);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM events"), events);
	assert_int_equal(sample_number(s, "SELECT good FROM repository"), s->now);
}

static void the_task_reads_what_is_new(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};

	add(A, 1);
	publish();
	assert_ok(repo_sync(sample_portal(s), s->c, s->now, &err), err);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets"), 1);
	add(A, 2);
	publish();
	assert_ok(repo_sync(sample_portal(s), s->c, s->now, &err), err);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets"), 2);
	assert_int_equal(atomic_load(&s->p->generation), generation(s));
}

static void what_is_no_target_any_more_is_withdrawn(void **state)
{
	struct sample_server *s = *state;

	add(A, 1);
	add(B, 1);
	add(A, 2);
	publish();
	assert_good(s);
	/* One of two targets. */
	sample_release_withdraw(sample_release_now, A, 1);
	publish();
	assert_good(s);
	assert_int_equal(sample_int(s, "withdrawn"), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patchsets WHERE withdrawn IS NULL"),
			 2);
	/* The other one, too. */
	sample_release_withdraw(sample_release_now, B, 1);
	publish();
	assert_good(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patchsets WHERE withdrawn IS NULL"),
			 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM events WHERE type ="
					  " 'patchset.withdrawn' AND data LIKE '%\"whole\":true%'"),
			 1);
	sample_call(s, "POST", "/v1/feeds/candidate/promote", s->staff, "{\"patchset\":\"K1\"}");
	assert_problem(s, 409, "patchset-withdrawn");
	/* And back. */
	add(A, 1);
	publish();
	assert_good(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patchsets WHERE withdrawn IS NULL"),
			 2);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets WHERE gone IS NULL"),
			 2);
}

static void another_file_at_the_same_level_replaces_it(void **state)
{
	struct sample_server *s = *state;

	add(A, 1);
	publish();
	assert_good(s);
	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = A, .level = 1, .id = "better"});
	publish();
	assert_good(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets"), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patchsets WHERE name = 'K1' AND"
					  " withdrawn IS NOT NULL"),
			 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM feed_entries e JOIN patchsets p ON"
					  " p.id = e.patchset WHERE p.name = 'better'"),
			 1);
}

/* ------------------------------------------------------------------ */

static void a_patch_that_was_tampered_with_changes_nothing(void **state)
{
	_cleanup_(sut_freep) char *file = NULL;
	struct sample_server *s = *state;

	add(A, 1);
	publish();
	assert_good(s);
	add(A, 2);
	add(B, 1);
	publish();
	file = sample_release_file(sample_release_now, A, 2);
	sample_release_damage(sample_release_now, file);
	assert_broken(s, "hash");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets"), 1);
	publish();
	assert_good(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets"), 3);
}

static void metadata_that_was_tampered_with_changes_nothing(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};
	int64_t g;

	add(A, 1);
	publish();
	assert_good(s);
	g = generation(s);
	add(A, 2);
	publish();
	sample_release_damage(sample_release_now, "metadata/4.kernel.json");
	sync_now(s);
	assert_string_equal(sample_text(s, "status"), "broken");
	assert_int_equal(generation(s), g);
	assert_ok(repo_sync(sample_portal(s), s->c, s->now, &err), err);
	assert_int_equal(generation(s), g);
}

static void a_file_that_is_missing_or_cut_is_noticed(void **state)
{
	_cleanup_(sut_freep) char *file = NULL, *path = NULL;
	struct sample_server *s = *state;

	add(A, 1);
	publish();
	assert_good(s);
	file = sample_release_file(sample_release_now, A, 1);
	path = sut_sprintf("%s/public/%s", sample_release_now->dir, file);
	assert_int_equal(truncate(path, 10), 0);
	assert_broken(s, "length");
	assert_int_equal(unlink(path), 0);
	assert_broken(s, "missing");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	sync_now(s);
	assert_string_equal(sample_text(s, "status"), "broken");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets WHERE gone IS NULL"),
			 1);
}

static void what_has_expired_is_told_and_keeps_what_was(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};

	add(A, 1);
	publish();
	assert_good(s);
	s->now += 2 * 86400;
	/* Nothing has changed on disk, and yet the task looks. */
	assert_ok(repo_sync(sample_portal(s), s->c, s->now, &err), err);
	sample_call(s, "GET", "/v1/repository", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "status"), "broken");
	assert_broken(s, "expired");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets WHERE gone IS NULL"),
			 1);
}

static void an_older_state_is_refused_even_by_a_new_process(void **state)
{
	_cleanup_(sut_freep) char *path = NULL;
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(1 << 16);
	struct sample_server *s = *state;
	struct sut_err err = {0};

	add(A, 1);
	publish();
	path = sut_sprintf("%s/public/metadata/timestamp.json", sample_release_now->dir);
	assert_ok(sut_file_read(path, &old, &err), err);
	add(A, 2);
	publish();
	assert_good(s);
	assert_ok(sut_file_write(path, old.data, old.len, 0644, &err), err);
	assert_broken(s, "rollback");
	sample_server_again(s, sample_release_configure);
	assert_broken(s, "rollback");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_targets WHERE gone IS NULL"),
			 2);
	publish();
	assert_good(s);
}

static void a_patch_must_be_what_its_path_says(void **state)
{
	struct sample_server *s = *state;

	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){
				   .build_id = A, .level = 7, .path = "kernel/" A "/8/kpatch.bin"});
	publish();
	assert_broken(s, "disagree");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patchsets"), 0);
}

static void a_patch_of_a_later_format_is_passed_over(void **state)
{
	struct sample_server *s = *state;
	const json_t *w;

	sample_release_add(
		sample_release_now,
		&(struct sample_patch_opts){.build_id = A, .level = 2, .requires = "telepathy"});
	add(A, 1);
	publish();
	assert_good(s);
	assert_int_equal(sample_int(s, "released"), 1);
	w = json_array_get(json_object_get(s->json, "warnings"), 0);
	assert_non_null(strstr(json_string_value(json_object_get(w, "detail")), "telepathy"));
}

static int note_role(void *ctx, const char *role, int64_t expires, struct sut_err *err _unused_)
{
	if (!strcmp(role, "kernel"))
		*(int64_t *)ctx = expires;
	return 0;
}

static void expiry_is_there_for_metrics(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};
	int64_t t = 0;
	bool good = false;

	add(A, 1);
	publish();
	assert_good(s);
	assert_ok(repository_expiry(s->c, note_role, &t, &good, &err), err);
	assert_true(good);
	assert_int_equal(t, SAMPLE_TUF_NOW + SAMPLE_TUF_DAY);
}

static void only_staff_may_have_it_read(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "POST", "/v1/repository/sync", s->tenant[0].token[SAMPLE_ADMIN], NULL);
	assert_problem(s, 403, "staff-only");
	sample_call(s, "GET", "/v1/repository", NULL, NULL);
	assert_status(s, 401);
	sample_call(s, "GET", "/v1/repository", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "status"), "unknown");
}

static void without_a_repository_it_says_so(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};

	sample_call(s, "POST", "/v1/repository/sync", s->staff, NULL);
	assert_problem(s, 409, "not-configured");
	sample_call(s, "GET", "/v1/repository", s->staff, NULL);
	assert_string_equal(sample_text(s, "status"), "not-configured");
	sample_call(s, "GET", "/repo/metadata/timestamp.json", NULL, NULL);
	assert_problem(s, 404, "not-found");
	assert_ok(repo_sync(sample_portal(s), s->c, s->now, &err), err);
}

/* ------------------------------------------------------------------ */

static void patchsets_are_listed_and_described(void **state)
{
	struct sample_server *s = *state;
	const char *viewer = s->tenant[0].token[SAMPLE_VIEWER];
	const json_t *items;

	for (unsigned int i = 1; i <= 3; i++)
		add(A, i);
	add(B, 3);
	publish();
	assert_good(s);
	sample_call(s, "GET", "/v1/patchsets?limit=2", viewer, NULL);
	assert_status(s, 200);
	items = json_object_get(s->json, "items");
	assert_int_equal(json_array_size(items), 2);
	assert_true(json_is_string(json_object_get(s->json, "next")));
	sample_call(s, "GET", "/v1/patchsets?cve=CVE-2026-1003", viewer, NULL);
	items = json_object_get(s->json, "items");
	assert_int_equal(json_array_size(items), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "name")),
			    "K3");
	sample_call(s, "GET", "/v1/patchsets?cve=1", viewer, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/patchsets/K3", viewer, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "targets")), 2);
	assert_int_equal(json_array_size(json_object_get(s->json, "feeds")), 1);
	sample_call(s, "GET", "/v1/patchsets/none", viewer, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "GET", "/v1/patches?build_id=" A "&limit=2", viewer, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 2);
	sample_call(s, "GET", "/v1/patches", viewer, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/patches?build_id=AB", viewer, NULL);
	assert_problem(s, 400, "bad-argument");
}

static void what_people_find_out_of_a_cve_stays(void **state)
{
	struct sample_server *s = *state;
	const json_t *cve;
	int64_t g;

	add(A, 1);
	publish();
	assert_good(s);
	g = generation(s);
	sample_call(s, "PUT", "/v1/patchsets/K1/cves", s->staff,
		    "{\"cve\":\"CVE-2026-1001\",\"status\":\"partial\",\"note\":\"not by IPv6\"}");
	assert_status(s, 200);
	cve = json_array_get(json_object_get(s->json, "cves"), 0);
	assert_string_equal(json_string_value(json_object_get(cve, "status")), "partial");
	assert_true(generation(s) > g);
	/* A further target of the patchset. */
	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = B, .level = 1});
	publish();
	assert_good(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_cves WHERE status = 'partial'"
					  " AND note = 'not by IPv6'"),
			 2);
	sample_call(s, "PUT", "/v1/patchsets/K1/cves", s->staff,
		    "{\"cve\":\"CVE-2026-9999\",\"status\":\"partial\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "PUT", "/v1/patchsets/K1/cves", s->staff,
		    "{\"cve\":\"CVE-2026-1001\",\"status\":\"gone\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "PUT", "/v1/patchsets/K1/cves", s->tenant[0].token[SAMPLE_ADMIN],
		    "{\"cve\":\"CVE-2026-1001\",\"status\":\"fixed\"}");
	assert_problem(s, 403, "staff-only");
}

static void notes_are_changed_by_who_has_seen_them(void **state)
{
	struct sample_server *s = *state;

	add(A, 1);
	publish();
	assert_good(s);
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/patchsets/K1", s->staff, "{\"notes\":\"careful with NFS\"}");
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "notes"), "careful with NFS");
	assert_string_equal(s->r.etag, "\"v2\"");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/patchsets/K1", s->staff, "{\"notes\":\"\"}");
	assert_problem(s, 412, "changed");
}

/* ------------------------------------------------------------------ */

static void promote(struct sample_server *s, const char *feed, const char *patchset)
{
	char target[64], body[64];

	snprintf(target, sizeof(target), "/v1/feeds/%s/promote", feed);
	snprintf(body, sizeof(body), "{\"patchset\":\"%s\"}", patchset);
	sample_call(s, "POST", target, s->staff, body);
	assert_status(s, 200);
}

static void assert_text(struct sample_server *s, const char *target, const char *text)
{
	sample_call(s, "GET", target, NULL, NULL);
	assert_status(s, 200);
	assert_string_equal(sut_buf_str(&s->r.raw), text);
}

static void kernels_are_found_by_both_their_names(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *file = NULL;
	char target[256];

	sample_release_add(
		sample_release_now,
		&(struct sample_patch_opts){.build_id = A, .level = 1, .banner = BANNER});
	add(A, 2);
	publish();
	assert_good(s);
	sample_call(s, "GET", "/" A "/latest.v1", NULL, NULL);
	assert_status(s, 404); /* nothing in stable yet */
	promote(s, "stable", "K1");
	assert_text(s, "/" A "/latest.v1", "1\n");
	assert_text(s, "/e26a8dbc4c75413f4ed92fea1a71c3f31b570b96/latest.v1", "1\n");
	sample_call(s, "GET", "/" B "/latest.v1", NULL, NULL);
	assert_status(s, 404);
	sample_call(s, "GET", "/../latest.v1", NULL, NULL);
	assert_status(s, 404);

	sample_call(s, "GET", "/" A "/1/kpatch.bin", NULL, NULL);
	assert_status(s, 200);
	file = sample_release_file(sample_release_now, A, 1);
	assert_string_equal(s->r.file, file);
	sample_call(s, "GET", "/" A "/1/kpatch.bin.sig", NULL, NULL);
	snprintf(target, sizeof(target), "%s.sig", file);
	assert_string_equal(s->r.file, target);
	/* A level that stable does not give out is not given out by another way either. */
	sample_call(s, "GET", "/" A "/2/kpatch.bin", NULL, NULL);
	assert_status(s, 404);
	sample_call(s, "GET", "/" A "/0x1/kpatch.bin", NULL, NULL);
	promote(s, "stable", "K2");
	assert_text(s, "/" A "/latest.v1", "2\n");
	sample_call(s, "POST", "/v1/feeds/stable/withdraw", s->staff,
		    "{\"patchset\":\"K2\",\"reason\":\"breaks NFS\"}");
	assert_status(s, 200);
	assert_text(s, "/" A "/latest.v1", "1\n");
	sample_call(s, "GET", "/" A "/2/kpatch.info", NULL, NULL);
	assert_status(s, 404);
}

static void kpatch_info_has_a_paragraph_for_each_cve(void **state)
{
	static const char *const cves[] = {"CVE-2026-1000", "CVE-2026-2000", "CVE-2026-3000", NULL};
	struct sample_server *s = *state;

	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = A, .level = 1, .cves = cves});
	publish();
	assert_good(s);
	promote(s, "stable", "K1");
	sample_call(s, "PUT", "/v1/patchsets/K1/cves", s->staff,
		    "{\"cve\":\"CVE-2026-3000\",\"status\":\"partial\"}");
	assert_status(s, 200);
	sample_sql(s, "INSERT INTO sources (distribution, name, version, oldest, imported)"
		      " VALUES ('debian', 'linux', '6.1.175-1', '6.1.1-1', 1)");
	sample_sql(s, "INSERT INTO cve_fixes (source, cve, version, subject) SELECT id,"
		      " 'CVE-2026-1000', '6.1.172-1', 'af_unix: fix' FROM sources");
	/* of another branch, which does not have the version of the target */
	sample_sql(s, "INSERT INTO sources (distribution, name, version, oldest, imported)"
		      " VALUES ('debian-13', 'linux', '6.12.3-1', '6.12.1-1', 1)");
	sample_sql(
		s,
		"INSERT INTO cve_fixes (source, cve, version, subject) SELECT id,"
		" 'CVE-2026-1000', '6.12.2-1', 'aaa' FROM sources WHERE distribution <> 'debian'");
	sample_sql(s,
		   "INSERT INTO source_versions (source, version, released) SELECT DISTINCT s.id,"
		   " t.package_version, 1 FROM sources s, patch_targets t WHERE"
		   " s.distribution = 'debian'");
	assert_text(s, "/" A "/1/kpatch.info",
		    "OS: debian\nkernel: debian/6.1.0-47-cloud-amd64\ntime: 2026-11-21 20:15:00\n"
		    "uname: 6.1.0-47-cloud-amd64\n"
		    "\nkpatch-name: K1\nkpatch-description: af_unix: fix\n"
		    "kpatch-kernel: 6.1.172-1\nkpatch-cve: CVE-2026-1000\nkpatch-cvss: N/A\n"
		    "kpatch-cve-url: https://www.cve.org/CVERecord?id=CVE-2026-1000\n"
		    "kpatch-patch-url: N/A\n"
		    "\nkpatch-name: K1\nkpatch-description: N/A\nkpatch-kernel: N/A\n"
		    "kpatch-cve: CVE-2026-2000\nkpatch-cvss: N/A\n"
		    "kpatch-cve-url: https://www.cve.org/CVERecord?id=CVE-2026-2000\n"
		    "kpatch-patch-url: N/A\n");
}

static void the_repository_is_served_as_it_is(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "GET", "/repo/metadata/timestamp.json", NULL, NULL);
	assert_status(s, 200);
	assert_string_equal(s->r.file, "metadata/timestamp.json");
	assert_string_equal(s->r.cache_control, "no-cache");
	sample_call(s, "GET", "/repo/metadata/1.root.json", NULL, NULL);
	assert_non_null(strstr(s->r.cache_control, "immutable"));
	sample_call(s, "GET", "/repo/../root.json", NULL, NULL);
	assert_status(s, 404);
	sample_call(s, "GET", "/repo/.htpasswd", NULL, NULL);
	assert_status(s, 404);
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, sample_release_fresh, 0                                                     \
	}

int main(void)
{
	static const struct sample_server_case cases[] = {
		CASE(what_is_released_comes_with_all_it_says),
		CASE(a_second_look_changes_nothing),
		CASE(the_task_reads_what_is_new),
		CASE(what_is_no_target_any_more_is_withdrawn),
		CASE(another_file_at_the_same_level_replaces_it),
		CASE(a_patch_that_was_tampered_with_changes_nothing),
		CASE(metadata_that_was_tampered_with_changes_nothing),
		CASE(a_file_that_is_missing_or_cut_is_noticed),
		CASE(what_has_expired_is_told_and_keeps_what_was),
		CASE(an_older_state_is_refused_even_by_a_new_process),
		CASE(a_patch_must_be_what_its_path_says),
		CASE(a_patch_of_a_later_format_is_passed_over),
		CASE(expiry_is_there_for_metrics),
		CASE(only_staff_may_have_it_read),
		{"without_a_repository_it_says_so", without_a_repository_it_says_so, NULL, 0},
		CASE(patchsets_are_listed_and_described),
		CASE(what_people_find_out_of_a_cve_stays),
		CASE(notes_are_changed_by_who_has_seen_them),
		CASE(kernels_are_found_by_both_their_names),
		CASE(kpatch_info_has_a_paragraph_for_each_cve),
		CASE(the_repository_is_served_as_it_is),
	};
	int r = SAMPLE_PORTAL_RUN(cases);

	sample_release_free(sample_release_now);
	return r;
}
