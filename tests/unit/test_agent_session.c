// SPDX-License-Identifier: Apache-2.0
/* session.h and report.h: repeated attempts, the lock, and what failures turn into. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "kernel/session.h"

static void waits_double_and_make_about_a_minute(void **state _unused_)
{
	unsigned int sum = 0;

	assert_int_equal(sut_session_backoff_ms(1), 250);
	assert_int_equal(sut_session_backoff_ms(2), 500);
	assert_int_equal(sut_session_backoff_ms(7), 15000);
	assert_int_equal(sut_session_backoff_ms(1000), 15000);
	for (unsigned int n = 1; n < SUT_ATTEMPTS_DEFAULT; n++)
		sum += sut_session_backoff_ms(n);
	assert_in_range(sum, 50000, 70000);
}

/* Answers outcomes[0], [1], …, as the engine would. */
struct script {
	const uint32_t *outcomes;
	unsigned int calls;
};

static int play(const struct sut_engine *e _unused_, const void *arg, struct suture_result *ret,
		struct sut_err *err)
{
	struct script *s = *(struct script *const *)arg;

	*ret = (struct suture_result){.outcome = s->outcomes[s->calls++]};
	return ret->outcome == SUTURE_OK ? 0 : sut_report_explain(ret, EBUSY, err);
}

static int attempts(const uint32_t *outcomes, unsigned int max, struct sut_report *r)
{
	const struct sut_engine e = SUT_ENGINE_INIT;
	struct script s = {.outcomes = outcomes}, *p = &s;
	int k = sut_session_switch(r, &e, max, play, &p);

	assert_int_equal(s.calls, r->attempts);
	return k;
}

static void only_busy_is_tried_again(void **state _unused_)
{
	struct sut_report r = {.command = "test", .json = true};

	assert_int_equal(attempts((uint32_t[]){SUTURE_OK}, 10, &r), 0);
	assert_int_equal(r.attempts, 1);

	r.attempts = 0;
	assert_int_equal(
		attempts((uint32_t[]){SUTURE_E_BUSY, SUTURE_E_UNRELIABLE, SUTURE_OK}, 10, &r), 0);
	assert_int_equal(r.attempts, 3);
	assert_int_equal(r.err.code, 0);

	r.attempts = 0;
	assert_int_equal(attempts((uint32_t[]){SUTURE_E_BUSY, SUTURE_E_BUSY}, 2, &r), -EBUSY);
	assert_int_equal(r.attempts, 2);
	assert_int_equal(sut_report_exit(&r.err), SUT_EXIT_BUSY);

	r.attempts = 0;
	assert_true(attempts((uint32_t[]){SUTURE_E_MISMATCH}, 10, &r) < 0);
	assert_int_equal(r.attempts, 1);
	assert_int_equal(sut_report_exit(&r.err), SUT_EXIT_CONFLICT);
}

static void every_outcome_has_cause_advice_and_exit(void **state _unused_)
{
	static const int exits[] = {
		[SUTURE_E_TABLE] = 1,	 [SUTURE_E_BUILD_ID] = 3,  [SUTURE_E_SYMBOL] = 3,
		[SUTURE_E_MISMATCH] = 4, [SUTURE_E_BUSY] = 2,	   [SUTURE_E_UNRELIABLE] = 2,
		[SUTURE_E_FTRACE] = 4,	 [SUTURE_E_NOT_FOUND] = 1, [SUTURE_E_CHANGED] = 4,
		[SUTURE_E_NOMEM] = 1,	 [SUTURE_E_REACH] = 1,	   [SUTURE_E_REACH + 1] = 1,
	};

	for (uint32_t i = 1; i < SUT_ARRAY_SIZE(exits); i++) {
		struct suture_result res = {.outcome = i, .func = "unix_ioctl"};
		struct sut_err err = {0};

		assert_int_equal(sut_report_explain(&res, EIO, &err), -EIO);
		assert_int_equal(sut_report_exit(&err), exits[i]);
		assert_non_null(strstr(err.msg, ". "));
		assert_true(err.reason[0]);
	}
}

/* A script can tell "nobody vouches for it" from every other failure. */
static void what_is_not_trusted_has_its_own_exit(void **state _unused_)
{
	static const char *const reasons[] = {
		"unsigned",	    "signature-unreadable",
		"signature-format", "bad-signature",
		"unknown-key",	    "claim",
		"no-keys",	    "keys",
		"permissions",	    "policy",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(reasons); i++) {
		struct sut_err err = {0};

		sut_err_reason(&err, EPERM, reasons[i], "for a test");
		assert_int_equal(sut_report_exit(&err), 5);
	}
}

static void second_lock_fails_at_once(void **state _unused_)
{
	_cleanup_(sut_freep) char *dir = NULL;
	_cleanup_(sut_freep) char *path = NULL;
	_cleanup_(sut_closep) int a = -1, b = -1;
	struct sut_err err = {0};

	assert_int_equal(sut_tmpdir("lock", &dir, &err), 0);
	path = sut_sprintf("%s/suture.lock", dir);
	assert_int_equal(sut_session_lock(path, &a, &err), 0);
	assert_int_equal(sut_session_lock(path, &b, &err), -EBUSY);
	assert_string_equal(err.reason, "locked");
	assert_int_equal(b, -1);
	close(a);
	a = -1;
	assert_int_equal(sut_session_lock(path, &b, &err), 0);
	/* Not through a link that somebody put there. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_true(sut_session_lock(path, &a, &err) < 0);
	assert_int_equal(sut_rm_rf(dir, &err), 0);
}

static void number_of_attempts_is_checked(void **state _unused_)
{
	static const char *const bad[] = {
		"", "0", "-1", "1001", "ten", "5x", "99999999999999999999"};
	unsigned int n = 7;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_false(sut_session_parse_attempts(bad[i], &n));
	assert_int_equal(n, 7);
	assert_true(sut_session_parse_attempts("1000", &n));
	assert_int_equal(n, 1000);
}

static void text_of_any_bytes_becomes_json(void **state _unused_)
{
	json_t *a = sut_report_text("ok \xc3\xa4"), *b = sut_report_text("bad \xff\xfe");
	int64_t back = 0;
	char at[32];

	assert_string_equal(json_string_value(a), "ok \xc3\xa4");
	assert_string_equal(json_string_value(b), "bad ??");
	json_decref(a);
	json_decref(b);
	sut_report_time(1795292100, at);
	assert_string_equal(at, "2026-11-21T20:15:00Z");
	assert_int_equal(sut_report_parse_time(at, &back), 0);
	assert_int_equal(back, 1795292100);
	assert_int_equal(sut_report_parse_time("", &back), -EINVAL);
	assert_int_equal(sut_report_parse_time("2026-11-21T20:15:00Zx", &back), -EINVAL);
	assert_int_equal(back, 1795292100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_and_make_about_a_minute),
		cmocka_unit_test(only_busy_is_tried_again),
		cmocka_unit_test(every_outcome_has_cause_advice_and_exit),
		cmocka_unit_test(what_is_not_trusted_has_its_own_exit),
		cmocka_unit_test(second_lock_fails_at_once),
		cmocka_unit_test(number_of_attempts_is_checked),
		cmocka_unit_test(text_of_any_bytes_becomes_json),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
