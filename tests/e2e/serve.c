// SPDX-License-Identifier: Apache-2.0
/*
 * serve DIR: the files below DIR over HTTP on 127.0.0.1. Prints the port that the kernel chose, serves one
 * connection after the other, and ends when standard input does, so that it does not outlive the
 * script that started it. One line a request goes to standard error: path and status.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"

enum { REQUEST_MAX = 8192, WAIT_MS = 5000 };

static bool read_request(int fd, char *req)
{
	size_t len = 0;

	while (len < REQUEST_MAX - 1) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, WAIT_MS) <= 0)
			return false;
		n = read(fd, req + len, REQUEST_MAX - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		req[len] = 0;
		if (strstr(req, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void answer(int fd, int status, const char *path, off_t len)
{
	dprintf(fd, "HTTP/1.1 %d %s\r\nContent-Length: %lld\r\nConnection: close\r\n\r\n", status,
		status == 200 ? "OK" : "Not Found", (long long)len);
	fprintf(stderr, "%s %d\n", path, status);
}

/* %2F stays what it is: a name with a slash is no file here. */
static void decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		uint8_t c;

		if (*s == '%' && s[1] && s[2] && strncasecmp(s + 1, "2f", 2) != 0) {
			char hex[3] = {s[1], s[2], 0};

			if (sut_unhex(hex, &c, 1) == 0) {
				*to++ = (char)c;
				s += 2;
				continue;
			}
		}
		*to++ = *s;
	}
	*to = 0;
}

static void serve(int fd, int dir)
{
	char req[REQUEST_MAX], *path = req + 4, *end;
	_cleanup_(sut_closep) int file = -1;
	struct stat st;
	off_t at = 0;

	if (!read_request(fd, req) || strncmp(req, "GET /", 5) != 0)
		return;
	end = strchr(path, ' ');
	if (!end)
		return;
	*end = 0;
	decode(path);
	if (!strstr(path, "/.."))
		file = openat(dir, path + 1, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode)) {
		answer(fd, 404, path, 0);
		return;
	}
	answer(fd, 200, path, st.st_size);
	while (at < st.st_size && sendfile(fd, file, &at, (size_t)(st.st_size - at)) > 0)
		;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int dir, s;

	if (argc != 2)
		return 64;
	signal(SIGPIPE, SIG_IGN);
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (dir < 0 || s < 0 || bind(s, (struct sockaddr *)&a, len) < 0 || listen(s, 64) < 0 ||
	    getsockname(s, (struct sockaddr *)&a, &len) < 0) {
		perror("serve");
		return 1;
	}
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		struct pollfd p[2] = {{.fd = s, .events = POLLIN}, {.fd = STDIN_FILENO}};
		int fd;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (p[1].revents)
			return 0;
		if (!(p[0].revents & POLLIN))
			continue;
		fd = accept4(s, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			serve(fd, dir);
			shutdown(fd, SHUT_WR);
			close(fd);
		}
	}
}
