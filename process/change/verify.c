// SPDX-License-Identifier: Apache-2.0
/* Is the code in the process the one that the patch was made for? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "change/image.h"

/* More jumps of ours than any number of patches for one file has. */
enum { WRITES_MAX = 1 << 16, SHOWN = 8, BUF_LEN = 2 * SUT_LIBRARY_FUNC_MAX };

/* A jump of ours that lies in the process, and what was there before. */
struct written {
	uint64_t addr;
	uint32_t len;
	const uint8_t *original;
};

struct writes {
	struct written *v;
	size_t n, cap;
};

static int by_addr(const void *a, const void *b)
{
	const struct written *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Where a jump of ours may be, and what lies there now. */
struct site {
	uint64_t addr;
	const uint8_t *jump, *original;
	uint32_t len;
	uint8_t now[5];
};

struct sites {
	struct site v[PROC_SPANS_MAX];
	size_t n;
};

static int add(struct writes *w, uint64_t addr, const uint8_t *original, uint32_t len,
	       struct sut_err *err)
{
	if (w->n == WRITES_MAX)
		return 0;
	if (w->n == w->cap) {
		size_t more = w->cap ? w->cap * 2 : 32;
		struct written *bigger = reallocarray(w->v, more, sizeof(*bigger));

		if (!bigger)
			return sut_err_oom(err);
		w->v = bigger;
		w->cap = more;
	}
	w->v[w->n++] = (struct written){addr, len, original};
	return 0;
}

static int flush(struct proc *p, struct sites *s, struct writes *w, struct sut_err *err)
{
	struct proc_span spans[PROC_SPANS_MAX];
	bool all;
	int r = 0;

	for (size_t i = 0; i < s->n; i++)
		spans[i] = (struct proc_span){s->v[i].addr, s->v[i].now, s->v[i].len};
	all = proc_read_spans(p, spans, s->n) == 0;
	for (size_t i = 0; i < s->n && r == 0; i++) {
		struct site *q = &s->v[i];

		if ((all || proc_read(p, q->addr, q->now, q->len) == 0) &&
		    !memcmp(q->now, q->jump, q->len))
			r = add(w, q->addr, q->original, q->len, err);
	}
	s->n = 0;
	return r;
}

static int look_at(struct proc *p, struct sites *s, uint64_t addr, const uint8_t *jump,
		   const uint8_t *original, uint32_t len, struct writes *w, struct sut_err *err)
{
	int r = s->n == PROC_SPANS_MAX ? flush(p, s, w, err) : 0;

	s->v[s->n++] = (struct site){addr, jump, original, len, {0}};
	return r;
}

static int collect(struct proc *p, const struct proc_elf *e, const struct record *known,
		   size_t nknown, struct writes *w, struct sut_err *err)
{
	struct sites s;
	int r = 0;

	s.n = 0;
	for (size_t i = 0; i < nknown; i++) {
		const struct record_head *h = &known[i].head;

		if ((h->state != RECORD_READY && h->state != RECORD_APPLIED &&
		     h->state != RECORD_REVERTING) ||
		    h->bias != e->bias || memcmp(h->build_id, e->build_id, sizeof(e->build_id)))
			continue;
		for (uint32_t k = 0; k < h->nplaces && r == 0; k++) {
			const struct record_place *q = &known[i].places[k];

			r = look_at(p, &s, q->addr, q->jump, q->original, q->len, w, err);
			if (r == 0 && q->island)
				r = look_at(p, &s, q->island, q->island_jump, q->island_original, 5,
					    w, err);
		}
	}
	if (r == 0)
		r = flush(p, &s, w, err);
	if (r == 0 && w->n)
		qsort(w->v, w->n, sizeof(*w->v), by_addr);
	return r;
}

/* Puts the original bytes over our jumps in a copy of the code at addr. */
static void undo(const struct writes *w, uint64_t addr, uint8_t *code, size_t len)
{
	size_t lo = 0, hi = w->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->v[mid].addr + 5 <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < w->n && w->v[lo].addr < addr + len; lo++)
		for (uint32_t i = 0; i < w->v[lo].len; i++) {
			uint64_t at = w->v[lo].addr + i;

			if (at >= addr && at - addr < len)
				code[at - addr] = w->v[lo].original[i];
		}
}

/* What is to lie at an address. */
struct piece {
	const char *name;
	uint64_t vaddr;
	const uint8_t *want;
	size_t len;
};

struct check {
	struct proc *p;
	const struct proc_elf *e;
	const struct writes *w;
	uint8_t *buf; /* of `room` bytes */
	size_t room;
	struct piece pieces[PROC_SPANS_MAX]; /* those that are read next, together */
	size_t n, bytes;
};

static int compare(const struct check *c, const struct piece *piece, uint8_t *buf, bool there,
		   struct sut_err *err)
{
	uint64_t addr = piece->vaddr + c->e->bias;
	char is[2 * SHOWN + 1], should[2 * SHOWN + 1];
	size_t i = 0, n, len = piece->len;
	const uint8_t *want = piece->want;
	const char *name = piece->name;
	int r = 0;

	if (addr < c->e->low || addr >= c->e->high || len > c->e->high - addr)
		return sut_err_reason(
			err, EBADMSG, "mismatch",
			"%s lies outside of the file in process %d, which is mapped in "
			"another way than it should be.",
			name, c->p->pid);
	if (!there)
		r = proc_read(c->p, addr, buf, len);
	if (r == -EPERM)
		return proc_err_ptrace(c->p->pid, err);
	if (r == -ESRCH)
		return proc_err_gone(c->p->pid, err);
	if (r < 0)
		return sut_err_reason(err, EBADMSG, "mismatch",
				      "%s is not mapped in process %d, at %#" PRIx64 ".", name,
				      c->p->pid, addr);
	undo(c->w, addr, buf, len);
	if (!memcmp(buf, want, len))
		return 0;
	while (buf[i] == want[i])
		i++;
	n = len - i < SHOWN ? len - i : SHOWN;
	sut_hex(buf + i, n, is);
	sut_hex(want + i, n, should);
	return sut_err_reason(
		err, EBADMSG, "mismatch",
		"%s+%#zx in process %d is %s, and was shipped as %s: another patcher, "
		"a debugger or a probe changed it. Find out who before you patch it.",
		name, i, c->p->pid, is, should);
}

static int compare_all(struct check *c, struct sut_err *err)
{
	struct proc_span v[PROC_SPANS_MAX];
	uint8_t *at = c->buf;
	bool there;
	int r = 0;

	for (size_t i = 0; i < c->n; i++) {
		v[i] = (struct proc_span){c->pieces[i].vaddr + c->e->bias, at, c->pieces[i].len};
		at += c->pieces[i].len;
	}
	/* Else one after the other, to say which. */
	there = proc_read_spans(c->p, v, c->n) == 0;
	for (size_t i = 0; i < c->n && r == 0; i++)
		r = compare(c, &c->pieces[i], v[i].buf, there, err);
	c->n = c->bytes = 0;
	return r;
}

static int check_piece(struct check *c, const char *name, uint64_t vaddr, const uint8_t *want,
		       size_t len, struct sut_err *err)
{
	int r = 0;

	if (!len)
		return 0;
	if (c->n == PROC_SPANS_MAX || len > c->room - c->bytes)
		r = compare_all(c, err);
	if (len > c->room)
		return sut_err_set(err, EINVAL, "%s is too long", name);
	c->pieces[c->n++] = (struct piece){name, vaddr, want, len};
	c->bytes += len;
	return r;
}

int image_verify(struct proc *p, const struct proc_elf *e, const struct sut_library *l,
		 const struct record *known, size_t nknown, struct sut_err *err)
{
	_cleanup_(sut_freep) uint8_t *buf = NULL;
	struct writes w = {0};
	struct check c;
	size_t room = 0;
	int r;

	for (size_t i = 0; i < l->nfuncs && room < BUF_LEN; i++)
		room += l->funcs[i].span + sizeof(l->funcs[i].island_bytes);
	for (size_t i = 0; i < l->nranges && room < BUF_LEN; i++)
		room += l->ranges[i].size;
	/* What is longest fits. */
	room = room < BUF_LEN ? room : BUF_LEN;
	buf = malloc(room + 1);
	if (!buf)
		return sut_err_oom(err);
	c.room = room;
	c.p = p;
	c.e = e;
	c.w = &w;
	c.buf = buf;
	c.n = c.bytes = 0;
	r = collect(p, e, known, nknown, &w, err);
	for (size_t i = 0; i < l->nfuncs && r == 0; i++) {
		const struct sut_library_func *f = &l->funcs[i];

		r = check_piece(&c, f->name, f->vaddr, f->bytes, f->span, err);
		if (r == 0 && f->redirect == SUT_LIBRARY_ISLAND)
			r = check_piece(&c, f->name, f->island, f->island_bytes,
					sizeof(f->island_bytes), err);
	}
	for (size_t i = 0; i < l->nranges && r == 0; i++)
		r = check_piece(&c, l->ranges[i].name, l->ranges[i].vaddr, l->ranges[i].bytes,
				l->ranges[i].size, err);
	if (r == 0)
		r = compare_all(&c, err);
	free(w.v);
	return r;
}
