// SPDX-License-Identifier: Apache-2.0
#include "report/report.h"

#include <string.h>
#include <time.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "patch/manifest.h"
#include "target/banner.h"
#include "uapi/suture.h"

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
		const char *sp = strchr(l->v[i], ' ');

		json_array_append_new(a, json_pack("{s:s% s:I}", "name", l->v[i],
						   (size_t)(sp - l->v[i]), "size",
						   (json_int_t)strtoull(sp, NULL, 10)));
	}
	return a;
}

static json_t *functions(const struct sut_build *b, bool with_why)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nreplaced; i++) {
		const struct sut_replaced *v = &b->payload.replaced[i];
		json_t *children = json_array();
		json_t *f;

		if (v->child_size)
			json_array_append_new(children,
					      json_pack("{s:s s:o s:I}", "name", v->child_name,
							"address", hex_address(v->child_addr),
							"size", (json_int_t)v->child_size));
		f = json_pack("{s:s s:s s:o s:I s:I s:s s:o}", "name", v->name, "source", v->source,
			      "address", hex_address(v->addr), "size", (json_int_t)v->size,
			      "new_size", (json_int_t)v->new_size, "redirect",
			      sut_redirect_name(v->redirect), "children", children);
		if (with_why)
			json_object_set_new(f, "why", json_string(v->why));
		json_array_append_new(a, f);
	}
	return a;
}

static json_t *anchors(const struct sut_build *b)
{
	json_t *a = json_array();

	for (size_t i = 0; i < b->payload.nanchored; i++)
		json_array_append_new(a, json_pack("{s:s s:o s:s}", "symbol",
						   b->payload.anchored[i].name, "address",
						   hex_address(b->payload.anchored[i].addr), "via",
						   "_printk"));
	return a;
}

static json_t *fixes(const struct sut_build *b)
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

json_t *sut_report_manifest(const struct sut_profile *p, const struct sut_build *b, uint32_t level,
			    const char *const *cves, const char *const *busy, int64_t created)
{
	char when[32], id[2 * SUT_BUILD_ID_LEN + 1], banner[SUT_MANIFEST_BANNER_MAX + 1];
	time_t t = (time_t)created;
	struct tm tm;
	json_t *object;
	bool has_banner = sut_profile_banner(p, banner, sizeof(banner));

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	sut_hex(p->build_id, sizeof(p->build_id), id);
	object = json_pack("{s:s s:s s:s s:s s:b s:o s:o s:o s:o}", "object", "vmlinux", "payload",
			   "vmlinux.ko", "module", b->module, "expect", "vmlinux.expect", "keep",
			   b->payload.keep, "functions", functions(b, false), "new_functions",
			   names_and_sizes(&b->payload.new_functions), "new_data",
			   names_and_sizes(&b->payload.new_data), "anchors", anchors(b));
	return json_pack(
		"{s:s s:i s:s s:i s:s s:s s:{s:s s:s s:s s:s s:s s:s s:s s:s*} s:{s:i} s:o s:o "
		"s:[o] "
		"s:o}",
		"format", "suture-patch", "version", 1, "id", b->id, "level", (int)level, "created",
		when, "generator", "suture-build " SUTURE_VERSION, "target", "kind", "kernel",
		"name", p->name, "arch", p->arch, "release", p->release, "package", p->package,
		"package_version", p->package_version, "build_id", id, "banner",
		has_banner ? banner : NULL, "engine", "abi", SUTURE_ABI, "cves", strings(cves),
		"fixes", fixes(b), "objects", object, "busy", strings(busy));
}

int sut_report_text(const struct sut_profile *p, const struct sut_build *b, struct sut_buf *out)
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
		const struct sut_replaced *v = &b->payload.replaced[i];

		r = sut_buf_addf(
			out, "  %s (%s)\n    at 0x%llx, %llu bytes, now %llu; redirected by %s\n",
			v->name, v->source, (unsigned long long)v->addr,
			(unsigned long long)v->size, (unsigned long long)v->new_size,
			sut_redirect_name(v->redirect));
		if (!r && *v->why)
			r = sut_buf_addf(out, "    first difference: %s\n", v->why);
		if (!r && v->child_size)
			r = sut_buf_addf(out, "    with %s at 0x%llx, %llu bytes\n", v->child_name,
					 (unsigned long long)v->child_addr,
					 (unsigned long long)v->child_size);
	}
	for (size_t i = 0; !r && i < b->payload.new_functions.n; i++)
		r = sut_buf_addf(out, "%s  %s bytes\n", i ? "" : "\nNew functions:\n",
				 b->payload.new_functions.v[i]);
	for (size_t i = 0; !r && i < b->payload.new_data.n; i++)
		r = sut_buf_addf(out, "%s  %s bytes\n", i ? "" : "\nNew data:\n",
				 b->payload.new_data.v[i]);
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

json_t *sut_report_json(const struct sut_profile *p, const struct sut_build *b, const char *outcome,
			const struct sut_err *err)
{
	json_t *o = json_pack("{s:s s:s s:s s:o s:o}", "outcome", outcome, "target", p->name, "id",
			      b->id, "functions", functions(b, true), "refusals",
			      sut_refusals_json(&b->refusals));
	json_t *t = json_object(), *c = json_array(), *proof = json_array();
	double total = 0;

	for (int i = 0; i < SUT_STEPS; i++) {
		json_object_set_new(t, sut_step_name[i], json_real(b->seconds[i]));
		total += b->seconds[i];
	}
	json_object_set_new(t, "total", json_real(total));
	json_object_set_new(o, "seconds", t);
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
	json_object_set_new(o, "new_functions", names_and_sizes(&b->payload.new_functions));
	json_object_set_new(o, "new_data", names_and_sizes(&b->payload.new_data));
	if (err && err->code) {
		json_object_set_new(o, "error", json_string(err->msg));
		json_object_set_new(o, "reason", json_string(err->reason));
	}
	return o;
}
