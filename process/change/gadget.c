// SPDX-License-Identifier: Apache-2.0
/* Code of a process that can be borrowed. Where a file has it is found once, not once for each process. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/str.h"
#include "change/frame.h"
#include "change/inject.h"

enum {
	KNOWN_MAX = 64,
	CHUNK = 256 << 10,
	OVERLAP = 16,		/* a gadget may lie across two pieces */
	SEARCH_MAX = 256 << 20, /* bytes of one process */
};

#define NOWHERE UINT64_MAX

/* Offsets from the start of a mapping. */
struct known {
	uint64_t dev, ino, offset, len;
	uint64_t syscall, restore;
};

static struct {
	pthread_mutex_t lock;
	struct known v[KNOWN_MAX];
	size_t next;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool same(const struct known *k, const struct proc_map *m)
{
	return k->ino == m->ino && k->dev == m->dev && k->offset == m->offset &&
	       k->len == m->end - m->start;
}

static bool recall(const struct proc_map *m, struct known *ret)
{
	bool found = false;

	if (!m->ino)
		return false;
	pthread_mutex_lock(&cache.lock);
	for (size_t i = 0; i < KNOWN_MAX && !found; i++) {
		found = cache.v[i].len && same(&cache.v[i], m);
		if (found)
			*ret = cache.v[i];
	}
	pthread_mutex_unlock(&cache.lock);
	return found;
}

static void remember(const struct proc_map *m, const struct known *k)
{
	size_t i;

	/*
	 * What is not there is looked for each time: a process may have taken it out of its own copy of a file, and has no say in what is
	 * found in others. What is there is compared before it is used.
	 */
	if (!m->ino || k->syscall == NOWHERE || k->restore == NOWHERE)
		return;
	pthread_mutex_lock(&cache.lock);
	for (i = 0; i < KNOWN_MAX && !(cache.v[i].len && same(&cache.v[i], m)); i++)
		;
	if (i == KNOWN_MAX)
		i = cache.next++ % KNOWN_MAX;
	cache.v[i] = *k;
	pthread_mutex_unlock(&cache.lock);
}

static int search(const struct proc *p, const struct proc_map *m, struct known *k, uint64_t *budget)
{
	_cleanup_(sut_freep) uint8_t *buf = malloc(CHUNK);

	if (!buf)
		return -ENOMEM;
	*k = (struct known){m->dev, m->ino, m->offset, m->end - m->start, NOWHERE, NOWHERE};
	for (uint64_t at = 0; at < k->len && (k->syscall == NOWHERE || k->restore == NOWHERE);
	     at += CHUNK - OVERLAP) {
		size_t len = k->len - at < CHUNK ? (size_t)(k->len - at) : CHUNK, i;

		if (len > *budget || proc_read(p, m->start + at, buf, len) < 0)
			return 0;
		*budget -= len;
		i = k->syscall == NOWHERE ? frame_find_syscall(buf, len) : SIZE_MAX;
		if (i != SIZE_MAX)
			k->syscall = at + i;
		i = k->restore == NOWHERE ? frame_find_restore(buf, len) : SIZE_MAX;
		if (i != SIZE_MAX)
			k->restore = at + i;
	}
	remember(m, k);
	return 0;
}

/* What is remembered of a file may have been changed in this process. */
static bool there(const struct proc *p, const struct proc_map *m, const struct known *k)
{
	enum { LEN = FRAME_STUB_LEN - 3 };
	uint8_t syscall[LEN], restore[LEN];
	const struct proc_span v[] = {{m->start + k->syscall, syscall, LEN},
				      {m->start + k->restore, restore, LEN}};

	return proc_read_spans(p, v, SUT_ARRAY_SIZE(v)) == 0 &&
	       frame_find_syscall(syscall, LEN) == 0 && frame_find_restore(restore, LEN) == 0;
}

static int look(const struct proc *p, const struct proc_map *m, struct inject_gadgets *g,
		uint64_t *budget)
{
	struct known k;
	int r = 0;

	if (!recall(m, &k) || !there(p, m, &k))
		r = search(p, m, &k, budget);
	if (r < 0)
		return r;
	if (!g->syscall && k.syscall != NOWHERE)
		g->syscall = m->start + k.syscall;
	if (!g->restore && k.restore != NOWHERE)
		g->restore = m->start + k.restore;
	return 0;
}

uint64_t inject_scratch(const struct proc *p, const struct proc_elf *e)
{
	uint64_t at = (e->text_end + 7) & ~(uint64_t)7;
	uint64_t end = (e->text_end + SUT_LIBRARY_PAGE - 1) & ~(uint64_t)(SUT_LIBRARY_PAGE - 1);
	const struct proc_map *m = proc_map_at(p, e->text_end - 1);
	uint8_t rest[SUT_LIBRARY_PAGE];

	if (!m || !m->x || m->w || m->shared || !m->ino || m->end < end || end < at ||
	    end - at < FRAME_STUB_LEN || proc_read(p, at, rest, end - at) < 0)
		return 0;
	for (uint64_t i = 0; i < end - at; i++)
		if (rest[i])
			return 0;
	return at;
}

int inject_find(struct proc *p, uint64_t scratch, struct inject_gadgets *ret, struct sut_err *err)
{
	struct inject_gadgets g = {0};
	uint64_t budget = SEARCH_MAX;
	int r;

	/* First where both are, as a rule. */
	for (int rest = 0; rest < 2; rest++)
		for (size_t i = 0; i < p->nmaps && !(g.syscall && g.restore); i++) {
			const struct proc_map *m = &p->maps[i];
			bool libc = strstr(m->path, "/libc.so") || strstr(m->path, "/libc-") ||
				    strstr(m->path, "/ld-musl");

			if (!m->x || !m->r || libc == (rest == 1) || m->start >> 47)
				continue;
			r = look(p, m, &g, &budget);
			if (r < 0)
				return sut_err_oom(err);
		}
	if (!(g.syscall && g.restore) && scratch) {
		r = proc_write(p, scratch, frame_stub, sizeof(frame_stub), err);
		if (r < 0)
			return r;
		g = (struct inject_gadgets){.syscall = scratch, .restore = scratch + 3};
	}
	if (!g.syscall || !g.restore)
		return sut_err_reason(err, EOPNOTSUPP, "no-gadget",
				      "Process %d (%s) has no code for system calls that could be "
				      "borrowed. Restart it with the updated package.",
				      p->pid, p->comm);
	*ret = g;
	return 0;
}
