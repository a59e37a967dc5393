// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "liar.h"

enum { REQUEST_MAX = 512 << 10 };

static size_t number_after(const char *head, const char *name)
{
	const char *p = strcasestr(head, name);
	uint64_t v = 0;
	char digits[16];
	size_t n;

	if (!p)
		return 0;
	p += strlen(name);
	p += strspn(p, " ");
	n = strspn(p, "0123456789");
	if (n >= sizeof(digits))
		return 0;
	memcpy(digits, p, n);
	digits[n] = '\0';
	return sut_parse_u64(digits, REQUEST_MAX, &v) < 0 ? 0 : (size_t)v;
}

static void line_after(const char *head, const char *name, char *ret, size_t size)
{
	const char *p = strcasestr(head, name);

	*ret = '\0';
	if (p)
		(void)snprintf(ret, size, "%.*s", (int)strcspn(p + strlen(name), "\r\n"),
			       p + strlen(name));
}

/* One whole request; NULL when the connection ended before. */
static char *take(int fd)
{
	char *all = calloc(1, REQUEST_MAX + 1), *end = NULL;
	size_t n = 0;

	while (all && n < REQUEST_MAX) {
		ssize_t got = read(fd, all + n, REQUEST_MAX - n);

		if (got <= 0)
			break;
		n += (size_t)got;
		end = strstr(all, "\r\n\r\n");
		if (end && n >= (size_t)(end + 4 - all) + number_after(all, "content-length:"))
			return all;
	}
	free(all);
	return NULL;
}

/* Under the lock: the number of the answer, or LIAR_MAX. */
static size_t choose(struct liar *l, const char *path)
{
	for (size_t i = 0; i < l->nanswers; i++)
		if (l->always[i] && !strcmp(l->always[i], path))
			return i;
	while (l->said < l->nanswers && l->always[l->said])
		l->said++;
	return l->said < l->nanswers ? l->said++ : LIAR_MAX;
}

static void serve(struct liar *l, int fd)
{
	char *request = take(fd);
	size_t i, done = 0;

	if (!request)
		return;
	pthread_mutex_lock(&l->lock);
	i = l->n < LIAR_MAX ? l->n++ : LIAR_MAX - 1;
	(void)sscanf(request, "%*s %127s", l->path[i]);
	line_after(request, "authorization: ", l->authorization[i], sizeof(l->authorization[i]));
	free(l->body[i]);
	l->body[i] = strdup(strstr(request, "\r\n\r\n") + 4);
	i = choose(l, l->path[i]);
	pthread_mutex_unlock(&l->lock);
	free(request);
	while (i < LIAR_MAX && done < l->len[i]) {
		ssize_t put = send(fd, l->answers[i] + done, l->len[i] - done, MSG_NOSIGNAL);

		if (put <= 0)
			return;
		done += (size_t)put;
	}
}

static void *run(void *arg)
{
	struct liar *l = arg;
	int fd;

	/* shutdown() of the listening socket ends it. */
	while ((fd = accept(l->fd, NULL, NULL)) >= 0) {
		const struct timeval patience = {.tv_sec = 10};

		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		serve(l, fd);
		close(fd);
	}
	return NULL;
}

void liar_start(struct liar *l)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	memset(l, 0, sizeof(*l));
	pthread_mutex_init(&l->lock, NULL);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(l->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l->fd, 16), 0);
	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(pthread_create(&l->thread, NULL, run, l), 0);
}

void liar_stop(struct liar *l)
{
	(void)shutdown(l->fd, SHUT_RDWR);
	pthread_join(l->thread, NULL);
	close(l->fd);
	for (size_t i = 0; i < LIAR_MAX; i++) {
		free(l->body[i]);
		free(l->answers[i]);
	}
	pthread_mutex_destroy(&l->lock);
}

void liar_raw(struct liar *l, const void *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	pthread_mutex_lock(&l->lock);
	assert_true(l->nanswers < LIAR_MAX);
	l->answers[l->nanswers] = copy;
	l->len[l->nanswers++] = len;
	pthread_mutex_unlock(&l->lock);
}

void liar_says(struct liar *l, const char *status, const char *headers, const char *body)
{
	_cleanup_(sut_freep) char *text =
		sut_sprintf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\n"
			    "%sContent-Length: %zu\r\n\r\n%s",
			    status, headers ? headers : "", strlen(body), body);

	assert_non_null(text);
	liar_raw(l, text, strlen(text));
}

void liar_always(struct liar *l, const char *path, const char *status, const char *body)
{
	liar_says(l, status, NULL, body);
	pthread_mutex_lock(&l->lock);
	l->always[l->nanswers - 1] = path;
	pthread_mutex_unlock(&l->lock);
}
