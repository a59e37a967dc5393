/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader and the writer of a library patch's payload both hold to be well formed. */
#ifndef SUTURE_PATCH_LIBRARY_CHECK_H
#define SUTURE_PATCH_LIBRARY_CHECK_H

#include "patch/library.h"

/* What is wrong, as one sentence without its beginning and end. */
struct sut_library_fault {
	char text[SUT_LIBRARY_NAME_MAX + 192];
};

/* Always false, so that a check can end with it. */
bool sut_library_wrong(struct sut_library_fault *f, const char *fmt, ...) _printf_(2, 3);

bool sut_library_is_zero(const void *data, size_t len);

/* Everything that the header promises, of lists that are sorted. 1 good, 0 not (then *f says why), -ENOMEM. */
int sut_library_check(const struct sut_library *l, struct sut_library_fault *f) _must_check_;

#endif
