// SPDX-License-Identifier: Apache-2.0
/* suture-build kernel: a live patch for a kernel from source fixes. */
#include <stdio.h>

#include "cmd.h"
#include "front/front.h"
#include "kernel/report.h"
#include "patch/manifest.h"

static const char usage[] =
	"usage: suture-build kernel --target T --fix F.patch [--fix ...] --level N -o FILE\n"
	"\n"
	"Builds a live patch for exactly the kernel of the target.\n"
	"\n"
	"  --target T     a target added with 'suture-build target add'\n"
	"  --fix FILE     unified diff against the target's source (patch -p1); several add up\n"
	"  --level N      level of the patch, 1 or more; a higher level replaces a lower one\n"
	"  -o FILE        the patch file to write, e.g. kpatch.bin\n"
	"  --cve ID       a CVE the patch fixes; may be given several times\n"
	"  --id ID        name of the patch (default: made from its contents)\n"
	"  --busy NAME    a function that must not be on any stack at the switch, besides\n"
	"                 the replaced ones; may be given several times\n"
	"  --cache DIR    where targets are kept\n"
	"  --keep DIR     keep the intermediate files there\n"
	"  --json         report on standard output as JSON\n"
	"  --quiet        no progress\n"
	"\n"
	"Exit status: 0 built, 2 cannot be applied live (the reasons are printed),\n"
	"3 the compiled code is not that of the target, 1 any other error.\n";

struct run {
	struct sut_profile *profile;
	struct sut_build build;
};

static int open_target(void *ctx, const char *cache, const struct sut_build_options *o,
		       struct sut_err *err)
{
	struct run *c = ctx;

	return sut_profile_open(cache, o->target, &c->profile, err);
}

static int build(void *ctx, const struct sut_request *q, struct sut_front_result *ret,
		 struct sut_err *err)
{
	struct run *c = ctx;
	int r = sut_build_kernel(c->profile, q, &c->build, err);
	const struct sut_payload_result *p = &c->build.payload;

	*ret = (struct sut_front_result){
		.fixset = &c->build.fixset,
		.refusals = &c->build.refusals,
		.payloads = {{(char *)"vmlinux.ko", p->ko.data, p->ko.len},
			     {(char *)"vmlinux.expect", p->expect.data, p->expect.len}},
		.npayloads = 2};
	return r;
}

static json_t *manifest(void *ctx, const struct sut_request *q, int64_t created)
{
	struct run *c = ctx;

	return sut_kernel_report_manifest(c->profile, &c->build, q, created);
}

static int text(void *ctx, struct sut_buf *out)
{
	struct run *c = ctx;

	return sut_kernel_report_text(c->profile, &c->build, out);
}

static json_t *json(void *ctx, const char *outcome, const struct sut_err *err)
{
	struct run *c = ctx;

	return sut_kernel_report_json(c->profile, &c->build, outcome, err);
}

static void summary(void *ctx, const struct sut_build_options *o)
{
	const struct sut_build *b = &((struct run *)ctx)->build;

	printf("%s: patch %s, level %llu\n", o->output, b->id, (unsigned long long)o->level);
	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		const struct sut_replaced *v = &b->payload.replaced[i];

		printf("  %-32s %s, %llu → %llu bytes, %s\n", v->name, v->source,
		       (unsigned long long)v->size, (unsigned long long)v->new_size,
		       sut_redirect_name(v->redirect));
	}
}

static void release(void *ctx)
{
	struct run *c = ctx;

	sut_build_release(&c->build);
	sut_profile_free(c->profile);
}

int cmd_kernel(int argc, char **argv)
{
	static const struct sut_front front = {
		.command = "kernel",
		.usage = usage,
		.unproven = "Is the target's source the one this kernel was built from, and is gcc "
			    "the same version?",
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
