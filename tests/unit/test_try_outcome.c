// SPDX-License-Identifier: Apache-2.0
/* When a try counts as good: only when all that was asked for has happened. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "try/outcome.h"

#define APPLIED                                                                                    \
	"{\"state\": \"applied\", \"patch\": {\"level\": 1, \"pause_ns\": 759190, "                \
	"\"stop_ns\": 1403140}}\n"

#define ORIGINAL "{\"state\": \"original\", \"patch\": null}\n"

static struct sut_outcome o;

static void add(const char *name, int status, const char *output)
{
	struct sut_step *s = &o.steps.v[o.steps.n++];

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->status = status;
	s->output = output;
	s->len = strlen(output);
}

static void scripted(void)
{
	memset(&o, 0, sizeof(o));
	o.target = "debian/x";
	o.vm_msg = "";
	o.scripted = true;
	add("engine", 0, "");
	add("before", 1, "VULNERABLE\n");
	add("apply", 0, "");
	add("status", 0, APPLIED);
	add("applied", 0, "FIXED\n");
	add("revert", 0, "");
	add("status-reverted", 0, ORIGINAL);
	add("reverted", 1, "VULNERABLE\n");
}

static struct sut_step *step(const char *name)
{
	return (struct sut_step *)sut_steps_find(&o.steps, name);
}

static void test_applied_and_reverted_is_ok_whatever_the_script_says(void **state)
{
	(void)state;
	scripted();
	sut_outcome_judge(&o);
	assert_true(o.ok && o.applied && o.reverted);
	assert_int_equal(o.pause_ns, 759190);
	assert_int_equal(o.stop_ns, 1403140);
}

static void test_each_failure_counts(void **state)
{
	static const char *const failing[] = {"engine", "apply", "status", "revert",
					      "status-reverted"};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(failing); i++) {
		scripted();
		step(failing[i])->status = 2;
		sut_outcome_judge(&o);
		if (o.ok)
			fail_msg("a failed '%s' was not seen", failing[i]);
	}
	scripted();
	o.klog.total = 1;
	sut_outcome_judge(&o);
	assert_false(o.ok);
	scripted();
	o.vm = -EIO;
	sut_outcome_judge(&o);
	assert_false(o.ok);
}

static void test_a_status_that_denies_it_counts(void **state)
{
	static const char original[] = ORIGINAL, applied[] = APPLIED;
	static const char noise[] = "not JSON";

	(void)state;
	scripted();
	step("status")->output = original;
	step("status")->len = strlen(original);
	sut_outcome_judge(&o);
	assert_false(o.applied || o.ok);
	scripted();
	step("status-reverted")->output = applied;
	step("status-reverted")->len = strlen(applied);
	sut_outcome_judge(&o);
	assert_false(o.reverted || o.ok);
	scripted();
	step("status")->output = noise;
	step("status")->len = strlen(noise);
	sut_outcome_judge(&o);
	assert_false(o.ok);
}

static void test_a_vm_that_stops_early_is_not_ok(void **state)
{
	(void)state;
	for (size_t n = 0; n < 7; n++) {
		scripted();
		o.steps.n = n;
		sut_outcome_judge(&o);
		assert_false(o.ok);
	}
}

static void test_without_a_script_two_rounds_are_asked_for(void **state)
{
	(void)state;
	memset(&o, 0, sizeof(o));
	add("apply", 0, "");
	add("status", 0, APPLIED);
	add("revert", 0, "");
	add("status-reverted", 0, ORIGINAL);
	sut_outcome_judge(&o);
	assert_false(o.ok);
	add("apply", 0, "");
	add("status", 0, APPLIED);
	add("revert", 0, "");
	add("status-reverted", 0, ORIGINAL);
	sut_outcome_judge(&o);
	assert_true(o.ok);
}

static void test_raw_is_the_status_of_the_script(void **state)
{
	(void)state;
	memset(&o, 0, sizeof(o));
	o.raw = true;
	sut_outcome_judge(&o);
	assert_false(o.ok);
	add("script", 3, "");
	sut_outcome_judge(&o);
	assert_false(o.ok);
	step("script")->status = 0;
	sut_outcome_judge(&o);
	assert_true(o.ok);
}

static void test_json_survives_any_output(void **state)
{
	json_t *j;

	(void)state;
	scripted();
	step("before")->output = "\xff\xfe\x80 bytes";
	step("before")->len = 9;
	sut_outcome_judge(&o);
	j = sut_outcome_json(&o);
	assert_non_null(j);
	assert_true(json_is_true(json_object_get(j, "ok")));
	assert_int_equal(json_array_size(json_object_get(j, "steps")), 8);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_applied_and_reverted_is_ok_whatever_the_script_says),
		cmocka_unit_test(test_each_failure_counts),
		cmocka_unit_test(test_a_status_that_denies_it_counts),
		cmocka_unit_test(test_a_vm_that_stops_early_is_not_ok),
		cmocka_unit_test(test_without_a_script_two_rounds_are_asked_for),
		cmocka_unit_test(test_raw_is_the_status_of_the_script),
		cmocka_unit_test(test_json_survives_any_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
