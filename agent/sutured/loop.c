// SPDX-License-Identifier: Apache-2.0
#include "sutured/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "wire/wire.h"
#include "sutured/checkin.h"
#include "sutured/verb.h"

enum { SIGNALS, TIMER, NOTIFY, LISTENER, PEERS };

int loop_init(struct loop *l, struct net *n, int listener, struct sut_err *err)
{
	const struct agent_path run = agent_path(n->root, AGENT_RUN);
	sigset_t set;

	*l = (struct loop){.n = n, .listener = listener, .signals = -1, .notify = -1};
	for (size_t i = 0; i < LOOP_CONNECTIONS; i++)
		l->peers[i].fd = -1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return sut_err_errno(err, "cannot block signals");
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	n->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->signals < 0 || n->timer < 0)
		return sut_err_errno(err, "cannot make a timer");
	/* A machine without the folder, or without room for one more watch: heartbeats tell it, too. */
	l->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->notify >= 0 && inotify_add_watch(l->notify, run.s, IN_MOVED_TO) < 0) {
		close(l->notify);
		l->notify = -1;
	}
	return 0;
}

void loop_release(struct loop *l)
{
	for (size_t i = 0; i < LOOP_CONNECTIONS; i++)
		sut_closep(&l->peers[i].fd);
	sut_closep(&l->signals);
	sut_closep(&l->notify);
}

void loop_due(struct net *n)
{
	static const char *const names[NET_DUES] = {
		[NET_DUE_CHECKIN] = "check-in", [NET_DUE_CHECK] = "check",
		[NET_DUE_SETTLE] = "settle",	[NET_DUE_APPLY] = "apply",
		[NET_DUE_JOB] = "job",
	};
	bool due[NET_DUES];

	net_due_take(n, due);
	for (size_t i = 0; i < NET_DUES; i++)
		if (due[i])
			task_post(n, names[i], n->on_due[i]);
}

/* ------------------------------------------------------------------ */
/* Those who want something */

static bool may(const struct net *n, const struct verb *v, uid_t uid)
{
	return v->all || net_is_root(n, uid);
}

/* Takes fd and request over. */
static void serve(struct net *n, int fd, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "verb"));
	const struct verb *v = name ? verb_find(name) : NULL;
	struct ucred who = {.uid = (uid_t)-1};
	json_t *answer = NULL;
	struct sut_err err = {0};
	int r = wire_peer(fd, &who, &err);

	if (r == 0 && !v)
		r = sut_err_reason(&err, EOPNOTSUPP, "protocol",
				   "the agent does not know '%.40s'. Are all its programs of the "
				   "same version?",
				   name ? name : "");
	if (r == 0 && !may(n, v, who.uid))
		r = sut_err_reason(&err, EACCES, "not-root",
				   "only root may do this. Run it with sudo");
	if (r == 0 && v->run) {
		/* An answer of "no" goes out by a copy: fd is gone then. */
		int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

		r = task_add(n, v->name, v->run, fd, request, who.uid, &err);
		fd = copy;
		request = NULL;
		if (r == 0) {
			sut_closep(&fd);
			return;
		}
	} else if (r == 0) {
		r = v->now(n, request, &answer, &err);
	}
	if (fd >= 0)
		(void)(r < 0 ? wire_fail(fd, &err, NULL) : wire_ok(fd, answer));
	sut_closep(&fd);
	json_decref(request);
}

static void hear(struct loop *l, size_t i)
{
	json_t *request = NULL;
	struct sut_err err = {0};
	int fd = l->peers[i].fd;
	int r = wire_receive(fd, 0, &request, NULL, &err);

	l->peers[i].fd = -1;
	if (r == 0) {
		serve(l->n, fd, request);
		return;
	}
	if (r != -ECONNRESET)
		(void)wire_fail(fd, &err, NULL);
	close(fd);
}

static void hang_up(struct loop *l, size_t i)
{
	close(l->peers[i].fd);
	l->peers[i].fd = -1;
}

/* Others than root that say nothing do not keep root out. */
static void make_room(struct loop *l)
{
	size_t others = 0, oldest = 0;

	for (size_t i = 0; i < LOOP_CONNECTIONS; i++) {
		if (l->peers[i].fd < 0 || !l->peers[i].other)
			continue;
		if (!others++ || l->peers[i].until < l->peers[oldest].until)
			oldest = i;
	}
	if (others >= LOOP_OTHERS)
		hang_up(l, oldest);
}

static void take_in(struct loop *l)
{
	struct ucred who = {.uid = (uid_t)-1};
	bool other;
	int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	other = wire_peer(fd, &who, NULL) < 0 || !net_is_root(l->n, who.uid);
	if (other)
		make_room(l);
	for (size_t i = 0; i < LOOP_CONNECTIONS; i++) {
		if (l->peers[i].fd >= 0)
			continue;
		l->peers[i].fd = fd;
		l->peers[i].other = other;
		l->peers[i].until = net_boot_s(l->n) + LOOP_PATIENCE_S;
		return;
	}
	close(fd);
}

/* Milliseconds until the next one has been silent for too long; -1: nobody waits. Ends those that have. */
static int patience(struct loop *l)
{
	int64_t now = net_boot_s(l->n), first = INT64_MAX;

	for (size_t i = 0; i < LOOP_CONNECTIONS; i++) {
		if (l->peers[i].fd >= 0 && l->peers[i].until < now)
			hang_up(l, i);
		if (l->peers[i].fd >= 0 && l->peers[i].until < first)
			first = l->peers[i].until;
	}
	return first == INT64_MAX ? -1 : (int)(first - now + 1) * 1000;
}

static bool is_full(const struct loop *l)
{
	for (size_t i = 0; i < LOOP_CONNECTIONS; i++)
		if (l->peers[i].fd < 0)
			return false;
	return true;
}

/* ------------------------------------------------------------------ */

static void reload(struct net *n, struct task *t _unused_)
{
	verb_reload(n, t);
}

/* false: it is to end */
static bool on_signal(struct loop *l)
{
	struct signalfd_siginfo s;

	while (read(l->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo != SIGHUP)
			return false;
		task_post(l->n, "reload", reload);
	}
	return true;
}

static void on_notify(struct loop *l)
{
	const char *name = strrchr(AGENT_APPLY_STATE, '/') + 1;
	_Alignas(struct inotify_event) char buf[4096];
	bool seen = false;
	ssize_t n;

	while ((n = read(l->notify, buf, sizeof(buf))) > 0)
		for (const char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;

			seen = seen || (e->len && !strcmp(e->name, name));
			p += sizeof(*e) + e->len;
		}
	if (seen)
		task_post(l->n, "look", checkin_look);
}

int loop_run(struct loop *l, struct sut_err *err)
{
	struct pollfd p[PEERS + LOOP_CONNECTIONS];
	uint64_t ticks;

	for (;;) {
		int wait = patience(l);

		p[SIGNALS] = (struct pollfd){.fd = l->signals, .events = POLLIN};
		p[TIMER] = (struct pollfd){.fd = l->n->timer, .events = POLLIN};
		p[NOTIFY] = (struct pollfd){.fd = l->notify, .events = POLLIN};
		p[LISTENER] =
			(struct pollfd){.fd = is_full(l) ? -1 : l->listener, .events = POLLIN};
		for (size_t i = 0; i < LOOP_CONNECTIONS; i++)
			p[PEERS + i] = (struct pollfd){.fd = l->peers[i].fd, .events = POLLIN};
		if (poll(p, SUT_ARRAY_SIZE(p), wait) < 0 && errno != EINTR)
			return sut_err_errno(err, "cannot wait");
		if (p[SIGNALS].revents && !on_signal(l))
			return 0;
		if (p[TIMER].revents && read(l->n->timer, &ticks, sizeof(ticks)) > 0)
			loop_due(l->n);
		if (p[NOTIFY].revents)
			on_notify(l);
		for (size_t i = 0; i < LOOP_CONNECTIONS; i++)
			if (p[PEERS + i].fd >= 0 && p[PEERS + i].revents)
				hear(l, i);
		if (p[LISTENER].fd >= 0 && p[LISTENER].revents)
			take_in(l);
	}
}
