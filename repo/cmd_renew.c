// SPDX-License-Identifier: Apache-2.0
/* suture-repo renew: a new version with a new expiry, and no other change. */
#include <errno.h>
#include <stdio.h>

#include "args.h"
#include "base/str.h"
#include "health.h"

static const char usage_text[] =
	"usage: suture-repo renew [ROLE]... [OPTION]...\n"
	"\n"
	"Signs roles anew, with a fresh expiry; without ROLE, those of which half the life is over.\n"
	"Snapshot and timestamp are renewed by the signer whenever something is published;\n"
	"'suture-repo publish' alone does it, too.\n"
	"\n" ARGS_CHANGE_HELP;

static int renew_one(struct sut_change *c, const char *role, struct sut_err *err)
{
	json_t *j;

	if (!sut_change_peek(c, role) || sut_streq(role, "timestamp") ||
	    sut_streq(role, "snapshot"))
		return sut_err_set(err, ENOENT,
				   "%s is no role that can be renewed; 'suture-repo status' lists "
				   "them, and 'suture-repo publish' renews the timestamp",
				   role);
	return sut_change_edit(c, role, &j, err);
}

static int renew_due(const struct sut_repo *repo, struct sut_change *c, struct sut_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < repo->state.nroles; i++) {
		const struct sut_tree_role *role = &repo->state.roles[i];
		struct sut_health h;

		if (role->meta->type == SUT_TUF_TIMESTAMP || role->meta->type == SUT_TUF_SNAPSHOT)
			continue;
		sut_health_of(repo, role, &h);
		if (h.state != SUT_HEALTH_OK)
			r = renew_one(c, role->name, err);
	}
	return r;
}

int cmd_renew(int argc, char **argv)
{
	static const struct option options[] = {ARGS_CHANGE, {0}};
	struct args a = ARGS("renew", usage_text);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!args_common(&a, opt, &r))
			return r;
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	for (int i = optind; r == 0 && i < argc; i++)
		r = renew_one(c, argv[i], &err);
	if (r == 0 && optind == argc)
		r = renew_due(repo, c, &err);
	if (r < 0)
		return cmd_fail(a.name, &err);
	if (sut_change_empty(c)) {
		printf("nothing is due\n");
		return SUT_EXIT_OK;
	}
	return cmd_finish(repo, c, &a.finish);
}
