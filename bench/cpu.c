// SPDX-License-Identifier: Apache-2.0
/*
 * CPU time of a program, which a loaded machine does not change as it does the wall clock:
 *
 *   cpu COUNT COMMAND [ARGUMENT]...   runs it COUNT times, with its standard output to /dev/null, and
 *                                     prints the middle one: user and system time in milliseconds, and
 *                                     the largest resident set in KiB
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

enum { COUNT_MAX = 10000 };

static double ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int run(char **command, struct rusage *ret)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -1;
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			_exit(127);
		execvp(command[0], command);
		_exit(127);
	}
	if (wait4(pid, &status, 0, ret) < 0)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	static double times[COUNT_MAX];
	uint64_t count = 0;
	long rss = 0;

	if (argc < 3 || sut_parse_u64(argv[1], COUNT_MAX, &count) < 0 || !count) {
		fputs("usage: cpu COUNT COMMAND [ARGUMENT]...\n", stderr);
		return 64;
	}
	for (uint64_t i = 0; i < count; i++) {
		struct rusage u;

		if (run(argv + 2, &u) < 0) {
			fprintf(stderr, "cpu: %s failed\n", argv[2]);
			return 1;
		}
		times[i] = ms(u.ru_utime) + ms(u.ru_stime);
		rss = u.ru_maxrss > rss ? u.ru_maxrss : rss;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("%.1f %ld\n", times[count / 2], rss);
	return 0;
}
