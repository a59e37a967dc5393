// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"

/* Each test works inside a fresh folder. */
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

static void put(const char *path, const char *text)
{
	struct sut_err err;

	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
}

static void assert_holds(const char *path, const char *text)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err;

	assert_ok(sut_file_read(path, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), text);
}

static void *read_secret(void *arg)
{
	struct sut_buf *b = arg;
	struct sut_err err;

	return sut_file_read("secret", b, &err) < 0 ? arg : NULL;
}

/* Keys and passphrases are files, too. The stack of a thread can be looked at when it is over. */
static void what_was_read_does_not_stay_on_the_stack(void **state _unused_)
{
	enum { STACK = 1 << 20 };
	static const char secret[] = "correct horse battery staple";
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	void *stack = aligned_alloc(65536, STACK), *failed;
	pthread_attr_t attr;
	pthread_t t;

	put("secret", secret);
	assert_non_null(stack);
	memset(stack, 0, STACK);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	assert_int_equal(pthread_create(&t, &attr, read_secret, &b), 0);
	assert_int_equal(pthread_join(t, &failed), 0);
	pthread_attr_destroy(&attr);
	assert_null(failed);
	assert_string_equal(sut_buf_str(&b), secret);
	assert_null(memmem(stack, STACK, secret, sizeof(secret) - 1));
	free(stack);
}

static void write_then_read(void **state _unused_)
{
	struct stat st;

	put("f", "hello");
	assert_holds("f", "hello");
	put("f", "");
	assert_holds("f", "");
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_nlink, 1);
}

static void write_leaves_no_temporary_file(void **state _unused_)
{
	_cleanup_(sut_closedirp) DIR *d = NULL;
	struct dirent *e;
	size_t n = 0;

	put("f", "x");
	d = opendir(".");
	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	assert_int_equal(n, 1);
}

static void write_replaces_and_does_not_touch_the_old_file(void **state _unused_)
{
	put("f", "old");
	assert_int_equal(link("f", "kept"), 0);
	put("f", "new");
	assert_holds("f", "new");
	assert_holds("kept", "old");
}

static void write_does_not_follow_a_planted_temporary_file(void **state _unused_)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("f.tmp-%d", (int)getpid());

	put("victim", "precious");
	assert_int_equal(symlink("victim", tmp), 0);
	put("f", "x");
	assert_holds("victim", "precious");
	assert_holds("f", "x");
	assert_int_equal(link("victim", tmp), 0);
	put("f", "y");
	assert_holds("victim", "precious");
	assert_holds("f", "y");
}

static void write_refuses_what_is_not_a_regular_file(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(sut_file_write("pipe", "x", 1, 0644, &err), -EINVAL);
	assert_says(err, "regular file");
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(sut_file_write("d", "x", 1, 0644, &err), -EINVAL);
}

static void write_into_a_missing_folder_fails(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(sut_file_write("no/f", "x", 1, 0644, &err), -ENOENT);
	assert_says(err, "no/f");
}

/* A limit on the size of files stands for the full disk: it stops a write half-way. */
static void write_to_a_full_disk_keeps_the_old_file(void **state)
{
	static char big[65536];
	struct rlimit small = {4096, RLIM_INFINITY}, before;
	struct sut_err err = {0};
	int r;

	put("f", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = sut_file_write("f", big, sizeof(big), 0644, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_says(err, "cannot write f");
	assert_holds("f", "old");
	assert_int_equal(unlink("f"), 0);
	assert_int_equal(rmdir(*state), 0); /* nothing else is left */
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void read_keeps_the_limit_and_the_buffer(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(6);
	struct sut_err err = {0};

	put("f", "1234");
	assert_ok(sut_file_read("f", &b, &err), err);
	assert_int_equal(sut_file_read("f", &b, &err), -EFBIG);
	assert_says(err, "limit");
	assert_string_equal(sut_buf_str(&b), "1234");
}

static void read_of_proc_and_folders(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	assert_ok(sut_file_read("/proc/self/status", &b, &err), err);
	assert_non_null(strstr(sut_buf_str(&b), "Pid:"));
	assert_int_equal(sut_file_read(".", &b, &err), -EISDIR);
	assert_int_equal(sut_file_read("none", &b, &err), -ENOENT);
	assert_says(err, "cannot open none");
}

static void mkdir_p_makes_parents(void **state _unused_)
{
	struct sut_err err = {0};
	struct stat st;

	assert_ok(sut_mkdir_p("a/b//c/", &err), err);
	assert_ok(sut_mkdir_p("a/b/c", &err), err);
	assert_ok(sut_mkdir_p("/", &err), err);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
}

static void mkdir_p_does_not_take_a_file_for_a_folder(void **state _unused_)
{
	struct sut_err err = {0};

	put("f", "x");
	assert_int_equal(sut_mkdir_p("f", &err), -ENOTDIR);
	assert_int_equal(sut_mkdir_p("f/g", &err), -ENOTDIR);
	assert_says(err, "a file of this name");
	assert_int_equal(sut_mkdir_p("", &err), -EINVAL);
}

static void mkdir_p_accepts_a_link_to_a_folder(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(mkdir("real", 0755), 0);
	assert_int_equal(symlink("real", "link"), 0);
	assert_ok(sut_mkdir_p("link/x", &err), err);
	assert_true(sut_exists("real/x"));
}

static void rm_rf_does_not_follow_links(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p("out", &err), err);
	put("out/f", "kept");
	assert_ok(sut_mkdir_p("tree/a/b", &err), err);
	assert_int_equal(symlink("../out", "tree/link"), 0);
	assert_int_equal(symlink("nowhere", "tree/dangling"), 0);
	assert_ok(sut_rm_rf("tree", &err), err);
	assert_false(sut_exists("tree"));
	assert_holds("out/f", "kept");
	assert_ok(sut_rm_rf("tree", &err), err);
	assert_ok(sut_rm_rf("out/f", &err), err);
	assert_false(sut_exists("out/f"));
}

static void tmpdir_is_private_and_fresh(void **state _unused_)
{
	_cleanup_(sut_freep) char *a = NULL, *b = NULL;
	struct sut_err err = {0};
	struct stat st;

	assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
	assert_int_equal(sut_tmpdir("t", &a, &err), -ENOENT);
	assert_null(a);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_ok(sut_tmpdir("t", &a, &err), err);
	assert_ok(sut_tmpdir("t", &b, &err), err);
	assert_string_not_equal(a, b);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_ok(sut_rm_rf(a, &err), err);
	assert_ok(sut_rm_rf(b, &err), err);
}

static void lock_keeps_others_out_until_closed(void **state _unused_)
{
	struct sut_err err = {0};
	int fd = -1, ready[2], st;
	char c;

	assert_ok(sut_lock("l", &fd, &err), err);
	assert_int_equal(pipe(ready), 0);
	if (fork() == 0) {
		int other;

		close(fd); /* the descriptor is shared, not the wish */
		if (sut_lock("l", &other, &err) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(fcntl(ready[0], F_SETFL, O_NONBLOCK), 0);
	usleep(100 * 1000);
	assert_int_equal(read(ready[0], &c, 1), -1);
	close(fd);
	wait(&st);
	assert_int_equal(st, 0);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

/* flock(2) asks for no more than an open file: whoever can read a lock can hold it for ever. */
static void lock_can_be_taken_by_its_owner_only(void **state _unused_)
{
	struct sut_err err = {0};
	mode_t mask = umask(0);
	struct stat st;

	for (int i = 0; i < 2; i++) {
		int fd = -1;

		assert_ok(sut_lock("l", &fd, &err), err);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		close(fd);
		assert_int_equal(chmod("l", 0666), 0);
	}
	umask(mask);
}

static void lock_is_no_link(void **state _unused_)
{
	struct sut_err err = {0};
	int fd = -1;

	assert_int_equal(symlink("elsewhere", "l"), 0);
	assert_int_equal(sut_lock("l", &fd, &err), -ELOOP);
	assert_false(sut_exists("elsewhere"));
}

#define in_folder(t) cmocka_unit_test_setup_teardown(t, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(write_then_read),
		in_folder(what_was_read_does_not_stay_on_the_stack),
		in_folder(write_leaves_no_temporary_file),
		in_folder(write_replaces_and_does_not_touch_the_old_file),
		in_folder(write_does_not_follow_a_planted_temporary_file),
		in_folder(write_refuses_what_is_not_a_regular_file),
		in_folder(write_into_a_missing_folder_fails),
		in_folder(write_to_a_full_disk_keeps_the_old_file),
		in_folder(read_keeps_the_limit_and_the_buffer),
		in_folder(read_of_proc_and_folders),
		in_folder(mkdir_p_makes_parents),
		in_folder(mkdir_p_does_not_take_a_file_for_a_folder),
		in_folder(mkdir_p_accepts_a_link_to_a_folder),
		in_folder(rm_rf_does_not_follow_links),
		in_folder(tmpdir_is_private_and_fresh),
		in_folder(lock_keeps_others_out_until_closed),
		in_folder(lock_can_be_taken_by_its_owner_only),
		in_folder(lock_is_no_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
