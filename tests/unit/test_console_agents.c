// SPDX-License-Identifier: Apache-2.0
/* What agents and a console say to each other: who it is, nothing twice, one true result of each system of a job. */
#include "unit.h"

#include <string.h>

#include "agent/notes.h"
#include "base/str.h"
#include "job/advance.h"
#include "json/parse.h"
#include "live/live.h"
#include "sample_jobs.h"

static struct sample_host one, other;
static char job[SUT_UID_LEN + 1], name[SUT_JOB_ID_MAX + 1], sha256[65], polls[128];

/* Two systems of alpha, and a job that the first one has fetched. */
static void make(struct sample_server *s)
{
	json_t *m;

	sample_host_new(s, s->tenant[0].id, "web1", &one);
	sample_host_new(s, s->tenant[0].id, "web2", &other);
	sample_job(s, "{\"select\": {\"query\": {\"q\": \"web\"}}}", job);
	sample_advance(s);
	sample_agent_poll(s, &one);
	assert_status(s, 200);
	m = sample_manifest(s, 0, sha256);
	snprintf(name, sizeof(name), "%s", sut_json_text(m, "id"));
	json_decref(m);
	snprintf(polls, sizeof(polls), "/v1/agent/jobs?system=%s&wait=0", one.system_id);
}

static void drop(void)
{
	sample_host_release(&one);
	sample_host_release(&other);
}

static void ask(struct sample_server *s, struct sample_ask a)
{
	sample_agent_call(s, &one, &a);
}

static void answer(struct sample_server *s, const char *outcome, int exit)
{
	sample_answer(s, &one,
		      &(struct sample_result){.outcome = outcome,
					      .exit = exit,
					      .level = 4,
					      .job = name,
					      .sha256 = sha256});
}

static const char *state_of(struct sample_server *s, const struct sample_host *h)
{
	char target[128];

	snprintf(target, sizeof(target), "/v1/jobs/%s/systems/%s", job, h->uid);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	return sample_text(s, "state");
}

/* --- requests --- */

static void only_what_is_signed_is_answered(void **state)
{
	struct sample_server *s = *state;
	struct sut_privkey *stranger = NULL;
	struct sut_err err = {0};
	char target[128];

	make(s);
	sample_call(s, "GET", polls, NULL, NULL);
	assert_problem(s, 401, "signature-missing");
	sample_header(s, "Signature-Input: what");
	sample_header(s, "Signature: ever");
	sample_call(s, "GET", polls, NULL, NULL);
	assert_problem(s, 401, "signature-malformed");
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &stranger, &err), err);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .key = stranger});
	assert_problem(s, 401, "signature-invalid");
	sut_privkey_free(stranger);
	/* Of something else. */
	ask(s, (struct sample_ask){
		       .method = "GET", .target = polls, .sign_target = "/v1/agent/jobs?system=x"});
	assert_problem(s, 401, "signature-invalid");
	/* For another system. */
	snprintf(target, sizeof(target), "/v1/agent/jobs?system=%s", other.system_id);
	ask(s, (struct sample_ask){.method = "GET", .target = target});
	assert_problem(s, 403, "system-differs");
	/* By one that nobody told of. */
	sample_sql(s, "UPDATE hosts SET gone = 5 WHERE hostname = 'web1'");
	ask(s, (struct sample_ask){.method = "GET", .target = polls});
	assert_problem(s, 403, "system-unknown");
	sample_sql(s, "UPDATE hosts SET gone = NULL, job_key = '' WHERE hostname = 'web1'");
	ask(s, (struct sample_ask){.method = "GET", .target = polls});
	assert_problem(s, 403, "system-unknown");
	drop();
}

static void clocks_may_be_five_minutes_off(void **state)
{
	struct sample_server *s = *state;

	make(s);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .off = AGENT_CLOCK_SEC});
	assert_status(s, 200);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .off = -AGENT_CLOCK_SEC});
	assert_status(s, 200);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .off = AGENT_CLOCK_SEC + 1});
	assert_problem(s, 401, "clock");
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .off = -AGENT_CLOCK_SEC - 1});
	assert_problem(s, 401, "clock");
	drop();
}

static void a_request_is_good_once(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};

	make(s);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .nonce = "n1"});
	assert_status(s, 200);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .nonce = "n1"});
	assert_problem(s, 401, "replayed");
	/* Over a restart, and in another process. */
	assert_ok(agent_notes_flush(sample_console(s)->notes, s->c, s->now, &err), err);
	sample_server_again(s, sample_jobs_configure);
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .nonce = "n1"});
	assert_problem(s, 401, "replayed");
	ask(s, (struct sample_ask){.method = "GET", .target = polls, .nonce = "n2"});
	assert_status(s, 200);
	drop();
}

static void a_result_that_is_sent_again_by_another_is_refused(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *envelope = NULL;

	make(s);
	envelope = sample_result(
		s, &one,
		&(struct sample_result){
			.outcome = "waiting", .exit = 6, .job = name, .sha256 = sha256});
	ask(s, (struct sample_ask){.method = "POST",
				   .target = "/v1/agent/results",
				   .body = envelope,
				   .nonce = "p1"});
	assert_status(s, 202);
	ask(s, (struct sample_ask){.method = "POST",
				   .target = "/v1/agent/results",
				   .body = envelope,
				   .nonce = "p1"});
	assert_problem(s, 401, "replayed");
	/* By another system, which is known: it is not that one's. */
	sample_agent_call(s, &other,
			  &(struct sample_ask){.method = "POST",
					       .target = "/v1/agent/results",
					       .body = envelope});
	assert_problem(s, 422, "result-signature");
	drop();
}

static void a_body_that_was_changed_on_its_way_is_refused(void **state)
{
	struct sample_server *s = *state;

	make(s);
	/* The digest that is signed is that of another body: the signature covers what the console computes. */
	sample_agent_call(s, &one,
			  &(struct sample_ask){
				  .method = "POST", .target = "/v1/agent/results", .body = "{}"});
	assert_problem(s, 400, "envelope");
	ask(s, (struct sample_ask){.method = "POST",
				   .target = "/v1/agent/results",
				   .body = "{}",
				   .sign_target = "/v1/agent/results?x"});
	assert_problem(s, 401, "signature-invalid");
	drop();
}

/* --- jobs --- */

static void each_system_gets_its_own_jobs_until_its_result(void **state)
{
	struct sample_server *s = *state;
	struct sample_host third;

	make(s);
	assert_string_equal(state_of(s, &one), "running");
	assert_string_equal(state_of(s, &other), "offered");
	sample_host_new(s, s->tenant[0].id, "db1", &third);
	sample_agent_poll(s, &third);
	assert_status(s, 204);
	/* Again, until it answers: an answer may get lost. */
	sample_agent_poll(s, &one);
	assert_status(s, 200);
	answer(s, "applied", 0);
	assert_status(s, 200);
	sample_agent_poll(s, &one);
	assert_status(s, 204);
	/* What is over is not given. */
	s->now += 25 * 3600;
	sample_agent_poll(s, &other);
	assert_status(s, 204);
	sample_host_release(&third);
	drop();
}

/* --- results --- */

static void the_first_result_counts(void **state)
{
	struct sample_server *s = *state;

	make(s);
	answer(s, "conflict", 4);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "state"), "failed");
	answer(s, "conflict", 4);
	assert_problem(s, 409, "result-known");
	answer(s, "applied", 0);
	assert_problem(s, 409, "result-known");
	answer(s, "waiting", 6);
	assert_problem(s, 409, "result-known");
	assert_string_equal(state_of(s, &one), "failed");
	assert_string_equal(sample_text(s, "reason"), "conflict");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM results"), 1);
	assert_int_equal(sample_job_count(s, job, "total"), 2);
	drop();
}

static void a_receipt_is_followed_by_the_result(void **state)
{
	struct sample_server *s = *state;

	make(s);
	answer(s, "waiting", 6);
	assert_status(s, 202);
	assert_string_equal(state_of(s, &one), "waiting");
	/* It need not be given again. */
	sample_agent_poll(s, &one);
	assert_status(s, 204);
	answer(s, "waiting", 6);
	assert_status(s, 202);
	answer(s, "applied", 0);
	assert_status(s, 200);
	assert_string_equal(state_of(s, &one), "done");
	assert_int_equal(sample_job_count(s, job, "waiting"), 0);
	drop();
}

static void a_result_that_comes_late_corrects(void **state)
{
	struct sample_server *s = *state;

	make(s);
	s->now += 24 * 3600 + JOB_GRACE_SEC + 1;
	sample_advance(s);
	assert_string_equal(state_of(s, &one), "failed");
	assert_string_equal(sample_text(s, "reason"), "no-answer");
	assert_int_equal(sample_job_count(s, job, "expired"), 1);
	answer(s, "applied", 0);
	assert_status(s, 200);
	assert_string_equal(state_of(s, &one), "done");
	assert_int_equal(sample_job_count(s, job, "failed"), 0);
	assert_int_equal(sample_job_count(s, job, "done"), 1);
	assert_string_equal(sample_text(s, "state"), "done");
	drop();
}

/* The console was set back to a backup: it never heard that the job was fetched. */
static void a_result_of_a_job_that_was_not_fetched_counts(void **state)
{
	struct sample_server *s = *state;

	make(s);
	sample_answer(s, &other,
		      &(struct sample_result){
			      .outcome = "applied", .level = 4, .job = name, .sha256 = sha256});
	assert_status(s, 200);
	assert_string_equal(state_of(s, &other), "done");
	drop();
}

static void a_result_of_a_job_that_the_console_lost_is_refused(void **state)
{
	struct sample_server *s = *state;

	make(s);
	memset(sha256, '0', 64);
	answer(s, "applied", 0);
	assert_problem(s, 422, "manifest-unknown");
	sample_answer(s, &one, &(struct sample_result){.outcome = "envelope", .exit = 1});
	assert_problem(s, 422, "manifest-unknown");
	drop();
}

static void a_result_speaks_of_its_own_job_and_system(void **state)
{
	struct sample_server *s = *state;
	struct sample_result r = {.outcome = "applied", .level = 4, .sha256 = sha256};

	make(s);
	r.job = "another-job";
	sample_answer(s, &one, &r);
	assert_problem(s, 422, "manifest-unknown");
	r.job = name;
	r.system_id = other.system_id;
	sample_answer(s, &one, &r);
	assert_problem(s, 422, "result-foreign");
	/* Signed by another's key, brought by this one. */
	r.system_id = NULL;
	r.key = other.key;
	sample_answer(s, &one, &r);
	assert_problem(s, 422, "result-signature");
	assert_string_equal(state_of(s, &one), "running");
	drop();
}

static void a_manifest_that_was_not_trusted_is_a_failure_with_its_reason(void **state)
{
	struct sample_server *s = *state;

	make(s);
	sample_answer(s, &one,
		      &(struct sample_result){.outcome = "unknown-key",
					      .exit = 5,
					      .sha256 = sha256,
					      .error = "nobody is trusted"});
	assert_status(s, 200);
	assert_string_equal(state_of(s, &one), "failed");
	assert_string_equal(sample_text(s, "reason"), "unknown-key");
	assert_true(strstr(sample_text(s, "message"), "job-keys.d") != NULL);
	assert_true(strstr(sample_text(s, "message"), "nobody is trusted") != NULL);
	drop();
}

/* A clone has a key of its own, which nobody told of under this System ID. */
static void a_clone_is_refused(void **state)
{
	struct sample_server *s = *state;
	struct sut_privkey *clone = NULL;
	struct sut_err err = {0};
	_cleanup_(sut_freep) char *envelope = NULL;

	make(s);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &clone, &err), err);
	envelope = sample_result(s, &one,
				 &(struct sample_result){.outcome = "applied",
							 .level = 4,
							 .job = name,
							 .sha256 = sha256,
							 .key = clone});
	ask(s, (struct sample_ask){.method = "POST",
				   .target = "/v1/agent/results",
				   .body = envelope,
				   .key = clone});
	assert_problem(s, 401, "signature-invalid");
	ask(s,
	    (struct sample_ask){.method = "POST", .target = "/v1/agent/results", .body = envelope});
	assert_problem(s, 422, "result-signature");
	sut_privkey_free(clone);
	drop();
}

static void an_old_result_does_not_change_what_the_portal_told_since(void **state)
{
	struct sample_server *s = *state;

	make(s);
	sample_sql(s, "UPDATE hosts SET last_seen = 1795000600 WHERE hostname = 'web1'");
	answer(s, "applied", 0);
	assert_status(s, 200);
	assert_int_equal(sample_number(s, "SELECT level FROM hosts WHERE hostname = 'web1'"), 1);
	drop();
}

/* Somebody claims a system of another tenant, with its public key: he gets nothing of it. */
static void a_system_belongs_to_who_knew_it_first(void **state)
{
	struct sample_server *s = *state;
	char body[128], sql[512];

	make(s);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO hosts (uid, tenant, system_id, hostname, state, job_key, created,"
		 " updated) VALUES ('claimed', %lld, '%s', 'mine', 'current', '%s', 0, 0)",
		 (long long)s->tenant[1].id, one.system_id, one.job_key);
	sample_sql(s, sql);
	snprintf(body, sizeof(body), "{\"select\": {\"systems\": [\"claimed\"]}}");
	sample_call(s, "POST", "/v1/jobs", s->tenant[1].token[SAMPLE_OPERATOR], body);
	assert_status(s, 201);
	sample_advance(s);
	answer(s, "applied", 0);
	assert_status(s, 200);
	sample_agent_poll(s, &one);
	assert_status(s, 204);
	drop();
}

/* --- pages --- */

static void open_pages_are_told_what_changed(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};
	char last[64];
	const char *text;

	make(s);
	sample_call(s, "GET", "/v1/live", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	text = sut_buf_str(&s->r.raw);
	assert_true(sut_startswith(text, "id: "));
	assert_non_null(strstr(text, "event: ready"));
	snprintf(last, sizeof(last), "Last-Event-ID: %.*s", (int)strcspn(text + 4, "\n"), text + 4);
	answer(s, "applied", 0);
	sample_header(s, last);
	sample_call(s, "GET", "/v1/live", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	text = sut_buf_str(&s->r.raw);
	assert_non_null(strstr(text, "event: job"));
	assert_non_null(strstr(text, job));
	assert_non_null(strstr(text, "event: system"));
	assert_non_null(strstr(text, one.uid));
	/* From the beginning: each thing once, and nothing of others. */
	sample_header(s, "Last-Event-ID: 0");
	sample_call(s, "GET", "/v1/live", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	text = strstr(sut_buf_str(&s->r.raw), "event: job");
	assert_non_null(text);
	assert_null(strstr(text + 1, "event: job"));
	/* Without news of its own that call would be held. */
	assert_ok(live_tell(s->c, s->tenant[1].id, s->now, "scan", "theirs", &err), err);
	sample_header(s, "Last-Event-ID: 0");
	sample_call(s, "GET", "/v1/live", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "theirs"));
	assert_null(strstr(sut_buf_str(&s->r.raw), "event: job"));
	drop();
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, sample_jobs_configure, 0                                                    \
	}

int main(void)
{
	static const struct sample_server_case cases[] = {
		CASE(only_what_is_signed_is_answered),
		CASE(clocks_may_be_five_minutes_off),
		CASE(a_request_is_good_once),
		CASE(a_result_that_is_sent_again_by_another_is_refused),
		CASE(a_body_that_was_changed_on_its_way_is_refused),
		CASE(each_system_gets_its_own_jobs_until_its_result),
		CASE(the_first_result_counts),
		CASE(a_receipt_is_followed_by_the_result),
		CASE(a_result_that_comes_late_corrects),
		CASE(a_result_of_a_job_that_was_not_fetched_counts),
		CASE(a_result_of_a_job_that_the_console_lost_is_refused),
		CASE(a_result_speaks_of_its_own_job_and_system),
		CASE(a_manifest_that_was_not_trusted_is_a_failure_with_its_reason),
		CASE(a_clone_is_refused),
		CASE(an_old_result_does_not_change_what_the_portal_told_since),
		CASE(a_system_belongs_to_who_knew_it_first),
		CASE(open_pages_are_told_what_changed),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
