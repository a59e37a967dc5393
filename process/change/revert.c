// SPDX-License-Identifier: Apache-2.0
/* What is applied to a file is taken out again, by what the records in the process say: no patch file is needed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "change/half.h"
#include "change/jump.h"
#include "change/quiet.h"
#include "change/run.h"

enum { COLLISIONS_MAX = 4 };

struct revert {
	struct proc *p;
	struct record *known;
	size_t n;
	const uint8_t *build_id;
};

static bool to_go(const struct revert *v, const struct record *r)
{
	return r->head.state == RECORD_APPLIED &&
	       !memcmp(r->head.build_id, v->build_id, SUT_LIBRARY_BUILD_ID_LEN);
}

static int take_out(struct revert *v, struct record *r, struct sut_err *err)
{
	int rc = record_set_state(v->p, r, RECORD_REVERTING, err);

	for (uint32_t i = 0; i < r->head.nplaces && !rc; i++) {
		enum jump_state s;

		if (jump_look(v->p, &r->places[i], &s) == 0 && s == JUMP_THERE)
			rc = jump_take(v->p, &r->places[i], err);
	}
	return rc ? rc : record_set_state(v->p, r, RECORD_REVERTED, err);
}

static int act(void *ctx, const struct threads *t, const struct inside_hit *hits, size_t n,
	       bool last, struct sut_err *err)
{
	struct revert *v = ctx;
	int r = 0;

	(void)t;
	(void)hits;
	(void)last;
	if (n)
		return -EAGAIN;
	for (size_t i = 0; i < v->n && !r; i++)
		if (to_go(v, &v->known[i]))
			r = take_out(v, &v->known[i], err);
	return r;
}

/* *ret_count: of how many mappings; 0: there was nothing. */
static int revert_once(struct run *run, size_t *ret_count, struct sut_err *err)
{
	struct revert v = {.build_id = run->build_id};
	struct quiet q = {.o = run->o, .result = run->result, .act = act, .ctx = &v};
	size_t done, count = 0;
	bool half = false;
	int r;

	r = run_open(run, &v.p, err);
	if (!r)
		r = record_find(v.p, &v.known, &v.n, err);
	for (size_t i = 0; i < v.n && !r; i++)
		half |= !memcmp(v.known[i].head.build_id, v.build_id, SUT_LIBRARY_BUILD_ID_LEN) &&
			half_wants(v.p, &v.known[i]);
	if (!r && half)
		r = half_end(v.p, v.known, v.n, run->o, run->result, &done, err);
	q.p = v.p;
	for (size_t i = 0; i < v.n && !r; i++) {
		struct half_count c;

		if (!to_go(&v, &v.known[i]))
			continue;
		half_count(v.p, &v.known[i], &c);
		if (c.other) {
			r = half_foreign(v.p, &v.known[i], c.first_other, err);
			break;
		}
		count++;
		r = ranges_add_record(&q.ranges, v.p, &v.known[i], NULL, (uint32_t)i, err);
	}
	if (!r && count)
		r = quiet_run(&q, err);
	if (!r)
		*ret_count = count;
	ranges_release(&q.ranges);
	record_free_all(v.known, v.n);
	proc_close(v.p);
	return r;
}

int run_revert(struct run *run, struct sut_err *err)
{
	size_t all = 0, count = 1;
	int r = 0;

	/* Until nothing is left: another patcher may be at work, so that also what does not fit may be his, and fit in a moment. */
	for (int i = 0; i < COLLISIONS_MAX && count; i++) {
		struct timespec moment = {.tv_nsec = 1000000};

		r = revert_once(run, &count, err);
		if (!r)
			all += count;
		else if (r != -EBADMSG || i == COLLISIONS_MAX - 1)
			return r;
		else
			nanosleep(&moment, NULL);
	}
	run->result->mappings = (uint32_t)all;
	snprintf(run->result->reason, sizeof(run->result->reason), "%s",
		 all ? "reverted" : "current");
	return r;
}

int run_repair(struct run *run, struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct record *known = NULL;
	size_t n = 0, done = 0;
	int r;

	r = run_open(run, &p, err);
	if (!r)
		r = record_find(p, &known, &n, err);
	if (!r)
		r = half_end(p, known, n, run->o, run->result, &done, err);
	record_free_all(known, n);
	if (!r) {
		run->result->mappings = (uint32_t)done;
		snprintf(run->result->reason, sizeof(run->result->reason), "%s",
			 done ? "repaired" : "current");
	}
	return r;
}
