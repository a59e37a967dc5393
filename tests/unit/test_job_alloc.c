// SPDX-License-Identifier: Apache-2.0
/*
 * lib/job when memory is short: each allocation fails once. What is read is then either right or refused as
 * short of memory, never misread and never called forged.
 */
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fault.h"
#include "job/httpsig.h"
#include "job/manifest.h"
#include "job/result.h"

enum { ALLOCATIONS_MAX = 20000 };

static const char manifest[] =
	"{\"format\": \"suture-job\", \"version\": 1, \"id\": \"job-0001\", "
	"\"issuer\": \"platform.example\", \"created\": \"2026-11-22T06:00:00Z\", "
	"\"expires\": \"2026-11-23T06:00:00Z\", \"systems\": [\"7f3k9m2q4r8s1t5v\", \"b\"], "
	"\"external_ids\": [\"srv-0001\"], \"action\": \"apply\", "
	"\"targets\": [{\"latest\": true}], \"windows\": [\"daily 02:00-05:00\"]}";
static struct {
	struct sut_privkey *private;
	struct sut_pubkey *public;
	struct sut_dsse_key key;
	struct sut_buf job, result, input, signature;
} ours;
static const struct sut_httpsig_component request[] = {{"@method", "GET"}, {"@path", "/"}};
static const struct sut_httpsig_params params = {.created = 1, .expires = -1, .keyid = "a"};

static int make_result(struct sut_buf *out, struct sut_err *err)
{
	json_t *host = json_pack("{s:s}", "system_id", "7f3k9m2q4r8s1t5v");
	struct sut_job_steps steps = {0};
	struct sut_job_report r = {.job = "job-0001",
				   .outcome = "applied",
				   .begun = 1,
				   .ended = 2,
				   .host = host,
				   .steps = &steps};
	int ret = -ENOMEM;

	sut_job_step_begin(&steps, "apply", 1, 1);
	if (host)
		ret = sut_job_result_make(&r, out, err);
	json_decref(host);
	return ret;
}

static int setup(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	struct sut_err err = {0};

	ours.job = ours.result = SUT_BUF_INIT(SUT_DSSE_MAX);
	ours.input = ours.signature = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	ours.key.name = "platform";
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &ours.private, &err), err);
	assert_ok(sut_privkey_public(ours.private, &ours.public, &err), err);
	assert_int_equal(sut_pubkey_ed25519(ours.public, ours.key.key), 0);
	assert_ok(sut_dsse_sign(ours.private, SUT_JOB_TYPE, manifest, strlen(manifest), &ours.job,
				&err),
		  err);
	assert_ok(make_result(&b, &err), err);
	assert_ok(
		sut_dsse_sign(ours.private, SUT_JOB_RESULT_TYPE, b.data, b.len, &ours.result, &err),
		err);
	assert_ok(sut_httpsig_sign(ours.private, request, 2, &params, &ours.input, &ours.signature,
				   &err),
		  err);
	return 0;
}

static int teardown(void **state _unused_)
{
	sut_privkey_free(ours.private);
	sut_pubkey_free(ours.public);
	sut_buf_release(&ours.job);
	sut_buf_release(&ours.result);
	sut_buf_release(&ours.input);
	sut_buf_release(&ours.signature);
	return 0;
}

static int open_job(struct sut_err *err)
{
	char digest[SUT_SHA256_HEX];
	struct sut_job j = {0};
	int r = sut_job_open(ours.job.data, ours.job.len, &ours.key, 1, &j, digest, NULL, err);

	if (r == 0) {
		assert_string_equal(j.id, "job-0001");
		assert_true(sut_job_names(&j, "7f3k9m2q4r8s1t5v", NULL));
		assert_true(sut_job_names(&j, NULL, "srv-0001"));
		assert_int_equal(j.systems.n, 2);
		assert_int_equal(j.windows.n, 1);
		assert_int_equal(j.ntargets, 1);
		sut_job_release(&j);
	}
	return r;
}

static int open_result(struct sut_err *err)
{
	struct sut_job_result got = {0};
	int r = sut_job_result_open(ours.result.data, ours.result.len, &ours.key, 1, &got, NULL,
				    err);

	if (r == 0) {
		assert_string_equal(got.system_id, "7f3k9m2q4r8s1t5v");
		sut_job_result_release(&got);
	}
	return r;
}

static int write_result(struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	_cleanup_buf_ struct sut_buf e = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_job_result got = {0};
	int r = make_result(&b, err);

	if (r == 0) /* whole, then */
		assert_true(strstr(sut_buf_str(&b), "\"error\":null}") != NULL);
	if (r == 0)
		r = sut_dsse_sign(ours.private, SUT_JOB_RESULT_TYPE, b.data, b.len, &e, err);
	if (r == 0)
		r = sut_job_result_open(e.data, e.len, &ours.key, 1, &got, NULL, err);
	sut_job_result_release(&got);
	return r;
}

static int check_request(struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf i = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	_cleanup_buf_ struct sut_buf g = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	struct sut_httpsig s;
	int r = sut_httpsig_sign(ours.private, request, 2, &params, &i, &g, err);

	if (r == 0)
		assert_string_equal(sut_buf_str(&g), sut_buf_str(&ours.signature));
	if (r == 0)
		r = sut_httpsig_parse(sut_buf_str(&i), sut_buf_str(&g), &s, err);
	return r < 0 ? r : sut_httpsig_verify(&s, ours.public, request, 2, NULL, err);
}

static void each_allocation(int (*fn)(struct sut_err *err))
{
	uint64_t n;

	for (n = 1; n < ALLOCATIONS_MAX; n++) {
		struct sut_err err = {0};
		uint64_t count;
		int r;

		fault_alloc_arm(n);
		r = fn(&err);
		count = fault_alloc_disarm();
		/* OpenSSL does not always say why it failed. */
		if (r < 0 && r != -ENOMEM && r != -EIO)
			fail_msg("allocation %llu: %d: %s", (unsigned long long)n, r, err.msg);
		if (n > count) {
			assert_int_equal(r, 0);
			break;
		}
	}
	assert_true(n > 10 && n < ALLOCATIONS_MAX);
}

static void a_manifest_is_read_or_memory_is_short(void **state _unused_)
{
	each_allocation(open_job);
}

static void a_result_is_read_or_memory_is_short(void **state _unused_)
{
	each_allocation(open_result);
}

static void a_result_is_whole_or_memory_is_short(void **state _unused_)
{
	each_allocation(write_result);
}

static void a_request_is_signed_and_checked_or_memory_is_short(void **state _unused_)
{
	each_allocation(check_request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_read_or_memory_is_short),
		cmocka_unit_test(a_result_is_read_or_memory_is_short),
		cmocka_unit_test(a_result_is_whole_or_memory_is_short),
		cmocka_unit_test(a_request_is_signed_and_checked_or_memory_is_short),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
