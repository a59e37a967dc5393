// SPDX-License-Identifier: Apache-2.0
/* suture-build fix: cut a fix out of two versions of a source. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "fix/fix.h"
#include "fix/spec.h"
#include "target/profile.h"
#include "target/store.h"

static const char usage_text[] =
	"usage: suture-build fix --from SRC --to SRC [--file F]... [--function f]...\n"
	"                        [--hunk N]... [--list] [-o OUT] [--cache DIR]\n"
	"\n"
	"Writes what changed from one version of a source to another as a patch (-p1).\n"
	"\n"
	"  --from, --to SRC  a folder, a linux-source .deb file, a tar archive, or a package\n"
	"                    fetched through apt: debian/linux-source-6.1=6.1.187-1, or any source\n"
	"                    package: debian/openssl=3.0.20-1~deb12u2\n"
	"  --file F          only this file, or the files below this folder\n"
	"  --function f      only changes within this function\n"
	"  --hunk N          only this hunk of what the other options select, as --list\n"
	"                    numbers them\n"
	"  --list            show the hunks instead of writing them\n"
	"  -o, --output OUT  write to OUT; default standard output\n"
	"  --cache DIR       where unpacked sources are kept\n";

struct args {
	const char *from, *to, *output, *cache;
	struct sut_strv files, functions;
	struct sut_fix_hunks hunks;
	bool list;
};

static int fail(const struct sut_err *err)
{
	fprintf(stderr, "suture-build fix: %s\n", err->msg);
	return SUT_EXIT_ERROR;
}

static int cut(const struct args *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = a->cache ? strdup(a->cache) : sut_cache_dir();
	_cleanup_(sut_freep) char *from = NULL, *to = NULL;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_FIX_MAX);
	const struct sut_progress *progress = sut_progress_stderr();
	struct sut_fix_opts o = {.files = &a->files,
				 .functions = &a->functions,
				 .hunks = &a->hunks,
				 .list = a->list};
	int r;

	if (!dir)
		return sut_err_oom(err);
	r = sut_spec_resolve(dir, a->from, progress, &from, err);
	if (r == 0)
		r = sut_spec_resolve(dir, a->to, progress, &to, err);
	if (r == 0)
		r = sut_fix_cut(from, to, &o, &out, err);
	if (r < 0)
		return r;
	if (a->output)
		return sut_file_write(a->output, out.data, out.len, 0644, err);
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
		return sut_err_errno(err, "cannot write the patch to standard output");
	return 0;
}

static int run(int argc, char **argv, struct args *a)
{
	static const struct option opts[] = {
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"file", required_argument, NULL, 'F'},
		{"function", required_argument, NULL, 'n'},
		{"hunk", required_argument, NULL, 'H'},
		{"list", no_argument, NULL, 'l'},
		{"output", required_argument, NULL, 'o'},
		{"cache", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct sut_err err = {0};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", opts, NULL)) != -1) {
		int r = 0;

		switch (c) {
		case 'f':
			a->from = optarg;
			break;
		case 't':
			a->to = optarg;
			break;
		case 'F':
			r = sut_strv_add(&a->files, optarg);
			break;
		case 'n':
			r = sut_strv_add(&a->functions, optarg);
			break;
		case 'H':
			r = sut_fix_hunks_add(&a->hunks, optarg, &err);
			break;
		case 'l':
			a->list = true;
			break;
		case 'o':
			a->output = optarg;
			break;
		case 'c':
			a->cache = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return SUT_EXIT_OK;
		default:
			fputs(usage_text, stderr);
			return SUT_EXIT_ERROR;
		}
		if (r < 0) {
			if (!err.code)
				sut_err_oom(&err);
			return fail(&err);
		}
	}
	if (!a->from || !a->to || optind != argc) {
		fprintf(stderr, "suture-build fix: %s%s\n\n%s",
			optind != argc ? "one argument too many: " : "--from and --to are needed",
			optind != argc ? argv[optind] : "", usage_text);
		return SUT_EXIT_ERROR;
	}
	return cut(a, &err) < 0 ? fail(&err) : SUT_EXIT_OK;
}

int cmd_fix(int argc, char **argv)
{
	struct args a = {0};
	int r = run(argc, argv, &a);

	sut_strv_release(&a.files);
	sut_strv_release(&a.functions);
	sut_fix_hunks_release(&a.hunks);
	return r;
}
