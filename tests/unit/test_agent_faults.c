// SPDX-License-Identifier: Apache-2.0
/*
 * Everything suture-apply does goes wrong at every place: it is killed before its 1st, 2nd, 3rd … system call, and each
 * call that changes files fails, for want of space, of a writable disk, of a disk at all.
 *
 * Right after that: the guard can be read; what runs in the kernel is named by it; each staged file is
 * whole. And from there, each by itself: the next run in the same boot gets everything right; a boot after an
 * orderly end blames nobody and has the last good patch back; boots after crashes quarantine what was new at once, what
 * was good at the third, and end, so that there is no boot loop.
 *
 * AGENT_FAULTS=all takes every place (make soak); otherwise every few.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/choice.h"
#include "fault.h"
#include "sample_machine.h"

/* So many places are passed over: with sanitizers each of them takes many times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KILL_STEP = 61, ERROR_STEP = 30 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { KILL_STEP = 61, ERROR_STEP = 30 };
#else
enum { KILL_STEP = 7, ERROR_STEP = 6 };
#endif
#else
enum { KILL_STEP = 7, ERROR_STEP = 6 };
#endif

enum { FILES_MAX = 64 };

/* --- the folder, as it was --- */

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

	if (flag != FTW_F)
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

static void restore(const struct sample_machine *s, const struct snapshot *from)
{
	struct sut_err err = {0};

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
}

static void drop(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].path);
		sut_buf_release(&s->v[i].data);
	}
}

/* --- what is promised --- */

static int level_of(const struct guard_patch *p)
{
	return p->id[0] ? (int)p->level : 0;
}

static bool quarantined(const struct sample_machine *s, const struct guard *g, int n)
{
	return guard_is_quarantined(g, s->patch[n].sha256);
}

static void staged_files_are_whole(const struct sample_machine *s)
{
	struct agent_path dir = agent_path(s->root, AGENT_KERNELS "/" MACHINE_FILE_BUILD_ID);
	_cleanup_(sut_closedirp) DIR *d = opendir(dir.s);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir.s, e->d_name);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
		char sha256[SUT_SHA256_HEX];
		struct sut_err err = {0};

		assert_false(sut_startswith(e->d_name, "guard.json.damaged"));
		if (!sut_endswith(e->d_name, ".kpatch.bin"))
			continue;
		assert_ok(sut_file_read(path, &b, &err), err);
		sut_sha256_hex(b.data, b.len, sha256);
		assert_memory_equal(e->d_name, sha256, SUT_SHA256_HEX - 1);
	}
}

static void is_consistent(const struct sample_machine *s)
{
	struct agent_path state = agent_path(s->root, AGENT_APPLY_STATE);
	int runs = sample_runs(s);
	struct sut_err err = {0};
	struct choice c;
	struct guard g;
	json_t *j;

	sample_guard(s, &g); /* it can be read, or this ends here */
	if (runs)
		assert_true(runs == level_of(&g.now) || runs == level_of(&g.before) ||
			    runs == level_of(&g.good));
	assert_ok(choice_read(s->root, &c, &err), err);
	staged_files_are_whole(s);
	j = json_load_file(state.s, JSON_REJECT_DUPLICATES, NULL);
	assert_true(j || !sut_exists(state.s));
	json_decref(j);
}

static bool is_ill; /* K2 runs, and the kernel complains about it */

/* The next run, in the same boot, with nothing in its way. */
static void the_next_run_gets_it_right(const struct sample_machine *s)
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

static void an_orderly_boot_blames_nobody(const struct sample_machine *s)
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

static void crashes_end(const struct sample_machine *s)
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

static void from_here(struct scene *c, void (*next)(const struct sample_machine *s),
		      const struct snapshot *here)
{
	restore(c->s, here);
	next(c->s);
}

/* For whoever looks for a mistake. */
static const char *place;
static struct fault_plan current;
static const char *from;

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
	is_consistent(c->s);
	take(c->s, &here);
	from = "the next run";
	from_here(c, the_next_run_gets_it_right, &here);
	from = "an orderly boot";
	from_here(c, an_orderly_boot_blames_nobody, &here);
	from = "crashes";
	from_here(c, crashes_end, &here);
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
	patch_fd = sample_sealed(&c.s->patch[2].file);
	sig_fd = sample_sealed(&c.s->patch[2].sig);
	everywhere(&c);
	close(patch_fd);
	close(sig_fd);
}

static void applying(void **state)
{
	struct scene c = {.s = *state, .run = run_apply};
	struct sut_err err = {0};

	place = "apply";
	assert_ok(sample_stage(c.s, 2, &err), err);
	everywhere(&c);
}

static void applying_over_a_probation(void **state)
{
	struct scene c = {.s = *state, .run = run_apply};

	place = "apply over a probation";
	sample_next_boot(c.s, true, NULL); /* K1 is in probation again */
	assert_int_equal(sample_stage(c.s, 2, NULL), 0);
	everywhere(&c);
}

static void settling(void **state)
{
	struct scene c = {.s = *state, .run = sample_settle};
	struct sut_err err = {0};

	place = "settle";
	assert_ok(sample_stage(c.s, 2, &err), err);
	assert_ok(sample_apply(c.s, 2, &err), err);
	assert_ok(machine_file_ahead(c.s->root, 1000, &err), err);
	everywhere(&c);
}

static void taking_back(void **state)
{
	struct scene c = {.s = *state, .run = sample_settle};
	struct sut_err err = {0};

	place = "settle, ill";
	is_ill = true;
	assert_ok(sample_stage(c.s, 2, &err), err);
	assert_ok(sample_apply(c.s, 2, &err), err);
	assert_ok(machine_file_ahead(c.s->root, 10, &err), err);
	assert_ok(machine_file_say(c.s->root, "BUG: x\n unix_ioctl+0x1/0x2", &err), err);
	assert_ok(machine_file_ahead(c.s->root, 10, &err), err);
	everywhere(&c);
	is_ill = false;
}

static void booting(void **state)
{
	struct scene c = {.s = *state, .run = sample_boot_verb};
	struct sut_err err = {0};

	place = "boot";
	assert_ok(sample_stage(c.s, 2, &err), err);
	assert_ok(sample_apply(c.s, 2, &err), err);
	assert_ok(machine_file_boot(c.s->root, NULL, &err), err); /* it crashed */
	everywhere(&c);
}

static void unloading(void **state)
{
	struct scene c = {.s = *state, .run = sample_unload};

	place = "unload";
	everywhere(&c);
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
