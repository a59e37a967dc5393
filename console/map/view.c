// SPDX-License-Identifier: Apache-2.0
#include "map/view.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

#include "base/str.h"
#include "json/parse.h"
#include "map/view_internal.h"

void view_free(struct map_view *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->nclasses; i++) {
		struct view_class *c = &v->classes[i];

		for (size_t k = 0; k < c->nsets; k++)
			kept_set_put(c->sets[k]);
		find_set_release(&c->merged);
		free(c->libraries);
	}
	free(v->classes);
	free(v->hosts);
	free(v->search);
	free(v->by_class);
	free(v->worst);
	free(v->cves);
	free(v->cve_at);
	free(v->natives);
	free(v->native_at);
	free(v->native_class);
	index_unref(v->index);
	names_put(v->names);
	strings_free(v->pool);
	free(v);
}

struct map_view *view_ref(struct map_view *v)
{
	if (v)
		atomic_fetch_add(&v->refs, 1);
	return v;
}

void view_put(struct map_view *v)
{
	if (v && atomic_fetch_sub(&v->refs, 1) == 1)
		view_free(v);
}

void view_putp(struct map_view **v)
{
	view_put(*v);
}

const char *view_protection_name(enum view_protection p)
{
	static const char *const names[VIEW_PROTECTIONS] = {"protected", "exposed", "unknown",
							    "offline"};

	return names[p];
}

/* --- hosts --- */

size_t view_hosts(const struct map_view *v)
{
	return v->nhosts;
}

const struct view_host *view_host_at(const struct map_view *v, size_t i)
{
	return &v->hosts[i];
}

const struct view_host *view_host(const struct map_view *v, int64_t id)
{
	size_t lo = 0, hi = v->nhosts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->hosts[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->nhosts && v->hosts[lo].id == id ? &v->hosts[lo] : NULL;
}

const struct view_host *view_host_uid(const struct map_view *v, const char *uid)
{
	for (size_t i = 0; i < v->nhosts; i++)
		if (sut_streq(v->hosts[i].uid, uid))
			return &v->hosts[i];
	return NULL;
}

const struct verdict_host *view_facts(const struct map_view *v, const struct view_host *h)
{
	return &v->classes[h->class].host;
}

const uint32_t *view_worst_hosts(const struct map_view *v)
{
	return v->worst;
}

void view_system_counts(const struct map_view *v, int64_t host, struct view_counts *ret,
			enum view_protection *ret_protection)
{
	const struct view_host *h = view_host(v, host);

	*ret = h ? *h->counts : (struct view_counts){0};
	*ret_protection = h ? h->protection : VIEW_UNKNOWN;
}

/* --- CVEs and findings of scanners --- */

size_t view_cves(const struct map_view *v)
{
	return v->ncves;
}

const struct view_cve *view_cve_at(const struct map_view *v, size_t i)
{
	return &v->cves[i];
}

const struct view_cve *view_cve(const struct map_view *v, const char *name)
{
	for (size_t i = 0; i < v->ncves; i++)
		if (sut_streq(v->cves[i].name, name))
			return &v->cves[i];
	return NULL;
}

size_t view_natives(const struct map_view *v)
{
	return v->nnatives;
}

const struct view_native *view_native_at(const struct map_view *v, size_t i)
{
	return &v->natives[i];
}

const struct view_native *view_native(const struct map_view *v, uint32_t id)
{
	uint32_t at = id < v->names->nnatives ? v->native_at[id] : 0;

	return at ? &v->natives[at - 1] : NULL;
}

const struct view_totals *view_totals(const struct map_view *v)
{
	return &v->totals;
}

int64_t view_at(const struct map_view *v)
{
	return v->at;
}

int64_t view_generation(const struct map_view *v)
{
	return v->generation;
}

double view_took(const struct map_view *v)
{
	return v->took;
}

const struct map_index *view_index(const struct map_view *v)
{
	return v->index;
}

/* --- one record --- */

static const char *at(const char *const *names, uint32_t n, uint32_t id)
{
	return id < n && names[id] ? names[id] : "";
}

static void read_record(struct subjects *s, const struct find_rec *r, struct view_finding *ret)
{
	const struct names *n = s->v->names;

	*ret = (struct view_finding){
		.cve = at(n->cve, n->ncves, r->cve),
		.cve_key = r->cve < n->ncves ? n->cve_key[r->cve] : 0,
		.cve_id = r->cve,
		.native_id = r->native,
		.native_key = at(n->native, n->nnatives, r->native),
		.native_title = at(n->title, n->nnatives, r->native),
		.package = at(n->package, n->npackages, r->package),
		.version = at(n->version, n->npackages, r->package),
		.severity = r->flags & FIND_SEVERITY,
		.not_running = r->flags & FIND_NOT_RUNNING,
	};
	verdict_of(s->v->index, &s->c->host, subject_of(s, r), ret->cve_key, &ret->answer);
}

int view_findings(const struct map_view *v, const struct view_host *h, view_finding_fn fn,
		  void *ctx)
{
	_cleanup_(subjects_release) struct subjects s = {0};
	const struct view_class *c = &v->classes[h->class];
	int r = subjects_init(&s, v);

	if (r < 0)
		return r;
	subjects_for(&s, c);
	for (size_t i = 0; r >= 0 && i < c->set->n; i++) {
		struct view_finding f;

		read_record(&s, &c->set->v[i], &f);
		if (*f.cve)
			r = fn(ctx, &f);
	}
	return r < 0 ? r : 0;
}

/* The record that counts for a CVE. */
static void read_cve(struct subjects *s, size_t i, struct view_finding *ret)
{
	const struct find_set *set = s->c->set;
	size_t end = same_cve(set, i);

	for (size_t k = i; k < end; k++) {
		struct view_finding f;

		read_record(s, &set->v[k], &f);
		if (k == i ||
		    verdict_worse(f.answer.verdict, ret->answer.verdict) != ret->answer.verdict)
			*ret = f;
	}
}

int view_cve_hosts(const struct map_view *v, const struct view_cve *c, view_host_fn fn, void *ctx)
{
	_cleanup_(subjects_release) struct subjects s = {0};
	int r = subjects_init(&s, v);

	for (size_t i = 0; r >= 0 && i < v->nclasses; i++) {
		const struct view_class *k = &v->classes[i];
		size_t at_record = find_cve(k->set, c->id);
		struct view_finding f;

		if (at_record == k->set->n)
			continue;
		subjects_for(&s, k);
		read_cve(&s, at_record, &f);
		for (uint32_t h = 0; r >= 0 && h < k->nhosts; h++)
			r = fn(ctx, &v->hosts[v->by_class[k->first + h]], &f);
	}
	return r < 0 ? r : 0;
}

/* Which CVEs it has is the same wherever it was found, but for what a scanner left out: one class that has it tells. */
int view_native_cves(const struct map_view *v, const struct view_native *n, view_native_fn fn,
		     void *ctx)
{
	const struct view_class *c =
		v->native_class[n->id] ? &v->classes[v->native_class[n->id] - 1] : NULL;
	uint32_t last = 0;
	int r = 0;

	for (size_t i = 0; c && r >= 0 && i < c->set->n; i++) {
		const struct find_rec *rec = &c->set->v[i];
		uint32_t place;

		if (rec->native != n->id || rec->cve == last || rec->cve >= v->names->ncves)
			continue;
		last = rec->cve;
		place = v->cve_at[rec->cve];
		if (place)
			r = fn(ctx, &v->cves[place - 1], v->cves[place - 1].verdicts);
	}
	return r < 0 ? r : 0;
}

/* --- selecting --- */

static bool has_tag(const char *tags, const char *want)
{
	_cleanup_json_ json_t *j = json_loads(tags, 0, NULL);
	const char *eq = strchr(want, '=');
	_cleanup_(sut_freep) char *name = eq ? strndup(want, (size_t)(eq - want)) : strdup(want);
	const json_t *value = name ? json_object_get(j, name) : NULL;

	return value && (!eq || sut_streq(json_string_value(value), eq + 1));
}

static bool in_search(const char *search, const char *q)
{
	char want[256];
	size_t n = 0;

	for (; n < sizeof(want) - 1 && q[n]; n++)
		want[n] = (char)tolower((unsigned char)q[n]);
	want[n] = '\0';
	return strstr(search, want) != NULL;
}

static int by_int64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int by_uint32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool view_fits(const struct map_view *v, const struct view_host *h, const struct view_query *q)
{
	if (q->hosts &&
	    (!q->nhosts || !bsearch(&h->id, q->hosts, q->nhosts, sizeof(*q->hosts), by_int64)))
		return false;
	if (q->protection >= 0 && h->protection != (enum view_protection)q->protection)
		return false;
	if ((q->feed && !sut_streq(q->feed, h->feed)) ||
	    (q->state && !sut_streq(q->state, h->state)))
		return false;
	if (q->q && *q->q && !in_search(v->search[h - v->hosts], q->q))
		return false;
	return !q->tag || has_tag(h->tags, q->tag);
}

struct found {
	uint32_t cves, ready;
};

static bool wanted(const struct map_view *v, const struct view_query *q, const struct find_rec *r)
{
	int64_t key = r->cve < v->names->ncves ? v->names->cve_key[r->cve] : 0;

	if (q->cves && (!q->ncves || !bsearch(&key, q->cves, q->ncves, sizeof(*q->cves), by_int64)))
		return false;
	return !q->natives || (q->nnatives && bsearch(&r->native, q->natives, q->nnatives,
						      sizeof(*q->natives), by_uint32));
}

/* seen: by cves.id. */
static struct found look(struct subjects *s, const struct view_query *q, uint8_t *seen,
			 size_t *different)
{
	const struct find_set *set = s->c->set;
	struct found n = {0};
	size_t next;

	for (size_t i = 0; i < set->n; i = next) {
		struct view_finding f;
		bool any = false;

		next = same_cve(set, i);
		for (size_t k = i; !any && k < next; k++)
			any = wanted(s->v, q, &set->v[k]);
		if (!any)
			continue;
		read_cve(s, i, &f);
		if (!*f.cve || (q->verdicts && !(q->verdicts & 1u << f.answer.verdict)))
			continue;
		if (q->products && f.answer.target &&
		    !(q->products & (f.answer.target->library ? VIEW_LIBRARY : VIEW_KERNEL)))
			continue;
		n.cves++;
		n.ready += f.answer.verdict == VERDICT_FIX_READY;
		*different += !seen[f.cve_id];
		seen[f.cve_id] = 1;
	}
	return n;
}

/* What classes have of what is asked for: a class at a time, and only those that have a host that fits. */
static int look_at_classes(const struct map_view *v, const struct view_query *q,
			   struct found *found, size_t *different)
{
	_cleanup_(subjects_release) struct subjects s = {0};
	_cleanup_(sut_freep) uint8_t *seen = calloc((size_t)v->names->ncves + 1, 1);
	int r = subjects_init(&s, v);

	if (r < 0 || !seen)
		return -ENOMEM;
	for (size_t i = 0; i < v->nclasses; i++) {
		const struct view_class *c = &v->classes[i];
		bool any = false;

		for (uint32_t h = 0; !any && h < c->nhosts; h++)
			any = view_fits(v, &v->hosts[v->by_class[c->first + h]], q);
		if (!any)
			continue;
		subjects_for(&s, c);
		found[i] = look(&s, q, seen, different);
	}
	return 0;
}

/* What was counted already: nobody asks which CVEs they are. */
static void add_up_classes(const struct map_view *v, unsigned int verdicts, struct found *found)
{
	for (size_t i = 0; i < v->nclasses; i++)
		for (enum verdict k = 0; k < VERDICTS; k++)
			if (verdicts & 1u << k) {
				found[i].cves += v->classes[i].counts.verdicts[k];
				if (k == VERDICT_FIX_READY)
					found[i].ready += v->classes[i].counts.verdicts[k];
			}
}

int view_select(const struct map_view *v, const struct view_query *q, struct view_selected **ret,
		size_t *ret_n, size_t *ret_cves, struct sut_err *err)
{
	bool about_findings = q->cves || q->natives || q->verdicts || q->products;
	_cleanup_(sut_freep) struct found *found = calloc(v->nclasses + 1, sizeof(*found));
	_cleanup_(sut_freep) struct view_selected *out = calloc(v->nhosts + 1, sizeof(*out));
	size_t n = 0, different = 0;

	if (!found || !out)
		return sut_err_oom(err);
	if (about_findings && !q->cves && !q->natives && !q->products && !ret_cves)
		add_up_classes(v, q->verdicts, found);
	else if (about_findings && look_at_classes(v, q, found, &different) < 0)
		return sut_err_oom(err);
	for (size_t i = 0; i < v->nhosts; i++) {
		const struct found *f = &found[v->hosts[i].class];

		if ((about_findings && !f->cves) || !view_fits(v, &v->hosts[i], q))
			continue;
		out[n++] = (struct view_selected){(uint32_t)i, f->cves, f->ready};
	}
	*ret = sut_steal(out);
	*ret_n = n;
	if (ret_cves)
		*ret_cves = different;
	return 0;
}
