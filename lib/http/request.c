// SPDX-License-Identifier: Apache-2.0
/* Calls of APIs: any method, any status. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "http/internal.h"

enum { RETRY_MAX = 86400 };

static bool v4_is_public(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224 && !(a[0] == 169 && a[1] == 254);
}

bool http_is_public(const struct sockaddr *sa)
{
	/* Prefixes that carry an IPv4 address in their last four bytes: mapped, compatible, NAT64. */
	static const uint8_t carriers[][12] = {
		{[10] = 0xff, [11] = 0xff}, {0}, {0, 0x64, 0xff, 0x9b}};
	const struct in6_addr *six = &((const struct sockaddr_in6 *)sa)->sin6_addr;
	const uint8_t *a = six->s6_addr;

	if (sa->sa_family == AF_INET)
		return v4_is_public(
			(const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr.s_addr);
	if (sa->sa_family != AF_INET6)
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(carriers); i++)
		if (!memcmp(a, carriers[i], 12))
			return v4_is_public(a + 12); /* ::1 and :: are 0.0.0.1 and 0.0.0.0 here */
	return !IN6_IS_ADDR_LINKLOCAL(six) && !IN6_IS_ADDR_MULTICAST(six) &&
	       !IN6_IS_ADDR_SITELOCAL(six);
}

static void copy_value(char *to, size_t size, const char *value)
{
	if (strlen(value) < size)
		memcpy(to, value, strlen(value) + 1);
}

void http_api_header(struct sut_http_answer *r, const char *line)
{
	const char *value;
	uint64_t seconds;

	if (sut_startswith(line, "HTTP/")) {
		r->etag[0] = r->type[0] = 0;
		r->retry_after = 0;
	} else if ((value = http_header_value(line, "ETag"))) {
		copy_value(r->etag, sizeof(r->etag), value);
	} else if ((value = http_header_value(line, "Content-Type"))) {
		copy_value(r->type, sizeof(r->type), value);
	} else if ((value = http_header_value(line, "Retry-After"))) {
		if (sut_parse_u64(value, UINT32_MAX, &seconds) == 0)
			r->retry_after = seconds < RETRY_MAX ? (unsigned int)seconds : RETRY_MAX;
	}
}

/* Header lines may hold secrets. */
static void wipe_list(struct curl_slist **l)
{
	for (struct curl_slist *i = *l; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(*l);
}

static int add_line(struct curl_slist **l, const char *line, struct sut_err *err)
{
	struct curl_slist *longer;

	if (line[strcspn(line, "\r\n")])
		return sut_err_set(err, EINVAL, "a header holds a line end; remove it");
	longer = curl_slist_append(*l, line);
	if (!longer)
		return sut_err_oom(err);
	*l = longer;
	return 0;
}

static int make_lines(struct sut_http *h, const char *const *headers, struct curl_slist **l,
		      struct sut_err *err)
{
	bool typed = false;
	int r = 0;

	if (h->bearer)
		r = add_line(l, h->bearer->data, err);
	for (; headers && *headers && r == 0; headers++) {
		typed = typed || http_header_value(*headers, "Content-Type");
		r = add_line(l, *headers, err);
	}
	/* Else curl says that it is a form, and asks before it sends more than 1 MB. */
	if (r == 0 && !typed)
		r = add_line(l, "Content-Type:", err);
	return r < 0 ? r : add_line(l, "Expect:", err);
}

static CURLcode set_method(CURL *c, const char *method, const void *body, size_t len)
{
	bool has_body = body || !strcmp(method, "POST") || !strcmp(method, "PUT") ||
			!strcmp(method, "PATCH");
	CURLcode r = CURLE_OK;

	if (!strcmp(method, "HEAD"))
		return curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	if (has_body) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body ? body : "");
	}
	if (strcmp(method, has_body ? "POST" : "GET") != 0)
		r = curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	return r;
}

/* As sut_http_get() wants it. */
static void reset_method(CURL *c)
{
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(c, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
}

int sut_http_request(struct sut_http *h, const char *method, const char *url,
		     const char *const *headers, const void *body, size_t len,
		     struct sut_http_answer *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *scheme = NULL, *origin = NULL;
	_cleanup_(wipe_list) struct curl_slist *lines = NULL;
	struct sut_http_answer got = {.body = ret->body};
	struct answer a = {.h = h,
			   .url = url,
			   .max = SIZE_MAX,
			   .out = &got.body,
			   .fd = -1,
			   .api = &got,
			   .err = err};
	size_t before = ret->body.len;
	long status = 0;
	CURLcode c;
	int r;

	if (!*method || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(method))
		return sut_err_set(err, EINVAL, "'%.20s' is no method of HTTP", method);
	r = http_origin(url, &scheme, &origin, err);
	if (r == 0)
		r = make_lines(h, headers, &lines, err);
	if (r < 0)
		return r;
	a.before = before;
	a.max = got.body.max - before;
	c = set_method(h->curl, method, body, len);
	r = c == CURLE_OK ? http_transfer(h, &a, lines,
					  http_now_ms() + h->total_sec * UINT64_C(1000), &status)
			  : http_failed(h, url, c, err);
	reset_method(h->curl);
	if (r < 0 && got.body.data)
		got.body.data[got.body.len = before] = 0;
	if (r < 0) {
		ret->body = got.body; /* it may have moved */
		return r;
	}
	got.status = (int)status;
	*ret = got;
	return 0;
}
