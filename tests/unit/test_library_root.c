// SPDX-License-Identifier: Apache-2.0
/* builder/library/root.h: what runs in a build root is anybody's program, and gets at nothing else. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "library/root.h"

/* Runs a line of shell as the build of a package would run, with this machine's own files for a root. */
static int inside(const char *line)
{
	_cleanup_strv_ struct sut_strv argv = {0};
	struct sut_err err = {0};
	int r = sut_root_argv(&argv, "/", false, "/");

	for (size_t i = 0; i < 3 && r == 0; i++)
		r = sut_strv_add(&argv, (const char *const[]){"/bin/sh", "-c", line}[i]);
	assert_int_equal(r, 0);
	r = sut_run((const char *const *)argv.v, NULL, &err);
	if (r < 0)
		fail_msg("%s", err.msg);
	return r;
}

static void a_build_is_root_of_its_files_alone(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(inside("[ \"$(/usr/bin/id -u)\" = 0 ]"), 0);
	assert_int_equal(
		inside("/bin/touch /tmp/x && /bin/chown 1:1 /tmp/x && /bin/chmod 0 /tmp/x && : >/tmp/x"),
		0);
	/* Each of these was a way out. What is written is what is there. */
	assert_int_not_equal(inside("/bin/mount -t tmpfs none /mnt 2>/dev/null"), 0);
	assert_int_not_equal(inside("/bin/mknod /tmp/disk b 254 0 2>/dev/null"), 0);
	assert_int_not_equal(inside("v=$(/bin/cat /proc/sys/kernel/core_pattern) && "
				    "(echo \"$v\" >/proc/sys/kernel/core_pattern) 2>/dev/null"),
			     0);
	assert_int_not_equal(inside("(: </dev/tty) 2>/dev/null"), 0);
	assert_int_not_equal(inside("[ -e /proc/2/../3 ] && [ -d /proc/$PPID/task ] && "
				    "[ $(/bin/ls -d /proc/[0-9]* | /usr/bin/wc -l) -gt 20 ]"),
			     0);
}

static char *made(const char *dir, const char *name)
{
	char *p = sut_sprintf("%s/%s", dir, name);

	assert_non_null(p);
	return p;
}

static void links_that_a_build_leaves_are_not_followed(void **state)
{
	_cleanup_(sut_freep) char *dir = NULL, *good = NULL, *bad = NULL, *file = NULL,
				  *away = NULL;
	struct sut_err err = {0};

	(void)state;
	assert_int_equal(sut_tmpdir("suture-root", &dir, &err), 0);
	good = made(dir, "suture/store");
	bad = made(dir, "build");
	file = made(dir, "suture/store/aa");
	away = made(dir, "suture/store/bb");
	assert_int_equal(sut_mkdir_p(good, &err), 0);
	assert_int_equal(sut_file_write(file, "x", 1, 0644, &err), 0);
	assert_int_equal(sut_root_check(dir, "/suture/store", &err), 0);
	assert_int_equal(sut_root_check_files(good, &err), 0);

	assert_int_equal(symlink("/etc", bad), 0);
	assert_int_equal(sut_root_check(dir, "/build", &err), -EPERM);
	assert_string_equal(err.reason, "build-root");
	assert_int_equal(sut_root_check(dir, "/build/ssh", &err), -EPERM);
	assert_int_equal(symlink("/etc/passwd", away), 0);
	assert_int_equal(sut_root_check_files(good, &err), -EPERM);
	assert_int_equal(sut_rm_rf(dir, &err), 0);
}

static void nobody_gets_rights_of_others_by_what_is_kept(void **state)
{
	_cleanup_(sut_freep) char *dir = NULL, *folder = NULL, *su = NULL, *disk = NULL;
	struct sut_err err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(sut_tmpdir("suture-root", &dir, &err), 0);
	folder = made(dir, "root/bin");
	su = made(dir, "root/bin/su");
	disk = made(dir, "root/bin/disk");
	assert_int_equal(sut_mkdir_p(folder, &err), 0);
	assert_int_equal(sut_file_write(su, "x", 1, 0755, &err), 0);
	assert_int_equal(chmod(su, 06755), 0);
	if (geteuid() == 0)
		assert_int_equal(mknod(disk, S_IFBLK | 0666, makedev(254, 0)), 0);
	assert_int_equal(sut_root_disarm(dir, &err), 0);
	assert_int_equal(stat(su, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(access(disk, F_OK), -1);
	assert_int_equal(sut_rm_rf(dir, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_is_root_of_its_files_alone),
		cmocka_unit_test(links_that_a_build_leaves_are_not_followed),
		cmocka_unit_test(nobody_gets_rights_of_others_by_what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
