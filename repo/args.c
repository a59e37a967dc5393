// SPDX-License-Identifier: Apache-2.0
#include "args.h"

#include <stdio.h>
#include <time.h>

#include "aside.h"

bool args_common(struct args *a, int opt, int *ret_exit)
{
	switch (opt) {
	case ARG_REPO:
		a->repo = optarg;
		return true;
	case ARG_PASSPHRASE:
		a->finish.passphrase_file = optarg;
		return true;
	case ARG_STAGE:
		a->finish.stage = true;
		return true;
	case ARG_HELP:
	case 'h':
		fputs(a->usage, stdout);
		*ret_exit = SUT_EXIT_OK;
		return false;
	default:
		/* getopt_long() has said what is wrong. */
		fprintf(stderr, "'suture-repo %s --help' tells more\n", a->name);
		*ret_exit = SUT_EXIT_USAGE;
		return false;
	}
}

int args_usage(const struct args *a, const char *why)
{
	fprintf(stderr, "suture-repo %s: %s\n\n%s", a->name, why, a->usage);
	return SUT_EXIT_USAGE;
}

int args_open(const struct args *a, struct sut_repo **ret, struct sut_change **ret_change)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};

	if (sut_repo_open(a->repo, time(NULL), &repo, &err) < 0)
		return cmd_fail(a->name, &err);
	if (ret_change) {
		/* One that was put aside by a run that was killed. */
		if (sut_aside_back(repo, &err) < 0 || sut_change_open(repo, &c, &err) < 0)
			return cmd_fail(a->name, &err);
		*ret_change = sut_steal(c);
	}
	*ret = sut_steal(repo);
	return 0;
}
