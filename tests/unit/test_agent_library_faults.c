// SPDX-License-Identifier: Apache-2.0
/*
 * What suture-apply does about patches of libraries goes wrong at every place: it is killed before its 1st, 2nd, 3rd … system
 * call, and each call that changes files fails.
 *
 * Right after that wanted.json can be read, and each staged file is whole. And from there, each by itself: the next run gets
 * everything right; suture-process started anew is fed what wanted.json says; and what was unloaded stays so over a boot.
 *
 * AGENT_FAULTS=all takes every place (make soak); otherwise every few.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "sample_machine.h"
#include "sample_patch.h"
#include "suture-apply/library/act.h"

/* So many places are passed over: with sanitizers each of them takes many times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KILL_STEP = 97, ERROR_STEP = 30 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { KILL_STEP = 97, ERROR_STEP = 30 };
#else
enum { KILL_STEP = 19, ERROR_STEP = 9 };
#endif
#else
enum { KILL_STEP = 19, ERROR_STEP = 9 };
#endif

enum { FILES_MAX = 64 };

struct snapshot {
	struct {
		char *path;
		mode_t mode;
		struct sut_buf data;
	} v[FILES_MAX];
	size_t n;
};

static struct snapshot *taking;

static int take_one(const char *path, const struct stat *st, int flag, struct FTW *ftw _unused_)
{
	struct sut_err err = {0};
	size_t i = taking->n;

	if (flag != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	assert_true(i < FILES_MAX);
	taking->v[i].path = strdup(path);
	taking->v[i].mode = st->st_mode & 07777;
	taking->v[i].data = SUT_BUF_INIT(1 << 20);
	assert_ok(sut_file_read(path, &taking->v[i].data, &err), err);
	taking->n++;
	return 0;
}

static void take(const struct sample_machine *s, struct snapshot *ret)
{
	*ret = (struct snapshot){0};
	taking = ret;
	assert_int_equal(nftw(s->root, take_one, 16, FTW_PHYS), 0);
}

/* Everything as it was; suture-process goes on with what it was told then. */
static void restore(struct sample_machine *s, const struct snapshot *from)
{
	struct sut_err err = {0};

	sample_process_stop(s);
	assert_ok(sut_rm_rf(s->root, &err), err);
	for (size_t i = 0; i < from->n; i++) {
		const char *path = from->v[i].path;
		_cleanup_(sut_freep) char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));
		FILE *f;

		assert_ok(sut_mkdir_p(dir, &err), err);
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(from->v[i].data.data, 1, from->v[i].data.len, f),
				 from->v[i].data.len);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(chmod(path, from->v[i].mode), 0);
	}
	sample_process_start(s);
}

static void drop(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].path);
		sut_buf_release(&s->v[i].data);
	}
}

/* --- what is promised --- */

static void staged_files_are_whole(const struct sample_machine *s)
{
	struct agent_path dir = agent_path(s->root, AGENT_LIBRARIES "/" SAMPLE_LIBRARY_BUILD_ID);
	_cleanup_(sut_closedirp) DIR *d = opendir(dir.s);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir.s, e->d_name);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
		char sha256[SUT_SHA256_HEX];
		struct sut_err err = {0};

		assert_false(sut_startswith(e->d_name, "wanted.json.damaged"));
		if (!sut_endswith(e->d_name, ".upatch.bin"))
			continue;
		assert_ok(sut_file_read(path, &b, &err), err);
		sut_sha256_hex(b.data, b.len, sha256);
		assert_memory_equal(e->d_name, sha256, SUT_SHA256_HEX - 1);
	}
}

static void is_consistent(const struct sample_machine *s)
{
	struct agent_path state = agent_path(s->root, AGENT_APPLY_STATE);
	struct guard g;
	json_t *j;

	sample_lib_guard(s, 1, &g); /* it can be read, or this ends here */
	staged_files_are_whole(s);
	j = json_load_file(state.s, JSON_REJECT_DUPLICATES, NULL);
	assert_true(j || !sut_exists(state.s));
	json_decref(j);
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

/* --- what goes wrong --- */

struct scene {
	struct sample_machine *s;
	struct snapshot before;
	int (*run)(const struct sample_machine *s, struct sut_err *err);
};

static int in_child(void *arg)
{
	const struct scene *c = arg;
	struct sut_err err = {0};
	int r = c->run(c->s, &err);

	/* What fails says so. */
	return r == 0 ? 0 : err.msg[0] && err.code == -r ? 1 : 77;
}

/* For whoever looks for a mistake. */
static const char *place;
static struct fault_plan current;
static const char *from;

static void from_here(struct scene *c, const char *name, void (*next)(struct sample_machine *s),
		      const struct snapshot *here)
{
	from = name;
	restore(c->s, here);
	next(c->s);
}

static void one(struct scene *c, const struct fault_plan *plan, struct fault_result *res)
{
	struct snapshot here;

	current = *plan;
	from = "right after it";
	restore(c->s, &c->before);
	fault_run(in_child, c, plan, res);
	if (plan->kind == FAULT_KILL && res->nr >= 0)
		assert_int_equal(res->status, -SIGKILL);
	else
		assert_in_range(res->status, 0, 1);
	/* Whatever it was told then is written before the snapshot. */
	sample_process_stop(c->s);
	is_consistent(c->s);
	take(c->s, &here);
	from_here(c, "the next run", the_next_run_gets_it_right, &here);
	from_here(c, "fed anew", the_daemon_is_fed_what_is_written, &here);
	from_here(c, "a boot", a_boot_keeps_what_was_wanted, &here);
	from = NULL;
	drop(&here);
}

static void everywhere(struct scene *c)
{
	static const int errors[] = {ENOSPC, EROFS, EIO};
	const char *env = getenv("AGENT_FAULTS");
	bool all = env && sut_streq(env, "all");
	struct fault_plan plan = {.kind = FAULT_NONE};
	struct fault_result whole, res;

	take(c->s, &c->before);
	one(c, &plan, &whole);
	assert_int_equal(whole.status, 0);
	assert_true(whole.changes > 4);
	for (uint64_t n = 1; n <= whole.syscalls; n += all ? 1 : KILL_STEP) {
		plan = (struct fault_plan){.kind = FAULT_KILL, .n = n};
		one(c, &plan, &res);
	}
	for (uint64_t n = 1; n <= whole.changes; n++)
		for (size_t e = 0; e < SUT_ARRAY_SIZE(errors); e++) {
			if (!all && (n + 2 * e) % ERROR_STEP)
				continue;
			plan = (struct fault_plan){.kind = FAULT_ERROR, .n = n, .error = errors[e]};
			one(c, &plan, &res);
		}
	print_message("%s: %llu system calls, %llu of them change files\n", place,
		      (unsigned long long)whole.syscalls, (unsigned long long)whole.changes);
	drop(&c->before);
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
	if (from)
		print_message("%s, %s %llu (errno %d), %s\n", place,
			      current.kind == FAULT_KILL ? "killed before call" : "failing change",
			      (unsigned long long)current.n, current.error, from);
	from = NULL;
	is_ill = false;
	sample_machine_free(*state);
	return 0;
}

static void staging(void **state)
{
	struct scene c = {.s = *state, .run = run_stage};

	place = "stage";
	patch_fd = sample_sealed(&c.s->library[2].file);
	sig_fd = sample_sealed(&c.s->library[2].sig);
	everywhere(&c);
	close(patch_fd);
	close(sig_fd);
}

static void applying(void **state)
{
	struct scene c = {.s = *state, .run = run_apply};
	struct sut_err err = {0};

	place = "apply";
	assert_ok(sample_lib_stage(c.s, 2, &err), err);
	everywhere(&c);
}

static void settling(void **state)
{
	struct scene c = {.s = *state, .run = sample_lib_settle};
	struct sut_err err = {0};

	place = "settle";
	assert_ok(sample_lib_stage(c.s, 2, &err), err);
	assert_ok(sample_lib_apply(c.s, 2, &err), err);
	assert_ok(machine_file_ahead(c.s->root, 1000, &err), err);
	everywhere(&c);
}

static void taking_back(void **state)
{
	struct scene c = {.s = *state, .run = sample_lib_settle};
	struct sut_err err = {0};

	place = "settle, ill";
	is_ill = true;
	assert_ok(sample_lib_stage(c.s, 2, &err), err);
	assert_ok(sample_lib_apply(c.s, 2, &err), err);
	assert_ok(machine_file_ahead(c.s->root, 10, &err), err);
	assert_ok(machine_file_say(c.s->root, "nginx[100]: segfault at 0 ip 0 sp 0 error 4", &err),
		  err);
	assert_ok(machine_file_ahead(c.s->root, 10, &err), err);
	everywhere(&c);
}

static void unloading(void **state)
{
	struct scene c = {.s = *state, .run = run_unload};

	place = "unload";
	everywhere(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(staging), TEST(applying), TEST(settling), TEST(taking_back), TEST(unloading),
	};

	return cmocka_run_group_tests_name("agent_library_faults", tests, NULL, NULL);
}
