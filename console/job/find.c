// SPDX-License-Identifier: Apache-2.0
#include "job/find.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "json/parse.h"
#include "map/map.h"

/* What can be done something about. */
enum { READY = 1 << VERDICT_FIX_READY | 1 << VERDICT_PARTIAL };

/* The lists of a query, which the view wants as sorted numbers. */
struct lists {
	int64_t *cves, *hosts;
	uint32_t *natives;
	struct view_selected *all, *ready;
	struct map_view *view;
};

static void lists_release(struct lists *l)
{
	free(l->cves);
	free(l->hosts);
	free(l->natives);
	free(l->all);
	free(l->ready);
	view_put(l->view);
}

void job_found_release(struct job_found *f)
{
	free(f->v);
	*f = (struct job_found){0};
}

enum job_found_as job_found_host(const struct job_found *f, int64_t host)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->v[mid].host == host)
			return f->v[mid].ready ? JOB_FOUND_READY : JOB_FOUND_DONE;
		if (f->v[mid].host < host)
			lo = mid + 1;
		else
			hi = mid;
	}
	return JOB_FOUND_NOT;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_small_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int take_cves(struct web_resp *r, const json_t *list, struct lists *l, struct view_query *v,
		     struct sut_err *err)
{
	json_t *item;
	size_t i;

	if (!list)
		return 0;
	l->cves = calloc(json_array_size(list) + 1, sizeof(*l->cves));
	if (!l->cves)
		return sut_err_oom(err);
	json_array_foreach(list, i, item) {
		int64_t key = index_cve(json_string_value(item));

		if (!key)
			return web_bad_field(r, "/select/cves", "entry %zu is no CVE", i);
		l->cves[v->ncves++] = key;
	}
	qsort(l->cves, v->ncves, sizeof(*l->cves), by_number);
	v->cves = l->cves;
	return 0;
}

static int take_findings(struct web_resp *r, const json_t *list, struct lists *l,
			 struct view_query *v, struct sut_err *err)
{
	json_t *item;
	size_t i;

	if (!list)
		return 0;
	l->natives = calloc(json_array_size(list) + 1, sizeof(*l->natives));
	if (!l->natives)
		return sut_err_oom(err);
	json_array_foreach(list, i, item) {
		uint64_t id;

		if (sut_parse_u64(json_string_value(item), UINT32_MAX, &id) < 0)
			return web_bad_field(r, "/select/findings",
					     "entry %zu is no id of GET /v1/findings", i);
		l->natives[v->nnatives++] = (uint32_t)id;
	}
	qsort(l->natives, v->nnatives, sizeof(*l->natives), by_small_number);
	v->natives = l->natives;
	return 0;
}

static int take_verdicts(struct web_resp *r, const json_t *list, struct view_query *v)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		enum verdict word;

		if (verdict_parse(json_string_value(item), &word) < 0)
			return web_bad_field(r, "/select/verdicts", "entry %zu is no verdict", i);
		v->verdicts |= 1U << word;
	}
	return 0;
}

/* So that CVEs are counted for these alone. */
static int take_systems(const json_t *list, struct lists *l, struct view_query *v,
			struct sut_err *err)
{
	json_t *item;
	size_t i;

	if (!list)
		return 0;
	l->hosts = calloc(json_array_size(list) + 1, sizeof(*l->hosts));
	if (!l->hosts)
		return sut_err_oom(err);
	json_array_foreach(list, i, item) {
		const struct view_host *h = view_host_uid(l->view, json_string_value(item));

		if (h)
			l->hosts[v->nhosts++] = h->id;
	}
	qsort(l->hosts, v->nhosts, sizeof(*l->hosts), by_number);
	v->hosts = l->hosts;
	return 0;
}

static const char *text_of(const json_t *query, const char *name)
{
	return json_string_value(json_object_get(query, name));
}

static int take(struct web_resp *r, const struct job_spec *s, struct lists *l, struct view_query *v,
		struct sut_err *err)
{
	const json_t *query = json_object_get(s->select, "query");
	int rc = take_cves(r, json_object_get(s->select, "cves"), l, v, err);

	if (rc == 0)
		rc = take_findings(r, json_object_get(s->select, "findings"), l, v, err);
	if (rc == 0)
		rc = take_verdicts(r, json_object_get(s->select, "verdicts"), v);
	if (rc == 0)
		rc = take_systems(json_object_get(s->select, "systems"), l, v, err);
	v->q = text_of(query, "q");
	v->feed = text_of(query, "feed");
	v->tag = text_of(query, "tag");
	v->state = text_of(query, "state");
	v->products = (s->kernel ? VIEW_KERNEL : 0U) | (s->library ? VIEW_LIBRARY : 0U);
	return rc;
}

/* Both lists are by the view's number, which is by id. */
static int keep(struct lists *l, size_t nall, size_t nready, struct job_found *ret,
		struct sut_err *err)
{
	struct job_found f = {.v = calloc(nall + 1, sizeof(*f.v)), .n = nall};
	size_t k = 0;

	if (!f.v)
		return sut_err_oom(err);
	for (size_t i = 0; i < nall; i++) {
		while (k < nready && l->ready[k].host < l->all[i].host)
			k++;
		f.v[i].host = view_host_at(l->view, l->all[i].host)->id;
		f.v[i].ready = k < nready && l->ready[k].host == l->all[i].host;
	}
	*ret = f;
	return 0;
}

int job_find(struct web_req *q, struct web_resp *r, const struct job_spec *s, struct job_found *ret,
	     bool *ret_asked, struct sut_err *err)
{
	_cleanup_(lists_release) struct lists l = {0};
	struct view_query all = VIEW_ANY, ready;
	size_t nall = 0, nready = 0, cves = 0;
	int rc;

	*ret_asked = json_object_get(s->select, "cves") || json_object_get(s->select, "findings") ||
		     json_object_get(s->select, "verdicts");
	if (!*ret_asked)
		return 0;
	rc = map_of(q, &l.view, err);
	if (rc == 0)
		rc = take(r, s, &l, &all, err);
	if (rc == 0)
		rc = view_select(l.view, &all, &l.all, &nall, NULL, err);
	ready = all;
	ready.verdicts = all.verdicts ? all.verdicts & READY : READY;
	/* Only what no job helps against was asked for: nobody is ready. */
	if (rc == 0 && ready.verdicts)
		rc = view_select(l.view, &ready, &l.ready, &nready, &cves, err);
	if (rc == 0)
		rc = keep(&l, nall, nready, ret, err);
	if (rc == 0)
		ret->cves = cves;
	return rc;
}
