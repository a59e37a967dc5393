// SPDX-License-Identifier: Apache-2.0
/* suture-build library: a live patch for a shared library or an executable from source fixes. */
#include <stdio.h>

#include "cmd.h"
#include "front/front.h"
#include "library/report.h"

static const char usage[] =
	"usage: suture-build library --target T [--file NAME] --fix F.patch [--fix ...] -o FILE\n"
	"\n"
	"Builds a live patch for exactly one shared library or executable of the target.\n"
	"\n"
	"  --target T     a target added with 'suture-build target add debian/PACKAGE=VERSION'\n"
	"  --file NAME    which file of it, by soname or base name (default: the only one)\n"
	"  --fix FILE     unified diff against the target's source (patch -p1); several add up\n"
	"  -o FILE        the patch file to write, e.g. upatch.bin\n"
	"  --level N      level of the patch, from 1 (the default); a higher one replaces a lower\n"
	"  --cve ID       a CVE the patch fixes; may be given several times\n"
	"  --id ID        name of the patch (default: made from its contents)\n"
	"  --busy NAME    a function that no thread may be in at the switch, besides the\n"
	"                 replaced ones; may be given several times\n"
	"  --report FILE  what was done, for people; it is in the patch as report.txt, too\n"
	"  --cache DIR    where targets are kept\n"
	"  --keep DIR     keep the intermediate files there\n"
	"  --json         report on standard output as JSON\n"
	"  --quiet        no progress\n"
	"\n"
	"Exit status: 0 built, 2 cannot be applied live (the reasons are printed),\n"
	"3 the compiled code is not that of the target, 1 any other error.\n";

struct run {
	struct sut_lib_profile *profile;
	struct sut_lib_build build;
};

static int open_target(void *ctx, const char *cache, const struct sut_build_options *o,
		       struct sut_err *err)
{
	struct run *c = ctx;

	return sut_lib_profile_open(cache, o->target, o->file, &c->profile, err);
}

static int build(void *ctx, const struct sut_request *q, struct sut_front_result *ret,
		 struct sut_err *err)
{
	struct run *c = ctx;
	int r = sut_lib_build(c->profile, q, &c->build, err);
	const struct sut_buf *bytes = &c->build.payload.bytes;

	*ret = (struct sut_front_result){
		.fixset = &c->build.fixset,
		.refusals = &c->build.refusals,
		.payloads = {{(char *)"library.bin", bytes->data, bytes->len}},
		.npayloads = 1};
	return r;
}

static json_t *manifest(void *ctx, const struct sut_request *q, int64_t created)
{
	struct run *c = ctx;

	return sut_lib_report_manifest(c->profile, &c->build, q, created);
}

static int text(void *ctx, struct sut_buf *out)
{
	struct run *c = ctx;

	return sut_lib_report_text(c->profile, &c->build, out);
}

static json_t *json(void *ctx, const char *outcome, const struct sut_err *err)
{
	struct run *c = ctx;

	return sut_lib_report_json(c->profile, &c->build, outcome, err);
}

static void summary(void *ctx, const struct sut_build_options *o)
{
	const struct sut_lib_build *b = &((struct run *)ctx)->build;

	printf("%s: patch %s, level %llu\n", o->output, b->id, (unsigned long long)o->level);
	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		const struct sut_lib_replaced *v = &b->payload.replaced[i];

		printf("  %-32s %s, %llu → %llu bytes, %s\n", v->name, v->source,
		       (unsigned long long)v->size, (unsigned long long)v->new_size,
		       sut_lib_redirect_name(v));
	}
	for (size_t i = 0; i < b->warnings.n; i++)
		printf("  mind: %s\n", b->warnings.v[i]);
}

static void release(void *ctx)
{
	struct run *c = ctx;

	sut_lib_build_release(&c->build);
	sut_lib_profile_free(c->profile);
}

int cmd_library(int argc, char **argv)
{
	static const struct sut_front front = {
		.command = "library",
		.usage = usage,
		.unproven = "'suture-build prove' shows what of the file is proven.",
		.level = 1,
		.files = true,
		.open = open_target,
		.build = build,
		.manifest = manifest,
		.text = text,
		.json = json,
		.summary = summary,
		.release = release,
	};
	struct run c = {0};

	return sut_front_run(&front, &c, argc, argv);
}
