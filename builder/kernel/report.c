// SPDX-License-Identifier: Apache-2.0
#include "kernel/report.h"

#include <string.h>

#include "base/str.h"
#include "patch/manifest.h"
#include "report/parts.h"
#include "target/banner.h"
#include "uapi/suture.h"

static struct sut_report_function function_of(const struct sut_replaced *v)
{
	return (struct sut_report_function){.name = v->name,
					    .source = v->source,
					    .redirect = sut_redirect_name(v->redirect),
					    .why = v->why,
					    .address = v->addr,
					    .size = v->size,
					    .new_size = v->new_size,
					    .child = v->child_size ? v->child_name : NULL,
					    .child_address = v->child_addr,
					    .child_size = v->child_size};
}

static json_t *functions(const struct sut_build *b, bool with_why)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		struct sut_report_function f = function_of(&b->payload.replaced[i]);

		json_array_append_new(a, sut_report_function(&f, with_why));
	}
	return a;
}

static json_t *anchors(const struct sut_build *b)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nanchored; i++)
		json_array_append_new(a, json_pack("{s:s s:o s:s}", "symbol",
						   b->payload.anchored[i].name, "address",
						   sut_report_address(b->payload.anchored[i].addr),
						   "via", "_printk"));
	return a;
}

json_t *sut_kernel_report_manifest(const struct sut_profile *p, const struct sut_build *b,
				   const struct sut_request *q, int64_t created)
{
	char id[2 * SUT_BUILD_ID_LEN + 1], banner[SUT_MANIFEST_BANNER_MAX + 1];
	bool has_banner = sut_profile_banner(p, banner, sizeof(banner));
	json_t *object, *target;

	sut_hex(p->build_id, sizeof(p->build_id), id);
	target = json_pack("{s:s s:s s:s s:s s:s s:s s:s s:s*}", "kind", "kernel", "name", p->name,
			   "arch", p->arch, "release", p->release, "package", p->package,
			   "package_version", p->package_version, "build_id", id, "banner",
			   has_banner ? banner : NULL);
	object = json_pack("{s:s s:s s:s s:s s:b s:o s:o s:o s:o}", "object", "vmlinux", "payload",
			   "vmlinux.ko", "module", b->module, "expect", "vmlinux.expect", "keep",
			   b->payload.keep, "functions", functions(b, false), "new_functions",
			   sut_report_sizes(&b->payload.new_functions), "new_data",
			   sut_report_sizes(&b->payload.new_data), "anchors", anchors(b));
	return sut_report_manifest(b->id, q->level, created, target, SUTURE_ABI, q->cves,
				   &b->fixset, object, q->busy);
}

int sut_kernel_report_text(const struct sut_profile *p, const struct sut_build *b,
			   struct sut_buf *out)
{
	int r = sut_buf_addf(out, "Patch %s (%s) for %s, %s %s\n\n", b->id, b->cves, p->name,
			     p->package, p->package_version);

	for (size_t i = 0; !r && i < b->nunits; i++) {
		const struct sut_unit *u = b->units[i].exact;

		r = sut_buf_addf(out,
				 "%s: %zu functions compiled, %zu identical to the shipped image, "
				 "%zu overridden, %zu different, %zu not located\n",
				 b->fixset.files[i].path, u->functions, u->identical, u->overridden,
				 u->different, u->unplaced);
	}
	if (!r)
		r = sut_buf_addstr(out, "\nFunctions replaced:\n");
	for (size_t i = 0; !r && i < b->payload.nreplaced; i++) {
		struct sut_report_function f = function_of(&b->payload.replaced[i]);

		r = sut_report_function_text(&f, "", out);
	}
	if (!r)
		r = sut_report_list_text("New functions:", &b->payload.new_functions, " bytes",
					 out);
	if (!r)
		r = sut_report_list_text("New data:", &b->payload.new_data, " bytes", out);
	for (size_t i = 0; !r && i < b->payload.nanchored; i++)
		r = sut_buf_addf(out, "%s  _printk%+lld  %s (0x%llx)\n",
				 i ? ""
				   : "\nUnexported symbols, reached as _printk plus a constant:\n",
				 (long long)(b->payload.anchored[i].addr - b->payload.anchor_addr),
				 b->payload.anchored[i].name,
				 (unsigned long long)b->payload.anchored[i].addr);
	if (!r && b->payload.keep)
		r = sut_buf_addstr(out,
				   "\nAddresses of new functions are stored: the payload stays "
				   "loaded after it is undone.\n");
	return r;
}

json_t *sut_kernel_report_json(const struct sut_profile *p, const struct sut_build *b,
			       const char *outcome, const struct sut_err *err)
{
	json_t *o = json_pack("{s:s s:s s:s s:o s:o}", "outcome", outcome, "target", p->name, "id",
			      b->id, "functions", functions(b, true), "refusals",
			      sut_refusals_json(&b->refusals));
	json_t *c = json_array(), *proof = json_array();

	if (sut_report_seconds(o, sut_step_name, b->seconds, SUT_STEPS) < 0) {
		json_decref(o);
		json_decref(c);
		json_decref(proof);
		return NULL;
	}
	for (size_t i = 0; i < b->nunits; i++) {
		const struct sut_build_unit *u = &b->units[i];

		json_array_append_new(
			c, json_pack("{s:s s:f s:f s:f}", "source", b->fixset.files[i].path,
				     "exact", u->compile_seconds[0], "original",
				     u->compile_seconds[1], "patched", u->compile_seconds[2]));
		if (u->exact)
			json_array_append_new(
				proof, json_pack("{s:s s:I s:I s:I s:I s:I}", "source",
						 b->fixset.files[i].path, "functions",
						 (json_int_t)u->exact->functions, "identical",
						 (json_int_t)u->exact->identical, "overridden",
						 (json_int_t)u->exact->overridden, "different",
						 (json_int_t)u->exact->different, "unplaced",
						 (json_int_t)u->exact->unplaced));
	}
	json_object_set_new(o, "compile_seconds", c);
	json_object_set_new(o, "proof", proof);
	json_object_set_new(o, "new_functions", sut_report_sizes(&b->payload.new_functions));
	json_object_set_new(o, "new_data", sut_report_sizes(&b->payload.new_data));
	if (sut_report_error_of(o, err) < 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}
