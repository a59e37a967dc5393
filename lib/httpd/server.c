// SPDX-License-Identifier: Apache-2.0
/* The server as a whole: it begins and ends here. */
#include "httpd/httpd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "httpd/internal.h"

enum {
	CONNECTIONS = 10000,
	PER_ADDRESS = 1000,
	IDLE_SEC = 60,
	REQUEST_SEC = 30,
	SECONDS_MAX = 86400,
	BODY_MAX = 1 << 20,
	WORKERS_MAX = 64,
	SPARE_FDS = 64, /* left to the rest of the program */
	PEM_MAX = 1 << 20,
};

/* Forward secrecy and authenticated encryption only. */
static const char priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:"
				 "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
				 "-MAC-ALL:+AEAD";

void httpd_unref(struct sut_httpd *h)
{
	if (atomic_fetch_sub(&h->refs, 1) != 1)
		return;
	pthread_cond_destroy(&h->quieted);
	pthread_mutex_destroy(&h->lock);
	free(h->proxies);
	free(h->workers);
	free(h->by_fd);
	free(h);
}

/* Targets are decoded by ourselves. */
static size_t keep_escaped(void *ctx _unused_, struct MHD_Connection *mhd _unused_, char *s)
{
	return strlen(s);
}

struct pem {
	struct sut_buf cert, key;
};

static void pem_release(struct pem *p)
{
	if (p->key.data)
		explicit_bzero(p->key.data, p->key.cap);
	sut_buf_release(&p->key);
	sut_buf_release(&p->cert);
}

static int start_worker(struct sut_httpd *h, struct httpd_worker *w, const struct pem *pem,
			struct sut_err *err)
{
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, pem->cert.data},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key.data},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities},
		{MHD_OPTION_END, 0, NULL},
	};

	w->h = h;
	w->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
			MHD_ALLOW_SUSPEND_RESUME | (w->tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, httpd_on_request, w, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTPD_POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT, h->opts.connections,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, httpd_on_target, w, MHD_OPTION_NOTIFY_COMPLETED,
		httpd_on_completed, w, MHD_OPTION_NOTIFY_CONNECTION, httpd_on_connection, w,
		MHD_OPTION_ARRAY, w->tls ? secure : none, MHD_OPTION_END);
	if (w->daemon)
		return 0;
	return w->tls ? sut_err_set(err, EINVAL,
				    "cannot serve TLS with %s and %s; are they a certificate and "
				    "its key, in PEM?",
				    h->opts.cert_file, h->opts.key_file)
		      : sut_err_set(err, ENOMEM, "cannot start a thread of the server");
}

static int start_workers(struct sut_httpd *h, const struct sut_httpd_opts *opts,
			 struct sut_err *err)
{
	_cleanup_(pem_release) struct pem pem = {SUT_BUF_INIT(PEM_MAX), SUT_BUF_INIT(PEM_MAX)};
	bool plain = false, tls = false;
	int r;

	for (size_t i = 0; i < h->nlisteners; i++)
		*(h->listeners[i].tls ? &tls : &plain) = true;
	if (tls) {
		r = sut_file_read(opts->cert_file, &pem.cert, err);
		if (r == 0)
			r = sut_file_read(opts->key_file, &pem.key, err);
		if (r < 0)
			return sut_err_prefix(err, "TLS");
		if (gnutls_session_ticket_key_generate(&h->ticket_key) < 0)
			return sut_err_oom(err);
	}
	h->workers = calloc(2 * (size_t)h->opts.threads, sizeof(*h->workers));
	if (!h->workers)
		return sut_err_oom(err);
	for (unsigned int i = 0; plain && i < h->opts.threads; i++) {
		r = start_worker(h, &h->workers[h->nplain], &pem, err);
		if (r < 0)
			return r;
		h->nplain++;
	}
	for (unsigned int i = 0; tls && i < h->opts.threads; i++) {
		h->workers[h->nplain + h->ntls].tls = true;
		r = start_worker(h, &h->workers[h->nplain + h->ntls], &pem, err);
		if (r < 0)
			return r;
		h->ntls++;
	}
	return 0;
}

static int start_listening(struct sut_httpd *h, const struct sut_httpd_opts *opts,
			   struct sut_err *err)
{
	bool tls = opts->cert_file;
	size_t n = opts->nfds;
	int r;

	for (; !opts->nfds && opts->listen && opts->listen[n]; n++)
		;
	if (!n || n > SUT_HTTPD_LISTEN_MAX)
		return sut_err_set(err, EINVAL,
				   "the server needs 1 to %d addresses to listen on, not %zu",
				   SUT_HTTPD_LISTEN_MAX, n);
	for (size_t i = 0; i < n; i++) {
		r = opts->nfds ? httpd_inherit(opts->fds[i], tls, &h->listeners[i], err)
			       : httpd_listen(opts->listen[i], tls, &h->listeners[i], err);
		if (r < 0)
			return r;
		h->nlisteners++;
	}
	return 0;
}

static unsigned int or_default(unsigned int v, unsigned int otherwise, unsigned int max)
{
	return !v ? otherwise : v < max ? v : max;
}

static int copy_opts(struct sut_httpd *h, const struct sut_httpd_opts *opts, struct sut_err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct sut_httpd_opts *o = &h->opts;
	struct rlimit fds;

	*o = *opts;
	o->threads = or_default(o->threads, cpus > 0 ? (unsigned int)cpus : 1, WORKERS_MAX);
	o->connections = or_default(o->connections, CONNECTIONS, HTTPD_FDS_MAX);
	o->per_address = or_default(o->per_address, PER_ADDRESS, HTTPD_FDS_MAX);
	o->idle_sec = or_default(o->idle_sec, IDLE_SEC, SECONDS_MAX);
	o->request_sec = or_default(o->request_sec, REQUEST_SEC, SECONDS_MAX);
	o->body_max = o->body_max ? o->body_max : BODY_MAX;
	if (getrlimit(RLIMIT_NOFILE, &fds) < 0)
		return sut_err_errno(err, "cannot ask for the limit of descriptors");
	h->nby_fd = fds.rlim_cur < HTTPD_FDS_MAX ? (size_t)fds.rlim_cur : HTTPD_FDS_MAX;
	if (h->nby_fd <= 2 * SPARE_FDS)
		return sut_err_set(err, EMFILE,
				   "at most %zu descriptors are allowed (ulimit -n); the server "
				   "needs more than %d",
				   h->nby_fd, 2 * SPARE_FDS);
	if (o->connections > h->nby_fd - SPARE_FDS)
		o->connections = (unsigned int)(h->nby_fd - SPARE_FDS);
	h->by_fd = calloc(h->nby_fd, sizeof(struct httpd_conn *));
	h->proxies = calloc(o->nproxies + 1, sizeof(*h->proxies));
	if (!h->by_fd || !h->proxies)
		return sut_err_oom(err);
	if (o->nproxies)
		memcpy(h->proxies, opts->proxies, o->nproxies * sizeof(*h->proxies));
	o->proxies = h->proxies;
	if ((o->cert_file != NULL) != (o->key_file != NULL))
		return sut_err_set(err, EINVAL, "TLS needs both a certificate and its key");
	if (getrandom(&h->id_seed, sizeof(h->id_seed), 0) < 0)
		return sut_err_errno(err, "cannot get random numbers");
	return 0;
}

static int start_threads(struct sut_httpd *h, const struct sut_httpd_opts *opts,
			 struct sut_err *err)
{
	sigset_t all, before;
	int r;

	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = start_workers(h, opts, err);
	if (r == 0) {
		h->listening = true;
		r = -pthread_create(&h->watcher, NULL, httpd_watch, h);
		h->watching = r == 0;
		h->listening = h->watching;
		if (r < 0)
			sut_err_set(err, -r, "cannot start a thread of the server");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int sut_httpd_start(const struct sut_httpd_opts *opts, struct sut_httpd **ret, struct sut_err *err)
{
	_cleanup_(sut_httpd_stopp) struct sut_httpd *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return sut_err_oom(err);
	atomic_init(&h->refs, 1);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->quieted, NULL);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0)
		return sut_err_errno(err, "cannot make an eventfd");
	r = copy_opts(h, opts, err);
	if (r == 0)
		r = start_listening(h, opts, err);
	if (r == 0)
		r = start_threads(h, opts, err);
	if (r < 0)
		return r;
	/* Theirs, and needed no more. */
	h->opts.listen = NULL;
	h->opts.fds = NULL;
	h->opts.cert_file = h->opts.key_file = NULL;
	*ret = sut_steal(h);
	return 0;
}

unsigned int sut_httpd_port(const struct sut_httpd *h, size_t i)
{
	return i < h->nlisteners ? h->listeners[i].port : 0;
}

/* Nobody is between handing a request over and suspending its connection, or answering. */
static void wait_until_settled(struct sut_httpd *h)
{
	const struct timespec nap = {.tv_nsec = 200000};

	while (atomic_load(&h->busy))
		nanosleep(&nap, NULL);
}

/* libmicrohttpd must not be stopped while connections are suspended. */
static void resume_all(struct sut_httpd *h)
{
	pthread_mutex_lock(&h->lock);
	for (struct httpd_conn *c = h->conns; c; c = c->next) {
		int state = HTTPD_SUSPENDED;

		pthread_mutex_lock(&c->lock);
		if (c->req &&
		    atomic_compare_exchange_strong(&c->req->state, &state, HTTPD_ABANDONED))
			MHD_resume_connection(c->req->mhd);
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&h->lock);
}

void sut_httpd_stop(struct sut_httpd *h)
{
	uint64_t one = 1;

	if (!h)
		return;
	atomic_store(&h->quit, true);
	if (h->watching && write(h->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(h->watcher, NULL);
	for (size_t i = 0; !h->watching && i < h->nlisteners; i++)
		httpd_unlisten(&h->listeners[i]);
	atomic_store(&h->stopping, true);
	wait_until_settled(h);
	resume_all(h);
	wait_until_settled(h);
	for (size_t i = 0; i < h->nplain + h->ntls; i++)
		MHD_stop_daemon(h->workers[i].daemon);
	httpd_conns_release(h);
	gnutls_free(h->ticket_key.data);
	if (h->wake >= 0)
		close(h->wake);
	httpd_unref(h);
}

void sut_httpd_stopp(struct sut_httpd **h)
{
	sut_httpd_stop(*h);
}

void sut_httpd_stats(const struct sut_httpd *h, struct sut_httpd_stats *ret)
{
	struct sut_httpd *w = (struct sut_httpd *)(uintptr_t)h; /* for its lock */

	*ret = (struct sut_httpd_stats){
		.accepted = atomic_load(&w->accepted),
		.refused = atomic_load(&w->refused),
		.requests = atomic_load(&w->requests),
		.timeouts = atomic_load(&w->timeouts),
		.in_flight = atomic_load(&w->in_flight),
	};
	pthread_mutex_lock(&w->lock);
	ret->connections = w->nconns;
	pthread_mutex_unlock(&w->lock);
}
