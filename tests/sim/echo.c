// SPDX-License-Identifier: Apache-2.0
/*
 * echo bare|httpd|httpd-thread SECONDS: answers every request with 300 bytes: by libmicrohttpd alone, by lib/httpd at
 * once, by lib/httpd from another thread. What a server on this machine can do at most. Prints its port.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/str.h"
#include "httpd/httpd.h"

enum { BODY = 300, QUEUE = 65536 };

static char body[BODY];

/* --- libmicrohttpd alone --- */

static enum MHD_Result bare(void *ctx _unused_, struct MHD_Connection *c, const char *url _unused_,
			    const char *method _unused_, const char *version _unused_,
			    const char *data _unused_, size_t *len, void **state)
{
	static int seen;
	struct MHD_Response *r;
	enum MHD_Result ok;

	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*len) {
		*len = 0;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(BODY, body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(r, "Content-Type", "application/json");
	ok = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return ok;
}

/* --- lib/httpd --- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct sut_hreq *v[QUEUE];
	unsigned int at, n;
	bool threaded, end;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void answer(struct sut_hreq *q)
{
	sut_hreq_answer(
		q, &(struct sut_hresp){
			   .status = 200, .type = "application/json", .body = body, .len = BODY});
}

static void handle(void *ctx _unused_, struct sut_hreq *q)
{
	if (!queue.threaded) {
		answer(q);
		return;
	}
	pthread_mutex_lock(&queue.lock);
	queue.v[(queue.at + queue.n++) % QUEUE] = q;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

/* Takes all that wait, as a portal's writer does. */
static void *work(void *arg _unused_)
{
	struct sut_hreq *v[512];

	for (;;) {
		unsigned int n = 0;

		pthread_mutex_lock(&queue.lock);
		while (!queue.n && !queue.end)
			pthread_cond_wait(&queue.filled, &queue.lock);
		for (; queue.n && n < SUT_ARRAY_SIZE(v); queue.n--)
			v[n++] = queue.v[queue.at++ % QUEUE];
		pthread_mutex_unlock(&queue.lock);
		if (!n)
			return NULL;
		for (unsigned int i = 0; i < n; i++)
			answer(v[i]);
	}
}

static int serve(unsigned int sec)
{
	static const char *const listen[] = {"127.0.0.1:0", NULL};
	struct sut_httpd_opts o = {.listen = listen, .handle = handle, .per_address = 60000};
	struct sut_httpd *h = NULL;
	struct sut_err err = {0};
	pthread_t t;

	if (pthread_create(&t, NULL, work, NULL))
		return 1;
	if (sut_httpd_start(&o, &h, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	printf("%u\n", sut_httpd_port(h, 0));
	fflush(stdout);
	sleep(sec);
	sut_httpd_stop(h);
	pthread_mutex_lock(&queue.lock);
	queue.end = true;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
	pthread_join(t, NULL);
	return 0;
}

static int serve_bare(unsigned int sec)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct MHD_Daemon *d = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, bare, NULL, MHD_OPTION_SOCK_ADDR, &a,
		MHD_OPTION_THREAD_POOL_SIZE, 2, MHD_OPTION_CONNECTION_LIMIT, 20000, MHD_OPTION_END);
	const union MHD_DaemonInfo *i =
		d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;

	if (!i)
		return 1;
	printf("%u\n", i->port);
	fflush(stdout);
	sleep(sec);
	MHD_stop_daemon(d);
	return 0;
}

static void on_signal(int sig _unused_)
{
}

int main(int argc, char **argv)
{
	struct rlimit fds;
	uint64_t sec;

	if (argc != 3 || sut_parse_u64(argv[2], 3600, &sec) < 0) {
		fprintf(stderr, "usage: echo bare|httpd|httpd-thread SECONDS\n");
		return 64;
	}
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0) {
		fds.rlim_cur = fds.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &fds);
	}
	signal(SIGTERM, on_signal); /* ends the sleep */
	memset(body, 'x', sizeof(body));
	queue.threaded = !strcmp(argv[1], "httpd-thread");
	return !strcmp(argv[1], "bare") ? serve_bare((unsigned int)sec) : serve((unsigned int)sec);
}
