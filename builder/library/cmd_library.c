// SPDX-License-Identifier: Apache-2.0
/* suture-build library: a live patch for a shared library or an executable from source fixes. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "cmd.h"
#include "library/report.h"
#include "patch/container.h"
#include "patch/library.h"
#include "patch/manifest.h"
#include "uapi/suture.h"

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

struct args {
	const char *target, *file, *output, *id, *cache, *keep, *report;
	struct sut_strv fixes, cves, busy;
	uint64_t level;
	bool json, quiet, help;
};

enum {
	OPT_TARGET = 256,
	OPT_FILE,
	OPT_REPORT,
	OPT_FIX,
	OPT_LEVEL,
	OPT_CVE,
	OPT_ID,
	OPT_BUSY,
	OPT_CACHE,
	OPT_KEEP,
	OPT_JSON,
	OPT_QUIET
};

static int bad_args(const char *what)
{
	fprintf(stderr, "suture-build library: %s; 'suture-build library --help' tells more\n",
		what);
	return -EINVAL;
}

static bool is_word(const char *s, size_t max)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n && !s[n] && n <= max;
}

static int parse_args(int argc, char **argv, struct args *a)
{
	static const struct option longopts[] = {
		{"target", required_argument, NULL, OPT_TARGET},
		{"file", required_argument, NULL, OPT_FILE},
		{"report", required_argument, NULL, OPT_REPORT},
		{"fix", required_argument, NULL, OPT_FIX},
		{"level", required_argument, NULL, OPT_LEVEL},
		{"cve", required_argument, NULL, OPT_CVE},
		{"id", required_argument, NULL, OPT_ID},
		{"busy", required_argument, NULL, OPT_BUSY},
		{"cache", required_argument, NULL, OPT_CACHE},
		{"keep", required_argument, NULL, OPT_KEEP},
		{"output", required_argument, NULL, 'o'},
		{"json", no_argument, NULL, OPT_JSON},
		{"quiet", no_argument, NULL, OPT_QUIET},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "o:h", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_TARGET:
			a->target = optarg;
			break;
		case OPT_FILE:
			a->file = optarg;
			break;
		case OPT_REPORT:
			a->report = optarg;
			break;
		case OPT_FIX:
			r = sut_strv_add(&a->fixes, optarg);
			break;
		case OPT_LEVEL:
			if (sut_parse_u64(optarg, INT32_MAX, &a->level) < 0 || !a->level)
				return bad_args("--level takes a number from 1");
			break;
		case OPT_CVE:
			if (!is_word(optarg, 32) || strncmp(optarg, "CVE-", 4))
				return bad_args("--cve takes an id such as CVE-2026-52928");
			r = sut_strv_add(&a->cves, optarg);
			break;
		case OPT_ID:
			if (!is_word(optarg, SUTURE_ID_MAX - 1))
				return bad_args(
					"--id takes letters, digits, '.', '_' and '-', at most 63");
			a->id = optarg;
			break;
		case OPT_BUSY:
			r = sut_strv_add(&a->busy, optarg);
			break;
		case OPT_CACHE:
			a->cache = optarg;
			break;
		case OPT_KEEP:
			a->keep = optarg;
			break;
		case OPT_JSON:
			a->json = true;
			break;
		case OPT_QUIET:
			a->quiet = true;
			break;
		case 'o':
			a->output = optarg;
			break;
		case 'h':
			a->help = true;
			return 0;
		default:
			return -EINVAL;
		}
	}
	if (r < 0)
		return r;
	if (optind < argc)
		return bad_args("it takes options only");
	if (!a->target)
		return bad_args("--target is missing");
	if (!a->fixes.n)
		return bad_args("--fix is missing");
	return a->output ? 0 : bad_args("-o is missing");
}

/* SOURCE_DATE_EPOCH makes builds repeatable to the byte (reproducible-builds.org). */
static int64_t build_time(void)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");
	uint64_t t;

	return s && sut_parse_u64(s, INT64_MAX / 2, &t) == 0 ? (int64_t)t : (int64_t)time(NULL);
}

static int write_patch(const struct sut_lib_profile *p, const struct sut_lib_build *b,
		       const struct args *a, struct sut_err *err)
{
	size_t n = 2 + b->fixset.fixes.n;
	_cleanup_(sut_freep) struct sut_member *m = calloc(n, sizeof(*m));
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(16 << 20),
				     out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_strv_ struct sut_strv names = {0};
	int64_t when = build_time();
	json_t *manifest;
	int r = 0;

	if (!m || sut_lib_report_text(p, b, &text) < 0)
		return sut_err_oom(err);
	for (size_t i = 0; !r && i < b->fixset.fixes.n; i++)
		r = sut_strv_addf(&names, "fix-%zu.patch", i + 1);
	manifest = sut_lib_report_manifest(p, b, (uint32_t)a->level, (const char *const *)a->cves.v,
					   (const char *const *)a->busy.v, when);
	if (r < 0 || !manifest)
		return sut_err_oom(err);
	m[0] = (struct sut_member){(char *)"library.bin", b->payload.bytes.data,
				   b->payload.bytes.len};
	m[1] = (struct sut_member){(char *)"report.txt", text.data, text.len};
	for (size_t i = 0; i < b->fixset.fixes.n; i++)
		m[2 + i] = (struct sut_member){names.v[i], b->fixset.texts[i].data,
					       b->fixset.texts[i].len};
	r = sut_patch_pack(manifest, m, n, when, &out, err);
	json_decref(manifest);
	if (!r && a->report)
		r = sut_file_write(a->report, text.data, text.len, 0644, err);
	return r < 0 ? r : sut_file_write(a->output, out.data, out.len, 0644, err);
}

static void print_summary(const struct sut_lib_build *b, const struct args *a)
{
	printf("%s: patch %s, level %llu\n", a->output, b->id, (unsigned long long)a->level);
	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		const struct sut_lib_replaced *v = &b->payload.replaced[i];

		printf("  %-32s %s, %llu → %llu bytes, %s\n", v->name, v->source,
		       (unsigned long long)v->size, (unsigned long long)v->new_size,
		       v->entry.redirect == SUT_LIBRARY_ISLAND ? "jump-island" : "jump-entry");
	}
	for (size_t i = 0; i < b->warnings.n; i++)
		printf("  mind: %s\n", b->warnings.v[i]);
}

static void print_json(const struct sut_lib_profile *p, const struct sut_lib_build *b,
		       const char *outcome, const struct sut_err *err)
{
	json_t *o = sut_lib_report_json(p, b, outcome, err);

	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
}

static int build(const struct sut_lib_profile *p, const struct args *a, const char *scratch,
		 struct sut_err *err)
{
	struct sut_lib_build_opts o = {.fixes = (const char *const *)a->fixes.v,
				       .nfixes = a->fixes.n,
				       .level = (uint32_t)a->level,
				       .id = a->id,
				       .cves = (const char *const *)a->cves.v,
				       .busy = (const char *const *)a->busy.v,
				       .scratch = scratch,
				       .progress = a->quiet ? NULL : sut_progress_stderr()};
	_cleanup_(sut_lib_build_release) struct sut_lib_build b = {0};
	int r = sut_lib_build(p, &o, &b, err), status = SUT_EXIT_OK;

	if (!r && !b.refusals.n)
		r = write_patch(p, &b, a, err);
	if (r < 0)
		status = r == -EKEYREJECTED ? SUT_EXIT_PROOF : SUT_EXIT_ERROR;
	else if (b.refusals.n)
		status = SUT_EXIT_UNPATCHABLE;
	if (a->json)
		print_json(p, &b,
			   status == SUT_EXIT_OK	    ? "built"
			   : status == SUT_EXIT_UNPATCHABLE ? "refused"
			   : status == SUT_EXIT_PROOF	    ? "proof-failed"
							    : "error",
			   err);
	else if (status == SUT_EXIT_OK)
		print_summary(&b, a);
	if (status == SUT_EXIT_UNPATCHABLE) {
		fprintf(stderr, "suture-build library: this fix cannot be applied live:\n");
		sut_refusals_print(&b.refusals, stderr);
	} else if (status == SUT_EXIT_PROOF) {
		fprintf(stderr,
			"suture-build library: proof failed: %s.\n'suture-build prove' shows what "
			"of the file is proven.\n",
			err->msg);
	} else if (status == SUT_EXIT_ERROR) {
		fprintf(stderr, "suture-build library: %s\n", err->msg);
	}
	return status;
}

static int open_and_build(const struct args *a)
{
	_cleanup_(sut_lib_profile_freep) struct sut_lib_profile *p = NULL;
	_cleanup_(sut_freep) char *cache = a->cache ? strdup(a->cache) : sut_cache_dir();
	_cleanup_(sut_freep) char *scratch = NULL;
	struct sut_err err = {0};
	int r, status;

	r = cache ? sut_lib_profile_open(cache, a->target, a->file, &p, &err) : sut_err_oom(&err);
	if (!r && a->keep) {
		scratch = strdup(a->keep);
		r = scratch ? sut_mkdir_p(scratch, &err) : sut_err_oom(&err);
	} else if (!r) {
		r = sut_tmpdir("suture-build", &scratch, &err);
	}
	if (r < 0) {
		fprintf(stderr, "suture-build library: %s\n", err.msg);
		return SUT_EXIT_ERROR;
	}
	status = build(p, a, scratch, &err);
	if (!a->keep && sut_rm_rf(scratch, &err) < 0)
		fprintf(stderr, "suture-build library: %s\n", err.msg);
	return status;
}

int cmd_library(int argc, char **argv)
{
	struct args a = {.level = 1};
	int r = parse_args(argc, argv, &a), status;

	if (a.help) {
		fputs(usage, stdout);
		status = SUT_EXIT_OK;
	} else {
		status = r < 0 ? SUT_EXIT_ERROR : open_and_build(&a);
	}
	sut_strv_release(&a.fixes);
	sut_strv_release(&a.cves);
	sut_strv_release(&a.busy);
	return status;
}
