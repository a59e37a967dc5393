/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of a process that hold anything: stacks and heaps are mostly room, and reading that would make it memory. */
#ifndef SUTURE_PROCESS_CHANGE_PAGES_H
#define SUTURE_PROCESS_CHANGE_PAGES_H

#include "look/proc.h"

/* Calls each() for every run of them in [start, end), until it gives something other than 0, which is returned. */
int pages_each(const struct proc *p, uint64_t start, uint64_t end,
	       int (*each)(void *ctx, uint64_t start, uint64_t end), void *ctx);

#endif
