// SPDX-License-Identifier: Apache-2.0
/* Which jobs were taken: nothing that happens to the files lets one be taken twice. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "common/paths.h"
#include "sutured/job.h"
#include "sutured/job_run.h"
#include "sutured/job_store.h"

static char *root;

static int setup(void **state _unused_)
{
	char path[256];
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("jobs", &root, &err), err);
	(void)snprintf(path, sizeof(path), "%s" AGENT_NET_DIR, root);
	assert_ok(sut_mkdir_p(path, &err), err);
	return 0;
}

static int teardown(void **state _unused_)
{
	assert_int_equal(sut_rm_rf(root, NULL), 0);
	free(root);
	return 0;
}

static struct job_record record(const char *id, int64_t expires, enum job_state state)
{
	struct job_record r = {.expires = expires,
			       .taken_at = 5,
			       .state = state,
			       .exit = 3,
			       .envelope = state == JOB_DONE ? NULL : (char *)"{\"a\": \"b\"}",
			       .result = state == JOB_DONE ? (char *)"{}" : NULL};

	(void)snprintf(r.id, sizeof(r.id), "%s", id);
	(void)snprintf(r.outcome, sizeof(r.outcome), "applied");
	memset(r.digest, 'a', sizeof(r.digest) - 1);
	return r;
}

static void put(const char *id, int64_t expires, enum job_state state)
{
	struct job_record r = record(id, expires, state);
	struct sut_err err = {0};

	assert_ok(job_store_put(root, &r, &err), err);
}

static bool is_taken(const char *id)
{
	struct job_record r = {0};
	struct sut_err err = {0};
	int k = job_store_find(root, id, &r, &err);

	job_record_release(&r);
	assert_true(k == 0 || k == -ENOENT);
	return k == 0;
}

static void what_was_put_is_found(void **state _unused_)
{
	struct job_record r = {0};
	struct sut_err err = {0};

	assert_false(is_taken("a"));
	put("a", 100, JOB_TAKEN);
	put("b", 100, JOB_DONE);
	assert_ok(job_store_find(root, "a", &r, &err), err);
	assert_string_equal(r.id, "a");
	assert_int_equal(r.state, JOB_TAKEN);
	assert_string_equal(r.envelope, "{\"a\": \"b\"}");
	assert_null(r.result);
	assert_int_equal(r.expires, 100);
	job_record_release(&r);
	put("a", 100, JOB_DONE);
	assert_ok(job_store_find(root, "a", &r, &err), err);
	assert_int_equal(r.state, JOB_DONE);
	assert_string_equal(r.result, "{}");
	assert_int_equal(r.exit, 3);
	job_record_release(&r);
}

static char *only_file(void)
{
	char *dir = sut_sprintf("%s" AGENT_JOBS, root), *path = NULL;
	DIR *d = opendir(dir);
	const struct dirent *e;

	while ((e = readdir(d)))
		if (sut_endswith(e->d_name, ".json"))
			path = sut_sprintf("%s/%s", dir, e->d_name);
	closedir(d);
	free(dir);
	return path;
}

/* Cut off, emptied or overwritten: the id stays taken, by a job that is none we know. */
static void a_damaged_record_still_says_that_its_id_was_taken(void **state _unused_)
{
	static const char *const damage[] = {"", "{", "{}", "null", "\xff\xff"};
	struct job_record r = {0};
	struct sut_err err = {0};
	char *path;

	put("a", 100, JOB_DONE);
	path = only_file();
	for (size_t i = 0; i < SUT_ARRAY_SIZE(damage); i++) {
		assert_ok(sut_file_write(path, damage[i], strlen(damage[i]), 0600, &err), err);
		assert_ok(job_store_find(root, "a", &r, &err), err);
		assert_int_equal(r.state, JOB_DONE);
		assert_string_equal(r.digest, "");
		assert_null(r.result);
		job_record_release(&r);
	}
	free(path);
}

/* A week later a record goes; from then on what ends no later is refused, whatever the clock says. */
static void what_is_forgotten_raises_the_floor_first(void **state _unused_)
{
	struct sut_err err = {0};
	int64_t floor = -1;

	put("a", 1000, JOB_DONE);
	put("b", 2000, JOB_TAKEN);
	put("c", 3000, JOB_DONE);
	assert_ok(job_store_sweep(root, 1000 + JOB_KEEP_S, &err), err);
	assert_true(is_taken("a"));
	assert_ok(job_store_floor(root, &floor, &err), err);
	assert_int_equal(floor, 0);
	assert_ok(job_store_sweep(root, 2500 + JOB_KEEP_S, &err), err);
	assert_false(is_taken("a"));
	assert_true(is_taken("b")); /* not done: somebody has to say what became of it */
	assert_true(is_taken("c"));
	assert_ok(job_store_floor(root, &floor, &err), err);
	assert_int_equal(floor, 1000);
	/* The clock goes back: it never sinks. */
	assert_ok(job_store_sweep(root, 10, &err), err);
	assert_ok(job_store_floor(root, &floor, &err), err);
	assert_int_equal(floor, 1000);
}

static void a_damaged_floor_is_no_floor_of_zero(void **state _unused_)
{
	char path[256];
	struct sut_err err = {0};
	int64_t floor;

	put("a", 1000, JOB_DONE);
	(void)snprintf(path, sizeof(path), "%s" AGENT_JOBS "/floor", root);
	assert_ok(sut_file_write(path, "x", 1, 0600, &err), err);
	assert_int_equal(job_store_floor(root, &floor, &err), -EBADMSG);
	/* Nor is anything forgotten then. */
	assert_int_equal(job_store_sweep(root, 5000 + JOB_KEEP_S, &err), -EBADMSG);
	assert_true(is_taken("a"));
}

static void records_and_results_are_bounded(void **state _unused_)
{
	struct job_record r = record("one-more", 5000, JOB_TAKEN);
	struct sut_err err = {0};
	size_t kept = 0;
	char id[16];

	for (int i = 0; i < JOB_RECORDS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "job-%d", i);
		put(id, 1000 + i, JOB_DONE);
	}
	assert_int_equal(job_store_put(root, &r, &err), -EDQUOT);
	assert_string_equal(err.reason, "full");
	put("job-7", 1007, JOB_DONE); /* one that is there may change */
	assert_ok(job_store_sweep(root, 1000, &err), err);
	for (int i = 0; i < JOB_RECORDS_MAX; i++) {
		struct job_record got = {0};

		(void)snprintf(id, sizeof(id), "job-%d", i);
		assert_ok(job_store_find(root, id, &got, &err), err);
		kept += got.result != NULL;
		job_record_release(&got);
	}
	assert_int_equal(kept, JOB_RESULTS_MAX);
}

static void malformed_records_are_refused(void **state _unused_)
{
	struct job_record r = record("a", 100, JOB_TAKEN), got = {0};
	static const struct {
		const char *key, *value;
	} bad[] = {
		{"format", "\"x\""},  {"version", "2"},	    {"id", "\"\""},
		{"id", "7"},	      {"digest", "\"aa\""}, {"digest", "\"g\""},
		{"expires", "0"},     {"expires", "\"1\""}, {"exit", "256"},
		{"exit", "-1"},	      {"state", "\"new\""}, {"state", "null"},
		{"envelope", "null"}, {"envelope", "1"},    {"result", "1"},
		{"outcome", "null"},
	};
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		json_t *j = job_record_json(&r);
		char *text;

		json_object_set_new(j, bad[i].key, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		text = json_dumps(j, 0);
		if (job_record_parse(text, strlen(text), &got, &err) != -EBADMSG)
			fail_msg("taken: %s", text);
		free(text);
		json_decref(j);
	}
}

/* The key of the system: one, for its owner alone; another after a split, and instead of a damaged one. */
static void the_key_stays_until_another_is_asked_for(void **state _unused_)
{
	char a[JOB_KEY_FACT], b[JOB_KEY_FACT], path[256];
	struct sut_privkey *k = NULL;
	struct sut_err err = {0};
	struct stat st;

	assert_int_equal(job_key_read(root, &k, &err), -ENOENT);
	assert_string_equal(err.reason, "not-registered");
	assert_ok(job_key_make(root, false, a, &err), err);
	assert_ok(job_key_make(root, false, b, &err), err);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 56);
	(void)snprintf(path, sizeof(path), "%s" AGENT_JOB_KEY, root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(job_key_make(root, true, b, &err), err);
	assert_string_not_equal(a, b);
	assert_ok(sut_file_write(path, "damaged", 7, 0600, &err), err);
	assert_int_equal(job_key_read(root, &k, &err), -EBADMSG);
	assert_ok(job_key_make(root, false, a, &err), err);
	assert_string_not_equal(a, b);
}

static void every_reason_has_an_exit_status(void **state _unused_)
{
	assert_int_equal(job_exit("signature"), 5);
	assert_int_equal(job_exit("replayed"), 5);
	assert_int_equal(job_exit("foreign"), 3);
	assert_int_equal(job_exit("window"), 6);
	assert_int_equal(job_exit("not-registered"), 7);
	assert_int_equal(job_exit("something new"), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_put_is_found),
		CASE(a_damaged_record_still_says_that_its_id_was_taken),
		CASE(what_is_forgotten_raises_the_floor_first),
		CASE(a_damaged_floor_is_no_floor_of_zero),
		CASE(records_and_results_are_bounded),
		CASE(malformed_records_are_refused),
		CASE(the_key_stays_until_another_is_asked_for),
		CASE(every_reason_has_an_exit_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
