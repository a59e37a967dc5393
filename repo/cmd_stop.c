// SPDX-License-Identifier: Apache-2.0
/* suture-repo stop, timestamp: what servers are told at their next poll. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "aside.h"
#include "base/str.h"
#include "edit.h"
#include "publish.h"
#include "stop.h"

static const char stop_usage[] =
	"usage: suture-repo stop halt|unload|clear --reason TEXT [OPTION]...\n"
	"\n"
	"Publishes the stop flag, which every server obeys at its next poll:\n"
	"\n"
	"  halt    nothing more is applied; what is applied stays\n"
	"  unload  what is applied is reverted, too\n"
	"  clear   as if there were no flag\n"
	"\n"
	"  --reason TEXT           shown on the servers\n"
	"  --build-id ID           only for this kernel; may be said several times\n" ARGS_CHANGE_HELP;

static const char timestamp_usage[] =
	"usage: suture-repo timestamp [--repo DIR]\n"
	"\n"
	"Has the signer renew the timestamp (and the snapshot, when half of its time is over). For a\n"
	"timer: needs no passphrase, and leaves a pending change alone.\n"
	"\n" ARGS_REPO_HELP;

enum { OPT_REASON = ARG_OWN, OPT_BUILD_ID };

static bool parse_action(const char *word, enum sut_stop_action *ret)
{
	if (sut_streq(word, "halt"))
		*ret = SUT_STOP_HALT;
	else if (sut_streq(word, "unload"))
		*ret = SUT_STOP_UNLOAD;
	else if (sut_streq(word, "clear"))
		*ret = SUT_STOP_NONE;
	else
		return false;
	return true;
}

/* An emergency does not wait for the signatures of another change. */
static int make_way(struct sut_repo *repo, struct sut_change **c, struct sut_err *err)
{
	_cleanup_(sut_freep) char *role = NULL;
	bool possible = false;
	int r;

	if (sut_change_empty(*c))
		return 0;
	r = sut_edit_owner(*c, SUT_STOP_PATH, &role, err);
	if (r == 0)
		r = sut_aside_possible(*c, role, &possible, err);
	if (r < 0 || !possible)
		return r;
	r = sut_aside_put(repo, err);
	if (r < 0)
		return r;
	sut_change_free(sut_steal(*c));
	puts("the pending change is put aside until the flag is published");
	return sut_change_open(repo, c, err);
}

int cmd_stop(int argc, char **argv)
{
	static const struct option options[] = {
		ARGS_CHANGE,
		{"reason", required_argument, NULL, OPT_REASON},
		{"build-id", required_argument, NULL, OPT_BUILD_ID},
		{0},
	};
	struct args a = ARGS("stop", stop_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_strv_ struct sut_strv ids = {0};
	enum sut_stop_action action;
	const char *reason = NULL;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_REASON)
			reason = optarg;
		else if (opt == OPT_BUILD_ID) {
			if (sut_strv_add(&ids, optarg) < 0)
				return cmd_fail(a.name, (sut_err_oom(&err), &err));
		} else if (!args_common(&a, opt, &r))
			return r;
	}
	if (optind + 1 != argc || !parse_action(argv[optind], &action))
		return args_usage(&a, "say one of halt, unload and clear");
	if (!reason)
		return args_usage(&a, "--reason TEXT is needed: operators of servers will ask");
	if (action == SUT_STOP_NONE && ids.n)
		return args_usage(&a,
				  "'clear' is for all kernels; to keep some stopped, say 'halt' "
				  "or 'unload' with those");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	r = make_way(repo, &c, &err);
	if (r == 0)
		r = sut_stop_set(c, action, reason, &ids, repo->now, &err);
	if (r < 0) {
		(void)!sut_aside_back(repo, NULL);
		return cmd_fail(a.name, &err);
	}
	printf("stop flag: %s%s\n", sut_stop_word(action), ids.n ? ", for the named kernels" : "");
	r = cmd_finish(repo, c, &a.finish);
	if (sut_aside_back(repo, &err) == 1)
		puts("the change that was put aside is pending again");
	return r;
}

int cmd_timestamp(int argc, char **argv)
{
	static const struct option options[] = {ARGS_REPO, {0}};
	struct args a = ARGS("timestamp", timestamp_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!args_common(&a, opt, &r))
			return r;
	if (optind != argc)
		return args_usage(&a, "there are no arguments");
	r = args_open(&a, &repo, NULL);
	if (r)
		return r;
	if (sut_publish(repo, NULL, &err) < 0)
		return cmd_fail(a.name, &err);
	puts("the timestamp is renewed");
	return SUT_EXIT_OK;
}
