// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/utf8.h"
#include "http/http.h"
#include "settings.h"
#include "term.h"

enum { WAIT_MAX = 10 /* seconds: when the portal says to wait for longer, the user decides */ };

/* A string of an object as a copy that can be shown. NULL when it is none. */
static char *printable(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	char *copy = s ? strdup(s) : NULL;

	if (copy)
		sut_make_printable(copy, "");
	return copy;
}

static int exit_of(int status)
{
	switch (status) {
	case 404:
		return ADMIN_NOT_FOUND;
	case 401:
	case 403:
		return ADMIN_FORBIDDEN;
	case 409:
	case 412:
		return ADMIN_CONFLICT;
	case 502:
	case 503:
	case 504:
		return ADMIN_UNREACHABLE;
	default:
		return ADMIN_ERROR;
	}
}

/* What is wrong; what to do (code, request id). */
static void say_problem(int status, const json_t *problem)
{
	_cleanup_(sut_freep) char *detail = printable(problem, "detail"),
				  *title = printable(problem, "title"),
				  *code = printable(problem, "code"),
				  *id = printable(problem, "request_id");
	const char *text = detail && detail[0] ? detail : title;
	const json_t *e, *errors = json_object_get(problem, "errors");
	size_t i;

	if (!text)
		admin_say("the portal answered with HTTP status %d, and not as a Suture portal "
			  "does; is the URL right?",
			  status);
	else
		admin_say("%s (%s%s%s)", text, code ? code : "no code", id ? ", request " : "",
			  id ? id : "");
	json_array_foreach(json_object_get(problem, "errors"), i, e) {
		_cleanup_(sut_freep) char *where = printable(e, "pointer"),
					  *what = printable(e, "detail");

		if (json_array_size(errors) > 1)
			fprintf(stderr, "  %s: %s\n", where ? where : "?", what ? what : "?");
	}
	if (status == 401)
		fprintf(stderr, "  'suture-admin login' gives a new token\n");
}

static int new_key(char **ret)
{
	uint8_t bytes[16];
	char hex[sizeof(bytes) * 2 + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	sut_hex(bytes, sizeof(bytes), hex);
	*ret = sut_sprintf("suture-admin-%s", hex);
	return *ret ? 0 : -ENOMEM;
}

static int headers_of(struct admin *a, const struct call *c, struct sut_strv *h,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *fresh = NULL;
	const char *key = a->idempotency_key;
	int r = 0;

	if (c->repeat && !key) {
		r = new_key(&fresh);
		if (r < 0)
			return sut_err_set(err, -r, "no Idempotency-Key can be made");
		key = fresh;
	}
	if (sut_strv_add(h, "Accept: application/json, application/problem+json") < 0 ||
	    (c->repeat && sut_strv_addf(h, "Idempotency-Key: %s", key) < 0) ||
	    (a->tenant && sut_strv_addf(h, "Suture-Tenant: %s", a->tenant) < 0) ||
	    (c->if_match && sut_strv_addf(h, "If-Match: %s", c->if_match) < 0) ||
	    (c->body && sut_strv_add(h, "Content-Type: application/json") < 0) ||
	    (c->raw && sut_strv_addf(h, "Content-Type: %s", c->type) < 0))
		return sut_err_oom(err);
	/* curl would announce a body first and wait for leave. */
	if ((c->body || c->raw) && sut_strv_add(h, "Expect:") < 0)
		return sut_err_oom(err);
	return 0;
}

/* May the same request be sent again after this? */
static bool again(const struct call *c, int r, int status, unsigned int retry_after)
{
	bool harmless = c->repeat || sut_streq(c->method, "GET");

	if (r == -ECONNREFUSED || r == -EHOSTUNREACH || r == -EINVAL || r == -EPROTO ||
	    r == -EFBIG || r == -ENOMEM)
		return false;
	if (r < 0)
		return harmless;
	return harmless && status == 503 && retry_after <= WAIT_MAX;
}

static int send(struct admin *a, const struct call *c, const char *url, char *const *headers,
		const void *body, size_t len, struct sut_http_answer *ret, struct sut_err *err)
{
	unsigned int wait = 1;
	int r = 0;

	for (int try = 1;; try++) {
		sut_buf_release(&ret->body);
		*ret = (struct sut_http_answer){.body = SUT_BUF_INIT(CALL_ANSWER_MAX)};
		r = sut_http_request(a->http, c->method, url, (const char *const *)headers, body,
				     len, ret, err);
		if (try == CALL_TRIES || (r == 0 && ret->status != 503) ||
		    !again(c, r, ret->status, ret->retry_after))
			return r;
		if (r == 0 && ret->retry_after > wait)
			wait = ret->retry_after;
		sleep(wait);
		wait *= 2;
	}
}

static int take(const struct sut_http_answer *answer, const struct call *c, json_t **ret)
{
	json_t *json = NULL;

	if (answer->body.len)
		json = json_loadb(sut_buf_str(&answer->body), answer->body.len, 0, NULL);
	if (answer->status >= 200 && answer->status < 300) {
		if (answer->body.len && !json) {
			admin_say("the portal's answer to %s %s is not JSON; is the URL that of a "
				  "Suture portal?",
				  c->method, c->target);
			return ADMIN_ERROR;
		}
		if (ret)
			*ret = json;
		else
			json_decref(json);
		return ADMIN_OK;
	}
	if (answer->status == 404 && c->not_found)
		admin_say("%s", c->not_found);
	else
		say_problem(answer->status, json);
	json_decref(json);
	return exit_of(answer->status);
}

int admin_call(struct admin *a, const struct call *c, json_t **ret)
{
	_cleanup_strv_ struct sut_strv headers = {0};
	_cleanup_(sut_freep) char *url = NULL;
	_cleanup_secret_ struct sut_buf body = SUT_BUF_INIT(16 << 20);
	struct sut_http_answer answer = {.body = SUT_BUF_INIT(CALL_ANSWER_MAX)};
	struct sut_err err = {0};
	char *text = NULL;
	int r, status;

	if (ret)
		*ret = NULL;
	r = settings_connect(a, c->no_token ? "" : NULL, &err);
	if (r < 0) {
		admin_say("%s", err.msg);
		return sut_streq(err.reason, "no-token") || sut_streq(err.reason, "token-mode")
			       ? ADMIN_FORBIDDEN
			       : ADMIN_ERROR;
	}
	url = sut_sprintf("%s%s", a->base, c->target);
	if (!url || headers_of(a, c, &headers, &err) < 0)
		return url ? admin_fail(&err) : (sut_err_oom(&err), admin_fail(&err));
	if (c->body) {
		text = json_dumps(c->body, JSON_COMPACT);
		if (!text || sut_buf_addstr(&body, text) < 0)
			r = sut_err_oom(&err);
		if (text)
			explicit_bzero(text, strlen(text));
		free(text);
		if (r < 0)
			return admin_fail(&err);
	}
	r = send(a, c, url, headers.v, c->body ? body.data : c->raw, c->body ? body.len : c->len,
		 &answer, &err);
	if (r < 0) {
		admin_say("%s", err.msg);
		status = r == -EINVAL || r == -EFBIG || r == -ENOMEM ? ADMIN_ERROR
								     : ADMIN_UNREACHABLE;
	} else {
		status = take(&answer, c, ret);
	}
	sut_secret_release(&answer.body);
	return status;
}

int admin_items(struct admin *a, const char *target, int64_t max, json_t **ret)
{
	_cleanup_(sut_freep) char *cursor = a->cursor ? strdup(a->cursor) : NULL;
	json_t *all = json_array();
	int64_t page = max && max < 500 ? max : 500;
	int status = all ? ADMIN_OK : ADMIN_ERROR;

	while (status == ADMIN_OK) {
		_cleanup_(sut_freep) char *quoted = cursor ? sut_http_quote(cursor) : NULL,
					  *full = NULL;
		const char *join = strchr(target, '?') ? "&" : "?";
		const json_t *next, *items;
		json_t *answer = NULL;

		full = sut_sprintf("%s%slimit=%lld%s%s", target, join, (long long)page,
				   quoted ? "&cursor=" : "", quoted ? quoted : "");
		if (!full || (cursor && !quoted)) {
			admin_say("out of memory");
			status = ADMIN_ERROR;
			break;
		}
		status = admin_call(a, &(struct call){.method = "GET", .target = full}, &answer);
		if (status != ADMIN_OK)
			break;
		items = json_object_get(answer, "items");
		next = json_object_get(answer, "next");
		if (!json_is_array(items)) {
			admin_say("the portal's answer to GET %s is no list", target);
			status = ADMIN_ERROR;
		} else if (json_array_extend(all, (json_t *)items) < 0) {
			admin_say("out of memory");
			status = ADMIN_ERROR;
		}
		free(sut_steal(cursor));
		if (status == ADMIN_OK && json_is_string(next) && json_array_size(items))
			cursor = strdup(json_string_value(next));
		json_decref(answer);
		if (!cursor || (max && (int64_t)json_array_size(all) >= max))
			break;
	}
	if (status == ADMIN_OK)
		*ret = all;
	else
		json_decref(all);
	return status;
}

char *admin_target(const char *path, char *const *words, const char *query)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(16 << 10);

	while (*path) {
		_cleanup_(sut_freep) char *quoted = NULL;
		size_t n = strcspn(path, "{");

		if (sut_buf_add(&b, path, n) < 0)
			return NULL;
		path += n;
		if (!*path)
			break;
		quoted = *words ? sut_http_quote(*words++) : NULL;
		if (!quoted || sut_buf_addstr(&b, quoted) < 0)
			return NULL;
		path += strcspn(path, "}") + 1;
	}
	if (query && query[0] && sut_buf_addf(&b, "?%s", query) < 0)
		return NULL;
	return (char *)sut_steal(b.data);
}
