// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/str.h"

enum {
	IN_MAX = 64 << 10,
	OUT_MAX = 16 << 10,
	EVENTS = 512,
	ANSWER_SEC = 30,
	RETRY_MS = 50,
	DRAIN_SEC = 60,
	LOOK_MS = 500,
};

enum phase { CLOSED, CONNECTING, SHAKING, IDLE, SENDING, RECEIVING };

struct url {
	struct sockaddr_storage address;
	socklen_t len;
	bool tls;
	char host[128];
	SSL_SESSION *session;
};

struct conn {
	enum phase phase;
	int fd;
	SSL *ssl;
	bool tls; /* wants it */
	unsigned int next_url, served;
	struct url *url;
	uint32_t events; /* registered */
	/* the request under way */
	bool busy, queued;
	size_t one;
	double due;
	double sent;
	char out[OUT_MAX];
	size_t out_len, out_at;
	struct sut_buf in;
};

struct again {
	size_t one;
	double due, when;
};

struct load {
	struct fleet *f;
	const struct load_opts *o;
	struct load_result *r;
	struct url urls[LOAD_URLS_MAX];
	SSL_CTX *ctx;
	int ep;
	struct conn *conns;
	/* Those without a request, open or not: a ring, so that all are used alike. */
	struct conn **free;
	size_t free_at, nfree;
	struct again *retry; /* a ring */
	size_t retry_at, nretry, retry_max;
	size_t *order, next; /* of systems */
	size_t enrolled;
	uint64_t issued;
	uint64_t random;
	double begin, last_good;
	bool over; /* nothing new is begun */
	struct sut_err *err;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool enrolling(const struct load *l)
{
	return l->o->nkeys;
}

/* --- addresses --- */

static int parse_url(const char *s, struct url *u, struct sut_err *err)
{
	struct sockaddr_un *un = (void *)&u->address;
	struct sockaddr_in *in = (void *)&u->address;
	const char *p = s, *colon;
	char host[64];
	uint64_t port;
	size_t n;

	if (sut_startswith(s, "unix:") && strlen(s + 5) < sizeof(un->sun_path)) {
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, s + 5, strlen(s + 5));
		u->len = sizeof(*un);
		snprintf(u->host, sizeof(u->host), "localhost");
		return 0;
	}
	u->tls = sut_startswith(s, "https://");
	p = u->tls ? s + 8 : sut_startswith(s, "http://") ? s + 7 : NULL;
	colon = p ? strchr(p, ':') : NULL;
	n = colon ? (size_t)(colon - p) : sizeof(host);
	if (n >= sizeof(host) || sut_parse_u64(colon + 1, UINT16_MAX, &port) < 0)
		return sut_err_set(err, EINVAL,
				   "'%s' is no address; write http://127.0.0.1:8080, https://… or "
				   "unix:PATH",
				   s);
	memcpy(host, p, n);
	host[n] = 0;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	u->len = sizeof(*in);
	snprintf(u->host, sizeof(u->host), "%s:%s", host, colon + 1);
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return sut_err_set(err, EINVAL, "'%s': only numeric IPv4 addresses here", s);
	return 0;
}

/* --- connections --- */

static void watch(struct load *l, struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	if (c->events == events)
		return;
	epoll_ctl(l->ep, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e);
	c->events = events;
}

static void put_free(struct load *l, struct conn *c)
{
	if (c->queued)
		return;
	c->queued = true;
	l->free[(l->free_at + l->nfree++) % l->o->connections] = c;
}

static void hang_up(struct conn *c)
{
	if (c->ssl) {
		SSL_set_quiet_shutdown(c->ssl, 1);
		SSL_shutdown(c->ssl); /* else OpenSSL forgets the session */
		SSL_free(c->ssl);
	}
	if (c->fd >= 0)
		close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
	c->events = 0;
	c->served = 0;
	c->phase = CLOSED;
	sut_buf_release(&c->in);
}

static void put_idle(struct load *l, struct conn *c)
{
	c->phase = IDLE;
	watch(l, c, EPOLLIN);
	if (!c->busy)
		put_free(l, c);
}

/* The request goes back and is sent again, the same. */
static void repeat(struct load *l, struct conn *c, double t)
{
	struct again *a;

	if (!c->busy)
		return;
	c->busy = false;
	l->r->retries++;
	a = &l->retry[(l->retry_at + l->nretry++) % l->retry_max];
	*a = (struct again){c->one, c->due, t + RETRY_MS / 1000.0};
}

static void failed(struct load *l, struct conn *c, uint64_t *counter)
{
	if (c->busy || c->phase != IDLE)
		++*counter;
	repeat(l, c, now());
	hang_up(c);
	put_free(l, c);
}

static void go_on(struct load *l, struct conn *c);

static void begin_connect(struct load *l, struct conn *c)
{
	struct url *u = &l->urls[c->next_url % l->o->nurls];
	int one = 1;

	for (size_t i = 0; i < l->o->nurls; i++) {
		u = &l->urls[c->next_url++ % l->o->nurls];
		if (u->tls == c->tls)
			break;
	}
	c->url = u;
	c->sent = now();
	c->fd = socket(u->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	c->phase = CONNECTING;
	if (c->fd < 0) {
		failed(l, c, &l->r->refused);
		return;
	}
	if (u->address.ss_family == AF_INET)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&u->address, u->len) < 0 && errno != EINPROGRESS) {
		failed(l, c, &l->r->refused);
		return;
	}
	watch(l, c, EPOLLOUT);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct url *u = SSL_get_ex_data(ssl, 0);

	SSL_SESSION_free(u->session);
	u->session = session;
	return 1; /* it is ours now */
}

static bool begin_tls(struct load *l, struct conn *c)
{
	c->ssl = SSL_new(l->ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_ex_data(c->ssl, 0, c->url) != 1)
		return false;
	if (c->url->session)
		SSL_set_session(c->ssl, c->url->session);
	SSL_set_connect_state(c->ssl);
	c->phase = SHAKING;
	return true;
}

/* What OpenSSL waits for. False: it is over. */
static bool want(struct load *l, struct conn *c, int r)
{
	int e = SSL_get_error(c->ssl, r);

	ERR_clear_error();
	if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		return false;
	watch(l, c, e == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
	return true;
}

/* --- requests --- */

static void make_nonce(struct load *l, char out[17])
{
	snprintf(out, 17, "%016llx", (unsigned long long)fleet_random(&l->random));
}

static int make_body(struct load *l, size_t i, struct sut_buf *out)
{
	struct fleet_one *s = &l->f->v[i];

	if (enrolling(l))
		return fleet_enrolment(l->f, i, l->o->keys[i % l->o->nkeys], out);
	if (!s->pending) {
		bool change = (double)(fleet_random(&l->random) >> 11) / (double)(1ULL << 53) <
			      l->o->change_share;

		make_nonce(l, s->nonce);
		s->pending_rev = s->rev + change;
		s->pending = 1;
	}
	return fleet_report(l->f, i, out);
}

static int make_request(struct load *l, struct conn *c)
{
	struct sut_buf body = SUT_BUF_INIT(OUT_MAX);
	const char *host = c->url->host;
	int n = -1;

	if (l->o->get) {
		n = snprintf(c->out, sizeof(c->out), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
			     l->o->get, host);
	} else if (make_body(l, c->one, &body) == 0) {
		n = snprintf(
			c->out, sizeof(c->out),
			"POST /v1/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
			"%s%s%sContent-Length: %zu\r\n\r\n%s",
			enrolling(l) ? "enroll" : "checkin", host,
			enrolling(l) ? "" : "Authorization: Bearer ",
			enrolling(l) ? "" : l->f->v[c->one].credential, enrolling(l) ? "" : "\r\n",
			body.len, sut_buf_str(&body));
	}
	sut_buf_release(&body);
	if (n < 0 || n >= (int)sizeof(c->out))
		return sut_err_set(l->err, ENOBUFS, "a request does not fit");
	c->out_len = (size_t)n;
	c->out_at = 0;
	return 0;
}

static void start_request(struct load *l, struct conn *c, size_t one, double due)
{
	c->busy = true;
	c->one = one;
	c->due = due;
	if (c->phase == CLOSED) {
		begin_connect(l, c);
		return;
	}
	if (make_request(l, c) < 0) {
		c->busy = false;
		l->over = true;
		return;
	}
	c->sent = now();
	c->phase = SENDING;
	go_on(l, c);
}

/* --- answers --- */

/* The value of a string or a number in flat JSON that we know to be well formed. */
static const char *json_value(const char *body, const char *name)
{
	char key[40];
	const char *p;

	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(body, key);
	if (!p)
		return NULL;
	p += strlen(key);
	return p + strspn(p, " \"");
}

static bool copy_word(const char *from, char *to, size_t size)
{
	size_t n = from ? strcspn(from, "\"") : size;

	if (n >= size)
		return false;
	memcpy(to, from, n);
	to[n] = 0;
	return true;
}

static bool take_good(struct load *l, struct conn *c, const char *body)
{
	struct fleet_one *s = &l->f->v[c->one];
	const char *serial = json_value(body, "serial");

	if (l->o->get)
		return true;
	if (!serial)
		return false;
	if (enrolling(l)) {
		if (!copy_word(json_value(body, "credential"), s->credential,
			       sizeof(s->credential)))
			return false;
		s->serial = strtoll(serial, NULL, 10);
		l->enrolled += !s->uid[0];
		return copy_word(json_value(body, "system_id"), s->uid, sizeof(s->uid));
	}
	s->rev = s->pending_rev;
	s->acked++;
	s->acked_at = (int64_t)time(NULL);
	s->serial = strtoll(serial, NULL, 10);
	s->pending = 0;
	return true;
}

static void take_answer(struct load *l, struct conn *c, int status, const char *body, bool close_it)
{
	double t = now(), gap = t - l->last_good;
	bool again =
		status == 503 || status == 429 || status == 502 || status == 504 || status == 500;

	l->r->statuses[status < 600 ? status : 0]++;
	if (status / 100 == 2 && take_good(l, c, body)) {
		l->r->good++;
		if (c->due >= l->begin + l->o->warmup)
			hist_add(&l->r->latency, (uint64_t)((t - c->due) * 1e6));
		if (gap > l->r->longest_gap)
			l->r->longest_gap = gap;
		l->last_good = t;
	} else if (again) {
		repeat(l, c, t);
	} else if (!l->o->get && !enrolling(l)) {
		l->f->v[c->one].refused = 1;
	}
	c->busy = false;
	if (close_it || ++c->served >= l->o->keep_alive) {
		hang_up(c);
		put_free(l, c);
	} else {
		c->in.len = 0;
		put_idle(l, c);
	}
}

/* Is a whole answer there? */
static void look_for_answer(struct load *l, struct conn *c)
{
	const char *text = sut_buf_str(&c->in), *end, *length;
	size_t head, body = 0;
	int status = 0;

	end = strstr(text, "\r\n\r\n");
	if (!end)
		return;
	head = (size_t)(end - text) + 4;
	length = strcasestr(text, "\r\ncontent-length:");
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	if (c->in.len < head + body)
		return;
	if (sscanf(text, "HTTP/1.1 %d", &status) != 1)
		status = 0;
	length = strcasestr(text, "\r\nconnection: close");
	take_answer(l, c, status, text + head, length && length < end);
}

/* --- one connection's next step --- */

static void do_send(struct load *l, struct conn *c)
{
	while (c->out_at < c->out_len) {
		const char *p = c->out + c->out_at;
		size_t len = c->out_len - c->out_at;
		ssize_t n =
			c->ssl ? SSL_write(c->ssl, p, (int)len) : send(c->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0) {
			if (c->ssl ? want(l, c, (int)n) : errno == EAGAIN) {
				if (!c->ssl)
					watch(l, c, EPOLLOUT);
				return;
			}
			failed(l, c, &l->r->lost);
			return;
		}
		c->out_at += (size_t)n;
	}
	c->phase = RECEIVING;
	watch(l, c, EPOLLIN);
}

static void do_receive(struct load *l, struct conn *c)
{
	char piece[16384];

	while (c->phase == RECEIVING) {
		ssize_t n = c->ssl ? SSL_read(c->ssl, piece, sizeof(piece))
				   : recv(c->fd, piece, sizeof(piece), 0);

		if (n <= 0) {
			if (c->ssl ? n < 0 && want(l, c, (int)n) : n < 0 && errno == EAGAIN)
				return;
			failed(l, c, &l->r->lost);
			return;
		}
		if (sut_buf_add(&c->in, piece, (size_t)n) < 0) {
			failed(l, c, &l->r->lost);
			return;
		}
		look_for_answer(l, c);
		if (!c->ssl && (size_t)n < sizeof(piece))
			return;
	}
}

static void do_connect(struct load *l, struct conn *c)
{
	socklen_t len = sizeof(int);
	int e = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 || e) {
		failed(l, c, &l->r->refused);
		return;
	}
	if (c->url->tls) {
		if (!begin_tls(l, c))
			failed(l, c, &l->r->refused);
		return;
	}
	put_idle(l, c);
}

static void do_handshake(struct load *l, struct conn *c)
{
	int r = SSL_do_handshake(c->ssl);

	if (r == 1) {
		l->r->handshakes++;
		l->r->resumed += (uint64_t)SSL_session_reused(c->ssl);
		put_idle(l, c);
	} else if (!want(l, c, r)) {
		failed(l, c, &l->r->refused);
	}
}

static void do_idle(struct load *l, struct conn *c)
{
	char byte;
	ssize_t n = c->ssl ? SSL_read(c->ssl, &byte, 1) : recv(c->fd, &byte, 1, 0);

	/* Tickets of TLS come here, and the end. */
	if (n < 0 && (c->ssl ? want(l, c, (int)n) : errno == EAGAIN))
		watch(l, c, EPOLLIN);
	else
		hang_up(c);
}

static void go_on(struct load *l, struct conn *c)
{
	if (c->phase == CONNECTING)
		do_connect(l, c);
	if (c->phase == SHAKING)
		do_handshake(l, c);
	/* It was made for a request. */
	if (c->phase == IDLE && c->busy) {
		start_request(l, c, c->one, c->due);
		return;
	}
	if (c->phase == IDLE)
		do_idle(l, c);
	else if (c->phase == SENDING)
		do_send(l, c);
	if (c->phase == RECEIVING)
		do_receive(l, c);
}

/* --- the whole --- */

/* The next system that has work. False: none. */
static bool next_one(struct load *l, size_t *ret)
{
	if (l->o->get) {
		*ret = 0;
		return true;
	}
	for (size_t tries = 0; tries < l->f->n; tries++) {
		size_t i = l->order[l->next++ % l->f->n];
		const struct fleet_one *s = &l->f->v[i];

		if (enrolling(l)) {
			if (l->next > l->f->n)
				return false;
			if (s->uid[0])
				continue;
		} else if (!s->uid[0] || s->refused) {
			continue;
		}
		*ret = i;
		return true;
	}
	return false;
}

static struct conn *take_free(struct load *l)
{
	while (l->nfree) {
		struct conn *c = l->free[l->free_at];

		l->free_at = (l->free_at + 1) % l->o->connections;
		l->nfree--;
		c->queued = false;
		if (!c->busy && (c->phase == IDLE || c->phase == CLOSED))
			return c;
	}
	return NULL;
}

/* Gives work to connections that have none. */
static void hand_out(struct load *l)
{
	double t = now();

	for (;;) {
		bool again = l->nretry && l->retry[l->retry_at].when <= t;
		double due = t;
		struct conn *c;
		size_t one;

		if (!again) {
			if (l->over)
				return;
			if (l->o->rate > 0) {
				due = l->begin + (double)l->issued / l->o->rate;
				if (due > t)
					return;
			}
		}
		c = take_free(l);
		if (!c)
			return;
		if (again) {
			one = l->retry[l->retry_at].one;
			due = l->retry[l->retry_at].due;
			l->retry_at = (l->retry_at + 1) % l->retry_max;
			l->nretry--;
		} else if (next_one(l, &one)) {
			l->issued++;
		} else {
			put_free(l, c);
			l->over = true;
			return;
		}
		start_request(l, c, one, due);
	}
}

static unsigned int count_busy(const struct load *l)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->o->connections; i++)
		n += l->conns[i].busy;
	return n;
}

static void look_at_time(struct load *l, double t)
{
	for (unsigned int i = 0; i < l->o->connections; i++)
		if (l->conns[i].busy && l->conns[i].phase != CLOSED &&
		    t - l->conns[i].sent > ANSWER_SEC)
			failed(l, &l->conns[i], &l->r->timeouts);
}

static void loop(struct load *l)
{
	struct epoll_event e[EVENTS];
	double look = 0, end = l->o->seconds > 0 ? l->begin + l->o->seconds : 1e18, t;
	double ended = 0;

	for (;;) {
		int n;

		t = now();
		if (!l->over && (t >= end || *l->o->stop))
			l->over = true;
		if (l->over && !ended)
			ended = t;
		hand_out(l);
		if (l->over && ((!l->nretry && !count_busy(l)) || (ended && t > ended + DRAIN_SEC)))
			break;
		n = epoll_wait(l->ep, e, EVENTS, l->o->rate > 0 || l->nretry ? 1 : 100);
		for (int i = 0; i < n; i++)
			go_on(l, e[i].data.ptr);
		if (t > look) {
			look = t + LOOK_MS / 1000.0;
			look_at_time(l, t);
		}
	}
	l->r->left = l->nretry + count_busy(l);
	l->r->seconds = (ended ? ended : t) - l->begin;
	/* What is still missing at the end is a gap, too. */
	if (l->r->left && t - l->last_good > l->r->longest_gap)
		l->r->longest_gap = t - l->last_good;
}

static void shuffle(struct load *l)
{
	for (size_t i = 0; i < l->f->n; i++)
		l->order[i] = i;
	for (size_t i = l->f->n; i-- > 1;) {
		size_t j = fleet_random(&l->random) % (i + 1), v = l->order[i];

		l->order[i] = l->order[j];
		l->order[j] = v;
	}
}

static int prepare(struct load *l, struct sut_err *err)
{
	bool tls = false, plain = false;
	int r;

	for (size_t i = 0; i < l->o->nurls; i++) {
		r = parse_url(l->o->urls[i], &l->urls[i], err);
		if (r < 0)
			return r;
		*(l->urls[i].tls ? &tls : &plain) = true;
	}
	l->ctx = SSL_CTX_new(TLS_client_method());
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->retry_max = l->f->n + l->o->connections + 1;
	l->conns = calloc(l->o->connections, sizeof(*l->conns));
	l->free = calloc(l->o->connections, sizeof(struct conn *));
	l->order = calloc(l->f->n ? l->f->n : 1, sizeof(*l->order));
	l->retry = calloc(l->retry_max, sizeof(*l->retry));
	if (!l->ctx || l->ep < 0 || !l->conns || !l->free || !l->order || !l->retry)
		return sut_err_oom(err);
	SSL_CTX_set_mode(l->ctx,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(l->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(l->ctx, keep_session);
	for (unsigned int i = 0; i < l->o->connections; i++) {
		struct conn *c = &l->conns[i];

		c->fd = -1;
		c->in = SUT_BUF_INIT(IN_MAX);
		c->next_url = i;
		put_free(l, c);
		c->tls = !plain || (tls && (double)i < l->o->tls_share * l->o->connections);
	}
	shuffle(l);
	return 0;
}

static void release(struct load *l)
{
	for (unsigned int i = 0; l->conns && i < l->o->connections; i++)
		hang_up(&l->conns[i]);
	for (size_t i = 0; i < l->o->nurls; i++)
		SSL_SESSION_free(l->urls[i].session);
	SSL_CTX_free(l->ctx);
	if (l->ep >= 0)
		close(l->ep);
	free(l->conns);
	free(l->free);
	free(l->order);
	free(l->retry);
}

int load_run(struct fleet *f, const struct load_opts *opts, struct load_result *ret,
	     struct sut_err *err)
{
	struct load l = {.f = f, .o = opts, .r = ret, .ep = -1, .random = opts->seed, .err = err};
	int r;

	*ret = (struct load_result){0};
	r = prepare(&l, err);
	if (r == 0) {
		l.begin = l.last_good = now();
		loop(&l);
	}
	release(&l);
	return r;
}
