/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of file means in a fix for a kernel. */
#ifndef SUTURE_BUILDER_KERNEL_KIND_H
#define SUTURE_BUILDER_KERNEL_KIND_H

#include "fixset/fixset.h"

extern const struct sut_fixset_rules sut_kernel_fixset_rules;

#endif
