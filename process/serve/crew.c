// SPDX-License-Identifier: Apache-2.0
#include "serve/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/proc.h"
#include "serve/serve.h"

enum {
	WORKERS_MAX = 64,
	HANDS_MAX = 2 * WORKERS_MAX, /* with those that take the place of slow ones */
	FEW = 4,		     /* processes that are not worth a thread */
	TICK_MS = 250,
	LEFT_ROOM = 2 * CREW_LEFT_MAX,
};

struct hand {
	struct crew *c;
	pid_t pid; /* that it is at work on; 0: none */
	int64_t since_ms;
	bool slow, left;
};

struct crew {
	struct crew_work work;
	pthread_mutex_t lock; /* all of it */
	pthread_cond_t end;
	unsigned int users; /* threads, and the one who waits for them */
	struct hand hands[HANDS_MAX];
	size_t nhands, running; /* running: without those that were left behind */
	pid_t *pids, *again;
	size_t n, next, done, nagain;
};

/* ---- who was left behind ---- */

static struct {
	pthread_mutex_t lock;
	struct {
		pid_t pid;
		uid_t uid;
	} v[LEFT_ROOM];
	size_t n;
} behind = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uid_t user_of(pid_t pid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) == 0 ? st.st_uid : 0;
}

static void behind_add(pid_t pid)
{
	uid_t uid = user_of(pid);

	pthread_mutex_lock(&behind.lock);
	if (behind.n < LEFT_ROOM) {
		behind.v[behind.n].pid = pid;
		behind.v[behind.n++].uid = uid;
	}
	pthread_mutex_unlock(&behind.lock);
}

static void behind_remove(pid_t pid)
{
	pthread_mutex_lock(&behind.lock);
	for (size_t i = 0; i < behind.n; i++)
		if (behind.v[i].pid == pid) {
			behind.v[i] = behind.v[--behind.n];
			break;
		}
	pthread_mutex_unlock(&behind.lock);
}

/* Would a thread be left behind with this one as well? */
static bool is_hopeless(pid_t pid)
{
	bool same = false;
	size_t of_user = 0;
	uid_t uid;

	pthread_mutex_lock(&behind.lock);
	if (behind.n) {
		uid = user_of(pid);
		for (size_t i = 0; i < behind.n; i++) {
			same = same || behind.v[i].pid == pid;
			of_user += uid && behind.v[i].uid == uid;
		}
		same = same || of_user >= CREW_USER_MAX || (uid && behind.n >= CREW_LEFT_MAX);
	}
	pthread_mutex_unlock(&behind.lock);
	return same;
}

/* ---- one thread ---- */

/* Both with the lock held; it is given back. */
static void leave(struct crew *c)
{
	bool last = --c->users == 0;

	pthread_mutex_unlock(&c->lock);
	if (!last)
		return;
	c->work.drop(c->work.ctx);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->end);
	free(c->pids);
	free(c->again);
	free(c);
}

static void give_up(struct crew *c, pid_t pid)
{
	if (c->work.left)
		c->work.left(c->work.ctx, pid);
}

static int start(struct crew *c, struct hand *h);

static void *worker(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->c;
	struct glance g = {0};
	bool stuck = false;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_mutex_lock(&c->lock);
	while (!h->left && !stuck && c->next < c->n) {
		pid_t pid = c->pids[c->next++];
		bool again = false;

		h->pid = pid;
		h->since_ms = serve_now_ms();
		pthread_mutex_unlock(&c->lock);
		if (is_hopeless(pid))
			give_up(c, pid);
		else
			again = c->work.each(c->work.ctx, pid, &g, &stuck);
		pthread_mutex_lock(&c->lock);
		h->pid = 0;
		if (h->left) {
			behind_remove(pid);
			break;
		}
		h->slow = false;
		c->done++;
		if (again)
			c->again[c->nagain++] = pid;
	}
	if (!h->left) {
		c->running--;
		if (stuck && c->next < c->n)
			(void)!start(c, h);
		pthread_cond_signal(&c->end);
	}
	leave(c);
	glance_release(&g);
	return NULL;
}

/* With the lock held. h: one that is free; NULL: a new one. */
static int start(struct crew *c, struct hand *h)
{
	bool new = !h;
	pthread_attr_t attr;
	pthread_t t;
	int r;

	if (new && c->nhands == HANDS_MAX)
		return -EAGAIN;
	if (new)
		h = &c->hands[c->nhands];
	*h = (struct hand){.c = c};
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&t, &attr, worker, h);
	pthread_attr_destroy(&attr);
	if (r)
		return -r;
	c->nhands += new;
	c->running++;
	c->users++;
	return 0;
}

/* ---- the one who waits ---- */

/* With the lock held; it is given back in between. */
static void look_after(struct crew *c)
{
	int64_t now = serve_now_ms();
	size_t n = c->nhands;

	for (size_t i = 0; i < n; i++) {
		struct hand *h = &c->hands[i];
		pid_t pid = h->pid;

		if (!pid || h->left)
			continue;
		if (!h->slow && now - h->since_ms >= CREW_SLOW_MS) {
			h->slow = true;
			if (c->next < c->n)
				(void)!start(c, NULL);
		}
		if (now - h->since_ms < CREW_LEFT_MS)
			continue;
		h->left = true;
		c->running--;
		c->done++;
		behind_add(pid);
		serve_log("process %d is left alone for now: it does not let itself be looked at",
			  pid);
		pthread_mutex_unlock(&c->lock);
		give_up(c, pid);
		pthread_mutex_lock(&c->lock);
	}
	/* Whoever could have gone on was left behind. */
	if (c->running || c->next == c->n || start(c, NULL) == 0)
		return;
	while (c->next < c->n) {
		pid_t pid = c->pids[c->next++];

		c->done++;
		pthread_mutex_unlock(&c->lock);
		give_up(c, pid);
		pthread_mutex_lock(&c->lock);
	}
}

static void attend(struct crew *c, void (*tick)(void *ctx, size_t done, size_t total), void *ctx)
{
	int64_t looked = serve_now_ms();

	while (c->running || c->next < c->n) {
		int64_t due = looked + TICK_MS;
		struct timespec t = {due / 1000, due % 1000 * 1000000L};

		if (pthread_cond_timedwait(&c->end, &c->lock, &t) != ETIMEDOUT &&
		    serve_now_ms() < due)
			continue;
		looked = serve_now_ms();
		look_after(c);
		if (tick) {
			size_t done = c->done;

			pthread_mutex_unlock(&c->lock);
			tick(ctx, done, c->n);
			pthread_mutex_lock(&c->lock);
		}
	}
}

static struct crew *crew_new(const struct crew_work *work, const pid_t *pids, size_t n)
{
	struct crew *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (c) {
		c->pids = calloc(n + 1, sizeof(*c->pids));
		c->again = calloc(n + 1, sizeof(*c->again));
	}
	if (!c || !c->pids || !c->again) {
		if (c) {
			free(c->pids);
			free(c->again);
		}
		free(c);
		return NULL;
	}
	c->work = *work;
	c->users = 1;
	c->n = n;
	memcpy(c->pids, pids, n * sizeof(*pids));
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->end, &attr);
	pthread_condattr_destroy(&attr);
	return c;
}

int crew_run(const struct crew_work *work, pid_t *pids, size_t n,
	     void (*tick)(void *ctx, size_t done, size_t total), void *tick_ctx, size_t *ret_again)
{
	size_t threads = sut_ncpus();
	struct crew *c;
	int r = 0;

	*ret_again = 0;
	if (!n)
		return 0;
	c = crew_new(work, pids, n);
	if (!c)
		return -ENOMEM;
	if (threads > WORKERS_MAX)
		threads = WORKERS_MAX;
	if (threads > n / FEW)
		threads = n / FEW;
	work->hold(work->ctx);
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < (threads ? threads : 1); i++)
		r = start(c, NULL);
	if (c->running) {
		r = 0;
		attend(c, tick, tick_ctx);
	}
	if (r == 0) {
		memcpy(pids, c->again, c->nagain * sizeof(*pids));
		*ret_again = c->nagain;
	}
	leave(c);
	return r < 0 ? -ENOMEM : 0;
}
