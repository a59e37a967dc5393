// SPDX-License-Identifier: Apache-2.0
/* The end of a probation, and the verbs of the administrator. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/choice.h"
#include "sample_machine.h"

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

static void apply(const struct sample_machine *s, int n)
{
	struct sut_err err = {0};

	assert_ok(sample_stage(s, n, &err), err);
	assert_ok(sample_apply(s, n, &err), err);
}

static void ahead(const struct sample_machine *s, int64_t seconds)
{
	struct sut_err err = {0};

	assert_ok(machine_file_ahead(s->root, seconds, &err), err);
}

static void settle(const struct sample_machine *s)
{
	struct sut_err err = {0};

	assert_ok(sample_settle(s, &err), err);
}

static void set(const struct sample_machine *s, const char *key, const char *json)
{
	struct sut_err err = {0};

	assert_ok(machine_file_set(s->root, key, json, &err), err);
}

static void say(const struct sample_machine *s, const char *text)
{
	struct sut_err err = {0};

	assert_ok(machine_file_say(s->root, text, &err), err);
}

/* n is quarantined for this reason, and the last good one runs (0: nothing). */
static void must_be_ill(const struct sample_machine *s, int n, const char *why, const char *detail,
			int runs)
{
	struct guard g;

	sample_guard(s, &g);
	assert_int_equal(g.nquarantined, 1);
	assert_string_equal(g.quarantined[0].patch.sha256, s->patch[n].sha256);
	assert_string_equal(g.quarantined[0].why, why);
	if (!strstr(g.quarantined[0].detail, detail))
		fail_msg("%s", g.quarantined[0].detail);
	assert_int_equal(sample_runs(s), runs);
	assert_int_equal(g.phase, runs ? GUARD_PROBATION : GUARD_IDLE);
	assert_false(g.unloaded);
}

static json_t *error_of(const json_t *state, const char *code)
{
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(state, "errors"), i, e)
		if (sut_streq(json_string_value(json_object_get(e, "code")), code))
			return e;
	return NULL;
}

static bool has_error(const struct sample_machine *s, const char *code)
{
	json_t *state = sample_state(s);
	bool found = error_of(state, code) != NULL;

	json_decref(state);
	return found;
}

/* --- a probation that is stood --- */

static void a_patch_is_good_when_its_time_is_over(void **state)
{
	const struct sample_machine *s = *state;
	struct guard g;
	json_t *j;

	apply(s, 1);
	ahead(s, 800);
	settle(s);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_PROBATION);
	ahead(s, 100);
	settle(s);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_string_equal(g.good.sha256, s->patch[1].sha256);
	j = sample_state(s);
	assert_string_equal(json_string_value(json_object_get(j, "phase")), "idle");
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "good"), "id")),
			    "K1");
	assert_true(json_is_true(json_object_get(json_object_get(j, "patch"), "ours")));
	json_decref(j);
	settle(s); /* no harm */
}

static void the_length_of_a_probation_is_the_administrators(void **state)
{
	const struct sample_machine *s = *state;
	struct guard g;

	sample_write(s, AGENT_CONF, "probation = 60s\n", 0644);
	apply(s, 1);
	ahead(s, 70);
	settle(s);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
}

static void reports_that_do_not_name_the_patch_are_no_illness(void **state)
{
	const struct sample_machine *s = *state;
	struct guard g;

	apply(s, 1);
	say(s, "WARNING: CPU: 0 PID: 1 at drivers/x.c:1 x_probe+0x1/0x2 [x]");
	ahead(s, 1000);
	settle(s);
	sample_guard(s, &g);
	assert_string_equal(g.good.id, "K1");
}

/* --- one that is not --- */

static void an_oops_in_the_patch_is_not_waited_out(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	say(s, "BUG: unix_ioctl before the switch");
	ahead(s, 5);
	apply(s, 2);
	ahead(s, 10);
	settle(s);
	assert_int_equal(sample_runs(s), 2);
	say(s, "BUG: kernel NULL pointer dereference\nRIP: 0010:unix_ioctl+0x5/0x10");
	settle(s);
	must_be_ill(s, 2, "oops", "unix_ioctl+0x5", 1);
	assert_true(has_error(s, "quarantined"));
	assert_true(sample_apply(s, 2, &err) < 0);
}

static void a_failed_health_check_takes_the_patch_back(void **state)
{
	const struct sample_machine *s = *state;

	sample_make_good(s, 1);
	sample_write(s, AGENT_HEALTH "/10-web", "#!/bin/sh\necho no answer\nexit 7\n", 0755);
	apply(s, 2);
	ahead(s, 1000);
	settle(s);
	must_be_ill(s, 2, "health", "10-web: exit 7: no answer", 1);
}

static void without_a_good_one_an_ill_patch_is_taken_out(void **state)
{
	const struct sample_machine *s = *state;

	sample_write(s, AGENT_HEALTH "/10-web", "#!/bin/sh\nexit 1\n", 0755);
	apply(s, 1);
	ahead(s, 1000);
	settle(s);
	must_be_ill(s, 1, "health", "10-web", 0);
}

static void a_good_patch_that_fell_ill_is_not_its_own_way_back(void **state)
{
	const struct sample_machine *s = *state;

	sample_make_good(s, 1);
	sample_next_boot(s, true, NULL);
	say(s, "WARNING: CPU: 0 PID: 1 at net/unix/af_unix.c:1 unix_ioctl+0x1/0x2");
	settle(s);
	must_be_ill(s, 1, "oops", "unix_ioctl", 0);
}

static void code_that_was_changed_is_an_illness_and_a_failed_look_is_not(void **state)
{
	const struct sample_machine *s = *state;
	struct guard g;

	apply(s, 1);
	set(s, "fail.verify", "\"once:conflict\"");
	ahead(s, 1000);
	settle(s);
	sample_guard(s, &g);
	assert_string_equal(g.good.id, "K1");
	apply(s, 2);
	set(s, "fail.verify", "\"once:changed\"");
	ahead(s, 1000);
	settle(s);
	must_be_ill(s, 2, "health", "changed", 1);
}

static void what_cannot_be_taken_back_is_tried_again(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	struct guard g;

	sample_make_good(s, 1);
	apply(s, 2);
	say(s, "BUG: x\n unix_ioctl+0x1/0x2");
	set(s, "fail.apply", "\"busy\"");
	set(s, "fail.revert", "\"busy\"");
	assert_true(sample_settle(s, &err) < 0);
	sample_guard(s, &g);
	assert_true(guard_is_quarantined(&g, s->patch[2].sha256));
	assert_int_equal(g.phase, GUARD_PROBATION);
	assert_int_equal(sample_runs(s), 2);
	set(s, "fail.revert", "null");
	settle(s); /* alone, when the other one does not get in */
	must_be_ill(s, 2, "oops", "unix_ioctl", 0);
}

static void no_apply_takes_back_and_brings_nothing_in(void **state)
{
	const struct sample_machine *s = *state;

	sample_make_good(s, 1);
	apply(s, 2);
	sample_write(s, AGENT_DISABLED, "", 0644);
	say(s, "BUG: x\n unix_ioctl+0x1/0x2");
	settle(s);
	must_be_ill(s, 2, "oops", "unix_ioctl", 0);
}

static void what_was_taken_out_by_hand_is_not_judged(void **state)
{
	const struct sample_machine *s = *state;
	struct guard g;

	apply(s, 1);
	set(s, "patch", "null");
	ahead(s, 1000);
	settle(s);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_true(g.unloaded);
	assert_string_equal(g.good.id, "");
}

static void checks_that_are_refused_are_told_and_not_held_against_the_patch(void **state)
{
	const struct sample_machine *s = *state;
	struct guard g;

	sample_write(s, AGENT_HEALTH "/10-web", "#!/bin/sh\nexit 1\n", 0777);
	apply(s, 1);
	ahead(s, 1000);
	settle(s);
	sample_guard(s, &g);
	assert_string_equal(g.good.id, "K1");
	assert_true(has_error(s, "health"));
}

static void checks_that_cannot_be_run_prolong_the_probation(void **state)
{
	const struct sample_machine *s = *state;
	struct agent_path health = agent_path(s->root, AGENT_HEALTH);
	struct sut_err err = {0};
	struct guard g;

	sample_write(s, AGENT_HEALTH, "not a folder", 0644);
	apply(s, 1);
	ahead(s, 1000);
	assert_int_equal(sample_settle(s, &err), -EAGAIN);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_PROBATION);
	assert_true(has_error(s, "health"));
	assert_int_equal(unlink(health.s), 0);
	settle(s);
	sample_guard(s, &g);
	assert_string_equal(g.good.id, "K1");
	assert_false(has_error(s, "health"));
}

/* A patch under which nothing can be written any more would otherwise stay for ever. */
static void checks_that_cannot_be_run_for_four_probations_count_as_illness(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	struct guard g;

	sample_write(s, AGENT_HEALTH, "not a folder", 0644);
	apply(s, 1);
	ahead(s, 4 * 900 - 60);
	assert_int_equal(sample_settle(s, &err), -EAGAIN);
	ahead(s, 61);
	settle(s);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_int_equal(g.nquarantined, 1);
	assert_string_equal(g.quarantined[0].patch.id, "K1");
	assert_string_equal(g.quarantined[0].why, "health");
}

static void residue_is_remembered_until_the_next_boot(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	json_t *j;

	sample_make_good(s, 1);
	set(s, "fail.revert", "\"once:residue\"");
	assert_ok(sample_unload(s, &err), err);
	j = sample_state(s);
	assert_true(json_is_true(json_object_get(j, "residue")));
	json_decref(j);
	assert_true(sample_apply(s, 1, &err) < 0);
	sample_next_boot(s, true, NULL);
	j = sample_state(s);
	assert_false(json_is_true(json_object_get(j, "residue")));
	json_decref(j);
}

/* --- verbs --- */

static int choose(const struct sample_machine *s, json_t *members, struct sut_err *err)
{
	json_object_set_new(members, "verb", json_string("choose"));
	return sample_verb(s, members, NULL, err);
}

static void what_is_given_is_chosen_and_the_rest_stays(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	struct choice c;

	assert_ok(choose(s, json_pack("{s:{s:i}}", "pin", "level", 3), &err), err);
	assert_ok(choose(s, json_pack("{s:[s]}", "tags", "web"), &err), err);
	assert_ok(choose(s, json_pack("{s:s}", "mode", "no-apply"), &err), err);
	assert_ok(choice_read(s->root, &c, &err), err);
	assert_int_equal(c.pin_level, 3);
	assert_int_equal(c.ntags, 1);
	assert_int_equal(c.mode, CHOICE_NO_APPLY);
	assert_int_equal(choose(s, json_pack("{s:s}", "mode", "on"), &err), -EINVAL);
	assert_int_equal(choose(s, json_pack("{s:i}", "pin", 3), &err), -EINVAL);
	assert_int_equal(choose(s, json_object(), &err), -EINVAL);
	assert_ok(choice_read(s->root, &c, &err), err);
	assert_int_equal(c.mode, CHOICE_NO_APPLY);
	assert_int_equal(c.pin_level, 3);
}

static void mode_off_takes_out_what_runs(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};

	sample_make_good(s, 1);
	set(s, "fail.revert", "\"once:busy\"");
	assert_int_equal(choose(s, json_pack("{s:s}", "mode", "off"), &err), -EBUSY);
	assert_says(err, "still runs");
	assert_int_equal(sample_runs(s), 1);
	assert_ok(choose(s, json_pack("{s:s}", "mode", "off"), &err), err);
	assert_int_equal(sample_runs(s), 0);
	assert_true(sample_apply(s, 1, &err) < 0);
	/* It is the mode that keeps it away, and nothing else. */
	assert_ok(choose(s, json_pack("{s:s}", "mode", "normal"), &err), err);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 1);
}

static void a_damaged_choice_is_replaced_by_one_that_says_the_mode(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	struct choice c;

	sample_write(s, AGENT_CHOICE, "", 0644);
	assert_int_equal(choose(s, json_pack("{s:[s]}", "tags", "web"), &err), -EBADMSG);
	assert_says(err, "suture mode normal");
	assert_ok(choose(s, json_pack("{s:s}", "mode", "normal"), &err), err);
	assert_ok(choice_read(s->root, &c, &err), err);
}

static void released_patches_may_come_again(void **state)
{
	const struct sample_machine *s = *state;
	struct sut_err err = {0};
	json_t *answer;

	apply(s, 1);
	sample_next_boot(s, false, NULL);
	assert_ok(sample_stage(s, 1, &err), err);
	assert_true(sample_apply(s, 1, &err) < 0);
	assert_int_equal(
		sample_verb(s,
			    json_pack("{s:s,s:s}", "verb", "release", "sha256", s->patch[2].sha256),
			    NULL, &err),
		-ENOENT);
	assert_ok(
		sample_verb(s,
			    json_pack("{s:s,s:s}", "verb", "release", "sha256", s->patch[1].sha256),
			    &answer, &err),
		err);
	assert_int_equal(json_integer_value(json_object_get(answer, "released")), 1);
	assert_non_null(json_object_get(answer, "state"));
	json_decref(answer);
	apply(s, 1);
	assert_int_equal(sample_runs(s), 1);
}

static void forget_leaves_nothing_behind(void **state)
{
	const struct sample_machine *s = *state;
	static const char *const gone[] = {AGENT_KERNELS, AGENT_CHOICE,	     AGENT_CLEAN,
					   AGENT_HISTORY, AGENT_APPLY_STATE, AGENT_CVES};
	struct sut_err err = {0};

	sample_make_good(s, 1);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "forget"), NULL, &err), err);
	assert_int_equal(sample_runs(s), 0);
	sample_next_boot(s, true, NULL);
	assert_int_equal(sample_runs(s), 0);
	apply(s, 1);
	sample_write(s, AGENT_KERNELS "/" MACHINE_FILE_BUILD_ID "/guard.json", "?", 0644);
	set(s, "fail.revert", "\"once:busy\"");
	assert_true(sample_verb(s, json_pack("{s:s,s:b}", "verb", "forget", "purge", 1), NULL,
				&err) < 0);
	assert_int_equal(sample_runs(s), 1);
	assert_ok(sample_verb(s, json_pack("{s:s,s:b}", "verb", "forget", "purge", 1), NULL, &err),
		  err);
	assert_int_equal(sample_runs(s), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(gone); i++)
		if (sut_exists(agent_path(s->root, gone[i]).s))
			fail_msg("%s is still there", gone[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_patch_is_good_when_its_time_is_over),
		TEST(the_length_of_a_probation_is_the_administrators),
		TEST(reports_that_do_not_name_the_patch_are_no_illness),
		TEST(an_oops_in_the_patch_is_not_waited_out),
		TEST(a_failed_health_check_takes_the_patch_back),
		TEST(without_a_good_one_an_ill_patch_is_taken_out),
		TEST(a_good_patch_that_fell_ill_is_not_its_own_way_back),
		TEST(code_that_was_changed_is_an_illness_and_a_failed_look_is_not),
		TEST(what_cannot_be_taken_back_is_tried_again),
		TEST(no_apply_takes_back_and_brings_nothing_in),
		TEST(what_was_taken_out_by_hand_is_not_judged),
		TEST(checks_that_are_refused_are_told_and_not_held_against_the_patch),
		TEST(checks_that_cannot_be_run_prolong_the_probation),
		TEST(checks_that_cannot_be_run_for_four_probations_count_as_illness),
		TEST(residue_is_remembered_until_the_next_boot),
		TEST(what_is_given_is_chosen_and_the_rest_stays),
		TEST(mode_off_takes_out_what_runs),
		TEST(a_damaged_choice_is_replaced_by_one_that_says_the_mode),
		TEST(released_patches_may_come_again),
		TEST(forget_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("agent_settle", tests, NULL, NULL);
}
