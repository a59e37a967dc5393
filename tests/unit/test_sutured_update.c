// SPDX-License-Identifier: Apache-2.0
/*
 * sutured brings a machine up to date: a repository that may say anything, a portal's word that may be a lie, and a root half
 * that answers as it likes.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_update.h"
#include "sutured/update.h"

static void what_is_told_is_fetched_sealed_and_applied(void **state _unused_)
{
	world_release(1);
	world_told("apply", 1, NULL);
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage apply");
	assert_true(world.half.sealed);
	assert_int_equal(world.level, 1);
	assert_string_equal(world_state(), "current");
	world_due(NET_DUE_CHECK);
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_asked(), "");
}

static void nothing_new_reads_two_small_files(void **state _unused_)
{
	char last[SAMPLE_LAST];
	unsigned int before;

	world_release(1);
	world_told("keep", 0, NULL);
	world_due(NET_DUE_CHECK);
	before = sample_done(&world.web, NULL);
	world_due(NET_DUE_CHECK);
	assert_int_equal(sample_done(&world.web, last) - before, 2);
	assert_string_equal(last, "GET /file/metadata/timestamp.json 200");
	/* And to decide reads nothing at all. */
	world_due(NET_DUE_APPLY);
	assert_int_equal(sample_done(&world.web, NULL) - before, 2);
	assert_string_equal(world_asked(), "");
}

static void a_portal_that_tells_another_hash_is_not_obeyed(void **state _unused_)
{
	char text[64];
	json_t *errors;

	world_release(1);
	world_told("apply", 1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_state(), "failed");
	assert_string_equal(world_why(), "portal-differs");
	/* It hears of that, too. */
	errors = state_get(&world.n, "_errors");
	assert_non_null(json_object_get(errors, "portal-differs"));
	json_decref(errors);
	/* A path that leads elsewhere is no way around. */
	world_told("apply", 1, NULL);
	state_update(&world.n, "told",
		     json_pack("{s:s}", "path", "kernel/" WORLD_BUILD "/kpatch.bin"));
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	snprintf(text, sizeof(text), "%s", world_why());
	assert_string_equal(text, "not-in-repository");
	world_told("apply", 1, NULL);
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage apply");
	errors = state_get(&world.n, "_errors");
	assert_null(json_object_get(errors, "portal-differs"));
	json_decref(errors);
}

static void what_the_root_half_refuses_is_tried_again_later(void **state _unused_)
{
	int64_t wait = 15 * 60;

	world_release(1);
	world_told("apply", 1, NULL);
	world.half.refuse = "stage";
	world.half.reason = "unknown-key";
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage");
	assert_string_equal(world_state(), "failed");
	assert_string_equal(world_why(), "unknown-key");
	for (int i = 0; i < 8; i++) {
		world.boot += wait - 1;
		world_due(NET_DUE_APPLY);
		world_due(NET_DUE_CHECK);
		assert_string_equal(world_asked(), "");
		assert_in_range(net_due_left(&world.n, NET_DUE_APPLY), 1, 3);
		world.boot += 1;
		world_due(NET_DUE_APPLY);
		assert_string_equal(world_asked(), "stage");
		wait = wait * 2 < 4 * 3600 ? wait * 2 : 4 * 3600;
	}
	/* The next boot is another occasion. */
	world.boot_id = "8b1e4c1a-0000-4000-8000-000000000002";
	world.boot = 10;
	world_publish();
	world.half.refuse = NULL;
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_asked(), "stage apply");
	assert_string_equal(world_state(), "current");
}

static void a_root_half_that_dies_in_the_middle_is_asked_again(void **state _unused_)
{
	world_release(1);
	world_told("apply", 1, NULL);
	world.half.refuse = "apply";
	world.half.reason = "hang-up";
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage apply");
	assert_string_equal(world_state(), "failed");
	/* It had done its work before it died: then there is nothing more to do. */
	world.level = 1;
	world_publish();
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_state(), "current");
}

static void without_a_root_half_nothing_is_fetched(void **state _unused_)
{
	struct agent_path path = agent_path(world.root, AGENT_APPLY_STATE);
	unsigned int before = sample_done(&world.web, NULL);

	world_release(1);
	world_told("apply", 1, NULL);
	assert_int_equal(unlink(path.s), 0);
	world.half.refuse = "status";
	world.half.reason = "error";
	world_due(NET_DUE_CHECK);
	assert_int_equal(sample_done(&world.web, NULL), before);
	assert_string_equal(world_state(), "unknown");
	assert_string_equal(world_why(), "root-half");
}

static void a_stop_flag_takes_out_what_runs_and_says_who_did(void **state _unused_)
{
	world_release(1);
	world_told("apply", 1, NULL);
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage apply");
	world_stop_flag("unload");
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "unload");
	assert_int_equal(world.level, 0);
	world.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"idle\",\"unloaded\":true";
	world_publish();
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_why(), "stop-flag");
	/* The flag is taken back: what it did is undone. */
	world_stop_flag("none");
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage apply");
}

static void an_unload_that_fails_is_not_asked_for_all_the_time(void **state _unused_)
{
	world_release(1);
	world_told("apply", 1, NULL);
	world_due(NET_DUE_CHECK);
	world_asked();
	world_stop_flag("unload");
	world.half.refuse = "unload";
	world.half.reason = "busy";
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "unload");
	world_due(NET_DUE_APPLY);
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_asked(), "");
	assert_in_range(net_due_left(&world.n, NET_DUE_APPLY), 600, 1000);
	world.boot += 15 * 60;
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_asked(), "unload");
}

static void a_clock_that_jumps_makes_a_delay_no_shorter(void **state _unused_)
{
	const int64_t right = world.now;

	world_release(1);
	world_told("apply", 1, NULL);
	world.n.conf.policy.delay_s = 86400;
	/* It was first seen when the clock was a year behind; then it is set. */
	world.now = right - 365 * SAMPLE_TUF_DAY;
	world.n.id.heard_at = world.now;
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_why(), "delay");
	/* K1 does not say when it was made, so that is all that is known of it … */
	world.now = right - 364 * SAMPLE_TUF_DAY - 3600;
	world.n.id.heard_at = world.now;
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	/* … and a time of first sight that lies in the future counts from now on. */
	world.now = right - 400 * SAMPLE_TUF_DAY;
	world.n.id.heard_at = world.now;
	world_release(2);
	world_told("apply", 2, NULL);
	world_due(NET_DUE_CHECK);
	world.now += 86000;
	world.n.id.heard_at = world.now;
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	world.now += 500;
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "stage apply");
}

static void expired_metadata_and_a_wrong_clock_are_told_apart(void **state _unused_)
{
	world_release(1);
	world_told("keep", 0, NULL);
	world_due(NET_DUE_CHECK);
	world_told("apply", 1, NULL);
	/* The sample expires after a day; the server's clock is right. */
	world.now += 3000 * SAMPLE_TUF_DAY;
	world.n.id.heard_at = world.now;
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_state(), "pending");
	assert_string_equal(world_why(), "clock");
	world.now = (int64_t)time(NULL) + 60;
	world.n.id.heard_at = world.now;
	world_due(NET_DUE_CHECK);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_why(), "metadata-expired");
}

static void rolled_back_metadata_change_nothing(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(1 << 20);
	struct sut_buf *served;
	char code[64];

	world_release(1);
	served = sample_repo_served(world.repo, "m/timestamp.json");
	assert_int_equal(sut_buf_add(&old, served->data, served->len), 0);
	world_release(2);
	world_told("keep", 0, NULL);
	world_due(NET_DUE_CHECK);
	world_put(world.www, "metadata/timestamp.json", old.data, old.len);
	world_told("apply", 2, NULL);
	world_due(NET_DUE_CHECK);
	/* What was verified before is still true; only, it cannot be fetched now. */
	assert_int_equal(world.level, 0);
	state_text(&world.n, "_check", "code", code, sizeof(code));
	assert_string_equal(code, "rollback");
	assert_in_range(net_due_left(&world.n, NET_DUE_CHECK), 1, 15 * 60 + 1);
	world_flush();
	world.boot += 15 * 60;
	world_due(NET_DUE_CHECK);
	assert_int_equal(world.level, 2);
}

static void a_look_that_fails_is_tried_again_less_and_less_often(void **state _unused_)
{
	int64_t wait = 15 * 60;

	snprintf(world.n.conf.repository, sizeof(world.n.conf.repository),
		 "http://127.0.0.1:1/none");
	world_told("keep", 0, NULL);
	for (int i = 0; i < 7; i++) {
		world_due(NET_DUE_CHECK);
		assert_in_range(net_due_left(&world.n, NET_DUE_CHECK), wait, wait + 2);
		wait = wait * 2 < 4 * 3600 ? wait * 2 : 4 * 3600;
	}
	assert_string_equal(world_why(), "repository-silent");
	world_told("apply", 1, NULL);
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_state(), "pending");
}

static void damaged_trust_is_made_anew_and_only_then(void **state _unused_)
{
	world_release(1);
	world_told("keep", 0, NULL);
	world_due(NET_DUE_CHECK);
	world_put(world.root, AGENT_TUF "/root.json", "{", 1);
	world_due(NET_DUE_CHECK);
	assert_int_equal(state_int(&world.n, "check", "failures", -1), 0);
	/* A server that sends nonsense gets nothing forgotten. */
	world_put(world.www, "metadata/2.root.json", "{", 1);
	world_due(NET_DUE_CHECK);
	assert_int_equal(state_int(&world.n, "check", "failures", -1), 1);
	assert_true(sut_exists(agent_path(world.root, AGENT_TUF "/snapshot.json").s));
}

static void a_probation_is_ended_in_time(void **state _unused_)
{
	world.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"probation\","
		     "\"probation\":{\"seconds_left\":640,\"seconds\":900},\"unloaded\":false";
	world_release(1);
	world_told("apply", 1, NULL);
	world_due(NET_DUE_CHECK);
	world_asked();
	assert_in_range(net_due_left(&world.n, NET_DUE_SETTLE), 640, 642);
	/* The file is not written every second: what was set stays. */
	world.boot += 300;
	world_due(NET_DUE_APPLY);
	assert_in_range(net_due_left(&world.n, NET_DUE_SETTLE), 340, 342);
	world.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"idle\",\"unloaded\":false";
	world_due(NET_DUE_SETTLE);
	assert_string_equal(world_asked(), "settle");
	assert_int_equal(net_due_left(&world.n, NET_DUE_SETTLE), -1);
}

static void what_was_known_is_known_after_a_restart(void **state _unused_)
{
	const struct net_ops ops = world.n.ops;
	struct agent_conf conf = world.n.conf;
	struct identity id = world.n.id;

	world_release(1);
	world_told("apply", 1, NULL);
	world.half.refuse = "apply";
	world.half.reason = "conflict";
	world_due(NET_DUE_CHECK);
	world_asked();
	state_save(&world.n);
	net_release(&world.n);
	assert_ok(net_init(&world.n, world.root, &ops, &world_err), world_err);
	world.n.conf = conf;
	world.n.id = id;
	state_load(&world.n);
	update_part.init(&world.n);
	/* Not tried again because of that. */
	world_due(NET_DUE_APPLY);
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_why(), "conflict");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_told_is_fetched_sealed_and_applied),
		T(nothing_new_reads_two_small_files),
		T(a_portal_that_tells_another_hash_is_not_obeyed),
		T(what_the_root_half_refuses_is_tried_again_later),
		T(a_root_half_that_dies_in_the_middle_is_asked_again),
		T(without_a_root_half_nothing_is_fetched),
		T(a_stop_flag_takes_out_what_runs_and_says_who_did),
		T(an_unload_that_fails_is_not_asked_for_all_the_time),
		T(a_clock_that_jumps_makes_a_delay_no_shorter),
		T(expired_metadata_and_a_wrong_clock_are_told_apart),
		T(rolled_back_metadata_change_nothing),
		T(a_look_that_fails_is_tried_again_less_and_less_often),
		T(damaged_trust_is_made_anew_and_only_then),
		T(a_probation_is_ended_in_time),
		T(what_was_known_is_known_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
