// SPDX-License-Identifier: Apache-2.0
/* suture-repo verify, export-root. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "args.h"
#include "audit.h"
#include "base/file.h"
#include "base/str.h"

static const char verify_usage[] =
	"usage: suture-repo verify [--repo DIR]\n"
	"\n"
	"Reads all that is public as a client does, from the first root on: signatures, versions,\n"
	"expiry, the hash of every target and the signature of every patch. Lists files that\n"
	"nothing refers to; they do no harm.\n"
	"\n"
	"Exit status: 0 all is right; 4 something is wrong.\n"
	"\n" ARGS_REPO_HELP;

static const char export_usage[] =
	"usage: suture-repo export-root FILE [--repo DIR]\n"
	"\n"
	"Writes the newest root to FILE: what a client ('suture-tuf init') and the signer begin with.\n"
	"Before the first publication it is the one of the pending change, once it is signed.\n"
	"\n" ARGS_REPO_HELP;

static int parse(struct args *a, int argc, char **argv, int *ret_exit)
{
	static const struct option options[] = {ARGS_REPO, {0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!args_common(a, opt, ret_exit))
			return -1;
	return 0;
}

static void wrong(void *ctx, const char *text)
{
	size_t *n = ctx;

	printf("wrong: %s\n", text);
	++*n;
}

static void orphan(void *ctx _unused_, const char *path)
{
	printf("orphan: public/%s\n", path);
}

int cmd_verify(int argc, char **argv)
{
	struct args a = ARGS("verify", verify_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	struct sut_err err = {0};
	size_t errors = 0;
	struct sut_audit audit = {.wrong = wrong, .orphan = orphan, .ctx = &errors};
	int r;

	if (parse(&a, argc, argv, &r) < 0)
		return r;
	if (optind != argc)
		return args_usage(&a, "there are no arguments");
	r = args_open(&a, &repo, NULL);
	/* What cannot even be opened is the finding. */
	if (r)
		return SUT_EXIT_ALARM;
	if (!repo->state.nroles) {
		printf("nothing is published yet\n");
		return SUT_EXIT_OK;
	}
	if (sut_audit(repo, &audit, &err) < 0)
		return cmd_fail(a.name, &err);
	printf("%zu metadata files, %zu targets: %s\n", audit.metadata, audit.targets,
	       errors ? "something is wrong" : "all is right");
	return errors ? SUT_EXIT_ALARM : SUT_EXIT_OK;
}

static int read_published(const struct sut_repo *repo, struct sut_buf *b, struct sut_err *err)
{
	int64_t version = json_integer_value(json_object_get(repo->versions, "root"));
	_cleanup_(sut_freep) char *path =
		sut_repo_path(repo, "public/metadata/%" PRId64 ".root.json", version);

	return path ? sut_file_read(path, b, err) : sut_err_oom(err);
}

static int add_text(const char *text, size_t len, void *ctx)
{
	return sut_buf_add(ctx, text, len) < 0 ? -1 : 0;
}

static int read_staged(struct sut_repo *repo, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	json_t *root;
	int r = sut_change_open(repo, &c, err);

	if (r == 0)
		r = sut_change_needs(c, &needs, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < needs.n; i++)
		if (sut_streq(needs.v[i].role, "root") && needs.v[i].have < needs.v[i].threshold)
			return sut_err_set(err, ENOKEY,
					   "the first root is not signed yet; 'suture-repo "
					   "show-change' says by whom");
	root = json_object_get(json_object_get(json_object_get(c->doc, "roles"), "root"), "after");
	if (!root)
		return sut_err_set(err, ENOENT, "there is no root yet; run 'suture-repo init'");
	if (json_dump_callback(root, add_text, b, JSON_COMPACT | JSON_SORT_KEYS) < 0)
		return sut_err_oom(err);
	return 0;
}

int cmd_export_root(int argc, char **argv)
{
	struct args a = ARGS("export-root", export_usage);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	struct sut_err err = {0};
	int r;

	if (parse(&a, argc, argv, &r) < 0)
		return r;
	if (optind + 1 != argc)
		return args_usage(&a, "name one file");
	r = args_open(&a, &repo, NULL);
	if (r)
		return r;
	if (json_object_get(repo->versions, "root"))
		r = read_published(repo, &b, &err);
	else
		r = read_staged(repo, &b, &err);
	if (r == 0)
		r = sut_file_write(argv[optind], b.data, b.len, 0644, &err);
	return r < 0 ? cmd_fail(a.name, &err) : SUT_EXIT_OK;
}
