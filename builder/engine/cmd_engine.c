// SPDX-License-Identifier: Apache-2.0
/* suture-build engine: suture.ko for a target. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "engine/engine.h"
#include "target/store.h"

enum { OUTPUT_MAX = 64 << 20 };

static const char usage_text[] =
	"usage: suture-build engine --target T [-o FILE|DIR] [--cache DIR]\n"
	"\n"
	"Builds suture.ko, the kernel module that verifies and applies patches, for one\n"
	"target. What was built once is kept in the cache.\n"
	"\n"
	"  --target T    an added target, for example debian/6.1.0-47-cloud-amd64\n"
	"  -o FILE|DIR   where to put it; default ./suture.ko. A folder gets suture.ko and\n"
	"                Module.symvers, for modules that use its symbols\n"
	"  --selftest    with tests that run when the module is loaded\n"
	"  --cache DIR   where targets are (default: $SUTURE_CACHE)\n";

struct args {
	const char *target, *output;
	char *cache;
	struct sut_engine_opts engine;
};

static int copy(const char *dir, const char *name, const char *to, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(OUTPUT_MAX);
	_cleanup_(sut_freep) char *from = sut_sprintf("%s/%s", dir, name);
	int r;

	if (!from)
		return sut_err_oom(err);
	r = sut_file_read(from, &b, err);
	return r < 0 ? r : sut_file_write(to, b.data, b.len, 0644, err);
}

static int deliver(const char *dir, const char *output, struct sut_err *err)
{
	static const char *const names[] = {"Module.symvers", "suture.ko"};
	struct stat st;
	int r = 0;

	if (stat(output, &st) < 0 || !S_ISDIR(st.st_mode)) {
		r = copy(dir, "suture.ko", output, err);
		if (r == 0)
			printf("%s\n", output);
		return r;
	}
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(names); i++) {
		_cleanup_(sut_freep) char *to = sut_sprintf("%s/%s", output, names[i]);

		r = to ? copy(dir, names[i], to, err) : sut_err_oom(err);
		if (r == 0)
			printf("%s\n", to);
	}
	return r;
}

static int build(const struct args *a, struct sut_err *err)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	_cleanup_(sut_freep) char *dir = NULL;
	int r = sut_profile_open(a->cache, a->target, &p, err);

	if (r < 0)
		return r;
	r = sut_engine_build(p, a->cache, &a->engine, &dir, err);
	return r < 0 ? r : deliver(dir, a->output, err);
}

/* 0; 1 when there is nothing more to do; -1 for wrong usage. */
static int parse(int argc, char **argv, struct args *a)
{
	static const struct option opts[] = {
		{"target", required_argument, NULL, 't'}, {"output", required_argument, NULL, 'o'},
		{"cache", required_argument, NULL, 'c'},  {"selftest", no_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},	  {0},
	};
	const char *cache = NULL;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "ho:", opts, NULL)) != -1) {
		switch (c) {
		case 't':
			a->target = optarg;
			break;
		case 'o':
			a->output = optarg;
			break;
		case 'c':
			cache = optarg;
			break;
		case 's':
			a->engine.selftest = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 1;
		default:
			return -1;
		}
	}
	if (optind != argc || !a->target)
		return -1;
	a->cache = cache ? strdup(cache) : sut_cache_dir();
	return a->cache ? 0 : -1;
}

int cmd_engine(int argc, char **argv)
{
	struct args a = {.output = "suture.ko", .engine.progress = sut_progress_stderr()};
	struct sut_err err = {0};
	int r = parse(argc, argv, &a);

	if (r == 0)
		r = build(&a, &err);
	else if (r < 0)
		fputs(usage_text, stderr);
	free(a.cache);
	if (err.code)
		fprintf(stderr, "suture-build engine: %s\n", err.msg);
	return r < 0 ? SUT_EXIT_ERROR : SUT_EXIT_OK;
}
