// SPDX-License-Identifier: Apache-2.0
/* Requests of the server become calls (web/job.h), and their results answers. */
#include "web/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "web/hold.h"
#include "web/metrics.h"
#include "web/pool.h"
#include "web/job.h"
#include "web/router.h"

enum { ANSWER_HEADERS = 24 };

struct request {
	struct web_job job;
	struct sut_hreq *h;
};

static const char *request_header(const struct web_job *j, const char *name)
{
	return sut_hreq_header(((const struct request *)j)->h, name);
}

static bool request_gone(const struct web_job *j)
{
	return sut_hreq_gone(((const struct request *)j)->h);
}

/* The job has the body, and frees it when all is sent. */
static void keep_body(void *body _unused_)
{
}

static void answer_file(struct request *r)
{
	const struct web_resp *a = &r->job.r;
	const char *headers[ANSWER_HEADERS] = {0};
	const struct sut_hfile f = {.path = a->file,
				    .cache_control = a->cache_control,
				    .type = a->type,
				    .headers = headers};

	for (size_t i = 0; i < a->headers.n && i + 1 < ANSWER_HEADERS; i++)
		headers[i] = a->headers.v[i];

	sut_hreq_answer_file(r->h, a->folder > 0 ? a->folder : r->job.q.server->files_fd, &f);
}

static void answer(struct web_job *j)
{
	struct request *r = (struct request *)j;
	const struct web_resp *a = &j->r;
	const char *headers[ANSWER_HEADERS] = {0};
	char etag[96], cache[160];
	size_t n = 0;

	if (a->file && a->status == 200 && (a->folder > 0 || j->q.server->files_fd >= 0)) {
		answer_file(r);
		return;
	}
	if (a->etag[0]) {
		snprintf(etag, sizeof(etag), "ETag: %s", a->etag);
		headers[n++] = etag;
	}
	snprintf(cache, sizeof(cache), "Cache-Control: %s",
		 a->cache_control && !web_is_problem(a) ? a->cache_control : "no-store");
	headers[n++] = cache;
	for (size_t i = 0; i < a->headers.n && n + 1 < ANSWER_HEADERS; i++)
		headers[n++] = a->headers.v[i];
	/* Afterwards the job may be gone. */
	sut_hreq_answer(r->h, &(struct sut_hresp){.status = a->status,
						  .type = a->type,
						  .headers = headers,
						  .body = a->raw.data,
						  .len = a->raw.len,
						  .free_body = keep_body});
}

static void no_memory(struct sut_hreq *h)
{
	static const char *const headers[] = {"Retry-After: 1", NULL};

	sut_hreq_answer(h, &(struct sut_hresp){.status = 503, .headers = headers});
}

static int keep(struct web_job *j, const char *name)
{
	return sut_hreq_body_keep(((struct request *)j)->h, name);
}

/* NULL: there is no memory, which was answered. */
static struct request *new_request(struct server *p, struct sut_hreq *h)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r) {
		no_memory(h);
		return NULL;
	}
	r->h = h;
	r->job = (struct web_job){
		.q = {.server = p,
		      .request_id = sut_hreq_id(h),
		      .peer = sut_hreq_peer(h),
		      .tls = sut_hreq_tls(h)},
		.method = sut_hreq_method(h),
		.path = sut_hreq_path(h),
		.query = sut_hreq_query(h),
		.header = request_header,
		.done = answer,
		.gone = request_gone,
	};
	r->job.q.raw = sut_hreq_body(h, &r->job.q.raw_len);
	r->job.q.body_fd = sut_hreq_body_fd(h, &r->job.q.body_len);
	if (r->job.q.body_fd >= 0)
		r->job.keep = keep;
	sut_hreq_set_data(h, r);
	return r;
}

static void submit(struct server *p, struct web_job *j)
{
	enum web_next next = web_begin(j);

	if (next == WEB_ANSWER)
		j->done(j);
	else
		pool_submit(p->pool, j, next);
}

static void handle(void *ctx, struct sut_hreq *h)
{
	struct request *r = new_request(ctx, h);

	if (r)
		submit(ctx, &r->job);
}

/* Its body comes, and then it is a call like any other, which looks again who it is. */
static void admit_or_answer(struct web_job *j)
{
	struct request *r = (struct request *)j;
	struct sut_hreq *h = r->h;

	if (!j->admitted) {
		answer(j);
		return;
	}
	sut_hreq_set_data(h, NULL);
	web_job_release(j);
	free(r);
	sut_hreq_admit(h);
}

/* Before a large body is taken: who sends it? */
static void admit(void *ctx, struct sut_hreq *h)
{
	struct request *r = new_request(ctx, h);

	if (!r)
		return;
	r->job.admission = true;
	r->job.done = admit_or_answer;
	submit(ctx, &r->job);
}

/* Before the body is there: the flags of the route; 0 when there is none. */
static unsigned int flags_of(const struct server *p, const char *method, const char *path)
{
	const struct web_route *route = NULL;
	char *params[WEB_PARAMS_MAX] = {0}, allow[WEB_ALLOW_MAX];
	size_t n = strcspn(path, "?");
	char *only = strndup(path, n);
	int rc = only ? web_route_find(p->router, method, only, &route, params, allow) : -ENOMEM;

	for (size_t i = 0; i < WEB_PARAMS_MAX; i++)
		free(params[i]);
	free(only);
	return rc == 0 ? route->flags : 0;
}

/* How much of it may come. */
static size_t body_limit(void *ctx, const char *method, const char *path)
{
	return flags_of(ctx, method, path) & WEB_BIG_BODY ? WEB_BIG_MAX : WEB_BODY_MAX;
}

static int spool(void *ctx, const struct sut_hreq *h, uint64_t *ret_max)
{
	const struct server *p = ctx;

	if (p->spool_fd < 0 || !(flags_of(p, sut_hreq_method(h), sut_hreq_path(h)) & WEB_SPOOL))
		return -1;
	*ret_max = WEB_SPOOL_MAX;
	return p->spool_fd;
}

/* --- the log --- */

/* What agents and open pages do by the thousand, as long as it works. */
static bool is_common(const struct web_job *j, int status)
{
	return status > 0 && status < 400 && j && j->q.route &&
	       ((j->q.route->allow & WEB_AGENT) || (j->q.route->flags & WEB_HOLD) || j->r.file);
}

static void log_request(struct server *p, const struct sut_hreq *h, const struct web_job *j,
			int status, uint64_t bytes, double seconds)
{
	const struct web_who *w = j ? &j->q.who : NULL;
	const struct web_route *route = j ? j->q.route : NULL;
	char s[16], ms[24], n[24];

	if (p->conf->access_log == SERVER_LOG_OFF ||
	    (p->conf->access_log == SERVER_LOG_QUIET && is_common(j, status)))
		return;
	snprintf(s, sizeof(s), "%d", status);
	snprintf(ms, sizeof(ms), "%.3f", seconds * 1000);
	snprintf(n, sizeof(n), "%llu", (unsigned long long)bytes);
	server_log(status >= 500 ? "warning" : "info", "request", "method", sut_hreq_method(h),
		   "route", route ? route->path : "", "status", s, "ms", ms, "bytes", n, "tenant",
		   w ? w->tenant_name : "", "actor", w ? w->name : "", "peer", sut_hreq_peer(h),
		   "request_id", sut_hreq_id(h), NULL);
}

static void done(void *ctx, const struct sut_hreq *h, int status, uint64_t bytes, double seconds)
{
	struct server *p = ctx;
	struct request *r = sut_hreq_data(h);
	struct web_job *j = r ? &r->job : NULL;

	metrics_request(p->metrics, j ? j->q.route : NULL, status, seconds);
	log_request(p, h, j, status, bytes, seconds);
	if (j)
		web_job_release(j);
	free(r);
}

/* --- sockets --- */

/* The host of "HOST:PORT", "[HOST]:PORT", "unix:…". */
static bool listens_locally(const char *listen)
{
	const char *colon = strrchr(listen, ':');
	char host[128];
	size_t n;

	if (sut_startswith(listen, "unix:"))
		return true;
	n = colon ? (size_t)(colon - listen) : strlen(listen);
	if (n > 1 && listen[0] == '[' && listen[n - 1] == ']') {
		listen++;
		n -= 2;
	}
	if (!n || n >= sizeof(host))
		return false;
	memcpy(host, listen, n);
	host[n] = '\0';
	return sut_is_loopback(host);
}

static bool socket_is_local(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN] = "";

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return false;
	switch (a.ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		inet_ntop(AF_INET, &((struct sockaddr_in *)&a)->sin_addr, host, sizeof(host));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&a)->sin6_addr, host, sizeof(host));
		break;
	default:
		return false;
	}
	return sut_is_loopback(host);
}

/* Tokens do not travel in the clear unless somebody wants it so. */
static int check_plain(const struct server *p, const int *fds, size_t nfds, struct sut_err *err)
{
	const struct server_conf *c = p->conf;
	const char *what = NULL;

	if (c->tls_cert || c->plain_http)
		return 0;
	for (size_t i = 0; i < nfds && !what; i++)
		if (!socket_is_local(fds[i]))
			what = "the socket of the service manager";
	for (size_t i = 0; !nfds && i < c->listen.n && !what; i++)
		if (!listens_locally(c->listen.v[i]))
			what = c->listen.v[i];
	if (!what)
		return 0;
	return sut_err_reason(
		err, EPERM, "conf",
		"%s can be reached from other machines, and there is no TLS. Set tls-cert "
		"and tls-key, or listen on 127.0.0.1 behind a proxy, or say plain-http = "
		"yes if tokens may be read on the way",
		what);
}

static void log_listeners(const struct server *p, const char *const *listen, size_t nfds)
{
	for (size_t i = 0; nfds ? i < nfds : listen[i] != NULL; i++) {
		char port[16];

		snprintf(port, sizeof(port), "%u", sut_httpd_port(p->httpd, i));
		server_log("info", "listening", "address", nfds ? "inherited" : listen[i], "port",
			   port, "tls", p->conf->tls_cert ? "yes" : "no", NULL);
	}
}

int serve_start(struct server *p, const int *fds, size_t nfds, struct sut_err *err)
{
	static const char *const standard[] = {"127.0.0.1:8080", NULL};
	const char *const *listen =
		p->conf->listen.n ? (const char *const *)p->conf->listen.v : standard;
	const struct sut_httpd_opts opts = {
		.listen = listen,
		.fds = fds,
		.nfds = nfds,
		.cert_file = p->conf->tls_cert,
		.key_file = p->conf->tls_key,
		.connections = p->conf->connections,
		.body_max = WEB_BODY_MAX,
		.proxies = p->conf->proxies,
		.nproxies = p->conf->nproxies,
		.handle = handle,
		.body_limit = body_limit,
		.spool = spool,
		.admit = admit,
		.done = done,
		.ctx = p,
	};
	int rc = check_plain(p, fds, nfds, err);

	if (rc == 0)
		rc = sut_httpd_start(&opts, &p->httpd, err);
	if (rc == 0)
		log_listeners(p, listen, nfds);
	return rc;
}

void serve_stop(struct server *p)
{
	unsigned int left;
	char n[16];

	if (!p->httpd)
		return;
	atomic_store(&p->stopping, true);
	/* Who waits for news is answered, and comes again to whoever takes over. */
	hold_stop(p->hold);
	left = sut_httpd_drain(p->httpd, SERVE_DRAIN_SEC);
	if (left) {
		snprintf(n, sizeof(n), "%u", left);
		server_log("warning", "ended before everything was answered", "requests", n, NULL);
	}
	sut_httpd_stop(sut_steal(p->httpd));
}
