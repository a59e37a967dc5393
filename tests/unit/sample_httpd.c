// SPDX-License-Identifier: Apache-2.0
#include "sample_httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/str.h"
#include "unit.h"

enum { THREADS = 3, QUEUE = 4096, PATIENCE_MS = 10000, ANSWER_MAX = 4 << 20 };

struct work {
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct sut_hreq *later[QUEUE], *held[QUEUE];
	unsigned int nlater, nheld;
	bool end;
	pthread_t threads[THREADS];
};

static void echo(struct sut_hreq *q)
{
	size_t len, n;
	const char *body = sut_hreq_body(q, &len);
	char head[8192], *text;

	snprintf(head, sizeof(head), "%s %s?%s %s %s %zu:", sut_hreq_method(q), sut_hreq_path(q),
		 sut_hreq_query(q), sut_hreq_peer(q), sut_hreq_tls(q) ? "https" : "http", len);
	n = strlen(head);
	text = malloc(n + len + 1);
	if (!text)
		abort();
	memcpy(text, head, n);
	if (len)
		memcpy(text + n, body, len);
	sut_hreq_answer(q, &(struct sut_hresp){.status = 200,
					       .type = "text/plain",
					       .body = text,
					       .len = n + len,
					       .free_body = free});
}

static void *answer_later(void *arg)
{
	struct work *w = arg;
	unsigned int seed = (unsigned int)(uintptr_t)&arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct sut_hreq *q;
		unsigned int i;

		while (!w->nlater && !w->end)
			pthread_cond_wait(&w->change, &w->lock);
		if (!w->nlater)
			break;
		i = (unsigned int)rand_r(&seed) % w->nlater;
		q = w->later[i];
		w->later[i] = w->later[--w->nlater];
		pthread_mutex_unlock(&w->lock);
		if (rand_r(&seed) % 4 == 0) {
			struct timespec t = {.tv_nsec = rand_r(&seed) % 2000000};

			nanosleep(&t, NULL);
		}
		echo(q);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void handle(void *ctx, struct sut_hreq *q)
{
	struct sample_httpd *s = ctx;
	struct work *w = s->work;
	const char *path = sut_hreq_path(q);
	static const char x[65536];

	if (sut_startswith(path, "/later") || sut_startswith(path, "/hold")) {
		pthread_mutex_lock(&w->lock);
		if (w->nheld == QUEUE || w->nlater == QUEUE)
			abort();
		if (path[1] == 'l')
			w->later[w->nlater++] = q;
		else
			w->held[w->nheld++] = q;
		pthread_cond_broadcast(&w->change);
		pthread_mutex_unlock(&w->lock);
	} else if (!strcmp(path, "/busy")) {
		struct timespec t = {.tv_nsec = 300000000};

		nanosleep(&t, NULL); /* the thread that serves the connections sleeps */
		echo(q);
	} else if (sut_startswith(path, "/file/")) {
		char *name = sut_httpd_unquote(path + 6, strlen(path + 6));
		struct sut_hfile f = {.path = name ? name : "", .cache_control = "max-age=60"};

		sut_hreq_answer_file(q, s->dirfd, &f);
		free(name);
	} else if (!strcmp(path, "/big")) {
		sut_hreq_answer(q, &(struct sut_hresp){.status = 200, .body = x, .len = sizeof(x)});
	} else if (!strcmp(path, "/header")) {
		static const char *const bad[] = {"Location: /\r\nX-Evil: 1", NULL};

		sut_hreq_answer(q, &(struct sut_hresp){.status = 302, .headers = bad});
	} else {
		echo(q);
	}
}

static size_t body_limit(void *ctx _unused_, const char *method _unused_, const char *path)
{
	return sut_startswith(path, "/small") ? 8 : 1 << 20;
}

static void done(void *ctx, const struct sut_hreq *q, int status, uint64_t bytes _unused_,
		 double seconds)
{
	struct sample_httpd *s = ctx;
	struct work *w = s->work;

	if (seconds < 0 || strlen(sut_hreq_id(q)) != SUT_HTTPD_REQUEST_ID)
		abort();
	pthread_mutex_lock(&w->lock);
	snprintf(s->done, sizeof(s->done), "%s %.200s %d", sut_hreq_method(q), sut_hreq_path(q),
		 status);
	s->ndone++;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
}

void sample_start(struct sample_httpd *s, const struct sut_httpd_opts *opts, const char *listen_on)
{
	const char *listen[] = {listen_on ? listen_on : "127.0.0.1:0", NULL};
	struct sut_httpd_opts o = opts ? *opts : (struct sut_httpd_opts){0};
	struct work *w = calloc(1, sizeof(*w));
	struct sut_err err = {0};

	s->work = w;
	assert_non_null(w);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->change, NULL);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w->threads[i], NULL, answer_later, w), 0);
	if (!o.listen)
		o.listen = listen;
	if (!o.threads)
		o.threads = 2;
	o.handle = handle;
	o.body_limit = body_limit;
	o.done = done;
	o.ctx = s;
	s->ndone = 0;
	s->done[0] = 0;
	assert_ok(sut_httpd_start(&o, &s->h, &err), err);
	s->port = sut_httpd_port(s->h, 0);
	s->unix_path =
		listen_on && sut_startswith(listen_on, "unix:") ? strdup(listen_on + 5) : NULL;
}

void sample_stop(struct sample_httpd *s)
{
	struct work *w = s->work;

	sut_httpd_stop(s->h);
	s->h = NULL;
	pthread_mutex_lock(&w->lock);
	w->end = true;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(w->threads[i], NULL);
	sample_release(s);
	if (s->unix_path) /* clients may still look at it */
		free(sut_steal(s->unix_path));
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(sut_steal(s->work));
}

unsigned int sample_done(const struct sample_httpd *s, char last[SAMPLE_LAST])
{
	struct work *w = s->work;
	unsigned int n;

	pthread_mutex_lock(&w->lock);
	n = s->ndone;
	if (last)
		memcpy(last, s->done, SAMPLE_LAST);
	pthread_mutex_unlock(&w->lock);
	return n;
}

unsigned int sample_held(const struct sample_httpd *s)
{
	struct work *w = s->work;
	unsigned int n;

	pthread_mutex_lock(&w->lock);
	n = w->nheld;
	pthread_mutex_unlock(&w->lock);
	return n;
}

static void *release(void *arg)
{
	struct work *w = arg;

	pthread_mutex_lock(&w->lock);
	while (w->nheld) {
		struct sut_hreq *q = w->held[--w->nheld];

		pthread_mutex_unlock(&w->lock);
		echo(q);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void sample_release(const struct sample_httpd *s)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, release, s->work), 0);
	pthread_join(t, NULL);
}

int sample_connect(const struct sample_httpd *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)s->port),
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	int fd = socket(s->unix_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	assert_true(fd >= 0);
	if (s->unix_path)
		snprintf(u.sun_path, sizeof(u.sun_path), "%s", s->unix_path);
	r = s->unix_path ? connect(fd, (struct sockaddr *)&u, sizeof(u))
			 : connect(fd, (struct sockaddr *)&a, sizeof(a));
	if (r < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void sample_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			return; /* the server has enough of it; the answer tells */
		p += n;
		len -= (size_t)n;
	}
}

void sample_sends(int fd, const char *text)
{
	sample_send(fd, text, strlen(text));
}

static struct sut_buf came = {.max = ANSWER_MAX};

/* One more piece, at most max bytes. 0 at the end, -1 after a while. */
static int receive(int fd, size_t max)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char piece[4096];
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return -1;
	n = recv(fd, piece, max < sizeof(piece) ? max : sizeof(piece), 0);
	if (n > 0)
		assert_int_equal(sut_buf_add(&came, piece, (size_t)n), 0);
	return n < 0 ? 0 : (int)n;
}

int sample_answer(int fd, bool head, const char **text)
{
	const char *end, *length;
	unsigned long body = 0;
	int status, r;

	sut_buf_release(&came);
	/* Byte by byte, so that what comes after the head is left for the next call. */
	while (!(end = came.len ? strstr((char *)came.data, "\r\n\r\n") : NULL)) {
		r = receive(fd, 1);
		if (text)
			*text = sut_buf_str(&came);
		if (r <= 0)
			return r;
	}
	length = strcasestr((char *)came.data, "\r\nContent-Length: ");
	if (length && length < end && !head)
		body = strtoul(length + 18, NULL, 10);
	if (sscanf((char *)came.data, "HTTP/1.1 %d", &status) != 1)
		return 0;
	if (status == 304)
		body = 0;
	while (body) {
		r = receive(fd, body);
		if (text)
			*text = sut_buf_str(&came);
		if (r <= 0)
			return r;
		body -= (unsigned long)r;
	}
	if (text)
		*text = sut_buf_str(&came);
	return status;
}

bool sample_ended(int fd, const char **text)
{
	int r;

	sut_buf_release(&came);
	while ((r = receive(fd, 4096)) > 0)
		;
	if (text)
		*text = sut_buf_str(&came);
	return r == 0;
}

int sample_ask(const struct sample_httpd *s, const char *request, const char **text)
{
	int fd = sample_connect(s), status;

	if (fd < 0)
		return -1;
	sample_sends(fd, request);
	status = sample_answer(fd, sut_startswith(request, "HEAD "), text);
	close(fd);
	return status;
}

bool sample_wait(bool (*cond)(void *), void *arg)
{
	struct timespec t = {.tv_nsec = 5000000};

	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		if (cond(arg))
			return true;
		nanosleep(&t, NULL);
	}
	return cond(arg);
}
