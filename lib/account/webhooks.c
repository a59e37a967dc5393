// SPDX-License-Identifier: Apache-2.0
/* Webhooks of a tenant and what was delivered to them. Delivering is the task of deliver.c. */
#include <errno.h>
#include <string.h>

#include "account/accounts.h"
#include "account/account.h"
#include "base/str.h"
#include "web/server.h"
#include "account/webhook.h"

enum { WEBHOOKS_MAX = 50 /* of a tenant */, TYPES_MAX = 64 };

#define COLUMNS "id, uid, url, events, note, active, created, version, failing_since"

enum { /* of COLUMNS */
       C_ID,
       C_UID,
       C_URL,
       C_EVENTS,
       C_NOTE,
       C_ACTIVE,
       C_CREATED,
       C_VERSION,
       C_FAILING,
};

/* Some receivers are called by a URL that is as good as a password. It is for those who may change it. */
static json_t *url_json(const struct web_req *q, const char *url)
{
	_cleanup_(sut_freep) char *part = NULL;

	if (account_roles_wide(q->who.roles) & SUT_ROLE_OPERATOR)
		return json_string(url);
	part = webhook_url_short(url);
	return part ? json_string(part) : NULL;
}

static json_t *webhook_json(const struct web_req *q, const struct sut_db_rows *row)
{
	json_t *events = json_loads(sut_db_text(row, C_EVENTS), 0, NULL);

	return json_pack("{s:s, s:o, s:o, s:s, s:b, s:o, s:o, s:I}", "id", sut_db_text(row, C_UID),
			 "url", url_json(q, sut_db_text(row, C_URL)), "events",
			 events ? events : json_array(), "note", sut_db_text(row, C_NOTE), "active",
			 (int)sut_db_int(row, C_ACTIVE), "created",
			 web_time(sut_db_int(row, C_CREATED)), "failing_since",
			 web_time(sut_db_int(row, C_FAILING)), "version",
			 (json_int_t)sut_db_int(row, C_VERSION));
}

static int find(struct web_req *q, struct web_resp *r, struct sut_db_rows **ret,
		struct sut_err *err)
{
	int k = sut_db_one(q->db, "SELECT " COLUMNS " FROM webhooks WHERE tenant = $1 AND uid = $2",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0])), ret, err);

	if (k == 0)
		(void)web_not_found(r, "webhook", q->params[0]);
	return k;
}

static int webhook_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	web_version(r, sut_db_int(row, C_VERSION));
	return web_json(r, 200, webhook_json(q, row), err);
}

static int webhook_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	int64_t last = 0, n = 0;
	json_t *items;
	int k = web_only_args(q, r, args);

	if (k == 0)
		k = web_page_take(q, r, &page);
	if (k)
		return k;
	k = sut_db_query(q->db,
			 "SELECT " COLUMNS " FROM webhooks WHERE tenant = $1 AND id > $2 "
			 "ORDER BY id LIMIT $3",
			 SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(page.after),
				     SUT_DB_I(page.limit + 1)),
			 &rows, err);
	if (k < 0)
		return k;
	items = json_array();
	while ((k = sut_db_next(rows, err)) > 0 && n++ < page.limit) {
		last = sut_db_int(rows, C_ID);
		if (json_array_append_new(items, webhook_json(q, rows))) {
			k = sut_err_oom(err);
			break;
		}
	}
	if (k < 0) {
		json_decref(items);
		return k;
	}
	return web_page_put(q, r, items, last, n > page.limit, err);
}

/* --- POST, PATCH --- */

struct wanted {
	const char *url, *note;
	json_t *events;
	bool active;
	bool url_given, note_given, events_given, active_given;
};

static int check_types(const struct web_req *q, struct web_resp *r, const json_t *events)
{
	const char *const *types = q->server->program->events;
	size_t i;
	json_t *item;

	if (json_array_size(events) == 0)
		return web_bad_field(r, "/events", "give at least one type, or \"*\" for all");
	json_array_foreach(events, i, item) {
		const char *s = json_string_value(item);
		char where[32];
		size_t t = 0;

		while (s && types[t] && strcmp(s, types[t]) != 0)
			t++;
		if (s && (strcmp(s, "*") == 0 || types[t]))
			continue;
		(void)snprintf(where, sizeof(where), "/events/%zu", i);
		return web_bad_field(
			r, where,
			"there are no events of this type; the documentation of webhooks "
			"lists them, and \"*\" is all");
	}
	return 0;
}

static int take(struct web_req *q, struct web_resp *r, struct wanted *w, bool create)
{
	struct sut_err why = {0};
	const struct web_field fields[] = {
		{"url", WEB_T_STRING, create ? WEB_REQUIRED : 0, 1, WEBHOOK_URL_MAX, &w->url,
		 &w->url_given},
		{"events", WEB_T_ARRAY, 0, 0, TYPES_MAX, &w->events, &w->events_given},
		{"note", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &w->note, &w->note_given},
		{"active", WEB_T_BOOL, 0, 0, 0, &w->active, &w->active_given},
	};
	int k = WEB_TAKE(q, r, fields);

	if (k)
		return k;
	if (w->url && webhook_url_check(w->url, q->server->conf->private_webhooks, &why) < 0)
		return web_bad_field(r, "/url", "%s", why.msg);
	return w->events ? check_types(q, r, w->events) : 0;
}

/* What the log may have of it: where it goes, not how. */
static json_t *detail_json(const struct wanted *w)
{
	json_t *detail = json_object();

	if (w->url) {
		_cleanup_(sut_freep) char *part = webhook_url_short(w->url);

		if (part)
			(void)json_object_set_new(detail, "url", json_string(part));
	}
	if (w->events)
		(void)json_object_set(detail, "events", w->events);
	if (w->active_given)
		(void)json_object_set_new(detail, "active", json_boolean(w->active));
	return detail;
}

static int too_many(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = sut_db_one(q->db, "SELECT COUNT(*) FROM webhooks WHERE tenant = $1",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), &row, err);

	if (k < 0)
		return k;
	if (row && sut_db_int(row, 0) >= WEBHOOKS_MAX)
		return web_problem(r, 409, "too-many",
				   "This tenant has %d webhooks, which is as many as there may be. "
				   "Delete those that are not used.",
				   WEBHOOKS_MAX);
	return 0;
}

static int webhook_create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct wanted w = {.note = "", .active = true};
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	_cleanup_(sut_freep) char *events = NULL;
	char secret[SUT_TOKEN_MAX], uid[SUT_UID_LEN + 1];
	json_t *answer;
	int k = take(q, r, &w, true);

	if (k == 0)
		k = too_many(q, r, err);
	if (k)
		return k;
	events = w.events ? json_dumps(w.events, JSON_COMPACT) : strdup("[\"*\"]");
	if (!events)
		return sut_err_oom(err);
	k = sut_token_make(SUT_TOKEN_HOOK, secret, err);
	if (k == 0)
		k = sut_uid_make(uid, err);
	if (k < 0)
		return k;
	/* It hears of what happens from now on. */
	k = sut_db_one(
		q->db,
		"INSERT INTO webhooks (uid, tenant, url, events, secret, note, active, created, "
		"seen_event) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
		"(SELECT COALESCE(MAX(id), 0) FROM events)) RETURNING " COLUMNS,
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(q->who.tenant), SUT_DB_T(w.url),
			    SUT_DB_T(events), SUT_DB_T(secret), SUT_DB_T(w.note),
			    SUT_DB_I(w.active), SUT_DB_I(q->now)),
		&row, err);
	if (k < 0)
		return k;
	k = web_audit(q, "webhook.create", "webhook", uid, detail_json(&w), err);
	if (k < 0)
		return k;
	web_version(r, sut_db_int(row, C_VERSION));
	answer = webhook_json(q, row);
	if (answer && json_object_set_new(answer, "secret", json_string(secret))) {
		json_decref(answer);
		answer = NULL;
	}
	explicit_bzero(secret, sizeof(secret));
	return web_created(r, answer, err, "/v1/webhooks/%s", uid);
}

static int webhook_change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL, *fresh = NULL;
	_cleanup_(sut_freep) char *events = NULL;
	struct wanted w = {0};
	bool wakes;
	int k = take(q, r, &w, false);

	if (k)
		return k;
	k = find(q, r, &row, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = web_if_match(q, r, sut_db_int(row, C_VERSION));
	if (k)
		return k;
	events = w.events ? json_dumps(w.events, JSON_COMPACT) : strdup(sut_db_text(row, C_EVENTS));
	if (!events)
		return sut_err_oom(err);
	wakes = w.active_given && w.active && !sut_db_int(row, C_ACTIVE);
	k = sut_db_one(
		q->db,
		"UPDATE webhooks SET url = $3, events = $4, note = $5, active = $6, "
		"failing_since = CASE WHEN $7 = 1 THEN NULL ELSE failing_since END, "
		"seen_event = CASE WHEN $7 = 1 THEN (SELECT COALESCE(MAX(id), 0) FROM events) "
		"ELSE seen_event END, version = version + 1 "
		"WHERE tenant = $1 AND id = $2 RETURNING " COLUMNS,
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(row, C_ID)),
			    SUT_DB_T(w.url ? w.url : sut_db_text(row, C_URL)), SUT_DB_T(events),
			    SUT_DB_T(w.note_given ? w.note : sut_db_text(row, C_NOTE)),
			    SUT_DB_I(w.active_given ? w.active : sut_db_int(row, C_ACTIVE)),
			    SUT_DB_I(wakes)),
		&fresh, err);
	if (k < 0)
		return k;
	k = web_audit(q, "webhook.change", "webhook", sut_db_text(row, C_UID), detail_json(&w),
		      err);
	if (k < 0)
		return k;
	web_version(r, sut_db_int(fresh, C_VERSION));
	return web_json(r, 200, webhook_json(q, fresh), err);
}

static int webhook_delete(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = web_if_match(q, r, sut_db_int(row, C_VERSION));
	if (k == 0) /* deliveries go with it */
		k = sut_db_exec(
			q->db, "DELETE FROM webhooks WHERE tenant = $1 AND id = $2",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(row, C_ID))), NULL,
			err);
	if (k == 0)
		k = web_audit(q, "webhook.delete", "webhook", sut_db_text(row, C_UID), NULL, err);
	return k ? k : web_no_content(r);
}

/* --- deliveries --- */

#define DELIVERY "id, uid, type, created, attempts, next_try, status, error, delivered"

static json_t *delivery_json(const struct sut_db_rows *row)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:s, s:o}", "id", sut_db_text(row, 1),
			 "type", sut_db_text(row, 2), "created", web_time(sut_db_int(row, 3)),
			 "attempts", (json_int_t)sut_db_int(row, 4), "next_try",
			 web_time(sut_db_int(row, 5)), "status",
			 sut_db_is_null(row, 6) ? json_null() : json_integer(sut_db_int(row, 6)),
			 "error", sut_db_text(row, 7), "delivered", web_time(sut_db_int(row, 8)));
}

static int webhook_test(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL, *delivery = NULL;
	_cleanup_(sut_freep) char *body = NULL;
	char uid[SUT_UID_LEN + 1];
	json_t *json;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	if (!sut_db_int(row, C_ACTIVE))
		return web_problem(
			r, 409, "webhook-inactive",
			"This webhook is not active; nothing is sent to it. Set \"active\" "
			"first.");
	json = json_pack("{s:s, s:o, s:s, s:{s:s}}", "type", "webhook.test", "timestamp",
			 web_time(q->now), "tenant", q->who.tenant_name, "data", "webhook",
			 sut_db_text(row, C_UID));
	body = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!body)
		return sut_err_oom(err);
	k = sut_uid_make(uid, err);
	if (k < 0)
		return k;
	k = sut_db_one(
		q->db,
		"INSERT INTO deliveries (uid, webhook, event, type, body, created, next_try) "
		"VALUES ($1, $2, 0, 'webhook.test', $3, $4, $4) RETURNING " DELIVERY,
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(sut_db_int(row, C_ID)), SUT_DB_T(body),
			    SUT_DB_I(q->now)),
		&delivery, err);
	if (k < 0)
		return k;
	return web_json(r, 202, delivery_json(delivery), err);
}

static int delivery_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		"SELECT " DELIVERY
		" FROM deliveries WHERE webhook = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
		0, WEB_NEWEST_FIRST, delivery_json};
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(sut_db_int(row, C_ID))), err);
}

const struct web_route account_webhooks[] = {
	{"GET", "/v1/webhooks", SUT_ROLE_ALL, 0, webhook_list},
	{"POST", "/v1/webhooks", SUT_ROLE_OPERATOR, WEB_WRITE | WEB_SECRET, webhook_create},
	{"GET", "/v1/webhooks/{webhook}", SUT_ROLE_ALL, 0, webhook_get},
	{"PATCH", "/v1/webhooks/{webhook}", SUT_ROLE_OPERATOR, WEB_WRITE, webhook_change},
	{"DELETE", "/v1/webhooks/{webhook}", SUT_ROLE_OPERATOR, WEB_WRITE, webhook_delete},
	{"POST", "/v1/webhooks/{webhook}/test", SUT_ROLE_OPERATOR, WEB_WRITE, webhook_test},
	{"GET", "/v1/webhooks/{webhook}/deliveries", SUT_ROLE_ALL, 0, delivery_list},
	{0},
};
