// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of suture-tuf as a client of a TUF repository (specification 1.0.34), driven through its
 * command line against a simulated repository.
 *
 *   conformance [--list] [NAME | GROUP/]...
 *
 * Prints one line a test, "ok tuf/NAME" or "not ok tuf/NAME", the latter after an explanation.
 * Ends with 1 when one failed. --list prints names and what each covers instead: the test of the
 * public tuf-conformance suite with the same behaviour, an advisory, or a clause of the
 * specification. README in this folder has the mapping as a whole.
 *
 * The program under test is $SUTURE_TUF, or the one of this build folder.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "world.h"

enum { TESTS_MAX = 1000, TEST_SECONDS = 180, JOBS_MAX = 4 };

static const struct tuf_group *const groups[] = {
	&tuf_self,    &tuf_basic,    &tuf_expiration, &tuf_download,	&tuf_keys,
	&tuf_quoting, &tuf_rollback, &tuf_static,     &tuf_delegations, &tuf_rotations,
	&tuf_attacks, &tuf_network,  &tuf_hostile,    &tuf_workflow,
};

struct job {
	const struct tuf_test *test;
	pid_t pid;
	char *dir;
	FILE *out;
	time_t started;
	bool done, ok;
};

static struct job jobs[TESTS_MAX];
static size_t njobs;

static volatile sig_atomic_t interrupted;

static void on_signal(int sig _unused_)
{
	interrupted = 1;
}

static bool chosen(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0 ||
		    (sut_endswith(names[i], "/") && sut_startswith(name, names[i])))
			return true;
	return n == 0;
}

static void collect(char **names, int n)
{
	for (size_t g = 0; g < SUT_ARRAY_SIZE(groups); g++)
		for (size_t i = 0; i < groups[g]->n; i++)
			if (chosen(groups[g]->tests[i].name, names, n)) {
				if (njobs == TESTS_MAX)
					sim_die("too many tests");
				jobs[njobs++].test = &groups[g]->tests[i];
			}
}

static void run_test(const struct job *j, const char *program)
{
	struct world w = {
		.program = program,
		.dir = j->dir,
		.metadata_dir = sim_str("%s/metadata", j->dir),
		.target_dir = sim_str("%s/targets", j->dir),
		.said = SUT_BUF_INIT(1 << 20),
		.timeout_sec = 50,
	};
	int port;

	if (mkdir(w.metadata_dir, 0755) || mkdir(w.target_dir, 0755))
		sim_die("cannot make folders: %s", strerror(errno));
	w.sim = sim_new(0);
	w.server = server_start(w.sim);
	port = server_port(w.server);
	w.metadata_url = sim_str("http://127.0.0.1:%d/metadata", port);
	w.targets_url = sim_str("http://127.0.0.1:%d/targets", port);
	j->test->run(&w, j->test->arg);
	fflush(stdout);
	_Exit(0);
}

static void start(struct job *j, const char *base, const char *program)
{
	struct sut_err err = {0};

	j->dir = sim_str("%s/%zu", base, (size_t)(j - jobs));
	j->out = tmpfile();
	if (!j->out || sut_mkdir_p(j->dir, &err))
		sim_die("cannot work in %s: %s", base, err.msg);
	j->started = time(NULL);
	fflush(stdout);
	j->pid = fork();
	if (j->pid < 0)
		sim_die("cannot fork: %s", strerror(errno));
	if (j->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fileno(j->out), STDOUT_FILENO);
		run_test(j, program);
	}
}

static void finish(struct job *j, int status)
{
	struct sut_err err = {0};
	char line[4096];

	j->done = true;
	j->ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (WIFSIGNALED(status))
		fprintf(j->out, "  the test was ended by signal %d%s\n", WTERMSIG(status),
			WTERMSIG(status) == SIGKILL ? " (it took too long)" : "");
	if (!j->ok) {
		rewind(j->out);
		while (fgets(line, sizeof(line), j->out))
			fputs(line, stdout);
	}
	fclose(j->out);
	printf("%sok tuf/%s\n", j->ok ? "" : "not ", j->test->name);
	fflush(stdout);
	if (sut_rm_rf(j->dir, &err))
		fprintf(stderr, "%s\n", err.msg);
	free(j->dir);
}

/* Waits until one ends, and ends those that take too long. */
static void wait_for_one(size_t from, size_t to)
{
	const struct timespec nap = {.tv_nsec = 3000000};

	for (;;) {
		for (size_t i = from; i < to; i++) {
			int status;

			if (jobs[i].done)
				continue;
			if (waitpid(jobs[i].pid, &status, WNOHANG) == jobs[i].pid) {
				finish(&jobs[i], status);
				return;
			}
			if (interrupted || time(NULL) - jobs[i].started > TEST_SECONDS)
				kill(jobs[i].pid, SIGKILL);
		}
		nanosleep(&nap, NULL);
	}
}

static char *find_program(void)
{
	const char *given = getenv("SUTURE_TUF");
	char self[4096], *slash;
	ssize_t n;

	if (given)
		return realpath(given, NULL);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return NULL;
	self[n] = '\0';
	/* BUILD/tests/tuf/conformance */
	for (int i = 0; i < 3; i++) {
		slash = strrchr(self, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
	return sim_str("%s/agent/suture-tuf/suture-tuf", self);
}

static int list(void)
{
	for (size_t i = 0; i < njobs; i++)
		printf("%-64s %s\n", jobs[i].test->name,
		       jobs[i].test->covers ? jobs[i].test->covers : "");
	return 0;
}

int main(int argc, char **argv)
{
	bool only_list = argc > 1 && strcmp(argv[1], "--list") == 0;
	unsigned int limit = sut_ncpus() < JOBS_MAX ? sut_ncpus() + 1 : JOBS_MAX, running = 0;
	_cleanup_(sut_freep) char *program = find_program(), *base = NULL;
	struct sut_err err = {0};
	size_t failed = 0, next;

	collect(argv + 1 + only_list, argc - 1 - only_list);
	if (only_list)
		return list();
	if (!njobs) {
		fputs("conformance: no test has that name; --list prints them all\n", stderr);
		return 1;
	}
	if (!program || !sut_exists(program)) {
		fprintf(stderr, "conformance: there is no %s: build it, or name it in SUTURE_TUF\n",
			program ? program : "suture-tuf");
		return 1;
	}
	/* Proxies of the environment are no part of these tests. */
	setenv("no_proxy", "*", 1);
	/* A client built with sanitizers is not to fail like one that refuses (status 1), and
	 * faketime is loaded before it. */
	setenv("ASAN_OPTIONS", "exitcode=99:verify_asan_link_order=0", 0);
	setenv("UBSAN_OPTIONS", "exitcode=99:print_stacktrace=1", 0);
	if (sut_tmpdir("tuf", &base, &err)) {
		fprintf(stderr, "conformance: %s\n", err.msg);
		return 1;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	for (next = 0; next < njobs && !interrupted; next++) {
		if (running == limit) {
			wait_for_one(0, next);
			running--;
		}
		start(&jobs[next], base, program);
		running++;
	}
	for (; running; running--)
		wait_for_one(0, next);
	for (size_t i = 0; i < njobs; i++)
		failed += !jobs[i].ok;
	if (sut_rm_rf(base, &err))
		fprintf(stderr, "conformance: %s\n", err.msg);
	return failed != 0;
}
