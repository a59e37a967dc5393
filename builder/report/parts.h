/* SPDX-License-Identifier: Apache-2.0 */
/* What the manifests and reports of kernel patches and of library patches have alike. JSON that was made is the caller's; NULL: no memory. */
#ifndef SUTURE_BUILDER_REPORT_PARTS_H
#define SUTURE_BUILDER_REPORT_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fixset/fixset.h"

/* "0xffffffff81000000" */
json_t *sut_report_address(uint64_t address);
/* l ends with NULL; may be NULL. */
json_t *sut_report_strings(const char *const *l);
/* Of "NAME SIZE": a list of {"name", "size"}. */
json_t *sut_report_sizes(const struct sut_strv *l);
/* The member "fixes" of a manifest. */
json_t *sut_report_fixes(const struct sut_fixset *f);

/* A function that is replaced. */
struct sut_report_function {
	const char *name, *source, *redirect, *why;
	uint64_t address, size, new_size;
	const char *child; /* its part that is elsewhere (".cold"); NULL: none */
	uint64_t child_address, child_size;
};

json_t *sut_report_function(const struct sut_report_function *f, bool with_why);
/* The same for report.txt; note: whole lines that come behind the first two, or "". */
int sut_report_function_text(const struct sut_report_function *f, const char *note,
			     struct sut_buf *out) _must_check_;
/* A title, and a line of each string and what comes behind it; nothing for an empty list. */
int sut_report_list_text(const char *title, const struct sut_strv *l, const char *after,
			 struct sut_buf *out) _must_check_;

/*
 * manifest.json (docs/formats/patch.md) without "members". Takes target and object over, also when it fails; abi: of the engine;
 * created: seconds since the epoch.
 */
json_t *sut_report_manifest(const char *id, uint32_t level, int64_t created, json_t *target,
			    int abi, const char *const *cves, const struct sut_fixset *fixes,
			    json_t *object, const char *const *busy);

/* Adds "seconds": those of each step by its name, and "total". */
int sut_report_seconds(json_t *o, const char *const *names, const double *seconds,
		       size_t n) _must_check_;
/* Adds "error" and "reason" when err is one; may be NULL. */
int sut_report_error_of(json_t *o, const struct sut_err *err) _must_check_;

#endif
