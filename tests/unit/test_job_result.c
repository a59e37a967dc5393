// SPDX-License-Identifier: Apache-2.0
/* Results of jobs: what is written is what a platform reads. */
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/str.h"
#include "job/result.h"

static void steps_have_times_and_outcomes(void **state _unused_)
{
	struct sut_job_steps s = {0};

	sut_job_step_begin(&s, "refresh", 100, 1000);
	sut_job_step_begin(&s, "refresh", 101, 1500); /* the same one goes on */
	sut_job_step_end(&s, "other", true, "no", 101, 1500);
	sut_job_step_end(&s, "refresh", false, NULL, 102, 3250);
	sut_job_step_begin(&s, "download", 102, 3300);
	sut_job_step_begin(&s, "apply", 104, 5300); /* ends the one before */
	sut_job_step_end(&s, "apply", true, "a\nb", 104, 5200);
	sut_job_step_begin(&s, "settle", 104, 5300);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.v[0].name, "refresh");
	assert_int_equal(s.v[0].begun, 100);
	assert_int_equal(s.v[0].ended, 102);
	assert_int_equal(s.v[0].took_ms, 2250);
	assert_false(s.v[0].failed);
	assert_int_equal(s.v[1].took_ms, 2000);
	assert_true(s.v[2].failed);
	assert_string_equal(s.v[2].text, "a?b");
	assert_int_equal(s.v[2].took_ms, 0); /* a clock that went back */
	assert_int_equal(s.v[3].ended, 0);
}

static void more_steps_than_there_is_room_for_are_left_out(void **state _unused_)
{
	struct sut_job_steps s = {0};
	char name[16];

	for (int i = 0; i < 2 * SUT_JOB_STEPS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		sut_job_step_begin(&s, name, i + 1, (uint64_t)i);
		sut_job_step_end(&s, name, false, NULL, i + 1, (uint64_t)i);
	}
	assert_int_equal(s.n, SUT_JOB_STEPS_MAX);
	assert_string_equal(s.v[SUT_JOB_STEPS_MAX - 1].name, "s63");
}

static struct sut_job_report report(json_t *host)
{
	return (struct sut_job_report){.job = "job-0001",
				       .issuer = "platform.example",
				       .action = "apply",
				       .manifest_sha256 = "77ab",
				       .agent = "0.1.0",
				       .outcome = "applied",
				       .begun = 1795292100,
				       .ended = 1795292102,
				       .host = host};
}

static void what_is_written_is_read(void **state _unused_)
{
	json_t *host = json_pack("{s:s}", "system_id", "7f3k9m2q4r8s1t5v");
	struct sut_job_report r = report(host);
	struct sut_job_steps steps = {0};
	struct sut_buf b = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	struct sut_job_result got = {0};
	struct sut_err err = {0};
	const json_t *step;

	sut_job_step_begin(&steps, "apply", 1795292100, 0);
	sut_job_step_end(&steps, "apply", false, NULL, 1795292101, 1200);
	sut_job_step_begin(&steps, "settle", 1795292101, 1200);
	r.steps = &steps;
	assert_ok(sut_job_result_make(&r, &b, &err), err);
	assert_ok(sut_job_result_parse(b.data, b.len, &got, &err), err);
	assert_string_equal(got.job, "job-0001");
	assert_string_equal(got.system_id, "7f3k9m2q4r8s1t5v");
	assert_string_equal(got.outcome, "applied");
	assert_int_equal(got.exit, 0);
	assert_true(json_is_null(json_object_get(got.root, "error")));
	assert_string_equal(json_string_value(json_object_get(got.root, "begun")),
			    "2026-11-21T20:15:00Z");
	step = json_array_get(json_object_get(got.root, "steps"), 0);
	assert_string_equal(json_string_value(json_object_get(step, "outcome")), "ok");
	assert_int_equal(json_integer_value(json_object_get(step, "took_ms")), 1200);
	step = json_array_get(json_object_get(got.root, "steps"), 1);
	assert_string_equal(json_string_value(json_object_get(step, "outcome")), "cut");
	sut_job_result_release(&got);
	sut_buf_release(&b);
	json_decref(host);
}

static void a_manifest_that_is_not_trusted_is_not_repeated(void **state _unused_)
{
	json_t *host = json_pack("{s:s}", "system_id", "7f3k9m2q4r8s1t5v");
	struct sut_job_report r = report(host);
	struct sut_buf b = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	struct sut_job_result got = {0};
	struct sut_err err = {0}, why = {0};
	const json_t *e;

	(void)sut_err_reason(&why, EKEYREJECTED, "signature", "it \x1b[31m does not fit");
	r.job = r.issuer = r.action = NULL;
	r.outcome = "signature";
	r.exit = 5;
	r.error = &why;
	assert_ok(sut_job_result_make(&r, &b, &err), err);
	assert_ok(sut_job_result_parse(b.data, b.len, &got, &err), err);
	assert_null(got.job);
	assert_int_equal(got.exit, 5);
	e = json_object_get(got.root, "error");
	assert_string_equal(json_string_value(json_object_get(e, "reason")), "signature");
	assert_null(strchr(json_string_value(json_object_get(e, "message")), 0x1b));
	sut_job_result_release(&got);
	sut_buf_release(&b);
	json_decref(host);
}

/* What busy tasks and their stacks may amount to must not cost the platform the answer. */
static void a_large_result_is_shortened_and_says_so(void **state _unused_)
{
	json_t *host = json_pack("{s:s}", "system_id", "7f3k9m2q4r8s1t5v"), *big = json_array();
	struct sut_job_report r = report(host);
	struct sut_buf b = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	struct sut_job_result got = {0};
	struct sut_err err = {0};

	for (int i = 0; i < SUT_JOB_RESULT_MAX / 8; i++)
		json_array_append_new(big, json_string("a function"));
	r.result = big;
	assert_ok(sut_job_result_make(&r, &b, &err), err);
	assert_ok(sut_job_result_parse(b.data, b.len, &got, &err), err);
	assert_true(json_is_true(json_object_get(got.root, "shortened")));
	assert_true(json_is_null(json_object_get(got.root, "libraries")));
	assert_true(json_is_null(json_object_get(got.root, "result")));
	sut_job_result_release(&got);
	r.available = sut_steal(r.result);
	r.host = big;
	assert_int_equal(sut_job_result_make(&r, &b, &err), -EFBIG);
	sut_buf_release(&b);
	json_decref(big);
	json_decref(host);
}

static void what_is_no_result_is_refused(void **state _unused_)
{
#define HEAD "{\"format\":\"suture-job-result\",\"version\":1,"
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"{}", "format"},
		{"{\"format\":\"suture-job\",\"version\":1}", "format"},
		{"{\"format\":\"suture-job-result\"}", "version"},
		{HEAD "\"x\":1}", "job"},
		{HEAD "\"job\":\"\"}", "job"},
		{HEAD "\"job\":null}", "outcome"},
		{HEAD "\"job\":null,\"outcome\":\"a b\"}", "outcome"},
		{HEAD "\"job\":null,\"outcome\":\"a\"}", "exit"},
		{HEAD "\"job\":null,\"outcome\":\"a\",\"exit\":256}", "exit"},
		{HEAD "\"job\":null,\"outcome\":\"a\",\"exit\":0}", "system"},
		{HEAD "\"job\":null,\"outcome\":\"a\",\"exit\":0,\"system\":{}}",
		 "system.system_id"},
	};
	struct sut_job_result got = {0};
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(sut_job_result_parse(bad[i].text, strlen(bad[i].text), &got, &err),
				 -EBADMSG);
		assert_string_equal(err.reason, "format");
		assert_says(err, bad[i].says);
		assert_null(got.root);
	}
	assert_int_equal(sut_job_result_parse(HEAD "\"version\":1}", strlen(HEAD) + 12, &got, &err),
			 -EBADMSG);
	assert_says(err, "twice");
	assert_int_equal(sut_job_result_parse("{\"format\":\"suture-job-result\",\"version\":2}",
					      42, &got, &err),
			 -EPROTONOSUPPORT);
}

/* Members that a later version adds do not stop a reader. */
static void unknown_members_are_passed_over(void **state _unused_)
{
	static const char text[] =
		HEAD "\"job\":\"a\",\"outcome\":\"applied\",\"exit\":0,\"new\":[1.5],"
		     "\"system\":{\"system_id\":\"s\",\"more\":1}}";
	struct sut_job_result got = {0};
	struct sut_err err = {0};

	assert_ok(sut_job_result_parse(text, strlen(text), &got, &err), err);
	assert_string_equal(got.system_id, "s");
	sut_job_result_release(&got);
}

/* A manifest, signed by the same key, is no result. */
static void a_result_is_opened_with_its_own_type_alone(void **state _unused_)
{
	static const char text[] = HEAD "\"job\":\"a\",\"outcome\":\"applied\",\"exit\":0,"
					"\"system\":{\"system_id\":\"s\"}}";
	struct sut_privkey *k = NULL;
	struct sut_pubkey *p = NULL;
	struct sut_dsse_key key = {.name = "system"};
	struct sut_buf b = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_job_result got = {0};
	struct sut_err err = {0};

	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &k, &err), err);
	assert_ok(sut_privkey_public(k, &p, &err), err);
	assert_int_equal(sut_pubkey_ed25519(p, key.key), 0);
	assert_ok(sut_dsse_sign(k, SUT_JOB_RESULT_TYPE, text, strlen(text), &b, &err), err);
	assert_ok(sut_job_result_open(b.data, b.len, &key, 1, &got, NULL, &err), err);
	sut_job_result_release(&got);
	b.len = 0;
	assert_ok(sut_dsse_sign(k, "application/vnd.suture.job+json", text, strlen(text), &b, &err),
		  err);
	assert_int_equal(sut_job_result_open(b.data, b.len, &key, 1, &got, NULL, &err), -EBADMSG);
	assert_string_equal(err.reason, "envelope");
	sut_buf_release(&b);
	sut_pubkey_free(p);
	sut_privkey_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_have_times_and_outcomes),
		cmocka_unit_test(more_steps_than_there_is_room_for_are_left_out),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_manifest_that_is_not_trusted_is_not_repeated),
		cmocka_unit_test(a_large_result_is_shortened_and_says_so),
		cmocka_unit_test(what_is_no_result_is_refused),
		cmocka_unit_test(unknown_members_are_passed_over),
		cmocka_unit_test(a_result_is_opened_with_its_own_type_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
