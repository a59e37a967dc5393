// SPDX-License-Identifier: Apache-2.0
/*
 * An update of the TUF client that has to forget what a thief of one online key, or of both, has signed,
 * and in which every step goes wrong once: it is killed before each of its system calls, each
 * write fails. Files are whole, and the next update works. And no failed allocation lets something
 * old in. (An ordinary update over the network: tests/tuf/torture.c.)
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "sample_repo.h"

enum { STEPS_MAX = 100000 };

static struct sample_repo *repo;
static char *dir;

/* What is in the metadata folder at the beginning of each update, and what has to be there in the end. */
struct metadata {
	const char *name;
	struct sut_buf before, after;
};

static struct metadata files[] = {{.name = "root"},
				  {.name = "timestamp"},
				  {.name = "snapshot"},
				  {.name = "targets"},
				  {.name = "A"}};

static char *path_of(const char *name)
{
	char *p = sut_sprintf("md/%s.json", name);

	assert_non_null(p);
	return p;
}

static void read_all(bool after)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		struct sut_buf *b = after ? &files[i].after : &files[i].before;
		_cleanup_(sut_freep) char *p = path_of(files[i].name);
		struct sut_err err = {0};

		*b = SUT_BUF_INIT(1 << 16);
		assert_ok(sut_file_read(p, b, &err), err);
	}
}

static void reset(void)
{
	struct sut_err err = {0};

	assert_ok(sut_rm_rf("out", &err), err);
	assert_ok(sut_rm_rf("md", &err), err);
	assert_ok(sut_mkdir_p("md", &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		_cleanup_(sut_freep) char *p = path_of(files[i].name);

		assert_ok(sut_file_write(p, files[i].before.data, files[i].before.len, 0644, &err),
			  err);
	}
}

/* An update and a download; what runs in the child as well. */
static int update(void *arg _unused_)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;
	struct sut_tuf_client_opts o = {.metadata_dir = "md",
					.metadata_url = SAMPLE_REPO_METADATA,
					.targets_url = SAMPLE_REPO_TARGETS,
					.fetcher = sample_repo_fetcher(repo),
					.now = SAMPLE_TUF_NOW};
	_cleanup_(sut_freep) char *path = NULL;
	struct sut_err err = {0};
	struct sut_tuf_target t;
	int r = sut_tuf_client_new(&o, &c, &err);

	if (r == 0)
		r = sut_tuf_refresh(c, &err);
	if (r == 0)
		r = sut_tuf_find(c, "a", &t, &err);
	if (r == 0)
		r = sut_tuf_download(c, &t, "out", &path, &err);
	return r < 0;
}

static bool same(const struct sut_buf *a, const struct sut_buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Is what is there whole? all: the new state and nothing else. */
static void check(bool all)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		_cleanup_(sut_freep) char *p = path_of(files[i].name);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);
		struct sut_err err = {0};
		int r = sut_file_read(p, &b, &err);

		/* 5.3.11: these two are removed when keys were rotated. */
		if (r == -ENOENT && !all && (i == 1 || i == 2))
			continue;
		assert_ok(r, err);
		if (same(&b, &files[i].after) || (!all && same(&b, &files[i].before)))
			continue;
		/* A root in between. */
		if (i == 0 && !all && same(&b, sample_repo_served(repo, "m/2.root.json")))
			continue;
		fail_msg("%s is neither what it was nor what it should be", p);
	}
	if (all || sut_exists("out/a")) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);
		struct sut_err err = {0};

		assert_ok(sut_file_read("out/a", &b, &err), err);
		assert_string_equal(sut_buf_str(&b), "second");
	}
}

enum { TIMESTAMP = 1, SNAPSHOT = 2, BOTH = 3 };

static int two_keys = BOTH, timestamp_key = TIMESTAMP, snapshot_key = SNAPSHOT;

/* The client has the versions of a thief, 1000. The repository rotated the keys that **state says, made
 * two new roots, and goes on with version 2 and a new one of the delegated role. */
static int enter(void **state)
{
	int rotated = *(int *)*state;
	struct sample_tuf_key *k = sample_tuf_key(SUT_KEY_ED25519);
	json_t *a = sample_tuf_targets();
	struct sut_err err = {0};
	struct sut_buf *root;

	/* fsync is counted, not waited for. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	assert_ok(sut_tmpdir("suture-unit", &dir, &err), err);
	if (chdir(dir) < 0)
		return -1;
	repo = sample_repo_new();
	sample_tuf_delegate(repo->tuf->signed_[SUT_TUF_TARGETS], "A", "*", k);
	sample_repo_target(repo, a, "a", "first", 5);
	sample_repo_role(repo, "A", a, k);
	sample_tuf_set_version(repo->tuf->signed_[SUT_TUF_TIMESTAMP], 999);
	sample_tuf_set_version(repo->tuf->signed_[SUT_TUF_SNAPSHOT], 999);
	sample_repo_release(repo);
	root = sample_repo_served(repo, "m/1.root.json");
	assert_ok(sut_tuf_init("md", root->data, root->len, &err), err);
	assert_int_equal(update(NULL), 0);
	read_all(/* after= */ false);

	if (rotated & TIMESTAMP)
		sample_repo_rotate(repo, SUT_TUF_TIMESTAMP);
	sample_repo_root(repo);
	if (rotated & SNAPSHOT)
		sample_repo_rotate(repo, SUT_TUF_SNAPSHOT);
	sample_repo_root(repo);
	sample_tuf_set_version(repo->tuf->signed_[SUT_TUF_TIMESTAMP], 1);
	sample_tuf_set_version(repo->tuf->signed_[SUT_TUF_SNAPSHOT], 1);
	sample_repo_target(repo, a, "a", "second", 6);
	sample_tuf_set_version(a, 2);
	sample_repo_role(repo, "A", a, k);
	sample_repo_release(repo);
	assert_int_equal(update(NULL), 0);
	read_all(/* after= */ true);
	json_decref(a);
	sample_tuf_key_free(k);
	return 0;
}

static int leave(void **state _unused_)
{
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		sut_buf_release(&files[i].before);
		sut_buf_release(&files[i].after);
	}
	sample_repo_free(repo);
	if (chdir("/") < 0 || sut_rm_rf(dir, &err) < 0)
		return -1;
	free(dir);
	return 0;
}

static void assert_next_update_works(void)
{
	assert_int_equal(update(NULL), 0);
	check(/* all= */ true);
}

static void killed_before_any_system_call_the_next_update_works(void **state _unused_)
{
	for (uint64_t n = 1;; n++) {
		struct fault_plan plan = {.kind = FAULT_KILL, .n = n};
		struct fault_result r;

		assert_in_range(n, 1, STEPS_MAX);
		reset();
		fault_run(update, NULL, &plan, &r);
		check(/* all= */ r.nr < 0);
		if (r.nr < 0) {
			assert_int_equal(r.status, 0);
			assert_in_range(n, 50, STEPS_MAX);
			return;
		}
		assert_next_update_works();
	}
}

static void each_write_fails_once(int error)
{
	for (uint64_t n = 1;; n++) {
		struct fault_plan plan = {.kind = FAULT_ERROR, .n = n, .error = error};
		struct fault_result r;

		assert_in_range(n, 1, STEPS_MAX);
		reset();
		fault_run(update, NULL, &plan, &r);
		assert_in_range(r.status, 0, 1);
		check(/* all= */ r.status == 0);
		if (r.nr < 0) {
			assert_in_range(n, 20, STEPS_MAX);
			return;
		}
		assert_next_update_works();
	}
}

static void full_disk_at_any_write(void **state _unused_)
{
	each_write_fails_once(ENOSPC);
}

static void io_error_at_any_write(void **state _unused_)
{
	each_write_fails_once(EIO);
}

/* A stored file that could not be looked at for want of memory must not be taken for "not there": then
 * an old timestamp would look new. */
static void no_memory_never_lets_an_old_timestamp_in(void **state _unused_)
{
	struct sut_buf *served = sample_repo_served(repo, "m/timestamp.json");
	_cleanup_buf_ struct sut_buf now = SUT_BUF_INIT(1 << 16);
	struct fault_plan plan = {.kind = FAULT_ALLOC, .n = 0};
	struct fault_result all, r;
	struct sut_buf *ts = &files[1].after;
	struct sut_err err = {0};

	/* The new state is what the client has; the one before, signed by the same keys, is replayed. */
	reset();
	assert_next_update_works();
	assert_int_equal(sut_buf_add(&now, served->data, served->len), 0);
	sample_tuf_set_version(repo->tuf->signed_[SUT_TUF_TIMESTAMP], 1);
	sample_repo_publish(repo, SUT_TUF_TIMESTAMP);
	fault_run(update, NULL, &plan, &all);
	assert_int_equal(all.status, 1);
	for (plan.n = 1; plan.n <= all.allocs; plan.n++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);

		fault_run(update, NULL, &plan, &r);
		assert_ok(sut_file_read("md/timestamp.json", &b, &err), err);
		if (r.status != 1 || !same(&b, ts))
			fail_msg("allocation %llu fails: status %d", (unsigned long long)plan.n,
				 r.status);
	}
	sample_repo_serve(repo, "m/timestamp.json", now.data, now.len);
	assert_next_update_works();
}

#define after(keys, t) cmocka_unit_test_prestate_setup_teardown(t, enter, leave, keys)

int main(void)
{
	const struct CMUnitTest tests[] = {
		after(&two_keys, killed_before_any_system_call_the_next_update_works),
		after(&timestamp_key, killed_before_any_system_call_the_next_update_works),
		after(&snapshot_key, killed_before_any_system_call_the_next_update_works),
		after(&timestamp_key, full_disk_at_any_write),
		after(&snapshot_key, io_error_at_any_write),
		after(&two_keys, no_memory_never_lets_an_old_timestamp_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
