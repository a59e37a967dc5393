// SPDX-License-Identifier: Apache-2.0
#include "change/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/str.h"
#include "change/pages.h"
#include "change/regs.h"

enum {
	PAGE = 4096,
	WORDS = 8192,		      /* read at a time */
	STACK_MAX = 64 << 20,	      /* a stack with the thread's data at its end */
	UNKNOWN_STACK_MAX = 16 << 20, /* one that only ends where memory does */
	GROWN_MAX = 1 << 20,
};

struct search {
	const struct threads *t;
	const struct inside_range *ranges;
	size_t nranges;
	uint64_t low, span; /* all ranges lie in [low, low + span) */
	uint32_t *seen;	    /* for each range: number of the last thread that hit it */
	uint32_t round;	    /* number of the thread at hand, from 1 */
	struct inside_hit *hits;
	size_t n, cap;
	uint64_t *words; /* WORDS of them: what was read last */
};

/* The range that holds addr without beginning there; SIZE_MAX. An address of a beginning is a pointer to the function: who calls it
 * comes to the jump. */
static size_t range_at(const struct search *s, uint64_t addr)
{
	size_t lo = 0, hi = s->nranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->ranges[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nranges && s->ranges[lo].start < addr ? lo : SIZE_MAX;
}

static int hit(struct search *s, pid_t tid, uint64_t addr, size_t range, bool certain)
{
	if (s->seen[range] == s->round)
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct inside_hit *v = reallocarray(s->hits, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->hits = v;
		s->cap = cap;
	}
	s->seen[range] = s->round;
	s->hits[s->n++] = (struct inside_hit){
		.tid = tid, .addr = addr, .range = (uint32_t)range, .unwound = certain};
	return 0;
}

static int look_at_words(struct search *s, pid_t tid, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t range;

		if (s->words[i] - s->low >= s->span)
			continue;
		range = range_at(s, s->words[i]);
		if (range != SIZE_MAX && hit(s, tid, s->words[i], range, false) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Whole words from addr on; how many bytes were there. */
static size_t fetch(const struct search *s, pid_t tid, uint64_t addr, size_t len)
{
	struct iovec local = {s->words, len}, remote = {(void *)(uintptr_t)addr, len};
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n < 0 ? 0 : (size_t)n & ~(size_t)7;
}

/* Upwards from addr, at most to limit or to where nothing is mapped. *ret_end: how far that was. */
static int scan_up(struct search *s, pid_t tid, uint64_t addr, uint64_t limit, uint64_t *ret_end)
{
	addr = (addr + 7) & ~UINT64_C(7);
	while (addr < limit) {
		size_t want = limit - addr < WORDS * sizeof(*s->words) ? (size_t)(limit - addr)
								       : WORDS * sizeof(*s->words);
		size_t got = fetch(s, tid, addr, want);
		int r = look_at_words(s, tid, got / 8);

		if (r < 0)
			return r;
		addr += got;
		if (got < (want & ~(size_t)7) || !got)
			break;
	}
	*ret_end = addr;
	return 0;
}

struct page_scan {
	struct search *s;
	pid_t tid;
};

static int scan_run(void *ctx, uint64_t start, uint64_t end)
{
	const struct page_scan *c = ctx;
	uint64_t done;

	return scan_up(c->s, c->tid, start, end, &done);
}

static int scan_pages(struct search *s, pid_t tid, uint64_t start, uint64_t end)
{
	struct page_scan c = {s, tid};

	return pages_each(s->t->p, start, end, scan_run, &c);
}

static const struct proc_map *own_stack(const struct threads *t, const struct thread *v)
{
	const struct proc *p = t->p;

	if (v->tid != p->pid)
		return proc_map_at(p, regs_tls(&v->regs));
	for (size_t i = p->nmaps; i-- > 0;)
		if (sut_streq(p->maps[i].path, "[stack]"))
			return &p->maps[i];
	return NULL;
}

/*
 * Every word of the thread's stack from the stack pointer on. What lies below it, the red zone as well, is returned to by nobody.
 *
 * A thread that runs on an alternate stack, or on a coroutine's, has left frames on its own one: that is then looked at as a
 * whole.
 */
static int scan_stack(struct search *s, const struct thread *v, bool *ret_elsewhere)
{
	uint64_t sp = regs_sp(&v->regs), tls = regs_tls(&v->regs), end;
	const struct proc_map *m = own_stack(s->t, v);
	bool main_thread = v->tid == s->t->p->pid, on_own;
	uint64_t limit = sp + UNKNOWN_STACK_MAX;
	int r;

	if (main_thread && m && sp < m->end && sp + STACK_MAX >= m->start)
		/* As long as it likes: it ends with its mapping. */
		limit = m->end;
	else if (tls > sp && tls - sp < STACK_MAX)
		limit = tls;
	if (limit < sp)
		limit = UINT64_MAX & ~UINT64_C(7);
	r = scan_up(s, v->tid, sp, limit, &end);
	if (r < 0)
		return r;
	on_own = main_thread ? m && sp < m->end && end >= m->end : limit == tls && end >= tls;
	if (on_own)
		return 0;
	*ret_elsewhere = true;
	if (m && main_thread)
		/* It may have grown since the mappings were read. */
		return scan_pages(s, v->tid, m->start > GROWN_MAX ? m->start - GROWN_MAX : m->start,
				  m->end);
	if (m)
		return scan_pages(s, v->tid, m->start, tls);
	/* Mapped since then: downwards, to where nothing is. */
	for (uint64_t at = tls & ~(uint64_t)(PAGE - 1);
	     at >= PAGE && tls - at < STACK_MAX && fetch(s, v->tid, at, PAGE) == PAGE; at -= PAGE) {
		r = look_at_words(s, v->tid, PAGE / 8);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Keeps, of the hits from `first` on, those that a frame confirms. */
static void confirm(struct search *s, const struct thread *v, size_t first, struct unwind *u)
{
	uint64_t pcs[UNWIND_FRAMES_MAX];
	int n = unwind_frames(u, v, pcs);
	size_t keep = first;

	if (n < 0)
		return;
	for (size_t i = first; i < s->n; i++) {
		const struct inside_range *r = &s->ranges[s->hits[i].range];
		bool found = s->hits[i].unwound;

		/* A frame of a caller is one byte before where it goes on: that may be the beginning. */
		for (int k = 0; k < n && !found; k++)
			found = pcs[k] >= r->start + (k == 0) && pcs[k] < r->end;
		if (!found)
			continue;
		s->hits[keep] = s->hits[i];
		s->hits[keep++].unwound = true;
	}
	s->n = keep;
}

static int look_at_thread(struct search *s, const struct thread *v, struct unwind *u)
{
	size_t first = s->n, range = range_at(s, regs_pc(&v->regs));
	bool elsewhere = false;
	int r;

	s->round++;
	if (range != SIZE_MAX && hit(s, v->tid, regs_pc(&v->regs), range, true) < 0)
		return -ENOMEM;
	r = scan_stack(s, v, &elsewhere);
	if (r < 0)
		return r;
	/* One unwinding follows one stack only. */
	if (s->n > first && u && !elsewhere)
		confirm(s, v, first, u);
	return 0;
}

static bool has_ended(const struct proc *p, const struct regs_context *x)
{
	const struct proc_map *m;
	uint64_t to;

	if (proc_read(p, regs_context_return(x), &to, sizeof(to)) < 0)
		return true;
	m = proc_map_at(p, to);
	return !m || !m->x || !regs_context_alive(to);
}

/* Coroutines that rest, each from its stack pointer to the end of its stack. */
static int look_at_contexts(struct search *s, const struct contexts *c, struct unwind *u)
{
	const struct proc *p = s->t->p;

	for (size_t i = 0; i < c->n; i++) {
		struct thread rests = {.tid = 0};
		size_t first = s->n, range;
		struct regs_context x;
		uint64_t end;
		int r = 0;

		if (!contexts_read(p, c->at[i], &x) || has_ended(p, &x))
			continue;
		s->round++;
		rests.regs = x.regs;
		range = range_at(s, regs_pc(&x.regs));
		if (range != SIZE_MAX)
			r = hit(s, 0, regs_pc(&x.regs), range, false);
		if (!r)
			r = scan_up(s, p->task, regs_sp(&x.regs), x.stack + x.stack_len, &end);
		if (r < 0)
			return r;
		for (size_t k = first; k < s->n; k++)
			s->hits[k].tid = 0;
		if (s->n > first && u)
			confirm(s, &rests, first, u);
	}
	return 0;
}

/* The stack of a thread: what is in use of it was looked at, and below is what was. */
static bool is_stack(const struct threads *t, const struct proc_map *m)
{
	if (sut_streq(m->path, "[stack]"))
		return true;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t sp = regs_sp(&t->v[i].regs), tls = regs_tls(&t->v[i].regs);

		if (t->v[i].held && sp >= m->start && sp < m->end && tls >= m->start &&
		    tls < m->end)
			return true;
	}
	return false;
}

static int look_at_heap(struct search *s)
{
	const struct proc *p = s->t->p;
	size_t first = s->n;

	s->round++;
	for (size_t i = 0; i < p->nmaps; i++) {
		const struct proc_map *m = &p->maps[i];
		int r;

		if (m->shared || m->ino || !m->w || !m->r || is_stack(s->t, m))
			continue;
		r = scan_pages(s, p->task, m->start, m->end);
		if (r < 0)
			return r;
	}
	for (size_t k = first; k < s->n; k++)
		s->hits[k].tid = 0;
	return 0;
}

int inside_find(const struct threads *t, const struct inside_range *ranges, size_t nranges,
		const struct inside_options *o, struct inside_hit **ret_hits, size_t *ret_n,
		struct sut_err *err)
{
	/* On the stack, where nothing is touched that is not needed. */
	uint64_t words[WORDS];
	struct search s = {.t = t, .ranges = ranges, .nranges = nranges, .words = words};
	_cleanup_(sut_freep) uint32_t *seen = NULL;
	int r = 0;

	if (!nranges) {
		*ret_hits = NULL;
		*ret_n = 0;
		return 0;
	}
	seen = calloc(nranges, sizeof(*seen));
	if (!seen)
		return sut_err_oom(err);
	s.seen = seen;
	s.low = ranges[0].start;
	s.span = ranges[nranges - 1].end - s.low;
	for (size_t i = 0; i < t->n && !r; i++)
		if (t->v[i].held)
			r = look_at_thread(&s, &t->v[i], o->unwind);
	if (!r && o->contexts)
		r = look_at_contexts(&s, o->contexts, o->unwind);
	if (!r && o->scan_heap)
		r = look_at_heap(&s);
	if (r < 0) {
		free(s.hits);
		return sut_err_oom(err);
	}
	*ret_hits = s.hits;
	*ret_n = s.n;
	return 0;
}
