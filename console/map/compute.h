/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: verdicts of all classes, and what is counted of them. */
#ifndef SUTURE_CONSOLE_MAP_COMPUTE_H
#define SUTURE_CONSOLE_MAP_COMPUTE_H

#include "map/view_internal.h"

/* v has hosts and classes. -ENOMEM. */
int view_compute(struct map_view *v) _must_check_;

#endif
