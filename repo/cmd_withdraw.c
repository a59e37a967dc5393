// SPDX-License-Identifier: Apache-2.0
/* suture-repo withdraw: takes back what is released. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/str.h"
#include "release.h"

static const char withdraw_usage[] =
	"usage: suture-repo withdraw BUILDID LEVEL [OPTION]...\n"
	"\n"
	"Takes a patch out of the metadata: servers find it no more, and the highest level that is left\n"
	"is the latest. Servers that have applied it keep it; 'suture-repo stop unload' reverts it there.\n"
	"\n" ARGS_CHANGE_HELP;

static bool is_build_id(const char *s)
{
	uint8_t raw[SUTURE_BUILD_ID_LEN];

	return sut_unhex(s, raw, sizeof(raw)) == 0 && strspn(s, "0123456789abcdef") == strlen(s);
}

int cmd_withdraw(int argc, char **argv)
{
	static const struct option options[] = {ARGS_CHANGE, {0}};
	struct args a = ARGS("withdraw", withdraw_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};
	uint64_t level;
	uint32_t latest = 0;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!args_common(&a, opt, &r))
			return r;
	if (optind + 2 != argc)
		return args_usage(&a, "name the build-id of the kernel, and the level");
	if (!is_build_id(argv[optind]))
		return args_usage(&a, "a build-id has 40 digits of 0-9 and a-f");
	if (sut_parse_u64(argv[optind + 1], UINT32_MAX, &level) < 0)
		return args_usage(&a, "the level is no number");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	if (sut_release_withdraw(c, argv[optind], (uint32_t)level, &latest, &err) < 0)
		return cmd_fail(a.name, &err);
	if (latest)
		printf("level %u is withdrawn; the latest is level %u\n", (unsigned int)level,
		       latest);
	else
		printf("level %u is withdrawn; no patch is left for this kernel\n",
		       (unsigned int)level);
	puts("servers that have applied it keep it until they get another one; 'suture-repo stop "
	     "unload' reverts it there");
	return cmd_finish(repo, c, &a.finish);
}
