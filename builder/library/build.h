/* SPDX-License-Identifier: Apache-2.0 */
/* Building a patch of a library or executable: from source fixes and a target to the payload, with proof. */
#ifndef SUTURE_BUILDER_LIBRARY_BUILD_H
#define SUTURE_BUILDER_LIBRARY_BUILD_H

#include "front/request.h"
#include "library/payload.h"

enum sut_lib_step {
	SUT_LIB_STEP_APPLY,
	SUT_LIB_STEP_COMPILE,
	SUT_LIB_STEP_DIFF,
	SUT_LIB_STEP_PAYLOAD,
	SUT_LIB_STEPS,
};

extern const char *const sut_lib_step_name[SUT_LIB_STEPS];

/* How much of an object's code came out as recorded. */
struct sut_lib_sameness {
	size_t functions, same;
	double compile_seconds[2]; /* original, patched */
};

struct sut_lib_build {
	struct sut_fixset fixset;
	struct sut_strv skipped; /* files of the fix that are not part of this library */
	struct sut_strv warnings;
	struct sut_lib_unit *units;
	struct sut_lib_sameness *same; /* per unit */
	size_t nunits;
	struct sut_refusals refusals; /* not empty: nothing was built */
	struct sut_lib_payload payload;
	char id[SUT_REQUEST_ID_MAX];
	double seconds[SUT_LIB_STEPS];
};

/*
 * Returns 0 when the payload was built, or when refusals tell why not.
 * -EKEYREJECTED: something that the patch needs is not proven. Release the result in every case.
 */
int sut_lib_build(const struct sut_lib_profile *p, const struct sut_request *q,
		  struct sut_lib_build *b, struct sut_err *err) _must_check_;
void sut_lib_build_release(struct sut_lib_build *b);

#endif
