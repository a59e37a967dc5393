// SPDX-License-Identifier: Apache-2.0
/*
 * Everything suture-apply does goes wrong at every place: it is killed before its 1st, 2nd, 3rd … system call, and each
 * call that changes files fails, for want of space, of a writable disk, of a disk at all.
 *
 * Right after that: the guard can be read; what runs in the kernel is named by it; each staged file is
 * whole. And from there, each by itself: the next run in the same boot gets everything right; a boot after an
 * orderly end blames nobody and has the last good patch back; boots after crashes quarantine what was new at once, what
 * was good at the third, and end, so that there is no boot loop.
 */
#include "unit.h"

#include <unistd.h>

#include "base/str.h"
#include "common/choice.h"
#include "fault_scene.h"
#include "sample_machine.h"

/* --- what is promised --- */

static int level_of(const struct guard_patch *p)
{
	return p->id[0] ? (int)p->level : 0;
}

static bool quarantined(const struct sample_machine *s, const struct guard *g, int n)
{
	return guard_is_quarantined(g, s->patch[n].sha256);
}

static void is_consistent(const struct sample_machine *s)
{
	int runs = sample_runs(s);
	struct sut_err err = {0};
	struct choice c;
	struct guard g;

	sample_guard(s, &g); /* it can be read, or this ends here */
	if (runs)
		assert_true(runs == level_of(&g.now) || runs == level_of(&g.before) ||
			    runs == level_of(&g.good));
	assert_ok(choice_read(s->root, &c, &err), err);
	fault_staged_are_whole(s, AGENT_KERNELS "/" MACHINE_FILE_BUILD_ID, ".kpatch.bin",
			       "guard.json.damaged");
	fault_is_json(s, AGENT_APPLY_STATE);
}

static bool is_ill; /* K2 runs, and the kernel complains about it */

/* The next run, in the same boot, with nothing in its way. */
static void the_next_run_gets_it_right(struct sample_machine *s)
{
	struct sut_err err = {0};
	struct guard g;
	int want;

	assert_ok(sample_settle(s, &err), err);
	is_consistent(s);
	sample_guard(s, &g);
	assert_int_not_equal(g.phase, GUARD_APPLYING);
	if (g.phase == GUARD_PROBATION)
		assert_int_equal(sample_runs(s), level_of(&g.now));
	if (is_ill)
		assert_true(quarantined(s, &g, 2) && sample_runs(s) == 1);
	if (sample_runs(s))
		assert_false(quarantined(s, &g, sample_runs(s)));
	want = quarantined(s, &g, 2) ? 1 : 2;
	assert_ok(sample_stage(s, want, &err), err);
	if (sample_runs(s) != want)
		assert_ok(sample_apply(s, want, &err), err);
	assert_ok(machine_file_ahead(s->root, 2000, &err), err);
	assert_ok(sample_settle(s, &err), err);
	assert_int_equal(sample_runs(s), want);
	sample_guard(s, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_int_equal(level_of(&g.good), want);
	is_consistent(s);
}

static void an_orderly_boot_blames_nobody(struct sample_machine *s)
{
	struct guard before, after;
	json_t *boot = NULL;
	struct sut_err err = {0};

	sample_guard(s, &before);
	assert_ok(machine_file_get(s->root, "boot_id", &boot, &err), err);
	sample_next_boot(s, true, NULL);
	is_consistent(s);
	sample_guard(s, &after);
	/* An end before that one, which nobody has looked at yet, is what it was. */
	if (before.phase != GUARD_IDLE && !sut_streq(before.boot_id, json_string_value(boot)))
		assert_true(quarantined(s, &after, level_of(&before.now)));
	else
		assert_int_equal(after.nquarantined, before.nquarantined);
	json_decref(boot);
	assert_int_equal(sample_runs(s), before.unloaded ? 0 : level_of(&before.good));
}

static void crashes_end(struct sample_machine *s)
{
	int runs = sample_runs(s);
	struct guard before, after;

	sample_guard(s, &before);
	sample_next_boot(s, false, NULL);
	is_consistent(s);
	sample_guard(s, &after);
	if (runs && runs != level_of(&before.good))
		assert_true(quarantined(s, &after, runs));
	if (before.phase != GUARD_IDLE && level_of(&before.now) != level_of(&before.good))
		assert_true(quarantined(s, &after, level_of(&before.now)));
	assert_int_equal(sample_runs(s), before.unloaded ? 0 : level_of(&after.good));
	for (int i = 0; i < 3; i++) {
		sample_next_boot(s, false, NULL);
		is_consistent(s);
	}
	assert_int_equal(sample_runs(s), 0);
}

static const struct fault_next next[] = {
	{"the next run", the_next_run_gets_it_right},
	{"an orderly boot", an_orderly_boot_blames_nobody},
	{"crashes", crashes_end},
	{0},
};

static void everywhere(struct sample_machine *s, const char *place,
		       int (*run)(const struct sample_machine *s, struct sut_err *err))
{
	fault_everywhere(&(struct fault_scene){.s = s,
					       .place = place,
					       .run = run,
					       .holds = is_consistent,
					       .next = next,
					       .kill_step = {7, 61},
					       .error_step = {6, 30}});
}

/* --- the scenes: K1 is good and runs --- */

/* What sutured hands over; it is not the one that goes wrong. */
static int patch_fd = -1, sig_fd = -1;

static int run_stage(const struct sample_machine *s, struct sut_err *err)
{
	return sample_stage_fds(s, 2, patch_fd, sig_fd, err);
}

static int run_apply(const struct sample_machine *s, struct sut_err *err)
{
	return sample_apply(s, 2, err);
}

static int set_up(void **state)
{
	struct sample_machine *s = sample_machine_new();

	sample_make_good(s, 1);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	fault_scene_say();
	is_ill = false;
	sample_machine_free(*state);
	return 0;
}

static void staging(void **state)
{
	struct sample_machine *s = *state;

	patch_fd = sample_sealed(&s->patch[2].file);
	sig_fd = sample_sealed(&s->patch[2].sig);
	everywhere(s, "stage", run_stage);
	close(patch_fd);
	close(sig_fd);
}

static void applying(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	assert_ok(sample_stage(s, 2, &err), err);
	everywhere(s, "apply", run_apply);
}

static void applying_over_a_probation(void **state)
{
	struct sample_machine *s = *state;

	sample_next_boot(s, true, NULL); /* K1 is in probation again */
	assert_int_equal(sample_stage(s, 2, NULL), 0);
	everywhere(s, "apply over a probation", run_apply);
}

static void settling(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	assert_ok(sample_stage(s, 2, &err), err);
	assert_ok(sample_apply(s, 2, &err), err);
	assert_ok(machine_file_ahead(s->root, 1000, &err), err);
	everywhere(s, "settle", sample_settle);
}

static void taking_back(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	is_ill = true;
	assert_ok(sample_stage(s, 2, &err), err);
	assert_ok(sample_apply(s, 2, &err), err);
	assert_ok(machine_file_ahead(s->root, 10, &err), err);
	assert_ok(machine_file_say(s->root, "BUG: x\n unix_ioctl+0x1/0x2", &err), err);
	assert_ok(machine_file_ahead(s->root, 10, &err), err);
	everywhere(s, "settle, ill", sample_settle);
	is_ill = false;
}

static void booting(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	assert_ok(sample_stage(s, 2, &err), err);
	assert_ok(sample_apply(s, 2, &err), err);
	assert_ok(machine_file_boot(s->root, NULL, &err), err); /* it crashed */
	everywhere(s, "boot", sample_boot_verb);
}

static void unloading(void **state)
{
	struct sample_machine *s = *state;

	everywhere(s, "unload", sample_unload);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(staging),	 TEST(applying),    TEST(applying_over_a_probation),
		TEST(settling),	 TEST(taking_back), TEST(booting),
		TEST(unloading),
	};

	return cmocka_run_group_tests_name("agent_faults", tests, NULL, NULL);
}
