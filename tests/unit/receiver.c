// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "receiver.h"

struct peer {
	struct receiver *r;
	int fd;
};

static void take_header(struct received *to, const char *line, size_t *len)
{
	static const struct {
		const char *name;
		size_t at, size;
	} known[] = {
		{"webhook-id:", offsetof(struct received, id), 64},
		{"webhook-timestamp:", offsetof(struct received, timestamp), 32},
		{"webhook-signature:", offsetof(struct received, signature), 128},
		{"content-type:", offsetof(struct received, type), 64},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(known); i++) {
		size_t n = strlen(known[i].name);

		if (strncasecmp(line, known[i].name, n) == 0)
			(void)snprintf((char *)to + known[i].at, known[i].size, "%s",
				       line + n + strspn(line + n, " "));
	}
	if (strncasecmp(line, "content-length:", 15) == 0) {
		uint64_t v = 0;

		if (sut_parse_u64(line + 15 + strspn(line + 15, " "), 1 << 20, &v) == 0)
			*len = (size_t)v;
	}
}

/* One request; false at the end of the connection. */
static bool take_request(int fd, struct received *to)
{
	char head[16384], *end = NULL, *line, *next;
	size_t n = 0, len = 0, have;

	while (!end) {
		ssize_t got = n + 1 < sizeof(head) ? read(fd, head + n, sizeof(head) - 1 - n) : 0;

		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	*end = '\0';
	have = n - (size_t)(end + 4 - head);
	(void)sscanf(head, "%*s %127s", to->path);
	for (line = strstr(head, "\r\n"); line; line = next) {
		line += 2;
		next = strstr(line, "\r\n");
		if (next)
			*next = '\0';
		take_header(to, line, &len);
	}
	to->body = calloc(1, len + 1);
	if (!to->body || have > len)
		return false;
	memcpy(to->body, end + 4, have);
	while (have < len) {
		ssize_t got = read(fd, to->body + have, len - have);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static bool answer(struct receiver *r, int fd)
{
	char text[512], extra[256] = "";

	if (r->location)
		(void)snprintf(extra, sizeof(extra), "Location: %s\r\n", r->location);
	if (r->retry_after)
		(void)snprintf(extra, sizeof(extra), "Retry-After: %u\r\n", r->retry_after);
	(void)snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s",
		       r->status, extra, r->endless ? 10 << 20 : 2, r->endless ? "" : "ok");
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return false;
	if (!r->endless)
		return true;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < (10u << 20) / sizeof(text); i++)
		if (send(fd, text, sizeof(text), MSG_NOSIGNAL) < 0)
			return false;
	return true;
}

static void wait_ms(struct receiver *r, unsigned int ms)
{
	for (unsigned int i = 0; i < ms / 10 && !r->stop; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void *serve(void *arg)
{
	struct peer p = *(struct peer *)arg;
	struct receiver *r = p.r;
	struct received got = {0};

	free(arg);
	while (take_request(p.fd, &got)) {
		pthread_mutex_lock(&r->lock);
		r->now++;
		if (r->now > r->most)
			r->most = r->now;
		pthread_mutex_unlock(&r->lock);
		wait_ms(r, r->delay_ms);
		pthread_mutex_lock(&r->lock);
		r->now--;
		if (r->n < RECEIVED_MAX)
			r->v[r->n++] = got;
		else
			free(got.body);
		pthread_mutex_unlock(&r->lock);
		got = (struct received){0};
		if (r->drop || !answer(r, p.fd))
			break;
	}
	free(got.body);
	close(p.fd);
	r->connections--;
	return NULL;
}

static void *accept_all(void *arg)
{
	struct receiver *r = arg;

	while (!r->stop) {
		struct pollfd pfd = {.fd = r->fd, .events = POLLIN};
		struct timeval t = {.tv_sec = 20};
		struct peer *p;
		pthread_t thread;
		int fd;

		if (poll(&pfd, 1, 50) <= 0)
			continue;
		fd = accept(r->fd, NULL, NULL);
		p = fd >= 0 ? malloc(sizeof(*p)) : NULL;
		if (!p)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
		*p = (struct peer){r, fd};
		r->connections++;
		if (pthread_create(&thread, NULL, serve, p) == 0) {
			pthread_detach(thread);
		} else {
			r->connections--;
			close(fd);
			free(p);
		}
	}
	return NULL;
}

void receiver_start(struct receiver *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	memset(r, 0, sizeof(*r));
	r->status = 200;
	pthread_mutex_init(&r->lock, NULL);
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(r->fd >= 0);
	assert_int_equal(bind(r->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(r->fd, 64), 0);
	assert_int_equal(getsockname(r->fd, (struct sockaddr *)&a, &len), 0);
	r->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&r->thread, NULL, accept_all, r), 0);
}

void receiver_stop(struct receiver *r)
{
	r->stop = true;
	pthread_join(r->thread, NULL);
	close(r->fd);
	/* Those who sent are gone, so every connection ends. */
	while (r->connections)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].body);
	pthread_mutex_destroy(&r->lock);
}

size_t receiver_count(struct receiver *r)
{
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->n;
	pthread_mutex_unlock(&r->lock);
	return n;
}
