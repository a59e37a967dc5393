// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

enum { BLOCK = 64 << 10 };

struct scan_pool_block {
	struct scan_pool_block *next;
	_Alignas(16) char data[];
};

int scan_pool_count(struct scan_pool *p, size_t n, struct sut_err *err)
{
	if (n > SUT_SCAN_KEPT_MAX - p->total)
		return scan_big(err,
				"holds more than can be kept in memory while it is read (%d MiB): "
				"divide it, or scan with fewer definitions",
				SUT_SCAN_KEPT_MAX >> 20);
	p->total += n;
	return 0;
}

int scan_pool_alloc(struct scan_pool *p, size_t n, void *ret, struct sut_err *err)
{
	struct scan_pool_block *b;
	size_t size;
	int r;

	n = (n + 15) & ~(size_t)15;
	if (!p->blocks || n > p->room - p->used) {
		size = n > BLOCK ? n : BLOCK;
		r = scan_pool_count(p, size, err);
		if (r < 0)
			return r;
		b = malloc(sizeof(*b) + size);
		if (!b)
			return sut_err_oom(err);
		b->next = p->blocks;
		p->blocks = b;
		p->used = 0;
		p->room = size;
	}
	*(void **)ret = p->blocks->data + p->used;
	p->used += n;
	return 0;
}

void scan_pool_release(struct scan_pool *p)
{
	while (p->blocks) {
		struct scan_pool_block *next = p->blocks->next;

		free(p->blocks);
		p->blocks = next;
	}
	*p = (struct scan_pool){0};
}
