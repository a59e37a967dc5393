/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of the types a source file defines, before and after the fix.
 *
 * Objects that exist already have the old layout, and code that is not
 * replaced expects it: a struct or union whose layout changes cannot be
 * patched live. Both objects carry BTF (gcc -gbtf).
 */
#ifndef SUTURE_BUILDER_TYPES_H
#define SUTURE_BUILDER_TYPES_H

#include "elf/object.h"
#include "report/refusal.h"

/* Adds a refusal "type-change" for each struct, union, typedef or variable whose layout
 * differs, and for each enum of which an enumerator has another value.
 * -EBADMSG when an object has no readable .BTF section. */
int sut_types_compare(const struct sut_object *orig, const struct sut_object *patched,
		      const char *source, unsigned int (*line_of)(void *ctx, const char *name),
		      void *ctx, struct sut_refusals *refusals, struct sut_err *err) _must_check_;

#endif
