/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server, by libmicrohttpd. It takes whole requests within limits, hands each to a
 * function, and sends the answer whenever, and from whichever thread, that is given.
 *
 * A slow or hostile peer costs one connection and bounded memory: the whole request has to arrive
 * within request_sec, whatever trickles; headers and body have maxima; so have the connections in all
 * and from one address.
 */
#ifndef SUTURE_HTTPD_HTTPD_H
#define SUTURE_HTTPD_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cidr.h"
#include "base/err.h"

struct sut_httpd;
struct sut_hreq; /* one request, from its handing over until it is answered */

enum {
	SUT_HTTPD_HEADERS_MAX = 16 << 10, /* bytes of request line and headers: 431 beyond */
	SUT_HTTPD_HEADER_LINES = 100,	  /* 431 beyond */
	SUT_HTTPD_TARGET_MAX = 4096,	  /* bytes of the request target: 414 beyond */
	SUT_HTTPD_QUERY_MAX = 64,	  /* arguments of a query */
	SUT_HTTPD_LISTEN_MAX = 8,
	SUT_HTTPD_REQUEST_ID = 16, /* characters of a request id */
};

struct sut_httpd_opts {
	/* "127.0.0.1:8080", "[::]:443", ":443" (all addresses), "unix:/run/suture/portal.sock" (mode
	 * 0660), port 0: any. Ends with NULL. Ignored when fds are given. */
	const char *const *listen;
	const int *fds; /* sockets that listen already (systemd); nfds of them */
	size_t nfds;
	const char *cert_file,
		*key_file;	  /* PEM; NULL: no TLS. TLS 1.2 and newer. Never on unix sockets */
	unsigned int threads;	  /* 0: one per CPU */
	unsigned int connections; /* 0: 10000, and never more than descriptors allow */
	unsigned int per_address; /* 0: 1000; not for trusted proxies and unix sockets. A /64 of
				   * IPv6 is one address */
	unsigned int idle_sec;	  /* a connection without a request; 0: 60 */
	unsigned int request_sec; /* a request has to arrive whole within this; 0: 30 */
	/* An answer may take request_sec and a second for each KiB of it. */
	size_t body_max; /* 0: 1 MiB; body_limit may say otherwise for a path */
	/* Peers whose X-Forwarded-For (its last foreign entry) and X-Forwarded-Proto are believed. Peers on
	 * unix sockets always are. */
	const struct sut_cidr *proxies;
	size_t nproxies;

	/* Called in a thread of the server when a request is there whole. Must not block; answers now
	 * or has somebody answer later. */
	void (*handle)(void *ctx, struct sut_hreq *req);
	/* May be NULL. The largest body this request may have; 0: body_max. Called after the headers. */
	size_t (*body_limit)(void *ctx, const char *method, const char *path);
	/* May be NULL. Called after the headers: may the body of this request go to a file instead of memory? The folder that
	 * is to take it (a descriptor that stays the caller's) with *ret_max, the largest size; or -1. Such a request may
	 * take request_sec and a second for each 32 KiB of it. 507 when the disk is full, 503 when `spools` of them come at
	 * the time. */
	int (*spool)(void *ctx, const struct sut_hreq *req, uint64_t *ret_max);
	unsigned int spools; /* 0: 8 */
	/* May be NULL. Called in a thread of the server after the headers of a request whose body would go to a file, or may
	 * be larger than body_max and says no less: may it come? Must not block. Now or later, from any thread, lets it
	 * come by sut_hreq_admit(), or answers: then nothing of the body is kept, and the connection is closed. */
	void (*admit)(void *ctx, struct sut_hreq *req);
	/* May be NULL. Called in a thread of the server, once for each request whose headers came (also
	 * those that were refused before handle), when its answer was sent; with status 0 when it
	 * could not be sent, 408 when the request did not arrive in time. */
	void (*done)(void *ctx, const struct sut_hreq *req, int status, uint64_t bytes,
		     double seconds);
	void *ctx;
};

/* Listens and serves. Copies what opts points to. */
int sut_httpd_start(const struct sut_httpd_opts *opts, struct sut_httpd **ret,
		    struct sut_err *err) _must_check_;

/* The port of listener i (for port 0). 0 for a unix socket. */
unsigned int sut_httpd_port(const struct sut_httpd *h, size_t i);

/* Takes no more connections, and no more requests on those there are ("Connection: close"), waits at
 * most sec seconds for what is in flight. Returns the requests that were not finished. */
unsigned int sut_httpd_drain(struct sut_httpd *h, unsigned int sec);
/* Ends it; drain first. Requests that nobody answered yet may still be answered afterwards: that
 * only frees them. */
void sut_httpd_stop(struct sut_httpd *h);
void sut_httpd_stopp(struct sut_httpd **h);

struct sut_httpd_stats {
	uint64_t accepted, refused; /* connections */
	uint64_t requests;
	uint64_t timeouts; /* requests that did not arrive in time */
	unsigned int connections, in_flight;
};
void sut_httpd_stats(const struct sut_httpd *h, struct sut_httpd_stats *ret);

/* --- a request. Everything lives until it is answered. --- */

const char *sut_hreq_method(const struct sut_hreq *q); /* "GET" */
const char *sut_hreq_path(const struct sut_hreq *q);   /* as sent, not decoded, without query */
const char *sut_hreq_query(const struct sut_hreq *q);  /* as sent, after '?'; "" */
/* Decoded; NULL when it is not there, "" without value. The first one of that name. */
const char *sut_hreq_arg(const struct sut_hreq *q, const char *name);
size_t sut_hreq_nargs(const struct sut_hreq *q);
const char *sut_hreq_arg_name(const struct sut_hreq *q, size_t i);
/* Case does not matter; NULL when it is not there. The first one of that name. */
const char *sut_hreq_header(const struct sut_hreq *q, const char *name);
const void *sut_hreq_body(const struct sut_hreq *q, size_t *ret_len);
/* Of a body that went to a file: its descriptor, at any position, which goes with the request; else -1. sut_hreq_body()
 * is empty then. */
int sut_hreq_body_fd(const struct sut_hreq *q, uint64_t *ret_len);
/* Gives that file a name in its folder: without, it goes with the request. -EEXIST: there is one of that name; another
 * -errno; a second call is -ENOENT. From the thread that answers. */
int sut_hreq_body_keep(struct sut_hreq *q, const char *name) _must_check_;
const char *sut_hreq_peer(const struct sut_hreq *q); /* numeric address of the client; "unix" */
bool sut_hreq_tls(const struct sut_hreq *q);	     /* here or at the proxy */
const char *sut_hreq_id(const struct sut_hreq *q);   /* random, for logs; sent as X-Request-Id */
/* Has the client gone away, or closed its side, while it waits for the answer? For those who answer late; a
 * guess that may be false for a while, and is so until the server has nothing more to do for the request. */
bool sut_hreq_gone(struct sut_hreq *q);
/* To a request that `admit` was called with, instead of an answer. q is not the caller's any more: it comes to `handle`
 * when it is there whole. */
void sut_hreq_admit(struct sut_hreq *q);
/* For the owner's own data. */
void sut_hreq_set_data(struct sut_hreq *q, void *data);
void *sut_hreq_data(const struct sut_hreq *q);

/* --- an answer: exactly one for each request, from any thread --- */

struct sut_hresp {
	int status;
	const char *type;	    /* Content-Type; NULL: none */
	const char *const *headers; /* "Name: value"; ends with NULL; may be NULL */
	const void *body;
	size_t len;
	void (*free_body)(void *body); /* NULL: the body is copied */
};

/* q is gone afterwards. Cannot fail: when memory is short the connection is closed. A body is not
 * sent for HEAD. Adds Date, X-Request-Id, X-Content-Type-Options; Strict-Transport-Security with TLS. */
void sut_hreq_answer(struct sut_hreq *q, const struct sut_hresp *r);

/*
 * Answers GET and HEAD with a file below dirfd (openat2, RESOLVE_BENEATH, no symbolic links), by sendfile
 * where there is no TLS: strong ETag, Last-Modified, If-None-Match, If-Modified-Since, If-Range, one byte
 * range (206, 416), FILE.gz when the client takes gzip and it is there. 404 for all that is no
 * regular file, 405 for other methods.
 */
struct sut_hfile {
	const char *path;	    /* relative, decoded; ".." and empty parts are refused */
	const char *cache_control;  /* NULL: none */
	const char *type;	    /* NULL: by the end of the name */
	const char *const *headers; /* further "Name: value"; ends with NULL; may be NULL */
};
void sut_hreq_answer_file(struct sut_hreq *q, int dirfd, const struct sut_hfile *f);

/* Decodes %XX of one path segment. NULL: malformed, or it holds a NUL, or no memory. */
char *sut_httpd_unquote(const char *s, size_t len) _must_check_;

#endif
