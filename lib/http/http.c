// SPDX-License-Identifier: Apache-2.0
#include "http/http.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/str.h"
#include "http/internal.h"

enum {
	HEADERS_MAX = 64 << 10,	   /* all header lines of one answer */
	ERROR_BODY_MAX = 64 << 10, /* read and dropped, so that the connection can be kept */
	CONNECT_SEC = 20,
	TOTAL_SEC = 3600,
	STALL_SEC = 60,
	STALL_BYTES = 100,
};

static long status_of(struct sut_http *h)
{
	long status = 0;

	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Ends the transfer: curl takes a short count for "stop". */
static size_t stop(struct answer *a, int code)
{
	a->code = code;
	return 0;
}

const char *http_header_value(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	return line + strspn(line, " \t");
}

static void take_range(struct answer *a, const char *value)
{
	char digits[24];
	size_t n;

	a->has_range = false;
	if (strncasecmp(value, "bytes ", 6))
		return;
	value += 6;
	n = strspn(value, "0123456789");
	if (value[n] != '-' || n >= sizeof(digits))
		return;
	memcpy(digits, value, n);
	digits[n] = 0;
	a->has_range = sut_parse_u64(digits, INT64_MAX, &a->range_from) == 0;
}

/* Caches hand out old answers: the latest one counts. */
static void take_date(struct sut_http *h, const char *value)
{
	time_t t = curl_getdate(value, NULL);

	if (t > 0 && t > h->stats.date)
		h->stats.date = t;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t len = size * n;
	char line[256];
	const char *value;

	a->headers += len;
	if (a->headers > HEADERS_MAX)
		return stop(a,
			    sut_err_reason(a->err, EIO, "headers",
					   "%s: the server's headers are larger than %d bytes; is "
					   "this the right address?",
					   a->url, HEADERS_MAX));
	if (len >= sizeof(line))
		return len; /* none of those we look at */
	memcpy(line, data, len);
	line[len] = 0;
	while (len && strchr("\r\n \t", line[len - 1]))
		line[--len] = 0;
	if (a->api)
		http_api_header(a->api, line);
	if (sut_startswith(line, "HTTP/")) {
		a->has_range = a->encoded = false; /* a new block after one with 1xx */
	} else if ((value = http_header_value(line, "Content-Encoding"))) {
		bool wanted =
			a->out && (!strcasecmp(value, "gzip") || !strcasecmp(value, "x-gzip"));

		a->encoded = !wanted && *value && strcasecmp(value, "identity");
	} else if ((value = http_header_value(line, "Content-Range"))) {
		take_range(a, value);
	} else if ((value = http_header_value(line, "Date"))) {
		take_date(a->h, value);
	}
	return size * n;
}

static int too_big(struct answer *a)
{
	return sut_err_reason(a->err, EFBIG, "length",
			      "%s is larger than the %llu bytes it may have", a->url,
			      (unsigned long long)a->max);
}

/* Before the first byte of a body that is wanted: where does it go? */
static int begin(struct answer *a, long status)
{
	curl_off_t length = -1;

	a->begun = true;
	if (a->encoded)
		return sut_err_reason(a->err, EIO, "encoding",
				      "%s comes in a Content-Encoding that was not asked for; the "
				      "server has to send it as it is",
				      a->url);
	if (a->out) {
		curl_easy_getinfo(a->h->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
		return length > 0 && (uint64_t)length > a->max ? too_big(a) : 0;
	}
	if (status == 206) {
		if (!a->has_range || a->range_from != a->have) {
			a->bad_range = true;
			return sut_err_reason(a->err, EIO, "range",
					      "%s: the server sends another part than asked for",
					      a->url);
		}
	} else {
		a->size = 0;
		if (ftruncate(a->fd, 0) < 0)
			return sut_err_errno(a->err, "cannot empty the file for %s", a->url);
	}
	return 0;
}

static int put_in_file(struct answer *a, const uint8_t *p, size_t len)
{
	size_t fits = a->max - a->size < len ? (size_t)(a->max - a->size) : len;

	for (size_t done = 0; done < fits;) {
		ssize_t n = pwrite(a->fd, p + done, fits - done, (off_t)a->size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return sut_err_errno(a->err, "cannot write what comes from %s", a->url);
		}
		done += (size_t)n;
		a->size += (uint64_t)n;
	}
	return fits < len ? too_big(a) : 0;
}

static int put_in_buf(struct answer *a, const uint8_t *p, size_t len)
{
	int r;

	if (a->out->len - a->before + len > a->max)
		return too_big(a);
	r = sut_buf_add(a->out, p, len);
	if (r == -ENOBUFS)
		return too_big(a);
	return r < 0 ? sut_err_oom(a->err) : 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t len = size * n;
	long status = status_of(a->h);
	int r = 0;

	if (!a->api && status != 200 && !(status == 206 && !a->out && a->have)) {
		a->dropped += len;
		return a->dropped > ERROR_BODY_MAX ? 0 : len;
	}
	if (!a->begun)
		r = begin(a, status);
	if (r == 0)
		r = a->out ? put_in_buf(a, (uint8_t *)data, len)
			   : put_in_file(a, (uint8_t *)data, len);
	return r < 0 ? stop(a, r) : len;
}

int http_failed(struct sut_http *h, const char *url, CURLcode c, struct sut_err *err)
{
	const char *why = *h->why ? h->why : curl_easy_strerror(c);
	long os = 0;

	switch (c) {
	case CURLE_OUT_OF_MEMORY:
		/* libcurl says so of a header line of more than 100 KiB, too. */
		return sut_err_set(err, ENOMEM,
				   "%s: out of memory, or the server sends a header line without "
				   "end; is this the right address?",
				   url);
	case CURLE_OPERATION_TIMEDOUT:
		return sut_err_set(err, ETIMEDOUT, "%s: %s; try again later", url, why);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return sut_err_set(err, EHOSTUNREACH, "%s: %s; check the name and the network", url,
				   why);
	case CURLE_COULDNT_CONNECT:
		if (h->refused)
			return sut_err_set(err, EACCES,
					   "%s leads to an address of this machine or its link, "
					   "which is not allowed here; use a public one",
					   url);
		curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &os);
		return sut_err_set(
			err, os == EHOSTUNREACH || os == ENETUNREACH ? EHOSTUNREACH : ECONNREFUSED,
			"%s: %s; check the address and the network", url, why);
	case CURLE_URL_MALFORMAT:
		return sut_err_set(err, EINVAL, "%s is not an address of http or https: %s", url,
				   why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return sut_err_reason(err, EPROTO, "tls",
				      "%s: %s; check the server's certificate, the certificate "
				      "authorities here and the clock",
				      url, why);
	default:
		return sut_err_set(err, EIO, "%s: %s; try again later", url, why);
	}
}

/*
 * The folder of the system's authorities is enough where it is kept as OpenSSL wants it. If not, once more
 * with the bundle: an answer that is refused then was never begun.
 */
static CURLcode perform(struct sut_http *h)
{
	CURLcode code = http_perform(h);
	CURLcode set;

	if (code != CURLE_PEER_FAILED_VERIFICATION || !h->bundle)
		return code;
	set = curl_easy_setopt(h->curl, CURLOPT_CAINFO, h->bundle);
	if (set != CURLE_OK)
		return set;
	free(sut_steal(h->bundle));
	*h->why = 0;
	return http_perform(h);
}

uint64_t http_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int http_transfer(struct sut_http *h, struct answer *a, struct curl_slist *headers,
		  uint64_t deadline_ms, long *ret_status)
{
	char range[32] = "";
	curl_off_t down = 0;
	uint64_t now_ms = http_now_ms();
	long sent = 0, head = 0;
	CURL *c = h->curl;
	CURLcode code;

	if (now_ms >= deadline_ms)
		return sut_err_set(a->err, ETIMEDOUT, "%s: no answer within %u seconds", a->url,
				   h->total_sec);
	if (!a->out && a->have)
		snprintf(range, sizeof(range), "%llu-", (unsigned long long)a->have);
	a->headers = a->dropped = 0;
	a->begun = a->encoded = a->has_range = false;
	a->code = 0;
	*h->why = 0;
	h->refused = false;
	code = curl_easy_setopt(c, CURLOPT_URL, a->url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, a->out ? "gzip" : NULL);
	if (code == CURLE_OK)
		code = curl_easy_setopt(c, CURLOPT_RANGE, *range ? range : NULL);
	if (code == CURLE_OK)
		code = curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(deadline_ms - now_ms));
	if (code != CURLE_OK)
		return http_failed(h, a->url, code, a->err);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);

	code = perform(h);
	curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(c, CURLINFO_HEADER_SIZE, &head);
	curl_easy_getinfo(c, CURLINFO_SIZE_DOWNLOAD_T, &down);
	h->stats.requests += sent > 0;
	h->stats.sent += (uint64_t)sent;
	h->stats.received += (uint64_t)head + (uint64_t)down;
	if (a->code)
		return a->code;
	if (h->cancelled)
		return sut_err_reason(a->err, ECANCELED, "cancelled", "%s: given up", a->url);
	*ret_status = status_of(h);
	/* What an error page holds does not matter, nor that it was cut. */
	if (code == CURLE_OK || (!a->api && *ret_status >= 300 && a->dropped > ERROR_BODY_MAX))
		return 0;
	return http_failed(h, a->url, code, a->err);
}

static void curlu_freep(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_strp(char **s)
{
	curl_free(*s);
}

int http_origin(const char *url, char **ret_scheme, char **ret_origin, struct sut_err *err)
{
	_cleanup_(curlu_freep) CURLU *u = curl_url();
	_cleanup_(curl_strp) char *scheme = NULL, *host = NULL, *port = NULL;
	char *s, *o;
	CURLUcode c;

	if (!u)
		return sut_err_oom(err);
	if (strlen(url) > SUT_HTTP_URL_MAX)
		return sut_err_set(err, EINVAL, "a URL is longer than %d bytes", SUT_HTTP_URL_MAX);
	c = curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS);
	if (c == CURLUE_OK)
		c = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
	if (c == CURLUE_OK)
		c = curl_url_get(u, CURLUPART_HOST, &host, 0);
	if (c == CURLUE_OK)
		c = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (c == CURLUE_OUT_OF_MEMORY)
		return sut_err_oom(err);
	if (c != CURLUE_OK || (strcmp(scheme, "http") && strcmp(scheme, "https")))
		return sut_err_set(err, EINVAL,
				   "'%.200s' is not an address of http or https; it begins with "
				   "http:// or https:// and a host",
				   url);
	s = strdup(scheme);
	o = sut_sprintf("%s://%s:%s", scheme, host, port);
	if (!s || !o) {
		free(s);
		free(o);
		return sut_err_oom(err);
	}
	*ret_scheme = s;
	*ret_origin = o;
	return 0;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int bad_status(const char *url, long status, struct sut_err *err)
{
	_cleanup_(sut_freep) char *reason = sut_sprintf("http-%ld", status);
	bool absent = status == 404 || status == 403;

	if (!reason)
		return sut_err_oom(err);
	return sut_err_reason(err, absent ? ENOENT : EREMOTEIO, reason,
			      "%s: the server answers %ld%s", url, status,
			      absent		  ? ": it has no such file"
			      : status == 401	  ? "; check the access token"
			      : status / 100 == 5 ? "; try again later"
						  : "");
}

/* Follows redirects until an answer is where it belongs. a->url is borrowed. */
static int get(struct sut_http *h, struct answer *a)
{
	_cleanup_(sut_freep) char *scheme = NULL, *first = NULL, *at = NULL;
	uint64_t now = http_now_ms(), deadline = now + h->total_sec * (uint64_t)1000;
	const char *asked = a->url;
	bool bearer = true;
	int r;

	r = http_origin(asked, &scheme, &first, a->err);
	for (int hop = 0; r == 0; hop++) {
		_cleanup_(sut_freep) char *next_scheme = NULL, *next_origin = NULL, *next = NULL;
		char *location = NULL;
		long status = 0;

		r = http_transfer(h, a, bearer ? h->bearer : NULL, deadline, &status);
		if (r < 0)
			break;
		if (status == 200 || (status == 206 && !a->out && a->have))
			break;
		if (status == 416 && a->have) {
			a->bad_range = true;
			r = bad_status(a->url, status, a->err);
			break;
		}
		if (is_redirect(status))
			curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &location);
		if (!location) {
			r = bad_status(a->url, status, a->err);
			break;
		}
		if (hop == SUT_HTTP_REDIRECTS) {
			r = sut_err_reason(a->err, ELOOP, "redirect",
					   "%s redirects more than %d times; use the address it "
					   "leads to",
					   asked, SUT_HTTP_REDIRECTS);
			break;
		}
		next = strdup(location);
		if (!next) {
			r = sut_err_oom(a->err);
			break;
		}
		r = http_origin(next, &next_scheme, &next_origin, NULL);
		if (r == -ENOMEM) {
			sut_err_oom(a->err);
		} else if (r < 0 || strcmp(scheme, next_scheme)) {
			r = sut_err_reason(a->err, EXDEV, "redirect",
					   "%s redirects to another scheme (%.200s), which is "
					   "never followed; use that address if you trust it",
					   a->url, next);
		} else {
			/* Once away, never again: who redirects back may have seen the way. */
			bearer = bearer && !strcmp(first, next_origin);
			free(at);
			at = sut_steal(next);
			a->url = at;
		}
	}
	/* An answer without any body never came to on_body(). */
	if (r == 0 && !a->begun)
		r = begin(a, status_of(h));
	a->url = asked;
	return r;
}

int sut_http_get(struct sut_http *h, const char *url, size_t max, struct sut_buf *out,
		 struct sut_err *err)
{
	struct answer a = {.h = h,
			   .url = url,
			   .max = max,
			   .out = out,
			   .before = out->len,
			   .fd = -1,
			   .err = err};
	int r = get(h, &a);

	if (r < 0 && out->data)
		out->data[out->len = a.before] = 0;
	return r;
}

int sut_http_get_file(struct sut_http *h, const char *url, int fd, uint64_t have, uint64_t max,
		      struct sut_err *err)
{
	struct answer a = {
		.h = h, .url = url, .max = max, .fd = fd, .have = have, .size = have, .err = err};
	int r;

	if (have > max)
		return too_big(&a);
	r = get(h, &a);
	if (r < 0 && a.bad_range) {
		/* What is there cannot be continued: the whole, then. */
		a.have = a.size = 0;
		a.bad_range = false;
		r = get(h, &a);
	}
	return r;
}

/* These authorities and no others. */
static CURLcode use_authorities(struct sut_http *h)
{
	struct stat st;
	bool folder = stat(h->ca_file, &st) == 0 && S_ISDIR(st.st_mode);
	CURLcode r = curl_easy_setopt(h->curl, CURLOPT_CAINFO, folder ? NULL : h->ca_file);

	if (r == CURLE_OK)
		r = curl_easy_setopt(h->curl, CURLOPT_CAPATH, folder ? h->ca_file : NULL);
	return r;
}

/*
 * The system keeps its authorities twice: in a bundle, of which every process would parse all 140
 * (25 ms), and in a folder, where the one that is needed is found by its name.
 */
static CURLcode prefer_folder(struct sut_http *h)
{
	char *folder = NULL, *bundle = NULL;

	if (curl_easy_getinfo(h->curl, CURLINFO_CAPATH, &folder) != CURLE_OK ||
	    curl_easy_getinfo(h->curl, CURLINFO_CAINFO, &bundle) != CURLE_OK || !folder || !bundle)
		return CURLE_OK;
	h->bundle = strdup(bundle);
	return h->bundle ? curl_easy_setopt(h->curl, CURLOPT_CAINFO, NULL) : CURLE_OUT_OF_MEMORY;
}

/*
 * Just before a connection is made, with the address it will have: whatever a name means now, or a
 * moment later, cannot lead elsewhere.
 */
static curl_socket_t open_public_socket(void *arg, curlsocktype purpose _unused_,
					struct curl_sockaddr *a)
{
	struct sut_http *h = arg;

	if (!http_is_public(&a->addr)) {
		h->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int set_options(struct sut_http *h)
{
	CURL *c = h->curl;
	CURLcode r;

	/* Those that copy a string or may not be there in this libcurl are asked. */
	r = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	if (r == CURLE_OK)
		r = curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r == CURLE_OK)
		r = curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	if (r == CURLE_OK)
		r = curl_easy_setopt(c, CURLOPT_USERAGENT, h->user_agent);
	/* A proxy would connect to what we may not; one that was asked for knows what it does. */
	if (r == CURLE_OK && (h->proxy || h->no_private))
		r = curl_easy_setopt(c, CURLOPT_PROXY, h->proxy ? h->proxy : "");
	if (r == CURLE_OK && h->unix_socket)
		r = curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, h->unix_socket);
	if (h->no_private) {
		curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
		curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
	}
	if (r == CURLE_OK)
		r = h->ca_file ? use_authorities(h) : prefer_folder(h);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->why);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)h->connect_sec);
	if (h->stall_sec < h->total_sec) {
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)h->stall_sec);
	}
	if (h->cancel_fd) {
		/* One that is given up must not wait for the resolver; one that waits must notice a dead peer. */
		curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
		curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	}
	return r == CURLE_OUT_OF_MEMORY ? -ENOMEM : r == CURLE_OK ? 0 : -EOPNOTSUPP;
}

static int copy(const char *from, char **to)
{
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

static int make_bearer(struct sut_http *h, const char *token, struct sut_err *err)
{
	struct sut_buf line = SUT_BUF_INIT(SUT_HTTP_URL_MAX);
	int r;

	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return sut_err_set(err, EINVAL,
					   "the access token holds a character that no token has; "
					   "is the file it comes from the right one?");
	r = sut_buf_addf(&line, "Authorization: Bearer %s", token);
	if (r == 0) {
		h->bearer = curl_slist_append(NULL, sut_buf_str(&line));
		r = h->bearer ? 0 : -ENOMEM;
	}
	if (line.data)
		explicit_bzero(line.data, line.cap);
	sut_buf_release(&line);
	if (r == -ENOBUFS)
		return sut_err_set(err, EINVAL, "the access token is too long");
	return r < 0 ? sut_err_oom(err) : 0;
}

int sut_http_new(const struct sut_http_opts *opts, struct sut_http **ret, struct sut_err *err)
{
	static const struct sut_http_opts defaults;
	_cleanup_(sut_http_freep) struct sut_http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return sut_err_oom(err);
	if (!opts)
		opts = &defaults;
	h->connect_sec = opts->connect_sec ? opts->connect_sec : CONNECT_SEC;
	h->total_sec = opts->total_sec ? opts->total_sec : TOTAL_SEC;
	h->stall_sec = opts->stall_sec ? opts->stall_sec : STALL_SEC;
	h->no_private = opts->no_private;
	h->cancel_fd = opts->cancel_fd;
	if (copy(opts->proxy, &h->proxy) < 0 || copy(opts->unix_socket, &h->unix_socket) < 0 ||
	    copy(opts->ca_file, &h->ca_file) < 0 ||
	    copy(opts->user_agent ? opts->user_agent : "suture/" SUTURE_VERSION, &h->user_agent) <
		    0)
		return sut_err_oom(err);
	if (opts->bearer) {
		r = make_bearer(h, opts->bearer, err);
		if (r < 0)
			return r;
	}
	h->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	h->curl = h->global ? curl_easy_init() : NULL;
	if (h->curl && h->cancel_fd)
		h->multi = curl_multi_init();
	if (!h->curl || (h->cancel_fd && !h->multi))
		return sut_err_oom(err);
	r = set_options(h);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return sut_err_set(err, -r, "the libcurl here is too old: 7.85 with TLS is needed");
	*ret = sut_steal(h);
	return 0;
}

void sut_http_stats(const struct sut_http *h, struct sut_http_stats *ret)
{
	*ret = h->stats;
}

void sut_http_free(struct sut_http *h)
{
	if (!h)
		return;
	if (h->curl)
		curl_easy_cleanup(h->curl);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	if (h->bearer)
		explicit_bzero(h->bearer->data, strlen(h->bearer->data));
	curl_slist_free_all(h->bearer);
	if (h->global)
		curl_global_cleanup();
	free(h->proxy);
	free(h->unix_socket);
	free(h->ca_file);
	free(h->bundle);
	free(h->user_agent);
	free(h);
}

void sut_http_freep(struct sut_http **h)
{
	sut_http_free(*h);
}

char *sut_http_quote(const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	char *q = malloc(3 * strlen(s) + 1), *p = q;

	if (!q)
		return NULL;
	for (; *s; s++) {
		uint8_t c = (uint8_t)*s;

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c)) {
			*p++ = (char)c;
		} else {
			*p++ = '%';
			*p++ = hex[c >> 4];
			*p++ = hex[c & 15];
		}
	}
	*p = 0;
	return q;
}
