// SPDX-License-Identifier: Apache-2.0
#include "change/half.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change/jump.h"
#include "change/names.h"
#include "change/quiet.h"
#include "change/regs.h"

/* What is to be done about one record. */
struct plan {
	struct record *r;
	struct record *
		old; /* whose place it was taking, and which is in force if it is taken back; NULL */
	enum record_state to;
	bool write;
	bool mend; /* it is applied, and jumps of it are broken */
};

struct half {
	struct proc *p;
	struct plan *plans;
	size_t n;
};

void half_count(const struct proc *p, const struct record *r, struct half_count *ret)
{
	*ret = (struct half_count){0};
	for (uint32_t i = 0; i < r->head.nplaces; i++) {
		enum jump_state s;

		if (jump_look(p, &r->places[i], &s) < 0) {
			ret->unmapped = true;
		} else if (s == JUMP_THERE) {
			ret->there++;
		} else if (s == JUMP_ORIGINAL) {
			ret->original++;
		} else if (s == JUMP_BROKEN) {
			ret->broken++;
		} else {
			if (!ret->other)
				ret->first_other = r->places[i].addr;
			ret->other++;
		}
	}
}

bool half_is(const struct record *r)
{
	return r->head.state == RECORD_READY || r->head.state == RECORD_REVERTING;
}

static bool is_broken(const struct proc *p, const struct record *r)
{
	struct half_count c;

	if (r->head.state != RECORD_APPLIED)
		return false;
	half_count(p, r, &c);
	return c.broken && !c.other && !c.unmapped;
}

bool half_wants(const struct proc *p, const struct record *r)
{
	return half_is(r) || is_broken(p, r);
}

static bool same_target(const struct record *a, const struct record *b)
{
	return a->head.bias == b->head.bias &&
	       !memcmp(a->head.build_id, b->head.build_id, sizeof(a->head.build_id));
}

static struct record *predecessor(const struct record *r, struct record *known, size_t n)
{
	for (size_t i = 0; i < n && r->head.replaces; i++)
		if (known[i].at == r->head.replaces && known[i].head.state == RECORD_APPLIED &&
		    same_target(r, &known[i]))
			return &known[i];
	return NULL;
}

static const struct record_place *place_of(const struct record *r, uint64_t func)
{
	for (uint32_t i = 0; r && i < r->head.nplaces; i++)
		if (r->places[i].func == func)
			return &r->places[i];
	return NULL;
}

int half_foreign(const struct proc *p, const struct record *r, uint64_t addr, struct sut_err *err)
{
	char name[NAMES_LEN];

	return sut_err_reason(
		err, EBADMSG, "mismatch",
		"the code at %s in process %d is neither as shipped nor as patch %s left it: another patcher or a debugger changed it; restart the process",
		names_of(p, addr, name), p->pid, r->head.id);
}

/* Somebody else's bytes at a place that neither record explains. */
static int foreign(const struct half *h, const struct plan *q, struct sut_err *err)
{
	for (uint32_t i = 0; i < q->r->head.nplaces; i++) {
		const struct record_place *at = &q->r->places[i],
					  *before = place_of(q->old, at->func);
		enum jump_state s;

		if (jump_look(h->p, at, &s) < 0 || s != JUMP_OTHER)
			continue;
		if (before && jump_look(h->p, before, &s) == 0 && s == JUMP_THERE)
			continue;
		return half_foreign(h->p, q->r, at->addr, err);
	}
	return 0;
}

static int make_plan(struct half *h, struct plan *q, struct sut_err *err)
{
	struct half_count c;
	bool all;

	half_count(h->p, q->r, &c);
	if (c.unmapped) {
		/* With the file went its jumps. */
		q->to = RECORD_REVERTED;
		return 0;
	}
	if (foreign(h, q, err) < 0)
		return -EBADMSG;
	all = c.there == q->r->head.nplaces;
	q->to = all ? RECORD_APPLIED : RECORD_REVERTED;
	/* Forwards: what only the one before had must be gone. Backwards: everything of this one. */
	q->write = !all && c.there;
	for (uint32_t i = 0; i < q->r->head.nplaces && !all && !q->write; i++)
		q->write = jump_island_left(h->p, &q->r->places[i]);
	for (uint32_t i = 0; q->old && i < q->old->head.nplaces && !q->write; i++) {
		const struct record_place *before = &q->old->places[i];
		enum jump_state s;

		if (all && place_of(q->r, before->func))
			continue;
		if (jump_look(h->p, before, &s) < 0)
			continue;
		q->write = all ? s == JUMP_THERE : s != JUMP_THERE;
	}
	return 0;
}

static int forwards(struct half *h, const struct plan *q, struct sut_err *err)
{
	int r = 0;

	for (uint32_t i = 0; q->old && i < q->old->head.nplaces && !r; i++) {
		enum jump_state s;

		if (!place_of(q->r, q->old->places[i].func) &&
		    jump_look(h->p, &q->old->places[i], &s) == 0 && s == JUMP_THERE)
			r = jump_take(h->p, &q->old->places[i], err);
	}
	return r;
}

static int backwards(struct half *h, const struct plan *q, struct sut_err *err)
{
	int r = 0;

	for (uint32_t i = 0; i < q->r->head.nplaces && !r; i++) {
		const struct record_place *at = &q->r->places[i],
					  *before = place_of(q->old, at->func);
		enum jump_state s;

		if (jump_look(h->p, at, &s) < 0)
			continue;
		if (jump_island_left(h->p, at))
			r = jump_take(h->p, at, err);
		else if (s == JUMP_THERE || s == JUMP_BROKEN)
			/* Its island may be another one's: that one comes below, when all are free. */
			r = before && before->addr == at->addr && before->len == at->len &&
					    before->island == at->island
				    ? jump_change(h->p, at, before, err)
				    : jump_take(h->p, at, err);
	}
	for (uint32_t i = 0; q->old && i < q->old->head.nplaces && !r; i++) {
		enum jump_state s;

		if (jump_look(h->p, &q->old->places[i], &s) == 0 && s == JUMP_ORIGINAL)
			r = jump_put(h->p, &q->old->places[i], err);
	}
	return r;
}

static int mend(struct half *h, const struct plan *q, struct sut_err *err)
{
	int r = 0;

	for (uint32_t i = 0; i < q->r->head.nplaces && !r; i++) {
		enum jump_state s;

		if (jump_look(h->p, &q->r->places[i], &s) == 0 && s == JUMP_BROKEN)
			r = jump_put(h->p, &q->r->places[i], err);
	}
	return r;
}

static bool in_the_way(const struct record *r, uint64_t pc)
{
	for (uint32_t i = 0; r && i < r->head.nplaces; i++)
		if (jump_in_the_way(&r->places[i], pc))
			return true;
	return false;
}

/* A mixture is worse than a function that goes on as it began: nobody is waited for, but who stands on the very bytes. */
static int act(void *ctx, const struct threads *t, const struct inside_hit *hits, size_t n,
	       bool last, struct sut_err *err)
{
	struct half *h = ctx;

	(void)hits;
	(void)n;
	(void)last;
	for (size_t k = 0; k < t->n; k++)
		for (size_t i = 0; i < h->n && t->v[k].held; i++)
			if (h->plans[i].write &&
			    (in_the_way(h->plans[i].r, regs_pc(&t->v[k].regs)) ||
			     in_the_way(h->plans[i].old, regs_pc(&t->v[k].regs)))) {
				(void)sut_err_reason(
					err, EBUSY, "busy",
					"thread %d of process %d stands at a jump; it is tried again",
					t->v[k].tid, h->p->pid);
				return -EAGAIN;
			}
	for (size_t i = 0; i < h->n; i++) {
		const struct plan *q = &h->plans[i];
		int r = 0;

		if (!q->write)
			continue;
		if (q->r->head.state == RECORD_READY && q->to == RECORD_REVERTED)
			r = record_set_state(h->p, q->r, RECORD_REVERTING, err);
		if (!r && q->mend)
			r = mend(h, q, err);
		if (!r)
			r = q->to == RECORD_APPLIED ? forwards(h, q, err) : backwards(h, q, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_states(struct half *h, struct sut_err *err)
{
	for (size_t i = 0; i < h->n; i++) {
		struct plan *q = &h->plans[i];
		int r = record_set_state(h->p, q->r, q->to, err);

		if (r < 0)
			return r;
		q->r->head.state = q->to;
		if (!q->old || q->to != RECORD_APPLIED)
			continue;
		r = record_set_state(h->p, q->old, RECORD_REPLACED, err);
		if (r < 0)
			return r;
		q->old->head.state = RECORD_REPLACED;
	}
	return 0;
}

int half_end(struct proc *p, struct record *known, size_t n, const struct proc_options *o,
	     struct proc_result *r, size_t *ret_done, struct sut_err *err)
{
	_cleanup_(sut_freep) struct plan *plans = calloc(n + 1, sizeof(*plans));
	struct half h = {.p = p, .plans = plans};
	bool write = false;
	int rc = 0;

	if (!plans)
		return sut_err_oom(err);
	for (size_t i = 0; i < n && !rc; i++) {
		struct plan q = {.r = &known[i], .old = predecessor(&known[i], known, n)};

		q.mend = is_broken(p, &known[i]);
		/* Killed between its last two words: the one before is not in force any more. */
		if (known[i].head.state == RECORD_APPLIED && (q.old || q.mend)) {
			q.to = RECORD_APPLIED;
			q.write = q.mend;
		} else if (!half_is(&known[i])) {
			continue;
		} else {
			rc = make_plan(&h, &q, err);
		}
		write |= q.write;
		h.plans[h.n++] = q;
	}
	if (!rc && write) {
		struct quiet quiet = {.p = p, .o = o, .result = r, .act = act, .ctx = &h};

		rc = quiet_run(&quiet, err);
		ranges_release(&quiet.ranges);
	}
	if (!rc)
		rc = set_states(&h, err);
	if (!rc)
		*ret_done = h.n;
	return rc;
}
