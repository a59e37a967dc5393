// SPDX-License-Identifier: Apache-2.0
/* A request, from its first line until its answer is sent. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "httpd/internal.h"

enum { RESERVE_MAX = 64 << 10 }; /* what a Content-Length alone makes us allocate */

/* Sixteen hexadecimal digits that do not repeat; not a secret. */
static void make_id(struct sut_httpd *h, char out[SUT_HTTPD_REQUEST_ID + 1])
{
	uint64_t x = h->id_seed + atomic_fetch_add(&h->id_count, 1) * 0x9e3779b97f4a7c15;

	/* A bijection of 64 bits that mixes well (murmur3's finish). */
	x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
	x ^= x >> 33;
	snprintf(out, SUT_HTTPD_REQUEST_ID + 1, "%016llx", (unsigned long long)x);
}

void *httpd_on_target(void *worker, const char *target, struct MHD_Connection *mhd)
{
	struct httpd_worker *w = worker;
	size_t len = strlen(target), keep = len <= SUT_HTTPD_TARGET_MAX ? len : 0;
	struct sut_hreq *q = calloc(1, sizeof(*q) + keep + 1);

	if (!q)
		return NULL;
	q->h = w->h;
	q->mhd = mhd;
	q->conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	atomic_init(&q->state, HTTPD_RECEIVING);
	atomic_init(&q->refs, 1);
	atomic_fetch_add(&w->h->refs, 1);
	q->answer.fd = -1;
	q->target_len = len;
	memcpy(q->target, target, keep);
	q->path = q->query_raw = q->target + keep;
	q->method = "";
	q->tls = q->conn->tls;
	memcpy(q->peer, q->conn->peer, sizeof(q->peer));
	clock_gettime(CLOCK_MONOTONIC, &q->since);
	make_id(w->h, q->id);
	httpd_set_phase(q->conn, HTTPD_ARRIVING,
			httpd_now_ms() + w->h->opts.request_sec * UINT64_C(1000));
	return q;
}

void httpd_hreq_unref(struct sut_hreq *q)
{
	struct sut_httpd *h = q->h;

	if (atomic_fetch_sub(&q->refs, 1) != 1)
		return;
	httpd_answer_release(&q->answer);
	sut_buf_release(&q->body);
	httpd_spool_release(q);
	free(q->args);
	free(q->query);
	free(q->heads);
	free(q);
	httpd_unref(h);
}

/* --- what the proxy says --- */

static int join_headers(const struct sut_hreq *q, const char *name, struct sut_buf *out)
{
	int r = 0;

	for (size_t i = 0; i < q->nheaders && r == 0; i++)
		if (!strcasecmp(q->headers[i].name, name)) {
			r = out->len ? sut_buf_add(out, ",", 1) : 0;
			if (r == 0)
				r = sut_buf_addstr(out, q->headers[i].value);
		}
	return r;
}

static void believe_proxy(struct sut_hreq *q)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(2 * SUT_HTTPD_HEADERS_MAX);
	const char *proto = sut_hreq_header(q, "X-Forwarded-Proto");
	const struct sut_httpd_opts *o = &q->h->opts;
	char peer[HTTPD_ADDRESS];

	if (!q->conn->is_unix && !q->conn->proxy)
		return;
	if (proto)
		q->tls = httpd_forwarded_https(proto);
	if (join_headers(q, "X-Forwarded-For", &list) == 0 && list.len &&
	    httpd_forwarded_for(sut_buf_str(&list), o->proxies, o->nproxies, peer) == 0)
		memcpy(q->peer, peer, sizeof(peer));
}

/* --- the target --- */

static const char *take_target(struct sut_hreq *q)
{
	size_t n = 0, max = 1;
	int r;

	if (httpd_split_target(q->target, &q->path, &q->query_raw) < 0)
		return "the request target is malformed; quote what is no plain character with %XX";
	if (!*q->query_raw)
		return NULL;
	for (const char *p = q->query_raw; *p; p++)
		max += *p == '&';
	n = max < SUT_HTTPD_QUERY_MAX ? max : SUT_HTTPD_QUERY_MAX;
	q->query = strdup(q->query_raw);
	q->args = calloc(n, sizeof(*q->args));
	if (!q->query || !q->args)
		return "out of memory";
	r = httpd_parse_query(q->query, q->args, n);
	if (r == -E2BIG)
		return "the query has too many arguments";
	if (r < 0)
		return "the query is malformed; quote what is no plain character with %XX";
	q->nargs = (size_t)r;
	return NULL;
}

/* --- libmicrohttpd's three kinds of calls: the head, some of the body, the end --- */

static bool expects_continue(const struct sut_hreq *q)
{
	const char *v = sut_hreq_header(q, "Expect");

	return v && !strcasecmp(v, "100-continue");
}

static const char *code_of(int status)
{
	return status == 413   ? "body-too-large"
	       : status == 414 ? "target-too-long"
	       : status == 431 ? "headers-too-large"
	       : status == 503 ? "unavailable"
	       : status == 507 ? "storage-full"
			       : "malformed-request";
}

static enum MHD_Result refuse_now(struct sut_hreq *q, int status, const char *detail)
{
	httpd_refuse(q, status, code_of(status), detail, true);
	return httpd_send(q) ? MHD_YES : MHD_NO;
}

static const char *why_of(int status)
{
	return status == 413   ? "the body is larger than this call takes"
	       : status == 507 ? "the disk that takes the body is full"
			       : "out of memory; try again later";
}

/* The folder that takes the body, when the owner wants it in a file. */
static int spool_of(const struct sut_hreq *q, uint64_t *ret_max)
{
	const struct sut_httpd_opts *o = &q->h->opts;

	return o->spool ? o->spool(o->ctx, q, ret_max) : -1;
}

/* Gets ready for the body. */
static enum MHD_Result begin_body(struct sut_hreq *q)
{
	uint64_t body = q->declared, max = 0;
	int dir = spool_of(q, &max), status = 0;
	const char *why;

	if (dir >= 0) {
		why = httpd_spool_begin(q, dir, max, body, &status);
		return why ? refuse_now(q, status, why) : MHD_YES;
	}
	q->body = SUT_BUF_INIT(q->body_limit);
	if (body != UINT64_MAX && body > q->body_limit) {
		q->refuse = 413;
		/* Who writes all before he reads would not see an answer that comes now. */
		if (body > q->body_limit + HTTPD_LINGER || expects_continue(q))
			return refuse_now(q, 413, "the body is larger than this call takes");
	} else if (body && body != UINT64_MAX &&
		   sut_buf_reserve(&q->body, body < RESERVE_MAX ? body : RESERVE_MAX) < 0) {
		return refuse_now(q, 503, "out of memory; try again later");
	}
	return MHD_YES;
}

/* --- may the body come? --- */

static bool has_to_ask(const struct sut_hreq *q)
{
	const struct sut_httpd_opts *o = &q->h->opts;
	uint64_t max;

	return o->admit && (spool_of(q, &max) >= 0 ||
			    (q->body_limit > o->body_max && q->declared > o->body_max));
}

static enum MHD_Result admitted(struct sut_hreq *q)
{
	q->asking = false;
	atomic_store(&q->state, HTTPD_RECEIVING);
	if (!httpd_set_phase(q->conn, HTTPD_ARRIVING,
			     httpd_now_ms() + q->h->opts.request_sec * UINT64_C(1000)))
		return MHD_NO;
	return begin_body(q);
}

/* A small body is read and dropped first: who writes all before he reads would not see an answer that comes now. */
static enum MHD_Result turned_away(struct sut_hreq *q)
{
	q->asking = false;
	q->turned_away = true;
	q->answer.close = true;
	if (q->declared > HTTPD_LINGER || expects_continue(q))
		return httpd_send(q) ? MHD_YES : MHD_NO;
	return httpd_set_phase(q->conn, HTTPD_ARRIVING,
			       httpd_now_ms() + q->h->opts.request_sec * UINT64_C(1000))
		       ? MHD_YES
		       : MHD_NO;
}

/* After a connection was suspended in its first call libmicrohttpd makes that call again, and before it reads on. */
static enum MHD_Result asked(struct sut_hreq *q)
{
	switch (atomic_load(&q->state)) {
	case HTTPD_ADMITTED:
		return admitted(q);
	case HTTPD_ANSWERED:
		return turned_away(q);
	default:
		return MHD_NO;
	}
}

static void give_to_owner(struct sut_hreq *q, void (*f)(void *ctx, struct sut_hreq *q))
{
	/* Who let the body come may not have given his reference back yet. */
	atomic_fetch_add(&q->refs, 1);
	pthread_mutex_lock(&q->conn->lock);
	q->conn->req = q;
	pthread_mutex_unlock(&q->conn->lock);
	atomic_store(&q->state, HTTPD_HANDED);
	f(q->h->opts.ctx, q);
}

static enum MHD_Result wait_for_answer(struct sut_hreq *q)
{
	int state = HTTPD_HANDED;

	MHD_suspend_connection(q->mhd);
	if (!atomic_compare_exchange_strong(&q->state, &state, HTTPD_SUSPENDED))
		MHD_resume_connection(q->mhd); /* answered meanwhile, by somebody who did not */
	return MHD_YES;
}

static enum MHD_Result ask(struct sut_hreq *q)
{
	if (!httpd_set_phase(q->conn, HTTPD_HANDLING, 0))
		return MHD_NO;
	q->asking = true;
	give_to_owner(q, q->h->opts.admit);
	return atomic_load(&q->state) != HTTPD_HANDED ? asked(q) : wait_for_answer(q);
}

/* While it is counted here, sut_httpd_stop() waits. */
static enum MHD_Result unless_stopping(struct sut_hreq *q,
				       enum MHD_Result (*step)(struct sut_hreq *q))
{
	enum MHD_Result r;

	atomic_fetch_add(&q->h->busy, 1);
	r = atomic_load(&q->h->stopping) ? MHD_NO : step(q);
	atomic_fetch_sub(&q->h->busy, 1);
	return r;
}

/* --- */

static enum MHD_Result begin(struct sut_hreq *q, struct MHD_Connection *mhd, const char *url,
			     const char *method, const char *version)
{
	struct sut_httpd *h = q->h;
	int status = 400;
	const char *why;

	q->begun = true;
	q->counted = true;
	atomic_fetch_add(&h->requests, 1);
	atomic_fetch_add(&h->in_flight, 1);
	why = httpd_take_head(q, mhd, url, method, version, &status, &q->declared);
	if (!why) {
		status = 400;
		why = take_target(q);
	}
	if (why)
		return refuse_now(q, status, why);
	believe_proxy(q);
	q->body_limit = h->opts.body_limit ? h->opts.body_limit(h->opts.ctx, q->method, q->path)
					   : h->opts.body_max;
	return has_to_ask(q) ? unless_stopping(q, ask) : begin_body(q);
}

/* What is refused is read to its end, so that who sends it sees why; the deadline holds all the same. */
static enum MHD_Result take_spooled(struct sut_hreq *q, const char *data, size_t len)
{
	uint64_t since = (uint64_t)q->since.tv_sec * 1000 + (uint64_t)q->since.tv_nsec / 1000000;

	if (!q->refuse)
		q->refuse = httpd_spool_add(q, data, len);
	q->dropped += len;
	if (q->refuse && q->dropped > q->spool.max + HTTPD_LINGER)
		return MHD_NO;
	return httpd_set_phase(q->conn, HTTPD_ARRIVING,
			       since + q->h->opts.request_sec * UINT64_C(1000) +
				       q->dropped / HTTPD_SLOWEST_SPOOL * 1000)
		       ? MHD_YES
		       : MHD_NO;
}

static enum MHD_Result take_body(struct sut_hreq *q, const char *data, size_t len)
{
	int r;

	if (q->turned_away)
		return MHD_YES; /* HTTPD_LINGER bytes at most */
	if (q->spool.on)
		return take_spooled(q, data, len);
	if (!q->refuse) {
		r = sut_buf_add(&q->body, data, len);
		if (r == 0)
			return MHD_YES;
		q->refuse = r == -ENOBUFS ? 413 : 503;
		q->dropped = q->body.len;
		sut_buf_release(&q->body);
	}
	q->dropped += len;
	return q->dropped > q->body_limit + HTTPD_LINGER ? MHD_NO : MHD_YES;
}

static enum MHD_Result hand_over(struct sut_hreq *q)
{
	if (!httpd_set_phase(q->conn, HTTPD_HANDLING, 0))
		return MHD_NO;
	give_to_owner(q, q->h->opts.handle);
	/* Without an answer libmicrohttpd calls again in its next round, for wait_for_answer(): a
	 * connection that is suspended now would be read from when it is resumed, and closed when the
	 * client sends no more. In that round it would not. */
	return atomic_load(&q->state) != HTTPD_ANSWERED || httpd_send(q) ? MHD_YES : MHD_NO;
}

static enum MHD_Result finish(struct sut_hreq *q)
{
	if (q->refuse)
		return refuse_now(q, q->refuse, why_of(q->refuse));
	return unless_stopping(q, hand_over);
}

enum MHD_Result httpd_on_request(void *worker _unused_, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version, const char *data,
				 size_t *data_len, void **context)
{
	struct sut_hreq *q = *context;
	enum MHD_Result r;

	if (!q)
		return MHD_NO;
	if (!q->begun)
		return begin(q, mhd, url, method, version);
	if (q->asking)
		return asked(q);
	if (*data_len) {
		r = take_body(q, data, *data_len);
		*data_len = 0;
		return r;
	}
	switch (atomic_load(&q->state)) {
	case HTTPD_RECEIVING:
		return finish(q);
	case HTTPD_HANDED:
		return unless_stopping(q, wait_for_answer);
	case HTTPD_ANSWERED:
		return httpd_send(q) ? MHD_YES : MHD_NO;
	default:
		return MHD_NO;
	}
}

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

void httpd_on_completed(void *worker _unused_, struct MHD_Connection *mhd _unused_, void **context,
			enum MHD_RequestTerminationCode how)
{
	struct sut_hreq *q = *context;
	struct sut_httpd *h;
	struct httpd_conn *c;
	uint64_t bytes = 0;
	int status = 0;
	bool expired;

	if (!q)
		return;
	*context = NULL;
	h = q->h;
	c = q->conn;
	pthread_mutex_lock(&c->lock);
	c->req = NULL;
	pthread_mutex_unlock(&c->lock);
	atomic_store(&c->used, true);
	expired = !httpd_set_phase(c, HTTPD_WAITING,
				   httpd_now_ms() + h->opts.idle_sec * UINT64_C(1000));
	if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && q->answer.status) {
		status = q->answer.status;
		bytes = strcmp(q->method, "HEAD") != 0 ? q->answer.len : 0;
	} else if (expired && atomic_load(&q->state) == HTTPD_RECEIVING) {
		status = 408;
	}
	if (q->begun && h->opts.done)
		h->opts.done(h->opts.ctx, q, status, bytes, seconds_since(&q->since));
	if (q->counted)
		atomic_fetch_sub(&h->in_flight, 1);
	httpd_hreq_unref(q);
}

/* --- what the owner sees --- */

const char *sut_hreq_method(const struct sut_hreq *q)
{
	return q->method;
}

const char *sut_hreq_path(const struct sut_hreq *q)
{
	return q->path;
}

const char *sut_hreq_query(const struct sut_hreq *q)
{
	return q->query_raw;
}

const char *sut_hreq_arg(const struct sut_hreq *q, const char *name)
{
	for (size_t i = 0; i < q->nargs; i++)
		if (!strcmp(q->args[i].name, name))
			return q->args[i].value;
	return NULL;
}

size_t sut_hreq_nargs(const struct sut_hreq *q)
{
	return q->nargs;
}

const char *sut_hreq_arg_name(const struct sut_hreq *q, size_t i)
{
	return i < q->nargs ? q->args[i].name : NULL;
}

const char *sut_hreq_header(const struct sut_hreq *q, const char *name)
{
	for (size_t i = 0; i < q->nheaders; i++)
		if (!strcasecmp(q->headers[i].name, name))
			return q->headers[i].value;
	return NULL;
}

const void *sut_hreq_body(const struct sut_hreq *q, size_t *ret_len)
{
	*ret_len = q->body.len;
	return q->body.data;
}

int sut_hreq_body_fd(const struct sut_hreq *q, uint64_t *ret_len)
{
	if (!q->spool.on)
		return -1;
	*ret_len = q->spool.len;
	return q->spool.fd;
}

const char *sut_hreq_peer(const struct sut_hreq *q)
{
	return q->peer;
}

bool sut_hreq_tls(const struct sut_hreq *q)
{
	return q->tls;
}

const char *sut_hreq_id(const struct sut_hreq *q)
{
	return q->id;
}

void sut_hreq_set_data(struct sut_hreq *q, void *data)
{
	q->data = data;
}

void *sut_hreq_data(const struct sut_hreq *q)
{
	return q->data;
}

static bool peer_closed(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	char c;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		return info.tcpi_state != TCP_ESTABLISHED;
	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0; /* unix */
}

bool sut_hreq_gone(struct sut_hreq *q)
{
	struct sut_httpd *h = q->h;
	bool gone = false;

	/* While it is counted, a connection that is suspended stays so, unless the owner answers. */
	atomic_fetch_add(&h->busy, 1);
	if (!atomic_load(&h->stopping) && atomic_load(&q->state) == HTTPD_SUSPENDED)
		gone = peer_closed(q->conn->fd);
	atomic_fetch_sub(&h->busy, 1);
	return gone;
}
