// SPDX-License-Identifier: Apache-2.0
/* Where in a process new code can lie. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "look/proc.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE ((uint64_t)SUT_LIBRARY_PAGE)
/* Below lies what catches null pointers with an offset. */
#define LOWEST MIB
#define HIGHEST UINT64_C(0x7ffffffff000)
/* A rel32 and the length of an instruction: with something to spare. */
#define REACH ((UINT64_C(1) << 31) - (UINT64_C(1) << 16))

/* What is left free below a stack and above the heap. First generously, then what does no harm at once. */
static const struct room {
	uint64_t stack, anon, heap;
} rooms[] = {{1024 * MIB, 2 * MIB, 1024 * MIB}, {256 * MIB, PAGE, 64 * MIB}};

struct search {
	uint64_t low, high, len;
	uint64_t best, distance;
	bool found;
};

/* Looks whether [lo, hi) has a place that is nearer than the best so far. */
static void consider(struct search *s, uint64_t lo, uint64_t hi)
{
	uint64_t at, distance;

	/* Everything between the two ends must be within reach of everything. */
	if (s->high > REACH && lo < s->high - REACH)
		lo = s->high - REACH;
	if (hi > s->low + REACH)
		hi = s->low + REACH;
	lo = (lo + PAGE - 1) & ~(PAGE - 1);
	hi &= ~(PAGE - 1);
	if (lo >= hi || hi - lo < s->len)
		return;
	if (hi <= s->low) {
		at = hi - s->len;
		distance = s->low - hi;
	} else if (lo >= s->high) {
		at = lo;
		distance = lo - s->high;
	} else {
		/* Between two segments of the target itself. */
		at = lo;
		distance = 0;
	}
	if (s->found && distance >= s->distance)
		return;
	s->found = true;
	s->best = at;
	s->distance = distance;
}

static bool anonymous(const struct proc_map *m)
{
	return !m->ino && (!m->path[0] || sut_startswith(m->path, "[anon"));
}

/* One page stays free on each side: mappings that touch may become one, and then the record is not at the start of its own. */
static void gap(struct search *s, const struct proc *p, const struct room *r,
		const struct proc_map *before, const struct proc_map *after)
{
	uint64_t lo = before ? before->end : LOWEST;
	uint64_t hi = after && after->start < HIGHEST ? after->start : HIGHEST;
	uint64_t keep = PAGE;

	if (lo < LOWEST)
		lo = LOWEST;
	if (lo >= hi)
		return;
	if (after && sut_streq(after->path, "[stack]"))
		keep = r->stack;
	else if (after && anonymous(after) && after->w && !after->shared)
		keep = r->anon; /* may be a stack that grows downwards: nothing tells */
	if (hi - lo <= keep)
		return;
	hi -= keep;
	if (before && sut_streq(before->path, "[heap]")) {
		consider(s, lo + r->heap, hi);
	} else if (p->start_brk >= lo && p->start_brk < hi) {
		/* No heap yet: it will begin there. */
		consider(s, lo + PAGE, p->start_brk - PAGE);
		consider(s, p->start_brk + r->heap, hi);
	} else {
		consider(s, before ? lo + PAGE : lo, hi);
	}
}

int proc_hole(const struct proc *p, uint64_t low, uint64_t high, uint64_t len, uint64_t *ret,
	      struct sut_err *err)
{
	struct search s = {
		.low = low, .high = high, .len = (len + PAGE - 1) & ~(PAGE - 1), .best = 0};

	if (!len || len > REACH || low >= high || high > HIGHEST || high - low > REACH)
		return sut_err_reason(
			err, ENOMEM, "no-room",
			"The file is mapped so widely that new code cannot reach all of it.");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(rooms) && !s.found; i++)
		for (size_t k = 0; k <= p->nmaps; k++)
			gap(&s, p, &rooms[i], k ? &p->maps[k - 1] : NULL,
			    k < p->nmaps ? &p->maps[k] : NULL);
	if (!s.found)
		return sut_err_reason(err, ENOMEM, "no-room",
				      "Process %d has no free range of %" PRIu64
				      " KiB within 2 GiB of the file at %#" PRIx64
				      ". Restart it with the updated package.",
				      p->pid, s.len / 1024, low);
	*ret = s.best;
	return 0;
}
