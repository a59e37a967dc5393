// SPDX-License-Identifier: Apache-2.0
#include "front/front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "cmd.h"
#include "target/store.h"

/* One run of a command. */
struct run {
	const struct sut_front *f;
	void *ctx;
	const struct sut_build_options *o;
};

/* SOURCE_DATE_EPOCH makes builds repeatable to the byte (reproducible-builds.org). */
static int64_t build_time(void)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");
	uint64_t t;

	return s && sut_parse_u64(s, INT64_MAX / 2, &t) == 0 ? (int64_t)t : (int64_t)time(NULL);
}

static int write_patch(const struct run *c, const struct sut_request *q,
		       const struct sut_front_result *b, struct sut_err *err)
{
	size_t n = b->npayloads;
	_cleanup_(sut_freep) struct sut_member *m = calloc(n + 1 + b->fixset->fixes.n, sizeof(*m));
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(16 << 20),
				     out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_strv_ struct sut_strv names = {0};
	int64_t when = build_time();
	json_t *manifest;
	int r = 0;

	if (!m || c->f->text(c->ctx, &text) < 0)
		return sut_err_oom(err);
	memcpy(m, b->payloads, n * sizeof(*m));
	m[n++] = (struct sut_member){(char *)"report.txt", text.data, text.len};
	for (size_t i = 0; !r && i < b->fixset->fixes.n; i++)
		r = sut_strv_addf(&names, "fix-%zu.patch", i + 1);
	manifest = r < 0 ? NULL : c->f->manifest(c->ctx, q, when);
	if (!manifest)
		return sut_err_oom(err);
	for (size_t i = 0; i < b->fixset->fixes.n; i++)
		m[n++] = (struct sut_member){names.v[i], b->fixset->texts[i].data,
					     b->fixset->texts[i].len};
	r = sut_patch_pack(manifest, m, n, when, &out, err);
	json_decref(manifest);
	if (!r && c->o->report)
		r = sut_file_write(c->o->report, text.data, text.len, 0644, err);
	return r < 0 ? r : sut_file_write(c->o->output, out.data, out.len, 0644, err);
}

static void print_json(const struct run *c, int status, const struct sut_err *err)
{
	static const char *const outcomes[] = {[SUT_EXIT_OK] = "built",
					       [SUT_EXIT_ERROR] = "error",
					       [SUT_EXIT_UNPATCHABLE] = "refused",
					       [SUT_EXIT_PROOF] = "proof-failed"};
	json_t *o = c->f->json(c->ctx, outcomes[status], err);

	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
}

static int build(const struct run *c, const char *scratch, struct sut_err *err)
{
	const struct sut_build_options *o = c->o;
	const struct sut_request q = {.fixes = (const char *const *)o->fixes.v,
				      .nfixes = o->fixes.n,
				      .level = (uint32_t)o->level,
				      .id = o->id,
				      .cves = (const char *const *)o->cves.v,
				      .busy = (const char *const *)o->busy.v,
				      .scratch = scratch,
				      .progress = o->quiet ? NULL : sut_progress_stderr()};
	struct sut_front_result b = {0};
	int r = c->f->build(c->ctx, &q, &b, err), status = SUT_EXIT_OK;

	if (!r && !b.refusals->n)
		r = write_patch(c, &q, &b, err);
	if (r < 0)
		status = r == -EKEYREJECTED ? SUT_EXIT_PROOF : SUT_EXIT_ERROR;
	else if (b.refusals->n)
		status = SUT_EXIT_UNPATCHABLE;
	if (o->json)
		print_json(c, status, err);
	else if (status == SUT_EXIT_OK)
		c->f->summary(c->ctx, o);
	if (status == SUT_EXIT_UNPATCHABLE) {
		fprintf(stderr, "suture-build %s: this fix cannot be applied live:\n",
			c->f->command);
		sut_refusals_print(b.refusals, stderr);
	} else if (status == SUT_EXIT_PROOF) {
		fprintf(stderr, "suture-build %s: proof failed: %s.\n%s\n", c->f->command, err->msg,
			c->f->unproven);
	} else if (status == SUT_EXIT_ERROR) {
		fprintf(stderr, "suture-build %s: %s\n", c->f->command, err->msg);
	}
	return status;
}

static int open_and_build(const struct run *c)
{
	const struct sut_build_options *o = c->o;
	_cleanup_(sut_freep) char *cache = o->cache ? strdup(o->cache) : sut_cache_dir();
	_cleanup_(sut_freep) char *scratch = NULL;
	struct sut_err err = {0};
	int r, status;

	r = cache ? c->f->open(c->ctx, cache, o, &err) : sut_err_oom(&err);
	if (!r && o->keep) {
		scratch = strdup(o->keep);
		r = scratch ? sut_mkdir_p(scratch, &err) : sut_err_oom(&err);
	} else if (!r) {
		r = sut_tmpdir("suture-build", &scratch, &err);
	}
	if (r < 0) {
		fprintf(stderr, "suture-build %s: %s\n", c->f->command, err.msg);
		return SUT_EXIT_ERROR;
	}
	status = build(c, scratch, &err);
	if (!o->keep && sut_rm_rf(scratch, &err) < 0)
		fprintf(stderr, "suture-build %s: %s\n", c->f->command, err.msg);
	return status;
}

int sut_front_run(const struct sut_front *f, void *ctx, int argc, char **argv)
{
	struct sut_build_options o = {.level = f->level};
	int r = sut_build_options_parse(f->command, f->files, argc, argv, &o);
	int status = r < 0 ? SUT_EXIT_ERROR : SUT_EXIT_OK;

	if (o.help)
		fputs(f->usage, stdout);
	else if (r == 0)
		status = open_and_build(&(struct run){f, ctx, &o});
	f->release(ctx);
	sut_build_options_release(&o);
	return status;
}
