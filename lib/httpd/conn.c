// SPDX-License-Identifier: Apache-2.0
/* Connections: who may have one, how long they may take, and when they are gone. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "httpd/internal.h"

enum {
	ACCEPT_AT_ONCE = 64, /* then the deadlines get their turn */
	PHASE_BITS = 3,
	TURN_BITS = 16,
	KILL_MS = 5000,	 /* a connection that expired and is still there gets no more patience */
	NO_FDS_MS = 100, /* pause when descriptors are short */
	YOUNG_MS =
		2000, /* so long a fresh connection may be without its first request in a drain */
	DRAIN_LOOK_MS = 50,
	EVENTS_AT_ONCE =
		128, /* as many as libmicrohttpd takes; its own wake-up may be one of them */
};

uint64_t httpd_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* deadline << 19 | turn << 3 | phase. The turn makes a phase another one than the same phase with the
 * same deadline before. */
static uint64_t pack(enum httpd_phase phase, uint64_t deadline_ms, uint64_t before)
{
	uint64_t turn = ((before >> PHASE_BITS) + 1) & ((1 << TURN_BITS) - 1);

	return deadline_ms << (PHASE_BITS + TURN_BITS) | turn << PHASE_BITS | phase;
}

static enum httpd_phase phase_of(uint64_t word)
{
	return word & ((1 << PHASE_BITS) - 1);
}

bool httpd_set_phase(struct httpd_conn *c, enum httpd_phase phase, uint64_t deadline_ms)
{
	uint64_t old = atomic_load(&c->phase);

	do {
		if (phase_of(old) == HTTPD_EXPIRED)
			return false;
		if (phase == HTTPD_ARRIVING && phase_of(old) == HTTPD_ARRIVING)
			return true; /* the first deadline holds */
	} while (!atomic_compare_exchange_weak(&c->phase, &old, pack(phase, deadline_ms, old)));
	return true;
}

/* --- addresses --- */

static struct httpd_address **slot_of(struct sut_httpd *h, const uint8_t address[16])
{
	uint64_t hash = h->id_seed;

	for (int i = 0; i < 16; i++)
		hash = (hash ^ address[i]) * 0x100000001b3;
	return &h->addresses[(hash ^ hash >> 29) % HTTPD_ADDRESS_SLOTS];
}

static struct httpd_address *find_address(struct sut_httpd *h, const uint8_t address[16])
{
	struct httpd_address *a = *slot_of(h, address);

	while (a && memcmp(a->address, address, sizeof(a->address)) != 0)
		a = a->next;
	return a;
}

/* Counts it in. False when there are too many already. */
static bool add_address(struct sut_httpd *h, const struct httpd_conn *c)
{
	struct httpd_address *a, **slot;

	if (c->is_unix || c->proxy)
		return true;
	a = find_address(h, c->address);
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return false;
		memcpy(a->address, c->address, sizeof(a->address));
		slot = slot_of(h, c->address);
		a->next = *slot;
		*slot = a;
	} else if (a->connections >= h->opts.per_address) {
		return false;
	}
	a->connections++;
	return true;
}

static void drop_address(struct sut_httpd *h, const struct httpd_conn *c)
{
	struct httpd_address *a, **at;

	if (c->is_unix || c->proxy)
		return;
	a = find_address(h, c->address);
	if (!a || --a->connections)
		return;
	for (at = slot_of(h, c->address); *at != a; at = &(*at)->next)
		;
	*at = a->next;
	free(a);
}

/* --- a connection's life --- */

static void free_conn(struct httpd_conn *c)
{
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* With the lock held. The descriptor is still open, or was never given to us. */
static void forget(struct sut_httpd *h, struct httpd_conn *c)
{
	if (c->started) {
		if (c->next)
			c->next->prev = c->prev;
		if (c->prev)
			c->prev->next = c->next;
		else
			h->conns = c->next;
	}
	h->by_fd[c->fd] = NULL;
	h->nconns--;
	atomic_fetch_sub(&c->worker->connections, 1);
	drop_address(h, c);
}

void httpd_on_connection(void *worker, struct MHD_Connection *mhd, void **context,
			 enum MHD_ConnectionNotificationCode code)
{
	struct httpd_worker *w = worker;
	struct sut_httpd *h = w->h;
	struct httpd_conn *c;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

		pthread_mutex_lock(&h->lock);
		c = h->by_fd[fd];
		if (!c) { /* ring() */
			pthread_mutex_unlock(&h->lock);
			return;
		}
		c->started = true;
		c->next = h->conns;
		if (c->next)
			c->next->prev = c;
		h->conns = c;
		pthread_mutex_unlock(&h->lock);
		*context = c;
		if (w->tls)
			gnutls_session_ticket_enable_server(
				MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
					->tls_session,
				&h->ticket_key);
		return;
	}
	/* Called before the descriptor is closed: until here, and under the lock, it is this
	 * connection and no other. */
	c = *context;
	if (!c)
		return;
	pthread_mutex_lock(&h->lock);
	forget(h, c);
	pthread_mutex_unlock(&h->lock);
	free_conn(c);
}

void httpd_conns_release(struct sut_httpd *h)
{
	for (size_t i = 0; i < h->nby_fd && h->nconns; i++) {
		struct httpd_conn *c = h->by_fd[i];

		if (c) {
			forget(h, c);
			free_conn(c);
		}
	}
}

/* --- accepting --- */

static void take_peer(struct httpd_conn *c, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *six = (const void *)ss;
	const struct sockaddr_in *four = (const void *)ss;

	if (ss->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		inet_ntop(AF_INET6, &six->sin6_addr, c->peer, sizeof(c->peer));
		memcpy(c->address, &six->sin6_addr, 8); /* who has one has 2^64 */
	} else if (ss->ss_family == AF_INET6 || ss->ss_family == AF_INET) {
		const void *v4 = ss->ss_family == AF_INET ? (const void *)&four->sin_addr
							  : &six->sin6_addr.s6_addr[12];

		inet_ntop(AF_INET, v4, c->peer, sizeof(c->peer));
		memset(c->address + 10, 0xff, 2);
		memcpy(c->address + 12, v4, 4);
	} else {
		memcpy(c->peer, "unix", 5);
	}
}

static struct httpd_worker *pick_worker(struct sut_httpd *h, bool tls)
{
	struct httpd_worker *w = h->workers + (tls ? h->nplain : 0);
	struct httpd_worker *end = w + (tls ? h->ntls : h->nplain), *best = w;

	for (; w < end; w++)
		if (atomic_load(&w->connections) < atomic_load(&best->connections))
			best = w;
	return best;
}

static struct httpd_conn *new_conn(struct sut_httpd *h, const struct httpd_listener *l, int fd,
				   const struct sockaddr_storage *ss)
{
	struct httpd_conn *c = calloc(1, sizeof(*c));
	unsigned int first;

	if (!c)
		return NULL;
	first = h->opts.idle_sec > h->opts.request_sec ? h->opts.idle_sec : h->opts.request_sec;
	c->h = h;
	c->fd = fd;
	c->is_unix = l->is_unix;
	c->tls = l->tls;
	c->since = httpd_now_ms();
	take_peer(c, ss);
	c->proxy = sut_cidr_any(h->opts.proxies, (unsigned int)h->opts.nproxies, c->peer);
	atomic_init(&c->phase, pack(HTTPD_WAITING, c->since + first * UINT64_C(1000), 0));
	c->seen_phase = atomic_load(&c->phase); /* nothing was received before: seen_bytes is 0 */
	pthread_mutex_init(&c->lock, NULL);
	c->worker = pick_worker(h, l->tls);
	return c;
}

/* With the lock held. Of a fresh descriptor: libmicrohttpd had no memory to start an earlier one, and closed it without a word. */
static void forget_earlier(struct sut_httpd *h, int fd)
{
	struct httpd_conn *old = (size_t)fd < h->nby_fd ? h->by_fd[fd] : NULL;

	if (old) {
		forget(h, old);
		free_conn(old);
	}
}

static bool admit(struct sut_httpd *h, struct httpd_conn *c)
{
	bool ok;

	pthread_mutex_lock(&h->lock);
	forget_earlier(h, c->fd);
	ok = (size_t)c->fd < h->nby_fd && h->nconns < h->opts.connections && add_address(h, c);
	if (ok) {
		h->nconns++;
		atomic_fetch_add(&c->worker->connections, 1);
		h->by_fd[c->fd] = c;
	}
	pthread_mutex_unlock(&h->lock);
	return ok;
}

/* False: descriptors are short, come back later. */
static bool accept_some(struct sut_httpd *h, const struct httpd_listener *l)
{
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage ss = {0};
		socklen_t len = sizeof(ss);
		int fd = accept4(l->fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct httpd_conn *c;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				return false;
			if (errno == EAGAIN || errno == EBADF || errno == EINVAL)
				return true;
			continue; /* one that went away again */
		}
		c = new_conn(h, l, fd, &ss);
		if (!c || !admit(h, c)) {
			if (c)
				free_conn(c);
			atomic_fetch_add(&h->refused, 1);
			close(fd);
			continue;
		}
		atomic_fetch_add(&h->accepted, 1);
		/* From here on the descriptor is the worker's; when this fails it was closed. The
		 * address is not looked at, so one of a unix socket need not be given whole. */
		if (MHD_add_connection(c->worker->daemon, fd, (struct sockaddr *)&ss,
				       sizeof(struct sockaddr_in)) != MHD_YES)
			atomic_fetch_add(&h->refused, 1);
	}
	return true;
}

/* --- deadlines --- */

static uint64_t bytes_received(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? 0
								      : info.tcpi_bytes_received;
}

static void say_timeout(const struct httpd_conn *c)
{
	static const char text[] = "HTTP/1.1 408 Request Timeout\r\n"
				   "Connection: close\r\nContent-Length: 0\r\n\r\n";

	/* The worker only reads in this phase, so the lines do not mix with others. */
	if (!c->tls && send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

/* With the lock held, so the descriptor is that of this connection. */
static void look_at(struct sut_httpd *h, struct httpd_conn *c, uint64_t now)
{
	uint64_t word = atomic_load(&c->phase), deadline = word >> (PHASE_BITS + TURN_BITS);
	enum httpd_phase phase = phase_of(word);

	if (phase == HTTPD_WAITING && !c->is_unix) {
		/* Does a request trickle in? libmicrohttpd tells of one only with its first line. */
		uint64_t bytes = bytes_received(c->fd);

		if (c->seen_phase != word) {
			c->seen_phase = word;
			c->seen_bytes = bytes;
		} else if (bytes != c->seen_bytes) {
			atomic_compare_exchange_strong(
				&c->phase, &word,
				pack(HTTPD_ARRIVING, now + h->opts.request_sec * UINT64_C(1000),
				     word));
			return;
		}
	}
	if (phase == HTTPD_HANDLING || now < deadline)
		return;
	if (phase == HTTPD_EXPIRED) {
		if (now >= deadline + KILL_MS)
			shutdown(c->fd, SHUT_RDWR);
		return;
	}
	if (!atomic_compare_exchange_strong(&c->phase, &word, pack(HTTPD_EXPIRED, now, word)))
		return;
	if (phase == HTTPD_ARRIVING) {
		atomic_fetch_add(&h->timeouts, 1);
		say_timeout(c);
	}
	/* The worker reads the end and closes; closing while bytes are unread would reset the
	 * connection, and take the answer away from the client. */
	shutdown(c->fd, phase == HTTPD_SENDING ? SHUT_RDWR : SHUT_RD);
}

static void look_at_all(struct sut_httpd *h)
{
	uint64_t now = httpd_now_ms();

	pthread_mutex_lock(&h->lock);
	for (struct httpd_conn *c = h->conns; c; c = c->next)
		look_at(h, c, now);
	pthread_mutex_unlock(&h->lock);
}

/* --- waking --- */

/* Gives the worker a connection that has ended already, and is none of by_fd. */
static void ring(struct sut_httpd *h, const struct httpd_worker *w)
{
	const struct sockaddr_in nobody = {.sin_family = AF_UNIX};
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		return; /* the next look rings again */
	close(fd[1]);
	if ((size_t)fd[0] >= h->nby_fd) {
		close(fd[0]);
		return;
	}
	pthread_mutex_lock(&h->lock);
	forget_earlier(h, fd[0]);
	pthread_mutex_unlock(&h->lock);
	(void)MHD_add_connection(w->daemon, fd[0], (const struct sockaddr *)&nobody,
				 sizeof(nobody));
}

/*
 * libmicrohttpd (0.9.75, MHD_epoll) that got as many events as it takes at once waits for further ones before it looks at any:
 * without this, 128 requests that came together would wait for the 129th. Fewer connections cannot do that.
 */
static void ring_all(struct sut_httpd *h)
{
	for (size_t i = 0; i < h->nplain + h->ntls; i++)
		if (atomic_load(&h->workers[i].connections) >= EVENTS_AT_ONCE - 1)
			ring(h, &h->workers[i]);
}

static void close_listeners(struct sut_httpd *h)
{
	for (size_t i = 0; i < h->nlisteners; i++)
		httpd_unlisten(&h->listeners[i]);
	pthread_mutex_lock(&h->lock);
	h->listening = false;
	pthread_cond_broadcast(&h->quieted);
	pthread_mutex_unlock(&h->lock);
}

void *httpd_watch(void *arg)
{
	struct sut_httpd *h = arg;
	struct pollfd p[SUT_HTTPD_LISTEN_MAX + 1];
	bool listening = true, short_of_fds = false;
	uint64_t every = h->opts.request_sec < 10 ? 100 : 1000, next = 0, drained;

	p[0] = (struct pollfd){.fd = h->wake, .events = POLLIN};
	for (size_t i = 0; i < h->nlisteners; i++)
		p[i + 1] = (struct pollfd){.fd = h->listeners[i].fd, .events = POLLIN};
	while (!atomic_load(&h->quit)) {
		uint64_t now = httpd_now_ms();
		nfds_t n = listening && !short_of_fds ? h->nlisteners + 1 : 1;

		if (now >= next) {
			look_at_all(h);
			ring_all(h);
			next = now + every;
		}
		if (poll(p, n, short_of_fds ? NO_FDS_MS : (int)(next - now)) < 0)
			continue;
		short_of_fds = false;
		if (p[0].revents && read(h->wake, &drained, sizeof(drained)) < 0)
			continue;
		if (listening && atomic_load(&h->quiet)) {
			close_listeners(h);
			listening = false;
		}
		for (size_t i = 0; listening && i < h->nlisteners && i + 1 < n; i++)
			if (p[i + 1].revents && !accept_some(h, &h->listeners[i]))
				short_of_fds = true;
	}
	if (listening)
		close_listeners(h);
	return NULL;
}

/* --- draining --- */

/* Those without a request end. How many connections are left. */
static unsigned int send_away(struct sut_httpd *h)
{
	uint64_t now = httpd_now_ms();
	unsigned int left;

	pthread_mutex_lock(&h->lock);
	for (struct httpd_conn *c = h->conns; c; c = c->next)
		/* What the kernel has received already is still read and answered. */
		if (phase_of(atomic_load(&c->phase)) == HTTPD_WAITING &&
		    (atomic_load(&c->used) || now >= c->since + YOUNG_MS))
			shutdown(c->fd, SHUT_RD);
	left = h->nconns;
	pthread_mutex_unlock(&h->lock);
	return left;
}

unsigned int sut_httpd_drain(struct sut_httpd *h, unsigned int sec)
{
	uint64_t end = httpd_now_ms() + sec * UINT64_C(1000), one = 1;
	const struct timespec nap = {.tv_nsec = DRAIN_LOOK_MS * 1000000};

	atomic_store(&h->draining, true);
	atomic_store(&h->quiet, true);
	if (write(h->wake, &one, sizeof(one)) < 0)
		return atomic_load(&h->in_flight); /* cannot be: an eventfd takes 2^64 - 2 */
	pthread_mutex_lock(&h->lock);
	while (h->listening)
		pthread_cond_wait(&h->quieted, &h->lock);
	pthread_mutex_unlock(&h->lock);
	while (send_away(h) > 0 && httpd_now_ms() < end)
		nanosleep(&nap, NULL);
	return atomic_load(&h->in_flight);
}
