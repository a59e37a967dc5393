// SPDX-License-Identifier: Apache-2.0
/* suture-repo show-change, publish, abandon: what becomes of the pending change. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/file.h"
#include "describe.h"
#include "publish.h"

static const char show_usage[] =
	"usage: suture-repo show-change [--repo DIR]\n"
	"\n"
	"Shows the pending change in plain words, and whose signatures are missing.\n"
	"\n" ARGS_REPO_HELP;

static const char publish_usage[] =
	"usage: suture-repo publish [FILE]... [OPTION]...\n"
	"\n"
	"Publishes the pending change. Each FILE is a copy of staged/change.json that was signed\n"
	"elsewhere; its signatures are taken over first. Keys in DIR/keys sign what is still missing.\n"
	"Without a pending change, the signer renews the timestamp.\n"
	"\n" ARGS_CHANGE_HELP;

static const char abandon_usage[] =
	"usage: suture-repo abandon [--repo DIR]\n"
	"\n"
	"Drops the pending change. Once the signer has been asked to sign it, that is not possible\n"
	"any more.\n"
	"\n" ARGS_REPO_HELP;

/* Parses options; 0 to go on, else *ret_exit. */
static int parse(struct args *a, int argc, char **argv, bool change, int *ret_exit)
{
	static const struct option with[] = {ARGS_CHANGE, {0}}, without[] = {ARGS_REPO, {0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", change ? with : without, NULL)) != -1)
		if (!args_common(a, opt, ret_exit))
			return -1;
	return 0;
}

int cmd_show_change(int argc, char **argv)
{
	struct args a = ARGS("show-change", show_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	struct sut_err err = {0};
	int r;

	if (parse(&a, argc, argv, false, &r) < 0)
		return r;
	if (optind != argc)
		return args_usage(&a, "there are no arguments");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	if (sut_change_empty(c)) {
		printf("no change is pending\n");
		return SUT_EXIT_OK;
	}
	if (sut_describe_change(c, repo->now, &b, &err) < 0 || sut_buf_addstr(&b, "\n") < 0 ||
	    sut_describe_needs(c, &b, &err) < 0)
		return cmd_fail(a.name, &err);
	fputs(sut_buf_str(&b), stdout);
	return SUT_EXIT_OK;
}

static int merge(struct sut_change *c, const char *file, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
	_cleanup_(sut_change_freep) struct sut_change *other = NULL;
	size_t n;
	int r = sut_file_read(file, &b, err);

	if (r == 0)
		r = sut_change_parse(b.data, b.len, &other, err);
	if (r == 0)
		r = sut_change_merge(c, other, &n, err);
	if (r < 0) {
		sut_err_prefix(err, "%s", file);
		return r;
	}
	printf("%s: %zu new signatures\n", file, n);
	return 0;
}

int cmd_publish(int argc, char **argv)
{
	struct args a = ARGS("publish", publish_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};
	int r;

	if (parse(&a, argc, argv, true, &r) < 0)
		return r;
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	for (int i = optind; i < argc; i++) {
		if (sut_change_empty(c))
			return args_usage(&a, "no change is pending that these could belong to");
		if (merge(c, argv[i], &err) < 0)
			return cmd_fail(a.name, &err);
	}
	if (!sut_change_empty(c))
		return cmd_finish(repo, c, &a.finish);
	if (sut_publish(repo, NULL, &err) < 0)
		return cmd_fail(a.name, &err);
	printf("no change is pending; the timestamp is renewed\n");
	return SUT_EXIT_OK;
}

int cmd_abandon(int argc, char **argv)
{
	struct args a = ARGS("abandon", abandon_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	struct sut_err err = {0};
	int r;

	if (parse(&a, argc, argv, false, &r) < 0)
		return r;
	if (optind != argc)
		return args_usage(&a, "there are no arguments");
	r = args_open(&a, &repo, NULL);
	if (r)
		return r;
	if (!sut_change_pending(repo)) {
		printf("no change is pending\n");
		return SUT_EXIT_OK;
	}
	if (sut_change_abandon(repo, &err) < 0)
		return cmd_fail(a.name, &err);
	printf("the change is dropped\n");
	return SUT_EXIT_OK;
}
