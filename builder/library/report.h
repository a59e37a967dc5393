/* SPDX-License-Identifier: Apache-2.0 */
/* What the build of a library's patch made, for people, for programs, and for the patch file itself. */
#ifndef SUTURE_BUILDER_LIBRARY_REPORT_H
#define SUTURE_BUILDER_LIBRARY_REPORT_H

#include <jansson.h>

#include "library/build.h"

/* manifest.json of the patch (docs/formats/library.md), without its "members". NULL: no memory. */
json_t *sut_lib_report_manifest(const struct sut_lib_profile *p, const struct sut_lib_build *b,
				const struct sut_request *q, int64_t created);

/* report.txt: for the auditor. */
int sut_lib_report_text(const struct sut_lib_profile *p, const struct sut_lib_build *b,
			struct sut_buf *out) _must_check_;

/* The object printed with --json; outcome: "built", "refused", "proof-failed", "error". NULL: no memory. */
json_t *sut_lib_report_json(const struct sut_lib_profile *p, const struct sut_lib_build *b,
			    const char *outcome, const struct sut_err *err);

#endif
