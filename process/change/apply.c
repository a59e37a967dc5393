// SPDX-License-Identifier: Apache-2.0
/* A patch is brought into a process: its image placed while the process runs, then one switch for all mappings of the target. */
#include "change/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "change/coroutine.h"
#include "change/frames.h"
#include "change/half.h"
#include "change/image.h"
#include "change/jump.h"
#include "change/quiet.h"
#include "change/regs.h"

enum {
	SITES_MAX = 16,
	COLLISIONS_MAX = 8,
	/* Bytes and functions that are written within one stop. */
	SMALL_IMAGE = 32 << 10,
	SMALL_FUNCS = 32,
};

/* One mapping of the target. */
struct site {
	struct proc_elf e;
	struct record *old; /* of another patch, in force now; NULL */
	bool current;	    /* this patch is */
	struct record new;
	bool placed;
	/* For each new place the old one of that function, or NULL; and what the new patch does not have any more. */
	const struct record_place **before, **dropped;
	size_t ndropped;
	bool *done; /* its jump is there */
};

struct apply {
	struct proc *p;
	pid_t held; /* by the caller; 0 */
	const struct proc_patch *patch;
	const struct proc_options *o;
	struct proc_result *r;
	struct record *known;
	size_t nknown;
	/* The same, and those of this patch: jumps of ours may be there from an earlier stop. Borrowed. */
	struct record *all;
	size_t nall;
	struct site sites[SITES_MAX];
	size_t nsites;
	struct quiet *quiet;
};

static void release(struct apply *a)
{
	for (size_t i = 0; i < a->nsites; i++) {
		record_release(&a->sites[i].new);
		free(a->sites[i].before);
		free(a->sites[i].dropped);
		free(a->sites[i].done);
	}
	record_free_all(a->known, a->nknown);
	free(a->all);
	proc_close(a->p);
}

/* ---- what is there ---- */

static bool belongs(const struct record *r, const struct proc_elf *e)
{
	return r->head.bias == e->bias &&
	       !memcmp(r->head.build_id, e->build_id, SUT_LIBRARY_BUILD_ID_LEN);
}

static bool any_half(const struct apply *a)
{
	for (size_t i = 0; i < a->nknown; i++)
		for (size_t k = 0; k < a->nsites; k++)
			if (belongs(&a->known[i], &a->sites[k].e) && half_wants(a->p, &a->known[i]))
				return true;
	return false;
}

/* Which record is in force at a mapping. A file that was unmapped and mapped again is as shipped, whatever a record says. */
static int find_current(struct apply *a, struct site *s, struct sut_err *err)
{
	for (size_t i = 0; i < a->nknown; i++) {
		struct record *r = &a->known[i];
		struct half_count c;

		if (!belongs(r, &s->e) || r->head.state != RECORD_APPLIED)
			continue;
		half_count(a->p, r, &c);
		if (c.original == r->head.nplaces) {
			int rc = record_set_state(a->p, r, RECORD_REVERTED, err);

			if (rc < 0)
				return rc;
			r->head.state = RECORD_REVERTED;
			continue;
		}
		s->old = r;
		s->current = c.there == r->head.nplaces &&
			     !memcmp(r->head.sha256, a->patch->sha256, sizeof(r->head.sha256));
	}
	return 0;
}

static int find_sites(struct apply *a, struct sut_err *err)
{
	const struct sut_manifest *m = a->patch->manifest;
	struct proc_elf elfs[SITES_MAX];
	int r;

	a->nsites = proc_elf_find(a->p, a->patch->library->build_id, elfs, SITES_MAX);
	if (!a->nsites)
		return sut_err_reason(err, ENOENT, "not-mapped",
				      "process %d has no %s with that build-id mapped", a->p->pid,
				      m->target.soname);
	a->r->mappings = (uint32_t)a->nsites;
	for (size_t i = 0; i < a->nsites; i++)
		a->sites[i].e = elfs[i];
	r = record_find(a->p, &a->known, &a->nknown, err);
	if (!r && any_half(a) && !a->held) {
		size_t done;

		r = half_end(a->p, a->known, a->nknown, a->o, a->r, &done, err);
	}
	for (size_t i = 0; i < a->nsites && !r; i++) {
		r = find_current(a, &a->sites[i], err);
		/* Whatever is there stays. */
		for (size_t k = 0; a->held && k < a->nknown; k++)
			if (belongs(&a->known[k], &a->sites[i].e) &&
			    (half_is(&a->known[k]) || a->known[k].head.state == RECORD_APPLIED))
				a->sites[i].current = true;
	}
	for (size_t i = 0; i < a->nsites && !r; i++)
		if (!a->sites[i].current)
			r = image_verify(a->p, &a->sites[i].e, a->patch->library, a->known,
					 a->nknown, err);
	return r;
}

/* ---- the image ---- */

struct resume {
	struct threads *t;
	struct proc_result *r;
};

static int resume(void *ctx)
{
	struct resume *c = ctx;
	size_t n = c->t->n;

	quiet_count(c->r, threads_go(c->t), n);
	return 0;
}

static int copy_record(const struct record *from, struct record *ret, struct sut_err *err)
{
	struct record r = *from;

	r.places = calloc(r.head.nplaces + 1, sizeof(*r.places));
	if (!r.places)
		return sut_err_oom(err);
	memcpy(r.places, from->places, r.head.nplaces * sizeof(*r.places));
	*ret = r;
	return 0;
}

/* One that was taken out before, and lies there still. */
static int place_again(struct apply *a, struct site *s, const struct record *again,
		       struct sut_err *err)
{
	int r = copy_record(again, &s->new, err);

	if (r < 0)
		return r;
	s->new.head.state = RECORD_READY;
	s->new.head.replaces = s->old ? s->old->at : 0;
	return s->new.head.replaces == again->head.replaces
		       ? record_set_state(a->p, &s->new, RECORD_READY, err)
		       : record_write(a->p, &s->new, err);
}

static int place_new(struct apply *a, struct site *s, struct sut_err *err)
{
	struct threads t;
	struct resume c = {&t, a->r};
	pid_t tid;
	int r;

	r = a->held ? threads_adopt(a->p, a->held, &t, err)
		    : threads_stop_one(a->p, quiet_deadline(a->o), &t, err);
	if (r < 0)
		return r;
	tid = t.v[0].tid;
	r = image_place(a->p, tid, &s->e, a->patch, s->old ? s->old->at : 0,
			a->held ? NULL : resume, &c, &s->new, err);
	/* Not yet resumed when it failed. */
	if (t.n && !a->held)
		resume(&c);
	else
		threads_go(&t);
	return r;
}

static int pair_up(struct site *s, struct sut_err *err)
{
	uint32_t n = s->new.head.nplaces, nold = s->old ? s->old->head.nplaces : 0;

	s->before = calloc(n + 1, sizeof(void *));
	s->done = calloc(n + 1, sizeof(*s->done));
	s->dropped = calloc(nold + 1, sizeof(void *));
	if (!s->before || !s->done || !s->dropped)
		return sut_err_oom(err);
	for (uint32_t k = 0; k < nold; k++) {
		bool kept = false;

		for (uint32_t i = 0; i < n; i++)
			if (s->new.places[i].func == s->old->places[k].func) {
				s->before[i] = &s->old->places[k];
				kept = true;
			}
		if (!kept)
			s->dropped[s->ndropped++] = &s->old->places[k];
	}
	return 0;
}

static int place(struct apply *a, struct site *s, struct sut_err *err)
{
	const struct record *again = image_again(a->known, a->nknown, &s->e, a->patch);
	int r;

	if (again && !frames_sure(a->p, again, a->patch->library))
		again = NULL;
	for (uint32_t i = 1;; i++) {
		struct sut_err e = {0};

		r = again ? place_again(a, s, again, &e) : place_new(a, s, &e);
		if (r != -EBUSY || a->held || sut_streq(e.reason, "traced") ||
		    sut_streq(e.reason, "frozen") || !quiet_pause(a->o, i)) {
			if (r < 0 && err)
				*err = e;
			break;
		}
		r = proc_refresh(a->p, err);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	s->placed = true;
	return pair_up(s, err);
}

/* After a failure. Where nothing refers to it, an image is there for the next time. */
static void take_back_images(struct apply *a)
{
	bool any = false;

	for (size_t k = 0; k < a->nsites; k++) {
		struct site *s = &a->sites[k];
		bool done = false;

		for (uint32_t i = 0; s->placed && i < s->new.head.nplaces; i++)
			done |= s->done[i];
		if (s->placed && !done)
			(void)!record_set_state(a->p, &s->new, RECORD_REVERTED, NULL);
		any |= done;
	}
	/* Function by function, and the last stop did not come about: what was begun is taken back as after a death. */
	if (any && !a->held) {
		struct record *known = NULL;
		size_t n = 0, done;

		if (proc_refresh(a->p, NULL) == 0 && record_find(a->p, &known, &n, NULL) == 0)
			(void)!half_end(a->p, known, n, a->o, a->r, &done, NULL);
		record_free_all(known, n);
	}
}

/* ---- the switch ---- */

static bool same_place(const struct record_place *a, const struct record_place *b)
{
	return a->addr == b->addr && a->len == b->len && a->island == b->island;
}

static int undo(struct apply *a)
{
	int r = 0;

	for (size_t k = a->nsites; k-- > 0;) {
		struct site *s = &a->sites[k];

		for (uint32_t i = 0; s->placed && i < s->new.head.nplaces; i++) {
			const struct record_place *q = &s->new.places[i], *old = s->before[i];

			if (!s->done[i])
				continue;
			r |= old && same_place(q, old) ? jump_change(a->p, q, old, NULL)
						       : jump_take(a->p, q, NULL);
			s->done[i] = false;
		}
		/* When no island is in another one's use any more. */
		for (uint32_t i = 0; s->placed && s->old && i < s->old->head.nplaces; i++) {
			enum jump_state is;

			if (jump_look(a->p, &s->old->places[i], &is) == 0 && is == JUMP_ORIGINAL)
				r |= jump_put(a->p, &s->old->places[i], NULL);
		}
	}
	return r;
}

/* The old place of another function that has its island where q wants one; NULL. */
static const struct record_place *island_user(const struct apply *a, const struct site *s,
					      const struct record_place *q)
{
	for (uint32_t i = 0; q->island && s->old && i < s->old->head.nplaces; i++) {
		const struct record_place *old = &s->old->places[i];
		enum jump_state is;

		if (old->island && old->func != q->func && old->island + 5 > q->island &&
		    q->island + 5 > old->island && jump_look(a->p, old, &is) == 0 &&
		    is == JUMP_THERE)
			return old;
	}
	return NULL;
}

/* An island that another function had is left by that one first: whoever dies in between must not leave a jump to a wrong function. */
static int free_island(struct apply *a, struct site *s, const struct record_place *q,
		       struct sut_err *err)
{
	const struct record_place *old;
	int r = 0;

	while (!r && (old = island_user(a, s, q)))
		r = jump_take(a->p, old, err);
	return r;
}

static int put(struct apply *a, struct site *s, uint32_t i, struct sut_err *err)
{
	const struct record_place *q = &s->new.places[i];
	enum jump_state is = JUMP_ORIGINAL;
	int r;

	if (s->before[i]) {
		/* Its jump may have been lost with a mapping of its own. */
		r = jump_look(a->p, s->before[i], &is);
		if (r < 0)
			return sut_err_set(err, -r, "the code of process %d can't be read",
					   a->p->pid);
	}
	r = free_island(a, s, q, err);
	if (!r)
		r = is == JUMP_THERE ? jump_change(a->p, s->before[i], q, err)
				     : jump_put(a->p, q, err);
	if (!r)
		s->done[i] = true;
	return r;
}

static bool is_free(const struct apply *a, uint32_t site, uint32_t func,
		    const struct inside_hit *hits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ranges_who *w =
			&a->quiet->ranges.who[a->quiet->ranges.v[hits[i].range].func];

		if (w->site == site && (w->func == func || w->func == RANGES_ALL))
			return false;
	}
	return true;
}

/* The image may have gone with an exec, and another program be where the first one was. */
static bool image_is_there(const struct apply *a, const struct site *s)
{
	struct record_head h;

	return proc_read(a->p, s->new.at, &h, sizeof(h)) == 0 &&
	       !memcmp(h.magic, RECORD_MAGIC, sizeof(h.magic)) && h.image == s->new.at &&
	       !memcmp(h.sha256, s->new.head.sha256, sizeof(h.sha256));
}

static int verify(struct apply *a, struct sut_err *err)
{
	int r = 0;

	for (size_t i = 0; i < a->nsites; i++)
		if (a->sites[i].placed && !image_is_there(a, &a->sites[i]))
			return proc_err_gone(a->p->pid, err);
	for (size_t i = 0; i < a->nsites && !r; i++)
		if (a->sites[i].placed)
			r = image_verify(a->p, &a->sites[i].e, a->patch->library, a->all, a->nall,
					 err);
	return r;
}

static int register_frames(struct apply *a, const struct threads *t, struct sut_err *err)
{
	const struct sut_library *l = a->patch->library;
	_cleanup_(sut_freep) uint64_t *pcs = NULL;
	pid_t tid = 0;
	size_t n = 0;
	int r = 0;

	if (!l->frames)
		return 0;
	pcs = calloc(t->n + 1, sizeof(*pcs));
	if (!pcs)
		return sut_err_oom(err);
	for (size_t i = 0; i < t->n; i++) {
		if (!t->v[i].held)
			continue;
		pcs[n++] = regs_pc(&t->v[i].regs);
		if (!t->v[i].vfork && (!tid || !t->v[i].group_stop))
			tid = t->v[i].tid;
	}
	for (size_t i = 0; i < a->nsites && !r; i++)
		if (a->sites[i].placed && tid)
			r = image_register_frames(a->p, tid, &a->sites[i].new, l, pcs, n, err);
	return r == -EBUSY || r == -ETIMEDOUT ? -EAGAIN : r;
}

static int end(struct apply *a, struct sut_err *err)
{
	int r = 0;

	for (size_t k = 0; k < a->nsites && !r; k++) {
		struct site *s = &a->sites[k];

		for (size_t i = 0; s->placed && i < s->ndropped && !r; i++) {
			enum jump_state is;

			if (jump_look(a->p, s->dropped[i], &is) == 0 && is == JUMP_THERE)
				r = jump_take(a->p, s->dropped[i], err);
		}
	}
	for (size_t k = 0; k < a->nsites && !r; k++) {
		struct site *s = &a->sites[k];

		if (!s->placed)
			continue;
		r = record_set_state(a->p, &s->new, RECORD_APPLIED, err);
		if (!r && s->old)
			r = record_set_state(a->p, s->old, RECORD_REPLACED, err);
	}
	return r;
}

/* With everybody stopped. hits: who is inside of what. */
static int act(void *ctx, const struct threads *t, const struct inside_hit *hits, size_t n,
	       bool last, struct sut_err *err)
{
	struct apply *a = ctx;
	bool each = a->o && a->o->each_function, all = true;
	int r;

	if (n && !each)
		return -EAGAIN;
	r = verify(a, err);
	if (!r)
		r = register_frames(a, t, err);
	for (uint32_t k = 0; k < a->nsites && !r; k++) {
		struct site *s = &a->sites[k];

		for (uint32_t i = 0; s->placed && i < s->new.head.nplaces && !r; i++) {
			if (s->done[i])
				continue;
			if (n &&
			    (!is_free(a, k, i, hits, n) || island_user(a, s, &s->new.places[i])))
				all = false;
			else
				r = put(a, s, i, err);
		}
	}
	/* What the new patch does not have any more must be free as well. */
	if (!r && all && n)
		for (uint32_t k = 0; k < a->nsites; k++)
			if (a->sites[k].ndropped && !is_free(a, k, RANGES_ALL, hits, n))
				all = false;
	if (!r && all)
		r = end(a, err);
	if (!r && all)
		return 0;
	if (r < 0 || last)
		(void)undo(a);
	return r < 0 ? r : -EAGAIN;
}

static int list_all(struct apply *a, struct sut_err *err)
{
	a->all = calloc(a->nknown + a->nsites, sizeof(*a->all));
	if (!a->all)
		return sut_err_oom(err);
	for (size_t i = 0; i < a->nknown; i++)
		a->all[a->nall++] = a->known[i];
	for (size_t i = 0; i < a->nsites; i++)
		if (a->sites[i].placed)
			a->all[a->nall++] = a->sites[i].new;
	return 0;
}

/*
 * One thread, which nothing is known of yet, and little to write: one stop for all of it costs half as much as two. What needs a look at more
 * than one stack, or code of the process, takes its time.
 */
static bool may_be_at_once(const struct apply *a)
{
	const struct sut_library *l = a->patch->library;

	return !a->held && a->nsites == 1 && a->p->nthreads == 1 && !a->sites[0].current &&
	       !a->sites[0].old && !l->nimports && !l->frames && l->image_len <= SMALL_IMAGE &&
	       l->nfuncs <= SMALL_FUNCS &&
	       !(a->o && (a->o->each_function || a->o->scan_heap > 0)) &&
	       !image_again(a->known, a->nknown, &a->sites[0].e, a->patch) && !coroutine_used(a->p);
}

/* *ret_done false: it was not so after all, and the process is as it was. */
static int at_once(struct apply *a, bool *ret_done, struct sut_err *err)
{
	_cleanup_(sut_freep) struct inside_hit *hits = NULL;
	const struct inside_options o = {.scan_heap = false};
	_cleanup_(ranges_release) struct ranges ranges = {0};
	struct site *s = &a->sites[0];
	struct threads t;
	size_t n = 0, held;
	int r;

	r = ranges_add_library(&ranges, a->patch->library, s->e.bias, 0, err);
	if (r < 0)
		return r;
	ranges_end(&ranges);
	if (threads_stop(a->p, quiet_deadline(a->o), &t, NULL) < 0)
		return 0;
	held = t.n;
	if (t.n == 1 && t.v[0].held && !t.v[0].vfork && !t.v[0].group_stop &&
	    inside_find(&t, ranges.v, ranges.n, &o, &hits, &n, NULL) == 0 && !n) {
		r = image_place(a->p, t.v[0].tid, &s->e, a->patch, 0, NULL, NULL, &s->new, err);
		s->placed = r == 0;
		if (r == 0)
			r = pair_up(s, err);
		if (r == 0)
			r = list_all(a, err);
		if (r == 0)
			r = act(a, &t, NULL, 0, true, err);
		*ret_done = r == 0;
		a->r->tries++;
	}
	quiet_count(a->r, threads_go(&t), held);
	/* No room on its stack just now. */
	return r == -EBUSY && !s->placed ? 0 : r;
}

static int switch_over(struct apply *a, struct sut_err *err)
{
	const struct sut_library *l = a->patch->library;
	struct quiet q = {.p = a->p, .o = a->o, .result = a->r, .act = act, .ctx = a};
	int r = list_all(a, err);

	if (r < 0)
		return r;
	/* cppcheck-suppress autoVariables ; taken back below */
	a->quiet = &q;
	for (uint32_t i = 0; i < a->nsites && !r; i++) {
		struct site *s = &a->sites[i];

		if (!s->placed)
			continue;
		r = ranges_add_library(&q.ranges, l, s->e.bias, i, err);
		if (!r && s->old)
			r = ranges_add_record(&q.ranges, a->p, s->old, l, i, err);
	}
	if (!r && a->held) {
		struct threads t;

		/* Nobody has run any of it yet. */
		r = threads_adopt(a->p, a->held, &t, err);
		if (!r)
			r = act(a, &t, NULL, 0, true, err);
		if (r == -EAGAIN)
			r = -EBUSY;
		threads_go(&t);
	} else if (!r) {
		r = quiet_run(&q, err);
	}
	ranges_release(&q.ranges);
	a->quiet = NULL;
	return r;
}

/*
 * After an error r: who ends, becomes another program or lets go of the file in the middle of it looks strange in many ways. *err
 * and what is returned say so then.
 */
static int or_gone(struct apply *a, int r, struct sut_err *err)
{
	struct proc_elf elfs[SITES_MAX];
	size_t n = 0;

	if (r == -ESRCH || a->held || !a->nsites)
		return r;
	if (proc_refresh(a->p, NULL) == 0)
		n = proc_elf_find(a->p, a->patch->library->build_id, elfs, SITES_MAX);
	for (size_t i = 0; i < n; i++)
		if (elfs[i].bias == a->sites[0].e.bias)
			return r;
	return proc_err_gone(a->p->pid, err);
}

static const struct record *same_record(const struct apply *a, const struct record *r)
{
	for (size_t i = 0; i < a->nknown; i++)
		if (a->known[i].at == r->at)
			return &a->known[i];
	for (size_t i = 0; i < a->nsites; i++)
		if (a->sites[i].placed && a->sites[i].new.at == r->at)
			return &a->sites[i].new;
	return NULL;
}

/* Another patcher has been here since we looked: what he did is no mismatch. */
static bool somebody_was_here(struct apply *a)
{
	struct record *now = NULL;
	bool changed = false;
	size_t n = 0;

	if (proc_refresh(a->p, NULL) < 0 || record_find(a->p, &now, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct record *r = same_record(a, &now[i]);

		changed |= !r || r->head.state != now[i].head.state;
	}
	record_free_all(now, n);
	return changed;
}

/* -EAGAIN: from the beginning again. */
static int apply_once(struct run *run, struct sut_err *err)
{
	struct apply a = {.held = run->held, .patch = run->patch, .o = run->o, .r = run->result};
	bool current = true, replaced = false, done = false;
	int r;

	r = run_open(run, &a.p, err);
	if (!r) {
		a.p->loading = run->held;
		r = coroutine_refuse_go(a.p, err);
	}
	if (!r)
		r = find_sites(&a, err);
	if (!r && may_be_at_once(&a))
		r = at_once(&a, &done, err);
	for (size_t i = 0; i < a.nsites && !r; i++) {
		if (a.sites[i].current)
			continue;
		current = false;
		replaced |= a.sites[i].old != NULL;
		if (done)
			continue;
		r = place(&a, &a.sites[i], err);
	}
	if (!r && !current && !done)
		r = switch_over(&a, err);
	if (r < 0)
		r = or_gone(&a, r, err);
	if (r == -EBADMSG && !a.held && somebody_was_here(&a))
		r = -EAGAIN;
	if (r < 0 && r != -ESRCH)
		take_back_images(&a);
	if (!r)
		snprintf(run->result->reason, sizeof(run->result->reason), "%s",
			 current    ? "current"
			 : replaced ? "replaced"
				    : "applied");
	release(&a);
	return r;
}

int run_apply(struct run *run, struct sut_err *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < COLLISIONS_MAX && r == -EAGAIN; i++)
		r = apply_once(run, err);
	return r == -EAGAIN ? sut_err_reason(err, EBUSY, "busy",
					     "another patcher is at work in process %d; try again",
					     run->pid)
			    : r;
}
