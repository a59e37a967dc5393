// SPDX-License-Identifier: Apache-2.0
#include "change/quiet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "change/coroutine.h"
#include "change/why.h"

enum { TRIES = 12, PAUSE_MAX_MS = 64, DEADLINE_US = 50000 };

uint32_t quiet_deadline(const struct proc_options *o)
{
	return o && o->deadline_us ? o->deadline_us : DEADLINE_US;
}

void quiet_count(struct proc_result *r, uint64_t stop_ns, size_t threads)
{
	r->stops++;
	if (stop_ns > r->stop_ns)
		r->stop_ns = stop_ns;
	if (threads > r->threads)
		r->threads = (uint32_t)threads;
}

static uint32_t tries(const struct proc_options *o)
{
	return o && o->tries ? o->tries : TRIES;
}

bool quiet_pause(const struct proc_options *o, uint32_t i)
{
	uint32_t ms = i <= 6 ? 1U << (i - 1) : PAUSE_MAX_MS;
	struct timespec ts = {.tv_nsec = ms * 1000000L};

	if (i >= tries(o))
		return false;
	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
	return true;
}

int quiet_busy(const struct quiet *q, const struct inside_hit *hit, struct sut_err *err)
{
	const struct ranges_who *who = &q->ranges.who[q->ranges.v[hit->range].func];
	char name[WHY_NAME_MAX];
	unsigned long long off = hit->addr - who->start;

	if (!hit->tid)
		snprintf(name, sizeof(name), "a coroutine");
	else
		why_name(q->p->pid, hit->tid, name);
	(void)sut_err_reason(err, EBUSY, "busy",
			     "%s of process %d is inside of %s%s+%#llx%s; it is tried again later",
			     name, q->p->pid, who->name ? "" : "the code of the patch before, ",
			     who->name ? who->name : "its image", off,
			     hit->unwound ? "" : " (as a word on its stack says)");
	return -EAGAIN;
}

struct copy {
	struct inside_hit hit;
	bool any;
};

/* One try. Nothing slow is done until everybody goes on. */
static int try_once(struct quiet *q, const struct inside_options *o, bool last, struct copy *busy,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) struct inside_hit *hits = NULL;
	struct threads t;
	size_t n = 0, held;
	int r;

	q->result->tries++;
	r = threads_stop(q->p, quiet_deadline(q->o), &t, err);
	if (r < 0)
		return r;
	held = t.n;
	r = inside_find(&t, q->ranges.v, q->ranges.n, o, &hits, &n, err);
	if (r == 0)
		r = q->act(q->ctx, &t, hits, n, last, err);
	quiet_count(q->result, threads_go(&t), held);
	busy->any = n > 0;
	if (n)
		busy->hit = hits[0];
	return r;
}

/* What may be otherwise in a moment; who is traced or frozen will be so for longer. */
static bool worth_waiting(int r, const struct sut_err *e)
{
	return r == -EAGAIN ||
	       (r == -EBUSY && (sut_streq(e->reason, "deadline") || sut_streq(e->reason, "busy") ||
				sut_streq(e->reason, "uninterruptible")));
}

static int again(struct quiet *q, struct inside_options *o, struct unwind **u, bool busy,
		 struct sut_err *err)
{
	int r = proc_refresh(q->p, err);

	if (r < 0)
		return r;
	/* By the next try it is known what is a frame and what only a word: files are read while nobody is stopped. */
	if (busy && !*u)
		(void)!unwind_open(q->p, u, NULL);
	o->unwind = *u;
	return 0;
}

int quiet_run(struct quiet *q, struct sut_err *err)
{
	_cleanup_(unwind_closep) struct unwind *u = NULL;
	struct inside_options o = {.scan_heap = q->o && q->o->scan_heap > 0};
	bool coroutines = (!q->o || q->o->scan_heap < 0) && q->ranges.n && coroutine_used(q->p);
	struct sut_err e = {0};
	int r;

	ranges_end(&q->ranges);
	for (uint32_t i = 1;; i++) {
		struct copy busy = {.any = false};
		struct contexts c = {0};

		e = (struct sut_err){0};
		r = coroutines ? contexts_find(q->p, &c, &e) : 0;
		o.contexts = c.n ? &c : NULL;
		if (!r)
			r = try_once(q, &o, i >= tries(q->o), &busy, &e);
		contexts_release(&c);
		if (r == 0)
			return 0;
		if (r == -EAGAIN && busy.any && !e.code)
			(void)quiet_busy(q, &busy.hit, &e);
		if (!worth_waiting(r, &e) || !quiet_pause(q->o, i))
			break;
		r = again(q, &o, &u, busy.any, &e);
		if (r < 0)
			break;
	}
	if (sut_streq(e.reason, "exec"))
		return proc_err_gone(q->p->pid, err);
	if (err)
		*err = e;
	return r == -EAGAIN ? -EBUSY : r;
}
