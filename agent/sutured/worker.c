// SPDX-License-Identifier: Apache-2.0
#include "sutured/worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { STACK = 512 << 10, STOP_S = 5 };

static void run(struct net *n, struct task *t)
{
	t->run(n, t);
	state_save(n);
	task_done(n, t);
	/* Connections and what they needed are given back until the next heartbeat. */
	if (task_idle(n)) {
		net_http_drop(n);
		malloc_trim(0);
	}
}

static void *work(void *arg)
{
	struct net *n = arg;
	struct task *t;

	while ((t = task_take(n, true)))
		run(n, t);
	return NULL;
}

void worker_drain(struct net *n)
{
	struct task *t;

	while ((t = task_take(n, false)))
		run(n, t);
}

int worker_start(struct net *n, pthread_t *ret, struct sut_err *err)
{
	sigset_t all, old;
	pthread_attr_t a;
	int r;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&a);
	r = pthread_attr_setstacksize(&a, STACK);
	if (r == 0)
		r = pthread_create(ret, &a, work, n);
	pthread_attr_destroy(&a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		return 0;
	errno = r;
	return sut_err_errno(err, "cannot start a thread");
}

bool worker_stop(struct net *n, pthread_t thread)
{
	struct timespec until;

	task_stop(n);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}
