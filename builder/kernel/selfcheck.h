/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the finished payload back, as the loader will, and asking of every
 * reference where it lands. Independent of how the payload was made.
 */
#ifndef SUTURE_BUILDER_SELFCHECK_H
#define SUTURE_BUILDER_SELFCHECK_H

#include <stddef.h>

#include "base/err.h"
#include "target/profile.h"

/*
 * Checks that undefined symbols are exported by the target (or by suture.ko),
 * that anchored calls land on the first byte of a function of the image and
 * anchored data references inside a symbol of it, that calls inside the
 * payload land on a function, that every fentry record is at a call to
 * __fentry__, and that the two ORC tables are in step. -EBADMSG otherwise.
 */
int sut_selfcheck(const struct sut_profile *p, const void *ko, size_t len,
		  struct sut_err *err) _must_check_;

#endif
