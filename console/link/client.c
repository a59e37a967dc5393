// SPDX-License-Identifier: Apache-2.0
#include "link/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/str.h"
#include "base/utf8.h"
#include "http/http.h"

struct link_client {
	struct sut_http *http;
	char *url; /* without '/' at the end */
	int ca_fd; /* the certificates, as libcurl wants a file; -1 */
};

/* A file without a name. libcurl opens it anew for each connection. */
static int ca_file(const char *pem, int *ret, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = memfd_create("portal-ca", MFD_CLOEXEC);
	size_t n = strlen(pem);

	if (fd < 0)
		return sut_err_errno(err, "cannot make a file for the portal's certificate");
	for (size_t done = 0; done < n;) {
		ssize_t k = write(fd, pem + done, n - done);

		if (k < 0)
			return sut_err_errno(err, "cannot keep the portal's certificate");
		done += (size_t)k;
	}
	*ret = sut_steal_fd(&fd);
	return 0;
}

static bool url_ok(const char *url)
{
	const char *rest = sut_startswith(url, "https://")  ? url + 8
			   : sut_startswith(url, "http://") ? url + 7
							    : NULL;

	/* It also stands in the line that people paste into a shell. */
	return rest && *rest != '/' && *rest != ':' &&
	       sut_is_token(rest, LINK_URL_MAX, ".:/-_~%[]");
}

int link_client_new(const struct link_client_opts *o, struct link_client **ret, struct sut_err *err)
{
	_cleanup_(link_client_freep) struct link_client *c = calloc(1, sizeof(*c));
	struct sut_http_opts h = {.bearer = o->token,
				  .connect_sec = LINK_CONNECT_SEC,
				  .total_sec = o->total_sec,
				  .cancel_fd = o->cancel_fd > 0 ? o->cancel_fd : 0,
				  .stall_sec = o->total_sec < LINK_STALL_SEC ? o->total_sec
									     : LINK_STALL_SEC};
	char path[64];
	size_t n;
	int r = 0;

	if (!c)
		return sut_err_oom(err);
	c->ca_fd = -1;
	if (!url_ok(o->url))
		return sut_err_reason(err, EINVAL, "portal-url",
				      "this is no address of a portal. Write it as "
				      "https://portal.example, without user, query and spaces");
	c->url = strdup(o->url);
	if (!c->url)
		return sut_err_oom(err);
	for (n = strlen(c->url); n && c->url[n - 1] == '/'; n--)
		c->url[n - 1] = '\0';
	if (o->ca && *o->ca) {
		r = ca_file(o->ca, &c->ca_fd, err);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", c->ca_fd);
		h.ca_file = path;
	}
	if (r == 0)
		r = sut_http_new(&h, &c->http, err);
	if (r < 0)
		return r;
	*ret = sut_steal(c);
	return 0;
}

void link_client_free(struct link_client *c)
{
	if (!c)
		return;
	sut_http_free(c->http);
	sut_closep(&c->ca_fd);
	free(c->url);
	free(c);
}

void link_client_freep(struct link_client **c)
{
	link_client_free(*c);
	*c = NULL;
}

void link_answer_release(struct link_answer *a)
{
	json_decref(a->json);
	sut_secret_release(&a->body);
	*a = (struct link_answer){0};
}

int64_t link_date(const struct link_client *c)
{
	struct sut_http_stats s = {0};

	sut_http_stats(c->http, &s);
	return s.date;
}

/* What the portal says is shown to people: on one line, not too long. */
static void tidy(char *s, size_t max)
{
	if (strlen(s) > max)
		s[max] = '\0';
	sut_make_printable(s, "");
}

static const char *text_of(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

/* Is a 403 about who calls? Others are about the key or the system that the call was made for. */
static bool about_token(const char *code)
{
	static const char *const codes[] = {"",
					    "forbidden",
					    "users-only",
					    "staff-only",
					    "systems-only",
					    "tenant-disabled",
					    "password-change-required",
					    "user-disabled"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(codes); i++)
		if (!strcmp(code, codes[i]))
			return true;
	return false;
}

static int judge(const struct link_client *c, const struct link_call *call, struct link_answer *a,
		 struct sut_err *err)
{
	char detail[LINK_ERROR_MAX + 1];

	(void)snprintf(detail, sizeof(detail), "%s", text_of(a->json, "detail"));
	tidy(detail, LINK_ERROR_MAX);
	if (a->status == 429 || a->status >= 500)
		return sut_err_reason(err, EHOSTDOWN, "portal-away", "%s answers %d%s%s", c->url,
				      a->status, *detail ? ": " : "", detail);
	if (a->status == 401 || (a->status == 403 && about_token(a->code)))
		return sut_err_reason(
			err, EACCES, "portal-refused", "%s refuses %s %s (%d%s%s)%s%s", c->url,
			call->method, call->path, a->status, *a->code ? " " : "", a->code,
			*detail ? ": " : ". Make a new API token at the portal and set it here",
			detail);
	/* A portal's errors are problems with a code; everything else comes from something else. */
	if ((a->status >= 300 && a->status != 304 && !*a->code) ||
	    (a->status < 300 && !call->raw && a->status != 204 && a->status != 202 && !a->json))
		return sut_err_reason(err, EHOSTDOWN, "portal-away",
				      "what answers at %s is no portal: %d to %s %s. Look at the "
				      "address, and at proxies on the way",
				      c->url, a->status, call->method, call->path);
	return 0;
}

static int take(const struct link_client *c, const struct link_call *call,
		struct sut_http_answer *h, struct link_answer *ret, struct sut_err *err)
{
	bool parse = h->body.len && (!call->raw || h->status != 200);
	int r;

	ret->status = h->status;
	ret->retry_after = h->retry_after;
	(void)snprintf(ret->etag, sizeof(ret->etag), "%s", h->etag);
	if (parse) {
		ret->json = json_loadb((const char *)h->body.data, h->body.len,
				       JSON_REJECT_DUPLICATES, NULL);
		(void)snprintf(ret->code, sizeof(ret->code), "%s", text_of(ret->json, "code"));
		tidy(ret->code, sizeof(ret->code) - 1);
	} else if (call->raw) {
		ret->body = h->body;
		h->body = SUT_BUF_INIT(0);
	}
	r = judge(c, call, ret, err);
	return r;
}

static int headers(const struct link_call *call, struct sut_strv *l)
{
	int r = sut_strv_add(l, "Accept: application/json");

	if (r == 0 && call->body)
		r = sut_strv_add(l, "Content-Type: application/json");
	if (r == 0 && call->idempotency)
		r = sut_strv_addf(l, "Idempotency-Key: %s", call->idempotency);
	if (r == 0 && call->if_none_match && *call->if_none_match)
		r = sut_strv_addf(l, "If-None-Match: %s", call->if_none_match);
	return r;
}

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}

int link_do(struct link_client *c, const struct link_call *call, struct link_answer *ret,
	    struct sut_err *err)
{
	struct sut_http_answer h = {
		.body = SUT_BUF_INIT(call->raw ? LINK_COVERAGE_MAX : LINK_ANSWER_MAX)};
	_cleanup_(sut_freep) char *url = sut_sprintf("%s%s", c->url, call->path);
	_cleanup_(wipe) char *body = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_err why = {0};
	int r;

	*ret = (struct link_answer){0};
	if (!url || (call->body && !body) || headers(call, &l) < 0)
		return sut_err_oom(err);
	r = sut_http_request(c->http, call->method, url, (const char *const *)l.v, body,
			     body ? strlen(body) : 0, &h, &why);
	if (r == 0)
		r = take(c, call, &h, ret, err);
	else if (r == -ECANCELED)
		r = sut_err_reason(err, ECANCELED, "cancelled", "%s: given up", c->url);
	else if (r != -ENOMEM)
		r = sut_err_reason(err, EHOSTDOWN, "portal-away", "%.*s", LINK_ERROR_MAX, why.msg);
	else
		r = sut_err_oom(err);
	sut_secret_release(&h.body);
	return r;
}

int link_get(struct link_client *c, const char *path, size_t max, struct sut_buf *out,
	     struct sut_err *err)
{
	_cleanup_(sut_freep) char *url = sut_sprintf("%s%s", c->url, path);

	return url ? sut_http_get(c->http, url, max, out, err) : sut_err_oom(err);
}
