// SPDX-License-Identifier: Apache-2.0
/*
 * What suture-apply does about patches of libraries goes wrong at every place: it is killed before its 1st, 2nd, 3rd … system
 * call, and each call that changes files fails.
 *
 * Right after that wanted.json can be read, and each staged file is whole. And from there, each by itself: the next run gets
 * everything right; suture-process started anew is fed what wanted.json says; and what was unloaded stays so over a boot.
 */
#include "unit.h"

#include <unistd.h>

#include "fault_scene.h"
#include "sample_machine.h"
#include "sample_patch.h"
#include "suture-apply/library/act.h"

/* --- what is promised --- */

static void is_consistent(const struct sample_machine *s)
{
	struct guard g;

	sample_lib_guard(s, 1, &g); /* it can be read, or this ends here */
	fault_staged_are_whole(s, AGENT_LIBRARIES "/" SAMPLE_LIBRARY_BUILD_ID, ".upatch.bin",
			       "wanted.json.damaged");
	fault_is_json(s, AGENT_APPLY_STATE);
}

/* What the daemon was told is what wanted.json says. */
static void they_agree(const struct sample_machine *s)
{
	struct guard g;
	const struct guard_patch *want;

	sample_lib_guard(s, 1, &g);
	want = store_wanted(&g);
	assert_int_equal(sample_process_count(s) > 0 ? sample_process_count(s) : 0,
			 want->id[0] ? 1 : 0);
	if (want->id[0])
		assert_true(sample_process_has(s, (int)want->level));
}

static bool is_ill;

static void the_next_run_gets_it_right(struct sample_machine *s)
{
	struct sut_err err = {0};
	struct guard g;
	int want;

	assert_ok(sample_lib_settle(s, &err), err);
	is_consistent(s);
	sample_lib_guard(s, 1, &g);
	if (is_ill)
		assert_true(guard_is_quarantined(&g, s->library[2].sha256) &&
			    sample_process_has(s, 1));
	want = guard_is_quarantined(&g, s->library[2].sha256) ? 1 : 2;
	assert_ok(sample_lib_stage(s, want, &err), err);
	assert_ok(sample_lib_apply(s, want, &err), err);
	they_agree(s);
	assert_true(sample_process_has(s, want));
	assert_ok(machine_file_ahead(s->root, 2000, &err), err);
	assert_ok(sample_lib_settle(s, &err), err);
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_int_equal(g.good.level, want);
	they_agree(s);
}

static void the_daemon_is_fed_what_is_written(struct sample_machine *s)
{
	struct sut_err err = {0};
	struct guard before, after;

	sample_lib_guard(s, 1, &before);
	sample_process_stop(s);
	(void)!unlink(agent_path(s->root, "/process-set.json").s);
	sample_process_start(s);
	assert_ok(sample_lib_feed(s, &err), err);
	they_agree(s);
	is_consistent(s);
	sample_lib_guard(s, 1, &after);
	/* What was not known to have been done is not done; nothing that was quarantined runs. */
	if (before.phase == GUARD_APPLYING)
		assert_int_equal(after.phase, GUARD_IDLE);
	assert_false(guard_is_quarantined(&after, store_wanted(&after)->sha256) &&
		     store_wanted(&after)->id[0]);
	assert_true(after.nquarantined >= before.nquarantined);
}

static void a_boot_keeps_what_was_wanted(struct sample_machine *s)
{
	struct sut_err err = {0};
	struct guard before, after;

	sample_lib_guard(s, 1, &before);
	sample_process_stop(s);
	(void)!unlink(agent_path(s->root, "/process-set.json").s);
	sample_next_boot(s, false, NULL);
	sample_process_start(s);
	assert_ok(sample_lib_feed(s, &err), err);
	they_agree(s);
	sample_lib_guard(s, 1, &after);
	assert_int_equal(before.unloaded, after.unloaded);
	if (before.unloaded && before.phase != GUARD_APPLYING)
		assert_true(sample_process_count(s) <= 0);
}

static const struct fault_next next[] = {
	{"the next run", the_next_run_gets_it_right},
	{"fed anew", the_daemon_is_fed_what_is_written},
	{"a boot", a_boot_keeps_what_was_wanted},
	{0},
};

static void everywhere(struct sample_machine *s, const char *place,
		       int (*run)(const struct sample_machine *s, struct sut_err *err))
{
	fault_everywhere(&(struct fault_scene){.s = s,
					       .place = place,
					       .run = run,
					       .process = true,
					       .holds = is_consistent,
					       .next = next,
					       .kill_step = {19, 97},
					       .error_step = {9, 30}});
}

/* --- the scenes: U1 is good and runs --- */

static int patch_fd = -1, sig_fd = -1;

static int run_stage(const struct sample_machine *s, struct sut_err *err)
{
	return sample_lib_stage_fds(s, 2, patch_fd, sig_fd, false, err);
}

static int run_apply(const struct sample_machine *s, struct sut_err *err)
{
	return sample_lib_apply(s, 2, err);
}

static int run_unload(const struct sample_machine *s, struct sut_err *err)
{
	return sample_lib_unload(s, SAMPLE_LIBRARY_BUILD_ID, err);
}

static int set_up(void **state)
{
	struct sample_machine *s = sample_machine_new();

	sample_write(s, "/process.json",
		     "{\"processes\": [{\"pid\": 100, \"comm\": \"nginx\", \"build_id\": "
		     "\"" SAMPLE_LIBRARY_BUILD_ID "\"}]}",
		     0644);
	sample_process_start(s);
	sample_lib_make_good(s, 1);
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

	patch_fd = sample_sealed(&s->library[2].file);
	sig_fd = sample_sealed(&s->library[2].sig);
	everywhere(s, "stage", run_stage);
	close(patch_fd);
	close(sig_fd);
}

static void applying(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	assert_ok(sample_lib_stage(s, 2, &err), err);
	everywhere(s, "apply", run_apply);
}

static void settling(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	assert_ok(sample_lib_stage(s, 2, &err), err);
	assert_ok(sample_lib_apply(s, 2, &err), err);
	assert_ok(machine_file_ahead(s->root, 1000, &err), err);
	everywhere(s, "settle", sample_lib_settle);
}

static void taking_back(void **state)
{
	struct sample_machine *s = *state;
	struct sut_err err = {0};

	is_ill = true;
	assert_ok(sample_lib_stage(s, 2, &err), err);
	assert_ok(sample_lib_apply(s, 2, &err), err);
	assert_ok(machine_file_ahead(s->root, 10, &err), err);
	assert_ok(machine_file_say(s->root, "nginx[100]: segfault at 0 ip 0 sp 0 error 4", &err),
		  err);
	assert_ok(machine_file_ahead(s->root, 10, &err), err);
	everywhere(s, "settle, ill", sample_lib_settle);
}

static void unloading(void **state)
{
	struct sample_machine *s = *state;

	everywhere(s, "unload", run_unload);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(staging), TEST(applying), TEST(settling), TEST(taking_back), TEST(unloading),
	};

	return cmocka_run_group_tests_name("agent_library_faults", tests, NULL, NULL);
}
