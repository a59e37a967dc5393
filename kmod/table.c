// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "table.h"

/* Function sizes beyond this are a broken table: the largest of 6.1 has less than 64 KiB. */
#define SUTURE_MAX_FUNC_SIZE (1U << 20)

static bool suture_inside(u32 off, u32 len, u32 size)
{
	return off <= size && len <= size - off;
}

/* ABS fields are whole, CONT stands nowhere else. */
static bool suture_mask_valid(const u8 *mask, u32 size)
{
	u32 i = 0;

	while (i < size) {
		u32 width, k;

		switch (mask[i]) {
		case SUTURE_MASK_IGNORE:
		case SUTURE_MASK_EQUAL:
			width = 1;
			break;
		case SUTURE_MASK_ABS32:
			width = 4;
			break;
		case SUTURE_MASK_ABS64:
			width = 8;
			break;
		default:
			return false;
		}
		if (width > size - i)
			return false;
		for (k = 1; k < width; k++)
			if (mask[i + k] != SUTURE_MASK_CONT)
				return false;
		i += width;
	}
	return true;
}

static bool suture_redirect_valid(const struct suture_expect_func *f, const u8 *mask)
{
	u32 k;

	if (!(f->flags & SUTURE_EXPECT_REPLACE))
		return f->redirect == SUTURE_REDIRECT_NONE;
	if (f->redirect == SUTURE_REDIRECT_FTRACE)
		return true;
	if (!suture_redirect_is_jump(f->redirect) ||
	    !suture_inside(f->redirect_off, SUTURE_JUMP_SIZE, f->size))
		return false;
	/*
	 * Bytes that the kernel rewrites must not be under our jump: it would
	 * write over the jump, or find the jump where it expects its own code.
	 */
	for (k = 0; k < SUTURE_JUMP_SIZE; k++)
		if (mask[f->redirect_off + k] == SUTURE_MASK_IGNORE)
			return false;
	return true;
}

static bool suture_func_valid(const struct suture_table *t, const struct suture_expect_func *f)
{
	const struct suture_expect_header *h = t->head;
	unsigned long end;
	const u8 *mask;

	if (f->flags & ~(SUTURE_EXPECT_REPLACE | SUTURE_EXPECT_NOSTACK))
		return false;
	if (!f->size || f->size > SUTURE_MAX_FUNC_SIZE ||
	    !suture_inside(f->bytes_off, 2 * f->size, h->bytes_size) ||
	    check_add_overflow((unsigned long)f->addr, (unsigned long)f->size, &end))
		return false;
	if (f->name_off >= h->strings_size || !t->strings[f->name_off] ||
	    strnlen(t->strings + f->name_off,
		    min_t(u32, h->strings_size - f->name_off, SUTURE_NAME_MAX)) ==
		    min_t(u32, h->strings_size - f->name_off, SUTURE_NAME_MAX))
		return false;
	mask = t->bytes + f->bytes_off + f->size;
	return suture_mask_valid(mask, f->size) && suture_redirect_valid(f, mask);
}

static int suture_index_cmp(const void *a, const void *b, const void *priv)
{
	const struct suture_expect_func *funcs = priv;
	u64 x = funcs[*(const u32 *)a].addr, y = funcs[*(const u32 *)b].addr;

	return x < y ? -1 : x > y;
}

/* Two records about the same bytes would verify, save and write them twice. */
static int suture_funcs_disjoint(const struct suture_table *t)
{
	u32 n = t->head->nfuncs, i;
	u32 *order = kvmalloc_array(n, sizeof(*order), GFP_KERNEL);
	int r = 0;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		order[i] = i;
	sort_r(order, n, sizeof(*order), suture_index_cmp, NULL, t->funcs);
	for (i = 1; i < n; i++) {
		const struct suture_expect_func *before = &t->funcs[order[i - 1]];

		if (t->funcs[order[i]].addr < before->addr + before->size)
			r = -EINVAL;
	}
	kvfree(order);
	return r;
}

int suture_table_parse(const void *data, u32 size, struct suture_table *ret)
{
	const struct suture_expect_header *h = data;
	struct suture_table t;
	u32 i;
	int r;

	BUILD_BUG_ON(sizeof(*h) != 64);
	BUILD_BUG_ON(sizeof(struct suture_expect_func) != 32);

	if (!IS_ALIGNED((unsigned long)data, 8) || size < sizeof(*h) || size > SUTURE_MAX_EXPECT)
		return -EINVAL;
	if (memcmp(h->magic, SUTURE_EXPECT_MAGIC, sizeof(h->magic)) || h->total_size != size ||
	    h->reserved || !h->nfuncs || h->nfuncs > SUTURE_MAX_FUNCS)
		return -EINVAL;
	if (!suture_inside(sizeof(*h), h->nfuncs * sizeof(struct suture_expect_func), size) ||
	    !suture_inside(h->bytes_off, h->bytes_size, size) ||
	    !suture_inside(h->strings_off, h->strings_size, size))
		return -EINVAL;

	t.head = h;
	t.funcs = (const void *)(h + 1);
	t.bytes = (const u8 *)data + h->bytes_off;
	t.strings = (const char *)data + h->strings_off;
	for (i = 0; i < h->nfuncs; i++)
		if (!suture_func_valid(&t, &t.funcs[i]))
			return -EINVAL;
	r = suture_funcs_disjoint(&t);
	if (r)
		return r;
	*ret = t;
	return 0;
}
