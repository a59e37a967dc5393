// SPDX-License-Identifier: Apache-2.0
#include "change/jump.h"

#include <errno.h>
#include <string.h>

enum { ISLAND_LEN = 5 };

int jump_look(const struct proc *p, const struct record_place *q, enum jump_state *ret)
{
	uint8_t is[5], island[ISLAND_LEN];
	int r = proc_read(p, q->addr, is, q->len);

	if (r < 0)
		return r;
	if (!memcmp(is, q->original, q->len)) {
		*ret = JUMP_ORIGINAL;
		return 0;
	}
	*ret = JUMP_OTHER;
	if (is[0] == q->original[0] && is[0] != q->jump[0] &&
	    !memcmp(is + 1, q->jump + 1, q->len - 1))
		*ret = JUMP_BROKEN;
	if (memcmp(is, q->jump, q->len))
		return 0;
	if (q->island) {
		r = proc_read(p, q->island, island, sizeof(island));
		if (r < 0)
			return r;
		if (memcmp(island, q->island_jump, sizeof(island)))
			return 0;
	}
	*ret = JUMP_THERE;
	return 0;
}

bool jump_island_left(const struct proc *p, const struct record_place *q)
{
	uint8_t is[5], island[ISLAND_LEN];

	return q->island && proc_read(p, q->addr, is, q->len) == 0 &&
	       !memcmp(is, q->original, q->len) &&
	       proc_read(p, q->island, island, sizeof(island)) == 0 &&
	       !memcmp(island, q->island_jump, sizeof(island));
}

/*
 * In one store where the bytes lie within an aligned word: then also a task that shares the memory, and was not found, sees all of it or
 * nothing.
 */
static int store(struct proc *p, uint64_t addr, const uint8_t *bytes, size_t len,
		 struct sut_err *err)
{
	uint64_t word = addr & ~UINT64_C(7);
	uint8_t whole[8];

	if (addr - word + len > sizeof(whole) || proc_read(p, word, whole, sizeof(whole)) < 0)
		return proc_write(p, addr, bytes, len, err);
	memcpy(whole + (addr - word), bytes, len);
	return proc_write(p, word, whole, sizeof(whole), err);
}

int jump_put(struct proc *p, const struct record_place *q, struct sut_err *err)
{
	int r = 0;

	if (q->island)
		r = store(p, q->island, q->island_jump, ISLAND_LEN, err);
	return r < 0 ? r : store(p, q->addr, q->jump, q->len, err);
}

int jump_take(struct proc *p, const struct record_place *q, struct sut_err *err)
{
	int r = store(p, q->addr, q->original, q->len, err);

	if (r < 0 || !q->island)
		return r;
	return store(p, q->island, q->island_original, ISLAND_LEN, err);
}

int jump_change(struct proc *p, const struct record_place *from, const struct record_place *to,
		struct sut_err *err)
{
	int r;

	if (from->addr == to->addr && from->len == to->len && from->island == to->island)
		return to->island ? store(p, to->island, to->island_jump, ISLAND_LEN, err)
				  : store(p, to->addr, to->jump, to->len, err);
	r = jump_take(p, from, err);
	return r < 0 ? r : jump_put(p, to, err);
}

bool jump_in_the_way(const struct record_place *q, uint64_t pc)
{
	/* At its beginning it has not done anything of it; at an island's beginning it has come from the jump. */
	return (pc > q->addr && pc - q->addr < 5) ||
	       (q->island && pc >= q->island && pc - q->island < ISLAND_LEN);
}
