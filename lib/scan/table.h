/* SPDX-License-Identifier: Apache-2.0 */
/* Findings by their id, in a pool. */
#ifndef SUTURE_SCAN_TABLE_H
#define SUTURE_SCAN_TABLE_H

#include "internal.h"

struct scan_table {
	struct scan_kept **slots;
	size_t cap, n;
	uint32_t seed;
};

/* NULL: not there. */
struct scan_kept *scan_table_find(const struct scan_table *t, const char *id);
/* Adds it, or returns the one that is there. */
int scan_table_add(struct scan_table *t, struct scan_pool *p, const struct scan_found *f,
		   struct scan_kept **ret, struct sut_err *err);
void scan_table_release(struct scan_table *t);

#endif
