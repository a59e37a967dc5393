// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "tuf/filename.h"
#include "tuf/store.h"

static int enter(void **state)
{
	struct sut_err err;
	char *d;

	if (sut_tmpdir("suture-unit", &d, &err) < 0)
		return -1;
	*state = d;
	return chdir(d);
}

static int leave(void **state)
{
	struct sut_err err;
	int r = chdir("/") < 0 || sut_rm_rf(*state, &err) < 0;

	free(*state);
	return r;
}

static struct sut_tuf_store *open_store(void)
{
	struct sut_tuf_store *s = NULL;
	struct sut_err err = {0};

	assert_ok(sut_tuf_store_open("m", &s, &err), err);
	return s;
}

static void put(struct sut_tuf_store *s, const char *role, const char *text)
{
	struct sut_err err = {0};

	assert_ok(sut_tuf_store_put(s, role, text, strlen(text), &err), err);
}

static void assert_has(struct sut_tuf_store *s, const char *role, const char *text)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_ok(sut_tuf_store_get(s, role, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), text);
}

static void put_then_get(void **state _unused_)
{
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = open_store();
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(3);
	struct sut_err err = {0};

	assert_int_equal(sut_tuf_store_get(s, "root", &b, &err), -ENOENT);
	put(s, "root", "first");
	put(s, "root", "second");
	assert_has(s, "root", "second");
	assert_int_equal(sut_tuf_store_get(s, "root", &b, &err), -EFBIG);
	assert_int_equal(b.len, 0);
	assert_true(sut_exists("m/root.json"));
	assert_ok(sut_tuf_store_remove(s, "root", &err), err);
	assert_ok(sut_tuf_store_remove(s, "root", &err), err);
	assert_false(sut_exists("m/root.json"));
	assert_int_equal(sut_tuf_store_put(s, "", "x", 1, &err), -EINVAL);
}

/* Names of the conformance suite, and worse: all stay in the folder, and are what A2 expects. */
static void role_names_stay_in_the_folder(void **state _unused_)
{
	static const char *const names[][2] = {
		{"?", "m/%3F.json"},
		{"#", "m/%23.json"},
		{"/delegatedrole", "m/%2Fdelegatedrole.json"},
		{"../delegatedrole", "m/..%2Fdelegatedrole.json"},
		{"..", "m/...json"},
		{".lock", "m/.lock.json"},
		{"root.json", "m/root.json.json"},
		{"%2F", "m/%252F.json"},
		{"a\nb", "m/a%0Ab.json"},
	};
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = open_store();
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		put(s, names[i][0], "x");
		assert_true(sut_exists(names[i][1]));
		assert_ok(sut_tuf_store_remove(s, names[i][0], &err), err);
		assert_false(sut_exists(names[i][1]));
	}
	assert_int_equal(rmdir("m"), -1); /* only the lock is left */
	assert_int_equal(unlink("m/.lock"), 0);
	assert_int_equal(rmdir("m"), 0);
}

static void long_names_fit(void **state _unused_)
{
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = open_store();
	char a[256] = "", b[256] = "";

	memset(a, '/', 255);
	memset(b, '/', 254);
	put(s, a, "a");
	put(s, b, "b");
	assert_has(s, a, "a");
	assert_has(s, b, "b");
	memset(a, 'x', 255);
	put(s, a, "c");
	assert_has(s, a, "c");
}

/* What a target is called must not be hidden, nor another target's part. */
static void target_names(void **state _unused_)
{
	static const char *const names[][2] = {
		{"kernel/1/kpatch.bin", "kernel%2F1%2Fkpatch.bin"},
		{".", "%2E"},
		{"..", "%2E."},
		{"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
		{"/etc/passwd", "%2Fetc%2Fpasswd"},
		{"a", "a"},
		{"a.part", "a%2Epart"},
		{"a%2Epart", "a%252Epart"},
		{".part", "%2Epart"},
		{"..part", "%2E%2Epart"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		_cleanup_(sut_freep) char *q = sut_tuf_file_name(names[i][0], "");

		assert_string_equal(q, names[i][1]);
	}
}

static void left_overs_are_removed(void **state _unused_)
{
	static const char *const left[] = {"m/root.json.tmp-17", "m/a%2Fb.json.tmp-4194304"};
	static const char *const kept[] = {"m/root.json", "m/root.json.tmp-", "m/root.json.tmp-1x",
					   "m/tmp-1", "m/x.tmp-1.json"};
	struct sut_tuf_store *s;
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p("m", &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(left); i++)
		assert_ok(sut_file_write(left[i], "x", 1, 0644, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kept); i++)
		assert_ok(sut_file_write(kept[i], "x", 1, 0644, &err), err);
	s = open_store();
	sut_tuf_store_free(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(left); i++)
		assert_false(sut_exists(left[i]));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kept); i++)
		assert_true(sut_exists(kept[i]));
}

static void a_full_disk_leaves_the_old_file(void **state _unused_)
{
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = open_store();
	struct rlimit before, small = {16, RLIM_INFINITY};
	struct sut_err err = {0};
	char big[4096];
	int r;

	memset(big, 'x', sizeof(big));
	put(s, "timestamp", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = sut_tuf_store_put(s, "timestamp", big, sizeof(big), &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_has(s, "timestamp", "old");
}

static void links_and_pipes_are_not_read(void **state _unused_)
{
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = open_store();
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_int_equal(symlink("/etc/passwd", "m/root.json"), 0);
	assert_int_equal(sut_tuf_store_get(s, "root", &b, &err), -ELOOP);
	put(s, "root", "mine");
	assert_has(s, "root", "mine");
	assert_int_equal(mkfifo("m/pipe.json", 0600), 0);
	assert_int_equal(sut_tuf_store_get(s, "pipe", &b, &err), -EINVAL);
	assert_int_equal(b.len, 0);
}

static void keep_only_removes_the_other_metadata(void **state _unused_)
{
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = open_store();
	struct sut_err err = {0};

	put(s, "root", "r");
	put(s, "timestamp", "t");
	put(s, "a/b", "d");
	assert_ok(sut_file_write("m/notes.txt", "x", 1, 0644, &err), err);
	assert_ok(sut_tuf_store_keep_only(s, "root", &err), err);
	assert_has(s, "root", "r");
	assert_false(sut_exists("m/timestamp.json"));
	assert_false(sut_exists("m/a%2Fb.json"));
	assert_true(sut_exists("m/notes.txt"));
}

static void one_at_a_time(void **state _unused_)
{
	struct sut_tuf_store *s = open_store();
	int done[2], st;
	char c;

	assert_int_equal(pipe(done), 0);
	if (fork() == 0) {
		struct sut_tuf_store *other = NULL;

		sut_tuf_store_free(s); /* the parent's stays locked through its own descriptor */
		if (sut_tuf_store_open("m", &other, NULL) < 0 || write(done[1], "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(fcntl(done[0], F_SETFL, O_NONBLOCK), 0);
	usleep(100 * 1000);
	assert_int_equal(read(done[0], &c, 1), -1);
	sut_tuf_store_free(s);
	wait(&st);
	assert_int_equal(st, 0);
	assert_int_equal(read(done[0], &c, 1), 1);
	close(done[0]);
	close(done[1]);
}

static void a_file_in_place_of_the_folder(void **state _unused_)
{
	struct sut_tuf_store *s = NULL;
	struct sut_err err = {0};

	assert_ok(sut_file_write("m", "x", 1, 0644, &err), err);
	assert_int_equal(sut_tuf_store_open("m", &s, &err), -ENOTDIR);
	assert_null(s);
}

#define in_folder(t) cmocka_unit_test_setup_teardown(t, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(put_then_get),
		in_folder(role_names_stay_in_the_folder),
		in_folder(long_names_fit),
		in_folder(target_names),
		in_folder(left_overs_are_removed),
		in_folder(a_full_disk_leaves_the_old_file),
		in_folder(links_and_pipes_are_not_read),
		in_folder(keep_only_removes_the_other_metadata),
		in_folder(one_at_a_time),
		in_folder(a_file_in_place_of_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
