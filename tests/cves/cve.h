/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that shows a hole in a library of its own process. For every line of its standard input it tries once more and
 * prints one line: "VULNERABLE: what was seen" or "FIXED: what was seen". It ends with its input.
 */
#ifndef SUTURE_TESTS_CVE_H
#define SUTURE_TESTS_CVE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* True when the hole is open; writes what was seen. */
static bool cve_try(char *seen, size_t len);

/* Runs fn in a child (which inherits whatever was patched) and says how it ended: its exit status, or -signal. */
__attribute__((unused)) static int cve_in_child(int (*fn)(void))
{
	static const struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		_exit(fn());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int main(void)
{
	char line[256], seen[256];

	while (fgets(line, sizeof(line), stdin)) {
		bool open = cve_try(seen, sizeof(seen));

		printf("%s: %s\n", open ? "VULNERABLE" : "FIXED", seen);
		fflush(stdout);
	}
	return 0;
}

#endif
