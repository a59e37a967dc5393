// SPDX-License-Identifier: Apache-2.0
/* /v1/findings: scanners' own findings; /v1/systems/{system}/findings: those of one system. All from the view. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "api/show.h"
#include "api/systems.h"
#include "base/str.h"

enum { CVES_MAX = 200 /* told of a finding in a list */ };

/* --- scanners' own --- */

struct cves {
	json_t *list;
	bool counts;
	size_t max;
};

static int add_cve(void *ctx, const struct view_cve *c, const uint32_t verdicts[static VERDICTS])
{
	struct cves *l = ctx;
	json_t *j;

	if (json_array_size(l->list) == l->max)
		return 0;
	j = l->counts ? json_pack("{s:s, s:o}", "cve", c->name, "verdicts", show_counts(verdicts))
		      : json_string(c->name);
	return json_array_append_new(l->list, j) < 0 ? -ENOMEM : 0;
}

static json_t *cves_of(const struct map_view *v, const struct view_native *n, bool counts,
		       size_t max)
{
	struct cves l = {json_array(), counts, max};

	if (!l.list || view_native_cves(v, n, add_cve, &l) < 0) {
		json_decref(l.list);
		return NULL;
	}
	return l.list;
}

static json_t *native_json(const struct map_view *v, const struct view_native *n)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", n->id);
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:o}", "id", id, "key", n->key, "title",
			 n->title, "cves", cves_of(v, n, false, CVES_MAX), "systems",
			 (json_int_t)n->systems, "verdict", verdict_name(n->worst), "verdicts",
			 show_counts(n->verdicts));
}

struct wanted {
	const struct map_view *v;
	const char *q;
	unsigned int verdicts;
};

static bool passes(void *ctx, size_t i)
{
	const struct wanted *w = ctx;
	const struct view_native *n = view_native_at(w->v, i);

	return (!w->verdicts || (w->verdicts & 1u << n->worst)) &&
	       (show_has(n->key, w->q) || show_has(n->title, w->q));
}

static json_t *item(void *ctx, size_t i)
{
	const struct wanted *w = ctx;

	return native_json(w->v, view_native_at(w->v, i));
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "q", "verdict", NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	struct wanted w = {0};
	struct web_page page;
	int x;

	if (web_only_args(q, r, args) || web_page_take(q, r, &page) || show_q_arg(q, r, &w.q) ||
	    show_verdicts_arg(q, r, &w.verdicts))
		return WEB_NO;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	w.v = v;
	return show_page(q, r, &page, &(struct show_list){view_natives(v), passes, item, &w}, err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	const struct view_native *n;
	uint64_t id = 0;
	json_t *j;
	int x = web_only_args(q, r, args);

	if (x)
		return x;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	n = sut_parse_u64(q->params[0], UINT32_MAX, &id) == 0 ? view_native(v, (uint32_t)id) : NULL;
	if (!n)
		return web_not_found(r, "finding", q->params[0]);
	j = native_json(v, n);
	if (!j || json_object_set_new(j, "by_cve", cves_of(v, n, true, SIZE_MAX)) < 0) {
		json_decref(j);
		return sut_err_oom(err);
	}
	return web_json(r, 200, j, err);
}

/* --- of one system --- */

struct rows {
	struct view_finding *v;
	size_t n, cap;
	const char *q;
	unsigned int verdicts;
};

static void rows_release(struct rows *l)
{
	free(l->v);
}

static int collect(void *ctx, const struct view_finding *f)
{
	struct rows *l = ctx;

	if ((l->verdicts && !(l->verdicts & 1u << f->answer.verdict)) ||
	    !(show_has(f->cve, l->q) || show_has(f->package, l->q) ||
	      show_has(f->native_key, l->q) || show_has(f->native_title, l->q)))
		return 0;
	if (l->n == l->cap) {
		size_t want = l->cap ? l->cap * 2 : 256;
		struct view_finding *more = reallocarray(l->v, want, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->v = more;
		l->cap = want;
	}
	l->v[l->n++] = *f;
	return 0;
}

static int by_worst(const void *a, const void *b)
{
	const struct view_finding *x = a, *y = b;

	if (x->answer.verdict != y->answer.verdict)
		return x->answer.verdict < y->answer.verdict ? -1 : 1;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->cve_key != y->cve_key)
		return x->cve_key > y->cve_key ? -1 : 1;
	return strcmp(x->package, y->package);
}

static json_t *native_ref(const struct view_finding *f)
{
	char id[16];

	if (!f->native_id)
		return json_null();
	snprintf(id, sizeof(id), "%u", f->native_id);
	return json_pack("{s:s, s:s, s:s}", "id", id, "key", f->native_key, "title",
			 f->native_title);
}

static json_t *row_item(void *ctx, size_t i)
{
	const struct view_finding *f = &((const struct rows *)ctx)->v[i];
	const struct verdict_answer *a = &f->answer;
	char text[VERDICT_TEXT_MAX];
	bool library = a->processes > 0;

	verdict_text(a, text);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
			 "cve", f->cve, "severity", find_severity_name(f->severity), "verdict",
			 verdict_name(a->verdict), "detail", show_text(text), "package",
			 show_text(f->package), "version", show_text(f->version), "fixed_in",
			 show_text(a->fixed_in), "level",
			 a->level ? json_integer(a->level) : json_null(), "patchset",
			 show_text(a->patchset), "until", web_time(a->until), "patched",
			 library ? json_integer(a->patched) : json_null(), "processes",
			 library ? json_integer(a->processes) : json_null(), "finding",
			 native_ref(f), "not_running", f->not_running);
}

static int of_system(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "q", "verdict", NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	_cleanup_(rows_release) struct rows l = {0};
	const struct view_host *h;
	struct web_page page;
	int64_t host = 0;
	int x;

	if (web_only_args(q, r, args) || web_page_take(q, r, &page) || show_q_arg(q, r, &l.q) ||
	    show_verdicts_arg(q, r, &l.verdicts))
		return WEB_NO;
	x = systems_find(q, r, &host, err);
	if (x == 0)
		x = map_of(q, &v, err);
	if (x)
		return x;
	h = view_host(v, host);
	if (h && view_findings(v, h, collect, &l) < 0)
		return sut_err_oom(err);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_worst);
	return show_page(q, r, &page, &(struct show_list){l.n, NULL, row_item, &l}, err);
}

const struct web_route api_findings[] = {
	{.method = "GET", .path = "/v1/findings", .allow = API_READERS, .run = list},
	{.method = "GET", .path = "/v1/findings/{finding}", .allow = API_READERS, .run = get},
	{.method = "GET",
	 .path = "/v1/systems/{system}/findings",
	 .allow = API_READERS,
	 .run = of_system},
	{0},
};
