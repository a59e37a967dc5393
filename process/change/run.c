// SPDX-License-Identifier: Apache-2.0
#include "change/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "change/lock.h"
#include "change/why.h"

enum { LOCK_MS = 500 };

struct call {
	struct run run;
	int (*fn)(struct run *run, struct sut_err *err);
	struct sut_err err;
	int ret;
};

int run_open(const struct run *run, struct proc **ret, struct sut_err *err)
{
	struct proc *p;
	int r = 0;

	if (run->pid == 1 && !(run->o && run->o->init))
		return sut_err_reason(err, EOPNOTSUPP, "init",
				      "PID 1 is left alone; --include-init has it changed as well");
	if (run->pid == getpid())
		return sut_err_reason(err, EOPNOTSUPP, "excluded",
				      "the patcher (process %d) does not change itself", run->pid);
	if (run->o && run->o->seen && run->o->seen->p && run->o->seen->pid == run->pid)
		p = sut_steal(run->o->seen->p);
	else
		r = proc_open(run->pid, &p, err);
	if (r < 0)
		return r;
	if (p->tracer && !run->held) {
		r = why_not_seized(run->pid, p->task, err);
		proc_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

static void *on_thread(void *arg)
{
	struct call *c = arg;

	c->ret = c->fn(&c->run, &c->err);
	return NULL;
}

/*
 * Who can't be given back, because he sleeps where no signal reaches him, is given back by the kernel when the thread that has seized him
 * ends. So that is not the caller's.
 */
static int on_own_thread(struct call *c)
{
	sigset_t all, old;
	pthread_t t;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&t, NULL, on_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return sut_err_set(&c->err, r, "no thread for process %d: %s", c->run.pid,
				   strerror(r));
	pthread_join(t, NULL);
	return c->ret;
}

/* Is there anybody left whom this thread has seized? It has no children of its own. */
static bool holds_somebody(void)
{
	siginfo_t si;

	return waitid(P_ALL, 0, &si,
		      WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD) == 0 ||
	       errno != ECHILD;
}

static bool passes(const char *reason)
{
	static const char *const passing[] = {"busy",	"deadline", "traced",
					      "frozen", "gone",	    "uninterruptible"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(passing); i++)
		if (sut_streq(reason, passing[i]))
			return true;
	return false;
}

static int call(struct call *c, struct proc_result *result, struct sut_err *err)
{
	bool here = c->run.o && c->run.o->here;
	uint64_t before = sut_now_ns();
	int lock = -1, r;

	*result = (struct proc_result){0};
	c->run.result = result;
	/* Who is held by a thread of ours cannot be waited for by another one. */
	r = lock_process(c->run.pid, c->run.held ? 0 : LOCK_MS, here, &lock, &c->err);
	if (r == 0 && (c->run.held || here)) {
		on_thread(c);
		r = c->ret;
		result->stuck = !c->run.held && holds_somebody();
	} else if (r == 0) {
		r = on_own_thread(c);
	}
	lock_release(c->run.pid, here, lock);
	result->total_ns = sut_now_ns() - before;
	if (r < 0) {
		snprintf(result->reason, sizeof(result->reason), "%.31s",
			 c->err.reason[0] ? c->err.reason : "error");
		snprintf(result->text, sizeof(result->text), "%.255s", c->err.msg);
		/* Also when it was we who could not. */
		result->again =
			passes(result->reason) ||
			(!c->err.reason[0] && (r == -ENOMEM || r == -EMFILE || r == -ENFILE));
		if (err)
			*err = c->err;
	}
	return r;
}

int proc_apply(pid_t pid, const struct proc_patch *p, const struct proc_options *o,
	       struct proc_result *r, struct sut_err *err)
{
	struct call c = {.run = {.pid = pid, .patch = p, .o = o}, .fn = run_apply};

	return call(&c, r, err);
}

int proc_apply_held(pid_t pid, pid_t tid, const struct proc_patch *p, const struct proc_options *o,
		    struct proc_result *r, struct sut_err *err)
{
	struct call c = {.run = {.pid = pid, .held = tid, .patch = p, .o = o}, .fn = run_apply};

	return call(&c, r, err);
}

int proc_revert(pid_t pid, const uint8_t build_id[static SUT_LIBRARY_BUILD_ID_LEN],
		const struct proc_options *o, struct proc_result *r, struct sut_err *err)
{
	struct call c = {.run = {.pid = pid, .build_id = build_id, .o = o}, .fn = run_revert};

	return call(&c, r, err);
}

int proc_repair(pid_t pid, const struct proc_options *o, struct proc_result *r, struct sut_err *err)
{
	struct call c = {.run = {.pid = pid, .o = o}, .fn = run_repair};

	return call(&c, r, err);
}
