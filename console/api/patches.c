// SPDX-License-Identifier: Apache-2.0
/* /v1/patches, /v1/coverage: what the portal has patches for, and how the fleet stands to it. From the view. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "api/show.h"
#include "base/str.h"

enum { TARGETS_SHOWN = 500, CVES_SHOWN = 1000 };

/* --- patchsets --- */

struct patchset {
	const char *name; /* of the index: equal ones are one pointer */
	int64_t released;
	uint64_t feeds;
	bool library;
	uint32_t running, waiting, held;
};

struct patchsets {
	const struct map_index *x;
	struct patchset *v;
	size_t n;
	const char *q;
};

static void patchsets_release(struct patchsets *p)
{
	free(p->v);
}

static int by_pointer(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct patchset *)a)->name,
		  y = (uintptr_t)((const struct patchset *)b)->name;

	return (x > y) - (x < y);
}

static int newest_first(const void *a, const void *b)
{
	const struct patchset *x = a, *y = b;

	if (x->released != y->released)
		return x->released > y->released ? -1 : 1;
	return -strcmp(x->name, y->name);
}

static int gather(const struct map_index *x, struct patchsets *p)
{
	size_t max = 0, n = 0;

	for (size_t i = 0; i < index_count(x); i++)
		max += index_at(x, i)->nlevels;
	p->x = x;
	p->v = calloc(max + 1, sizeof(*p->v));
	if (!p->v)
		return -ENOMEM;
	for (size_t i = 0; i < index_count(x); i++) {
		const struct index_target *t = index_at(x, i);

		for (size_t k = 0; k < t->nlevels; k++)
			if (t->levels[k].patchset)
				p->v[p->n++] = (struct patchset){.name = t->levels[k].patchset,
								 .released = t->levels[k].released,
								 .feeds = t->levels[k].feeds,
								 .library = t->library};
	}
	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), by_pointer);
	for (size_t i = 0; i < p->n; i++) {
		if (!n || p->v[n - 1].name != p->v[i].name)
			p->v[n++] = p->v[i];
		else
			p->v[n - 1].feeds |= p->v[i].feeds;
	}
	p->n = n;
	return 0;
}

/* Systems, or libraries of systems, at a level of a target. */
static void count_at(struct patchsets *p, const struct index_target *t, uint32_t level,
		     uint64_t feed)
{
	for (size_t k = 0; k < t->nlevels; k++) {
		struct patchset key = {.name = t->levels[k].patchset}, *found;

		if (!key.name || t->levels[k].level < level)
			continue;
		found = bsearch(&key, p->v, p->n, sizeof(key), by_pointer);
		if (!found)
			continue;
		if (t->levels[k].level == level)
			found->running++;
		else if (t->levels[k].feeds & feed)
			found->waiting++;
		else
			found->held++;
	}
}

static void count(const struct map_view *v, struct patchsets *p)
{
	for (size_t i = 0; p->n && i < view_hosts(v); i++) {
		const struct verdict_host *h = view_facts(v, view_host_at(v, i));

		if (!h->registered)
			continue;
		if (h->kernel)
			count_at(p, h->kernel, h->level, h->feed_bit);
		for (size_t k = 0; k < h->nlibraries; k++)
			if (h->libraries[k].target)
				count_at(p, h->libraries[k].target, h->libraries[k].level,
					 h->feed_bit);
	}
}

static json_t *feeds_json(const struct map_index *x, uint64_t feeds)
{
	json_t *list = json_array();

	for (unsigned int bit = 0; list && bit < INDEX_FEEDS_MAX; bit++)
		if ((feeds >> bit & 1) &&
		    json_array_append_new(list, json_string(index_feed_name(x, bit))) < 0)
			return NULL;
	return list;
}

static int by_key(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

/* What the level of a target closes that the one below it does not; different ones of all targets, newest first. */
struct keys {
	int64_t *v;
	size_t n, cap;
};

static int add_keys(struct keys *l, const struct index_target *t, uint32_t level)
{
	for (size_t i = 0; i < t->nfixes; i++) {
		if (t->fixes[i].level != level)
			continue;
		if (l->n == l->cap) {
			size_t want = l->cap ? l->cap * 2 : 256;
			int64_t *more = reallocarray(l->v, want, sizeof(*more));

			if (!more)
				return -ENOMEM;
			l->v = more;
			l->cap = want;
		}
		l->v[l->n++] = t->fixes[i].cve;
	}
	return 0;
}

static json_t *keys_json(struct keys *l)
{
	json_t *list = json_array();

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_key);
	for (size_t i = 0; list && i < l->n && json_array_size(list) < CVES_SHOWN; i++) {
		char name[INDEX_CVE_NAME];

		if (i && l->v[i] == l->v[i - 1])
			continue;
		index_cve_name(l->v[i], name);
		if (json_array_append_new(list, json_string(name)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *target_ref(const struct index_target *t, uint32_t level)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:I}", "build_id", t->build_id, "target",
			 show_text(t->name), "package", show_text(t->package), "package_version",
			 show_text(t->version), "level", (json_int_t)level);
}

static json_t *patchset_item(void *ctx, size_t at)
{
	const struct patchsets *p = ctx;
	const struct patchset *s = &p->v[at];
	json_t *targets = json_array(), *cves;
	struct keys keys = {0};
	int r = targets ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < index_count(p->x); i++) {
		const struct index_target *t = index_at(p->x, i);

		for (size_t k = 0; r == 0 && k < t->nlevels; k++) {
			if (t->levels[k].patchset != s->name)
				continue;
			r = add_keys(&keys, t, t->levels[k].level);
			if (r == 0 && json_array_size(targets) < TARGETS_SHOWN)
				r = json_array_append_new(targets,
							  target_ref(t, t->levels[k].level));
		}
	}
	cves = r == 0 ? keys_json(&keys) : NULL;
	free(keys.v);
	if (!cves) {
		json_decref(targets);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "patchset", s->name,
			 "product", s->library ? "library" : "kernel", "released",
			 web_time(s->released), "feeds", feeds_json(p->x, s->feeds), "targets",
			 targets, "cves", cves, "running", (json_int_t)s->running, "waiting",
			 (json_int_t)s->waiting, "held", (json_int_t)s->held);
}

static bool patchset_passes(void *ctx, size_t i)
{
	const struct patchsets *p = ctx;

	return show_has(p->v[i].name, p->q);
}

static int patches(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "q", NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	_cleanup_(patchsets_release) struct patchsets p = {0};
	struct web_page page;
	int x;

	if (web_only_args(q, r, args) || web_page_take(q, r, &page) || show_q_arg(q, r, &p.q))
		return WEB_NO;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	if (gather(view_index(v), &p) < 0)
		return sut_err_oom(err);
	count(v, &p);
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), newest_first);
	return show_page(q, r, &page, &(struct show_list){p.n, patchset_passes, patchset_item, &p},
			 err);
}

/* --- targets of the fleet --- */

struct build {
	const char *build_id, *name, *version; /* name: release, or soname */
	bool library;
	uint32_t systems;
	const struct index_target *t;
};

struct builds {
	struct build *v;
	size_t n, cap;
	const char *q;
};

static void builds_release(struct builds *b)
{
	free(b->v);
}

static int add_build(struct builds *b, const struct build *one)
{
	if (!one->build_id || !*one->build_id)
		return 0;
	if (b->n == b->cap) {
		size_t want = b->cap ? b->cap * 2 : 256;
		struct build *more = reallocarray(b->v, want, sizeof(*more));

		if (!more)
			return -ENOMEM;
		b->v = more;
		b->cap = want;
	}
	b->v[b->n++] = *one;
	return 0;
}

static int by_build(const void *a, const void *b)
{
	return strcmp(((const struct build *)a)->build_id, ((const struct build *)b)->build_id);
}

static int by_product(const void *a, const void *b)
{
	const struct build *x = a, *y = b;

	if (x->library != y->library)
		return x->library ? 1 : -1;
	if (x->systems != y->systems)
		return x->systems > y->systems ? -1 : 1;
	return strcmp(x->build_id, y->build_id);
}

static int gather_builds(const struct map_view *v, struct builds *b)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < view_hosts(v); i++) {
		const struct verdict_host *h = view_facts(v, view_host_at(v, i));

		if (!h->registered)
			continue;
		r = add_build(b, &(struct build){h->build_id, h->release, h->package_version, false,
						 1, h->kernel});
		for (size_t k = 0; r == 0 && k < h->nlibraries; k++) {
			const struct verdict_library *l = &h->libraries[k];

			r = add_build(b, &(struct build){l->build_id, l->name, l->version, true, 1,
							 l->target});
		}
	}
	if (r < 0 || !b->n)
		return r;
	qsort(b->v, b->n, sizeof(*b->v), by_build);
	for (size_t i = 0; i < b->n; i++) {
		if (!n || by_build(&b->v[n - 1], &b->v[i]) != 0)
			b->v[n++] = b->v[i];
		else
			b->v[n - 1].systems++;
	}
	b->n = n;
	qsort(b->v, b->n, sizeof(*b->v), by_product);
	return 0;
}

static json_t *levels_json(const struct index_target *t)
{
	json_t *list = json_array();

	for (size_t i = 0; list && t && i < t->nlevels; i++)
		if (json_array_append_new(list,
					  json_pack("{s:I, s:o, s:o}", "level",
						    (json_int_t)t->levels[i].level, "patchset",
						    show_text(t->levels[i].patchset), "released",
						    web_time(t->levels[i].released))) < 0)
			return NULL;
	return list;
}

static json_t *build_item(void *ctx, size_t i)
{
	const struct build *b = &((const struct builds *)ctx)->v[i];
	const struct index_target *t = b->t;
	uint32_t fixed = 0, pending = 0;

	for (size_t k = 0; t && k < t->nfixes; k++) {
		fixed += t->fixes[k].level > 0;
		pending += !t->fixes[k].level && !t->fixes[k].partial;
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:I, s:I}", "build_id",
			 b->build_id, "product", b->library ? "library" : "kernel", "target",
			 show_text(t ? t->name : NULL), "package", show_text(t ? t->package : NULL),
			 "package_version", show_text(t ? t->version : b->version), "release",
			 show_text(b->name), "systems", (json_int_t)b->systems, "known", t != NULL,
			 "newest_level",
			 t && t->nlevels ? json_integer(t->levels[t->nlevels - 1].level)
					 : json_null(),
			 "levels", levels_json(t), "fixed", (json_int_t)fixed, "pending_reboot",
			 (json_int_t)pending);
}

static bool build_passes(void *ctx, size_t i)
{
	const struct builds *b = ctx;
	const struct build *one = &b->v[i];

	return show_has(one->build_id, b->q) || show_has(one->name ? one->name : "", b->q) ||
	       (one->t && one->t->package && show_has(one->t->package, b->q));
}

static int coverage(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "q", NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	_cleanup_(builds_release) struct builds b = {0};
	struct web_page page;
	int x;

	if (web_only_args(q, r, args) || web_page_take(q, r, &page) || show_q_arg(q, r, &b.q))
		return WEB_NO;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	if (gather_builds(v, &b) < 0)
		return sut_err_oom(err);
	return show_page(q, r, &page, &(struct show_list){b.n, build_passes, build_item, &b}, err);
}

const struct web_route api_patches[] = {
	{.method = "GET", .path = "/v1/patches", .allow = API_READERS, .run = patches},
	{.method = "GET", .path = "/v1/coverage", .allow = API_READERS, .run = coverage},
	{0},
};
