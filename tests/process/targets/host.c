// SPDX-License-Identifier: Apache-2.0
/*
 * A program with one thread in some condition, named by its first argument: limits, filters, namespaces, address space. Then it
 * serves (serve.h).
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "serve.h"

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static void mode_plain(void)
{
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* Memory is never writable first and executable later. */
static void mode_mdwe(void)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0) < 0)
		die("PR_SET_MDWE");
}

static void mode_seccomp_strict(void)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) < 0)
		die("seccomp");
}

/* Only what it needs; anything else is its death. */
static void mode_seccomp_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		die("seccomp");
}

/* What /proc/self/status says about it, in bytes. */
static unsigned long status_kib(const char *field)
{
	char buf[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0)
		die("/proc/self/status");
	close(fd);
	buf[n] = 0;
	at = strstr(buf, field);
	return at ? strtoul(at + strlen(field), NULL, 10) * 1024 : 0;
}

static void mode_rlimit_as(void)
{
	struct rlimit l = {status_kib("VmSize:"), RLIM_INFINITY};

	if (setrlimit(RLIMIT_AS, &l) < 0)
		die("RLIMIT_AS");
}

static void mode_rlimit_data(void)
{
	struct rlimit l = {4096, RLIM_INFINITY};

	if (setrlimit(RLIMIT_DATA, &l) < 0)
		die("RLIMIT_DATA");
}

/* All memory is locked, also future one, and there is no more to lock; root may lock what it likes, so it is not root. */
static void mode_mlock(void)
{
	struct rlimit l;

	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		die("mlockall");
	l.rlim_cur = l.rlim_max = status_kib("VmLck:");
	if (setrlimit(RLIMIT_MEMLOCK, &l) < 0 || setuid(65534) < 0)
		die("RLIMIT_MEMLOCK");
}

static int text_of(struct dl_phdr_info *i, size_t size, void *arg)
{
	(void)size;
	if (strstr(i->dlpi_name, "libvictim"))
		*(unsigned long *)arg = i->dlpi_addr;
	return 0;
}

/* Every page within reach of the library is taken. */
static void mode_full(void)
{
	unsigned long lib = 0, at;

	dl_iterate_phdr(text_of, &lib);
	if (!lib)
		die("libvictim");
	/* In pieces that halve where something is in the way. */
	for (unsigned long size = 1UL << 28; size >= 4096; size >>= 1)
		for (at = (lib - (3UL << 30)) & ~(size - 1); at < lib + (3UL << 30); at += size)
			if (mmap((void *)at, size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
				 -1, 0) == MAP_FAILED &&
			    errno != EEXIST && errno != EINVAL)
				die("mmap");
}

static void mode_undumpable(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		die("PR_SET_DUMPABLE");
}

static void mode_userns(void)
{
	if (unshare(CLONE_NEWUSER) < 0)
		die("unshare");
}

/* Nothing of the file system that it was loaded from can be reached any more. */
static void mode_mntns(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/mnt", "tmpfs", 0, NULL) < 0 || chroot("/mnt") < 0 || chdir("/") < 0)
		die("mount");
}

static void mode_nobody(void)
{
	if (setgid(65534) < 0 || setuid(65534) < 0)
		die("setuid");
}

/* Behind a wrong path, with another working directory: names mean nothing. */
static void mode_stopped(void)
{
	raise(SIGSTOP);
}

static const struct {
	const char *name;
	void (*set)(void);
} modes[] = {
	{"plain", mode_plain},
	{"mdwe", mode_mdwe},
	{"seccomp-strict", mode_seccomp_strict},
	{"seccomp-filter", mode_seccomp_filter},
	{"rlimit-as", mode_rlimit_as},
	{"rlimit-data", mode_rlimit_data},
	{"mlock", mode_mlock},
	{"full", mode_full},
	{"undumpable", mode_undumpable},
	{"userns", mode_userns},
	{"mntns", mode_mntns},
	{"nobody", mode_nobody},
	{"stopped", mode_stopped},
};

int main(int argc, char **argv)
{
	setenv("HOME", "/", 1);
	/* Nothing but an answer. */
	if (argc > 1 && strcmp(argv[1], "once") == 0)
		return victim_value(0);
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, argv[1]) == 0) {
			modes[i].set();
			serve(NULL);
			/* exit() would do more than a filter allows. */
			syscall(strcmp(argv[1], "seccomp-strict") ? SYS_exit_group : SYS_exit, 0);
		}
	fprintf(stderr, "usage: host MODE\n");
	return 64;
}
