// SPDX-License-Identifier: Apache-2.0
#include "library/report.h"

#include <string.h>
#include <time.h>

#include "crypto/sha256.h"
#include "patch/library.h"

static json_t *hex_address(uint64_t a)
{
	char s[24];

	snprintf(s, sizeof(s), "0x%llx", (unsigned long long)a);
	return json_string(s);
}

static json_t *strings(const char *const *l)
{
	json_t *a = json_array();

	for (; l && *l; l++)
		json_array_append_new(a, json_string(*l));
	return a;
}

/* "name size" lines of the payload's lists. */
static json_t *names_and_sizes(const struct sut_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const char *sp = strrchr(l->v[i], ' ');

		json_array_append_new(a, json_pack("{s:s% s:I}", "name", l->v[i],
						   (size_t)(sp - l->v[i]), "size",
						   (json_int_t)strtoull(sp, NULL, 10)));
	}
	return a;
}

static const char *redirect_name(const struct sut_lib_replaced *v)
{
	return v->entry.redirect == SUT_LIBRARY_ISLAND ? "jump-island" : "jump-entry";
}

static json_t *functions(const struct sut_lib_build *b, bool with_why)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		const struct sut_lib_replaced *v = &b->payload.replaced[i];
		json_t *children = json_array();
		json_t *f;

		if (v->child_name)
			json_array_append_new(children,
					      json_pack("{s:s s:o s:I}", "name", v->child_name,
							"address", hex_address(v->child_vaddr),
							"size", (json_int_t)v->child_size));
		f = json_pack("{s:s s:s s:o s:I s:I s:s s:o}", "name", v->name, "source", v->source,
			      "address", hex_address(v->vaddr), "size", (json_int_t)v->size,
			      "new_size", (json_int_t)v->new_size, "redirect", redirect_name(v),
			      "children", children);
		if (with_why)
			json_object_set_new(f, "why", json_string(v->why));
		json_array_append_new(a, f);
	}
	return a;
}

static json_t *imports(const struct sut_lib_build *b)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nimports; i++)
		json_array_append_new(a, json_pack("{s:s s:s}", "name", b->payload.imports[i].name,
						   "version", b->payload.imports[i].version));
	return a;
}

static json_t *fixes(const struct sut_lib_build *b)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->fixset.fixes.n; i++) {
		const struct sut_buf *t = &b->fixset.texts[i];
		_cleanup_strv_ struct sut_strv files = {0};
		char name[32], sha[SUT_SHA256_HEX];

		snprintf(name, sizeof(name), "fix-%zu.patch", i + 1);
		sut_sha256_hex(t->data, t->len, sha);
		if (sut_fix_files(sut_buf_str(t), t->len, &files, NULL) < 0)
			continue; /* it was read before */
		json_array_append_new(a, json_pack("{s:s s:s s:o}", "member", name, "sha256", sha,
						   "files", strings((const char *const *)files.v)));
	}
	return a;
}

json_t *sut_lib_report_manifest(const struct sut_lib_profile *p, const struct sut_lib_build *b,
				uint32_t level, const char *const *cves, const char *const *busy,
				int64_t created)
{
	char when[32], id[2 * SUT_LIB_BUILD_ID_LEN + 1];
	time_t t = (time_t)created;
	json_t *object, *target;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	sut_hex(p->build_id, sizeof(p->build_id), id);
	target = json_pack("{s:s s:s s:s s:s s:s s:s s:s s:s}", "kind", "library", "name", p->name,
			   "arch", p->arch, "file", p->file, "soname", p->soname, "build_id", id,
			   "package", p->package, "package_version", p->version);
	if (*p->source)
		json_object_set_new(target, "source", json_string(p->source));
	if (*p->source_version)
		json_object_set_new(target, "source_version", json_string(p->source_version));
	object = json_pack("{s:s s:s s:o s:o s:o s:o}", "object", p->soname, "payload",
			   "library.bin", "functions", functions(b, false), "new_functions",
			   names_and_sizes(&b->payload.new_functions), "new_data",
			   names_and_sizes(&b->payload.new_data), "imports", imports(b));
	return json_pack("{s:s s:i s:s s:i s:s s:s s:o s:{s:i} s:o s:o s:[o] s:o}", "format",
			 "suture-patch", "version", 1, "id", b->id, "level", (int)level, "created",
			 when, "generator", "suture-build " SUTURE_VERSION, "target", target,
			 "engine", "abi", SUT_LIBRARY_ABI, "cves", strings(cves), "fixes", fixes(b),
			 "objects", object, "busy", strings(busy));
}

static int add_function(const struct sut_lib_replaced *v, struct sut_buf *out)
{
	int r = sut_buf_addf(
		out, "  %s (%s)\n    at 0x%llx, %llu bytes, now %llu; redirected by %s\n", v->name,
		v->source, (unsigned long long)v->vaddr, (unsigned long long)v->size,
		(unsigned long long)v->new_size, redirect_name(v));

	if (!r && v->entry.island)
		r = sut_buf_addf(out, "    its island is in padding at 0x%llx\n",
				 (unsigned long long)v->entry.island);
	if (!r && v->entry.span > v->size)
		r = sut_buf_addf(out,
				 "    the jump reaches %llu bytes into the padding behind it\n",
				 (unsigned long long)(v->entry.span - v->size));
	if (!r && *v->why)
		r = sut_buf_addf(out, "    first difference: %s\n", v->why);
	if (!r && v->child_name)
		r = sut_buf_addf(out, "    with %s at 0x%llx, %llu bytes\n", v->child_name,
				 (unsigned long long)v->child_vaddr,
				 (unsigned long long)v->child_size);
	return r;
}

static int add_list(const char *title, const struct sut_strv *l, const char *after,
		    struct sut_buf *out)
{
	int r = l->n ? sut_buf_addf(out, "\n%s\n", title) : 0;

	for (size_t i = 0; !r && i < l->n; i++)
		r = sut_buf_addf(out, "  %s%s\n", l->v[i], after);
	return r;
}

/* Functions that came out differently with a section of their own, and where. */
static json_t *differs(const struct sut_lib_unit *u)
{
	json_t *a = json_array();

	for (uint32_t i = 0; u->differs && i < u->orig_atoms->n; i++)
		if (u->differs[i])
			json_array_append_new(a, json_pack("{s:s s:s}", "name",
							   u->orig_atoms->atoms[i].name, "how",
							   u->differs[i]));
	return a;
}

int sut_lib_report_text(const struct sut_lib_profile *p, const struct sut_lib_build *b,
			struct sut_buf *out)
{
	const struct sut_lib_payload *l = &b->payload;
	int r = sut_buf_addf(out, "Patch %s for %s of %s (%s %s)\n\n", b->id, p->file, p->name,
			     p->source, p->source_version);

	if (!r)
		r = sut_buf_addf(out,
				 "%zu of %zu functions of the file are identical in the recorded "
				 "build.\n",
				 p->proven, p->functions);
	for (size_t i = 0; !r && i < b->nunits; i++)
		r = sut_buf_addf(out,
				 "%s: %zu functions compiled again, %zu of them as in the recorded "
				 "object\n",
				 b->units[i].source, b->same[i].functions, b->same[i].same);
	if (!r)
		r = sut_buf_addstr(out, "\nFunctions replaced:\n");
	for (size_t i = 0; !r && i < l->nreplaced; i++)
		r = add_function(&l->replaced[i], out);
	if (!r)
		r = add_list("New functions:", &l->new_functions, " bytes", out);
	if (!r)
		r = add_list("New data:", &l->new_data, " bytes", out);
	for (size_t i = 0; !r && i < l->nimports; i++)
		r = sut_buf_addf(out, "%s  %s%s%s\n", i ? "" : "\nNew imports:\n",
				 l->imports[i].name, *l->imports[i].version ? "@" : "",
				 l->imports[i].version);
	if (!r)
		r = add_list("Changed, and not in this file:", &l->absent, "", out);
	if (!r)
		r = add_list("Files of the fix that this file is not made from:", &b->skipped, "",
			     out);
	if (!r)
		r = add_list("Mind:", &b->warnings, "", out);
	if (!r)
		r = sut_buf_addf(out,
				 "\nIn each process: %u bytes of code and constants, %u of "
				 "variables, %zu references%s.\n",
				 l->exec_len, l->data_len, l->nrelocs,
				 l->frames ? "; exceptions may pass through the new code" : "");
	return r;
}

json_t *sut_lib_report_json(const struct sut_lib_profile *p, const struct sut_lib_build *b,
			    const char *outcome, const struct sut_err *err)
{
	json_t *o = json_pack("{s:s s:s s:s s:s s:o s:o}", "outcome", outcome, "target", p->name,
			      "file", p->file, "id", b->id, "functions", functions(b, true),
			      "refusals", sut_refusals_json(&b->refusals));
	json_t *t = json_object(), *c = json_array();
	double total = 0;

	if (!o)
		return NULL;
	for (int i = 0; i < SUT_LIB_STEPS; i++) {
		json_object_set_new(t, sut_lib_step_name[i], json_real(b->seconds[i]));
		total += b->seconds[i];
	}
	json_object_set_new(t, "total", json_real(total));
	json_object_set_new(o, "seconds", t);
	for (size_t i = 0; i < b->nunits; i++)
		json_array_append_new(c, json_pack("{s:s s:f s:f s:I s:I s:o}", "source",
						   b->units[i].source, "original",
						   b->same[i].compile_seconds[0], "patched",
						   b->same[i].compile_seconds[1], "functions",
						   (json_int_t)b->same[i].functions, "same",
						   (json_int_t)b->same[i].same, "differs",
						   differs(&b->units[i])));
	json_object_set_new(o, "objects", c);
	json_object_set_new(o, "new_functions", names_and_sizes(&b->payload.new_functions));
	json_object_set_new(o, "new_data", names_and_sizes(&b->payload.new_data));
	json_object_set_new(o, "imports", imports(b));
	json_object_set_new(o, "skipped", strings((const char *const *)b->skipped.v));
	json_object_set_new(o, "warnings", strings((const char *const *)b->warnings.v));
	if (err && err->code) {
		json_object_set_new(o, "error", json_string(err->msg));
		json_object_set_new(o, "reason", json_string(err->reason));
	}
	return o;
}
