// SPDX-License-Identifier: Apache-2.0
/* suture info: what is applied; or what a patch file holds, for auditors, which needs no kernel and no rights. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "crypto/modsign.h"
#include "kernel/report.h"
#include "kernel/trust.h"
#include "live.h"

static void count_bytes(const struct sut_expect_table *t, uint64_t *compared, uint64_t *ignored)
{
	*compared = *ignored = 0;
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func f = sut_expect_at(t, i);

		for (uint32_t j = 0; j < f.size; j++)
			++*(f.mask[j] == SUTURE_MASK_IGNORE ? ignored : compared);
	}
}

static const char help[] =
	"usage: suture info [FILE] [OPTION]...\n\n"
	"Without FILE: what is applied, and which CVEs it fixes. As root it is asked for, else\n"
	"it is what suture-apply said last.\n\n"
	"Checks a patch file and shows what it holds and who has signed it. Works\n"
	"anywhere, needs no rights. A file without a trusted signature is shown as well.\n\n"
	"  --sig FILE  the signature (default: FILE.sig beside the patch)\n"
	"  --keys DIR  folder of the trusted keys (default: " SUT_KEYS_DIR ")\n"
	"  --json      one object on stdout (docs/formats/status.md; without FILE\n"
	"              docs/formats/schemas/suture-live.json)\n";

/* The payload's own signature, for the kernel. Only the kernel has the keys to check it with. */
struct module_signature {
	const char *state;
	char signer[SUT_MODSIGN_SIGNER_MAX]; /* "" unless present */
};

static struct module_signature look_at_payload(const struct sut_loaded *l)
{
	struct module_signature s = {.state = "present"};
	int r = sut_modsign_signer(l->payload->data, l->payload->len, s.signer, NULL);

	if (r < 0)
		s.state = r == -ENODATA ? "none" : "malformed";
	return s;
}

static int print_library_json(const struct sut_loaded *l, const struct sut_trust *t,
			      const char *path)
{
	return sut_report_json(json_pack("{s:s,s:i,s:{s:o,s:I,s:s},s:o,s:O}", "format",
					 "suture-info", "version", 1, "file", "path",
					 sut_report_text(path), "size", (json_int_t)l->file_size,
					 "sha256", l->sha256, "signature", sut_trust_json(t),
					 "manifest", l->manifest->root),
			       SUT_EXIT_OK);
}

static int print_json(const struct sut_loaded *l, const struct sut_trust *t, const char *path)
{
	struct module_signature s = look_at_payload(l);
	uint64_t compared, ignored;

	count_bytes(&l->table, &compared, &ignored);
	return sut_report_json(
		json_pack("{s:s,s:i,s:{s:o,s:I,s:s},s:o,s:{s:s,s:s?},s:{s:I,s:I,s:I},s:O}",
			  "format", "suture-info", "version", 1, "file", "path",
			  sut_report_text(path), "size", (json_int_t)l->file_size, "sha256",
			  l->sha256, "signature", sut_trust_json(t), "module_signature", "state",
			  s.state, "signer", s.signer[0] ? s.signer : NULL, "expect", "functions",
			  (json_int_t)l->table.nfuncs, "compared", (json_int_t)compared, "ignored",
			  (json_int_t)ignored, "manifest", l->manifest->root),
		SUT_EXIT_OK);
}

static int name_width(const struct sut_manifest_object *o)
{
	size_t w = 0;

	for (size_t i = 0; i < o->nfunctions; i++) {
		const struct sut_manifest_func *f = &o->functions[i];

		w = strlen(f->name) > w ? strlen(f->name) : w;
		for (size_t j = 0; j < f->nchildren; j++)
			if (strlen(f->children[j].name) > w)
				w = strlen(f->children[j].name);
	}
	return w > 48 ? 48 : (int)w;
}

static void print_functions(const struct sut_manifest_object *o)
{
	int w = name_width(o);

	printf("Replaced functions\n");
	for (size_t i = 0; i < o->nfunctions; i++) {
		const struct sut_manifest_func *f = &o->functions[i];

		printf("  %-*s  0x%" PRIx64 "  %6u -> %6u bytes  %-11s  %s\n", w, f->name,
		       f->address, f->size, f->new_size, sut_redirect_name(f->redirect), f->source);
		for (size_t j = 0; j < f->nchildren; j++)
			printf("  %-*s  0x%" PRIx64 "  %6u bytes, split off %s\n", w,
			       f->children[j].name, f->children[j].address, f->children[j].size,
			       f->name);
	}
}

static void print_symbols(const char *title, const struct sut_manifest_symbol *v, size_t n)
{
	if (n)
		printf("%s\n", title);
	for (size_t i = 0; i < n; i++)
		printf("  %s, %u bytes\n", v[i].name, v[i].size);
}

static void print_object(const struct sut_manifest *m, const struct sut_manifest_object *o)
{
	print_functions(o);
	print_symbols("New functions", o->new_functions, o->nnew_functions);
	print_symbols("New data", o->new_data, o->nnew_data);
	if (o->nanchors)
		printf("Symbols reached by their distance from an exported one\n");
	for (size_t i = 0; i < o->nanchors; i++)
		printf("  %s  0x%" PRIx64 "  from %s\n", o->anchors[i].symbol,
		       o->anchors[i].address, o->anchors[i].via);
	if (o->nimports)
		printf("Symbols that the target did not import before\n");
	for (size_t i = 0; i < o->nimports; i++)
		printf("  %s%s%s\n", o->imports[i].name, *o->imports[i].version ? "@" : "",
		       o->imports[i].version);
	if (m->nbusy)
		printf("Further functions that nobody may be inside\n");
	for (size_t i = 0; i < m->nbusy; i++)
		printf("  %s\n", m->busy[i]);
}

static void print_signature(const struct sut_trust *t)
{
	char text[SUT_TRUST_NAME_MAX + 128];

	sut_trust_text(t, text, sizeof(text));
	printf("%-11s%s\n", "Signature", text);
	if (!sut_trust_is_good(t))
		printf("%-11s%s\n", "", t->why.msg);
}

static void print_module_signature(const struct sut_loaded *l)
{
	struct module_signature s = look_at_payload(l);

	if (s.signer[0])
		printf("%-11s%s signed for the kernel by %s\n", "Payload", l->object->payload,
		       s.signer);
	else
		printf("%-11s%s %s\n", "Payload", l->object->payload,
		       sut_streq(s.state, "none")
			       ? "not signed for the kernel"
			       : "has a malformed module signature; the kernel will refuse it");
}

static void print_engine(const struct sut_loaded *l)
{
	const struct sut_manifest *m = l->manifest;
	uint64_t compared, ignored;

	if (sut_manifest_is_library(m)) {
		printf("%-11sABI %u, for running processes\n", "Engine", m->engine_abi);
		return;
	}
	count_bytes(&l->table, &compared, &ignored);
	printf("%-11sABI %u, payload %s%s\n", "Engine", m->engine_abi, l->object->module,
	       l->object->keep ? " (never unloaded)" : "");
	print_module_signature(l);
	printf("%-11s%" PRIu64 " bytes of %u function%s compared, %" PRIu64
	       " that the kernel rewrites left out\n",
	       "Checks", compared, l->table.nfuncs, l->table.nfuncs == 1 ? "" : "s", ignored);
}

static void print_target(const struct sut_manifest *m)
{
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];

	sut_hex(m->target.build_id, SUTURE_BUILD_ID_LEN, build_id);
	if (sut_manifest_is_library(m)) {
		printf("%-11s%s (%s)\n", "Target", m->target.name, m->target.arch);
		printf("%-11s%s, %s\n", "Library", m->target.soname, m->target.file);
	} else {
		printf("%-11s%s (%s, %s)\n", "Target", m->target.name, m->target.release,
		       m->target.arch);
	}
	printf("%-11s%s\n", "Build-id", build_id);
	if (*m->target.package)
		printf("%-11s%s %s\n", "Package", m->target.package, m->target.package_version);
	if (*m->target.source)
		printf("%-11s%s %s\n", "Source", m->target.source, m->target.source_version);
}

static void print_text(const struct sut_loaded *l, const struct sut_trust *t, const char *path)
{
	const struct sut_manifest *m = l->manifest;

	printf("%-11s%s, level %u\n", "Patch", m->id, m->level);
	printf("%-11s%s, %zu bytes\n", "File", path, l->file_size);
	printf("%-11s%s\n", "SHA-256", l->sha256);
	print_signature(t);
	print_target(m);
	printf("%-11s%s by %s\n", "Created", m->created, m->generator);
	print_engine(l);
	for (size_t i = 0; i < m->ncves; i++)
		printf("%-11s%s\n", i ? "" : "CVEs", m->cves[i]);
	for (size_t i = 0; i < m->nfixes; i++)
		for (size_t j = 0; j < m->fixes[i].nfiles; j++)
			printf("%-11s%s: %s\n", i || j ? "" : "Fixes", m->fixes[i].member,
			       m->fixes[i].files[j]);
	print_object(m, l->object);
	printf("Members\n");
	for (size_t i = 0; i < m->nmembers; i++)
		printf("  %s  %9zu  %s\n", m->members[i].sha256, m->members[i].size,
		       m->members[i].name);
}

int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"sig", required_argument, NULL, 's'},
						{"keys", required_argument, NULL, 'k'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_trust_opts opts = {.libraries = true};
	struct sut_trust trust;
	struct sut_err err = {0};
	bool json = false;
	int c;

	optind = 0; /* begins anew, whoever used it before */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return SUT_EXIT_OK;
		}
		if (c == 'j')
			json = true;
		else if (c == 's')
			opts.sig = optarg;
		else if (c == 'k')
			opts.keys = optarg;
		else
			return SUT_EXIT_USAGE;
	}
	if (optind == argc && !opts.sig && !opts.keys)
		return live_info(json);
	if (optind != argc - 1) {
		fprintf(stderr, "suture: info: name one patch file; see 'suture info --help'\n");
		return SUT_EXIT_USAGE;
	}
	if (sut_trust_look(&opts, argv[optind], &l, &trust, &err) < 0) {
		sut_report_error("info", &err);
		return SUT_EXIT_ERROR;
	}
	if (json)
		return sut_manifest_is_library(l->manifest)
			       ? print_library_json(l, &trust, argv[optind])
			       : print_json(l, &trust, argv[optind]);
	print_text(l, &trust, argv[optind]);
	return SUT_EXIT_OK;
}
