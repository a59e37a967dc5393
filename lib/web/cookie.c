// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions of browsers: the token in a cookie that no script can read, and what keeps other sites from using it. A cookie
 * goes with every request that a page anywhere makes to us; SameSite=Strict keeps most of them away, the header
 * that only a script of ours can set, and the origin, which the browser says itself, the rest.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "web/job.h"
#include "web/server.h"

/* Browsers take a cookie called so from the very host only, over TLS only. */
#define NAME_TLS "__Host-suture-session"
#define NAME_PLAIN "suture-session"

static bool is_secure(const struct web_req *q)
{
	const char *url = q->server->conf->url;

	return q->tls || (url && sut_startswith(url, "https://"));
}

/* The value of NAME=VALUE in "a=b; NAME=VALUE"; NULL. */
static const char *find(const char *cookies, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	for (const char *p = cookies; *p;) {
		size_t len;

		p += strspn(p, "; ");
		len = strcspn(p, ";");
		if (len > n && !strncmp(p, name, n) && p[n] == '=') {
			*ret_len = len - n - 1;
			return p + n + 1;
		}
		p += len;
	}
	return NULL;
}

int web_cookie_take(struct web_job *j)
{
	const char *cookies = web_header(&j->q, "Cookie"), *v;
	char *token;
	size_t len = 0;

	if (!j->q.server->program->cookies || !cookies)
		return 0;
	v = find(cookies, is_secure(&j->q) ? NAME_TLS : NAME_PLAIN, &len);
	if (!v || !len)
		return 0;
	token = strndup(v, len);
	if (!token)
		return -ENOMEM;
	/* A token that a program made for itself is not for browsers. */
	if (sut_token_kind(token) == SUT_TOKEN_SESSION) {
		j->authorization = token;
		j->by_cookie = true;
		return 0;
	}
	explicit_bzero(token, len);
	free(token);
	return 0;
}

int web_cookie_set(struct web_req *q, struct web_resp *r, const char *token, struct sut_err *err)
{
	bool secure = is_secure(q);

	if (!q->server->program->cookies)
		return 0;
	return web_add_header(r, "Set-Cookie: %s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
			      secure ? NAME_TLS : NAME_PLAIN, token ? token : "",
			      secure ? "; Secure" : "", token ? "" : "; Max-Age=0") < 0
		       ? sut_err_oom(err)
		       : 0;
}

/* "https://console.example:8443", without what follows; scheme and host in any case. */
static bool same_origin(const char *origin, const char *scheme, const char *host)
{
	size_t n = strlen(scheme), len = strcspn(host, "/");

	return !strncasecmp(origin, scheme, n) && strlen(origin) == n + len &&
	       !strncasecmp(origin + n, host, len);
}

static bool fits(const struct web_req *q, const char *origin)
{
	const char *url = q->server->conf->url, *host = web_header(q, "Host");
	const char *rest = url ? strstr(url, "://") : NULL;
	char scheme[16];

	if (rest && (size_t)(rest - url) + 3 < sizeof(scheme)) {
		memcpy(scheme, url, (size_t)(rest - url) + 3);
		scheme[rest - url + 3] = '\0';
		if (same_origin(origin, scheme, rest + 3))
			return true;
	}
	return host && *host && !strchr(host, '/') &&
	       same_origin(origin, q->tls ? "https://" : "http://", host);
}

bool web_same_site(const struct web_req *q, bool absent)
{
	const char *site = web_header(q, "Sec-Fetch-Site"), *origin = web_header(q, "Origin");

	/* No page can set this one. Older browsers, and plain addresses, go without. */
	if (site)
		return !strcmp(site, "same-origin");
	return origin ? fits(q, origin) : absent;
}

int web_csrf(struct web_job *j)
{
	const char *own;

	if (!j->by_cookie || !strcmp(j->method, "GET") || !strcmp(j->method, "HEAD"))
		return 0;
	own = web_header(&j->q, "Suture-CSRF");
	if (sut_streq(own, "1") && web_same_site(&j->q, false))
		return 0;
	return web_problem(
		&j->r, 403, "csrf",
		"A call with the cookie of a session has to come from a page of this %s. "
		"Send the headers Suture-CSRF: 1 and Origin, or a token as "
		"Authorization: Bearer TOKEN",
		j->q.server->program->noun);
}
