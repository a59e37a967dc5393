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

#include "common/wire.h"
#include "kernel/session.h"
#include "verb.h"

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

/* Waits for a connection: 1, 0 (nobody came, or a signal), -errno. Signals only get through in here. */
static int wait_for_call(const struct server *s, const sigset_t *open, struct sut_err *err)
{
	const struct timespec idle = {s->idle_ms / 1000, (long)(s->idle_ms % 1000) * 1000000};
	struct pollfd p = {.fd = s->listener, .events = POLLIN};
	int n;

	if (sut_session_interrupted())
		return 0;
	n = ppoll(&p, 1, &idle, open);
	if (n < 0 && errno != EINTR)
		return sut_err_errno(err, "cannot wait for calls");
	return n > 0;
}

int server_run(struct apply *a, const struct server *s, struct sut_err *err)
{
	const struct sigaction late = {.sa_handler = too_long};
	sigset_t ours, open;
	int r;

	sut_session_catch_signals();
	sigaction(SIGALRM, &late, NULL);
	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, &open);
	while ((r = wait_for_call(s, &open, err)) > 0) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			r = sut_err_errno(err, "cannot take a call");
			break;
		}
		/* What waits for tasks to leave the old code is ended by a signal; nothing else is. */
		sigprocmask(SIG_SETMASK, &open, NULL);
		alarm(SERVER_CALL_S);
		server_call(a, s, fd);
		alarm(0);
		sigprocmask(SIG_BLOCK, &ours, NULL);
		close(fd);
	}
	sigprocmask(SIG_SETMASK, &open, NULL);
	return r;
}
