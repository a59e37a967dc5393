// SPDX-License-Identifier: Apache-2.0
/*
 * faultrun: one program, one fault; for the scripts of tests/e2e.
 *
 *   faultrun count PROGRAM ARG...          prints "SYSCALLS CHANGES" on stderr
 *   faultrun kill N PROGRAM ARG...         killed before its N-th system call
 *   faultrun error N ERRNO PROGRAM ARG...  its N-th file-changing call fails (28: no space, 5: I/O)
 *
 * Ends as the program does; with 137 when it was killed, and 96 when there was no N-th call.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "fault.h"

static int run(void *arg)
{
	char **argv = arg;

	execvp(argv[0], argv);
	perror(argv[0]);
	return 127;
}

static int usage(void)
{
	fputs("usage: faultrun count|kill N|error N ERRNO PROGRAM ARG...\n", stderr);
	return 64;
}

int main(int argc, char **argv)
{
	struct fault_plan plan = {.kind = FAULT_NONE};
	struct fault_result r;
	uint64_t error = 0;
	int first = 2;

	if (argc < 3)
		return usage();
	if (sut_streq(argv[1], "kill"))
		plan.kind = FAULT_KILL;
	else if (sut_streq(argv[1], "error"))
		plan.kind = FAULT_ERROR;
	else if (!sut_streq(argv[1], "count"))
		return usage();
	if (plan.kind != FAULT_NONE && sut_parse_u64(argv[first++], UINT64_MAX, &plan.n) < 0)
		return usage();
	if (plan.kind == FAULT_ERROR &&
	    (first >= argc || sut_parse_u64(argv[first++], 4095, &error) < 0))
		return usage();
	if (first >= argc)
		return usage();
	plan.error = (int)error;
	fault_run(run, argv + first, &plan, &r);
	if (plan.kind == FAULT_NONE)
		fprintf(stderr, "%llu %llu\n", (unsigned long long)r.syscalls,
			(unsigned long long)r.changes);
	else if (r.nr < 0)
		return 96;
	return r.status < 0 ? 128 - r.status : r.status;
}
