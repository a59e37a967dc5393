// SPDX-License-Identifier: Apache-2.0
#include "web/hold.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "web/pool.h"

enum {
	SLOTS = 4096,	/* of the table by key */
	RECENT = 1024,	/* wakes that are remembered for those that run meanwhile */
	LOOK_MS = 1000, /* deadlines are looked at so often */
	GONE_LOOKS = 5, /* and clients each so many times */
};

struct hold {
	struct server *s;
	pthread_mutex_t lock;
	pthread_cond_t work; /* ready, room, stop */
	struct web_job *slot[SLOTS];
	size_t parked, max;
	struct web_job *ready, **ready_tail;
	size_t running;
	uint64_t wakes; /* counted */
	int64_t recent[RECENT];
	bool stopping, over, started;
	pthread_t thread;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- with the lock held --- */

static struct web_job **slot_of(struct hold *h, int64_t key)
{
	uint64_t x = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return &h->slot[(x >> 32) % SLOTS];
}

static void make_ready(struct hold *h, struct web_job *j)
{
	j->next = NULL;
	*h->ready_tail = j;
	h->ready_tail = &j->next;
	pthread_cond_broadcast(&h->work);
}

/* Takes *at out of its slot. */
static void unpark(struct hold *h, struct web_job **at, bool last)
{
	struct web_job *j = *at;

	*at = j->next;
	h->parked--;
	j->q.last_try = last;
	make_ready(h, j);
}

/* Was its key woken since it began to run? */
static bool was_woken(const struct hold *h, const struct web_job *j)
{
	if (h->wakes - j->hold.seen >= RECENT)
		return true;
	for (uint64_t i = j->hold.seen; i < h->wakes; i++)
		if (h->recent[i % RECENT] == j->q.wait_key)
			return true;
	return false;
}

static void look_at_all(struct hold *h, bool clients)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < SLOTS; i++)
		for (struct web_job **at = &h->slot[i]; *at;) {
			struct web_job *j = *at;

			if (h->stopping || now >= j->hold.until_ms ||
			    (clients && j->gone && j->gone(j)))
				unpark(h, at, true);
			else
				at = &j->next;
		}
}

static struct web_job *take_ready(struct hold *h)
{
	struct web_job *j = h->running < HOLD_AT_ONCE ? h->ready : NULL;

	if (!j)
		return NULL;
	h->ready = j->next;
	if (!h->ready)
		h->ready_tail = &h->ready;
	h->running++;
	return j;
}

/* --- */

static void *hold_main(void *arg)
{
	struct hold *h = arg;
	int64_t next = now_ms() + LOOK_MS;
	unsigned int looks = 0;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		struct timespec until = {.tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000};
		struct web_job *j = take_ready(h);

		if (j) {
			pthread_mutex_unlock(&h->lock);
			web_job_again(j);
			j->hold.held = true;
			j->q.now = h->s->clock(h->s->clock_ctx);
			pool_submit(h->s->pool, j, WEB_READER);
			pthread_mutex_lock(&h->lock);
			continue;
		}
		if (h->over && !h->ready && !h->running)
			break;
		if (now_ms() >= next) {
			look_at_all(h, ++looks % GONE_LOOKS == 0);
			next = now_ms() + LOOK_MS;
			continue;
		}
		if (h->parked)
			pthread_cond_timedwait(&h->work, &h->lock, &until);
		else
			pthread_cond_wait(&h->work, &h->lock);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

void hold_begin(struct hold *h, struct web_job *j)
{
	pthread_mutex_lock(&h->lock);
	j->hold.seen = h->wakes;
	pthread_mutex_unlock(&h->lock);
}

bool hold_park(struct hold *h, struct web_job *j)
{
	int64_t sec = j->q.wait_until - j->q.now, now = now_ms();
	struct web_job **at;
	bool ok;

	/* However often it runs, it waits no longer than it said first. */
	if (!j->hold.until_ms)
		j->hold.until_ms = now + 1000 * (sec < 0	      ? 0
						 : sec > HOLD_SEC_MAX ? HOLD_SEC_MAX
								      : sec);
	pthread_mutex_lock(&h->lock);
	ok = !h->stopping && h->parked < h->max && now < j->hold.until_ms;
	if (ok && !h->started)
		ok = h->started = pthread_create(&h->thread, NULL, hold_main, h) == 0;
	if (ok && was_woken(h, j)) {
		make_ready(h, j);
	} else if (ok) {
		at = slot_of(h, j->q.wait_key);
		j->next = *at;
		*at = j;
		if (!h->parked++)
			pthread_cond_broadcast(&h->work);
	}
	pthread_mutex_unlock(&h->lock);
	return ok;
}

void hold_ran(struct hold *h)
{
	pthread_mutex_lock(&h->lock);
	h->running--;
	if (h->ready || h->over)
		pthread_cond_broadcast(&h->work);
	pthread_mutex_unlock(&h->lock);
}

void hold_wake(struct hold *h, const int64_t *keys, size_t n)
{
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		h->recent[h->wakes++ % RECENT] = keys[i];
		for (struct web_job **at = slot_of(h, keys[i]); *at;)
			if ((*at)->q.wait_key == keys[i])
				unpark(h, at, false);
			else
				at = &(*at)->next;
	}
	pthread_mutex_unlock(&h->lock);
}

void hold_wake_all(struct hold *h)
{
	pthread_mutex_lock(&h->lock);
	h->wakes += RECENT;
	for (size_t i = 0; i < SLOTS; i++)
		while (h->slot[i])
			unpark(h, &h->slot[i], false);
	pthread_mutex_unlock(&h->lock);
}

size_t hold_count(struct hold *h)
{
	size_t n;

	if (!h)
		return 0;
	pthread_mutex_lock(&h->lock);
	n = h->parked;
	pthread_mutex_unlock(&h->lock);
	return n;
}

int hold_new(struct server *s, unsigned int max, struct hold **ret, struct sut_err *err)
{
	struct hold *h = calloc(1, sizeof(*h));
	pthread_condattr_t a;

	if (!h)
		return sut_err_oom(err);
	h->s = s;
	h->max = max;
	h->ready_tail = &h->ready;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&h->work, &a);
	pthread_condattr_destroy(&a);
	*ret = h;
	return 0;
}

void hold_stop(struct hold *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	look_at_all(h, false);
	pthread_mutex_unlock(&h->lock);
}

void hold_drain(struct hold *h)
{
	if (!h)
		return;
	hold_stop(h);
	pthread_mutex_lock(&h->lock);
	h->over = true;
	pthread_cond_broadcast(&h->work);
	pthread_mutex_unlock(&h->lock);
	if (h->started)
		pthread_join(h->thread, NULL);
	h->started = false;
}

void hold_free(struct hold *h)
{
	if (!h)
		return;
	hold_drain(h);
	pthread_cond_destroy(&h->work);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void web_wake(struct server *s, int64_t key)
{
	hold_wake(s->hold, &key, 1);
}

int web_wake_later(struct web_req *q, int64_t key, struct sut_err *err)
{
	struct web_job *j = q->job;
	int64_t *more;

	if (!j) {
		web_wake(q->server, key);
		return 0;
	}
	if (j->nwakes == j->wakes_max) {
		size_t n = j->wakes_max ? 2 * j->wakes_max : 4;

		more = reallocarray(j->wakes, n, sizeof(*more));
		if (!more)
			return sut_err_oom(err);
		j->wakes = more;
		j->wakes_max = n;
	}
	j->wakes[j->nwakes++] = key;
	return 0;
}
