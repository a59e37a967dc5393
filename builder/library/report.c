// SPDX-License-Identifier: Apache-2.0
#include "library/report.h"

#include <string.h>

#include "patch/library.h"
#include "report/parts.h"

static struct sut_report_function function_of(const struct sut_lib_replaced *v)
{
	return (struct sut_report_function){.name = v->name,
					    .source = v->source,
					    .redirect = sut_lib_redirect_name(v),
					    .why = v->why,
					    .address = v->vaddr,
					    .size = v->size,
					    .new_size = v->new_size,
					    .child = v->child_name,
					    .child_address = v->child_vaddr,
					    .child_size = v->child_size};
}

static json_t *functions(const struct sut_lib_build *b, bool with_why)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		struct sut_report_function f = function_of(&b->payload.replaced[i]);

		json_array_append_new(a, sut_report_function(&f, with_why));
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

json_t *sut_lib_report_manifest(const struct sut_lib_profile *p, const struct sut_lib_build *b,
				const struct sut_request *q, int64_t created)
{
	char id[2 * SUT_LIB_BUILD_ID_LEN + 1];
	json_t *object, *target;

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
			   sut_report_sizes(&b->payload.new_functions), "new_data",
			   sut_report_sizes(&b->payload.new_data), "imports", imports(b));
	return sut_report_manifest(b->id, q->level, created, target, SUT_LIBRARY_ABI, q->cves,
				   &b->fixset, object, q->busy);
}

static int add_function(const struct sut_lib_replaced *v, struct sut_buf *out)
{
	struct sut_report_function f = function_of(v);
	_cleanup_buf_ struct sut_buf note = SUT_BUF_INIT(1024);
	int r = 0;

	if (v->entry.island)
		r = sut_buf_addf(&note, "    its island is in padding at 0x%llx\n",
				 (unsigned long long)v->entry.island);
	if (!r && v->entry.span > v->size)
		r = sut_buf_addf(&note,
				 "    the jump reaches %llu bytes into the padding behind it\n",
				 (unsigned long long)(v->entry.span - v->size));
	return r < 0 ? r : sut_report_function_text(&f, sut_buf_str(&note), out);
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
		r = sut_report_list_text("New functions:", &l->new_functions, " bytes", out);
	if (!r)
		r = sut_report_list_text("New data:", &l->new_data, " bytes", out);
	for (size_t i = 0; !r && i < l->nimports; i++)
		r = sut_buf_addf(out, "%s  %s%s%s\n", i ? "" : "\nNew imports:\n",
				 l->imports[i].name, *l->imports[i].version ? "@" : "",
				 l->imports[i].version);
	if (!r)
		r = sut_report_list_text("Changed, and not in this file:", &l->absent, "", out);
	if (!r)
		r = sut_report_list_text(
			"Files of the fix that this file is not made from:", &b->skipped, "", out);
	if (!r)
		r = sut_report_list_text("Mind:", &b->warnings, "", out);
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
	json_t *c = json_array();

	if (sut_report_seconds(o, sut_lib_step_name, b->seconds, SUT_LIB_STEPS) < 0) {
		json_decref(o);
		json_decref(c);
		return NULL;
	}
	for (size_t i = 0; i < b->nunits; i++)
		json_array_append_new(c, json_pack("{s:s s:f s:f s:I s:I s:o}", "source",
						   b->units[i].source, "original",
						   b->same[i].compile_seconds[0], "patched",
						   b->same[i].compile_seconds[1], "functions",
						   (json_int_t)b->same[i].functions, "same",
						   (json_int_t)b->same[i].same, "differs",
						   differs(&b->units[i])));
	json_object_set_new(o, "objects", c);
	json_object_set_new(o, "new_functions", sut_report_sizes(&b->payload.new_functions));
	json_object_set_new(o, "new_data", sut_report_sizes(&b->payload.new_data));
	json_object_set_new(o, "imports", imports(b));
	json_object_set_new(o, "skipped", sut_report_strings((const char *const *)b->skipped.v));
	json_object_set_new(o, "warnings", sut_report_strings((const char *const *)b->warnings.v));
	if (sut_report_error_of(o, err) < 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}
