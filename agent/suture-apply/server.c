// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "wire/wire.h"
#include "kernel/session.h"
#include "verb.h"

enum { TAKE_MAX = 8192 }; /* more than systemd lets wait outside */

static void too_long(int sig _unused_)
{
	static const char text[] = "<3>a call takes longer than it may; ending\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

/* Who may ask at all. Who runs us is root for tests that are not. */
static int check_peer(const struct server *s, const struct ucred *peer, bool *ret_root,
		      struct sut_err *err)
{
	*ret_root = peer->uid == 0 || peer->uid == geteuid();
	if (*ret_root || (s->agent != (uid_t)-1 && peer->uid == s->agent))
		return 0;
	return sut_err_reason(err, EACCES, "not-root",
			      "only root and sutured may speak to suture-apply. Run it with sudo");
}

static void answer(int fd, int r, const struct sut_err *e, json_t *j)
{
	json_t *small;
	int sent;

	if (r < 0)
		sent = wire_fail(fd, e, json_incref(j));
	else
		sent = wire_ok(fd, json_incref(j));
	if (sent == -EMSGSIZE) {
		/* A patch with thousands of CVEs: whoever wants the state asks for it. */
		(void)!json_object_del(j, "state");
		(void)!json_object_del(json_object_get(json_object_get(j, "result"), "patch"),
				       "cves");
		small = json_incref(j);
		sent = r < 0 ? wire_fail(fd, e, small) : wire_ok(fd, small);
	}
	if (sent < 0 && sent != -EPIPE)
		apply_log(LOG_WARNING, "the answer cannot be sent: %s", strerror(-sent));
}

void server_call(struct apply *a, const struct server *s, int fd)
{
	struct verb_call c = {.fds = {.n = 0}};
	struct sut_err err = {0};
	json_t *request = NULL, *j = NULL;
	struct ucred peer;
	int r = wire_peer(fd, &peer, &err);

	if (r == 0)
		r = check_peer(s, &peer, &c.root, &err);
	if (r == 0)
		r = wire_receive(fd, s->request_ms, &request, &c.fds, &err);
	if (r == 0) {
		c.uid = peer.uid;
		c.request = request;
		j = json_object();
		a->client = fd;
		r = j ? verb_run(a, &c, j, &err) : sut_err_oom(&err);
		a->client = -1;
	}
	/* Somebody who only looked whether we are there. */
	if (r != -ECONNRESET)
		answer(fd, r, &err, j);
	wire_fds_release(&c.fds);
	json_decref(a->steps);
	a->steps = NULL;
	json_decref(j);
	json_decref(request);
}

/* ------------------------------------------------------------------ */
/* who is next                                                         */

/* Those that have not said yet what they want. */
struct waiting {
	struct {
		int fd;
		bool root;
		int64_t until; /* ms */
	} of[SERVER_WAITING];
	size_t n, agents;
};

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int take_out(struct waiting *w, size_t i)
{
	int fd = w->of[i].fd;

	w->agents -= !w->of[i].root;
	w->n--;
	memmove(&w->of[i], &w->of[i + 1], (w->n - i) * sizeof(w->of[0]));
	return fd;
}

static void refuse(int fd, const struct sut_err *e)
{
	(void)wire_fail(fd, e, NULL);
	close(fd);
}

/* Takes fd over. sutured has a few places of its own, so that it cannot take up those of root. */
static void put_in(struct waiting *w, const struct server *s, int fd)
{
	struct sut_err err = {0};
	struct ucred peer;
	bool root = false;
	int r = wire_peer(fd, &peer, &err);

	if (r == 0)
		r = check_peer(s, &peer, &root, &err);
	if (r == 0 && (w->n == SERVER_WAITING || (!root && w->agents == SERVER_WAITING_AGENT)))
		r = sut_err_reason(&err, EBUSY, "busy",
				   "too many ask suture-apply at once. Try again in a minute");
	if (r < 0) {
		refuse(fd, &err);
		return;
	}
	w->of[w->n].fd = fd;
	w->of[w->n].root = root;
	w->of[w->n++].until = clock_ms() + s->request_ms;
	w->agents += !root;
}

/* Everybody who waits outside: root may be behind many others. */
static int take_in(struct waiting *w, const struct server *s, struct sut_err *err)
{
	for (int i = 0; i < TAKE_MAX; i++) {
		struct pollfd p = {.fd = s->listener, .events = POLLIN};
		int fd;

		if (poll(&p, 1, 0) <= 0)
			break;
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			put_in(w, s, fd);
		else if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
			return sut_err_errno(err, "cannot take a call");
	}
	return 0;
}

/* Those who have been silent for too long are told so. The time until the next one is, ms; -1: nobody waits. */
static int64_t patience(struct waiting *w)
{
	int64_t now = clock_ms(), first = -1;
	struct sut_err err = {0};

	(void)!sut_err_reason(&err, ETIMEDOUT, "timeout",
			      "nothing was asked in time, so that others get their turn");
	for (size_t i = 0; i < w->n;) {
		if (w->of[i].until <= now) {
			refuse(take_out(w, i), &err);
			continue;
		}
		if (first < 0 || w->of[i].until - now < first)
			first = w->of[i].until - now;
		i++;
	}
	return first;
}

/* The one who is served next, root before sutured; -1: nobody has said yet what he wants. */
static int next(struct waiting *w)
{
	struct pollfd p[SERVER_WAITING];
	size_t found = w->n;

	for (size_t i = 0; i < w->n; i++)
		p[i] = (struct pollfd){.fd = w->of[i].fd, .events = POLLIN};
	if (w->n == 0 || poll(p, w->n, 0) <= 0)
		return -1;
	for (size_t i = w->n; i-- > 0;)
		if (p[i].revents && (found == w->n || w->of[i].root >= w->of[found].root))
			found = i;
	return found == w->n ? -1 : take_out(w, found);
}

/* Until somebody comes or says something: 1, 0 (nobody did, or a signal), -errno. Signals only get through in here. */
static int wait_for_call(struct waiting *w, const struct server *s, const sigset_t *open,
			 struct sut_err *err)
{
	int64_t ms = patience(w);
	struct pollfd p[1 + SERVER_WAITING] = {{.fd = s->listener, .events = POLLIN}};
	bool nobody = ms < 0;
	struct timespec t;
	int n;

	if (sut_session_interrupted())
		return 0;
	if (nobody)
		ms = s->idle_ms;
	t = (struct timespec){ms / 1000, (long)(ms % 1000) * 1000000};
	for (size_t i = 0; i < w->n; i++)
		p[1 + i] = (struct pollfd){.fd = w->of[i].fd, .events = POLLIN};
	n = ppoll(p, 1 + w->n, &t, open);
	if (n < 0 && errno != EINTR)
		return sut_err_errno(err, "cannot wait for calls");
	return n > 0 || (n == 0 && !nobody);
}

int server_run(struct apply *a, const struct server *s, struct sut_err *err)
{
	const struct sigaction late = {.sa_handler = too_long};
	struct waiting w = {.n = 0};
	sigset_t ours, open;
	int r;

	sut_session_catch_signals();
	sigaction(SIGALRM, &late, NULL);
	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, &open);
	while ((r = wait_for_call(&w, s, &open, err)) > 0) {
		int fd;

		r = take_in(&w, s, err);
		if (r < 0)
			break;
		fd = next(&w);
		if (fd < 0)
			continue;
		/* What waits for tasks to leave the old code is ended by a signal; nothing else is. */
		sigprocmask(SIG_SETMASK, &open, NULL);
		alarm(SERVER_CALL_S);
		server_call(a, s, fd);
		alarm(0);
		sigprocmask(SIG_BLOCK, &ours, NULL);
		close(fd);
	}
	sigprocmask(SIG_SETMASK, &open, NULL);
	while (w.n)
		close(take_out(&w, 0));
	return r;
}
