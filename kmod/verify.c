// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/unaligned.h>

#include "result.h"
#include "switch.h"
#include "symbol.h"
#include "verify.h"

unsigned long suture_run_addr(const struct suture_table *t, u64 link_addr)
{
	return (unsigned long)&_printk + (unsigned long)(link_addr - t->head->anchor_addr);
}

static int suture_mismatch(struct suture_result *res, u32 outcome, const char *name, u32 off,
			   u8 expected, u8 found)
{
	res->offset = off;
	res->expected = expected;
	res->found = found;
	return suture_fail(res, outcome, name);
}

/* len bytes from one place of a function on. */
static int suture_compare(struct suture_result *res, const char *name, u32 off, const u8 *expected,
			  const u8 *found, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (expected[i] != found[i])
			return suture_mismatch(res, SUTURE_E_MISMATCH, name, off + i, expected[i],
					       found[i]);
	res->compared += len;
	return 0;
}

static int suture_verify_bytes(const struct suture_table *t, u32 index, unsigned long addr,
			       const struct suture_site *site, struct suture_result *res)
{
	const struct suture_expect_func *f = &t->funcs[index];
	const u8 *expected = suture_table_expected(t, index), *mask = suture_table_mask(t, index);
	const char *name = suture_table_name(t, index);
	unsigned long slide = suture_run_addr(t, 0);
	bool jump = site && suture_redirect_is_jump(site->redirect);
	u8 found[8], wanted[8];
	u32 i, k, width;
	int r;

	for (i = 0; i < f->size; i += width) {
		width = mask[i] == SUTURE_MASK_ABS64 ? 8 : mask[i] == SUTURE_MASK_ABS32 ? 4 : 1;
		if (mask[i] == SUTURE_MASK_IGNORE) {
			res->ignored++;
			continue;
		}
		memcpy(wanted, expected + i, width);
		if (width == 4)
			put_unaligned_le32(get_unaligned_le32(expected + i) + (u32)slide, wanted);
		else if (width == 8)
			put_unaligned_le64(get_unaligned_le64(expected + i) + slide, wanted);
		for (k = 0; k < width; k++) {
			found[k] = READ_ONCE(*(const u8 *)(addr + i + k));
			if (jump && i + k - site->off < SUTURE_JUMP_SIZE) {
				u8 ours = site->jump[i + k - site->off];

				if (found[k] != ours)
					return suture_mismatch(res, SUTURE_E_CHANGED, name, i + k,
							       ours, found[k]);
				found[k] = site->orig[i + k - site->off];
			}
		}
		r = suture_compare(res, name, i, wanted, found, width);
		if (r)
			return r;
	}
	return 0;
}

int suture_verify(const struct suture_table *t, const struct suture_set *cur,
		  struct suture_result *res)
{
	u32 i;

	lockdep_assert_held(&suture_mutex);
	res->compared = 0;
	res->ignored = 0;
	res->nfuncs = 0;
	if (memcmp(t->head->build_id, suture_build_id(), SUTURE_BUILD_ID_LEN))
		return suture_fail(res, SUTURE_E_BUILD_ID, NULL);

	for (i = 0; i < t->head->nfuncs; i++) {
		const struct suture_expect_func *f = &t->funcs[i];
		const char *name = suture_table_name(t, i);
		unsigned long addr = suture_run_addr(t, f->addr), size;
		int r;

		if (!suture_kernel_text(addr, f->size) || !suture_symbol_is(addr, name, &size) ||
		    f->size > size)
			return suture_fail(res, SUTURE_E_SYMBOL, name);
		r = suture_verify_bytes(t, i, addr, suture_set_find(cur, addr), res);
		if (r)
			return r;
		res->nfuncs++;
		cond_resched();
	}
	return suture_fail(res, SUTURE_OK, NULL);
}
