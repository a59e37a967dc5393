// SPDX-License-Identifier: Apache-2.0
/* The signer when memory is short: each allocation fails once. Then it signs nothing and remembers
 * nothing, or all of it; a version is never given away twice, and never refused later. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "sample_signer.h"

enum {
	ALLOCATIONS_MAX = 20000,
	GRANTED = 0,
	REFUSED = 1,
	MORE = 2 /* flag: there is a next one */
};

static const char text[] = "{\"op\":\"snapshot\",\"roles\":{\"targets\":1,\"kernel\":1}}";

/* What the file says, which is what the next process begins with. */
static int64_t on_disk(const struct fixture *f)
{
	_cleanup_(sut_signer_state_release) struct sut_signer_state st = {0};
	struct sut_err err;

	assert_ok(sut_signer_state_read(f->state, &st, &err), err);
	return st.timestamp_version;
}

static int request(struct fixture *f, struct sut_err *err)
{
	json_t *j = NULL;
	int r = sut_signer_handle(&f->s, text, strlen(text), &j, err);

	json_decref(j);
	return r;
}

static int restart(struct fixture *f, struct sut_err *err)
{
	int64_t had = f->s.state.timestamp_version;
	int r = start(f, err);

	/* One that has forgotten counts as a crash of the test. */
	return r == 0 && f->s.state.timestamp_version != had ? -EUCLEAN : r;
}

/* In a process of its own with allocation n failing: jansson has an assertion that then may fail, and a
 * signer that is gone is one that is started again. */
static int attempt(struct fixture *f, int (*fn)(struct fixture *f, struct sut_err *err), uint64_t n)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sut_err err = {0};
		int r;

		close(STDERR_FILENO);
		fault_alloc_arm(n);
		r = fn(f, &err);
		if (r == -EUCLEAN || (r < 0 && !(err.code && err.msg[0])))
			_exit(99);
		_exit((r < 0 ? REFUSED : GRANTED) | (fault_alloc_disarm() >= n ? MORE : 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGABRT);
		return REFUSED | MORE;
	}
	assert_int_not_equal(WEXITSTATUS(status), 99);
	return WEXITSTATUS(status);
}

static void each_allocation_of_a_request_fails_once(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;
	unsigned int refused = 0;
	int how = MORE;

	assert_ok(request(f, &err), err);
	for (uint64_t n = 1; how & MORE; n++) {
		int64_t before = on_disk(f);

		assert_true(n < ALLOCATIONS_MAX);
		how = attempt(f, request, n);
		/* What was granted is kept; what is not kept was not granted. */
		assert_int_equal(on_disk(f), before + ((how & REFUSED) == 0));
		refused += how & REFUSED;
		if (!(how & REFUSED))
			assert_ok(start(f, &err), err);
	}
	assert_true(refused > 100);
	assert_int_equal(how, GRANTED);
}

static void each_allocation_of_a_start_fails_once(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;
	int how = MORE;

	assert_ok(request(f, &err), err);
	for (uint64_t n = 1; how & MORE; n++) {
		assert_true(n < ALLOCATIONS_MAX);
		how = attempt(f, restart, n);
	}
	assert_int_equal(how, GRANTED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(each_allocation_of_a_request_fails_once),
		CASE(each_allocation_of_a_start_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
