// SPDX-License-Identifier: Apache-2.0
/*
 * How long processes stand still for a patch, beside how long they stand still for nothing: the same threads stopped and let go by
 * the same machine in the same run. Prints "NAME<tab>VALUE" for bench/process; times in microseconds.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "traps/trap.h"

static struct proc_patch *patch;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double us(uint64_t *v, size_t n, unsigned int percent)
{
	qsort(v, n, sizeof(*v), by_size);
	return (double)v[(n - 1) * percent / 100] / 1000;
}

/* All threads of a process: seized, interrupted, waited for, let go. From the first INTERRUPT to the last DETACH. */
static uint64_t stop_for_nothing(pid_t pid, unsigned int threads)
{
	static pid_t tids[2048];
	unsigned int n = 0;
	char path[64];
	DIR *d;
	uint64_t begun;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d)) && n < SUT_ARRAY_SIZE(tids);)
		if (e->d_name[0] != '.')
			tids[n++] = (pid_t)strtol(e->d_name, NULL, 10);
	if (!d || n != threads)
		abort();
	closedir(d);
	for (unsigned int i = 0; i < n; i++)
		if (ptrace(PTRACE_SEIZE, tids[i], NULL, NULL) < 0)
			abort();
	begun = now_ns();
	for (unsigned int i = 0; i < n; i++)
		ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL);
	for (unsigned int i = 0; i < n; i++)
		if (waitpid(tids[i], NULL, __WALL) < 0)
			abort();
	for (unsigned int i = 0; i < n; i++)
		ptrace(PTRACE_DETACH, tids[i], NULL, NULL);
	return now_ns() - begun;
}

static bool stops(const char *program, const char *mode, const char *arg, unsigned int threads,
		  unsigned int times, const char *name)
{
	uint64_t *nothing = calloc(times, sizeof(*nothing)), *ours = calloc(times, sizeof(*ours)),
		 *whole = calloc(times, sizeof(*whole));
	struct victim v;

	MUST(nothing && ours && whole, "memory");
	MUST(start(&v, program, mode, arg), "start");
	for (unsigned int i = 0; i < times; i++) {
		struct done d = i % 2 ? revert(v.pid, patch) : apply(v.pid, patch);

		MUST(d.r == 0, "%s", d.err.msg);
		MUST(d.res.threads == threads, "%u threads", d.res.threads);
		ours[i] = d.res.stop_ns;
		whole[i] = d.res.total_ns;
		nothing[i] = stop_for_nothing(v.pid, threads);
	}
	printf("%s-median\t%.0f\n", name, us(ours, times, 50));
	printf("%s-p99\t%.0f\n", name, us(ours, times, 99));
	printf("%s-nothing-median\t%.0f\n", name, us(nothing, times, 50));
	printf("%s-nothing-p99\t%.0f\n", name, us(nothing, times, 99));
	printf("%s-whole-median\t%.0f\n", name, us(whole, times, 50));
	MUST(finish(&v) == 0, "end");
	free(nothing);
	free(ours);
	free(whole);
	return true;
}

/* One after the other, by one thread. */
static bool many(unsigned int n)
{
	struct victim *v = calloc(n, sizeof(*v));
	uint64_t begun, took;

	MUST(v != NULL, "memory");
	for (unsigned int i = 0; i < n; i++)
		MUST(start(&v[i], "host", "plain", NULL), "start");
	begun = now_ns();
	for (unsigned int i = 0; i < n; i++) {
		struct done d = apply(v[i].pid, patch);

		MUST(d.r == 0, "%s", d.err.msg);
	}
	took = now_ns() - begun;
	printf("per-second\t%.0f\n", n * 1e9 / (double)took);
	for (unsigned int i = 0; i < n; i++) {
		MUST(ask(&v[i], 'v') == 2 && finish(&v[i]) == 0, "end");
		close(v[i].out);
	}
	free(v);
	return true;
}

/* KiB of memory that no other process shares. */
static long private_kib(pid_t pid)
{
	_cleanup_(sut_fclosep) FILE *f = NULL;
	char path[64], line[512];
	long sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "Private_");

		if (at == line && (at = strchr(line, ':')))
			sum += strtol(at + 1, NULL, 10);
	}
	return sum;
}

static bool memory(void)
{
	struct victim v, still;
	struct done d;
	long before, after, still_before, still_after;

	MUST(start(&v, "host", "plain", NULL) && start(&still, "host", "plain", NULL), "start");
	/* What the questions themselves touch is touched before. */
	ask(&v, 'v');
	ask(&still, 'v');
	before = private_kib(v.pid);
	still_before = private_kib(still.pid);
	d = apply(v.pid, patch);
	MUST(d.r == 0, "%s", d.err.msg);
	ask(&v, 'v');
	ask(&still, 'v');
	after = private_kib(v.pid);
	still_after = private_kib(still.pid);
	printf("private-kib\t%ld\n", after - before - (still_after - still_before));
	MUST(finish(&v) == 0 && finish(&still) == 0, "end");
	return true;
}

int main(int argc, char **argv)
{
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};
	bool good = true;
	bool quick = argc == 2 && sut_streq(argv[1], "--quick");

	if (sut_tmpdir("figures", &dir, &err) < 0 || chmod(dir, 0755) < 0 ||
	    setenv("TRAP_DIR", dir, 1) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Code alone, as most fixes are. */
	patch = patch_for("libvictim.so", "victim_value=again_value");
	good &= stops("host", "plain", NULL, 1, quick ? 20 : 1000, "single");
	good &= stops("busy", "idle", "15", 16, quick ? 4 : 100, "idle-16");
	good &= stops("busy", "idle", "255", 256, quick ? 2 : 40, "idle-256");
	good &= stops("busy", "idle", "1023", 1024, quick ? 2 : 20, "idle-1024");
	patch = patch_for("libvictim.so", "victim_value=fixed_value");
	good &= many(quick ? 20 : 400);
	good &= memory();
	if (sut_rm_rf(dir, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	return good ? 0 : 1;
}
