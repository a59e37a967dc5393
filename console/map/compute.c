// SPDX-License-Identifier: Apache-2.0
#include "map/compute.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { MEMOS_MAX = 256 };

/* Verdicts of one kernel at one level under one policy, by cves.id: 0: not known yet, else 1 + verdict. Hosts with other findings
 * but the same kernel share it. */
struct memo {
	const struct index_target *kernel;
	uint32_t level, pin_level;
	uint64_t feed;
	int64_t pin_before, hold_until;
	bool registered, hold;
	uint8_t v[];
};

struct work {
	struct map_view *v;
	struct subjects subjects;
	struct memo *memos[MEMOS_MAX];
	size_t nmemos;
	struct view_cve *cve;	    /* by cves.id */
	struct view_native *native; /* by natives.id */
	uint16_t *mask;		    /* of verdicts of a class, by natives.id */
	uint32_t *touched;	    /* natives of the class */
	size_t ntouched;
};

static void work_release(struct work *w)
{
	subjects_release(&w->subjects);
	for (size_t i = 0; i < w->nmemos; i++)
		free(w->memos[i]);
	free(w->cve);
	free(w->native);
	free(w->mask);
	free(w->touched);
}

static struct memo *memo_for(struct work *w, const struct verdict_host *h)
{
	struct memo *m;

	for (size_t i = 0; i < w->nmemos; i++) {
		m = w->memos[i];
		if (m->kernel == h->kernel && m->level == h->level && m->feed == h->feed_bit &&
		    m->pin_level == h->pin_level && m->pin_before == h->pin_before &&
		    m->hold == h->hold && m->hold_until == h->hold_until &&
		    m->registered == h->registered)
			return m;
	}
	if (w->nmemos == MEMOS_MAX)
		return NULL;
	m = calloc(1, sizeof(*m) + w->v->names->ncves + 1);
	if (!m)
		return NULL; /* then without */
	m->kernel = h->kernel;
	m->level = h->level;
	m->feed = h->feed_bit;
	m->pin_level = h->pin_level;
	m->pin_before = h->pin_before;
	m->hold = h->hold;
	m->hold_until = h->hold_until;
	m->registered = h->registered;
	w->memos[w->nmemos++] = m;
	return m;
}

static enum verdict verdict_for(struct work *w, const struct view_class *c, struct memo *m,
				const struct find_rec *r, const struct verdict_subject *s)
{
	const struct names *n = w->v->names;
	struct verdict_answer a;

	if (s->about == ABOUT_FIXED)
		return s->verdict;
	if (m && s->about == ABOUT_KERNEL && m->v[r->cve])
		return m->v[r->cve] - 1;
	verdict_of(w->v->index, &c->host, s, n->cve_key[r->cve], &a);
	if (m && s->about == ABOUT_KERNEL)
		m->v[r->cve] = (uint8_t)(1 + a.verdict);
	return a.verdict;
}

static unsigned int product_of(const struct verdict_subject *s)
{
	switch (s->about) {
	case ABOUT_KERNEL:
	case ABOUT_ANYTHING:
		return VIEW_KERNEL;
	case ABOUT_LIBRARY:
	case ABOUT_UNUSED:
		return VIEW_LIBRARY;
	case ABOUT_FIXED:
		break;
	}
	return s->why == WHY_NOT_RUNNING || s->why == WHY_NO_KERNEL ? VIEW_KERNEL
	       : s->why == WHY_NO_LIBRARY			    ? VIEW_LIBRARY
								    : 0;
}

static void count_native(struct work *w, uint32_t native, enum verdict verdict)
{
	if (!native || native >= w->v->names->nnatives || !w->v->names->native[native])
		return;
	if (!w->mask[native])
		w->touched[w->ntouched++] = native;
	w->mask[native] |= (uint16_t)(1 << verdict);
}

static void end_natives(struct work *w, const struct view_class *c)
{
	for (size_t i = 0; i < w->ntouched; i++) {
		uint32_t id = w->touched[i];
		struct view_native *n = &w->native[id];

		n->verdicts[verdict_roll(w->mask[id])] += c->nhosts;
		n->systems += c->nhosts;
		if (!w->v->native_class[id])
			w->v->native_class[id] = (uint32_t)(c - w->v->classes) + 1;
		w->mask[id] = 0;
	}
	w->ntouched = 0;
}

static void count_class(struct work *w, struct view_class *c)
{
	const struct find_set *set = c->set;
	struct memo *m = memo_for(w, &c->host);
	size_t next;

	subjects_for(&w->subjects, c);
	for (size_t i = 0; i < set->n; i = next) {
		uint32_t id = set->v[i].cve;
		enum verdict worst = VERDICT_NOT_AFFECTED;
		struct view_cve *e;

		next = same_cve(set, i);
		if (id >= w->v->names->ncves || !w->v->names->cve[id])
			continue; /* its name came after the names were read: the next view has it */
		e = &w->cve[id];
		for (size_t k = i; k < next; k++) {
			const struct find_rec *r = &set->v[k];
			const struct verdict_subject *s = subject_of(&w->subjects, r);
			enum verdict verdict = verdict_for(w, c, m, r, s);
			unsigned int product = product_of(s);

			worst = k == i ? verdict : verdict_worse(worst, verdict);
			count_native(w, r->native, verdict);
			e->products |= product;
			if (verdict == VERDICT_FIX_READY)
				c->products |= product;
			if ((r->flags & FIND_SEVERITY) > e->severity)
				e->severity = r->flags & FIND_SEVERITY;
		}
		c->counts.verdicts[worst]++;
		c->counts.findings++;
		c->counts.exposed += verdict_exposed(worst);
		e->verdicts[worst] += c->nhosts;
		e->systems += c->nhosts;
		if (verdict_exposed(worst))
			e->exposed += c->nhosts;
	}
	end_natives(w, c);
}

/* --- order --- */

static int by_verdicts(const uint32_t *a, const uint32_t *b)
{
	for (size_t i = 0; i < VERDICTS; i++)
		if (a[i] != b[i])
			return a[i] > b[i] ? -1 : 1;
	return 0;
}

static int by_worst_cve(const void *pa, const void *pb)
{
	const struct view_cve *a = pa, *b = pb;
	int d;

	/* What can be closed now, the most severe first; then by how many have it. */
	if (!a->verdicts[VERDICT_FIX_READY] != !b->verdicts[VERDICT_FIX_READY])
		return a->verdicts[VERDICT_FIX_READY] ? -1 : 1;
	if (!a->exposed != !b->exposed)
		return a->exposed ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	d = by_verdicts(a->verdicts, b->verdicts);
	/* Newer ones first. */
	return d ? d : (a->key < b->key) - (a->key > b->key);
}

static int by_worst_native(const void *pa, const void *pb)
{
	const struct view_native *a = pa, *b = pb;
	int d;

	if (a->worst != b->worst)
		return a->worst < b->worst ? -1 : 1;
	d = by_verdicts(a->verdicts, b->verdicts);
	return d ? d : (a->id > b->id) - (a->id < b->id);
}

static int by_worst_host(const void *pa, const void *pb, void *ctx)
{
	const struct map_view *v = ctx;
	const struct view_host *a = &v->hosts[*(const uint32_t *)pa],
			       *b = &v->hosts[*(const uint32_t *)pb];
	int d = by_verdicts(a->counts->verdicts, b->counts->verdicts);

	if (!d)
		d = strcmp(a->hostname, b->hostname);
	return d ? d : (a->id > b->id) - (a->id < b->id);
}

/* --- putting it together --- */

static int collect_cves(struct work *w)
{
	struct map_view *v = w->v;
	uint32_t n = 0;

	for (uint32_t id = 0; id < v->names->ncves; id++) {
		if (!w->cve[id].systems)
			continue;
		w->cve[id].id = id;
		w->cve[id].name = v->names->cve[id];
		w->cve[id].key = v->names->cve_key[id];
		w->cve[n++] = w->cve[id];
	}
	if (n)
		qsort(w->cve, n, sizeof(*w->cve), by_worst_cve);
	v->cve_at = calloc(v->names->ncves + 1, sizeof(*v->cve_at));
	if (!v->cve_at)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		v->cve_at[w->cve[i].id] = i + 1;
	v->cves = w->cve;
	v->ncves = n;
	w->cve = NULL;
	return 0;
}

static enum verdict worst_of(const uint32_t *verdicts)
{
	enum verdict i = 0;

	while (i < VERDICTS - 1 && !verdicts[i])
		i++;
	return i;
}

static int collect_natives(struct work *w)
{
	struct map_view *v = w->v;
	uint32_t n = 0;

	for (uint32_t id = 0; id < v->names->nnatives; id++) {
		struct view_native *e = &w->native[id];

		if (!e->systems)
			continue;
		e->id = id;
		e->key = v->names->native[id];
		e->title = v->names->title[id];
		e->worst = worst_of(e->verdicts);
		w->native[n++] = *e;
	}
	if (n)
		qsort(w->native, n, sizeof(*w->native), by_worst_native);
	v->native_at = calloc(v->names->nnatives + 1, sizeof(*v->native_at));
	if (!v->native_at)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		v->native_at[w->native[i].id] = i + 1;
	v->natives = w->native;
	v->nnatives = n;
	w->native = NULL;
	return 0;
}

static enum view_protection protection_of(const struct view_host *h)
{
	const uint32_t *n = h->counts->verdicts;

	if (h->registered && h->silent)
		return VIEW_OFFLINE;
	if (!h->registered || !h->scanned)
		return VIEW_UNKNOWN;
	return n[VERDICT_FIX_READY] || n[VERDICT_PARTIAL] || n[VERDICT_FIX_HELD] ? VIEW_EXPOSED
										 : VIEW_PROTECTED;
}

static int settle_hosts(struct map_view *v)
{
	struct view_totals *t = &v->totals;
	uint32_t first = 0;

	v->by_class = calloc(v->nhosts + 1, sizeof(*v->by_class));
	v->worst = calloc(v->nhosts + 1, sizeof(*v->worst));
	if (!v->by_class || !v->worst)
		return -ENOMEM;
	for (size_t i = 0; i < v->nclasses; i++) {
		v->classes[i].first = first;
		first += v->classes[i].nhosts;
		v->classes[i].nhosts = 0;
	}
	t->systems = (uint32_t)v->nhosts;
	t->classes = (uint32_t)v->nclasses;
	for (size_t i = 0; i < v->nhosts; i++) {
		struct view_host *h = &v->hosts[i];
		struct view_class *c = &v->classes[h->class];

		v->by_class[c->first + c->nhosts++] = (uint32_t)i;
		v->worst[i] = (uint32_t)i;
		h->counts = &c->counts;
		h->protection = protection_of(h);
		t->protection[h->protection]++;
		t->exposed += h->counts->exposed;
		for (size_t k = 0; k < VERDICTS; k++)
			t->verdicts[k] += h->counts->verdicts[k];
		if (h->scanned_at > t->last_scan)
			t->last_scan = h->scanned_at;
		t->stale += h->scanned && h->scanned_at < v->at - VIEW_STALE_SEC;
	}
	if (v->nhosts)
		qsort_r(v->worst, v->nhosts, sizeof(*v->worst), by_worst_host, v);
	return 0;
}

int view_compute(struct map_view *v)
{
	_cleanup_(work_release) struct work w = {.v = v};
	const struct names *n = v->names;
	int r = subjects_init(&w.subjects, v);

	w.cve = calloc((size_t)n->ncves + 1, sizeof(*w.cve));
	w.native = calloc((size_t)n->nnatives + 1, sizeof(*w.native));
	w.mask = calloc((size_t)n->nnatives + 1, sizeof(*w.mask));
	w.touched = calloc((size_t)n->nnatives + 1, sizeof(*w.touched));
	v->native_class = calloc((size_t)n->nnatives + 1, sizeof(*v->native_class));
	if (r < 0 || !w.cve || !w.native || !w.mask || !w.touched || !v->native_class)
		return -ENOMEM;
	for (size_t i = 0; i < v->nclasses; i++)
		count_class(&w, &v->classes[i]);
	r = settle_hosts(v);
	if (r == 0)
		r = collect_cves(&w);
	return r == 0 ? collect_natives(&w) : r;
}
