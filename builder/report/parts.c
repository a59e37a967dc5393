// SPDX-License-Identifier: Apache-2.0
#include "report/parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/sha256.h"

json_t *sut_report_address(uint64_t address)
{
	char s[24];

	snprintf(s, sizeof(s), "0x%llx", (unsigned long long)address);
	return json_string(s);
}

json_t *sut_report_strings(const char *const *l)
{
	json_t *a = json_array();

	for (; l && *l; l++)
		json_array_append_new(a, json_string(*l));
	return a;
}

json_t *sut_report_sizes(const struct sut_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const char *sp = strrchr(l->v[i], ' '); /* names of C++ have some, too */

		json_array_append_new(a, json_pack("{s:s% s:I}", "name", l->v[i],
						   (size_t)(sp - l->v[i]), "size",
						   (json_int_t)strtoull(sp, NULL, 10)));
	}
	return a;
}

json_t *sut_report_fixes(const struct sut_fixset *f)
{
	json_t *a = json_array();

	for (size_t i = 0; i < f->fixes.n; i++) {
		const struct sut_buf *t = &f->texts[i];
		_cleanup_strv_ struct sut_strv files = {0};
		char name[32], sha[SUT_SHA256_HEX];

		snprintf(name, sizeof(name), "fix-%zu.patch", i + 1);
		sut_sha256_hex(t->data, t->len, sha);
		if (sut_fix_files(sut_buf_str(t), t->len, &files, NULL) < 0)
			continue; /* it was read before */
		json_array_append_new(
			a, json_pack("{s:s s:s s:o}", "member", name, "sha256", sha, "files",
				     sut_report_strings((const char *const *)files.v)));
	}
	return a;
}

json_t *sut_report_function(const struct sut_report_function *f, bool with_why)
{
	json_t *children = json_array(), *o;

	if (f->child)
		json_array_append_new(children,
				      json_pack("{s:s s:o s:I}", "name", f->child, "address",
						sut_report_address(f->child_address), "size",
						(json_int_t)f->child_size));
	o = json_pack("{s:s s:s s:o s:I s:I s:s s:o}", "name", f->name, "source", f->source,
		      "address", sut_report_address(f->address), "size", (json_int_t)f->size,
		      "new_size", (json_int_t)f->new_size, "redirect", f->redirect, "children",
		      children);
	if (with_why)
		json_object_set_new(o, "why", json_string(f->why));
	return o;
}

int sut_report_function_text(const struct sut_report_function *f, const char *note,
			     struct sut_buf *out)
{
	int r = sut_buf_addf(
		out, "  %s (%s)\n    at 0x%llx, %llu bytes, now %llu; redirected by %s\n%s",
		f->name, f->source, (unsigned long long)f->address, (unsigned long long)f->size,
		(unsigned long long)f->new_size, f->redirect, note);

	if (!r && *f->why)
		r = sut_buf_addf(out, "    first difference: %s\n", f->why);
	if (!r && f->child)
		r = sut_buf_addf(out, "    with %s at 0x%llx, %llu bytes\n", f->child,
				 (unsigned long long)f->child_address,
				 (unsigned long long)f->child_size);
	return r;
}

int sut_report_list_text(const char *title, const struct sut_strv *l, const char *after,
			 struct sut_buf *out)
{
	int r = l->n ? sut_buf_addf(out, "\n%s\n", title) : 0;

	for (size_t i = 0; !r && i < l->n; i++)
		r = sut_buf_addf(out, "  %s%s\n", l->v[i], after);
	return r;
}

json_t *sut_report_manifest(const char *id, uint32_t level, int64_t created, json_t *target,
			    int abi, const char *const *cves, const struct sut_fixset *fixes,
			    json_t *object, const char *const *busy)
{
	time_t t = (time_t)created;
	char when[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s s:i s:s s:i s:s s:s s:o s:{s:i} s:o s:o s:[o] s:o}", "format",
			 "suture-patch", "version", 1, "id", id, "level", (int)level, "created",
			 when, "generator", "suture-build " SUTURE_VERSION, "target", target,
			 "engine", "abi", abi, "cves", sut_report_strings(cves), "fixes",
			 sut_report_fixes(fixes), "objects", object, "busy",
			 sut_report_strings(busy));
}

int sut_report_seconds(json_t *o, const char *const *names, const double *seconds, size_t n)
{
	json_t *t = json_object();
	double total = 0;

	for (size_t i = 0; i < n; i++) {
		json_object_set_new(t, names[i], json_real(seconds[i]));
		total += seconds[i];
	}
	json_object_set_new(t, "total", json_real(total));
	return json_object_set_new(o, "seconds", t) < 0 ? -ENOMEM : 0;
}

int sut_report_error_of(json_t *o, const struct sut_err *err)
{
	if (!err || !err->code)
		return 0;
	return json_object_set_new(o, "error", json_string(err->msg)) < 0 ||
			       json_object_set_new(o, "reason", json_string(err->reason)) < 0
		       ? -ENOMEM
		       : 0;
}
