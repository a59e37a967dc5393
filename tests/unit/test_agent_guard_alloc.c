// SPDX-License-Identifier: Apache-2.0
/* Guard, choice and history while memory is short: nothing is lost, moved aside or half said. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "common/choice.h"
#include "common/history.h"
#include "common/paths.h"
#include "fault.h"
#include "suture-apply/guard.h"
#include "suture-apply/health.h"

#define BUILD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char *root;
static struct guard guard;
static struct choice choice;

static int set_up(void **state)
{
	struct guard_patch p = {.id = "K1", .level = 1}, q = {.id = "K2", .level = 2};

	(void)state;
	memset(p.sha256, 'a', SUT_SHA256_HEX - 1);
	memset(q.sha256, 'b', SUT_SHA256_HEX - 1);
	guard_begin(&guard, &p, "11111111-1111-4111-8111-111111111111", 1, 1);
	guard_applied(&guard, 1, 1);
	guard_quarantine(&guard, &q, "oops", "text", 1);
	choice = (struct choice){
		.pin = CHOICE_PIN_LEVEL, .hold = true, .hold_until = 5, .tags = {"a"}, .ntags = 1};
	return sut_tmpdir("alloc", &root, NULL) < 0 || guard_write(root, BUILD, &guard, NULL) < 0 ||
			       choice_write(root, &choice, NULL) < 0
		       ? -1
		       : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return sut_rm_rf(root, NULL);
}

/* With the 1st, 2nd, 3rd … allocation failing, until none does. */
static void everywhere(int (*run)(struct sut_err *err))
{
	for (uint64_t n = 1;; n++) {
		struct sut_err err = {0};
		uint64_t done;
		int r;

		fault_alloc_arm(n);
		r = run(&err);
		done = fault_alloc_disarm();
		if (r != 0 && r != -ENOMEM)
			fail_msg("allocation %llu: %d: %s", (unsigned long long)n, r, err.msg);
		if (done < n) {
			assert_int_equal(r, 0);
			assert_true(n > 2);
			return;
		}
	}
}

static int run_guard_read(struct sut_err *err)
{
	static struct guard back;
	int r = guard_read(root, BUILD, &back, err);

	if (r == 0)
		assert_int_equal(back.nquarantined, 1);
	return r;
}

static int run_guard_write(struct sut_err *err)
{
	return guard_write(root, BUILD, &guard, err);
}

static int run_choice_read(struct sut_err *err)
{
	struct choice back;
	int r = choice_read(root, &back, err);

	if (r == 0)
		assert_int_equal(back.ntags, 1);
	return r;
}

static int run_choice_write(struct sut_err *err)
{
	return choice_write(root, &choice, err);
}

static int run_history(struct sut_err *err)
{
	const struct history_entry e = {.at = 1, .event = "good", .id = "K1", .detail = "x"};

	return history_add(root, &e, err);
}

static int run_history_read(struct sut_err *err)
{
	json_t *list = NULL;
	int r = history_read(root, 10, &list, err);

	json_decref(list);
	return r;
}

static void short_memory_damages_nothing(void **state)
{
	struct agent_path file = agent_path(root, AGENT_KERNELS "/" BUILD "/guard.json");

	(void)state;
	everywhere(run_guard_read);
	everywhere(run_guard_write);
	everywhere(run_guard_read);
	everywhere(run_choice_read);
	everywhere(run_choice_write);
	everywhere(run_choice_read);
	everywhere(run_history);
	everywhere(run_history_read);
	assert_true(sut_exists(file.s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(short_memory_damages_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("agent_guard_alloc", tests, NULL, NULL);
}
