// SPDX-License-Identifier: Apache-2.0
/*
 * The traps of docs/internals/library-traps.md. usage: process-traps [--list | NAME…]
 * Prints "ok NAME" or "not ok NAME", and before it what was wrong.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "trap.h"

enum { SECONDS = 30 };

static const struct trap *const sets[] = {traps_env,	traps_files, traps_threads,
					  traps_states, traps_code,  traps_hostile};

/* Which test runs: for those that share a function. */
const struct trap *current_trap;

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (sut_streq(argv[i], name))
			return true;
	return argc < 2;
}

/* In a process group of its own, which is ended with it. */
static bool run(const struct trap *t)
{
	pid_t pid;
	int status = 0;
	bool ended = false;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		bool good;

		setpgid(0, 0);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		signal(SIGPIPE, SIG_IGN);
		current_trap = t;
		good = t->run();
		fflush(stdout);
		_exit(good ? 0 : 1);
	}
	setpgid(pid, pid);
	for (int i = 0; i < SECONDS * 100 && !ended; i++) {
		struct timespec ms10 = {0, 10000000};

		ended = waitpid(pid, &status, WNOHANG) == pid;
		if (!ended)
			nanosleep(&ms10, NULL);
	}
	/* The group is there as long as a process of it is; a pid of ours is not given away meanwhile. */
	kill(-pid, SIGCONT);
	kill(-pid, SIGKILL);
	if (!ended) {
		printf("  no end after %d seconds\n", SECONDS);
		waitpid(pid, &status, 0);
		return false;
	}
	if (WIFSIGNALED(status))
		printf("  ended by signal %d\n", WTERMSIG(status));
	return status == 0;
}

int main(int argc, char **argv)
{
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};
	bool list = argc == 2 && sut_streq(argv[1], "--list");
	int bad = 0, n = 0;

	if (!list && (sut_tmpdir("traps", &dir, &err) < 0 || chmod(dir, 0755) < 0 ||
		      setenv("TRAP_DIR", dir, 1) < 0)) {
		fprintf(stderr, "process-traps: %s\n", err.msg);
		return 1;
	}
	/* Children of a test that ended belong to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(sets); i++)
		for (const struct trap *t = sets[i]; t->name; t++) {
			bool good;

			if (list) {
				printf("%s\n", t->name);
				continue;
			}
			if (!wanted(t->name, argc, argv))
				continue;
			good = run(t);
			printf("%s %s\n", good ? "ok" : "not ok", t->name);
			bad += !good;
			n++;
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	if (!list) {
		if (sut_rm_rf(dir, &err) < 0)
			fprintf(stderr, "process-traps: %s\n", err.msg);
		if (n == 0) {
			fprintf(stderr, "process-traps: there is no such test\n");
			return 64;
		}
	}
	return bad > 0;
}
