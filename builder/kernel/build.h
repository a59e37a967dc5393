/* SPDX-License-Identifier: Apache-2.0 */
/* Building a kernel patch: from source fixes and a target to the payload, with proof. */
#ifndef SUTURE_BUILDER_BUILD_H
#define SUTURE_BUILDER_BUILD_H

#include "compile/compile.h"
#include "front/request.h"
#include "kernel/payload.h"

enum sut_step {
	SUT_STEP_APPLY,
	SUT_STEP_COMPILE,
	SUT_STEP_PROVE,
	SUT_STEP_DIFF,
	SUT_STEP_PAYLOAD,
	SUT_STEPS,
};

extern const char *const sut_step_name[SUT_STEPS];

struct sut_build;

/* One source file on its way. */
struct sut_build_unit {
	struct sut_object *orig, *patched;
	struct sut_unit *exact;
	struct sut_atoms *exact_atoms, *orig_atoms, *patched_atoms;
	struct sut_diff *diff;
	double compile_seconds[3]; /* exact, original, patched */
	/* For the callbacks of the selection. */
	const struct sut_profile *profile;
	const struct sut_build *build;
	struct sut_buf text; /* the patched source, as the fix left it */
};

struct sut_build {
	struct sut_fixset fixset;
	struct sut_build_unit *units;
	struct sut_payload_unit *payload_units; /* one more than units: the init code */
	size_t nunits;
	struct sut_build_unit init;
	struct sut_refusals refusals; /* not empty: nothing was built */
	struct sut_payload_result payload;
	char id[SUT_REQUEST_ID_MAX], module[56];
	char *cves; /* space-separated */
	double seconds[SUT_STEPS];
};

/*
 * Returns 0 when the payload was built, or when refusals tell why not.
 * -EKEYREJECTED: the proof failed. Release the result in every case.
 */
int sut_build_kernel(const struct sut_profile *p, const struct sut_request *q, struct sut_build *b,
		     struct sut_err *err) _must_check_;
void sut_build_release(struct sut_build *b);

#endif
