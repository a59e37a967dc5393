// SPDX-License-Identifier: Apache-2.0
#include "sutured/portal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "base/utf8.h"

void portal_answer_release(struct portal_answer *a)
{
	json_decref(a->body);
	a->body = NULL;
}

static bool too_deep(const json_t *j, int depth)
{
	const char *key;
	json_t *v;
	size_t i;

	if (!json_is_object(j) && !json_is_array(j))
		return false;
	if (depth >= PORTAL_DEPTH)
		return true;
	json_array_foreach(j, i, v)
		if (too_deep(v, depth + 1))
			return true;
	json_object_foreach((json_t *)(uintptr_t)j, key, v)
		if (too_deep(v, depth + 1))
			return true;
	return false;
}

static json_t *parse(const struct sut_buf *b)
{
	json_t *j = b->len ? json_loadb((const char *)b->data, b->len, JSON_REJECT_DUPLICATES, NULL)
			   : NULL;

	if (json_is_object(j) && !too_deep(j, 0))
		return j;
	json_decref(j);
	return NULL;
}

static void take_text(const json_t *j, const char *member, char *ret, size_t size)
{
	const char *s = json_string_value(json_object_get(j, member));

	(void)snprintf(ret, size, "%s", s ? s : "");
	sut_make_printable(ret, "");
}

static int understand(const char *url, const struct sut_http_answer *http,
		      struct portal_answer *ret, struct sut_err *err)
{
	json_t *j;

	if (http->status >= 300 && http->status < 400)
		return sut_err_reason(
			err, EPROTO, "portal-malformed",
			"%s leads elsewhere (status %d); a portal never does that. Give "
			"the address of the portal itself",
			url, http->status);
	j = parse(&http->body);
	if (!j && (http->status == 200 || http->status == 201))
		return sut_err_reason(
			err, EPROTO, "portal-malformed",
			"%s answers with what is no JSON object. Is it the address of a "
			"portal?",
			url);
	ret->status = http->status;
	ret->retry_after = http->retry_after;
	if (http->status < 300) {
		ret->body = j;
		return 0;
	}
	take_text(j, "code", ret->code, sizeof(ret->code));
	take_text(j, "detail", ret->detail, sizeof(ret->detail));
	json_decref(j);
	return 0;
}

static int authorization(const char *token, struct sut_buf *b, struct sut_err *err)
{
	return sut_buf_addf(b, "Authorization: Bearer %s", token) < 0 ? sut_err_oom(err) : 0;
}

int portal_post(struct net *n, const char *base, const char *path, const char *token,
		const json_t *body, struct portal_answer *ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf auth = SUT_BUF_INIT(1024);
	struct sut_http_answer http = {.body = SUT_BUF_INIT(PORTAL_ANSWER_MAX)};
	const char *headers[3] = {"Content-Type: application/json"};
	_cleanup_(sut_freep) char *url = sut_sprintf("%s%s", base, path);
	struct portal_answer a = {0};
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct sut_http *h;
	int r = url && (text || !body) ? 0 : sut_err_oom(err);

	if (r == 0 && token) {
		r = authorization(token, &auth, err);
		headers[1] = sut_buf_str(&auth);
	}
	if (r == 0)
		r = net_http(n, &h, err);
	if (r == 0) {
		/* Without a body there is no type of it. */
		r = sut_http_request(h, "POST", url, body ? headers : headers + 1, text,
				     text ? strlen(text) : 0, &http, err);
		if (r < 0 && err && !err->reason[0])
			(void)snprintf(err->reason, sizeof(err->reason), "portal-unreachable");
	}
	if (r == 0)
		r = understand(url, &http, &a, err);
	if (r == 0)
		*ret = a;
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	sut_secret_release(&http.body);
	return r;
}

int portal_refused(const struct portal_answer *a, struct sut_err *err)
{
	static const struct {
		const char *code;
		int number;
		const char *advice;
	} known[] = {
		{"key-unknown", ENOKEY, "copy the registration key whole, or have a new one made"},
		{"key-expired", ENOKEY, "have the registration key extended, or a new one made"},
		{"key-revoked", ENOKEY, "take another registration key; this one was revoked"},
		{"key-limit", ENOKEY,
		 "the key has all the systems it may have: have its limit raised, or systems that are gone deleted"},
		{"key-network", ENOKEY,
		 "the key may not be used from this machine's address: have its network added"},
		{"product-not-covered", ENOKEY,
		 "have the product added to the key, or ask for fewer"},
		{"customer-id-needs-token", ENOKEY,
		 "give an API token beside the customer ID, or have its key limited to your networks"},
		{"tenant-disabled", ENOKEY, "ask the operator of the portal"},
		{"token-missing", EACCES, "give an API token beside the customer ID"},
		{"token-unknown", EACCES, "the API token is not known: have a new one made"},
		{"token-expired", EACCES, "the API token has expired: have a new one made"},
		{"forbidden", EACCES, "the API token needs the role key-manager"},
		{"users-only", EACCES, "give the token of a user"},
		{"external-id-taken", EEXIST,
		 "another system has this external ID: delete that one in the portal, or choose another name"},
		{"credential-taken", EEXIST, "try again"},
		{"credential-retired", EEXIST, "try again"},
		{"credential-unknown", EKEYREJECTED,
		 "register this machine again by 'suture register'"},
		{"credential-replaced", EKEYREJECTED,
		 "this machine, or a copy of it, was registered again. If it was not you, look at the portal; "
		 "then register this machine again by 'suture register'"},
		{"credential-cloned", EKEYREJECTED,
		 "register this machine again by 'suture register'"},
		{"system-deleted", EKEYREJECTED,
		 "it was deleted in the portal. What runs stays; 'suture register' makes it a system again"},
		{"system-unregistered", EKEYREJECTED, "'suture register' makes it a system again"},
		{"invalid-field", EINVAL,
		 "this is a mistake of the agent, or the portal is older than it: please report it"},
	};
	int number = EREMOTEIO;
	const char *advice = "look into the log of the portal";

	if (a->status == 429 || a->status >= 500) {
		number = EAGAIN;
		advice = "try again later";
	} else if (a->status == 404) {
		advice = "is it the address of a portal?";
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(known); i++)
		if (!strcmp(a->code, known[i].code)) {
			number = known[i].number;
			advice = known[i].advice;
		}
	return sut_err_reason(err, number, *a->code ? a->code : "portal-refused",
			      "the portal says no (%d%s%s%s%s): %s", a->status,
			      *a->code ? ", " : "", a->code, *a->detail ? ": " : "", a->detail,
			      advice);
}
