// SPDX-License-Identifier: Apache-2.0
#include "library/show.h"

#include <elf.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "library/profile.h"
#include "library/profile_file.h"

enum { NAMES_SHOWN = 12 }; /* by show; prove names all */

static int fail(const char *who, const struct sut_err *err)
{
	fprintf(stderr, "suture-build %s: %s\n", who, err->msg);
	return SUT_EXIT_ERROR;
}

static bool is_function(const struct sut_lib_sym *s)
{
	return s->size && (s->type == STT_FUNC || s->type == STT_GNU_IFUNC);
}

static bool is_data(const struct sut_lib_sym *s)
{
	return s->size && (s->type == STT_OBJECT || s->type == STT_TLS);
}

/* Objects whose compilation is known, and which can therefore be patched. */
static size_t compiled(const struct sut_lib_profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nobjects; i++)
		n += *p->objects[i].source && *p->objects[i].argv != NULL;
	return n;
}

static json_t *file_json(const struct sut_lib_profile *p)
{
	char id[2 * SUT_LIB_BUILD_ID_LEN + 1];
	json_t *different = json_array();

	sut_hex(p->build_id, SUT_LIB_BUILD_ID_LEN, id);
	for (size_t i = 0; i < p->nsyms; i++)
		if (is_function(&p->syms[i]) && !p->syms[i].proven)
			json_array_append_new(different, json_string(p->syms[i].name));
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:s}", "file", p->file,
			 "soname", p->soname, "build_id", id, "functions", (json_int_t)p->functions,
			 "proven", (json_int_t)p->proven, "objects", (json_int_t)p->nobjects,
			 "compiled", (json_int_t)compiled(p), "slots", (json_int_t)p->nslots,
			 "different", different, "shipped", p->shipped, "rebuilt", p->rebuilt);
}

static void show_file(const struct sut_lib_profile *p)
{
	char id[2 * SUT_LIB_BUILD_ID_LEN + 1];
	size_t n = 0;
	uint64_t last = 0;

	sut_hex(p->build_id, SUT_LIB_BUILD_ID_LEN, id);
	printf("\nfile          %s\n", p->file);
	printf("build-id      %s\n", id);
	printf("functions     %zu proven of %zu\n", p->proven, p->functions);
	for (size_t i = 0; i < p->nsyms; i++) {
		const struct sut_lib_sym *s = &p->syms[i];

		if (!is_function(s) || s->proven || (n && s->vaddr == last))
			continue;
		last = s->vaddr;
		if (n < NAMES_SHOWN)
			printf("%s%s", n ? ", " : "different     ", s->name);
		n++;
	}
	if (n > NAMES_SHOWN)
		printf(" and %zu more ('suture-build prove' names them)", n - NAMES_SHOWN);
	if (n)
		printf("\n");
	printf("objects       %zu, of which %zu with their compiler's command\n", p->nobjects,
	       compiled(p));
}

int sut_lib_show(const char *cache, const char *target, const char *file, bool json)
{
	_cleanup_strv_ struct sut_strv files = {0};
	struct sut_err err = {0};
	json_t *all = NULL, *list = json_array();
	int r = file ? sut_strv_add(&files, file)
		     : sut_lib_profile_paths(cache, target, &files, &err);

	for (size_t i = 0; i < files.n && r == 0; i++) {
		_cleanup_(sut_lib_profile_freep) struct sut_lib_profile *p = NULL;

		r = sut_lib_profile_open(cache, target, files.v[i], &p, &err);
		if (r < 0)
			break;
		if (!json && i == 0) {
			printf("target        %s\n", p->name);
			printf("package       %s %s\n", p->package, p->version);
			printf("source        %s %s in %s%s\n", p->source, p->source_version,
			       sut_streq(p->root, "/") ? "" : p->root, p->src_dir);
		}
		if (!json)
			show_file(p);
		if (json && i == 0)
			all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "kind",
					"library", "name", p->name, "package", p->package,
					"version", p->version, "source", p->source,
					"source_version", p->source_version, "root", p->root,
					"src_dir", p->src_dir, "files", list);
		if (json)
			json_array_append_new(list, file_json(p));
	}
	if (r == 0 && json && json_dumpf(all, stdout, JSON_INDENT(2)) == 0)
		printf("\n");
	json_decref(all);
	json_decref(list);
	return r < 0 ? fail("target", &err) : SUT_EXIT_OK;
}

/* ---- the proof ---- */

struct count {
	size_t all, proven;
};

static void print_difference(const struct sut_lib_profile *p, const struct sut_lib_sym *s)
{
	uint64_t off = 0, at = s->vaddr + (s->type == STT_TLS ? p->tls_vaddr : 0);
	const uint8_t *a, *b;

	if (sut_lib_profile_same(p, at, s->size, &off))
		return;
	a = sut_lib_profile_bytes(p, at + off, 1);
	b = sut_lib_profile_rebuilt(p, at + off, 1);
	printf("    %s %s at 0x%" PRIx64 ": different from byte 0x%" PRIx64,
	       is_function(s) ? "function" : "datum", s->name, s->vaddr, off);
	if (a && b && *a != *b)
		printf(" on (shipped %02x, rebuilt %02x)\n", *a, *b);
	else if (a && b)
		printf(" on (a relocation)\n");
	else
		printf(" on (the shipped file has nothing there)\n");
}

static struct count prove(const struct sut_lib_profile *p, bool data, bool quiet, bool list)
{
	struct count c = {0};
	const struct sut_lib_sym *last = NULL;

	for (size_t i = 0; i < p->nsyms; i++) {
		const struct sut_lib_sym *s = &p->syms[i];

		if (!(data ? is_data(s) : is_function(s)) ||
		    (last && last->vaddr == s->vaddr &&
		     (last->type == STT_TLS) == (s->type == STT_TLS)))
			continue;
		last = s;
		c.all++;
		c.proven += s->proven;
		if (!s->proven && !quiet)
			print_difference(p, s);
		else if (list && !quiet)
			printf("    %s %s at 0x%" PRIx64 ": the same, %" PRIu64 " bytes\n",
			       data ? "datum" : "function", s->name, s->vaddr, s->size);
	}
	return c;
}

static bool prove_file(const struct sut_lib_profile *p, bool json, bool list, json_t *out)
{
	struct count f, d;

	if (!json)
		printf("%s\n", p->file);
	f = prove(p, false, json, list);
	d = prove(p, true, json, list);
	if (json)
		json_array_append_new(out, file_json(p));
	else
		printf("functions: %zu, of which %zu identical (%.3f %%), %zu different; data: %zu, of "
		       "which %zu identical, %zu different\n",
		       f.all, f.proven, f.all ? 100.0 * (double)f.proven / (double)f.all : 100.0,
		       f.all - f.proven, d.all, d.proven, d.all - d.proven);
	return f.proven == f.all && d.proven == d.all;
}

int sut_lib_prove(const char *cache, const char *target, const char *file, bool json, bool list)
{
	_cleanup_strv_ struct sut_strv files = {0};
	struct sut_err err = {0};
	json_t *out = json_array();
	bool same = true;
	int r = file ? sut_strv_add(&files, file)
		     : sut_lib_profile_paths(cache, target, &files, &err);

	for (size_t i = 0; i < files.n && r == 0; i++) {
		_cleanup_(sut_lib_profile_freep) struct sut_lib_profile *p = NULL;

		r = sut_lib_profile_open(cache, target, files.v[i], &p, &err);
		if (r == 0)
			same &= prove_file(p, json, list, out);
	}
	if (r == 0 && json && json_dumpf(out, stdout, JSON_INDENT(2)) == 0)
		printf("\n");
	json_decref(out);
	if (r < 0)
		return fail("prove", &err);
	return same ? SUT_EXIT_OK : SUT_EXIT_PROOF;
}
