// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static uint32_t hash(const struct scan_table *t, const char *s)
{
	uint32_t h = 2166136261u ^ t->seed;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h ^ h >> 15;
}

static struct scan_kept **slot(const struct scan_table *t, const char *id, uint32_t h)
{
	size_t i = h & (t->cap - 1);

	while (t->slots[i] && (t->slots[i]->hash != h || strcmp(t->slots[i]->strings, id) != 0))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

struct scan_kept *scan_table_find(const struct scan_table *t, const char *id)
{
	return t->cap ? *slot(t, id, hash(t, id)) : NULL;
}

static int grow(struct scan_table *t, struct scan_pool *p, struct sut_err *err)
{
	struct scan_table more = {.cap = t->cap ? t->cap * 2 : 256, .n = t->n, .seed = t->seed};
	int r;

	/* So that nobody can choose ids that meet in one slot. */
	if (!t->cap && getrandom(&more.seed, sizeof(more.seed), GRND_NONBLOCK) < 0)
		more.seed = 0;
	r = scan_pool_count(p, (more.cap - t->cap) * sizeof(void *), err);
	if (r < 0)
		return r;
	more.slots = calloc(more.cap, sizeof(void *));
	if (!more.slots)
		return sut_err_oom(err);
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i])
			*slot(&more, t->slots[i]->strings, t->slots[i]->hash) = t->slots[i];
	free(t->slots);
	*t = more;
	return 0;
}

int scan_table_add(struct scan_table *t, struct scan_pool *p, const struct scan_found *f,
		   struct scan_kept **ret, struct sut_err *err)
{
	struct scan_kept **at, *k;
	uint32_t h;
	int r;

	if (t->n >= t->cap / 2) {
		r = grow(t, p, err);
		if (r < 0)
			return r;
	}
	h = hash(t, f->id);
	at = slot(t, f->id, h);
	if (!*at) {
		r = scan_keep(p, f, &k, err);
		if (r < 0)
			return r;
		k->hash = h;
		*at = k;
		t->n++;
	}
	*ret = *at;
	return 0;
}

void scan_table_release(struct scan_table *t)
{
	free(t->slots);
	*t = (struct scan_table){0};
}
