// SPDX-License-Identifier: Apache-2.0
#include "signer/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "tuf/json.h"

enum { FIRST_FD = 3 /* sd_listen_fds(3) */, READ_STEP = 64 << 10, PEER_GROUPS = 256 };

/* ------------------------------------------------------------------ */
/* The listening socket. */

static bool is_ours(int fd)
{
	int type = 0, domain = 0, listening = 0;
	socklen_t n = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) == 0 && listening;
}

/* 1 when systemd handed a socket over. */
static int from_systemd(int *ret_fd, struct sut_err *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n;

	if (!pid || !fds || sut_parse_u64(pid, INT32_MAX, &n) < 0 || (pid_t)n != getpid())
		return 0;
	if (!sut_streq(fds, "1") || !is_ours(FIRST_FD))
		return sut_err_set(err, EINVAL,
				   "systemd hands over something else than one listening unix "
				   "socket. Correct suture-signer.socket (ListenStream=)");
	if (fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(FIRST_FD, F_SETFL, O_NONBLOCK) < 0)
		return sut_err_errno(err, "cannot set up the socket of systemd");
	*ret_fd = FIRST_FD;
	return 1;
}

/* Removes what a run that ended left at the path; not a socket on which somebody listens. */
static int clear_path(const struct sockaddr_un *a, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(a->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return sut_err_set(err, EEXIST, "%s is there and is no socket. Remove it",
				   a->sun_path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return sut_err_set(err, EADDRINUSE,
				   "another suture-signer listens at %s. Stop that one first",
				   a->sun_path);
	if (unlink(a->sun_path) < 0)
		return sut_err_errno(err, "cannot remove the old socket %s", a->sun_path);
	return 0;
}

static int bind_with_mode(int fd, const struct sockaddr_un *a, mode_t mode)
{
	mode_t old = umask(0777 & ~mode);
	int r = bind(fd, (const struct sockaddr *)a, sizeof(*a));
	int e = errno;

	umask(old);
	errno = e;
	return r;
}

int sut_server_listen(const struct sut_signer_config *c, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	gid_t gid = (gid_t)-1;
	int r = from_systemd(ret_fd, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (strlen(c->socket) >= sizeof(a.sun_path))
		return sut_err_set(err, EINVAL, "the name of the socket is too long: %s",
				   c->socket);
	memcpy(a.sun_path, c->socket, strlen(c->socket) + 1);
	if (c->socket_group[0])
		r = sut_signer_config_gid(c->socket_group, &gid, err);
	if (r == 0)
		r = clear_path(&a, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody but us until the group is right. */
	if (fd < 0 || bind_with_mode(fd, &a, 0600) < 0)
		return sut_err_errno(err, "cannot make the socket %s", c->socket);
	if ((gid != (gid_t)-1 && lchown(c->socket, (uid_t)-1, gid) < 0) ||
	    chmod(c->socket, 0660) < 0 || listen(fd, SUT_SERVER_CONNECTIONS) < 0) {
		r = sut_err_errno(err,
				  "cannot hand the socket %s to its group. The user of "
				  "suture-signer has to be a member of it",
				  c->socket);
		unlink(c->socket);
		return r;
	}
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Who asks. */

static bool has_gid(const struct sut_signer_allowed *a, gid_t gid)
{
	for (size_t i = 0; i < a->ngids; i++)
		if (a->gids[i] == gid)
			return true;
	return false;
}

int sut_server_check_peer(int fd, const struct sut_signer_allowed *a, uid_t *ret_uid,
			  struct sut_err *err)
{
	struct ucred cred;
	gid_t groups[PEER_GROUPS];
	socklen_t n = sizeof(cred);

	*ret_uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return sut_err_reason(err, EACCES, "permission",
				      "the kernel does not say who asks");
	*ret_uid = cred.uid;
	for (size_t i = 0; i < a->nuids; i++)
		if (a->uids[i] == cred.uid)
			return 0;
	if (has_gid(a, cred.gid))
		return 0;
	n = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) == 0)
		for (size_t i = 0; i < n / sizeof(groups[0]); i++)
			if (has_gid(a, groups[i]))
				return 0;
	return sut_err_reason(err, EACCES, "permission",
			      "user %u may not ask the signer. Its settings allow others "
			      "(allow-user, allow-group)",
			      cred.uid);
}

/* ------------------------------------------------------------------ */
/* Connections. */

struct conn {
	int fd; /* -1: free */
	uid_t uid;
	struct sut_buf in;
	size_t want; /* bytes of the whole request; 0 while its length is not there */
	struct sut_buf out;
	size_t sent;
	int64_t deadline; /* monotonic milliseconds */
};

struct server {
	int fd;
	struct sut_signer *signer;
	const struct sut_server_opts *o;
	struct conn conns[SUT_SERVER_CONNECTIONS];
};

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void note(const struct server *s, const char *fmt, ...) _printf_(2, 3);
static void note(const struct server *s, const char *fmt, ...)
{
	char line[SUT_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->o->log(line);
}

static void hang_up(struct conn *c)
{
	sut_closep(&c->fd);
	c->fd = -1;
	sut_buf_release(&c->in);
	sut_buf_release(&c->out);
}

static void set_deadline(const struct server *s, struct conn *c)
{
	c->deadline =
		monotonic_ms() + 1000LL * (s->o->seconds ? s->o->seconds : SUT_SERVER_SECONDS);
}

/* From here on the connection only takes its answer. */
static void answer(const struct server *s, struct conn *c, json_t *j, const struct sut_err *why)
{
	struct sut_err err = {0};
	int r = j ? sut_signer_answer_format(j, &c->out, &err)
		  : sut_signer_refusal_format(why, &c->out, &err);

	if (r < 0) {
		note(s, "cannot answer user %u: %s", c->uid, err.msg);
		hang_up(c);
		return;
	}
	sut_buf_release(&c->in);
	set_deadline(s, c);
}

static struct conn *free_slot(struct server *s)
{
	struct conn *oldest = &s->conns[0];

	for (size_t i = 0; i < SUT_SERVER_CONNECTIONS; i++) {
		if (s->conns[i].fd < 0)
			return &s->conns[i];
		if (s->conns[i].deadline < oldest->deadline)
			oldest = &s->conns[i];
	}
	note(s, "too many connections: hung up on user %u, who was slowest", oldest->uid);
	hang_up(oldest);
	return oldest;
}

static void accept_one(struct server *s)
{
	_cleanup_(sut_closep) int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct sut_err err = {0};
	struct conn *c;
	uid_t uid;
	int r;

	if (fd < 0)
		return;
	r = sut_server_check_peer(fd, s->o->allowed, &uid, &err);
	if (r < 0) {
		/* It gets a word when it takes it at once, and no place in the table. */
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_ANSWER_MAX);

		note(s, "refused user %u: not allowed by the settings", uid);
		if (sut_signer_refusal_format(&err, &b, NULL) == 0)
			(void)!send(fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	c = free_slot(s);
	*c = (struct conn){
		.fd = sut_steal_fd(&fd),
		.uid = uid,
		.in = SUT_BUF_INIT(SUT_SIGNER_HEAD + SUT_SIGNER_REQUEST_MAX),
		.out = SUT_BUF_INIT(SUT_SIGNER_HEAD + SUT_SIGNER_ANSWER_MAX),
	};
	set_deadline(s, c);
}

static void log_result(const struct server *s, const struct conn *c, const json_t *j,
		       const struct sut_err *err)
{
	const json_t *expired = json_object_get(j, "expired");

	if (!j)
		note(s, "refused user %u: %s", c->uid, err->msg);
	else if (expired)
		note(s, "signed for user %u: snapshot %lld, timestamp %lld", c->uid,
		     (long long)json_integer_value(json_object_get(j, "snapshot_version")),
		     (long long)json_integer_value(json_object_get(j, "timestamp_version")));
	for (size_t i = 0; i < json_array_size(expired); i++)
		note(s, "warning: the role %s has expired; clients refuse it",
		     json_string_value(json_array_get(expired, i)));
}

static void serve(struct server *s, struct conn *c)
{
	_cleanup_json_ json_t *j = NULL;
	struct sut_err err = {0};

	if (sut_signer_handle(s->signer, c->in.data + SUT_SIGNER_HEAD, c->want - SUT_SIGNER_HEAD,
			      &j, &err) < 0)
		j = NULL;
	log_result(s, c, j, &err);
	answer(s, c, j, &err);
}

static void read_some(struct server *s, struct conn *c)
{
	struct sut_err err = {0};
	size_t want = c->want ? c->want : SUT_SIGNER_HEAD, room = want - c->in.len;
	ssize_t n;

	if (room > READ_STEP)
		room = READ_STEP;
	if (sut_buf_reserve(&c->in, room) < 0) {
		hang_up(c);
		return;
	}
	n = recv(c->fd, c->in.data + c->in.len, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	if (!c->want && c->in.len == SUT_SIGNER_HEAD) {
		if (sut_signer_head(c->in.data, SUT_SIGNER_REQUEST_MAX, &c->want, &err) < 0) {
			note(s, "refused user %u: %s", c->uid, err.msg);
			answer(s, c, NULL, &err);
			return;
		}
		c->want += SUT_SIGNER_HEAD;
	} else if (c->in.len == c->want) {
		serve(s, c);
	}
}

static void write_some(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n < 0 || c->sent == c->out.len)
		hang_up(c);
}

/* Hangs up on those whose time is over; how long the others have at most, as poll takes it. */
static void expire(struct server *s, struct timespec *ret, bool *ret_any)
{
	int64_t now = monotonic_ms(), next = INT64_MAX;

	for (size_t i = 0; i < SUT_SERVER_CONNECTIONS; i++) {
		struct conn *c = &s->conns[i];

		if (c->fd >= 0 && c->deadline <= now) {
			note(s, "user %u was too slow: hung up", c->uid);
			hang_up(c);
		} else if (c->fd >= 0 && c->deadline < next) {
			next = c->deadline;
		}
	}
	*ret_any = next != INT64_MAX;
	if (*ret_any)
		*ret = (struct timespec){(next - now) / 1000, (next - now) % 1000 * 1000000};
}

static int loop(struct server *s, struct sut_err *err)
{
	while (!*s->o->stop) {
		struct pollfd p[1 + SUT_SERVER_CONNECTIONS] = {{.fd = s->fd, .events = POLLIN}};
		struct timespec left;
		bool any;

		expire(s, &left, &any);
		for (size_t i = 0; i < SUT_SERVER_CONNECTIONS; i++) {
			const struct conn *c = &s->conns[i];

			p[i + 1] = (struct pollfd){.fd = c->fd,
						   .events = c->out.len ? POLLOUT : POLLIN};
		}
		if (ppoll(p, SUT_ARRAY_SIZE(p), any ? &left : NULL, s->o->unblocked) < 0) {
			if (errno == EINTR)
				continue;
			return sut_err_errno(err, "cannot wait for requests");
		}
		for (size_t i = 0; i < SUT_SERVER_CONNECTIONS; i++) {
			if (!p[i + 1].revents)
				continue;
			if (s->conns[i].out.len)
				write_some(&s->conns[i]);
			else
				read_some(s, &s->conns[i]);
		}
		if (p[0].revents)
			accept_one(s);
	}
	return 0;
}

int sut_server_run(int fd, struct sut_signer *signer, const struct sut_server_opts *o,
		   struct sut_err *err)
{
	struct server s = {.fd = fd, .signer = signer, .o = o};
	int r;

	for (size_t i = 0; i < SUT_SERVER_CONNECTIONS; i++)
		s.conns[i].fd = -1;
	r = loop(&s, err);
	for (size_t i = 0; i < SUT_SERVER_CONNECTIONS; i++)
		hang_up(&s.conns[i]);
	return r;
}
