// SPDX-License-Identifier: Apache-2.0
/* suture-build prove: compare compiled source files with the shipped kernel. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "compile/compile.h"
#include "library/profile_file.h"
#include "library/show.h"
#include "prove/batch.h"
#include "target/progress.h"
#include "target/store.h"

static const char usage_text[] =
	"usage: suture-build prove --target T [--json] [--text FILE] SOURCE.c...\n"
	"       suture-build prove --target T [--json] [--list] --sample N [--seed S]\n"
	"       suture-build prove --target debian/PACKAGE=VERSION [--file FILE] [--json] [--list]\n"
	"\n"
	"Compiles source files exactly as the target was built and compares every function\n"
	"and datum with the shipped kernel, byte for byte. Exit status 3: something differs\n"
	"for no known reason. Of a package of libraries or programs, what its recorded build made\n"
	"is compared with the shipped files.\n"
	"\n"
	"  --sample N    take N files at random from all that are built into the kernel\n"
	"  --seed S      another choice; the same seed picks the same files (default 1)\n"
	"  --list        only print the names of the files; of a package, also name what is the same\n"
	"  --file FILE   only this file of the package: libcrypto.so.3\n"
	"  --text FILE   compile this text in place of the (one) source's own\n"
	"  --json        print JSON\n"
	"  --cache DIR   where targets are kept; default $SUTURE_CACHE, then\n"
	"                /var/cache/suture (root) or ~/.cache/suture\n";

enum { SAMPLE_MAX = 100000 };

struct args {
	const char *target, *text, *file;
	char *cache;
	uint64_t sample, seed;
	bool json, list;
};

/* Sums over all files. */
struct totals {
	size_t files, failed, not_linked;
	size_t functions, identical, overridden, different, unplaced;
	size_t copies; /* of the unplaced: identical with every copy the image has */
	size_t data, data_identical, data_overridden, data_different, data_unplaced;
	/* functions and data that are not identical at their place */
	size_t explained, unexplained;
};

struct survey {
	const struct sut_profile *profile;
	size_t n;      /* files to look at */
	json_t *files; /* with --json */
	struct totals t;
};

static const char *proof_name(enum sut_proof p)
{
	return p == SUT_PROOF_DIFFERENT ? "different" : "unplaced";
}

static bool is_difference(const struct sut_unit *u, uint32_t sym)
{
	enum sut_proof p = u->syms[sym].proof;

	return (p == SUT_PROOF_DIFFERENT || p == SUT_PROOF_UNPLACED) && u->object->syms[sym].size;
}

static void print_differences(const struct survey *s, const struct sut_unit *u)
{
	for (uint32_t i = 1; i < u->object->nsyms; i++) {
		const struct sut_sym *sym = &u->object->syms[i];
		enum sut_difference d;
		char text[512];

		if (!is_difference(u, i))
			continue;
		d = sut_prove_explain(s->profile, u, i, text, sizeof(text));
		if (u->syms[i].proof == SUT_PROOF_DIFFERENT)
			printf("    %s %s: different from byte 0x%" PRIx64 " on (%s): %s\n",
			       sym->type == STT_FUNC ? "function" : "datum", sym->name,
			       u->syms[i].diff_offset, sut_difference_name(d), text);
		else
			printf("    %s %s: %s\n", sym->type == STT_FUNC ? "function" : "datum",
			       sym->name, text);
	}
}

static void print_file(const struct survey *s, const struct sut_batch_file *f)
{
	const struct sut_unit *u = f->unit;

	printf("[%zu/%zu] %s", s->t.files, s->n, f->source);
	if (!u) {
		printf(": %s\n", f->err.msg);
		return;
	}
	if (f->not_linked) {
		printf(": in a library, and not taken into this kernel\n");
		return;
	}
	printf(" (%.1f s): %zu functions, %zu identical", f->seconds, u->functions, u->identical);
	if (u->overridden)
		printf(", %zu overridden", u->overridden);
	if (u->different)
		printf(", %zu DIFFERENT", u->different);
	if (u->unplaced)
		printf(", %zu UNPLACED", u->unplaced);
	printf("; %zu data, %zu identical", u->data, u->data_identical);
	if (u->data_overridden)
		printf(", %zu overridden", u->data_overridden);
	printf("\n");
	print_differences(s, u);
	fflush(stdout);
}

static json_t *differences_json(const struct survey *s, const struct sut_unit *u)
{
	json_t *list = json_array();

	for (uint32_t i = 1; i < u->object->nsyms; i++) {
		const struct sut_sym *sym = &u->object->syms[i];
		enum sut_difference d;
		char text[512];

		if (!is_difference(u, i))
			continue;
		d = sut_prove_explain(s->profile, u, i, text, sizeof(text));
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:s}", "symbol", sym->name,
					"type", sym->type == STT_FUNC ? "function" : "data",
					"proof", proof_name(u->syms[i].proof), "difference",
					sut_difference_name(d), "explained",
					sut_difference_is_explained(d), "offset",
					(json_int_t)u->syms[i].diff_offset, "text", text));
	}
	return list;
}

static json_t *counts_json(size_t functions, size_t identical, size_t overridden, size_t different,
			   size_t unplaced)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "all", (json_int_t)functions, "identical",
			 (json_int_t)identical, "overridden", (json_int_t)overridden, "different",
			 (json_int_t)different, "unplaced", (json_int_t)unplaced);
}

static json_t *file_json(const struct survey *s, const struct sut_batch_file *f)
{
	const struct sut_unit *u = f->unit;

	if (!u)
		return json_pack("{s:s, s:s, s:s}", "file", f->source, "error", f->err.msg,
				 "reason", f->err.reason);
	return json_pack(
		"{s:s, s:f, s:b, s:o, s:o, s:o}", "file", f->source, "seconds", f->seconds,
		"not_linked", f->not_linked, "functions",
		counts_json(u->functions, u->identical, u->overridden, u->different, u->unplaced),
		"data",
		counts_json(u->data, u->data_identical, u->data_overridden, u->data_different,
			    u->data_unplaced),
		"differences", differences_json(s, u));
}

static void add_up(struct survey *s, const struct sut_batch_file *f)
{
	const struct sut_unit *u = f->unit;
	struct totals *t = &s->t;
	char text[512];

	t->files++;
	if (!u) {
		t->failed++;
		return;
	}
	if (f->not_linked) {
		t->not_linked++;
		return;
	}
	t->functions += u->functions;
	t->identical += u->identical;
	t->overridden += u->overridden;
	t->different += u->different;
	t->unplaced += u->unplaced;
	t->data += u->data;
	t->data_identical += u->data_identical;
	t->data_overridden += u->data_overridden;
	t->data_different += u->data_different;
	t->data_unplaced += u->data_unplaced;
	for (uint32_t i = 1; i < u->object->nsyms; i++) {
		if (!is_difference(u, i))
			continue;
		t->copies += u->syms[i].same_everywhere && u->object->syms[i].type == STT_FUNC;
		if (sut_difference_is_explained(
			    sut_prove_explain(s->profile, u, i, text, sizeof(text))))
			t->explained++;
		else
			t->unexplained++;
	}
}

static void file_done(void *arg, const struct sut_batch_file *f)
{
	struct survey *s = arg;

	add_up(s, f);
	if (s->files) {
		json_array_append_new(s->files, file_json(s, f));
		fprintf(stderr, "[%zu/%zu] %s\n", s->t.files, s->n, f->source);
	} else {
		print_file(s, f);
	}
}

/* Per cent of the functions that are in the image. */
static double identical_percent(const struct totals *t)
{
	size_t own = t->functions - t->overridden;

	return own ? 100.0 * (double)(t->identical + t->copies) / (double)own : 100.0;
}

static void print_totals(const struct totals *t)
{
	printf("%zu files", t->files);
	if (t->failed)
		printf(", %zu could not be compiled", t->failed);
	if (t->not_linked)
		printf(", %zu not linked", t->not_linked);
	printf("\nfunctions: %zu, of which %zu weak ones are overridden; of the other %zu are %zu "
	       "identical (%.3f %%), %zu different, %zu unplaced\n",
	       t->functions, t->overridden, t->functions - t->overridden, t->identical + t->copies,
	       identical_percent(t), t->different, t->unplaced - t->copies);
	if (t->copies)
		printf("(%zu of them identical with several copies in the image, whose own place is "
		       "not known)\n",
		       t->copies);
	printf("data: %zu, of which %zu identical, %zu overridden, %zu different, %zu unplaced\n",
	       t->data, t->data_identical, t->data_overridden, t->data_different, t->data_unplaced);
	printf("not identical: %zu explained, %zu not explained\n", t->explained, t->unexplained);
}

static int print_json(struct survey *s)
{
	const struct totals *t = &s->t;
	json_t *j = json_pack(
		"{s:s, s:O, s:I, s:I, s:I, s:o, s:I, s:f, s:o, s:I, s:I}", "target",
		s->profile->name, "files", s->files, "count", (json_int_t)t->files, "failed",
		(json_int_t)t->failed, "not_linked", (json_int_t)t->not_linked, "functions",
		counts_json(t->functions, t->identical, t->overridden, t->different, t->unplaced),
		"copies", (json_int_t)t->copies, "identical_percent", identical_percent(t), "data",
		counts_json(t->data, t->data_identical, t->data_overridden, t->data_different,
			    t->data_unplaced),
		"explained", (json_int_t)t->explained, "unexplained", (json_int_t)t->unexplained);

	if (!j || json_dumpf(j, stdout, JSON_INDENT(2)) < 0)
		return -1;
	printf("\n");
	json_decref(j);
	return 0;
}

static int survey(const struct args *a, const struct sut_profile *p, const char *const *sources,
		  size_t n)
{
	struct survey s = {.profile = p, .n = n, .files = a->json ? json_array() : NULL};
	struct sut_batch b = {.profile = p,
			      .sources = sources,
			      .n = n,
			      .text_path = a->text,
			      .done = file_done,
			      .arg = &s};
	struct sut_err err = {0};
	int status = SUT_EXIT_OK;

	if (sut_batch_run(&b, &err) < 0) {
		fprintf(stderr, "suture-build prove: %s\n", err.msg);
		status = SUT_EXIT_ERROR;
	} else if (a->json) {
		if (print_json(&s) < 0)
			status = SUT_EXIT_ERROR;
	} else {
		print_totals(&s.t);
	}
	json_decref(s.files);
	if (status == SUT_EXIT_OK && s.t.failed)
		status = SUT_EXIT_ERROR;
	if (status == SUT_EXIT_OK && s.t.unexplained)
		status = SUT_EXIT_PROOF;
	return status;
}

/* With --sample, the files are taken from the list of all. */
static int choose(const struct args *a, const struct sut_profile *p, struct sut_strv *l,
		  size_t *ret_n, struct sut_err *err)
{
	int r = sut_compile_sources(p, l, err);

	if (r < 0)
		return r;
	sut_batch_sample(l, a->sample, a->seed);
	*ret_n = a->sample < l->n ? a->sample : l->n;
	return 0;
}

static int run(const struct args *a, int n, char **files)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	_cleanup_strv_ struct sut_strv l = {0};
	const char *const *sources = (const char *const *)files;
	size_t count = (size_t)n;
	struct sut_err err = {0};
	int r = sut_profile_open(a->cache, a->target, &p, &err);

	if (r == 0 && a->sample) {
		r = choose(a, p, &l, &count, &err);
		sources = (const char *const *)l.v;
	}
	if (r < 0) {
		fprintf(stderr, "suture-build prove: %s\n", err.msg);
		return SUT_EXIT_ERROR;
	}
	if (a->list) {
		for (size_t i = 0; i < count; i++)
			puts(sources[i]);
		return SUT_EXIT_OK;
	}
	return survey(a, p, sources, count);
}

static int bad_usage(const char *why)
{
	fprintf(stderr, "suture-build prove: %s\n%s", why, usage_text);
	return SUT_EXIT_ERROR;
}

int cmd_prove(int argc, char **argv)
{
	static const struct option options[] = {
		{"target", required_argument, NULL, 't'}, {"cache", required_argument, NULL, 'c'},
		{"sample", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'},
		{"text", required_argument, NULL, 'x'},	  {"file", required_argument, NULL, 'F'},
		{"json", no_argument, NULL, 'j'},	  {"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},	  {0},
	};
	_cleanup_(sut_freep) char *cache = NULL;
	struct args a = {.seed = 1};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			a.target = optarg;
			break;
		case 'c':
			free(cache);
			cache = strdup(optarg);
			break;
		case 'n':
			if (sut_parse_u64(optarg, SAMPLE_MAX, &a.sample) < 0 || !a.sample)
				return bad_usage("--sample wants a number of files");
			break;
		case 's':
			if (sut_parse_u64(optarg, UINT64_MAX, &a.seed) < 0)
				return bad_usage("--seed wants a number");
			break;
		case 'x':
			a.text = optarg;
			break;
		case 'F':
			a.file = optarg;
			break;
		case 'j':
			a.json = true;
			break;
		case 'l':
			a.list = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return SUT_EXIT_OK;
		default:
			fputs(usage_text, stderr);
			return SUT_EXIT_ERROR;
		}
	}
	if (!a.target)
		return bad_usage("--target is missing");
	if (sut_lib_name_is(a.target) && (optind < argc || a.sample || a.text))
		return bad_usage("of a package, all of a file is compared: --file FILE");
	if (!sut_lib_name_is(a.target) && !a.sample == (optind == argc))
		return bad_usage("name source files, or ask for some with --sample");
	if (a.text && (a.sample || argc - optind != 1))
		return bad_usage("--text goes with exactly one source file");
	a.cache = cache ? cache : (cache = sut_cache_dir());
	if (!a.cache) {
		fprintf(stderr, "suture-build prove: out of memory\n");
		return SUT_EXIT_ERROR;
	}
	if (sut_lib_name_is(a.target))
		return sut_lib_prove(a.cache, a.target, a.file, a.json, a.list);
	return run(&a, argc - optind, argv + optind);
}
