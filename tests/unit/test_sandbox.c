// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

static char *dir, *inside, *outside;
static struct sut_err err;

/* In a child, which cannot come back from where it goes. Exit status, or -SIGNAL. */
static int confined(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sut_err why;

		_exit(sut_sandbox_begin(&why) < 0 ? 99 : fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int setup(void **state _unused_)
{
	assert_ok(sut_tmpdir("sandbox", &dir, &err), err);
	inside = sut_sprintf("%s/inside", dir);
	outside = sut_sprintf("%s/outside", dir);
	assert_true(inside && outside);
	assert_ok(sut_mkdir_p(inside, &err), err);
	assert_ok(sut_file_write(outside, "x", 1, 0644, &err), err);
	return 0;
}

static int teardown(void **state _unused_)
{
	assert_ok(sut_rm_rf(dir, &err), err);
	free(dir);
	free(inside);
	free(outside);
	return 0;
}

static int protects_itself(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_CORE, &l) < 0 || l.rlim_cur || l.rlim_max)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	return !sut_sandbox_off() && prctl(PR_GET_DUMPABLE) ? 3 : 0;
}

static void there_are_no_core_files_and_no_new_rights(void **state _unused_)
{
	assert_int_equal(confined(protects_itself), 0);
}

static int uses_files(void)
{
	const struct sut_sandbox_path paths[] = {
		{inside, SUT_SANDBOX_WRITE, true},
		{"/etc", SUT_SANDBOX_FILES, true},
		{"/nowhere/at/all", SUT_SANDBOX_READ, false},
	};
	char *file = sut_sprintf("%s/file", inside);
	int abi;

	if (sut_sandbox_files(paths, SUT_ARRAY_SIZE(paths), &abi, &err) < 0)
		return 1;
	if (!abi)
		return 0; /* a kernel without it, or a sanitizer */
	if (!file || sut_file_write(file, "x", 1, 0600, &err) < 0 || unlink(file) < 0)
		return 2;
	free(file);
	if (open(outside, O_RDONLY) >= 0 || errno != EACCES)
		return 3;
	if (open("/etc/passwd", O_RDONLY) < 0 || open("/etc", O_RDONLY | O_DIRECTORY) >= 0)
		return 4;
	if (open("/etc/passwd", O_WRONLY) >= 0)
		return 5;
	return execl("/bin/true", "true", NULL) < 0 && errno == EACCES ? 0 : 6;
}

static void files_are_those_that_were_named(void **state _unused_)
{
	assert_int_equal(confined(uses_files), 0);
}

static int names_a_folder_that_is_not_there(void)
{
	const struct sut_sandbox_path path = {"/nowhere/at/all", SUT_SANDBOX_READ, true};
	int abi = 0, r = sut_sandbox_files(&path, 1, &abi, &err);

	return r == -ENOENT || (r == 0 && !abi) ? 0 : 1;
}

static void a_folder_that_must_be_there_is_an_error_without(void **state _unused_)
{
	assert_int_equal(confined(names_a_folder_that_is_not_there), 0);
}

static const int few[] = {SCMP_SYS(exit_group), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(getpid)};
static const int worst[] = {SCMP_SYS(ptrace)};
static const unsigned int families[] = {AF_UNIX};
static struct sut_sandbox_calls calls = {
	.allowed = few,
	.nallowed = SUT_ARRAY_SIZE(few),
	.families = families,
	.nfamilies = 1,
	.deadly = worst,
	.ndeadly = 1,
	.otherwise = ENOSYS,
};

static int uses_calls(void)
{
	struct utsname u;
	int fd;

	if (sut_sandbox_calls(&calls, &err) < 0)
		return 1;
	if (getpid() <= 0)
		return 2;
	if (uname(&u) == 0 || errno != ENOSYS)
		return 3;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return 4;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == ENOSYS ? 0 : 5;
}

static int does_the_worst(void)
{
	if (sut_sandbox_calls(&calls, &err) < 0)
		return 1;
	return (int)syscall(SCMP_SYS(ptrace), 0, 0, 0, 0) ? 2 : 3;
}

static int does_another(void)
{
	struct utsname u;

	calls.otherwise = 0;
	if (sut_sandbox_calls(&calls, &err) < 0)
		return 1;
	return uname(&u) ? 2 : 3;
}

static void calls_are_those_that_were_named(void **state _unused_)
{
	if (sut_sandbox_off())
		return;
	assert_int_equal(confined(uses_calls), 0);
	assert_int_equal(confined(does_the_worst), -SIGSYS);
	assert_int_equal(confined(does_another), -SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_no_core_files_and_no_new_rights),
		cmocka_unit_test(files_are_those_that_were_named),
		cmocka_unit_test(a_folder_that_must_be_there_is_an_error_without),
		cmocka_unit_test(calls_are_those_that_were_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
