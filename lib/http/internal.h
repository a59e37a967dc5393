/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c (downloads) and request.c (calls of APIs) share. */
#ifndef SUTURE_HTTP_INTERNAL_H
#define SUTURE_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <sys/socket.h>

#include "http/http.h"

struct sut_http {
	CURL *curl;
	bool global, no_private;
	bool refused;		   /* the last connection that was tried, by no_private */
	struct curl_slist *bearer; /* the header line that carries the token */
	char *proxy, *unix_socket, *ca_file, *user_agent;
	char *bundle; /* the system's authorities in one file, while their folder is used instead */
	unsigned int connect_sec, total_sec, stall_sec;
	int cancel_fd;	/* 0: none */
	bool cancelled; /* by it, the last request */
	CURLM *multi;	/* when there is a cancel_fd */
	struct sut_http_stats stats;
	char why[CURL_ERROR_SIZE]; /* in curl's words */
};

/* One answer on its way to where it belongs. */
struct answer {
	struct sut_http *h;
	const char *url; /* of this hop, for messages */
	uint64_t max;	 /* bytes that may lie in out or the file */
	size_t headers;	 /* bytes of header lines so far */
	size_t dropped;	 /* bytes of bodies that nobody asked for */
	bool encoded;	 /* Content-Encoding other than what was asked for */
	bool begun;	 /* the first byte of the wanted body was seen */

	struct sut_buf *out; /* either this … */
	size_t before;	     /* its length at the beginning */

	int fd; /* … or this, with `have` bytes that are kept when the answer is the rest */
	uint64_t have, size;
	bool bad_range;	     /* what the server sends is not the rest that was asked for */
	uint64_t range_from; /* of Content-Range, when has_range */
	bool has_range;

	struct sut_http_answer *api; /* any status is an answer, which belongs here; NULL */

	int code; /* a negative errno that ends the transfer, with its message in *err */
	struct sut_err *err;
};

uint64_t http_now_ms(void);
/* As curl_easy_perform(); sets h->cancelled (and returns CURLE_ABORTED_BY_CALLBACK) when cancel_fd can be read. */
CURLcode http_perform(struct sut_http *h);
/* The value of the header line when it is the one called name. */
const char *http_header_value(const char *line, const char *name);
/* "https" and "https://host:443" of a URL that we speak. */
int http_origin(const char *url, char **ret_scheme, char **ret_origin,
		struct sut_err *err) _must_check_;
/* One request and its answer, no redirect. 0 with the status, or what ended it. */
int http_transfer(struct sut_http *h, struct answer *a, struct curl_slist *headers,
		  uint64_t deadline_ms, long *ret_status) _must_check_;
/* What curl says, as an error. */
int http_failed(struct sut_http *h, const char *url, CURLcode c, struct sut_err *err);
/* One header line of an answer to sut_http_request(). */
void http_api_header(struct sut_http_answer *r, const char *line);
/* Neither loopback, link-local, multicast, reserved nor "this host", in any spelling. */
bool http_is_public(const struct sockaddr *a);

#endif
