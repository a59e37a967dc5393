/* SPDX-License-Identifier: Apache-2.0 */
/* Finding for each part of the patched object its twin in the original one. */
#ifndef SUTURE_BUILDER_CORRELATE_H
#define SUTURE_BUILDER_CORRELATE_H

#include "diff/diff.h"

/* Fills d->twin and d->twin_back. */
int sut_correlate(struct sut_diff *d, struct sut_err *err) _must_check_;

#endif
