// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

#define SH(script) ((const char *const[]){"sh", "-c", script, NULL})

static size_t open_descriptors(void)
{
	_cleanup_(sut_closedirp) DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	return n;
}

/* Every test must leave as many descriptors and children as it found. */
static int count(void **state)
{
	*state = (void *)(uintptr_t)open_descriptors();
	return 0;
}

static int compare(void **state)
{
	if (open_descriptors() != (uintptr_t)*state) {
		print_error("descriptors were left open\n");
		return -1;
	}
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
		print_error("a child was left behind\n");
		return -1;
	}
	return 0;
}

static void exit_status_is_returned(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(sut_run(SH("exit 0"), NULL, &err), 0);
	assert_int_equal(sut_run(SH("exit 7"), NULL, &err), 7);
	assert_int_equal(sut_run(SH("exit 255"), NULL, &err), 255);
}

static void streams_are_kept_apart(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(100), eb = SUT_BUF_INIT(100);
	struct sut_run_opts o = {.out = &out, .err_out = &eb};
	struct sut_err err = {0};

	assert_int_equal(sut_run(SH("echo one; echo two >&2"), &o, &err), 0);
	assert_string_equal(sut_buf_str(&out), "one\n");
	assert_string_equal(sut_buf_str(&eb), "two\n");
}

static void streams_share_a_buffer_in_order(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(100);
	struct sut_run_opts o = {.err_out = &b};
	struct sut_err err = {0};

	assert_int_equal(sut_run(SH("echo 1; echo 2 >&2; echo 3"), &o, &err), 0);
	assert_string_equal(sut_buf_str(&b), "1\n2\n3\n");
}

static void large_input_passes_through(void **state _unused_)
{
	enum { SIZE = 3 << 20 };
	_cleanup_buf_ struct sut_buf in = SUT_BUF_INIT(SIZE), out = SUT_BUF_INIT(SIZE);
	const char *const argv[] = {"cat", NULL};
	struct sut_err err = {0};
	struct sut_run_opts o = {.out = &out};

	for (size_t i = 0; i < SIZE / 8; i++)
		assert_int_equal(sut_buf_addf(&in, "%07zu\n", i), 0);
	o.in = in.data;
	o.in_len = in.len;
	assert_int_equal(sut_run(argv, &o, &err), 0);
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
}

static void unread_input_is_no_error_and_no_signal(void **state _unused_)
{
	static char big[1 << 20];
	struct sut_run_opts o = {.in = big, .in_len = sizeof(big)};
	struct sut_err err = {0};
	sigset_t pending;

	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sut_run(SH("exit 3"), &o, &err), 3);
	assert_int_equal(sut_run(SH("exec 0<&-; sleep 0.2"), &o, &err), 0);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
}

static void no_input_is_the_null_device(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(100);
	struct sut_run_opts o = {.out = &out};
	struct sut_err err = {0};

	assert_int_equal(sut_run(SH("readlink /proc/self/fd/0; cat"), &o, &err), 0);
	assert_string_equal(sut_buf_str(&out), "/dev/null\n");
}

static void child_gets_no_other_descriptors(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1000);
	const char *const argv[] = {"ls", "/proc/self/fd", NULL};
	_cleanup_(sut_closep) int extra = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct sut_run_opts o = {.out = &out};
	struct sut_err err = {0};

	assert_true(extra >= 0);
	assert_int_equal(sut_run(argv, &o, &err), 0);
	assert_string_equal(sut_buf_str(&out), "0\n1\n2\n3\n"); /* 3 is the folder ls reads */
}

/* A daemon may have no standard streams: the pipes then get their numbers. */
static void works_without_standard_streams(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(100), eb = SUT_BUF_INIT(100);
	struct sut_run_opts o = {.out = &out, .err_out = &eb, .in = "in\n", .in_len = 3};
	struct sut_err err = {0};
	int st;

	if (fork() == 0) {
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		if (sut_run(SH("cat; echo out; echo err >&2"), &o, &err) != 0)
			_exit(1);
		_exit(strcmp(sut_buf_str(&out), "in\nout\n") || strcmp(sut_buf_str(&eb), "err\n"));
	}
	wait(&st);
	assert_int_equal(st, 0);
}

static void missing_program_is_named(void **state _unused_)
{
	const char *const argv[] = {"no-such-program", NULL};
	struct sut_err err = {0};

	assert_int_equal(sut_run(argv, NULL, &err), -ENOENT);
	assert_says(err, "no-such-program");
	assert_says(err, "install");
}

static void missing_folder_is_not_blamed_on_the_program(void **state _unused_)
{
	struct sut_run_opts o = {.cwd = "/nonexistent"};
	struct sut_err err = {0};

	assert_int_equal(sut_run(SH("true"), &o, &err), -ENOENT);
	assert_says(err, "/nonexistent");
}

static void folder_and_environment_are_set(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(100);
	const char *const env[] = {"SUT_A=new", "SUT_C=c=d", NULL};
	struct sut_run_opts o = {.cwd = "/proc", .env = env, .out = &out};
	struct sut_err err = {0};

	setenv("SUT_A", "old", 1);
	setenv("SUT_AB", "kept", 1);
	assert_int_equal(sut_run(SH("echo $PWD $SUT_A $SUT_AB $SUT_C"), &o, &err), 0);
	assert_string_equal(sut_buf_str(&out), "/proc new kept c=d\n");
	assert_string_equal(getenv("SUT_A"), "old");
	assert_null(getenv("SUT_C"));
}

static void timeout_ends_the_whole_group(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(100);
	struct sut_run_opts o = {.timeout_sec = 1, .out = &out};
	struct sut_err err = {0};
	double start = sut_now_s();
	uint64_t pid;

	assert_int_equal(sut_run(SH("sleep 60 & echo $!; wait"), &o, &err), -ETIMEDOUT);
	assert_true(sut_now_s() - start < 10);
	assert_says(err, "within 1 s");
	out.data[out.len - 1] = 0;
	assert_int_equal(sut_parse_u64(sut_buf_str(&out), 1 << 30, &pid), 0);
	for (int i = 0; i < 100 && kill((pid_t)pid, 0) == 0; i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("/proc/%d/stat", (int)pid);
		_cleanup_buf_ struct sut_buf st = SUT_BUF_INIT(4096);

		/* Nobody may be there to reap it; a zombie has ended. */
		if (sut_file_read(path, &st, NULL) == 0 && strstr(sut_buf_str(&st), ") Z "))
			return;
		usleep(20 * 1000);
	}
	assert_int_equal(kill((pid_t)pid, 0), -1);
}

static void timeout_holds_after_the_streams_are_closed(void **state _unused_)
{
	struct sut_run_opts o = {.timeout_sec = 1};
	struct sut_err err = {0};
	double start = sut_now_s();

	assert_int_equal(sut_run(SH("exec >&- 2>&-; sleep 30"), &o, &err), -ETIMEDOUT);
	assert_true(sut_now_s() - start < 10);
}

static void process_left_behind_is_not_waited_for(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(100);
	struct sut_run_opts o = {.out = &out};
	struct sut_err err = {0};
	double start = sut_now_s();

	assert_int_equal(sut_run(SH("sleep 20 & echo started"), &o, &err), 0);
	assert_true(sut_now_s() - start < 10);
	assert_string_equal(sut_buf_str(&out), "started\n");
}

static void output_limit_ends_the_program(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1000);
	const char *const argv[] = {"yes", NULL};
	struct sut_run_opts o = {.out = &out};
	struct sut_err err = {0};

	assert_int_equal(sut_run(argv, &o, &err), -ENOBUFS);
	assert_says(err, "more than is allowed");
}

static void signal_is_reported(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(sut_run(SH("kill -9 $$"), NULL, &err), -EINTR);
	assert_says(err, "signal 9");
}

static void run_ok_shows_the_last_lines(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(sut_run_ok(SH("exit 0"), NULL, &err), 0);
	assert_int_equal(sut_run_ok(SH("seq 1 5000 >&2; echo last >&2; exit 4"), NULL, &err),
			 -ECHILD);
	assert_says(err, "status 4");
	assert_says(err, "\n5000\nlast");
	assert_null(strstr(err.msg, "\n17\n"));
}

static void child_ends_with_its_parent(void **state _unused_)
{
	_cleanup_(sut_freep) char *d = NULL, *script = NULL, *mark = NULL;
	struct sut_err err = {0};
	pid_t pid;

	assert_ok(sut_tmpdir("suture-unit", &d, &err), err);
	mark = sut_sprintf("%s/ended", d);
	script = sut_sprintf("trap 'touch %s; exit' TERM; touch %s/started; "
			     "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.2; done",
			     mark, d);
	pid = fork();
	if (pid == 0)
		_exit(sut_run(SH(script), NULL, &err) < 0);
	for (int i = 0; i < 100; i++) {
		_cleanup_(sut_freep) char *started = sut_sprintf("%s/started", d);

		if (sut_exists(started))
			break;
		usleep(20 * 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 100 && !sut_exists(mark); i++)
		usleep(20 * 1000);
	assert_true(sut_exists(mark));
	assert_ok(sut_rm_rf(d, &err), err);
}

enum { NJOBS = 5 };

static void prepare(struct sut_job *jobs, const char *const *argv)
{
	for (size_t i = 0; i < NJOBS; i++)
		jobs[i] = (struct sut_job){.argv = argv, .output = SUT_BUF_INIT(4096)};
}

static void release(struct sut_job *jobs)
{
	for (size_t i = 0; i < NJOBS; i++)
		sut_buf_release(&jobs[i].output);
}

static void jobs_run_side_by_side(void **state _unused_)
{
	struct sut_job jobs[NJOBS];
	struct sut_err err = {0};
	double start = sut_now_s();

	prepare(jobs, SH("sleep 0.5; echo done; pwd >&2"));
	jobs[1].cwd = "/proc";
	assert_ok(sut_run_jobs(jobs, NJOBS, NJOBS, &err), err);
	assert_true(sut_now_s() - start < 0.5 * NJOBS - 0.3);
	for (size_t i = 0; i < NJOBS; i++) {
		assert_int_equal(jobs[i].status, 0);
		assert_true(jobs[i].seconds > 0.4);
		assert_memory_equal(jobs[i].output.data, "done\n", 5);
	}
	assert_string_equal(sut_buf_str(&jobs[1].output), "done\n/proc\n");
	release(jobs);
}

static void first_failure_stops_the_rest(void **state _unused_)
{
	struct sut_job jobs[NJOBS];
	struct sut_err err = {0};

	prepare(jobs, SH("true"));
	jobs[1].argv = SH("echo why; exit 9");
	assert_int_equal(sut_run_jobs(jobs, NJOBS, 1, &err), -ECHILD);
	assert_says(err, "status 9");
	assert_says(err, "why");
	assert_int_equal(jobs[0].status, 0);
	assert_int_equal(jobs[1].status, 9);
	assert_int_equal(jobs[2].status, -ECANCELED);
	assert_int_equal(jobs[4].status, -ECANCELED);
	release(jobs);
}

static void job_that_cannot_start_is_named(void **state _unused_)
{
	const char *const missing[] = {"no-such-program", NULL};
	struct sut_job jobs[NJOBS];
	struct sut_err err = {0};

	prepare(jobs, SH("true"));
	jobs[2].argv = missing;
	assert_int_equal(sut_run_jobs(jobs, NJOBS, 2, &err), -ENOENT);
	assert_says(err, "no-such-program");
	assert_int_equal(jobs[2].status, -ENOENT);
	release(jobs);
}

static void no_jobs_is_fine(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_run_jobs(NULL, 0, 0, &err), err);
	assert_true(sut_ncpus() >= 1);
}

#define counted(t) cmocka_unit_test_setup_teardown(t, count, compare)

static void the_first_neighbour_that_is_there_is_found(void **state)
{
	static const char *const none[] = {"nobody-is-called-so", NULL};
	static const char *const some[] = {"nobody-is-called-so", "../unit/test_base_proc", NULL};
	_cleanup_(sut_freep) char *path = sut_program_beside(some);

	(void)state;
	assert_null(sut_program_beside(none));
	assert_non_null(path);
	assert_true(path[0] == '/' && sut_endswith(path, "/../unit/test_base_proc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		counted(exit_status_is_returned),
		counted(streams_are_kept_apart),
		counted(streams_share_a_buffer_in_order),
		counted(large_input_passes_through),
		counted(unread_input_is_no_error_and_no_signal),
		counted(no_input_is_the_null_device),
		counted(child_gets_no_other_descriptors),
		counted(works_without_standard_streams),
		counted(missing_program_is_named),
		counted(missing_folder_is_not_blamed_on_the_program),
		counted(folder_and_environment_are_set),
		counted(timeout_ends_the_whole_group),
		counted(timeout_holds_after_the_streams_are_closed),
		counted(process_left_behind_is_not_waited_for),
		counted(output_limit_ends_the_program),
		counted(signal_is_reported),
		counted(run_ok_shows_the_last_lines),
		counted(child_ends_with_its_parent),
		counted(jobs_run_side_by_side),
		counted(first_failure_stops_the_rest),
		counted(job_that_cannot_start_is_named),
		counted(no_jobs_is_fine),
		counted(the_first_neighbour_that_is_there_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
