/* SPDX-License-Identifier: Apache-2.0 */
/* The steps a virtual machine went through, as it reported them (init.sh). */
#ifndef SUTURE_BUILDER_TRY_STEP_H
#define SUTURE_BUILDER_TRY_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SUT_STEPS_MAX = 256, SUT_STEP_NAME_MAX = 48 };

struct sut_step {
	char name[SUT_STEP_NAME_MAX];
	int status;	    /* exit status; -1 when it did not end */
	const char *output; /* into the text that was parsed; not NUL-terminated */
	size_t len;
};

struct sut_steps {
	size_t n;
	bool ready, done;
	struct sut_step v[SUT_STEPS_MAX];
};

/*
 * Reads what came over the result channel; word is the word of this boot.
 * A channel that ends in the middle gives the steps up to there, the last one
 * with status -1. -EBADMSG when the frames do not fit each other.
 */
int sut_steps_parse(const char *text, size_t len, const char *word, struct sut_steps *ret,
		    struct sut_err *err) _must_check_;

/* NULL when there is no such step; of several, the last one. */
const struct sut_step *sut_steps_find(const struct sut_steps *s, const char *name);

#endif
