// SPDX-License-Identifier: Apache-2.0
/*
 * half SOCKET REQUEST [FILE]...: one call of a half of the agent, as its other half would make it; the files go along as sealed
 * memfds. Prints the answer; ends with 1 when it says no, with 2 when there is none.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "wire/wire.h"
#include "suture/ask.h"

static int call(int argc, char **argv, struct sut_err *err)
{
	_cleanup_(wire_fds_release) struct wire_fds fds = {0};
	_cleanup_(json_decrefp) json_t *request = NULL, *answer = NULL;
	int r = wire_parse(argv[2], strlen(argv[2]), &request, err);

	for (int i = 3; r == 0 && i < argc && fds.n < WIRE_FDS; i++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);

		r = sut_file_read(argv[i], &b, err);
		if (r == 0)
			r = ask_memfd("file", b.data, b.len, &fds.v[fds.n], err);
		if (r == 0)
			fds.n++;
	}
	if (r < 0)
		return 2;
	r = wire_call(argv[1], request, &fds, 60000, NULL, NULL, &answer, err);
	if (!answer)
		return 2;
	if (json_dumpf(answer, stdout, JSON_INDENT(1)) == 0)
		putchar('\n');
	return r < 0;
}

int main(int argc, char **argv)
{
	struct sut_err err = {0};
	int exit = 64;

	if (argc < 3) {
		fprintf(stderr, "usage: half SOCKET REQUEST [FILE]...\n");
		return exit;
	}
	exit = call(argc, argv, &err);
	if (exit)
		fprintf(stderr, "half: %s\n", err.msg);
	return exit;
}
