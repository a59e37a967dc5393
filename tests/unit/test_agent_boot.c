// SPDX-License-Identifier: Apache-2.0
/* What suture-apply does after a boot, before the machine goes down, and when it was killed in between. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/history.h"
#include "sample_machine.h"
#include "suture-apply/clean.h"

static int set_up(void **state)
{
	*state = sample_machine_new();
	return 0;
}

static int tear_down(void **state)
{
	sample_machine_free(*state);
	return 0;
}

static enum guard_phase phase(const struct sample_machine *s)
{
	struct guard g;

	sample_guard(s, &g);
	return g.phase;
}

static bool quarantined(const struct sample_machine *s, int n)
{
	struct guard g;

	sample_guard(s, &g);
	return guard_is_quarantined(&g, s->patch[n].sha256);
}

static bool has_error(const struct sample_machine *s, const char *code)
{
	json_t *state = sample_state(s), *e;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(state, "errors"), i, e)
		found |= sut_streq(json_string_value(json_object_get(e, "code")), code);
	json_decref(state);
	return found;
}

/* The last event of this kind: its detail, "" without one; NULL: there is no such event. */
static const char *event(const struct sample_machine *s, const char *name)
{
	static char detail[4096];
	const char *found = NULL;
	struct sut_err err = {0};
	json_t *list, *e;
	size_t i;

	assert_ok(history_read(s->root, 1000, &list, &err), err);
	json_array_foreach(list, i, e) {
		const char *text = json_string_value(json_object_get(e, "detail"));

		if (!sut_streq(json_string_value(json_object_get(e, "event")), name))
			continue;
		snprintf(detail, sizeof(detail), "%s", text ? text : "");
		found = detail;
	}
	json_decref(list);
	return found;
}

static void apply(const struct sample_machine *s, int n)
{
	struct sut_err err = {0};

	assert_ok(sample_stage(s, n, &err), err);
	assert_ok(sample_apply(s, n, &err), err);
}

/* --- */

static void the_last_good_patch_is_back_after_a_boot(void **state)
{
	const struct sample_machine *s = *state;

	sample_make_good(s, 1);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 1);
	assert_int_equal(phase(s), GUARD_PROBATION);
	assert_string_equal(event(s, "boot"), "K1 is back");
	sample_next_boot(s, false, NULL); /* a power cut */
	assert_int_equal(sample_runs(s), 1);
	assert_false(quarantined(s, 1));
}

static void a_machine_without_patches_boots_quietly(void **state)
{
	const struct sample_machine *s = *state;
	json_t *j;

	sample_next_boot(s, false, NULL);
	assert_int_equal(sample_runs(s), 0);
	j = sample_state(s);
	assert_true(json_is_null(json_object_get(j, "patch")));
	assert_int_equal(json_array_size(json_object_get(j, "errors")), 0);
	json_decref(j);
}

static void a_crash_in_probation_quarantines_and_goes_back(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	json_t *j, *q;

	sample_make_good(s, 1);
	apply(s, 2);
	assert_ok(machine_file_panic(s->root, "dmesg-efi-17\n<1>BUG: page fault in unix_ioctl\n",
				     &err),
		  err);
	sample_next_boot(s, false, NULL);
	assert_int_equal(sample_runs(s), 1);
	assert_true(quarantined(s, 2));
	assert_true(has_error(s, "quarantined"));
	assert_string_equal(event(s, "quarantined"), "panic");
	j = sample_state(s);
	q = json_array_get(json_object_get(j, "quarantined"), 0);
	assert_string_equal(json_string_value(json_object_get(q, "why")), "panic");
	assert_non_null(strstr(json_string_value(json_object_get(q, "detail")), "unix_ioctl"));
	json_decref(j);
	/* It is not applied again, whoever asks. */
	assert_ok(sample_stage(s, 2, &err), err);
	assert_true(sample_apply(s, 2, &err) < 0);
	assert_string_equal(err.reason, "quarantined");
	assert_int_equal(sample_runs(s), 1);
}

static void a_crash_of_the_first_patch_leaves_the_machine_without_one(void **state)
{
	const struct sample_machine *s = *state;

	apply(s, 1);
	sample_next_boot(s, false, NULL);
	assert_int_equal(sample_runs(s), 0);
	assert_true(quarantined(s, 1));
}

static void a_panic_in_the_switch_itself_is_survived(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	int status;
	pid_t pid;

	sample_make_good(s, 1);
	assert_ok(sample_stage(s, 2, &err), err);
	assert_ok(machine_file_set(s->root, "fail.apply", "\"once:panic\"", &err), err);
	pid = fork();
	if (pid == 0)
		_exit(sample_apply(s, 2, &err) < 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 134);
	sample_next_boot(s, false, NULL);
	assert_int_equal(sample_runs(s), 1);
	assert_true(quarantined(s, 2));
}

static void an_orderly_reboot_in_probation_blames_nobody(void **state)
{
	const struct sample_machine *s = *state;

	sample_make_good(s, 1);
	apply(s, 2);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 1);
	assert_false(quarantined(s, 2));
}

static void a_mark_that_was_made_by_mistake_does_not_hide_a_crash(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	assert_ok(sample_shutdown_verb(s, &err), err);
	apply(s, 1); /* the machine goes on after all */
	sample_next_boot(s, false, NULL);
	assert_true(quarantined(s, 1));
}

static void another_kernel_in_between_changes_nothing(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	apply(s, 1);
	assert_ok(sample_shutdown_verb(s, &err), err);
	assert_ok(machine_file_set(s->root, "build_id",
				   "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"", &err),
		  err);
	for (int i = 0; i < CLEAN_BOOTS_MAX - 2; i++)
		sample_next_boot(s, i > 0, NULL);
	assert_int_equal(sample_runs(s), 0);
	assert_ok(machine_file_set(s->root, "build_id", "\"" MACHINE_FILE_BUILD_ID "\"", &err),
		  err);
	sample_next_boot(s, true, NULL);
	assert_false(quarantined(s, 1));
}

static void three_crashes_of_a_good_patch_quarantine_it(void **state)
{
	const struct sample_machine *s = *state;

	sample_make_good(s, 1);
	sample_next_boot(s, true, NULL);
	for (int i = 0; i < 2; i++) {
		sample_next_boot(s, false, NULL);
		assert_int_equal(sample_runs(s), 1);
	}
	sample_next_boot(s, false, NULL);
	assert_int_equal(sample_runs(s), 0);
	assert_true(quarantined(s, 1));
}

static void what_was_unloaded_on_purpose_stays_out(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	assert_ok(sample_unload(s, &err), err);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 0);
	apply(s, 1);
	assert_ok(machine_file_ahead(s->root, 1000, &err), err);
	assert_ok(sample_settle(s, &err), err);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 1);
}

static void the_ways_out_keep_everything_away(void **state)
{
	const struct sample_machine *s = *state;
	struct agent_path disabled = agent_path(s->root, AGENT_DISABLED);
	struct sut_err err = {0};

	sample_make_good(s, 1);
	sample_next_boot(s, true, "ro suture=off quiet");
	assert_int_equal(sample_runs(s), 0);
	assert_non_null(strstr(event(s, "boot"), "suture=off"));
	sample_next_boot(s, true, "suture=no-apply");
	assert_int_equal(sample_runs(s), 0);
	sample_write(s, AGENT_DISABLED, "", 0644);
	sample_next_boot(s, true, "quiet");
	assert_int_equal(sample_runs(s), 0);
	assert_int_equal(unlink(disabled.s), 0);
	assert_ok(sample_verb(s, json_pack("{s:s,s:s}", "verb", "choose", "mode", "no-apply"), NULL,
			      &err),
		  err);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 0);
	assert_false(has_error(s, "mode")); /* it is what was wanted */
	assert_ok(sample_verb(s, json_pack("{s:s,s:s}", "verb", "choose", "mode", "normal"), NULL,
			      &err),
		  err);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 1);
}

static void with_a_damaged_choice_nothing_is_applied(void **state)
{
	const struct sample_machine *s = *state;
	json_t *j;

	sample_make_good(s, 1);
	sample_write(s, AGENT_CHOICE, "{\"mode\"", 0644);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 0);
	assert_true(has_error(s, "choice"));
	j = sample_state(s);
	assert_true(json_is_null(json_object_get(j, "choice")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(j, "switch"), "state")),
		"no-apply");
	json_decref(j);
}

static void with_a_damaged_guard_nothing_is_applied_until_root_says_so(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	for (int i = 0; i < 2; i++) {
		sample_write(s, AGENT_KERNELS "/" MACHINE_FILE_BUILD_ID "/guard.json", "", 0644);
		sample_next_boot(s, true, NULL);
		assert_int_equal(sample_runs(s), 0);
		assert_true(has_error(s, "guard"));
		assert_true(sample_apply(s, 1, &err) < 0);
		assert_string_equal(err.reason, "guard");
	}
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "release"), NULL, &err), err);
	assert_false(has_error(s, "guard"));
	apply(s, 1);
	assert_int_equal(phase(s), GUARD_PROBATION);
}

static void what_runs_is_taken_up_by_a_new_guard(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	sample_write(s, AGENT_KERNELS "/" MACHINE_FILE_BUILD_ID "/guard.json", "{}", 0644);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "release"), NULL, &err), err);
	assert_int_equal(sample_runs(s), 1);
	assert_int_equal(phase(s), GUARD_PROBATION);
}

static void a_second_boot_of_the_same_boot_is_none(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	apply(s, 2);
	assert_ok(sample_boot_verb(s, &err), err);
	assert_int_equal(sample_runs(s), 2);
	assert_int_equal(phase(s), GUARD_PROBATION);
	assert_false(quarantined(s, 2));
}

static void a_patch_that_cannot_be_brought_back_does_not_fail_the_boot(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	assert_ok(machine_file_set(s->root, "fail.apply", "\"busy\"", &err), err);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 0);
	assert_true(has_error(s, "busy"));
	assert_int_equal(phase(s), GUARD_IDLE);
	assert_ok(machine_file_set(s->root, "fail.apply", "null", &err), err);
	sample_next_boot(s, true, NULL); /* nothing is held against it */
	assert_int_equal(sample_runs(s), 1);
}

static void in_a_container_nothing_is_touched(void **state)
{
	const struct sample_machine *s = *state;
	struct agent_path kernels = agent_path(s->root, AGENT_KERNELS);
	struct sut_err err = {0};

	assert_ok(machine_file_set(s->root, "support", "\"container\"", &err), err);
	sample_next_boot(s, true, NULL);
	assert_false(sut_exists(kernels.s));
}

static void killed_around_the_switch_the_engine_is_asked(void **state)
{
	const struct sample_machine *s = *state;
	static const char *const how[] = {"\"once:kill-before\"", "\"once:kill-after\""};
	struct sut_err err = {0};

	sample_make_good(s, 1);
	for (int after = 0; after < 2; after++) {
		struct guard g;
		int status;
		pid_t pid;

		assert_ok(sample_stage(s, 2, &err), err);
		assert_ok(machine_file_set(s->root, "fail.apply", how[after], &err), err);
		pid = fork();
		if (pid == 0)
			_exit(sample_apply(s, 2, &err) < 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(phase(s), GUARD_APPLYING);
		assert_ok(sample_settle(s, &err), err);
		assert_int_equal(phase(s), after ? GUARD_PROBATION : GUARD_IDLE);
		assert_int_equal(sample_runs(s), after ? 2 : 1);
		sample_guard(s, &g);
		assert_string_equal(g.good.id, "K1");
	}
}

static void marks_of_orderly_ends_are_bounded(void **state)
{
	const struct sample_machine *s = *state;
	struct agent_path path = agent_path(s->root, AGENT_CLEAN);
	struct sut_err err = {0};
	char id[37];

	sample_write(s, AGENT_CLEAN, "rubbish\n\nffffffff-0000-4000-8000-000000000000", 0644);
	assert_true(clean_has(s->root, "ffffffff-0000-4000-8000-000000000000"));
	assert_false(clean_has(s->root, "rubbish"));
	assert_false(clean_has(s->root, ""));
	for (unsigned int i = 0; i < 2 * CLEAN_BOOTS_MAX; i++) {
		snprintf(id, sizeof(id), "%08x-0000-4000-8000-000000000000", i);
		assert_ok(clean_add(s->root, id, &err), err);
		assert_ok(clean_add(s->root, id, &err), err);
		assert_true(clean_has(s->root, id));
	}
	assert_false(clean_has(s->root, "0000001f-0000-4000-8000-000000000000"));
	assert_true(clean_has(s->root, "00000020-0000-4000-8000-000000000000"));
	assert_ok(clean_remove(s->root, id, &err), err);
	assert_false(clean_has(s->root, id));
	assert_ok(sut_file_write(path.s, "", 0, 0644, &err), err);
	assert_false(clean_has(s->root, id));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_good_patch_is_back_after_a_boot),
		TEST(a_machine_without_patches_boots_quietly),
		TEST(a_crash_in_probation_quarantines_and_goes_back),
		TEST(a_crash_of_the_first_patch_leaves_the_machine_without_one),
		TEST(a_panic_in_the_switch_itself_is_survived),
		TEST(an_orderly_reboot_in_probation_blames_nobody),
		TEST(a_mark_that_was_made_by_mistake_does_not_hide_a_crash),
		TEST(another_kernel_in_between_changes_nothing),
		TEST(three_crashes_of_a_good_patch_quarantine_it),
		TEST(what_was_unloaded_on_purpose_stays_out),
		TEST(the_ways_out_keep_everything_away),
		TEST(with_a_damaged_choice_nothing_is_applied),
		TEST(with_a_damaged_guard_nothing_is_applied_until_root_says_so),
		TEST(what_runs_is_taken_up_by_a_new_guard),
		TEST(a_second_boot_of_the_same_boot_is_none),
		TEST(a_patch_that_cannot_be_brought_back_does_not_fail_the_boot),
		TEST(in_a_container_nothing_is_touched),
		TEST(killed_around_the_switch_the_engine_is_asked),
		TEST(marks_of_orderly_ends_are_bounded),
	};

	return cmocka_run_group_tests_name("agent_boot", tests, NULL, NULL);
}
