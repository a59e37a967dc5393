// SPDX-License-Identifier: Apache-2.0
#include "change/contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change/pages.h"

/* Terabytes that are only reserved (sanitizers, managed heaps) take minutes to look through. */
#define MAPPING_MAX (UINT64_C(8) << 30)

enum { CHUNK = 1 << 16, TAIL = REGS_CONTEXT_WORDS * 8 };

static bool plausible(const struct proc *p, const uint64_t *words, struct regs_context *ret)
{
	const struct proc_map *m;

	if (!regs_context(words, ret))
		return false;
	m = proc_map_at(p, regs_pc(&ret->regs));
	return m && m->x;
}

struct finder {
	const struct proc *p;
	struct contexts *c;
	uint64_t words[CHUNK / 8 + REGS_CONTEXT_WORDS];
};

static int look(void *ctx, uint64_t start, uint64_t end)
{
	struct finder *f = ctx;

	for (uint64_t at = start; at < end; at += CHUNK) {
		uint64_t len = end - at < CHUNK ? end - at : CHUNK;

		/* One may begin here and end behind. */
		if (proc_read(f->p, at, f->words, len + TAIL) < 0) {
			memset(f->words, 0, sizeof(f->words));
			if (proc_read(f->p, at, f->words, len) < 0)
				continue;
		}
		for (size_t i = 0; i < len / 8; i++) {
			struct regs_context c;

			if (!plausible(f->p, f->words + i, &c))
				continue;
			if (f->c->n == CONTEXTS_MAX)
				return 0;
			if (f->c->n == f->c->cap) {
				size_t cap = f->c->cap ? f->c->cap * 2 : 64;
				uint64_t *v = reallocarray(f->c->at, cap, sizeof(*v));

				if (!v)
					return -ENOMEM;
				f->c->at = v;
				f->c->cap = cap;
			}
			f->c->at[f->c->n++] = at + i * 8;
		}
	}
	return 0;
}

int contexts_find(const struct proc *p, struct contexts *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) struct finder *f = calloc(1, sizeof(*f));
	struct contexts c = {0};
	int r = 0;

	if (!f)
		return sut_err_oom(err);
	f->p = p;
	f->c = &c;
	for (size_t i = 0; i < p->nmaps && !r; i++)
		if (p->maps[i].r && p->maps[i].w && !p->maps[i].shared &&
		    p->maps[i].end - p->maps[i].start <= MAPPING_MAX)
			r = pages_each(p, p->maps[i].start, p->maps[i].end, look, f);
	if (r < 0) {
		contexts_release(&c);
		return sut_err_oom(err);
	}
	*ret = c;
	return 0;
}

void contexts_release(struct contexts *c)
{
	free(c->at);
	*c = (struct contexts){0};
}

bool contexts_read(const struct proc *p, uint64_t at, struct regs_context *ret)
{
	uint64_t words[REGS_CONTEXT_WORDS];

	return proc_read(p, at, words, sizeof(words)) == 0 && plausible(p, words, ret);
}
