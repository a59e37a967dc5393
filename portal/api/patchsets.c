// SPDX-License-Identifier: Apache-2.0
/* /v1/patchsets and /v1/patches: what is released, what it fixes, for which kernels. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "tuf/json.h"

/* Appends an item; it is NULL when memory is short. */
static int append(json_t *list, json_t *item, struct sut_err *err)
{
	return json_array_append_new(list, item) < 0 ? sut_err_oom(err) : 0;
}

/* Lists from a statement, one item a row. The items are the caller's. */
static int collect(struct web_req *q, const char *sql, const struct sut_db_arg *args, size_t n,
		   json_t *(*item)(struct sut_db_rows *rows), json_t **ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *list = json_array();
	int x = list ? sut_db_query(q->db, sql, args, n, &rows, err) : sut_err_oom(err);

	while (x == 0 && (x = sut_db_next(rows, err)) > 0)
		x = append(list, item(rows), err);
	if (x < 0) {
		json_decref(list);
		return x;
	}
	*ret = list;
	return 0;
}

static json_t *text_or_null(struct sut_db_rows *rows, int col)
{
	return sut_db_is_null(rows, col) ? json_null() : json_string(sut_db_text(rows, col));
}

/* ------------------------------------------------------------------ */
/* The parts. */

static json_t *cve_name(struct sut_db_rows *rows)
{
	return json_string(sut_db_text(rows, 0));
}

static json_t *cve_item(struct sut_db_rows *rows)
{
	return json_pack("{s:s,s:s,s:s}", "cve", sut_db_text(rows, 0), "status",
			 sut_db_text(rows, 1), "note", sut_db_text(rows, 2));
}

static json_t *feed_item(struct sut_db_rows *rows)
{
	return json_pack("{s:s,s:s,s:o,s:o}", "feed", sut_db_text(rows, 0), "state",
			 sut_db_text(rows, 1), "entered", web_time(sut_db_int(rows, 2)), "until",
			 web_time(sut_db_int(rows, 3)));
}

/* The feeds the caller sees. */
static int feeds_of(struct web_req *q, int64_t patchset, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT f.name, e.state, e.entered, e.until FROM feed_entries e"
		" JOIN feeds f ON f.id = e.feed"
		" WHERE e.patchset = $1 AND (f.tenant = 0 OR f.tenant = $2) ORDER BY f.id";

	return collect(q, sql, SUT_DB_ARGS(SUT_DB_I(patchset), SUT_DB_I(q->who.tenant)), feed_item,
		       ret, err);
}

#define TARGET_COLUMNS                                                                             \
	"SELECT t.id, t.build_id, t.kernel_id, t.level, t.target, t.arch, t.release, t.package,"   \
	" t.package_version, t.path, t.length, t.sha256, t.gone, p.name, p.id, t.manifest,"        \
	" t.file, t.soname"                                                                        \
	" FROM patch_targets t JOIN patchsets p ON p.id = t.patchset"

/* Kernels have none. */
static json_t *not_empty(const struct sut_db_rows *rows, int col)
{
	const char *s = sut_db_text(rows, col);

	return s && *s ? json_string(s) : json_null();
}

static json_t *target_item(struct sut_db_rows *rows)
{
	return json_pack("{s:s,s:o,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:o,s:o,s:o}", "build_id",
			 sut_db_text(rows, 1), "kernel_id", text_or_null(rows, 2), "level",
			 (json_int_t)sut_db_int(rows, 3), "target", sut_db_text(rows, 4), "arch",
			 sut_db_text(rows, 5), "release", sut_db_text(rows, 6), "package",
			 sut_db_text(rows, 7), "package_version", sut_db_text(rows, 8), "path",
			 sut_db_text(rows, 9), "length", (json_int_t)sut_db_int(rows, 10), "sha256",
			 sut_db_text(rows, 11), "withdrawn", web_time(sut_db_int(rows, 12)), "file",
			 not_empty(rows, 16), "soname", not_empty(rows, 17));
}

#define PATCHSET_COLUMNS                                                                           \
	"SELECT p.id, p.name, p.product, p.created, p.seen, p.withdrawn, p.notes, p.version,"      \
	" (SELECT COUNT(*) FROM patch_targets t WHERE t.patchset = p.id AND t.gone IS NULL)"       \
	" FROM patchsets p"

static json_t *patchset_item(struct sut_db_rows *rows)
{
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:s,s:I,s:I}", "name", sut_db_text(rows, 1),
			 "product", sut_db_text(rows, 2), "created", web_time(sut_db_int(rows, 3)),
			 "seen", web_time(sut_db_int(rows, 4)), "withdrawn",
			 web_time(sut_db_int(rows, 5)), "notes", sut_db_text(rows, 6), "version",
			 (json_int_t)sut_db_int(rows, 7), "patches",
			 (json_int_t)sut_db_int(rows, 8));
}

/* ------------------------------------------------------------------ */

static int put_cve_names(struct web_req *q, json_t *item, int64_t patchset, struct sut_err *err)
{
	static const char sql[] =
		"SELECT DISTINCT c.cve FROM patch_cves c JOIN patch_targets t ON t.id = c.target"
		" WHERE t.patchset = $1 ORDER BY c.cve";
	json_t *cves = NULL;
	int x = collect(q, sql, SUT_DB_ARGS(SUT_DB_I(patchset)), cve_name, &cves, err);

	if (x == 0 && json_object_set_new(item, "cves", cves) < 0)
		return sut_err_oom(err);
	return x;
}

static bool is_cve(const char *s)
{
	size_t n;

	if (strncmp(s, "CVE-", 4) != 0 || strspn(s + 4, "0123456789") != 4 || s[8] != '-')
		return false;
	n = strspn(s + 9, "0123456789");
	return n >= 4 && n <= 19 && !s[9 + n];
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char sql[] = PATCHSET_COLUMNS
		" WHERE p.id > $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM patch_cves c"
		" JOIN patch_targets t ON t.id = c.target WHERE t.patchset = p.id AND c.cve = $2))"
		" ORDER BY p.id LIMIT $3";
	static const char *const args[] = {"limit", "cursor", "cve", NULL};
	const char *cve = web_arg(q, "cve");
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t ids[WEB_PAGE_MAX], n = 0;
	struct web_page page;
	bool more = false;
	json_t *items;
	int x = web_only_args(q, r, args);

	if (x == 0 && cve && !is_cve(cve))
		return web_problem(r, 400, "bad-argument", "cve is a name like CVE-2026-1234");
	if (x == 0)
		x = web_page_take(q, r, &page);
	if (x == 0)
		x = sut_db_query(q->db, sql,
				 SUT_DB_ARGS(SUT_DB_I(page.after), SUT_DB_T(cve ? cve : ""),
					     SUT_DB_I(page.limit + 1)),
				 &rows, err);
	if (x != 0)
		return x;
	items = json_array();
	while (x == 0 && (x = sut_db_next(rows, err)) > 0) {
		more = n == page.limit;
		if (more)
			break;
		ids[n++] = sut_db_int(rows, 0);
		x = append(items, patchset_item(rows), err);
	}
	for (int64_t i = 0; x >= 0 && i < n; i++)
		x = put_cve_names(q, json_array_get(items, (size_t)i), ids[i], err);
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, n ? ids[n - 1] : 0, more, err);
}

/* What all targets of the patchset say of a CVE; where they differ, the weaker word. */
static int put_cves(struct web_req *q, json_t *item, int64_t patchset, struct sut_err *err)
{
	static const char sql[] = "SELECT c.cve, MAX(c.status), MAX(c.note) FROM patch_cves c"
				  " JOIN patch_targets t ON t.id = c.target WHERE t.patchset = $1"
				  " GROUP BY c.cve ORDER BY c.cve";
	json_t *cves = NULL;
	int x = collect(q, sql, SUT_DB_ARGS(SUT_DB_I(patchset)), cve_item, &cves, err);

	if (x == 0 && json_object_set_new(item, "cves", cves) < 0)
		return sut_err_oom(err);
	return x;
}

static int put_targets(struct web_req *q, json_t *item, int64_t patchset, struct sut_err *err)
{
	static const char sql[] =
		TARGET_COLUMNS " WHERE t.patchset = $1 ORDER BY t.target, t.build_id, t.level";
	json_t *targets = NULL;
	int x = collect(q, sql, SUT_DB_ARGS(SUT_DB_I(patchset)), target_item, &targets, err);

	if (x == 0 && json_object_set_new(item, "targets", targets) < 0)
		return sut_err_oom(err);
	return x;
}

static int put_feeds(struct web_req *q, json_t *item, int64_t patchset, struct sut_err *err)
{
	json_t *feeds = NULL;
	int x = feeds_of(q, patchset, &feeds, err);

	if (x == 0 && json_object_set_new(item, "feeds", feeds) < 0)
		return sut_err_oom(err);
	return x;
}

struct found {
	int64_t id, version;
	json_t *item;
};

static int find(struct web_req *q, struct web_resp *r, struct found *ret, struct sut_err *err)
{
	static const char sql[] = PATCHSET_COLUMNS " WHERE p.name = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_T(q->params[0])), &rows, err);

	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "patchset", q->params[0]);
	ret->id = sut_db_int(rows, 0);
	ret->version = sut_db_int(rows, 7);
	ret->item = patchset_item(rows);
	return ret->item ? 0 : sut_err_oom(err);
}

static int answer(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct found f;
	int x = find(q, r, &f, err);

	if (x != 0)
		return x;
	x = put_cves(q, f.item, f.id, err);
	if (x == 0)
		x = put_targets(q, f.item, f.id, err);
	if (x == 0)
		x = put_feeds(q, f.item, f.id, err);
	if (x < 0) {
		json_decref(f.item);
		return x;
	}
	web_version(r, f.version);
	return web_json(r, 200, f.item, err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	int x = web_only_args(q, r, args);

	return x ? x : answer(q, r, err);
}

/* ------------------------------------------------------------------ */

static int find_to_change(struct web_req *q, struct web_resp *r, struct found *ret,
			  struct sut_err *err)
{
	int x = find(q, r, ret, err);

	if (x != 0)
		return x;
	json_decref(sut_steal(ret->item));
	return web_if_match(q, r, ret->version);
}

static int change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const char *notes = NULL;
	const struct web_field fields[] = {
		{"notes", WEB_T_STRING, WEB_REQUIRED | WEB_EMPTY_OK, 0, 0, &notes, NULL},
	};
	struct found f;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0)
		x = find_to_change(q, r, &f, err);
	if (x == 0)
		x = sut_db_exec(q->db,
				"UPDATE patchsets SET notes = $2, version = version + 1"
				" WHERE id = $1",
				SUT_DB_ARGS(SUT_DB_I(f.id), SUT_DB_T(notes)), NULL, err);
	if (x == 0)
		x = web_audit(q, "patchset.change", "patchset", q->params[0],
			      json_pack("{s:s}", "notes", notes), err);
	return x ? x : answer(q, r, err);
}

/* A manifest says only what is meant to be fixed; that something is left, people find out later. */
static int set_cve(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char sql[] =
		"UPDATE patch_cves SET status = $3, note = $4 WHERE cve = $2 AND target IN"
		" (SELECT id FROM patch_targets WHERE patchset = $1)";
	const char *cve = NULL, *status = NULL, *text = "";
	const struct web_field fields[] = {
		{"cve", WEB_T_STRING, WEB_REQUIRED, 0, 32, &cve, NULL},
		{"status", WEB_T_STRING, WEB_REQUIRED, 0, 16, &status, NULL},
		{"note", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &text, NULL},
	};
	struct found f;
	int64_t n = 0;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0 && strcmp(status, "fixed") != 0 && strcmp(status, "partial") != 0 &&
	    strcmp(status, "mitigated") != 0)
		return web_bad_field(r, "/status",
				     "must be \"fixed\", \"partial\" or \"mitigated\"");
	if (x == 0)
		x = find_to_change(q, r, &f, err);
	if (x == 0)
		x = sut_db_exec(q->db, sql,
				SUT_DB_ARGS(SUT_DB_I(f.id), SUT_DB_T(cve), SUT_DB_T(status),
					    SUT_DB_T(text)),
				&n, err);
	if (x != 0)
		return x;
	if (!n)
		return web_bad_field(r, "/cve", "the patchset %s does not name %s", q->params[0],
				     cve);
	x = sut_db_exec(q->db, "UPDATE patchsets SET version = version + 1 WHERE id = $1",
			SUT_DB_ARGS(SUT_DB_I(f.id)), NULL, err);
	if (x == 0)
		x = web_audit(
			q, "patchset.cve", "patchset", q->params[0],
			json_pack("{s:s,s:s,s:s}", "cve", cve, "status", status, "note", text),
			err);
	if (x == 0)
		x = web_touch(q, err);
	return x ? x : answer(q, r, err);
}

/* ------------------------------------------------------------------ */

static json_t *patch_item(struct sut_db_rows *rows)
{
	const char *text = sut_db_text(rows, 15);
	json_t *item = target_item(rows), *more = NULL;

	if (item &&
	    (sut_json_parse(text, strlen(text), "manifest", &more, NULL) < 0 ||
	     json_object_update_missing(item, more) < 0 ||
	     json_object_set_new(item, "patchset", json_string(sut_db_text(rows, 13))) < 0)) {
		json_decref(item);
		item = NULL;
	}
	json_decref(more);
	return item;
}

static int put_target_cves(struct web_req *q, json_t *item, int64_t target, struct sut_err *err)
{
	static const char sql[] =
		"SELECT cve, status, note FROM patch_cves WHERE target = $1 ORDER BY cve";
	json_t *cves = NULL;
	int x = collect(q, sql, SUT_DB_ARGS(SUT_DB_I(target)), cve_item, &cves, err);

	if (x == 0 && json_object_set_new(item, "cves", cves) < 0)
		return sut_err_oom(err);
	return x;
}

static bool is_hex40(const char *s)
{
	return strlen(s) == 40 && strspn(s, "0123456789abcdef") == 40;
}

/* The page's key is the level: it grows, and a kernel has each once. */
static int list_patches(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char sql[] = TARGET_COLUMNS
		" WHERE ($1 = '' OR t.build_id = $1) AND ($2 = '' OR t.kernel_id = $2)"
		" AND t.level > $3 ORDER BY t.level LIMIT $4";
	static const char *const args[] = {"limit", "cursor", "build_id", "kernel_id", NULL};
	const char *build_id = web_arg(q, "build_id"), *kernel_id = web_arg(q, "kernel_id");
	int64_t targets[WEB_PAGE_MAX], patchsets[WEB_PAGE_MAX], n = 0, last = 0;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	bool more = false;
	json_t *items;
	int x = web_only_args(q, r, args);

	if (x == 0 && !build_id == !kernel_id)
		return web_problem(r, 400, "bad-argument",
				   "Name the kernel by build_id or by kernel_id");
	if (x == 0 && !is_hex40(build_id ? build_id : kernel_id))
		return web_problem(r, 400, "bad-argument", "%s has 40 digits of 0-9 and a-f",
				   build_id ? "build_id" : "kernel_id");
	if (x == 0)
		x = web_page_take(q, r, &page);
	if (x == 0)
		x = sut_db_query(q->db, sql,
				 SUT_DB_ARGS(SUT_DB_T(build_id ? build_id : ""),
					     SUT_DB_T(kernel_id ? kernel_id : ""),
					     SUT_DB_I(page.after), SUT_DB_I(page.limit + 1)),
				 &rows, err);
	if (x != 0)
		return x;
	items = json_array();
	while (x == 0 && (x = sut_db_next(rows, err)) > 0) {
		more = n == page.limit;
		if (more)
			break;
		targets[n] = sut_db_int(rows, 0);
		patchsets[n++] = sut_db_int(rows, 14);
		last = sut_db_int(rows, 3);
		x = append(items, patch_item(rows), err);
	}
	for (int64_t i = 0; x >= 0 && i < n; i++) {
		json_t *item = json_array_get(items, (size_t)i);

		x = put_target_cves(q, item, targets[i], err);
		if (x == 0)
			x = put_feeds(q, item, patchsets[i], err);
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, last, more, err);
}

const struct web_route api_patchsets[] = {
	{.method = "GET", .path = "/v1/patchsets", .allow = SUT_ROLE_ALL, .run = list},
	{.method = "GET", .path = "/v1/patchsets/{patchset}", .allow = SUT_ROLE_ALL, .run = get},
	{.method = "PATCH",
	 .path = "/v1/patchsets/{patchset}",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE | WEB_STAFF,
	 .run = change},
	{.method = "PUT",
	 .path = "/v1/patchsets/{patchset}/cves",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE | WEB_STAFF,
	 .run = set_cve},
	{.method = "GET", .path = "/v1/patches", .allow = SUT_ROLE_ALL, .run = list_patches},
	{0},
};
