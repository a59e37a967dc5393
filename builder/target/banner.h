/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc/version, as the kernel was linked with it. */
#ifndef SUTURE_BUILDER_BANNER_H
#define SUTURE_BUILDER_BANNER_H

#include <stdbool.h>

#include "target/profile.h"

/* linux_banner without its newline into ret. false when the image has none, or an odd one. */
bool sut_profile_banner(const struct sut_profile *p, char *ret, size_t size);

#endif
