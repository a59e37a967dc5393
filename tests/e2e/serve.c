// SPDX-License-Identifier: Apache-2.0
/*
 * serve DIR [BYTES]: the files below DIR over HTTP on 127.0.0.1. Prints the port that the kernel chose, serves one
 * connection after the other, and ends when standard input does, so that it does not outlive the
 * script that started it. One line a request goes to standard error: path and status.
 *
 * With BYTES it breaks off every patch after so many bytes, and sends the rest to who asks for it.
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

static void answer(int fd, int status, const char *path, off_t from, off_t len)
{
	dprintf(fd, "HTTP/1.1 %d %s\r\nContent-Length: %lld\r\nConnection: close\r\n", status,
		status == 200	? "OK"
		: status == 206 ? "Partial Content"
				: "Not Found",
		(long long)(len - from));
	if (status == 206)
		dprintf(fd, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)from,
			(long long)len - 1, (long long)len);
	dprintf(fd, "\r\n");
	fprintf(stderr, "%s %d\n", path, status);
}

/* Where it asks to begin; 0. */
static off_t range_of(const char *req)
{
	const char *range = strcasestr(req, "\r\nRange: bytes=");

	return range ? strtoll(range + strlen("\r\nRange: bytes="), NULL, 10) : 0;
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

/* most: of a patch at a time; 0: all of it */
static void serve(int fd, int dir, off_t most)
{
	char req[REQUEST_MAX], *path = req + 4, *end;
	_cleanup_(sut_closep) int file = -1;
	struct stat st;
	off_t at = 0, till;

	if (!read_request(fd, req) || strncmp(req, "GET /", 5) != 0)
		return;
	if (most)
		at = range_of(req);
	end = strchr(path, ' ');
	if (!end)
		return;
	*end = 0;
	decode(path);
	if (!strstr(path, "/.."))
		file = openat(dir, path + 1, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode)) {
		answer(fd, 404, path, 0, 0);
		return;
	}
	if (at < 0 || at >= st.st_size)
		at = 0;
	till = most && sut_endswith(path, ".bin") && at + most < st.st_size ? at + most
									    : st.st_size;
	answer(fd, at ? 206 : 200, path, at, st.st_size);
	while (at < till && sendfile(fd, file, &at, (size_t)(till - at)) > 0)
		;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	uint64_t most = 0;
	int dir, s;

	if (argc != 2 && (argc != 3 || sut_parse_u64(argv[2], INT32_MAX, &most) < 0))
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
			serve(fd, dir, (off_t)most);
			shutdown(fd, SHUT_WR);
			close(fd);
		}
	}
}
