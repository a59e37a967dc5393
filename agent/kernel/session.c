// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

enum { FIRST_WAIT_MS = 250, LAST_WAIT_MS = 15000 };

static volatile sig_atomic_t interrupted;

int sut_session_need_root(const char *what, struct sut_err *err)
{
	if (geteuid() == 0)
		return 0;
	return sut_err_reason(err, EPERM, "not-root", "%s needs root. Run it with sudo", what);
}

int sut_session_lock(const char *path, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;

	for (int i = 0; fd < 0 && i < 2; i++) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		/* A rescue system may have no /run yet. */
		if (fd < 0 && errno == ENOENT && i == 0)
			(void)!mkdir("/run", 0755);
	}
	if (fd < 0)
		return sut_err_errno(err, "cannot open the lock %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return sut_err_reason(err, EBUSY, "locked",
					      "another suture is at work (it holds %s). Wait until "
					      "it is done",
					      path);
		return sut_err_errno(err, "cannot lock %s", path);
	}
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}

static void on_signal(int sig)
{
	interrupted = sig;
}

void sut_session_catch_signals(void)
{
	/* Without SA_RESTART: a signal ends the wait it arrives in. */
	const struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

int sut_session_interrupted(void)
{
	return interrupted;
}

unsigned int sut_session_backoff_ms(unsigned int n)
{
	unsigned int ms = FIRST_WAIT_MS;

	for (unsigned int i = 1; i < n && ms < LAST_WAIT_MS; i++)
		ms *= 2;
	return ms < LAST_WAIT_MS ? ms : LAST_WAIT_MS;
}

static bool wait_ms(unsigned int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (!interrupted && nanosleep(&t, &t) < 0 && errno == EINTR)
		;
	return !interrupted;
}

static void tell_busy(const struct sut_report *r, unsigned int attempts, unsigned int wait)
{
	const struct suture_busy_task *t = &r->result.busy[0];
	const char *where = *t->func ? t->func : "code whose stack cannot be read";

	if (r->result.nbusy)
		sut_report_progress(
			r->command, "attempt %u of %u: PID %d (%s) is inside %s%s; again in %.2f s",
			r->attempts, attempts, t->pid, t->comm, where,
			r->result.nbusy > 1 ? ", and it is not alone" : "", wait / 1000.0);
	else
		sut_report_progress(r->command, "attempt %u of %u: busy; again in %.2f s",
				    r->attempts, attempts, wait / 1000.0);
}

int sut_session_switch(struct sut_report *r, const struct sut_engine *e, unsigned int attempts,
		       sut_attempt_fn *once, const void *arg)
{
	for (;;) {
		unsigned int wait;
		int k;

		if (interrupted)
			return sut_err_reason(&r->err, EINTR, "interrupted",
					      "interrupted by signal %d. Nothing was changed",
					      (int)interrupted);
		r->attempts++;
		k = once(e, arg, &r->result, &r->err);
		if (k == 0) {
			r->err.code = 0;
			return 0;
		}
		if ((r->result.outcome != SUTURE_E_BUSY &&
		     r->result.outcome != SUTURE_E_UNRELIABLE) ||
		    r->attempts >= attempts)
			return k;
		wait = sut_session_backoff_ms(r->attempts);
		if (!r->json)
			tell_busy(r, attempts, wait);
		if (!wait_ms(wait))
			continue;
	}
}

bool sut_session_parse_attempts(const char *s, unsigned int *ret)
{
	uint64_t n;

	if (sut_parse_u64(s, SUT_ATTEMPTS_MAX, &n) < 0 || n == 0)
		return false;
	*ret = (unsigned int)n;
	return true;
}
