// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "server.h"

enum {
	CONNS_MAX = 32,
	RULES_MAX = 32,
	REQUEST_MAX = 16 << 10,
	LOG_MAX = 256 << 10,
	/* So that an endless body ends, should the client never stop reading. */
	ENDLESS_MAX = 64 << 20,
};

struct rule {
	char *path;
	enum server_action action;
	long n;
	char *text;
};

struct conn {
	int fd; /* -1: free */
	char in[REQUEST_MAX];
	size_t in_len;
	uint8_t *out; /* head and body; NULL: waits for a request */
	size_t out_len, sent, head_len;
	size_t limit; /* no more than this of out is sent before its time */
	long per_minute;
	int64_t started; /* milliseconds */
	bool endless, stall, close_after;
	uint64_t filler;
};

struct server {
	struct sim *sim;
	int listener, port;
	pthread_mutex_t lock;
	struct rule rules[RULES_MAX];
	size_t nrules;
	char log[LOG_MAX];
	size_t log_len;
	uint64_t sent;
	struct conn conns[CONNS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void hang_up(struct conn *c)
{
	close(c->fd);
	free(c->out);
	c->fd = -1;
	c->out = NULL;
	c->in_len = 0;
}

/* --- answers --- */

static void answer(struct conn *c, int status, const char *headers, const void *body, size_t len)
{
	const char *reason = status == 200   ? "OK"
			     : status == 206 ? "Partial Content"
			     : status == 302 ? "Found"
			     : status == 404 ? "Not Found"
					     : "Status";
	char *head = sim_str("HTTP/1.1 %d %s\r\n%s\r\n", status, reason, headers);

	c->head_len = strlen(head);
	c->out_len = c->head_len + len;
	c->out = malloc(c->out_len + 1);
	if (!c->out)
		sim_die("out of memory");
	memcpy(c->out, head, c->head_len);
	if (len)
		memcpy(c->out + c->head_len, body, len);
	c->limit = c->out_len;
	free(head);
}

static void answer_sized(struct conn *c, int status, const void *body, size_t len)
{
	char *headers = sim_str("Content-Length: %zu\r\n", len);

	answer(c, status, headers, body, len);
	free(headers);
}

static void answer_not_found(struct conn *c)
{
	answer_sized(c, 404, "no such file\n", 13);
}

static void answer_bomb(struct conn *c, long megabytes)
{
	static uint8_t spaces[64 << 10];
	z_stream z = {0};
	size_t cap = (size_t)megabytes << 14;
	uint8_t *packed = malloc(cap);
	char *headers;

	if (!packed || deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		sim_die("no gzip");
	memset(spaces, ' ', sizeof(spaces));
	z.next_out = packed;
	z.avail_out = (uInt)cap;
	for (long i = 0; i < megabytes * 16; i++) {
		z.next_in = spaces;
		z.avail_in = sizeof(spaces);
		if (deflate(&z, Z_NO_FLUSH) != Z_OK)
			sim_die("gzip");
	}
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		sim_die("gzip");
	headers = sim_str("Content-Encoding: gzip\r\nContent-Length: %lu\r\n", z.total_out);
	answer(c, 200, headers, packed, z.total_out);
	deflateEnd(&z);
	free(headers);
	free(packed);
}

static void follow_rule(struct conn *c, const struct rule *r, const uint8_t *data, size_t len)
{
	char *headers = NULL;

	switch (r->action) {
	case SERVER_STATUS:
		answer_sized(c, (int)r->n, "as the test wants\n", 18);
		break;
	case SERVER_CUT:
		answer_sized(c, 200, data, len);
		c->out_len = c->head_len + ((size_t)r->n < len ? (size_t)r->n : len);
		c->limit = c->out_len;
		c->close_after = true;
		break;
	case SERVER_SLOW:
		answer_sized(c, 200, data, len);
		c->limit = c->head_len;
		c->per_minute = r->n;
		break;
	case SERVER_STALL:
		answer_sized(c, 200, data, len);
		c->limit = c->head_len + ((size_t)r->n < len ? (size_t)r->n : len);
		c->stall = true;
		break;
	case SERVER_ENDLESS:
		answer(c, 200, "Connection: close\r\n", data, len);
		c->endless = true;
		break;
	case SERVER_HUGE:
		answer(c, 200, "Content-Length: 1099511627776\r\n", data, len);
		c->endless = true;
		break;
	case SERVER_REDIRECT:
		headers = sim_str("Location: %s\r\nContent-Length: 0\r\n", r->text);
		answer(c, 302, headers, NULL, 0);
		break;
	case SERVER_DROP:
		answer(c, 200, "", NULL, 0);
		c->out_len = c->limit = 0;
		c->close_after = true;
		break;
	case SERVER_GARBAGE:
		answer(c, 200, "", NULL, 0);
		memset(c->out, 0xa5, c->out_len);
		c->close_after = true;
		break;
	case SERVER_BODY:
		answer_sized(c, 200, r->text, (size_t)r->n);
		break;
	case SERVER_GZIP_BOMB:
		answer_bomb(c, r->n);
		break;
	}
	free(headers);
}

static void note(struct server *srv, const char *shown, long long from)
{
	char range[32] = "";
	int n;

	if (from >= 0)
		snprintf(range, sizeof(range), "[%lld-]", from);
	n = snprintf(srv->log + srv->log_len, LOG_MAX - srv->log_len, "%s%s%s",
		     srv->log_len ? " " : "", shown, range);
	if (n < 0 || (size_t)n >= LOG_MAX - srv->log_len)
		sim_die("too many requests");
	srv->log_len += (size_t)n;
}

static const char *shown(const char *path)
{
	return strncmp(path, "/metadata/", 10) == 0 ? path + 10
	       : strncmp(path, "/targets/", 9) == 0 ? path + 1
						    : path;
}

/* The first byte of "Range: bytes=N-", or -1. */
static long long range_of(const char *request)
{
	const char *p = strcasestr(request, "\r\nRange: bytes=");

	return p ? strtoll(p + 15, NULL, 10) : -1;
}

static void serve(struct server *srv, struct conn *c, const char *request)
{
	const struct rule *rule = NULL;
	const struct sim_file *file = NULL;
	const struct sim_artifact *art = NULL;
	const uint8_t *data = NULL;
	long long from = range_of(request);
	size_t len = 0;
	char *path, *headers;

	c->sent = 0;
	c->per_minute = 0;
	c->started = now_ms();
	c->endless = c->stall = false;
	c->filler = 0;
	c->close_after = strcasestr(request, "\r\nConnection: close") != NULL;
	if (strncmp(request, "GET ", 4) != 0) {
		answer_sized(c, 405, "only GET\n", 9);
		return;
	}
	path = sim_str("%.*s", (int)strcspn(request + 4, " \r\n"), request + 4);
	note(srv, shown(path), from);
	for (size_t i = 0; i < srv->nrules; i++)
		if (strcmp(srv->rules[i].path, path) == 0)
			rule = &srv->rules[i];
	if (strncmp(path, "/metadata/", 10) == 0)
		file = sim_find_metadata(srv->sim, path + 10);
	else if (strncmp(path, "/targets/", 9) == 0)
		art = sim_find_artifact(srv->sim, path + 9);
	if (file) {
		data = file->data;
		len = file->len;
	} else if (art) {
		data = art->data;
		len = art->len;
	}
	if (rule) {
		follow_rule(c, rule, data, len);
	} else if (!file && !art) {
		answer_not_found(c);
	} else if (from >= 0 && (size_t)from < len) {
		headers = sim_str("Content-Length: %zu\r\nContent-Range: bytes %lld-%zu/%zu\r\n",
				  len - (size_t)from, from, len - 1, len);
		answer(c, 206, headers, data + from, len - (size_t)from);
		free(headers);
	} else if (from >= 0) {
		headers = sim_str("Content-Length: 0\r\nContent-Range: bytes */%zu\r\n", len);
		answer(c, 416, headers, NULL, 0);
		free(headers);
	} else {
		answer_sized(c, 200, data, len);
	}
	free(path);
}

/* --- connections --- */

static void receive(struct server *srv, struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, REQUEST_MAX - 1 - c->in_len, 0);
	char *end;
	size_t used;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			hang_up(c);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (c->in[0] == 0x16) { /* a handshake of TLS */
		pthread_mutex_lock(&srv->lock);
		note(srv, "TLS", -1);
		pthread_mutex_unlock(&srv->lock);
		hang_up(c);
		return;
	}
	end = strstr(c->in, "\r\n\r\n");
	if (!end || c->out) {
		if (c->in_len == REQUEST_MAX - 1)
			hang_up(c);
		return;
	}
	end[2] = '\0';
	used = (size_t)(end - c->in) + 4;
	pthread_mutex_lock(&srv->lock);
	serve(srv, c, c->in);
	pthread_mutex_unlock(&srv->lock);
	memmove(c->in, c->in + used, c->in_len - used + 1);
	c->in_len -= used;
}

/* Sends what may be sent now. */
static void transmit(struct server *srv, struct conn *c)
{
	static char spaces[16 << 10];
	size_t limit = c->limit;
	ssize_t n;

	if (!spaces[0])
		memset(spaces, ' ', sizeof(spaces));
	if (c->per_minute) {
		limit = c->head_len + (size_t)((now_ms() - c->started) * c->per_minute / 60000);
		if (limit > c->out_len)
			limit = c->out_len;
	}
	if (c->sent < limit) {
		n = send(c->fd, c->out + c->sent, limit - c->sent, MSG_NOSIGNAL);
		if (n > 0) {
			c->sent += (size_t)n;
			__atomic_add_fetch(&srv->sent, (uint64_t)n, __ATOMIC_RELAXED);
		}
	} else if (c->sent == c->out_len && c->endless && c->filler < ENDLESS_MAX) {
		n = send(c->fd, spaces, sizeof(spaces), MSG_NOSIGNAL);
		if (n > 0) {
			c->filler += (uint64_t)n;
			__atomic_add_fetch(&srv->sent, (uint64_t)n, __ATOMIC_RELAXED);
		}
	} else {
		n = 0;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		hang_up(c);
		return;
	}
	if (c->sent < c->out_len || c->stall || (c->endless && c->filler < ENDLESS_MAX))
		return;
	free(c->out);
	c->out = NULL;
	if (c->close_after || c->endless)
		hang_up(c);
}

/* Is there something that poll() should wait for room for? */
static bool wants_to_send(const struct conn *c)
{
	return c->out && !c->per_minute &&
	       (c->sent < c->limit || (c->sent == c->out_len && (c->endless || !c->stall)));
}

static void meet(struct server *srv)
{
	int fd = accept4(srv->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), small = 64 << 10;

	if (fd < 0)
		return;
	/* Endless bodies are not to vanish in buffers. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	small = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &small, sizeof(small));
	for (size_t i = 0; i < CONNS_MAX; i++) {
		if (srv->conns[i].fd < 0) {
			memset(&srv->conns[i], 0, sizeof(srv->conns[i]));
			srv->conns[i].fd = fd;
			return;
		}
	}
	close(fd);
}

static void *loop(void *arg)
{
	struct server *srv = arg;

	for (;;) {
		struct pollfd p[CONNS_MAX + 1] = {{.fd = srv->listener, .events = POLLIN}};
		bool slow = false;

		for (size_t i = 0; i < CONNS_MAX; i++) {
			struct conn *c = &srv->conns[i];

			p[i + 1].fd = c->fd;
			p[i + 1].events = (short)(wants_to_send(c) ? POLLOUT : POLLIN);
			slow |= c->fd >= 0 && c->out && c->per_minute;
		}
		if (poll(p, CONNS_MAX + 1, slow ? 20 : -1) < 0)
			continue;
		if (p[0].revents & POLLIN)
			meet(srv);
		for (size_t i = 0; i < CONNS_MAX; i++) {
			struct conn *c = &srv->conns[i];

			if (c->fd < 0 || p[i + 1].fd != c->fd)
				continue;
			if (p[i + 1].revents & (POLLIN | POLLHUP | POLLERR))
				receive(srv, c);
			if (c->fd >= 0 && c->out)
				transmit(srv, c);
		}
	}
	return NULL;
}

/* --- for the test --- */

struct server *server_start(struct sim *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct server *srv = calloc(1, sizeof(*srv));
	socklen_t n = sizeof(a);
	pthread_t thread;

	if (!srv)
		sim_die("out of memory");
	srv->sim = s;
	for (size_t i = 0; i < CONNS_MAX; i++)
		srv->conns[i].fd = -1;
	srv->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (srv->listener < 0 || bind(srv->listener, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(srv->listener, 16) || getsockname(srv->listener, (struct sockaddr *)&a, &n))
		sim_die("cannot listen: %s", strerror(errno));
	srv->port = ntohs(a.sin_port);
	pthread_mutex_init(&srv->lock, NULL);
	server_take(srv);
	if (pthread_create(&thread, NULL, loop, srv))
		sim_die("no thread");
	pthread_detach(thread);
	return srv;
}

int server_port(const struct server *srv)
{
	return srv->port;
}

void server_lend(struct server *srv)
{
	pthread_mutex_unlock(&srv->lock);
}

void server_take(struct server *srv)
{
	pthread_mutex_lock(&srv->lock);
}

void server_rule(struct server *srv, const char *path, enum server_action action, long n,
		 const char *text)
{
	char *copy = text ? malloc((size_t)n + strlen(text) + 1) : NULL;

	if (srv->nrules == RULES_MAX)
		sim_die("too many rules");
	/* A body may hold NUL bytes; other texts are strings. */
	if (copy && action == SERVER_BODY)
		memcpy(copy, text, (size_t)n);
	else if (copy)
		memcpy(copy, text, strlen(text) + 1);
	srv->rules[srv->nrules++] =
		(struct rule){.path = sim_str("%s", path), .action = action, .n = n, .text = copy};
}

void server_behave(struct server *srv)
{
	srv->nrules = 0;
}

const char *server_log(const struct server *srv)
{
	return srv->log;
}

void server_forget(struct server *srv)
{
	srv->log_len = 0;
	srv->log[0] = '\0';
	__atomic_store_n(&srv->sent, 0, __ATOMIC_RELAXED);
}

uint64_t server_sent(const struct server *srv)
{
	return __atomic_load_n(&srv->sent, __ATOMIC_RELAXED);
}
