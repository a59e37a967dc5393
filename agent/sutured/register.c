// SPDX-License-Identifier: Apache-2.0
/* The verb `register`: this machine becomes a system of a portal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cidr.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/enrol.h"
#include "sutured/facts.h"
#include "sutured/verb.h"

enum { CA_MAX = 64 << 10, EXTERNAL_ID_MAX = 255, CUSTOMER_MAX = 128 };

/* What was asked for; the strings are borrowed from the request. */
struct ask {
	char portal[AGENT_URL_MAX + 1];
	const char *key, *customer_id, *token, *ca, *external_id;
	const json_t *products;
};

static int wrong(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EINVAL, "usage", "%s", what);
}

static int take_portal(struct net *n, const json_t *request, struct ask *a, struct sut_err *err)
{
	const char *portal = json_string_value(json_object_get(request, "portal"));
	int r;

	if (!portal)
		portal = net_portal(n);
	if (!*portal)
		return wrong(err, "which portal? Give --portal https://…, or set 'portal' in "
				  "/etc/suture/agent.conf");
	r = agent_url_parse("portal", portal, a->portal, err);
	if (r < 0)
		return r;
	if (*n->conf.portal && strcmp(n->conf.portal, a->portal) != 0)
		return sut_err_reason(
			err, EINVAL, "usage",
			"%s says portal = %s: change it there and run 'systemctl reload "
			"sutured', or leave out --portal",
			AGENT_CONF, n->conf.portal);
	if (identity_registered(&n->id) && !*n->id.trouble && strcmp(n->id.portal, a->portal) != 0)
		return sut_err_reason(err, EEXIST, "registered",
				      "this machine is a system of %s already; 'suture unregister' "
				      "first",
				      n->id.portal);
	return 0;
}

/* Would what is said to the portal cross a network that others may listen on? */
static bool is_open(const char *portal)
{
	char host[256];
	size_t len;

	if (!sut_startswith(portal, "http://"))
		return false;
	portal += strlen("http://");
	if (*portal == '[') {
		portal++;
		len = strcspn(portal, "]");
	} else {
		len = strcspn(portal, ":/");
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)(len < 255 ? len : 255), portal);
	return !sut_is_loopback(host);
}

static int take(struct net *n, const json_t *request, struct ask *a, struct sut_err *err)
{
	a->key = json_string_value(json_object_get(request, "key"));
	a->customer_id = json_string_value(json_object_get(request, "customer_id"));
	a->token = json_string_value(json_object_get(request, "token"));
	a->ca = json_string_value(json_object_get(request, "ca"));
	a->external_id = json_string_value(json_object_get(request, "external_id"));
	a->products = json_object_get(request, "products");
	if (!a->key == !a->customer_id)
		return wrong(err, "give either a registration key or a customer ID");
	if (a->key && sut_token_kind(a->key) != SUT_TOKEN_KEY)
		return wrong(err, "that is no registration key: one begins with sutkey_ and has 50 "
				  "characters. Copy it whole");
	if (a->customer_id && (!*a->customer_id || strlen(a->customer_id) > CUSTOMER_MAX))
		return wrong(err, "a customer ID has 1 to 128 bytes");
	if (a->token && (!a->customer_id || sut_token_kind(a->token) != SUT_TOKEN_API))
		return wrong(err, "a token goes with a customer ID, and begins with sutapi_");
	if (a->external_id && (!*a->external_id || strlen(a->external_id) > EXTERNAL_ID_MAX))
		return wrong(err, "an external ID has 1 to 255 bytes");
	if (a->ca && (strlen(a->ca) > CA_MAX || !strstr(a->ca, "-----BEGIN CERTIFICATE-----")))
		return wrong(err, "the certificate authority is no certificate in PEM");
	if (a->products && (!json_is_array(a->products) || !json_array_size(a->products) ||
			    json_array_size(a->products) > 8))
		return wrong(err, "products is a list such as [\"kernel\"]");
	return take_portal(n, request, a, err);
}

/* ------------------------------------------------------------------ */
/* The authority that the administrator gave, for as long as it is not known whether it is the right one */

struct authority {
	struct net *n;
	bool given, was;    /* one was given; there was one before */
	struct sut_buf old; /* that one */
};

static int authority_set(struct net *n, const char *pem, struct authority *a, struct sut_err *err)
{
	const struct agent_path path = agent_path(n->root, AGENT_PORTAL_CA);
	int r;

	*a = (struct authority){.n = n, .was = n->id.ca, .old = SUT_BUF_INIT(CA_MAX)};
	if (!pem)
		return 0;
	if (a->was && sut_file_read(path.s, &a->old, NULL) < 0)
		a->was = false;
	r = sut_file_write(path.s, pem, strlen(pem), 0600, err);
	if (r < 0)
		return r;
	a->given = n->id.ca = true;
	net_http_drop(n);
	return 0;
}

static void authority_undo(struct authority *a)
{
	const struct agent_path path = agent_path(a->n->root, AGENT_PORTAL_CA);

	if (!a->given)
		return;
	if (!a->was || sut_file_write(path.s, a->old.data, a->old.len, 0600, NULL) < 0)
		(void)!unlink(path.s);
	a->n->id.ca = a->was;
	a->given = false;
	net_http_drop(a->n);
}

static void authority_release(struct authority *a)
{
	sut_buf_release(&a->old);
}

/* ------------------------------------------------------------------ */

static int body_of(struct net *n, struct task *t, const struct ask *a, json_t **ret,
		   struct sut_err *err)
{
	json_t *apply = NULL, *facts = NULL, *body = NULL;
	struct sut_err why;
	int r;

	/* Only root can read the machine's product_uuid, by which copies are told apart. */
	if (apply_state(n, true, &apply, &why) < 0)
		task_progress(t, "facts", "note", why.msg, 0, 0);
	r = facts_system(n, apply, &facts, err);
	json_decref(apply);
	if (r < 0)
		return r;
	body = json_pack("{s:o, s:s*, s:s*, s:s*}", "system", facts, "key", a->key, "customer_id",
			 a->customer_id, "external_id", a->external_id);
	if (body && json_object_set_new(body, "products",
					a->products ? json_deep_copy(a->products)
						    : facts_products(n)) < 0) {
		json_decref(body);
		body = NULL;
	}
	if (!body)
		return sut_err_oom(err);
	*ret = body;
	return 0;
}

static int post(struct net *n, const struct ask *a, json_t *body, struct portal_answer *ret,
		struct sut_err *err)
{
	int r = enrol_prove(n, body, err);

	return r < 0 ? r : portal_post(n, a->portal, "/v1/enroll", a->token, body, ret, err);
}

/* A credential that is good stays: then the same enrolment, sent twice, changes nothing. */
static int choose_credential(struct net *n, const struct ask *a, struct sut_err *err)
{
	if (identity_registered(&n->id) && !*n->id.trouble && !strcmp(n->id.portal, a->portal)) {
		memcpy(n->id.next, n->id.credential, sizeof(n->id.next));
		return 0;
	}
	return enrol_credential(n, false, err);
}

static int enrol(struct net *n, struct task *t, const struct ask *a, struct enrolled *ret,
		 struct sut_err *err)
{
	_cleanup_answer_ struct portal_answer answer = {0};
	json_t *body = NULL;
	int r;

	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->registering)
			n->parts[i]->registering(n, false);
	r = choose_credential(n, a, err);
	if (r == 0)
		r = body_of(n, t, a, &body, err);
	if (r == 0) {
		task_progress(t, "enroll", "begin", a->portal, 0, 0);
		r = post(n, a, body, &answer, err);
	}
	/* Spent before, or somebody's after a move between tenants: another one. */
	if (r == 0 && (!strcmp(answer.code, "credential-taken") ||
		       !strcmp(answer.code, "credential-retired"))) {
		portal_answer_release(&answer);
		r = enrol_credential(n, true, err);
		if (r == 0)
			r = post(n, a, body, &answer, err);
	}
	/* Nobody asked for libraries: a key that is for kernels alone will do. */
	if (r == 0 && !a->products && !strcmp(answer.code, "product-not-covered")) {
		portal_answer_release(&answer);
		if (json_object_set_new(body, "products", json_pack("[s]", "kernel")) < 0)
			r = sut_err_oom(err);
		if (r == 0)
			r = post(n, a, body, &answer, err);
	}
	json_decref(body);
	if (r < 0)
		return r;
	if (answer.status != 200 && answer.status != 201)
		return portal_refused(&answer, err);
	return enrolled_parse(answer.body, ret, err);
}

static void answer_ok(struct net *n, struct task *t, const struct enrolled *e)
{
	const char *warning = "";

	if (n->disk)
		warning =
			"the disk cannot be written: this is forgotten when the agent ends. Make room in "
			"/var/lib/suture and register again";
	else if (is_open(n->id.portal))
		warning =
			"the portal is spoken to without encryption: whoever listens can take this "
			"machine's place. Use https";
	task_ok(t, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "system_id", e->system_id, "feed",
			     e->feed, "portal", n->id.portal, "repository", n->id.repository,
			     "next_checkin_s", (json_int_t)e->next_checkin_s, "warning", warning));
}

/* What was heard as another system does not count any more. */
static void begin_anew(struct net *n)
{
	state_set(n, "told",
		  json_pack("{s:s, s:s, s:i}", "action", "", "patchset", "", "level", 0));
	state_set(n, "_told_libraries", json_array());
	state_set(n, "held", json_array());
	state_set(n, "notices", json_array());
	state_set(n, "state", json_string("unknown"));
	state_set(n, "_reported", json_string(""));
}

void verb_register(struct net *n, struct task *t)
{
	_cleanup_(authority_release) struct authority authority = {.n = n};
	char was[sizeof(n->id.system_id)];
	struct sut_err err = {0};
	struct enrolled e;
	struct ask a = {0};
	int r = take(n, t->request, &a, &err);

	if (r == 0 && is_open(a.portal) && !n->conf.plain_http)
		r = sut_err_reason(
			&err, EPERM, "plain-http",
			"%s is not encrypted: whoever listens could take this machine's place. Use "
			"https; or say 'plain-http = yes' in " AGENT_CONF
			" when the network is yours",
			a.portal);
	if (r == 0)
		r = authority_set(n, a.ca, &authority, &err);
	if (r == 0)
		r = enrol(n, t, &a, &e, &err);
	if (r < 0) {
		authority_undo(&authority);
		task_fail(t, &err, NULL);
		return;
	}
	memcpy(was, n->id.system_id, sizeof(was));
	/* That of the same system stays, at the portal as well. */
	if (a.external_id || strcmp(was, e.system_id) != 0)
		(void)snprintf(n->id.external_id, sizeof(n->id.external_id), "%s",
			       a.external_id ? a.external_id : "");
	memcpy(n->id.portal, a.portal, sizeof(n->id.portal));
	(void)!enrol_take(n, &e, NULL);
	state_set(n, "_facts", json_string(""));
	state_update(n, "checkin", json_pack("{s:i, s:s}", "failures", 0, "error", ""));
	if (strcmp(was, n->id.system_id) != 0)
		begin_anew(n);
	if (n->conf.heartbeat_s && n->conf.heartbeat_s < e.next_checkin_s)
		e.next_checkin_s = n->conf.heartbeat_s;
	net_due_in(n, NET_DUE_CHECKIN, e.next_checkin_s);
	net_log(NET_INFO, "registered at %s as %s", n->id.portal, n->id.system_id);
	answer_ok(n, t, &e);
}
