/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of expected bytes (layout: uapi/suture.h), checked and made accessible. */
#ifndef SUTURE_TABLE_H
#define SUTURE_TABLE_H

#include <linux/types.h>

#include "uapi/suture.h"

#define SUTURE_JUMP_SIZE 5 /* bytes a redirect overwrites */

struct suture_table {
	const struct suture_expect_header *head;
	const struct suture_expect_func *funcs;
	const u8 *bytes;
	const char *strings;
};

/*
 * Checks every offset, size, name, flag and mask of the table; afterwards the
 * accessors below stay within it for each index below head->nfuncs.
 * data: 8-byte aligned, not changing any more; *ret points into it.
 * Returns 0, -EINVAL or -ENOMEM. May sleep.
 */
int suture_table_parse(const void *data, u32 size, struct suture_table *ret);

static inline const char *suture_table_name(const struct suture_table *t, u32 i)
{
	return t->strings + t->funcs[i].name_off;
}

static inline const u8 *suture_table_expected(const struct suture_table *t, u32 i)
{
	return t->bytes + t->funcs[i].bytes_off;
}

static inline const u8 *suture_table_mask(const struct suture_table *t, u32 i)
{
	return t->bytes + t->funcs[i].bytes_off + t->funcs[i].size;
}

static inline bool suture_redirect_is_jump(u32 redirect)
{
	return redirect == SUTURE_REDIRECT_JUMP_FENTRY || redirect == SUTURE_REDIRECT_JUMP_ENTRY;
}

int suture_selftest_table(void);

#endif
