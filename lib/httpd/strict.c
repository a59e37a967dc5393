// SPDX-License-Identifier: Apache-2.0
/*
 * A request's head, once more and strictly.
 *
 * libmicrohttpd 0.9.75 is lenient: lines may end with a bare LF, values may go on in the next line,
 * NUL ends a value early, space may stand before the colon, and of two Content-Length the first one
 * counts. A proxy in front may read such a request otherwise, and then somebody's second request is
 * hidden in the first one (request smuggling). All of these are refused here.
 *
 * libmicrohttpd cuts the lines in its receive buffer, where each CR, LF, and colon becomes a NUL, and gives us
 * pointers into it. So in a plain request the pieces lie one after the other with nothing
 * between them that we do not know; wherever they do not, the line was one of the above.
 */
#include <strings.h>

#include "httpd/internal.h"

struct piece {
	const char *name, *value;
	size_t name_len, value_len;
};

struct pieces {
	struct piece v[SUT_HTTPD_HEADER_LINES];
	size_t n;
	bool too_many;
};

static enum MHD_Result add_piece(void *arg, enum MHD_ValueKind kind _unused_, const char *name,
				 size_t name_len, const char *value, size_t value_len)
{
	struct pieces *p = arg;

	if (p->n == SUT_HTTPD_HEADER_LINES) {
		p->too_many = true;
		return MHD_NO;
	}
	p->v[p->n++] = (struct piece){name, value ? value : name + name_len, name_len, value_len};
	return MHD_YES;
}

static bool ends_with_crlf(const char *end)
{
	return !end[0] && !end[1];
}

/* Do the pieces make up the whole head? */
static bool is_plain(const struct sut_hreq *q, const struct pieces *p, const char *method,
		     const char *url, const char *version, size_t size)
{
	const char *at = method + strlen(method) + 1, *end = method + size;

	if (url != at || version != url + q->target_len + 1)
		return false;
	at = version + 8;
	if (strlen(version) != 8 || at + 2 > end || !ends_with_crlf(at))
		return false;
	at += 2;
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *h = &p->v[i];

		if (h->name != at || h->value < at + h->name_len + 1 ||
		    h->value + h->value_len + 2 > end)
			return false;
		at += h->name_len + 1;
		at += strspn(at, " \t");
		if (h->value != at)
			return false;
		at += h->value_len;
		if (!ends_with_crlf(at))
			return false;
		at += 2;
	}
	return at + 2 == end && ends_with_crlf(at);
}

static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static bool is_named(const struct piece *h, const char *name)
{
	return strlen(name) == h->name_len && !strncasecmp(h->name, name, h->name_len);
}

/* Which lines say where the request ends, and whom it is for. */
static const char *check_framing(struct sut_hreq *q, const struct pieces *p, bool old,
				 uint64_t *ret_body)
{
	unsigned int lengths = 0, encodings = 0, hosts = 0;
	uint64_t length = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct piece *h = &p->v[i];

		if (!httpd_is_token(h->name, h->name_len))
			return "a header's name holds a character that it cannot have";
		if (!is_text(h->value, h->value_len))
			return "a header holds a control character";
		if (is_named(h, "Content-Length")) {
			lengths++;
			for (size_t d = 0; d < h->value_len; d++) {
				if (h->value[d] < '0' || h->value[d] > '9' || d > 18)
					return "Content-Length is not a number";
				length = length * 10 + (uint64_t)(h->value[d] - '0');
			}
			if (!h->value_len)
				return "Content-Length is not a number";
		} else if (is_named(h, "Transfer-Encoding")) {
			encodings++;
			if (h->value_len != 7 || strncasecmp(h->value, "chunked", 7) != 0)
				return "Transfer-Encoding can only be \"chunked\" here";
		} else if (is_named(h, "Host")) {
			hosts++;
		}
	}
	if (lengths + encodings > 1)
		return "send Content-Length or Transfer-Encoding once, and not both";
	if (hosts > 1 || (!hosts && !old))
		return "send the header Host once";
	if (encodings && old)
		return "HTTP/1.0 has no Transfer-Encoding";
	q->chunked = encodings;
	*ret_body = encodings ? UINT64_MAX : length;
	return NULL;
}

const char *httpd_take_head(struct sut_hreq *q, struct MHD_Connection *mhd, const char *url,
			    const char *method, const char *version, int *ret_status,
			    uint64_t *ret_body)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct pieces p = {.n = 0};
	const char *why;
	size_t size;

	MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, add_piece, &p);
	*ret_status = 431;
	if (p.too_many)
		return "the request has too many header lines";
	if (!info || info->header_size > SUT_HTTPD_HEADERS_MAX)
		return "the headers are larger than the server takes";
	size = info->header_size;
	*ret_status = 414;
	if (q->target_len > SUT_HTTPD_TARGET_MAX)
		return "the request target is longer than the server takes";
	*ret_status = 400;
	if (!is_plain(q, &p, method, url, version, size))
		return "the request's lines are malformed: each ends with CR LF, and none is "
		       "continued or holds a NUL";
	if (!httpd_is_token(method, strlen(method)))
		return "the method's name holds a character that it cannot have";
	why = check_framing(q, &p, !strcmp(version, "HTTP/1.0"), ret_body);
	if (why)
		return why;
	*ret_status = 503;
	q->heads = malloc(size);
	if (!q->heads)
		return "out of memory";
	memcpy(q->heads, method, size);
	q->method = q->heads;
	for (size_t i = 0; i < p.n; i++) {
		char *value = q->heads + (p.v[i].value - method);
		size_t n = p.v[i].value_len;

		while (n && strchr(" \t", value[n - 1]))
			n--;
		value[n] = 0;
		q->headers[i] = (struct httpd_arg){q->heads + (p.v[i].name - method), value};
	}
	q->nheaders = p.n;
	return NULL;
}
