/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of a kernel module's .modinfo section. */
#ifndef SUTURE_BUILDER_MODINFO_H
#define SUTURE_BUILDER_MODINFO_H

#include <stddef.h>

#include "base/err.h"

/* The value of "tag=value" in a .ko file's bytes; points into data. NULL when
 * data is no ELF file with such a tag. Pure function. */
const char *sut_modinfo_get(const void *data, size_t len, const char *tag);

/* vermagic of any module under dir (.ko, or compressed). */
int sut_modinfo_vermagic(const char *dir, char **ret, struct sut_err *err) _must_check_;

#endif
