// SPDX-License-Identifier: Apache-2.0
#include "sutured/worker.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 512 << 10, STOP_S = 1 };

/*
 * The pages of code and constants of one library: the next use reads them again from the page cache. They are never written
 * to, so nothing is lost; what a loader has relocated lies in segments that can be.
 */
static int drop_code(struct dl_phdr_info *i, size_t size _unused_, void *ctx _unused_)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (size_t k = 0; k < i->dlpi_phnum; k++) {
		const ElfW(Phdr) *p = &i->dlpi_phdr[k];
		uintptr_t from = (i->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = (i->dlpi_addr + p->p_vaddr + p->p_memsz + page - 1) & ~(page - 1);

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

/* Until the next heartbeat others can make better use of it. */
static void give_back(struct net *n)
{
	net_http_drop(n);
	malloc_trim(0);
	(void)dl_iterate_phdr(drop_code, NULL);
}

static void run(struct net *n, struct task *t)
{
	t->run(n, t);
	state_save(n);
	task_done(n, t);
	if (task_idle(n))
		give_back(n);
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
	/* Not by the wall clock, which may be set just now. */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_S;
	return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}
