// SPDX-License-Identifier: Apache-2.0
/*
 * A program that works against whoever patches it, in the way that its first argument names. Then it serves (serve.h).
 *
 * "flip": under a filter of system calls that forbids mkdir(), a second thread waits for the signal frame that the patcher puts on the
 * stack of the first one, and changes the borrowed code at that moment to one that does mkdir() of its second argument. 'F': how often.
 * "spin": changes it to an endless loop.
 * "without-restore": there is no rt_sigreturn in its copy of the C library and its linker.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "serve.h"

#define BORROWED ((uint8_t *)0x20000000) /* below everything else: looked at first */

enum { RED_ZONE = 128, XSTATE_MAGIC = 0x46505845, EVIL = 0x60 };

static const char *forbidden = "";
static uint8_t *writable; /* the same page */
static uint8_t turn[2];	  /* what it is changed to */
static _Atomic int flips;
static unsigned int stays_s; /* … and for how long */
static pid_t first;

static void die(const char *what)
{
	perror(what);
	exit(3);
}

/* A page that looks like the C library's code to who looks for a system call, and can be written at another address. */
static void make_code(void)
{
	static const uint8_t call[] = {0x0f, 0x05, 0xc3};
	static const uint8_t restore[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	uint8_t evil[] = {0x48, 0xbf,	   0,	 0, 0, 0, 0, 0, 0, 0, /* mov $path, %rdi */
			  0xbe, 0xed,	   0x01, 0, 0,		      /* mov $0755, %esi */
			  0xb8, SYS_mkdir, 0,	 0, 0,		      /* mov $…, %eax */
			  0x0f, 0x05,	   0xc3};
	uint64_t path = (uintptr_t)forbidden;
	int fd = (int)syscall(SYS_memfd_create, "/libc.so", 0);

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		die("memfd");
	writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (writable == MAP_FAILED || mmap(BORROWED, 4096, PROT_READ | PROT_EXEC,
					   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != BORROWED)
		die("mmap");
	memcpy(evil + 2, &path, sizeof(path));
	memcpy(writable, call, sizeof(call));
	memcpy(writable + 16, restore, sizeof(restore));
	memcpy(writable + EVIL, evil, sizeof(evil));
	close(fd);
}

/* Where the first thread's stack pointer is while it waits in read(); 0: it does not. */
static uint64_t waiting_at(int fd)
{
	unsigned long long v[9];
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return sscanf(text, "0 %llx %llx %llx %llx %llx %llx %llx %llx", &v[1], &v[2], &v[3], &v[4],
		      &v[5], &v[6], &v[7], &v[8]) == 8
		       ? v[7]
		       : 0;
}

static void *watcher(void *arg)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", first);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	for (;;) {
		uint64_t sp = waiting_at(fd);

		for (int i = 0; sp && i < 20000; i++)
			for (uint64_t at = sp - RED_ZONE - 72; at < sp - RED_ZONE; at += 4) {
				if (*(volatile uint32_t *)at != XSTATE_MAGIC)
					continue;
				memcpy(writable, turn, sizeof(turn));
				atomic_fetch_add(&flips, 1);
				sleep(stays_s);
				writable[0] = 0x0f;
				writable[1] = 0x05;
				i = 20000;
				break;
			}
	}
	return arg;
}

static void start_watcher(uint8_t a, uint8_t b, unsigned int s)
{
	pthread_t t;

	first = (pid_t)syscall(SYS_gettid);
	turn[0] = a;
	turn[1] = b;
	stays_s = s;
	make_code();
	if (pthread_create(&t, NULL, watcher, NULL))
		die("pthread_create");
}

static void no_mkdir(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		die("seccomp");
}

/* In every mapping of code of the C library and its linker, which it has for itself from then on. */
static void take_out_restore(void)
{
	static const uint8_t restore[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start, end;
		char perms[8];
		uint8_t *p;

		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3 || perms[2] != 'x' ||
		    (!strstr(line, "/libc.so") && !strstr(line, "/ld-linux")))
			continue;
		if (mprotect((void *)start, end - start, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
			die("mprotect");
		while ((p = memmem((void *)start, end - start, restore, sizeof(restore))))
			memset(p, 0xcc, sizeof(restore));
		if (mprotect((void *)start, end - start, PROT_READ | PROT_EXEC) < 0)
			die("mprotect");
	}
	if (f)
		fclose(f);
}

static int extra(char c)
{
	return c == 'F' ? atomic_load(&flips) : -1;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	forbidden = argc > 2 ? argv[2] : "";
	if (!strcmp(mode, "flip")) {
		start_watcher(0xeb, EVIL - 2, 1);
		no_mkdir();
	} else if (!strcmp(mode, "spin")) {
		start_watcher(0xeb, 0xfe, 60);
	} else if (!strcmp(mode, "without-restore")) {
		take_out_restore();
	} else {
		return 64;
	}
	serve(extra);
	return 0;
}
