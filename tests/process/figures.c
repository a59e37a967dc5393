// SPDX-License-Identifier: Apache-2.0
/*
 * How long processes stand still for a patch, beside how long they stand still for nothing: the same threads stopped and let go by
 * the same machine in the same run. Prints "NAME<tab>VALUE" for bench/process; times in microseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "traps/trap.h"
#include "wire/wire.h"

static struct proc_patch *patch;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Of this process and its threads. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

struct one_by_one {
	struct victim *v;
	unsigned int n;
	uint64_t took, used; /* ns on the clock, of CPU */
	uint64_t *stops;     /* ns that each stood still */
	bool good;
};

static bool patch_them(struct one_by_one *o)
{
	const struct proc_options options = {.deadline_us = 1000000, .scan_heap = -1, .here = true};
	uint64_t begun = now_ns(), used = cpu_ns();

	for (unsigned int i = 0; i < o->n; i++) {
		struct done d = apply_with(o->v[i].pid, patch, &options);

		MUST(d.r == 0 && !d.res.stuck, "%s", d.err.msg);
		o->stops[i] = d.res.stop_ns;
	}
	o->took = now_ns() - begun;
	o->used = cpu_ns() - used;
	return true;
}

static void *patch_on_thread(void *arg)
{
	struct one_by_one *o = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_setname_np(pthread_self(), "patcher");
	o->good = patch_them(o);
	return NULL;
}

/* One after the other, by one thread, as a worker of the daemon does it. All of it on one CPU. */
static bool many(unsigned int n)
{
	struct one_by_one o = {.n = n};
	cpu_set_t before, one;
	pthread_t t;
	struct victim *v = calloc(n, sizeof(*v));

	o.stops = calloc(n, sizeof(*o.stops));
	MUST(v != NULL && o.stops != NULL, "memory");
	o.v = v;
	MUST(sched_getaffinity(0, sizeof(before), &before) == 0, "affinity");
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &before)) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			break;
		}
	MUST(sched_setaffinity(0, sizeof(one), &one) == 0, "affinity");
	for (unsigned int i = 0; i < n; i++)
		MUST(start(&v[i], "host", "plain", NULL), "start");
	MUST(pthread_create(&t, NULL, patch_on_thread, &o) == 0, "thread");
	pthread_join(t, NULL);
	MUST(sched_setaffinity(0, sizeof(before), &before) == 0, "affinity");
	MUST(o.good, "patched");
	printf("first-median\t%.0f\n", us(o.stops, n, 50));
	printf("first-p99\t%.0f\n", us(o.stops, n, 99));
	free(o.stops);
	printf("per-second\t%.0f\n", n * 1e9 / (double)o.took);
	/* What is left when nobody else wants the CPU. */
	printf("per-cpu-second\t%.0f\n", n * 1e9 / (double)o.used);
	for (unsigned int i = 0; i < n; i++) {
		MUST(ask(&v[i], 'v') == 3 && finish(&v[i]) == 0, "end");
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

/* ---- the daemon ---- */

/* From fork() to the end of a program that says which version of the library it has. */
static int one_start(uint64_t *ret_ns)
{
	uint64_t begun = now_ns();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl(built("host"), "host", "once", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	*ret_ns = now_ns() - begun;
	return WEXITSTATUS(status);
}

static bool starts(unsigned int n, int want, double *ret_us)
{
	uint64_t *v = calloc(n, sizeof(*v));

	MUST(v != NULL, "memory");
	for (unsigned int i = 0; i < n; i++) {
		int got = one_start(&v[i]);

		MUST(got == want, "start %u ran version %d", i, got);
	}
	*ret_us = us(v, n, 50);
	free(v);
	return true;
}

static bool tell(const char *socket, const char *sha256, int fd)
{
	struct wire_fds fds = {.v = {fd}, .n = fd >= 0};
	json_t *request =
		json_pack("{s:s, s:[], s:{s:[], s:[], s:[], s:[]}, s:b}", "verb", "set", "patches",
			  "exclude", "paths", "names", "units", "users", "init", 0);
	struct sut_err err = {0};
	int r = -ENOENT;

	if (fd >= 0)
		json_array_append_new(json_object_get(request, "patches"),
				      json_pack("{s:s}", "sha256", sha256));
	for (int i = 0; i < 500 && r < 0 && r != -EREMOTEIO; i++) {
		r = wire_call(socket, request, &fds, 30000, NULL, NULL, NULL, &err);
		if (r < 0)
			wait_ms(10);
	}
	json_decref(request);
	MUST(r == 0, "%s", err.msg);
	return true;
}

/* A patch file as suture-apply hands it over. */
static int sealed_patch(char hex[static SUT_SHA256_HEX])
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);
	struct upatch u = {
		.target = built("libvictim.so"),
		.object = built("fix.o"),
		.replace = {"victim_value=fixed_value"},
	};
	struct sut_err err = {0};
	int fd = memfd_create("patch", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || upatch_make(&u, &b, &err) < 0 || write(fd, b.data, b.len) != (ssize_t)b.len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -1;
	sut_sha256_hex(b.data, b.len, hex);
	return fd;
}

/* What a start costs when it is caught: it runs the new code from the first call on. */
static bool caught(unsigned int n)
{
	char socket[128], below[16], hex[SUT_SHA256_HEX];
	int fd = sealed_patch(hex);
	double before = 0, after = 0;
	struct victim runs;
	pid_t daemon;
	int status;

	MUST(fd >= 0, "a sealed patch");
	/* By somebody who has it the daemon learns where the library is. */
	MUST(start(&runs, "host", "plain", NULL), "start");
	snprintf(socket, sizeof(socket), "%s/process.sock", folder());
	snprintf(below, sizeof(below), "%d", getpid());
	daemon = fork();
	if (daemon == 0) {
		int log =
			open(sut_sprintf("%s/log", folder()), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(log, 2);
		execl(SUTURE_PROCESS, "suture-process", "serve", "--socket", socket, "--only-below",
		      below, (char *)NULL);
		_exit(127);
	}
	MUST(tell(socket, hex, -1), "nothing is wanted");
	MUST(starts(n, 1, &before), "starts without a patch");
	MUST(tell(socket, hex, fd), "a patch is wanted");
	MUST(starts(n, 2, &after), "starts with a patch");
	printf("caught-start\t%.0f\n", after - before);
	printf("plain-start\t%.0f\n", before);
	MUST(tell(socket, hex, -1), "nothing is wanted any more");
	kill(daemon, SIGTERM);
	MUST(waitpid(daemon, &status, 0) == daemon, "the daemon");
	MUST(finish(&runs) == 0, "end");
	close(fd);
	return true;
}

int main(int argc, char **argv)
{
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};
	bool good = true;
	bool quick = argc == 2 && sut_streq(argv[1], "--quick");
	bool rate = argc == 2 && sut_streq(argv[1], "--rate");

	if (sut_tmpdir("figures", &dir, &err) < 0 || chmod(dir, 0755) < 0 ||
	    setenv("TRAP_DIR", dir, 1) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Code alone, as most fixes are. */
	patch = patch_for("libvictim.so", "victim_value=again_value");
	/* Alone, for a profiler. */
	if (rate) {
		good = many(1000);
		return sut_rm_rf(dir, &err) == 0 && good ? 0 : 1;
	}
	good &= stops("host", "plain", NULL, 1, quick ? 20 : 1000, "single");
	good &= stops("busy", "idle", "15", 16, quick ? 4 : 100, "idle-16");
	good &= stops("busy", "idle", "255", 256, quick ? 2 : 40, "idle-256");
	good &= stops("busy", "idle", "1023", 1024, quick ? 2 : 20, "idle-1024");
	good &= many(quick ? 20 : 400);
	/* With data of its own, which is a page more. */
	patch = patch_for("libvictim.so", "victim_value=fixed_value");
	good &= memory();
	good &= caught(quick ? 10 : 200);
	if (sut_rm_rf(dir, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	return good ? 0 : 1;
}
