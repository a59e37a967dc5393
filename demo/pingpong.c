// SPDX-License-Identifier: Apache-2.0
/*
 * Traffic that notices every loss and every pause.
 *
 * usage: pingpong PERIOD...
 *
 * Numbered messages go to and fro over a stream and a datagram socket pair, a
 * TCP and a UDP connection on the loopback device; each answer must carry the
 * next number. SIGUSR1 ends a period and begins the next one, SIGTERM ends the
 * last. For every period one line is printed:
 *
 *   NAME: seconds 2.01 messages 8120 lost 0 reordered 0 longest_gap_us 1480
 *
 * The gap is the time between two answers on the same connection, with the
 * half millisecond that is waited between two rounds. Exit status 0: nothing
 * was lost or reordered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	WINDOW = 8,	 /* messages under way at a time */
	PAUSE_US = 500,	 /* between two rounds */
	LOST_MS = 10000, /* an answer that takes longer is lost */
};

struct message {
	uint64_t number;
	char filler[56];
};

static struct pair {
	const char *name;
	int client, server;
	uint64_t next;	  /* number of the next answer */
	uint64_t last_us; /* time of the last answer */
	/* of the period, read and cleared by the main thread under the lock */
	pthread_mutex_t lock;
	uint64_t messages, lost, reordered, gap_us;
} pairs[4];

static atomic_bool stopping;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Two connected sockets of that type on 127.0.0.1. */
static void inet_pair(int type, int fd[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, type, 0);

	fd[0] = socket(AF_INET, type, 0);
	if (s < 0 || fd[0] < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(s, (struct sockaddr *)&a, &len) < 0 ||
	    (type == SOCK_STREAM && listen(s, 1) < 0) ||
	    connect(fd[0], (struct sockaddr *)&a, sizeof(a)) < 0)
		die("loopback");
	if (type == SOCK_STREAM) {
		fd[1] = accept(s, NULL, NULL);
		close(s);
	} else {
		if (getsockname(fd[0], (struct sockaddr *)&a, &len) < 0 ||
		    connect(s, (struct sockaddr *)&a, sizeof(a)) < 0)
			die("loopback");
		fd[1] = s;
	}
	if (fd[1] < 0)
		die("loopback");
}

static void *echo(void *arg)
{
	struct pair *p = arg;
	struct message m;

	for (;;) {
		ssize_t n = recv(p->server, &m, sizeof(m), MSG_WAITALL);
		int waiting;

		if (n != (ssize_t)sizeof(m) || m.number == UINT64_MAX)
			return NULL;
		/* On a unix socket this runs through the patched function. */
		if (ioctl(p->server, SIOCINQ, &waiting) < 0)
			die("SIOCINQ");
		if (send(p->server, &m, sizeof(m), 0) != (ssize_t)sizeof(m))
			die("send");
	}
}

static void answer(struct pair *p)
{
	struct pollfd pf = {.fd = p->client, .events = POLLIN};
	struct message m;
	uint64_t t;

	if (poll(&pf, 1, LOST_MS) == 0) {
		pthread_mutex_lock(&p->lock);
		p->lost++;
		p->next++;
		pthread_mutex_unlock(&p->lock);
		return;
	}
	if (recv(p->client, &m, sizeof(m), MSG_WAITALL) != (ssize_t)sizeof(m))
		die(p->name);
	t = now_us();
	pthread_mutex_lock(&p->lock);
	if (m.number < p->next)
		p->reordered++;
	else
		p->lost += m.number - p->next;
	p->next = m.number + 1;
	p->messages++;
	if (p->last_us && t - p->last_us > p->gap_us)
		p->gap_us = t - p->last_us;
	p->last_us = t;
	pthread_mutex_unlock(&p->lock);
}

static void *talk(void *arg)
{
	struct message m = {0};
	struct pair *p = arg;
	uint64_t number = 0;

	while (!atomic_load(&stopping)) {
		for (int i = 0; i < WINDOW; i++) {
			m.number = number++;
			if (send(p->client, &m, sizeof(m), 0) != (ssize_t)sizeof(m))
				die(p->name);
		}
		for (int i = 0; i < WINDOW; i++)
			answer(p);
		usleep(PAUSE_US);
	}
	m.number = UINT64_MAX;
	if (send(p->client, &m, sizeof(m), 0) < 0)
		die(p->name);
	return NULL;
}

/* Prints a period and begins the next one. Returns what went wrong in it. */
static uint64_t report(const char *name, uint64_t *start)
{
	uint64_t messages = 0, lost = 0, reordered = 0, gap = 0, t = now_us();

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct pair *p = &pairs[i];

		pthread_mutex_lock(&p->lock);
		messages += p->messages;
		lost += p->lost;
		reordered += p->reordered;
		if (p->gap_us > gap)
			gap = p->gap_us;
		p->messages = p->lost = p->reordered = p->gap_us = 0;
		pthread_mutex_unlock(&p->lock);
	}
	printf("%s: seconds %.2f messages %llu lost %llu reordered %llu longest_gap_us %llu\n",
	       name, (double)(t - *start) / 1e6, (unsigned long long)messages,
	       (unsigned long long)lost, (unsigned long long)reordered, (unsigned long long)gap);
	fflush(stdout);
	*start = t;
	return lost + reordered + (messages == 0);
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"unix stream", "unix datagram", "tcp", "udp"};
	pthread_t talkers[4], echoers[4];
	uint64_t bad = 0, start;
	sigset_t set;
	int sig = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: pingpong PERIOD...\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < 4; i++) {
		struct pair *p = &pairs[i];
		int fd[2];

		if (i < 2) {
			if (socketpair(AF_UNIX, i ? SOCK_DGRAM : SOCK_STREAM, 0, fd) < 0)
				die("socketpair");
		} else {
			inet_pair(i == 2 ? SOCK_STREAM : SOCK_DGRAM, fd);
		}
		p->name = names[i];
		p->client = fd[0];
		p->server = fd[1];
		pthread_mutex_init(&p->lock, NULL);
		if (pthread_create(&echoers[i], NULL, echo, p) ||
		    pthread_create(&talkers[i], NULL, talk, p))
			die("pthread_create");
	}
	start = now_us();
	for (int i = 1; i < argc && sig != SIGTERM; i++) {
		sigwait(&set, &sig);
		bad += report(argv[i], &start);
	}
	atomic_store(&stopping, true);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(talkers[i], NULL);
		pthread_join(echoers[i], NULL);
	}
	return bad ? 1 : 0;
}
