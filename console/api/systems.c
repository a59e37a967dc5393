// SPDX-License-Identifier: Apache-2.0
/* /v1/systems: the hosts of the fleet. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "api/systems.h"
#include "auth/token.h"
#include "base/str.h"
#include "fleet/host.h"
#include "fleet/why.h"

/* --- one --- */

struct found {
	int64_t id;
	json_t *decision;
};

static void found_free(void *data)
{
	struct found *f = data;

	json_decref(f->decision);
	free(f);
}

int systems_find(struct web_req *q, struct web_resp *r, int64_t *ret, struct sut_err *err)
{
	int x = host_find(q->db, q->who.tenant, q->params[0], ret, err);

	return x < 0 ? x : x > 0 ? 0 : web_not_found(r, "system", q->params[0]);
}

/* The portal is asked before: it may take a while. */
static int get_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct found *f = q->prepared = calloc(1, sizeof(*f));
	int x = f ? web_only_args(q, r, none) : sut_err_oom(err);

	if (!x)
		x = systems_find(q, r, &f->id, err);
	if (x)
		return x;
	x = sut_db_one(q->db, "SELECT system_id FROM hosts WHERE id = $1 AND system_id IS NOT NULL",
		       SUT_DB_ARGS(SUT_DB_I(f->id)), &rows, err);
	if (x <= 0)
		return x;
	return why_ask(q, sut_db_text(rows, 0), &f->decision, err);
}

/* The names that it is found by, with those of the portal and of scans told apart. */
static int names_json(struct web_req *q, int64_t host, json_t **ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *list = json_array();
	int r = sut_db_query(
		q->db,
		"SELECT kind, value, origin FROM host_names WHERE tenant = $1 AND host = $2"
		" ORDER BY kind, value, origin",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(host)), &rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0)
		if (json_array_append_new(list,
					  json_pack("{s:s, s:s, s:s}", "kind", sut_db_text(rows, 0),
						    "value", sut_db_text(rows, 1), "from",
						    sut_db_text(rows, 2))))
			r = sut_err_oom(err);
	if (r < 0)
		json_decref(list);
	else
		*ret = list;
	return r;
}

static int add_details(struct web_req *q, const struct found *f, struct sut_db_rows *row, json_t *j,
		       struct sut_err *err)
{
	const json_t *report;
	json_t *portal = json_loads(sut_db_text(row, SYSTEMS_COL_PORTAL), 0, NULL), *names = NULL;
	bool ok = false;
	int r = link_is_ok(q->db, q->who.tenant, &ok, err);

	if (r == 0)
		r = names_json(q, f->id, &names, err);
	if (r < 0) {
		json_decref(portal);
		return r;
	}
	report = json_object_get(json_object_get(portal, "report"), "errors");
	r = json_object_set_new(j, "names", names) |
	    json_object_set(j, "errors", report ? (json_t *)report : json_array()) |
	    json_object_set_new(j, "libraries",
				json_loads(sut_db_text(row, SYSTEMS_COL_LIBRARIES), 0, NULL)) |
	    json_object_set_new(j, "decision",
				f->decision ? json_incref(f->decision) : json_null()) |
	    json_object_set_new(j, "why",
				why_list(portal, sut_db_text(row, SYSTEMS_COL_STATE),
					 !sut_db_is_null(row, SYSTEMS_COL_SYSTEM),
					 sut_db_int(row, SYSTEMS_COL_SILENT), ok, f->decision)) |
	    json_object_set_new(j, "portal", portal);
	return r ? sut_err_oom(err) : 0;
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct found *f = q->prepared;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *j;
	int x = sut_db_one(q->db, SYSTEMS_SELECT " WHERE tenant = $1 AND id = $2",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(f->id)), &rows, err);

	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "system", q->params[0]);
	j = systems_json(rows);
	x = j ? systems_add_counts(q, f->id, j, err) : sut_err_oom(err);
	if (x == 0)
		x = add_details(q, f, rows, j, err);
	if (x < 0) {
		json_decref(j);
		return x;
	}
	web_version(r, sut_db_int(rows, SYSTEMS_COL_VERSION));
	return web_json(r, 200, j, err);
}

/* --- the timeline --- */

static json_t *event_json(const struct sut_db_rows *row)
{
	return json_pack("{s:o, s:s, s:s, s:o}", "at", web_time(sut_db_int(row, 1)), "kind",
			 sut_db_text(row, 2), "text", sut_db_text(row, 3), "data",
			 json_loads(sut_db_text(row, 4), 0, NULL));
}

static int timeline(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		"SELECT id, at, kind, text, data FROM host_events WHERE tenant = $1"
		" AND host = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
		0, WEB_NEWEST_FIRST, event_json};
	int64_t host = 0;
	int x = systems_find(q, r, &host, err);

	return x ? x
		 : web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(host)), err);
}

/* --- link, delete --- */

static int link_system(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const char *system_id = NULL, *by = NULL;
	const struct web_field fields[] = {
		{"system_id", WEB_T_STRING, WEB_REQUIRED, 0, SUT_UID_LEN, &system_id, NULL},
	};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t drop = 0, keep = 0;
	int x = WEB_TAKE(q, r, fields);

	if (!x)
		x = systems_find(q, r, &drop, err);
	if (x)
		return x;
	x = host_match(q->db, q->who.tenant, &(struct host_facts){.system_id = system_id},
		       MATCH_ALL, 0, &keep, &by, err);
	if (x < 0)
		return x;
	if (!x)
		return web_bad_field(r, "/system_id",
				     "there is no such system: see GET /v1/systems");
	x = sut_db_one(q->db, "SELECT 1 FROM hosts WHERE id = $1 AND system_id IS NOT NULL",
		       SUT_DB_ARGS(SUT_DB_I(drop)), &rows, err);
	if (x < 0)
		return x;
	if (x)
		return web_problem(r, 409, "registered",
				   "This is a registered system itself: only hosts of scans can be "
				   "linked to one");
	x = host_merge(q, keep, drop, "linked", err);
	if (x == 0)
		x = web_audit(q, "system.link", "system", system_id,
			      json_pack("{s:s}", "host", q->params[0]), err);
	if (x == 0)
		x = web_touch(q, err);
	if (x < 0)
		return x;
	sut_db_rows_free(sut_steal(rows));
	x = sut_db_one(q->db, SYSTEMS_SELECT " WHERE tenant = $1 AND id = $2",
		       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(keep)), &rows, err);
	return x > 0 ? web_json(r, 200, systems_json(rows), err) : x < 0 ? x : -EIO;
}

static int remove_host(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	int64_t host = 0, n = 0;
	int x = web_only_args(q, r, none);

	if (!x)
		x = systems_find(q, r, &host, err);
	if (!x)
		x = sut_db_exec(
			q->db,
			"DELETE FROM hosts WHERE tenant = $1 AND id = $2 AND system_id IS NULL",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(host)), &n, err);
	if (x)
		return x;
	if (!n)
		return web_problem(r, 409, "registered",
				   "The portal knows this system: delete it there, then it can be "
				   "forgotten here");
	x = web_audit(q, "system.delete", "system", q->params[0], NULL, err);
	if (x == 0)
		x = web_touch(q, err);
	return x < 0 ? x : web_no_content(r);
}

const struct web_route api_systems[] = {
	{"GET", "/v1/systems", API_READERS, WEB_COMPRESS, systems_list, NULL, NULL, NULL},
	{"GET", "/v1/systems/{system}", API_READERS, 0, get, get_prepare, found_free, NULL},
	{"GET", "/v1/systems/{system}/timeline", API_READERS, 0, timeline, NULL, NULL, NULL},
	{"POST", "/v1/systems/{system}/link", SUT_ROLE_OPERATOR, WEB_WRITE, link_system, NULL, NULL,
	 NULL},
	{"DELETE", "/v1/systems/{system}", SUT_ROLE_OPERATOR, WEB_WRITE, remove_host, NULL, NULL,
	 NULL},
	{0},
};
