/* SPDX-License-Identifier: Apache-2.0 */
/* What the build of a kernel patch made, for people, for programs, and for the patch file itself. */
#ifndef SUTURE_BUILDER_KERNEL_REPORT_H
#define SUTURE_BUILDER_KERNEL_REPORT_H

#include <jansson.h>

#include "kernel/build.h"

/* manifest.json of the patch (docs/formats/patch.md), without its "members". NULL: no memory. */
json_t *sut_kernel_report_manifest(const struct sut_profile *p, const struct sut_build *b,
				   const struct sut_request *q, int64_t created);

/* report.txt: for the auditor. Functions, why they changed, what the payload refers to. */
int sut_kernel_report_text(const struct sut_profile *p, const struct sut_build *b,
			   struct sut_buf *out) _must_check_;

/* The object printed with --json; outcome: "built", "refused", "proof-failed", "error". NULL: no memory. */
json_t *sut_kernel_report_json(const struct sut_profile *p, const struct sut_build *b,
			       const char *outcome, const struct sut_err *err);

#endif
