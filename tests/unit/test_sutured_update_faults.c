// SPDX-License-Identifier: Apache-2.0
/* An update while one thing goes wrong, at every place in turn: killed, a disk that is full or fails, no memory. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "sample_update.h"
#include "sutured/update.h"

static int one_update(void *arg _unused_)
{
	world_due(NET_DUE_CHECK);
	state_save(&world.n);
	return 0;
}

/* sutured starts (again). */
static void start_again(void)
{
	const struct net_ops ops = world.n.ops;
	struct agent_conf conf = world.n.conf;

	net_release(&world.n);
	assert_ok(net_init(&world.n, world.root, &ops, &world_err), world_err);
	world.n.conf = conf;
	world_register();
	state_load(&world.n);
	update_part.init(&world.n);
	world_told("apply", 1, NULL);
}

static void as_new(void)
{
	assert_ok(sut_rm_rf(agent_path(world.root, AGENT_NET_DIR).s, &world_err), world_err);
	world_put(world.root, AGENT_NET_DIR "/x", "", 0);
	world.level = 0;
	world_publish();
	start_again();
	world_asked();
}

static void each_place(enum fault_kind kind, int error, uint64_t least)
{
	bool all = getenv("FAULTS_ALL") != NULL;
	struct fault_result res;
	uint64_t n = 1, tries = 0;

	world_release(1);
	for (;; n += all ? 1 : 1 + n / 40) {
		struct fault_plan plan = {.kind = kind, .n = n, .error = error};

		as_new();
		fault_run(one_update, NULL, &plan, &res);
		if (kind == FAULT_KILL ? res.status != -SIGKILL : res.status != 0)
			break;
		tries++;
		/* Whatever was left: the next run finds its way, and does it once. */
		start_again();
		world.boot += 4 * 3600;
		world_due(NET_DUE_CHECK);
		if (world.level != 1 || !sut_streq(world_state(), "current"))
			fail_msg("at %llu: level %u, %s (%s)", (unsigned long long)n, world.level,
				 world_state(), world_why());
		if (kind != FAULT_KILL && res.nr < 0 && n > res.changes + res.allocs)
			break;
	}
	if (res.status != 0)
		fail_msg("at %llu: status %d", (unsigned long long)n, res.status);
	assert_true(n > least);
	assert_true(tries > 20);
}

static void killed_at_any_system_call_the_next_run_recovers(void **state _unused_)
{
	each_place(FAULT_KILL, 0, 200);
}

static void a_disk_that_is_full_at_any_moment_is_survived(void **state _unused_)
{
	each_place(FAULT_ERROR, ENOSPC, 20);
}

static void a_disk_that_fails_at_any_moment_is_survived(void **state _unused_)
{
	each_place(FAULT_ERROR, EIO, 20);
}

static void memory_that_is_short_at_any_moment_is_survived(void **state _unused_)
{
	each_place(FAULT_ALLOC, 0, 500);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(killed_at_any_system_call_the_next_run_recovers),
		T(a_disk_that_is_full_at_any_moment_is_survived),
		T(a_disk_that_fails_at_any_moment_is_survived),
		T(memory_that_is_short_at_any_moment_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
