// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "json/parse.h"

enum { SEND_MS = 10000, BACKLOG = 16 };

void wire_fds_release(struct wire_fds *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i] >= 0)
			close(f->v[i]);
	f->n = 0;
}

/* ------------------------------------------------------------------ */
/* messages                                                            */

static int malformed(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "protocol",
			      "the other side sent %s. Are all programs of the agent of the same "
			      "version?",
			      what);
}

int wire_parse(const void *data, size_t len, json_t **ret, struct sut_err *err)
{
	int r;

	if (len == 0 || len > WIRE_MAX)
		return malformed(err, "a message of a length that is not allowed");
	r = sut_json_object_parse(data, len, WIRE_DEPTH, ret, NULL);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	return r < 0 ? malformed(err,
				 "what is no JSON object, or one of a form that is not allowed")
		     : 0;
}

/* ------------------------------------------------------------------ */
/* connections                                                         */

/*
 * The address of a path. One that is too long for an address is named by way of its folder, which *dir holds
 * open while the address is used.
 */
static int address(const char *path, struct sockaddr_un *ret, int *dir, struct sut_err *err)
{
	_cleanup_(sut_freep) char *folder = NULL;
	const char *name = strrchr(path, '/');
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path) + 1);
		return 0;
	}
	folder = strdup(path);
	if (!folder)
		return sut_err_oom(err);
	*dir = name ? open(dirname(folder), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (name && *dir < 0)
		return sut_err_errno(err, "cannot open the folder of the socket %s", path);
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", *dir,
		     name ? name + 1 : "");
	if (!name || n < 0 || (size_t)n >= sizeof(ret->sun_path))
		return sut_err_set(err, ENAMETOOLONG, "the name of the socket %s is too long",
				   path);
	return 0;
}

static int nobody(const char *path, int code, struct sut_err *err)
{
	return sut_err_reason(err, code, "no-agent",
			      "nobody answers at %s (%s). Is the agent running? See "
			      "'systemctl status sutured suture-apply.socket'",
			      path, strerror(code));
}

int wire_connect(const char *path, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct timeval patience = {.tv_sec = SEND_MS / 1000};
	_cleanup_(sut_closep) int dir = -1;
	struct sockaddr_un a;
	int r;

	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket");
	r = address(path, &a, &dir, err);
	if (r == -ENOENT)
		return nobody(path, ENOENT, err);
	if (r < 0)
		return r;
	/* A queue that is full makes connect() wait, for as long as this. */
	(void)!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do
		r = connect(fd, (const struct sockaddr *)&a, sizeof(a));
	while (r < 0 && errno == EINTR);
	if (r < 0 && (errno == ENOENT || errno == ECONNREFUSED))
		return nobody(path, errno, err);
	if (r < 0 && errno == EAGAIN)
		return sut_err_reason(err, ETIMEDOUT, "timeout",
				      "too many wait for an answer at %s. Try again later", path);
	if (r < 0 && errno == EACCES)
		return sut_err_reason(err, EACCES, "not-root",
				      "you may not speak to %s. Run it with sudo", path);
	if (r < 0)
		return sut_err_errno(err, "cannot connect to %s", path);
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}

/* Does somebody answer at the address? If not, what is there is taken away. */
static int make_way(const struct sockaddr_un *a, const char *path, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket");
	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return sut_err_set(err, EEXIST, "%s is there and is no socket. Move it away", path);
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno != ECONNREFUSED)
		return sut_err_reason(err, EADDRINUSE, "running",
				      "somebody listens at %s already. Is the agent running?",
				      path);
	if (unlink(a->sun_path) < 0 && errno != ENOENT)
		return sut_err_errno(err, "cannot remove %s", path);
	return 0;
}

int wire_listen(const char *path, mode_t mode, gid_t group, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	_cleanup_(sut_closep) int dir = -1;
	struct sockaddr_un a;
	int r;

	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket");
	r = address(path, &a, &dir, err);
	if (r == 0)
		r = make_way(&a, path, err);
	if (r < 0)
		return r;
	/* A socket that is bound gets this mode; nobody gets in before listen(). */
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return sut_err_errno(err, "cannot make the socket %s", path);
	if ((group != (gid_t)-1 && lchown(a.sun_path, (uid_t)-1, group) < 0) ||
	    chmod(a.sun_path, mode) < 0 || listen(fd, BACKLOG) < 0) {
		r = sut_err_errno(err, "cannot listen at %s", path);
		(void)!unlink(a.sun_path);
		return r;
	}
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}

int wire_peer(int fd, struct ucred *ret, struct sut_err *err)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		return sut_err_errno(err, "cannot say who is at the other end");
	*ret = c;
	return 0;
}

/* ------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until fd is ready or `deadline` (ms; -1: none) has come. */
static int wait_for(int fd, short what, int64_t deadline, struct sut_err *err)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = what};
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();
		int n;

		if (deadline >= 0 && left < 0)
			left = 0;
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return 0;
		if (n == 0 && left >= INT_MAX)
			continue;
		if (n == 0)
			return sut_err_reason(
				err, ETIMEDOUT, "timeout",
				"the other side did not answer in time. Try again; if "
				"it stays so, look at its log with 'journalctl -u "
				"sutured -u suture-apply'");
		if (errno != EINTR)
			return sut_err_errno(err, "cannot wait for the other side");
	}
}

static int gone(int code, struct sut_err *err)
{
	return sut_err_reason(err, code, "gone",
			      "the other side is gone. Its log says why: 'journalctl -u sutured -u "
			      "suture-apply'");
}

union control {
	struct cmsghdr align;
	char data[CMSG_SPACE(WIRE_FDS * sizeof(int))];
};

static void put_fds(struct msghdr *m, union control *c, const struct wire_fds *fds)
{
	struct cmsghdr *h;

	memset(c, 0, sizeof(*c));
	m->msg_control = c->data;
	m->msg_controllen = CMSG_SPACE(fds->n * sizeof(int));
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(fds->n * sizeof(int));
	memcpy(CMSG_DATA(h), fds->v, fds->n * sizeof(int));
}

static int send_bytes(int fd, void *data, size_t len, const struct wire_fds *fds,
		      struct sut_err *err)
{
	struct iovec io = {.iov_base = data, .iov_len = len};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
	int64_t deadline = now_ms() + SEND_MS;
	bool grown = false;
	union control c;

	if (fds && fds->n)
		put_fds(&m, &c, fds);
	for (;;) {
		int r;

		if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno == EMSGSIZE && !grown) {
			/* Where the system's default is smaller than a message may be. */
			const int size = 2 * WIRE_MAX;

			grown = true;
			(void)!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return gone(EPIPE, err);
		if (errno != EAGAIN)
			return sut_err_errno(err, "cannot send a message");
		r = wait_for(fd, POLLOUT, deadline, err);
		if (r < 0)
			return r;
	}
}

int wire_send(int fd, const json_t *message, const struct wire_fds *fds, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = NULL;
	size_t len;

	if (!message)
		return sut_err_oom(err);
	if (fds && fds->n > WIRE_FDS)
		return sut_err_set(err, EINVAL, "%zu files are too many for one message", fds->n);
	text = json_dumps(message, JSON_COMPACT);
	if (!text)
		return sut_err_oom(err);
	len = strlen(text);
	if (len > WIRE_MAX)
		return sut_err_reason(err, EMSGSIZE, "protocol",
				      "a message of %zu bytes is longer than the %d that are "
				      "allowed",
				      len, WIRE_MAX);
	return send_bytes(fd, text, len, fds, err);
}

/* Takes every descriptor that came. False when there were more than are taken, or others than allowed. */
static bool take_fds(struct msghdr *m, struct wire_fds *f)
{
	bool fits = !(m->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (f->n < WIRE_FDS) {
				f->v[f->n++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	return fits;
}

/* The next message, as long as it is: memory for the longest is only taken for the longest. */
static ssize_t receive_bytes(int fd, char **ret, struct wire_fds *fds, bool *ret_fits)
{
	ssize_t n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	size_t room = n < 0 ? 0 : n > WIRE_MAX ? WIRE_MAX + 1 : (size_t)n + 1;
	_cleanup_(sut_freep) char *data = n < 0 ? NULL : malloc(room);
	struct iovec io = {.iov_base = data, .iov_len = room};
	union control c = {0};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = c.data,
			   .msg_controllen = sizeof(c.data)};

	if (n < 0)
		return -errno;
	if (!data)
		return -ENOMEM;
	n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	*ret_fits = take_fds(&m, fds) && !(m.msg_flags & MSG_TRUNC);
	*ret = sut_steal(data);
	return n;
}

int wire_receive(int fd, int timeout_ms, json_t **ret, struct wire_fds *ret_fds,
		 struct sut_err *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	_cleanup_(wire_fds_release) struct wire_fds fds = {.n = 0};
	_cleanup_(sut_freep) char *data = NULL;
	bool fits = false;
	ssize_t n;
	int r;

	do {
		r = wait_for(fd, POLLIN, deadline, err);
		if (r < 0)
			return r;
		n = receive_bytes(fd, &data, &fds, &fits);
		/* A peer that left without reading is told first, once; its last words come after that. */
		if (n == -ECONNRESET)
			n = receive_bytes(fd, &data, &fds, &fits);
	} while (n == -EAGAIN || n == -EINTR);
	if (n == 0 || n == -ECONNRESET || n == -EPIPE)
		return gone(ECONNRESET, err);
	if (n == -ENOMEM)
		return sut_err_oom(err);
	if (n < 0)
		return sut_err_set(err, (int)-n, "cannot receive a message: %s", strerror((int)-n));
	if (n > WIRE_MAX)
		return sut_err_reason(err, EMSGSIZE, "protocol",
				      "the other side sent a message longer than the %d bytes that "
				      "are allowed",
				      WIRE_MAX);
	if (!fits)
		return malformed(err, "more files than a message may have");
	r = wire_parse(data, (size_t)n, ret, err);
	if (r == 0 && ret_fds) {
		*ret_fds = fds;
		fds.n = 0;
	}
	return r;
}

/* ------------------------------------------------------------------ */
/* calls                                                               */

static int next_answer(int fd, int timeout_ms, void (*each)(void *ctx, const json_t *progress),
		       void *ctx, json_t **ret, struct sut_err *err)
{
	for (;;) {
		json_t *j = NULL;
		const json_t *progress;
		int r = wire_receive(fd, timeout_ms, &j, NULL, err);

		if (r < 0)
			return r;
		progress = json_object_get(j, "progress");
		if (json_is_boolean(json_object_get(j, "ok"))) {
			*ret = j;
			return 0;
		}
		if (json_is_object(progress) && each)
			each(ctx, progress);
		r = json_is_object(progress) ? 0 : malformed(err, "neither answer nor progress");
		json_decref(j);
		if (r < 0)
			return r;
	}
}

int wire_answer(int fd, int timeout_ms, void (*each)(void *ctx, const json_t *progress), void *ctx,
		json_t **ret, struct sut_err *err)
{
	struct sut_err why = {0};
	json_t *answer = NULL;
	int r = next_answer(fd, timeout_ms, each, ctx, &answer, err);

	if (r < 0)
		return r;
	if (!json_is_true(json_object_get(answer, "ok"))) {
		wire_error_read(json_object_get(answer, "error"), &why);
		if (err)
			*err = why;
		r = -why.code;
	}
	if (ret)
		*ret = answer;
	else
		json_decref(answer);
	return r;
}

int wire_call(const char *path, const json_t *request, const struct wire_fds *fds, int timeout_ms,
	      void (*each)(void *ctx, const json_t *progress), void *ctx, json_t **ret,
	      struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	struct sut_err why = {0};
	int r = wire_connect(path, &fd, err);

	if (r == 0)
		r = wire_send(fd, request, fds, &why);
	/* One who refuses at once may have gone before all was sent; what he said is there. */
	if (r < 0 && r != -EPIPE) {
		if (fd >= 0 && err)
			*err = why;
		return r;
	}
	return wire_answer(fd, timeout_ms, each, ctx, ret, err);
}

static void utc(char ret[static 32])
{
	time_t t = time(NULL);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*ret = 0;
}

/* Any text, as JSON can hold it. */
static json_t *text_json(const char *s)
{
	_cleanup_(sut_freep) char *copy = strdup(s);

	if (!copy)
		return NULL;
	sut_make_printable(copy, "\n\t");
	return json_string(copy);
}

int wire_progress(int fd, const char *step, const char *state, const char *text, uint64_t done,
		  uint64_t total)
{
	char at[32];
	json_t *p, *j;
	int r;

	utc(at);
	p = json_pack("{s:o,s:s,s:o,s:s}", "step", text_json(step), "state", state, "text",
		      text_json(text ? text : ""), "at", at);
	if (p && total &&
	    (json_object_set_new(p, "done", json_integer((json_int_t)done)) < 0 ||
	     json_object_set_new(p, "total", json_integer((json_int_t)total)) < 0)) {
		json_decref(p);
		p = NULL;
	}
	j = json_pack("{s:o}", "progress", p);
	r = wire_send(fd, j, NULL, NULL);
	json_decref(j);
	return r;
}

int wire_ok(int fd, json_t *answer)
{
	json_t *j = answer ? answer : json_object();
	int r = j && json_object_set_new(j, "ok", json_true()) == 0 ? wire_send(fd, j, NULL, NULL)
								    : -ENOMEM;

	json_decref(j);
	return r;
}

int wire_fail(int fd, const struct sut_err *e, json_t *more)
{
	json_t *j = more ? more : json_object();
	int r = -ENOMEM;

	if (j && json_object_set_new(j, "ok", json_false()) == 0 &&
	    json_object_set_new(j, "error", wire_error_json(e)) == 0)
		r = wire_send(fd, j, NULL, NULL);
	json_decref(j);
	return r;
}

json_t *wire_error_json(const struct sut_err *e)
{
	return json_pack("{s:o,s:o,s:i}", "reason", text_json(e->reason), "message",
			 text_json(e->msg), "errno", e->code);
}

/* Reasons are words of ours: what is none is left out. */
static bool is_word(const char *s)
{
	return s && strlen(s) < SUT_ERR_REASON_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

void wire_error_read(const json_t *error, struct sut_err *ret)
{
	const char *reason = json_string_value(json_object_get(error, "reason"));
	const char *message = json_string_value(json_object_get(error, "message"));
	json_int_t code = json_integer_value(json_object_get(error, "errno"));

	*ret = (struct sut_err){0};
	(void)!sut_err_reason(
		ret, code > 0 && code < 4096 ? (int)code : EREMOTEIO, is_word(reason) ? reason : "",
		"%s", message && *message ? message : "the other side says no, and not why");
}
