// SPDX-License-Identifier: Apache-2.0
#include "sutured/task.h"

#include <errno.h>
#include <string.h>

#include "wire/wire.h"
#include "sutured/net.h"

static void task_free(struct task *t)
{
	if (t->fd >= 0)
		close(t->fd);
	json_decref(t->request);
	free(t);
}

/* Under the lock. */
static bool waits_already(const struct task_queue *q, task_fn run)
{
	for (const struct task *t = q->first; t; t = t->next)
		if (t->run == run && t->fd < 0)
			return true;
	return false;
}

/* Under the lock. */
static bool is_full(const struct net *n, bool other)
{
	const struct task_queue *q = &n->queue;
	size_t others = 0;

	for (const struct task *t = q->first; t; t = t->next)
		others += t->fd >= 0 && !net_is_root(n, t->uid);
	return q->n >= TASK_MAX || (other && others >= TASK_OTHERS_MAX);
}

int task_add(struct net *n, const char *name, task_fn run, int fd, json_t *request, uint32_t uid,
	     struct sut_err *err)
{
	struct task *t = calloc(1, sizeof(*t));
	struct task_queue *q = &n->queue;
	int r = 0;

	if (!t) {
		if (fd >= 0)
			close(fd);
		json_decref(request);
		return sut_err_oom(err);
	}
	*t = (struct task){.name = name, .run = run, .fd = fd, .request = request, .uid = uid};
	pthread_mutex_lock(&n->lock);
	if (q->stop || is_full(n, fd >= 0 && !net_is_root(n, uid))) {
		r = -EBUSY;
	} else if (fd >= 0 || !waits_already(q, run)) {
		if (q->last)
			q->last->next = t;
		else
			q->first = t;
		q->last = t;
		q->n++;
		t = NULL;
		pthread_cond_signal(&q->some);
	}
	pthread_mutex_unlock(&n->lock);
	if (t)
		task_free(t);
	return r < 0 ? sut_err_reason(
			       err, EBUSY, "busy",
			       "the agent has too much to do just now. Try again in a minute")
		     : 0;
}

void task_post(struct net *n, const char *name, task_fn run)
{
	struct sut_err err;

	if (run && task_add(n, name, run, -1, NULL, 0, &err) < 0)
		net_log(NET_WARNING, "%s: %s", name, err.msg);
}

struct task *task_take(struct net *n, bool wait)
{
	struct task_queue *q = &n->queue;
	struct task *t;

	pthread_mutex_lock(&n->lock);
	while (wait && !q->first && !q->stop)
		pthread_cond_wait(&q->some, &n->lock);
	t = q->stop ? NULL : q->first;
	if (t) {
		q->first = t->next;
		if (!q->first)
			q->last = NULL;
		q->n--;
		q->now = t;
	}
	pthread_mutex_unlock(&n->lock);
	return t;
}

void task_done(struct net *n, struct task *t)
{
	struct sut_err err;

	if (t->fd >= 0 && !t->answered) {
		sut_err_set(&err, EIO,
			    "the agent did not finish this; see 'journalctl -u sutured'");
		task_fail(t, &err, NULL);
	}
	pthread_mutex_lock(&n->lock);
	n->queue.now = NULL;
	pthread_mutex_unlock(&n->lock);
	task_free(t);
}

bool task_idle(struct net *n)
{
	bool idle;

	pthread_mutex_lock(&n->lock);
	idle = !n->queue.first && !n->queue.now;
	pthread_mutex_unlock(&n->lock);
	return idle;
}

void task_stop(struct net *n)
{
	pthread_mutex_lock(&n->lock);
	n->queue.stop = true;
	pthread_cond_broadcast(&n->queue.some);
	pthread_mutex_unlock(&n->lock);
}

void task_drop_all(struct net *n)
{
	struct task *t;

	while ((t = n->queue.first)) {
		n->queue.first = t->next;
		task_free(t);
	}
	n->queue.last = NULL;
	n->queue.n = 0;
}

/* ------------------------------------------------------------------ */

/* He is gone, or does not read: nobody waits any more. */
static void hang_up(struct task *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void task_progress(struct task *t, const char *step, const char *state, const char *text,
		   uint64_t done, uint64_t total)
{
	if (t && t->note)
		t->note(t->note_ctx, step, state, text);
	if (t && t->fd >= 0 && !t->answered &&
	    wire_progress(t->fd, step, state, text, done, total) < 0)
		hang_up(t);
}

void task_ok(struct task *t, json_t *answer)
{
	if (!t || t->fd < 0 || t->answered) {
		json_decref(answer);
		return;
	}
	t->answered = true;
	if (wire_ok(t->fd, answer) < 0)
		hang_up(t);
}

void task_fail(struct task *t, const struct sut_err *e, json_t *more)
{
	if (!t || t->fd < 0 || t->answered) {
		json_decref(more);
		return;
	}
	t->answered = true;
	if (wire_fail(t->fd, e, more) < 0)
		hang_up(t);
}
