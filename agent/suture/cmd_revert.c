// SPDX-License-Identifier: Apache-2.0
/* suture revert: the original code again, in one pause. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "kernel/change.h"
#include "kernel/session.h"
#include "truth/truth.h"

static const char help[] =
	"usage: suture revert [OPTION]...\n\n"
	"Takes the applied patch back: the kernel runs its original code again. When\n"
	"nothing is applied, that is said and is no error.\n\n"
	"  --attempts N  how often to try while tasks are inside the code to be replaced\n"
	"                (default: 10, which take about a minute)\n"
	"  --json        one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 reverted, 1 error, 2 busy, 4 somebody else changed our change, 64 usage\n";

static int run(struct sut_report *rep, unsigned int attempts, int *lock)
{
	int r = sut_session_need_root("reverting a patch", &rep->err);

	if (r == 0)
		r = sut_session_lock(SUT_LOCK_FILE, lock, &rep->err);
	/* Others hear of less before it is less. suture-apply tells them anew at the next heartbeat. */
	if (r == 0)
		r = truth_withdraw("", &rep->err);
	if (r < 0)
		return r;
	sut_session_catch_signals();
	return sut_change_revert(attempts, rep);
}

int cmd_revert(int argc, char **argv)
{
	static const struct option options[] = {{"attempts", required_argument, NULL, 'a'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct sut_report rep = {.command = "revert"};
	unsigned int attempts = SUT_ATTEMPTS_DEFAULT;
	_cleanup_(sut_closep) int lock = -1;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return SUT_EXIT_OK;
		}
		if (c == 'j') {
			rep.json = true;
		} else if (c != 'a') {
			return SUT_EXIT_USAGE;
		} else if (!sut_session_parse_attempts(optarg, &attempts)) {
			fprintf(stderr, "suture: revert: --attempts takes 1 to %d, not '%s'\n",
				SUT_ATTEMPTS_MAX, optarg);
			return SUT_EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "suture: revert: '%s' is one word too many\n", argv[optind]);
		return SUT_EXIT_USAGE;
	}
	rep.exit = run(&rep, attempts, &lock) < 0 ? sut_report_exit(&rep.err) : SUT_EXIT_OK;
	return sut_report_emit(&rep);
}
