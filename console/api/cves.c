// SPDX-License-Identifier: Apache-2.0
/* /v1/cves: what was found, by CVE. All from the view. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "api/show.h"
#include "base/str.h"

enum { FIXES_MAX = 500 };

/* --- the list --- */

enum sort { WORST, NAME, SYSTEMS };

struct wanted {
	const struct map_view *v;
	const uint32_t *order; /* NULL: that of the view */
	const char *q;
	unsigned int verdicts;
	int severity; /* -1: any */
};

static const struct view_cve *cve_of(const struct wanted *w, size_t i)
{
	return view_cve_at(w->v, w->order ? w->order[i] : i);
}

static bool passes(void *ctx, size_t i)
{
	const struct wanted *w = ctx;
	const struct view_cve *c = cve_of(w, i);
	bool any = !w->verdicts;

	for (enum verdict k = 0; !any && k < VERDICTS; k++)
		any = (w->verdicts & 1u << k) && c->verdicts[k];
	return any && (w->severity < 0 || c->severity == (unsigned int)w->severity) &&
	       show_has(c->name, w->q);
}

static json_t *item(void *ctx, size_t i)
{
	const struct wanted *w = ctx;

	return show_cve(w->v, cve_of(w, i));
}

static int by_name(const void *a, const void *b, void *v)
{
	const struct view_cve *x = view_cve_at(v, *(const uint32_t *)a),
			      *y = view_cve_at(v, *(const uint32_t *)b);

	return (x->key < y->key) - (x->key > y->key);
}

static int by_systems(const void *a, const void *b, void *v)
{
	const struct view_cve *x = view_cve_at(v, *(const uint32_t *)a),
			      *y = view_cve_at(v, *(const uint32_t *)b);

	if (x->exposed != y->exposed)
		return x->exposed > y->exposed ? -1 : 1;
	return (x->key < y->key) - (x->key > y->key);
}

static int sort_arg(struct web_req *q, struct web_resp *r, enum sort *ret)
{
	const char *s = web_arg(q, "sort");

	*ret = sut_streq(s, "name") ? NAME : sut_streq(s, "systems") ? SYSTEMS : WORST;
	if (s && *ret == WORST && !sut_streq(s, "worst"))
		return web_problem(r, 400, "bad-argument", "sort is one of: worst, name, systems");
	return 0;
}

static int severity_arg(struct web_req *q, struct web_resp *r, int *ret)
{
	const char *s = web_arg(q, "severity");

	*ret = -1;
	for (int i = 0; s && i < FIND_SEVERITIES; i++)
		if (sut_streq(s, find_severity_name((unsigned int)i)))
			*ret = i;
	if (s && *ret < 0)
		return web_problem(
			r, 400, "bad-argument",
			"severity is one of: critical, high, medium, low, none, unknown");
	return 0;
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit",    "cursor", "q", "verdict",
					   "severity", "sort",	 NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	_cleanup_(sut_freep) uint32_t *order = NULL;
	struct wanted w = {0};
	struct web_page page;
	enum sort sort;
	int x;

	if (web_only_args(q, r, args) || web_page_take(q, r, &page) || show_q_arg(q, r, &w.q) ||
	    show_verdicts_arg(q, r, &w.verdicts) || severity_arg(q, r, &w.severity) ||
	    sort_arg(q, r, &sort))
		return WEB_NO;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	if (sort != WORST) {
		order = calloc(view_cves(v) + 1, sizeof(*order));
		if (!order)
			return sut_err_oom(err);
		for (uint32_t i = 0; i < view_cves(v); i++)
			order[i] = i;
		qsort_r(order, view_cves(v), sizeof(*order), sort == NAME ? by_name : by_systems,
			v);
	}
	w.v = v;
	w.order = order;
	return show_page(q, r, &page, &(struct show_list){view_cves(v), passes, item, &w}, err);
}

/* --- one --- */

static json_t *fix_json(const struct index_target *t, const struct index_fix *f)
{
	const char *patchset = NULL, *status = f->level	    ? "fixed"
					       : f->partial ? f->status ? f->status : "partial"
							    : "reboot";
	uint32_t level = f->level ? f->level : f->partial;

	for (size_t k = 0; k < t->nlevels; k++)
		if (t->levels[k].level == level)
			patchset = t->levels[k].patchset;
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "product",
			 t->library ? "library" : "kernel", "target", show_text(t->name),
			 "build_id", t->build_id, "package", show_text(t->package),
			 "package_version", show_text(t->version), "level",
			 level ? json_integer(level) : json_null(), "patchset", show_text(patchset),
			 "status", status, "fixed_in", show_text(f->fixed_in), "note",
			 show_text(f->note));
}

static json_t *fixes_of(const struct map_index *x, int64_t key)
{
	json_t *fixes = json_array();

	for (size_t i = 0; fixes && i < index_count(x) && json_array_size(fixes) < FIXES_MAX; i++) {
		const struct index_fix *f = index_fix(index_at(x, i), key);

		if (f && json_array_append_new(fixes, fix_json(index_at(x, i), f)) < 0) {
			json_decref(fixes);
			return NULL;
		}
	}
	return fixes;
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	const struct view_cve *c;
	struct view_cve none = {.name = q->params[0]};
	json_t *j, *fixes;
	int x = web_only_args(q, r, args);

	if (x)
		return x;
	none.key = index_cve(q->params[0]);
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	c = view_cve(v, q->params[0]);
	fixes = none.key ? fixes_of(view_index(v), none.key) : json_array();
	if (!c && !json_array_size(fixes)) {
		json_decref(fixes);
		return web_not_found(r, "CVE", q->params[0]);
	}
	j = show_cve(v, c ? c : &none);
	if (!j || json_object_set_new(j, "fixes", fixes) < 0) {
		json_decref(j);
		return sut_err_oom(err);
	}
	return web_json(r, 200, j, err);
}

/* --- the systems that have it --- */

struct has_it {
	const struct view_host *h;
	struct view_finding f;
};

struct having {
	unsigned int verdicts;
	struct has_it *v;
	size_t n;
};

static void having_release(struct having *l)
{
	free(l->v);
}

static int collect(void *ctx, const struct view_host *h, const struct view_finding *f)
{
	struct having *l = ctx;

	if (!l->verdicts || (l->verdicts & 1u << f->answer.verdict))
		l->v[l->n++] = (struct has_it){h, *f};
	return 0;
}

static int by_verdict(const void *a, const void *b)
{
	const struct has_it *x = a, *y = b;
	int d = (int)x->f.answer.verdict - (int)y->f.answer.verdict;

	if (!d)
		d = strcasecmp(x->h->hostname, y->h->hostname);
	return d ? d : (x->h->id > y->h->id) - (x->h->id < y->h->id);
}

static json_t *having_item(void *ctx, size_t i)
{
	const struct has_it *s = &((const struct having *)ctx)->v[i];
	const struct verdict_answer *a = &s->f.answer;
	char text[VERDICT_TEXT_MAX];

	verdict_text(a, text);
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "system", show_system(s->h), "verdict",
			 verdict_name(a->verdict), "detail", show_text(text), "until",
			 web_time(a->until), "package", show_text(s->f.package), "version",
			 show_text(s->f.version));
}

static int systems(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "verdict", NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	_cleanup_(having_release) struct having l = {0};
	const struct view_cve *c;
	struct web_page page;
	int x;

	if (web_only_args(q, r, args) || web_page_take(q, r, &page) ||
	    show_verdicts_arg(q, r, &l.verdicts))
		return WEB_NO;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	c = view_cve(v, q->params[0]);
	if (!c)
		return web_not_found(r, "CVE", q->params[0]);
	l.v = calloc((size_t)c->systems + 1, sizeof(*l.v));
	if (!l.v || view_cve_hosts(v, c, collect, &l) < 0)
		return sut_err_oom(err);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_verdict);
	return show_page(q, r, &page, &(struct show_list){l.n, NULL, having_item, &l}, err);
}

const struct web_route api_cves[] = {
	{.method = "GET", .path = "/v1/cves", .allow = API_READERS, .run = list},
	{.method = "GET", .path = "/v1/cves/{cve}", .allow = API_READERS, .run = get},
	{.method = "GET", .path = "/v1/cves/{cve}/systems", .allow = API_READERS, .run = systems},
	{0},
};
