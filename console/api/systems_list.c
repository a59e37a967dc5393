// SPDX-License-Identifier: Apache-2.0
/* GET /v1/systems: the list with its filters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/systems.h"
#include "base/str.h"
#include "base/utf8.h"
#include "map/map.h"

json_t *systems_json(const struct sut_db_rows *row)
{
#define T(col) sut_db_text(row, SYSTEMS_COL_##col)
#define I(col) sut_db_int(row, SYSTEMS_COL_##col)
	const char *release = T(RELEASE);
	json_t *j =
		json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:o, s:s, s:s, s:{s:s, s:s, s:s}}", "id",
			  T(UID), "system_id", T(SYSTEM), "external_id", T(EXTERNAL), "hostname",
			  T(HOSTNAME), "fqdn", T(FQDN), "addresses",
			  json_loads(T(ADDRESSES), 0, NULL), "os", T(OS), "arch", T(ARCH), "kernel",
			  "release", release, "build_id", T(BUILD), "package_version", T(PACKAGE));
	json_t *more = json_pack(
		"{s:I, s:s, s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:o, s:I}",
		"level", (json_int_t)I(LEVEL), "patchset", T(PATCHSET), "feed", T(FEED), "state",
		T(STATE), "silent", (int)I(SILENT), "last_seen", web_time(I(SEEN)), "agent",
		T(AGENT), "tags", json_loads(T(TAGS), 0, NULL), "scanned_at", web_time(I(SCANNED)),
		"scanner", T(SCANNER), "matched_by", T(MATCHED), "registered",
		web_time(I(REGISTERED)), "gone", web_time(I(GONE)), "portal_known",
		!sut_db_is_null(row, SYSTEMS_COL_SYSTEM), "packages_at", web_time(I(PACKAGES)),
		"version", (json_int_t)I(VERSION));
#undef T
#undef I
	int r = j && more ? json_object_update(j, more) : -1;

	json_decref(more);
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

static int add_counts(const struct map_view *v, int64_t host, json_t *j, struct sut_err *err)
{
	enum view_protection protection = VIEW_UNKNOWN;
	struct view_counts n = {0};
	json_t *verdicts = json_object();
	int r = verdicts ? 0 : -1;

	view_system_counts(v, host, &n, &protection);
	for (size_t i = 0; i < VERDICTS && r == 0; i++)
		if (n.verdicts[i])
			r = json_object_set_new(verdicts, verdict_name((enum verdict)i),
						json_integer(n.verdicts[i]));
	if (r == 0)
		r = json_object_set_new(j, "protection",
					json_string(view_protection_name(protection))) |
		    json_object_set(j, "verdicts", verdicts) |
		    json_object_set_new(j, "exposed", json_integer(n.exposed)) |
		    json_object_set_new(j, "findings", json_integer(n.findings));
	json_decref(verdicts);
	return r ? sut_err_oom(err) : 0;
}

int systems_add_counts(struct web_req *q, int64_t host, json_t *j, struct sut_err *err)
{
	_cleanup_(view_putp) struct map_view *v = NULL;
	int r = map_of(q, &v, err);

	return r < 0 ? r : add_counts(v, host, j, err);
}

/* --- what is asked for --- */

enum sort { BY_NAME, BY_EXPOSED, BY_SEEN };

struct filter {
	struct web_page page; /* after: how many come before */
	struct view_query query;
	const char *cve;
	int64_t cve_key;
	enum sort sort;
};

static int text_arg(struct web_req *q, struct web_resp *r, const char *name, const char **ret)
{
	const char *s = web_arg(q, name);
	const uint8_t *p = (const uint8_t *)s;

	if (s && (!*s || strlen(s) > WEB_TEXT_MAX / 4))
		return web_problem(r, 400, "bad-argument", "%s may hold 1 to %d bytes of text",
				   name, WEB_TEXT_MAX / 4);
	for (const uint8_t *end = p ? p + strlen(s) : NULL; p && p < end;)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return web_problem(r, 400, "bad-argument", "%s is no printable text", name);
	*ret = s;
	return 0;
}

static int take_sort(struct web_req *q, struct web_resp *r, enum sort *ret)
{
	static const char *const names[] = {
		[BY_NAME] = "name", [BY_EXPOSED] = "exposed", [BY_SEEN] = "seen"};
	const char *s = web_arg(q, "sort");

	for (size_t i = 0; s && i < SUT_ARRAY_SIZE(names); i++)
		if (!strcmp(s, names[i])) {
			*ret = (enum sort)i;
			return 0;
		}
	return s ? web_problem(r, 400, "bad-argument", "sort is one of: name, exposed, seen") : 0;
}

static int take_protection(struct web_req *q, struct web_resp *r, int *ret)
{
	const char *s = web_arg(q, "protection");

	for (int i = 0; s && i < VIEW_PROTECTIONS; i++)
		if (!strcmp(s, view_protection_name((enum view_protection)i))) {
			*ret = i;
			return 0;
		}
	return s ? web_problem(r, 400, "bad-argument",
			       "protection is one of: protected, exposed, unknown, offline")
		 : 0;
}

/* One, or several with commas. */
static int take_verdicts(struct web_req *q, struct web_resp *r, unsigned int *ret)
{
	const char *s = web_arg(q, "verdict");

	while (s && *s) {
		size_t n = strcspn(s, ",");
		char word[32];
		enum verdict v;

		if (n >= sizeof(word))
			n = 0;
		memcpy(word, s, n);
		word[n] = '\0';
		if (verdict_parse(word, &v) < 0)
			return web_problem(
				r, 400, "bad-argument",
				"verdict is one or several, with commas, of: fix-ready, "
				"partial, fix-held, reboot-needed, no-fix, unknown-target, "
				"not-affected, live-fixed");
		*ret |= 1U << v;
		s += n + (s[n] == ',');
	}
	return 0;
}

static int take(struct web_req *q, struct web_resp *r, struct filter *f)
{
	static const char *const names[] = {"limit",	  "cursor", "q",    "state",
					    "verdict",	  "cve",    "feed", "tag",
					    "protection", "sort",   NULL};

	*f = (struct filter){.query = VIEW_ANY};
	if (web_only_args(q, r, names) || web_page_take(q, r, &f->page) ||
	    text_arg(q, r, "q", &f->query.q) || text_arg(q, r, "state", &f->query.state) ||
	    text_arg(q, r, "feed", &f->query.feed) || text_arg(q, r, "tag", &f->query.tag) ||
	    text_arg(q, r, "cve", &f->cve) || take_sort(q, r, &f->sort) ||
	    take_protection(q, r, &f->query.protection) || take_verdicts(q, r, &f->query.verdicts))
		return WEB_NO;
	return 0;
}

/* --- the order --- */

struct order {
	const struct map_view *v;
	const uint32_t *rank; /* of host numbers; NULL: by another thing */
	enum sort sort;
};

static int compare(const void *a, const void *b, void *ctx)
{
	const struct order *o = ctx;
	uint32_t i = ((const struct view_selected *)a)->host;
	uint32_t k = ((const struct view_selected *)b)->host;
	const struct view_host *x = view_host_at(o->v, i), *y = view_host_at(o->v, k);
	int d;

	if (o->rank)
		return (o->rank[i] > o->rank[k]) - (o->rank[i] < o->rank[k]);
	if (o->sort == BY_SEEN && x->last_seen != y->last_seen)
		return x->last_seen < y->last_seen ? 1 : -1;
	d = strcasecmp(x->hostname, y->hostname);
	return d ? d : (x->id > y->id) - (x->id < y->id);
}

static int put_in_order(const struct map_view *v, enum sort sort, struct view_selected *sel,
			size_t n, struct sut_err *err)
{
	struct order o = {.v = v, .sort = sort};
	size_t hosts = view_hosts(v);
	uint32_t *rank = NULL;

	if (sort == BY_EXPOSED && hosts) {
		const uint32_t *worst = view_worst_hosts(v);

		rank = calloc(hosts, sizeof(*rank));
		if (!rank)
			return sut_err_oom(err);
		for (size_t i = 0; i < hosts; i++)
			rank[worst[i]] = (uint32_t)i;
		o.rank = rank;
	}
	if (n)
		qsort_r(sel, n, sizeof(*sel), compare, &o);
	free(rank);
	return 0;
}

/* --- the page --- */

/* The view may still have what was deleted just now: that has no row. */
static int add_row(struct web_req *q, const struct map_view *v, int64_t id, json_t *items,
		   struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *j;
	int r = sut_db_one(q->db, SYSTEMS_SELECT " WHERE tenant = $1 AND id = $2",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(id)), &rows, err);

	if (r <= 0)
		return r;
	j = systems_json(rows);
	r = j ? add_counts(v, id, j, err) : sut_err_oom(err);
	if (json_array_append_new(items, j))
		r = sut_err_oom(err);
	return r;
}

static int select_hosts(const struct map_view *v, struct filter *f, struct view_selected **ret,
			size_t *ret_n, struct sut_err *err)
{
	const struct view_cve *cve = f->cve ? view_cve(v, f->cve) : NULL;

	if (f->cve && !cve)
		return 0;
	if (cve) {
		f->cve_key = cve->key;
		f->query.cves = &f->cve_key;
		f->query.ncves = 1;
	}
	return view_select(v, &f->query, ret, ret_n, NULL, err);
}

int systems_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(view_putp) struct map_view *v = NULL;
	_cleanup_(sut_freep) struct view_selected *sel = NULL;
	json_t *items = NULL;
	size_t n = 0, from, to;
	struct filter f;
	int x;

	if (take(q, r, &f))
		return WEB_NO;
	x = map_of(q, &v, err);
	if (x == 0)
		x = select_hosts(v, &f, &sel, &n, err);
	if (x == 0)
		x = put_in_order(v, f.sort, sel, n, err);
	if (x < 0)
		return x;
	from = (uint64_t)f.page.after < n ? (size_t)f.page.after : n;
	to = n - from > (size_t)f.page.limit ? from + (size_t)f.page.limit : n;
	items = json_array();
	if (!items)
		return sut_err_oom(err);
	for (size_t i = from; i < to && x == 0; i++) {
		x = add_row(q, v, view_host_at(v, sel[i].host)->id, items, err);
		if (x > 0)
			x = 0;
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, (int64_t)to, to < n, err);
}
