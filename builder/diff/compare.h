/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing an atom of the original object with one of the patched object. */
#ifndef SUTURE_BUILDER_COMPARE_H
#define SUTURE_BUILDER_COMPARE_H

#include "diff/diff.h"

/* Same bytes and same meaning of every relocation and record? When not, and
 * why is not NULL, the first difference is described there. */
bool sut_compare_atoms(const struct sut_diff *d, uint32_t orig, uint32_t patched, char *why);

/* Same size, bytes and places of relocations, whatever these refer to? Then
 * the relocations of the two stand for the same things one by one. */
bool sut_compare_shape(const struct sut_diff *d, uint32_t orig, uint32_t patched);

#endif
