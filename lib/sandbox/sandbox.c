// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

bool sut_sandbox_off(void)
{
	return SANITIZED;
}

int sut_sandbox_begin(struct sut_err *err)
{
	const struct rlimit none = {0, 0};

	if ((!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sut_err_errno(err, "cannot protect the memory of the process");
	return 0;
}

/* ------------------------------------------------------------------ */
/* Landlock: Linux 5.13. glibc has no names for its calls, and old headers none for its newer rights. */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define FILE_READ LANDLOCK_ACCESS_FS_READ_FILE
#define READ (FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define WRITE                                                                                      \
	(CHANGE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER)
/* Given to nobody. */
#define REST                                                                                       \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                               \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                             \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static const uint64_t rights[] = {
	[SUT_SANDBOX_FILES] = FILE_READ,
	[SUT_SANDBOX_READ] = READ,
	[SUT_SANDBOX_WRITE] = READ | WRITE,
	[SUT_SANDBOX_CHANGE] = FILE_READ | CHANGE,
};

static bool is_folder(int fd)
{
	_cleanup_(sut_closep) int dir = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir >= 0;
}

static int allow(int ruleset, const struct sut_sandbox_path *p, uint64_t known, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(p->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr a = {.allowed_access = rights[p->access] & known,
					       .parent_fd = fd};

	if (fd < 0 && !p->must)
		return 0;
	/* A file has no more than these. */
	if (fd >= 0 && !is_folder(fd))
		a.allowed_access &= FILE_READ | CHANGE;
	if (fd < 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		return sut_err_errno(err, "cannot confine the process to %s", p->path);
	return 0;
}

/* What a version of it can watch over. */
static uint64_t known_rights(int abi)
{
	uint64_t all = READ | WRITE | REST;

	if (abi < 2)
		all &= ~LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		all &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

int sut_sandbox_files(const struct sut_sandbox_path *paths, size_t n, int *ret_abi,
		      struct sut_err *err)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {.handled_access_fs = known_rights(abi)};
	_cleanup_(sut_closep) int fd = -1;
	int r = 0;

	/* No such call, switched off, or forbidden by a filter around us. */
	if (SANITIZED || abi < 1) {
		*ret_abi = 0;
		return 0;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return sut_err_errno(err, "cannot make a Landlock rule");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = allow(fd, &paths[i], attr.handled_access_fs, err);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = sut_err_errno(err, "cannot enter the Landlock rule");
	if (r == 0)
		*ret_abi = abi;
	return r;
}

/* ------------------------------------------------------------------ */

static int add(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = seccomp_rule_add(ctx, action, calls[i], 0);
		/* One that this architecture never had. */
		if (r == -EDOM)
			r = 0;
	}
	return r;
}

static int add_rules(scmp_filter_ctx ctx, const struct sut_sandbox_calls *c)
{
	int r = add(ctx, SCMP_ACT_ALLOW, c->allowed, c->nallowed);

	for (size_t i = 0; r == 0 && i < c->nfamilies; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, c->families[i]));
	/* A rule that says what holds anyway is an error. */
	if (r == 0 && c->otherwise)
		r = add(ctx, SCMP_ACT_KILL_PROCESS, c->deadly, c->ndeadly);
	return r;
}

int sut_sandbox_calls(const struct sut_sandbox_calls *c, struct sut_err *err)
{
	uint32_t otherwise = c->otherwise ? SCMP_ACT_ERRNO(c->otherwise) : SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx ctx;
	int r;

	if (SANITIZED)
		return 0;
	ctx = seccomp_init(otherwise);
	r = ctx ? add_rules(ctx, c) : -ENOMEM;
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r == -EINVAL || r == -ENOSYS)
		r = -EOPNOTSUPP;
	if (r == 0)
		return 0;
	errno = -r;
	return sut_err_errno(err, "cannot install the filter of system calls");
}
