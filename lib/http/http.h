/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded downloads over HTTP(S), by libcurl. One handle is used by one thread
 * and keeps its connection for the next request.
 *
 * Redirects are followed at most SUT_HTTP_REDIRECTS times and never to another
 * scheme; only http and https are spoken. Paths are sent as they are given
 * ("..%2F" is not touched). TLS certificates are verified. Proxies come from the
 * options or from the usual environment (https_proxy, no_proxy).
 */
#ifndef SUTURE_HTTP_HTTP_H
#define SUTURE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_HTTP_REDIRECTS = 5, SUT_HTTP_URL_MAX = 4096 };

struct sut_http;

struct sut_http_opts {
	const char *proxy;   /* NULL: from the environment */
	const char *ca_file; /* PEM, or a folder as openssl rehash makes it; NULL: the system's */
	const char *user_agent; /* NULL: "suture/VERSION" */
	const char *bearer; /* token for Authorization, sent to the first host only; NULL: none */
	const char *unix_socket; /* connect to this instead of the host of the URL; NULL: no */
	/* Refuse to connect to loopback, link-local, multicast and reserved addresses, also when a name
	 * resolves to them (-EACCES). Proxies of the environment are not used then. */
	bool no_private;
	/* A descriptor that ends a request with -ECANCELED (reason "cancelled") as soon as it can be read, e.g. an
	 * eventfd; the caller's. Such a handle sleeps until something happens, however long. 0: none. */
	int cancel_fd;
	unsigned int connect_sec; /* 0: 20 */
	unsigned int total_sec;	  /* one request, start to end; 0: 3600 */
	/* Less than 100 bytes a second for so long ends it; 0: 60. Not less than total_sec: never, for those who
	 * wait for an answer. */
	unsigned int stall_sec;
};

struct sut_http_stats {
	uint64_t requests;
	uint64_t sent;	   /* bytes of requests after TLS: lines, headers, bodies */
	uint64_t received; /* bytes of answers, likewise, as on the wire (compressed) */
	int64_t date; /* the latest that a server said the time is, seconds since the epoch; 0: none */
};

/* Copies what opts (NULL: all defaults) points to. */
int sut_http_new(const struct sut_http_opts *opts, struct sut_http **ret,
		 struct sut_err *err) _must_check_;

/*
 * GET. Adds the body to *out, which is left as it was on failure. The answer may be
 * compressed by gzip; max counts the bytes after unpacking, and out->max holds as well.
 *   -ENOENT     404 or 403 (reason "http-404", "http-403")
 *   -EFBIG      the body is larger than max; not more than max was kept
 *   -EREMOTEIO  any other status (reason "http-NNN")
 *   -EINVAL     the URL is malformed or has another scheme
 *   -ELOOP      too many redirects; -EXDEV one to another scheme
 *   -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EPROTO (TLS), -EIO
 */
int sut_http_get(struct sut_http *h, const char *url, size_t max, struct sut_buf *out,
		 struct sut_err *err) _must_check_;

/*
 * GET into a file that already has `have` bytes of the same body: asks for the rest (Range), and
 * when the server sends the whole thing instead, truncates and starts anew. The file never
 * grows beyond max. After a failure it holds a usable beginning. The body is not compressed.
 * Errors as above; -EFBIG also when the file would pass max.
 */
int sut_http_get_file(struct sut_http *h, const char *url, int fd, uint64_t have, uint64_t max,
		      struct sut_err *err) _must_check_;

/*
 * Any other request, for APIs: sends body (may be NULL) and headers ("Name: value", ends with NULL, may be
 * NULL), follows no redirect, and takes any status as an answer. The answer's body is added to *ret->body,
 * at most its maximum (-EFBIG). Errors: -EINVAL, -EACCES (no_private), -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EPROTO, -EIO; the
 * request may have been carried out all the same unless it is -EINVAL, -EACCES, -ECONNREFUSED or -EHOSTUNREACH.
 */
struct sut_http_answer {
	int status;
	struct sut_buf body;	  /* initialise with a maximum */
	char etag[128];		  /* "" when there is none */
	char type[128];		  /* Content-Type, "" */
	unsigned int retry_after; /* seconds; 0 when not said */
};
int sut_http_request(struct sut_http *h, const char *method, const char *url,
		     const char *const *headers, const void *body, size_t len,
		     struct sut_http_answer *ret, struct sut_err *err) _must_check_;

void sut_http_stats(const struct sut_http *h, struct sut_http_stats *ret);
void sut_http_free(struct sut_http *h);
void sut_http_freep(struct sut_http **h);

/* Percent-encodes everything but A-Z a-z 0-9 - . _ ~ ; NULL when memory is short. */
char *sut_http_quote(const char *s);

#endif
