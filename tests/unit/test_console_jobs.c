// SPDX-License-Identifier: Apache-2.0
/* Jobs of a console: who takes part, batches, every end there is, and that nothing happens twice. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "job/advance.h"
#include "job/make.h"
#include "json/parse.h"
#include "sample_fleet_findings.h"
#include "sample_jobs.h"

enum { HOSTS = 4 };

static struct sample_host hosts[HOSTS];

static void make_hosts(struct sample_server *s)
{
	char name[16];

	for (int i = 0; i < HOSTS; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		sample_host_new(s, s->tenant[0].id, name, &hosts[i]);
	}
}

static void release_hosts(void)
{
	for (int i = 0; i < HOSTS; i++)
		sample_host_release(&hosts[i]);
}

/* A job for all of them; more: further members, ", "x": 1". */
static void job_for_all(struct sample_server *s, const char *more, char id[static SUT_UID_LEN + 1])
{
	char body[1024];

	snprintf(body, sizeof(body), "{\"select\": {\"query\": {\"q\": \"web\"}}%s}", more);
	sample_job(s, body, id);
}

/* That host fetches what there is and answers. */
static void finish(struct sample_server *s, int host, const char *outcome, int exit)
{
	struct sample_result r = {.outcome = outcome, .exit = exit, .level = 4};
	char sha256[65];
	json_t *m;

	sample_agent_poll(s, &hosts[host]);
	assert_status(s, 200);
	m = sample_manifest(s, 0, sha256);
	r.job = sut_json_text(m, "id");
	r.sha256 = sha256;
	sample_answer(s, &hosts[host], &r);
	assert_status(s, strcmp(outcome, "waiting") == 0 ? 202 : 200);
	json_decref(m);
}

static const char *state_of(struct sample_server *s, const char *job)
{
	sample_job_get(s, job);
	return sample_text(s, "state");
}

/* --- */

static void a_job_goes_from_its_making_to_its_end(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1], target[128];

	make_hosts(s);
	job_for_all(s, ", \"title\": \"Tonight\"", job);
	assert_string_equal(sample_text(s, "state"), "running");
	assert_int_equal(sample_job_count(s, job, "queued"), HOSTS);
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "offered"), HOSTS);
	for (int i = 0; i < HOSTS; i++)
		finish(s, i, i ? "applied" : "conflict", i ? 0 : 4);
	sample_advance(s);
	assert_string_equal(state_of(s, job), "done");
	assert_int_equal(sample_job_count(s, job, "done"), HOSTS - 1);
	assert_int_equal(sample_job_count(s, job, "failed"), 1);
	assert_false(json_is_null(json_object_get(s->json, "ended")));
	/* One result with its steps. */
	snprintf(target, sizeof(target), "/v1/jobs/%s/systems/%s", job, hosts[1].uid);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "state"), "done");
	assert_string_equal(sample_text(s, "signature"), "good");
	assert_int_equal(json_array_size(json_object_get(s->json, "steps")), 2);
	assert_int_equal(sample_int(s, "took_ms"), 42);
	assert_int_equal(sample_int(s, "after_level"), 4);
	/* The host runs it, before the portal tells. */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM hosts WHERE level = 4 AND"
					  " patchset = 'K20261121_01'"),
			 HOSTS);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM hosts WHERE libraries LIKE"
					  " '%\"patched\":3%'"),
			 HOSTS);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM host_events WHERE kind = 'job'"),
			 HOSTS);
	/* Webhooks. */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM events WHERE type IN"
					  " ('job.started', 'job.finished')"),
			 2);
	/* Again: nothing. */
	sample_advance(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM manifests"), 1);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'job.finished'"), 1);
	release_hosts();
}

static void the_manifest_says_what_was_asked(void **state)
{
	struct sample_server *s = *state;
	_cleanup_json_ json_t *m = NULL;
	char job[SUT_UID_LEN + 1], sha256[65];

	make_hosts(s);
	job_for_all(s,
		    ", \"action\": \"preflight\", \"dry_run\": true, \"products\": [\"kernel\","
		    " \"library\"], \"windows\": [\"daily 01:00-02:00\"], \"not_before\":"
		    " \"2026-11-18T12:00:00Z\", \"expires_hours\": 48",
		    job);
	sample_advance(s);
	sample_agent_poll(s, &hosts[0]);
	assert_status(s, 200);
	m = sample_manifest(s, 0, sha256);
	assert_string_equal(sut_json_text(m, "action"), "preflight");
	assert_string_equal(sut_json_text(m, "not_before"), "2026-11-18T12:00:00Z");
	assert_string_equal(sut_json_text(m, "expires"), "2026-11-20T11:06:40Z");
	assert_string_equal(sut_json_text(m, "issuer"), SAMPLE_URL);
	assert_int_equal(json_array_size(json_object_get(m, "systems")), HOSTS);
	assert_int_equal(json_array_size(json_object_get(m, "windows")), 1);
	assert_int_equal(json_array_size(json_object_get(m, "products")), 2);
	assert_true(json_is_true(json_object_get(json_object_get(m, "options"), "wait")));
	assert_true(json_is_true(json_object_get(json_object_get(m, "options"), "dry_run")));
	release_hosts();
}

static void batches_follow_each_other_with_a_pause(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 2, \"pause_s\": 60}", job);
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "offered"), 2);
	assert_int_equal(sample_job_count(s, job, "queued"), 2);
	finish(s, 0, "applied", 0);
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), 2);
	finish(s, 1, "waiting", 6);
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "waiting"), 1);
	assert_int_equal(sample_job_count(s, job, "queued"), 2);
	sample_sql(s, "UPDATE job_systems SET state = 'running' WHERE state = 'waiting'");
	sample_sql(s, "UPDATE jobs SET n_running = 1, n_waiting = 0");
	finish(s, 1, "applied", 0);
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), 2);
	s->now += 59;
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), 2);
	s->now += 2;
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), 0);
	assert_int_equal(sample_job_count(s, job, "offered"), 2);
	finish(s, 2, "applied", 0);
	finish(s, 3, "applied", 0);
	sample_advance(s);
	assert_string_equal(state_of(s, job), "done");
	release_hosts();
}

static void one_that_does_not_fetch_its_job_does_not_keep_the_next_batch(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 2}", job);
	sample_advance(s);
	finish(s, 0, "applied", 0);
	s->now += JOB_PATIENCE_SEC - 1;
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), 2);
	s->now += 1;
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), 0);
	release_hosts();
}

static void one_that_fetched_it_and_is_silent_does(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 1}", job);
	sample_advance(s);
	sample_agent_poll(s, &hosts[0]);
	assert_status(s, 200);
	assert_int_equal(sample_job_count(s, job, "running"), 1);
	s->now += JOB_PATIENCE_SEC * 10;
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "queued"), HOSTS - 1);
	release_hosts();
}

static void too_many_failures_stop_a_job(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 2}, \"max_failed\": 1", job);
	sample_advance(s);
	finish(s, 0, "conflict", 4);
	finish(s, 1, "busy", 2);
	sample_advance(s);
	assert_string_equal(state_of(s, job), "stopped");
	assert_string_equal(sample_text(s, "stop_reason"), "2 of 2 systems failed; at most 1 may");
	assert_int_equal(sample_job_count(s, job, "cancelled"), 2);
	assert_false(json_is_null(json_object_get(s->json, "ended")));
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'job.stopped'"),
			 1);
	release_hosts();
}

static void as_many_as_may_fail_do_not_stop_it(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 2}, \"max_failed\": 2", job);
	sample_advance(s);
	finish(s, 0, "conflict", 4);
	finish(s, 1, "busy", 2);
	sample_advance(s);
	assert_string_equal(state_of(s, job), "running");
	assert_int_equal(sample_job_count(s, job, "offered"), 2);
	release_hosts();
}

static void cancelling_calls_back_what_no_agent_has(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1], target[128];

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 2}", job);
	sample_advance(s);
	sample_agent_poll(s, &hosts[0]);
	assert_status(s, 200);
	snprintf(target, sizeof(target), "/v1/jobs/%s/cancel", job);
	sample_call(s, "POST", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "state"), "cancelled");
	assert_int_equal(sample_job_count(s, job, "cancelled"), 3);
	assert_int_equal(sample_job_count(s, job, "running"), 1);
	assert_true(json_is_null(json_object_get(s->json, "ended")));
	/* It is told so, and its result counts. */
	snprintf(target, sizeof(target), "/v1/jobs/%s/systems/%s", job, hosts[0].uid);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_string_equal(sample_text(s, "reason"), "runs-on");
	sample_agent_poll(s, &hosts[1]);
	assert_status(s, 204);
	finish(s, 0, "applied", 0);
	sample_advance(s);
	assert_string_equal(state_of(s, job), "cancelled");
	assert_int_equal(sample_job_count(s, job, "done"), 1);
	assert_false(json_is_null(json_object_get(s->json, "ended")));
	snprintf(target, sizeof(target), "/v1/jobs/%s/cancel", job);
	sample_call(s, "POST", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_problem(s, 409, "job-over");
	release_hosts();
}

static void what_is_late_ends(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"expires_hours\": 1, \"batch\": {\"size\": 2}", job);
	sample_advance(s);
	sample_agent_poll(s, &hosts[0]);
	assert_status(s, 200);
	s->now += 3601;
	sample_advance(s);
	/* Two had no manifest, one did not fetch it; the fourth may still answer. */
	assert_int_equal(sample_job_count(s, job, "expired"), 3);
	assert_int_equal(sample_job_count(s, job, "running"), 1);
	s->now += JOB_GRACE_SEC;
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "failed"), 1);
	assert_string_equal(state_of(s, job), "done");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM job_systems WHERE state = 'failed'"
					  " AND reason = 'no-answer'"),
			 1);
	release_hosts();
}

static void what_failed_is_tried_again(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1], target[128];

	make_hosts(s);
	job_for_all(s, ", \"title\": \"First\"", job);
	snprintf(target, sizeof(target), "/v1/jobs/%s/retry", job);
	sample_call(s, "POST", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_problem(s, 409, "job-runs");
	sample_advance(s);
	for (int i = 0; i < HOSTS; i++)
		finish(s, i, i ? "applied" : "conflict", i ? 0 : 4);
	sample_advance(s);
	sample_call(s, "POST", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 201);
	assert_string_equal(sample_text(s, "retry_of"), job);
	assert_string_equal(sample_text(s, "title"), "First");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(s->json, "counts"), "queued")),
		1);
	release_hosts();
}

static void who_cannot_take_part_is_named_with_the_reason(void **state)
{
	struct sample_server *s = *state;
	char body[512], job[SUT_UID_LEN + 1];
	struct sample_host busy;
	const json_t *skipped;

	make_hosts(s);
	sample_sql(s, "UPDATE hosts SET state = '', system_id = NULL WHERE hostname = 'web0'");
	sample_sql(s, "UPDATE hosts SET job_key = '' WHERE hostname = 'web1'");
	sample_sql(s, "UPDATE hosts SET silent = 1 WHERE hostname = 'web2'");
	sample_host_new(s, s->tenant[0].id, "other", &busy);
	snprintf(body, sizeof(body), "{\"select\": {\"systems\": [\"%s\"]}}", busy.uid);
	sample_job(s, body, job);
	snprintf(
		body, sizeof(body),
		"{\"select\": {\"systems\": [\"%s\", \"%s\", \"%s\", \"%s\", \"%s\", \"nobody\"]}}",
		hosts[0].uid, hosts[1].uid, hosts[2].uid, hosts[3].uid, busy.uid);
	sample_call(s, "POST", "/v1/jobs?preview=true", s->tenant[0].token[SAMPLE_OPERATOR], body);
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "n"), 1);
	skipped = json_object_get(s->json, "skipped");
	assert_int_equal(json_array_size(skipped), 5);
	assert_string_equal(sut_json_text(json_array_get(skipped, 0), "reason"), "busy");
	assert_string_equal(sut_json_text(json_array_get(skipped, 1), "reason"), "not-registered");
	assert_string_equal(sut_json_text(json_array_get(skipped, 2), "reason"), "no-job-key");
	assert_string_equal(sut_json_text(json_array_get(skipped, 3), "reason"), "offline");
	assert_string_equal(sut_json_text(json_array_get(skipped, 4), "reason"), "not-found");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM jobs"), 1);
	sample_job(s, body, job);
	assert_int_equal(sample_job_count(s, job, "skipped"), 5);
	sample_host_release(&busy);
	release_hosts();
}

static void one_that_is_gone_at_its_turn_is_skipped(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, "", job);
	sample_sql(s, "UPDATE hosts SET gone = 5 WHERE hostname = 'web1'");
	sample_advance(s);
	assert_int_equal(sample_job_count(s, job, "skipped"), 1);
	assert_int_equal(sample_job_count(s, job, "offered"), HOSTS - 1);
	release_hosts();
}

static void nobody_makes_no_job(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"select\": {\"query\": {\"q\": \"web\"}}}");
	assert_problem(s, 422, "nobody");
}

static void what_is_asked_is_looked_at(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"select\": {}}",
		"{\"select\": {\"systems\": []}}",
		"{\"select\": {\"systems\": [1]}}",
		"{\"select\": {\"hosts\": [\"a\"]}}",
		"{\"select\": {\"query\": {}}}",
		"{\"select\": {\"query\": {\"name\": \"x\"}}}",
		"{\"select\": {\"systems\": [\"a\"]}, \"action\": \"destroy\"}",
		"{\"select\": {\"systems\": [\"a\"]}, \"products\": []}",
		"{\"select\": {\"systems\": [\"a\"]}, \"products\": [\"firmware\"]}",
		"{\"select\": {\"systems\": []}, \"action\": \"verify\"}",
		"{\"select\": {\"systems\": [\"a\"]}, \"products\": [\"kernel\", 1]}",
		"{\"select\": {\"systems\": [\"a\"]}, \"windows\": [\"at night\"]}",
		"{\"select\": {\"systems\": [\"a\"]}, \"expires_hours\": 745}",
		"{\"select\": {\"systems\": [\"a\"]}, \"batch\": {\"size\": -1}}",
		"{\"select\": {\"systems\": [\"a\"]}, \"batch\": {\"count\": 1}}",
		"{\"select\": {\"systems\": [\"a\"]}, \"max_failed\": -1}",
		"{\"select\": {\"systems\": [\"a\"]}, \"target\": {\"level\": 3}}",
		"{\"select\": {\"systems\": [\"a\"]}, \"target\": {\"patchset\": \"a b\"}}",
		"{\"select\": {\"systems\": [\"a\"]}, \"not_before\": \"2027-11-18T12:00:00Z\"}",
		"{\"select\": {\"systems\": [\"a\"]}, \"colour\": \"red\"}",
	};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_OPERATOR], bad[i]);
		if (s->status != 422)
			fail_msg("%s: %d", bad[i], s->status);
	}
}

static void tenants_see_their_own_jobs(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1], target[128], body[256];

	make_hosts(s);
	job_for_all(s, "", job);
	snprintf(target, sizeof(target), "/v1/jobs/%s", job);
	sample_call(s, "GET", target, s->tenant[1].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 404);
	snprintf(target, sizeof(target), "/v1/jobs/%s/cancel", job);
	sample_call(s, "POST", target, s->tenant[1].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 404);
	sample_call(s, "GET", "/v1/jobs", s->tenant[1].token[SAMPLE_OPERATOR], NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 0);
	/* Another's system is none. */
	snprintf(body, sizeof(body), "{\"select\": {\"systems\": [\"%s\"]}}", hosts[0].uid);
	sample_call(s, "POST", "/v1/jobs?preview=true", s->tenant[1].token[SAMPLE_OPERATOR], body);
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "n"), 0);
	/* A viewer may look and no more. */
	sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_VIEWER], body);
	assert_problem(s, 403, "forbidden");
	release_hosts();
}

static void a_new_key_signs_what_comes_after_it(void **state)
{
	struct sample_server *s = *state;
	char first[128], job[SUT_UID_LEN + 1];

	make_hosts(s);
	sample_call(s, "GET", "/v1/job-key", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	snprintf(first, sizeof(first), "%s", sample_text(s, "key_id"));
	assert_true(sut_startswith(sample_text(s, "public"), "untrusted comment: "));
	sample_call(s, "GET", "/v1/job-key", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_string_equal(sample_text(s, "key_id"), first);
	sample_call(s, "POST", "/v1/job-key", s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_problem(s, 403, "forbidden");
	sample_call(s, "POST", "/v1/job-key", s->tenant[0].token[SAMPLE_ADMIN], NULL);
	assert_status(s, 201);
	assert_string_not_equal(sample_text(s, "key_id"), first);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM job_keys WHERE secret IS NOT NULL"),
			 1);
	job_for_all(s, "", job);
	sample_advance(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM manifests m JOIN job_keys k ON"
					  " k.key_id = m.key_id AND k.retired IS NULL"),
			 1);
	release_hosts();
}

/* Whatever the counts say, and however often it is asked. */
static void the_next_step_depends_on_nothing_else(void **state _unused_)
{
	struct job_row j = {.id = 1, .expires = 1000, .spec = {.max_failed = -1}};
	struct job_look look = {0};

	snprintf(j.state, sizeof(j.state), "running");
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_END);
	j.n[JOB_QUEUED] = 3;
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_BATCH);
	j.batch_now = 1;
	look.queued_now = 2;
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_OFFER);
	look.queued_now = 0;
	j.n[JOB_OFFERED] = 1;
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_NONE);
	look.unfetched = 1;
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_BATCH);
	j.n[JOB_WAITING] = 1;
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_NONE);
	j.n[JOB_WAITING] = 0;
	j.spec.batch_pause_s = 5;
	assert_int_equal(job_next(&j, &look, 10), JOB_STEP_PAUSE);
	j.next_batch = 15;
	assert_int_equal(job_next(&j, &look, 14), JOB_STEP_NONE);
	assert_int_equal(job_next(&j, &look, 15), JOB_STEP_BATCH);
	j.spec.max_failed = 0;
	j.n[JOB_FAILED] = 1;
	assert_int_equal(job_next(&j, &look, 15), JOB_STEP_STOP);
	assert_int_equal(job_next(&j, &look, 1001), JOB_STEP_EXPIRE);
	j.n[JOB_QUEUED] = j.n[JOB_OFFERED] = 0;
	j.n[JOB_RUNNING] = 1;
	assert_int_equal(job_next(&j, &look, 1000 + JOB_GRACE_SEC), JOB_STEP_NONE);
	assert_int_equal(job_next(&j, &look, 1001 + JOB_GRACE_SEC), JOB_STEP_NO_ANSWER);
	j.ended = 1;
	assert_int_equal(job_next(&j, &look, 5000), JOB_STEP_NONE);
}

static void windows_are_those_of_agents(void **state _unused_)
{
	static const char *const good[] = {"daily 02:00-05:00", "Mon-Fri 22:00-04:00",
					   "sat,SUN 00:00-24:00", "Fri-Mon\t22:30-04:05"};
	static const char *const bad[] = {"",
					  "daily",
					  "02:00-05:00",
					  "Mon 2:00-05:00",
					  "Mon-Fri, 22:00-04:00",
					  "Mon,,Tue 22:00-04:00",
					  "Noday 22:00-04:00",
					  "Mon 22:00-22:00",
					  "Mon 24:00-04:00",
					  "Mon 22:60-23:00",
					  "Mon 22:00-25:00"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		if (!job_window_ok(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (job_window_ok(bad[i]))
			fail_msg("%s", bad[i]);
}

/* --- by what scans found --- */

#define SCAN_HEAD "host,cve,package,version,severity\n"
#define SCAN_IMAGE ",linux-image-6.1.0-47-amd64,6.1.170-3,high\n"

/* n systems take part; skipped: the reason of the one that does not, or NULL. */
static void assert_preview(struct sample_server *s, const char *select, int n, int cves,
			   const char *skipped)
{
	const json_t *list;
	char body[256];

	snprintf(body, sizeof(body), "{\"select\": {%s}}", select);
	sample_call(s, "POST", "/v1/jobs?preview=true", s->tenant[0].token[SAMPLE_OPERATOR], body);
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "n"), n);
	assert_int_equal(sample_int(s, "cves"), cves);
	list = json_object_get(s->json, "skipped");
	assert_int_equal(json_array_size(list), skipped ? 1 : 0);
	if (skipped)
		assert_string_equal(sut_json_text(json_array_get(list, 0), "reason"), skipped);
}

static void systems_are_found_by_what_scans_found_on_them(void **state)
{
	struct sample_server *s = *state;

	sample_coverage(s, &s->tenant[0]);
	sample_machine(s, &s->tenant[0], "web1", 0);
	sample_machine(s, &s->tenant[0], "web2", 1);
	sample_sql(s, "UPDATE hosts SET job_key = 'x'");
	sample_import(s, &s->tenant[0], "?name=fleet.csv",
		      SCAN_HEAD "web1,CVE-2026-1001" SCAN_IMAGE "web1,CVE-2026-1004" SCAN_IMAGE
				"web2,CVE-2026-1001" SCAN_IMAGE);
	/* web2 has it closed; the other one needs a reboot. */
	assert_preview(s, "\"cves\": [\"CVE-2026-1001\"]", 1, 1, "nothing-to-do");
	assert_preview(s, "\"cves\": [\"CVE-2026-1001\"], \"verdicts\": [\"fix-ready\"]", 1, 1,
		       NULL);
	assert_preview(s, "\"verdicts\": [\"fix-ready\"]", 1, 1, NULL);
	assert_preview(s, "\"cves\": [\"CVE-2026-1004\"]", 0, 0, "nothing-to-do");
	assert_preview(s, "\"verdicts\": [\"reboot-needed\"]", 0, 0, "nothing-to-do");
	assert_preview(s, "\"cves\": [\"CVE-2020-1000\"]", 0, 0, NULL);
	assert_preview(s, "\"cves\": [\"CVE-2026-1001\"], \"query\": {\"q\": \"web2\"}", 0, 0,
		       "nothing-to-do");
	assert_preview(s, "\"verdicts\": [\"fix-ready\"], \"query\": {\"q\": \"web2\"}", 0, 0,
		       NULL);
	sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"select\": {\"cves\": [\"1001\"]}}");
	assert_status(s, 422);
	sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"select\": {\"verdicts\": [\"good\"]}}");
	assert_status(s, 422);
	sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"select\": {\"findings\": [\"x\"]}}");
	assert_status(s, 422);
}

/* Two consoles on one database, each with its task: nothing is signed twice. */
static void two_consoles_sign_once(void **state)
{
	struct sample_server *s = *state;
	struct server *second = sample_server_another(s, 0);
	struct sut_db *db = sample_db_open(&s->db);
	char job[SUT_UID_LEN + 1];
	struct sut_err err = {0};

	make_hosts(s);
	job_for_all(s, ", \"batch\": {\"size\": 1}", job);
	for (int i = 0; i < HOSTS; i++) {
		sample_advance(s);
		assert_ok(job_advance(second, db, s->now, &err), err);
		assert_int_equal(sample_job_count(s, job, "offered"), 1);
		finish(s, i, "applied", 0);
	}
	assert_ok(job_advance(second, db, s->now, &err), err);
	sample_advance(s);
	assert_string_equal(state_of(s, job), "done");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM manifests"), HOSTS);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'job.finished'"), 1);
	sut_db_free(db);
	server_freep(&second);
	release_hosts();
}

static void evidence_and_table_are_for_those_who_may(void **state)
{
	struct sample_server *s = *state;
	char job[SUT_UID_LEN + 1];

	make_hosts(s);
	job_for_all(s, ", \"title\": \"=1+1\"", job);
	sample_advance(s);
	finish(s, 0, "applied", 0);
	sample_call(s, "GET", "/v1/exports/jobs.csv", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), ",applied,"));
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "'=1+1"));
	sample_call(s, "GET", "/v1/exports/jobs.csv?job=other", s->tenant[0].token[SAMPLE_VIEWER],
		    NULL);
	assert_null(strstr(sut_buf_str(&s->r.raw), ",applied,"));
	sample_call(s, "GET", "/v1/exports/jobs.csv", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_null(strstr(sut_buf_str(&s->r.raw), ",applied,"));
	sample_call(s, "GET", "/v1/evidence", s->tenant[0].token[SAMPLE_AUDITOR], NULL);
	assert_status(s, 200);
	assert_true(s->r.raw.len > 1000 && memcmp(s->r.raw.data, "\x1f\x8b", 2) == 0);
	sample_call(s, "GET", "/v1/evidence", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_problem(s, 403, "forbidden");
	sample_call(s, "GET", "/v1/evidence?from=yesterday", s->tenant[0].token[SAMPLE_AUDITOR],
		    NULL);
	assert_problem(s, 400, "bad-argument");
	release_hosts();
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, sample_jobs_configure, 0                                                    \
	}

int main(void)
{
	static const struct CMUnitTest pure[] = {
		cmocka_unit_test(the_next_step_depends_on_nothing_else),
		cmocka_unit_test(windows_are_those_of_agents),
	};
	static const struct sample_server_case cases[] = {
		CASE(a_job_goes_from_its_making_to_its_end),
		CASE(the_manifest_says_what_was_asked),
		CASE(batches_follow_each_other_with_a_pause),
		CASE(one_that_does_not_fetch_its_job_does_not_keep_the_next_batch),
		CASE(one_that_fetched_it_and_is_silent_does),
		CASE(too_many_failures_stop_a_job),
		CASE(as_many_as_may_fail_do_not_stop_it),
		CASE(cancelling_calls_back_what_no_agent_has),
		CASE(what_is_late_ends),
		CASE(what_failed_is_tried_again),
		CASE(who_cannot_take_part_is_named_with_the_reason),
		CASE(one_that_is_gone_at_its_turn_is_skipped),
		CASE(nobody_makes_no_job),
		CASE(what_is_asked_is_looked_at),
		CASE(tenants_see_their_own_jobs),
		CASE(a_new_key_signs_what_comes_after_it),
		CASE(systems_are_found_by_what_scans_found_on_them),
		CASE(two_consoles_sign_once),
		CASE(evidence_and_table_are_for_those_who_may),
	};
	int failed = cmocka_run_group_tests(pure, NULL, NULL);

	return SAMPLE_CONSOLE_RUN(cases) + failed;
}
