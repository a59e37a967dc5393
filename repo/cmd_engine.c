// SPDX-License-Identifier: Apache-2.0
/* suture-repo release-engine: suture.ko, for servers that have none. */
#include <errno.h>
#include <stdio.h>

#include "args.h"
#include "base/str.h"
#include "engine.h"
#include "patch_key.h"

static const char usage[] =
	"usage: suture-repo release-engine FILE... [OPTION]...\n"
	"\n"
	"Signs each suture.ko (made by 'suture-build engine', one for each kernel build) with the\n"
	"patch key and publishes it: all of them, or nothing. Servers of that kernel that have no\n"
	"suture.ko of a package load this one. One that is released already is replaced.\n"
	"For servers with Secure Boot sign it for the kernel before: 'suture-repo sign-module'.\n"
	"\n" ARGS_CHANGE_HELP;

static const struct option options[] = {ARGS_CHANGE, {0}};

static int sign(const struct args *a, const struct sut_repo *repo, struct sut_privkey **key,
		struct sut_engine_file *f, struct sut_err *err)
{
	const struct sut_key *k = sut_patch_key_find(repo, err);
	int r = k ? 0 : -ENOENT;

	if (r == 0 && !*key)
		r = sut_patch_key_open(repo, k, a->finish.passphrase_file, key, err);
	f->claim.time = repo->now;
	return r < 0 ? r
		     : sut_engine_sign(*key, &f->claim, f->data.data, f->data.len, &f->sig, err);
}

static int add(const struct args *a, struct sut_repo *repo, struct sut_change *change, char **paths,
	       size_t n, size_t *ret_new, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_(sut_engine_file_close) struct sut_engine_file f = {0};

		r = sut_engine_file_open(paths[i], &f, err);
		if (r == 0)
			r = sign(a, repo, &key, &f, err);
		if (r == 0)
			r = sut_engine_file_add(change, &f, err);
		*ret_new += r == 0;
		if (r == 0 || r == -EALREADY) {
			printf("%s: suture.ko %s, ABI %u, for the kernel %s, %zu bytes%s\n",
			       paths[i], f.version, f.claim.level, f.build_id, f.data.len,
			       r ? " (released already)" : "");
			r = 0;
		}
	}
	return r;
}

int cmd_release_engine(int argc, char **argv)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *change = NULL;
	struct args a = ARGS("release-engine", usage);
	struct sut_err err = {0};
	size_t nnew = 0;
	int opt, exit;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!args_common(&a, opt, &exit))
			return exit;
	if (optind == argc)
		return args_usage(&a, "name a suture.ko");
	exit = args_open(&a, &repo, &change);
	if (exit)
		return exit;
	if (add(&a, repo, change, argv + optind, (size_t)(argc - optind), &nnew, &err) < 0)
		return cmd_fail(a.name, &err);
	if (!nnew && sut_change_empty(change)) {
		puts("released already; nothing to do");
		return SUT_EXIT_OK;
	}
	return cmd_finish(repo, change, &a.finish);
}
