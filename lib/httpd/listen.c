// SPDX-License-Identifier: Apache-2.0
/* Sockets that listen: our own, and those that somebody gave us. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/str.h"
#include "httpd/internal.h"

enum { BACKLOG = 1024, UNIX_MODE = 0660 };

static int bad_where(const char *where, struct sut_err *err)
{
	return sut_err_set(err, EINVAL,
			   "'%.200s' is nothing to listen on; write 127.0.0.1:8080, [::1]:8080, "
			   ":8080 (all addresses) or unix:/run/portal.sock",
			   where);
}

/* A socket that nobody answers on is left behind by a program that was killed. */
static int remove_stale(const struct sockaddr_un *a, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	struct stat st;

	if (lstat(a->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return sut_err_set(err, EEXIST,
				   "%s is there and is no socket; remove it, or listen elsewhere",
				   a->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN)
		return sut_err_set(err, EADDRINUSE,
				   "another program listens on %s; stop it, or listen elsewhere",
				   a->sun_path);
	if (unlink(a->sun_path) < 0 && errno != ENOENT)
		return sut_err_errno(err, "cannot remove the old socket %s", a->sun_path);
	return 0;
}

static int listen_unix(const char *path, struct httpd_listener *ret, struct sut_err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_(sut_closep) int fd = -1;
	struct stat st;
	int r;

	if (!*path || strlen(path) >= sizeof(a.sun_path))
		return sut_err_set(err, EINVAL,
				   "'%.200s' is no path for a socket: it has 1 to %zu characters",
				   path, sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path));
	r = remove_stale(&a, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket");
	/* Linux takes the mode of the file from that of the socket: it is never wider, not even
	 * for a moment. */
	if (fchmod(fd, UNIX_MODE) < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return sut_err_errno(err, "cannot listen on %s", path);
	ret->unix_path = strdup(path);
	if (!ret->unix_path || chmod(path, UNIX_MODE) < 0 || lstat(path, &st) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		r = ret->unix_path ? sut_err_errno(err, "cannot listen on %s", path)
				   : sut_err_oom(err);
		unlink(path);
		free(sut_steal(ret->unix_path));
		return r;
	}
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->is_unix = true;
	ret->fd = sut_steal_fd(&fd);
	return 0;
}

/* "127.0.0.1:80", "[::1]:80", ":80". */
static int parse_where(const char *where, struct sockaddr_in6 *six, struct sockaddr_in *four,
		       bool *ret_all, struct sut_err *err)
{
	const char *colon = strrchr(where, ':');
	char host[64];
	size_t n = colon ? (size_t)(colon - where) : sizeof(host);
	uint64_t port;

	if (n >= sizeof(host) || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    sut_parse_u64(colon + 1, UINT16_MAX, &port) < 0)
		return bad_where(where, err);
	memcpy(host, where, n);
	host[n] = 0;
	*ret_all = !n;
	four->sin_port = six->sin6_port = htons((uint16_t)port);
	if (!n)
		return 0;
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = 0;
		if (inet_pton(AF_INET6, host + 1, &six->sin6_addr) != 1)
			return bad_where(where, err);
		four->sin_family = AF_UNSPEC;
		return 0;
	}
	if (!strcmp(host, "localhost"))
		snprintf(host, sizeof(host), "127.0.0.1");
	if (inet_pton(AF_INET, host, &four->sin_addr) != 1)
		return bad_where(where, err);
	six->sin6_family = AF_UNSPEC;
	return 0;
}

static int bind_and_listen(int fd, const void *address, socklen_t len, bool both)
{
	int on = 1, only_six = !both;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (((const struct sockaddr *)address)->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof(only_six)) < 0)
		return -errno;
	return bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static unsigned int port_of(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return a.ss_family == AF_INET	 ? ntohs(((struct sockaddr_in *)&a)->sin_port)
	       : a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port)
					 : 0;
}

static int listen_tcp(const char *where, struct httpd_listener *ret, struct sut_err *err)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	bool all = false, use_six;
	int r, fd;

	r = parse_where(where, &six, &four, &all, err);
	if (r < 0)
		return r;
	use_six = all || four.sin_family == AF_UNSPEC;
	fd = socket(use_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 && all) {
		/* A kernel without IPv6. */
		use_six = false;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket for %s", where);
	r = use_six ? bind_and_listen(fd, &six, sizeof(six), all)
		    : bind_and_listen(fd, &four, sizeof(four), false);
	if (r < 0) {
		close(fd);
		return sut_err_set(err, -r, "cannot listen on %s: %s%s", where, strerror(-r),
				   r == -EADDRINUSE ? "; another program does" : "");
	}
	ret->fd = fd;
	ret->port = port_of(fd);
	return 0;
}

int httpd_listen(const char *where, bool tls, struct httpd_listener *ret, struct sut_err *err)
{
	struct httpd_listener l = {.fd = -1, .tls = tls};
	int r;

	if (sut_startswith(where, "unix:")) {
		l.tls = false;
		r = listen_unix(where + 5, &l, err);
	} else {
		r = listen_tcp(where, &l, err);
	}
	if (r == 0)
		*ret = l;
	return r;
}

int httpd_inherit(int fd, bool tls, struct httpd_listener *ret, struct sut_err *err)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a), n = sizeof(int);
	int listens = 0, copy;

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0)
		return sut_err_errno(err, "descriptor %d is no socket", fd);
	if (!listens ||
	    (a.ss_family != AF_INET && a.ss_family != AF_INET6 && a.ss_family != AF_UNIX))
		return sut_err_set(err, EINVAL, "descriptor %d is no socket that listens", fd);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return sut_err_errno(err, "cannot take over descriptor %d", fd);
	if (fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK) < 0) {
		close(copy);
		return sut_err_errno(err, "cannot take over descriptor %d", fd);
	}
	*ret = (struct httpd_listener){.fd = copy,
				       .is_unix = a.ss_family == AF_UNIX,
				       .tls = tls && a.ss_family != AF_UNIX,
				       .port = port_of(copy)};
	return 0;
}

void httpd_unlisten(struct httpd_listener *l)
{
	struct stat st;

	if (l->fd >= 0)
		close(sut_steal_fd(&l->fd));
	/* A successor may have its own there by now. */
	if (l->unix_path && lstat(l->unix_path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->unix_path);
	free(sut_steal(l->unix_path));
}
