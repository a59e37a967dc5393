// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "web/metrics.h"
#include "sample_frame.h"
#include "web/router.h"

struct frame frame;

static int misbehave(struct web_req *q, struct web_resp *r, const char *mode, struct sut_err *err)
{
	static const char orphan[] = "INSERT INTO children (parent) VALUES (999)";
	static const char cut[] = "SELECT pg_terminate_backend(pg_backend_pid())";

	if (!strcmp(mode, "no"))
		return web_problem(r, 409, "test-no", "No");
	if (!strcmp(mode, "io"))
		return sut_err_set(err, EIO, "this is secret-detail");
	if (!strcmp(mode, "full"))
		return sut_err_set(err, ENOSPC, "full");
	if (!strcmp(mode, "again") && frame.again-- > 0)
		return sut_err_set(err, EAGAIN, "again");
	if (!strcmp(mode, "orphan"))
		return sut_db_exec(q->db, orphan, SUT_DB_NONE, NULL, err);
	if (!strcmp(mode, "cut") && frame.again-- > 0)
		return sut_db_exec(q->db, cut, SUT_DB_NONE, NULL, err);
	if (!strcmp(mode, "break"))
		return sut_db_exec(q->db, "INSERT INTO notes (id) VALUES (1)", SUT_DB_NONE, NULL,
				   err);
	if (!strcmp(mode, "touch"))
		return web_touch(q, err);
	if (!strcmp(mode, "event"))
		return web_event(q, 0, "test.event", NULL, err);
	return 0;
}

static int note(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char sql[] = "INSERT INTO notes (text) VALUES ($1) RETURNING id";
	const char *text = NULL, *mode = "";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const struct web_field f[] = {
		{"text", WEB_T_STRING, WEB_REQUIRED, .ret = &text},
		{"mode", WEB_T_STRING, WEB_EMPTY_OK, .ret = &mode},
		{"key", WEB_T_STRING, .ret = &(const char *){NULL}},
	};
	int64_t id;
	int rc;

	frame.runs++;
	if (WEB_TAKE(q, r, f) != 0)
		return WEB_NO;
	rc = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_T(text)), &rows, err);
	if (rc < 0)
		return rc;
	id = sut_db_int(rows, 0);
	sut_db_rows_free(sut_steal(rows));
	rc = misbehave(q, r, mode, err);
	if (rc != 0)
		return rc;
	web_version(r, id);
	return web_created(r, json_pack("{s:I, s:s}", "id", (json_int_t)id, "text", text), err,
			   "/t/note/%lld", (long long)id);
}

static int many(struct web_req **q, struct web_resp **r, int *rets, size_t n, struct sut_err *err)
{
	frame.many++;
	if (frame.many_fails)
		return sut_err_set(err, frame.many_fails, "many fails");
	for (size_t i = 0; i < n; i++) {
		rets[i] = note(q[i], r[i], err);
		frame.runs--;
	}
	return 0;
}

static int prepare(struct web_req *q, struct web_resp *r, struct sut_err *err _unused_)
{
	frame.prepared++;
	assert_non_null(q->db);
	if (json_object_get(q->body, "refuse"))
		return web_problem(r, 409, "test-refused", "No");
	q->prepared = &frame;
	return 0;
}

static void free_prepared(void *data)
{
	assert_ptr_equal(data, &frame);
	frame.freed++;
}

static int prepared(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	assert_ptr_equal(q->prepared, &frame);
	return note(q, r, err);
}

static int who(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	return web_json(r, 200,
			json_pack("{s:i, s:s, s:s, s:i, s:b, s:b}", "kind", (int)q->who.kind,
				  "name", q->who.name, "tenant", q->who.tenant_name, "roles",
				  (int)q->who.roles, "staff", (int)q->who.staff, "next",
				  (int)q->who.next_credential),
			err);
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char sql[] = "SELECT id, text FROM notes WHERE id > $1 ORDER BY id LIMIT $2";
	static const char *const args[] = {"limit", "cursor", "x", NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	json_t *items;
	int64_t last = 0;
	int rc;

	if (web_only_args(q, r, args) != 0 || web_page_take(q, r, &page) != 0)
		return WEB_NO;
	rc = sut_db_query(q->db, sql, SUT_DB_ARGS(SUT_DB_I(page.after), SUT_DB_I(page.limit + 1)),
			  &rows, err);
	if (rc < 0)
		return rc;
	items = json_array();
	while ((rc = sut_db_next(rows, err)) > 0) {
		if ((int64_t)json_array_size(items) == page.limit)
			return web_page_put(q, r, items, last, true, err);
		last = sut_db_int(rows, 0);
		json_array_append_new(items, json_string(sut_db_text(rows, 1)));
	}
	return rc < 0 ? rc : web_page_put(q, r, items, last, false, err);
}

static int etag(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	web_version(r, 7);
	if (web_if_match(q, r, 7) != 0)
		return WEB_NO;
	return web_json(r, 200, json_pack("{s:i}", "value", 1), err);
}

static int big(struct web_req *q _unused_, struct web_resp *r, struct sut_err *err)
{
	char text[4097];

	memset(text, 'x', sizeof(text));
	text[4096] = '\0';
	return web_json(r, 200, json_pack("{s:s}", "text", text), err);
}

static int raw(struct web_req *q, struct web_resp *r, struct sut_err *err _unused_)
{
	r->type = "application/octet-stream";
	return sut_buf_add(&r->raw, q->raw, q->raw_len);
}

#define ALLOW(path_, who_, flags_)                                                                 \
	{                                                                                          \
		.method = "GET", .path = path_, .allow = who_, .flags = flags_, .run = who         \
	}

const struct web_route sample_frame_routes[] = {
	{"POST", "/t/note", SUT_ROLE_OPERATOR, WEB_WRITE, note},
	{"POST", "/t/open", WEB_PUBLIC, WEB_WRITE, note},
	{"POST", "/t/many", WEB_PUBLIC, WEB_WRITE, note, .many = many},
	{"POST", "/t/prepared", SUT_ROLE_OPERATOR, WEB_WRITE, prepared, prepare, free_prepared},
	{"POST", "/t/raw", WEB_PUBLIC, WEB_RAW_BODY, raw},
	{"POST", "/t/raw-big", WEB_PUBLIC, WEB_RAW_BODY | WEB_BIG_BODY, raw},
	{"POST", "/t/raw-big/own", SUT_ROLE_OPERATOR, WEB_RAW_BODY | WEB_BIG_BODY, raw},
	{"GET", "/t/list", WEB_ANY_USER, 0, list},
	{"GET", "/t/etag", WEB_PUBLIC, 0, etag},
	{"GET", "/t/big", WEB_PUBLIC, WEB_COMPRESS, big},
	ALLOW("/t/allow/public", WEB_PUBLIC, 0),
	ALLOW("/t/allow/any", WEB_ANY_USER, 0),
	ALLOW("/t/allow/must-change", WEB_ANY_USER, WEB_MUST_CHANGE),
	ALLOW("/t/allow/agent", WEB_AGENT, 0),
	ALLOW("/t/allow/viewer", SUT_ROLE_VIEWER, 0),
	ALLOW("/t/allow/operator", SUT_ROLE_OPERATOR, 0),
	ALLOW("/t/allow/release", SUT_ROLE_RELEASE, 0),
	ALLOW("/t/allow/keys", SUT_ROLE_KEYS, 0),
	ALLOW("/t/allow/admin", SUT_ROLE_ADMIN, 0),
	ALLOW("/t/allow/auditor", SUT_ROLE_AUDITOR, 0),
	ALLOW("/t/allow/staff", SUT_ROLE_ADMIN, WEB_STAFF),
	ALLOW("/t/allow/agent-or-viewer", WEB_AGENT | SUT_ROLE_VIEWER, 0),
	{0},
};

void sample_frame(struct sample_server *s)
{
	static const struct web_table tables[] = {{"test", sample_frame_routes}, {0}};
	struct sut_err err = {0};

	frame = (struct frame){0};
	web_router_free(sut_steal(s->p->router));
	assert_ok(web_router_new(tables, &s->p->router, &err), err);
	metrics_free(sut_steal(s->p->metrics));
	assert_ok(metrics_new(s->program->metrics, s->p->router, &s->p->metrics, &err), err);
	if (s->db.engine == SUT_DB_SQLITE)
		sample_sql(s, "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT,"
			      " text TEXT NOT NULL)");
	else
		sample_sql(s, "CREATE TABLE notes (id BIGINT GENERATED BY DEFAULT AS IDENTITY"
			      " PRIMARY KEY, text TEXT NOT NULL)");
	sample_sql(s, "CREATE TABLE children (parent BIGINT NOT NULL REFERENCES notes (id)"
		      " DEFERRABLE INITIALLY DEFERRED)");
}
