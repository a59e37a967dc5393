// SPDX-License-Identifier: Apache-2.0
/* Hosts come in, classes are made of them. Computing is in compute.c. */
#include "map/build.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "json/parse.h"
#include "map/compute.h"

enum { KEY_MAX = 1 << 20 };

struct view_builder {
	struct map_view *v;
	size_t hosts_cap, classes_cap;
	int64_t now;
	double begun;
	uint32_t *slots; /* classes by key: 1 + number; a power of two of them */
	size_t nslots;
};

static int grow(void **v, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap ? *cap * 2 : 64;
	void *more;

	if (n < *cap)
		return 0;
	more = reallocarray(*v, want, size);
	if (!more)
		return -ENOMEM;
	*v = more;
	*cap = want;
	return 0;
}

int build_begin(struct map_index *index, struct names *names, int64_t now, int64_t generation,
		struct view_builder **ret, struct sut_err *err)
{
	static const char none[] = "{\"format\":\"suture-coverage\",\"targets\":[]}";
	struct view_builder *b = calloc(1, sizeof(*b));

	if (b)
		b->v = calloc(1, sizeof(*b->v));
	if (!b || !b->v) {
		free(b);
		index_unref(index);
		names_put(names);
		return sut_err_oom(err);
	}
	b->now = now;
	b->begun = sut_now_s();
	atomic_init(&b->v->refs, 1);
	b->v->index = index;
	b->v->names = names;
	b->v->at = now;
	b->v->generation = generation;
	b->v->pool = strings_new();
	b->nslots = 1024;
	b->slots = calloc(b->nslots, sizeof(*b->slots));
	if (!index && index_new(none, sizeof(none) - 1, &b->v->index, NULL) < 0)
		b->v->index = NULL;
	if (!b->v->pool || !b->slots || !b->v->index) {
		build_free(b);
		return sut_err_oom(err);
	}
	*ret = b;
	return 0;
}

void build_free(struct view_builder *b)
{
	if (!b)
		return;
	view_free(b->v);
	free(b->slots);
	free(b);
}

/* --- classes --- */

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* A hold that is over is none. */
static bool holds(const struct view_builder *b, const struct build_host *h)
{
	return h->hold && (!h->hold_until || h->hold_until > b->now);
}

static int class_key(const struct view_builder *b, const struct build_host *h, struct sut_buf *key)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < h->nsets && i < BUILD_SETS_MAX; i++)
		r = sut_buf_addf(key, "%lld,", (long long)h->sets[i]->id);
	if (r == 0)
		r = sut_buf_addf(key, "|%d|%s|%s|%s|%s|%u|%s|%s|%d|%lld|", h->registered,
				 or_empty(h->build_id), or_empty(h->kernel_id),
				 or_empty(h->release), or_empty(h->package_version), h->level,
				 or_empty(h->feed), or_empty(h->pin), holds(b, h),
				 holds(b, h) ? (long long)h->hold_until : 0);
	return r == 0 ? sut_buf_addstr(key, or_empty(h->libraries)) : r;
}

static uint32_t number(const json_t *of, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(of, name));

	return n > 0 && n <= INT32_MAX ? (uint32_t)n : 0;
}

/* What is no list of libraries is none: it comes from agents by way of the portal, and both were checked. */
static int read_libraries(struct strings *pool, const char *json, struct view_class *c)
{
	_cleanup_json_ json_t *j = json && *json ? json_loads(json, 0, NULL) : NULL;
	size_t n = json_array_size(j);

	if (n > VERDICT_LIBRARIES_MAX)
		n = VERDICT_LIBRARIES_MAX;
	if (!n)
		return 0;
	c->libraries = calloc(n, sizeof(*c->libraries));
	if (!c->libraries)
		return -ENOMEM;
	c->host.libraries = c->libraries;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(j, i);
		struct verdict_library *l = &c->libraries[i];
		const json_t *patched = json_object_get(o, "patched");

		l->name = strings_add(pool, sut_json_text(o, "name"));
		l->build_id = strings_add(pool, sut_json_text(o, "build_id"));
		l->version = strings_add(pool, sut_json_text(o, "version"));
		if (!l->name || !l->build_id || !l->version)
			return -ENOMEM;
		l->level = number(o, "level");
		l->processes = number(o, "processes");
		l->patched = json_is_integer(patched) ? number(o, "patched")
			     : l->level		      ? l->processes
						      : 0;
		c->host.nlibraries = i + 1;
	}
	return 0;
}

static const struct find_set nothing;

static int take_sets(struct view_class *c, const struct build_host *h)
{
	c->set = &nothing;
	for (size_t i = 0; i < h->nsets && i < BUILD_SETS_MAX; i++)
		c->sets[c->nsets++] = kept_set_ref(h->sets[i]);
	if (c->nsets == 1)
		c->set = &c->sets[0]->set;
	if (c->nsets < 2)
		return 0;
	for (size_t i = 0; i < c->nsets; i++)
		for (size_t k = 0; k < c->sets[i]->set.n; k++) {
			int r = find_set_add(&c->merged, &c->sets[i]->set.v[k]);

			if (r == -ENOMEM)
				return r;
		}
	find_set_settle(&c->merged);
	c->set = &c->merged;
	return 0;
}

static int make_class(struct view_builder *b, const struct build_host *h, const char *key)
{
	struct map_view *v = b->v;
	struct view_class *c;
	int r;

	if (grow((void **)&v->classes, &b->classes_cap, v->nclasses, sizeof(*v->classes)) < 0)
		return -ENOMEM;
	c = &v->classes[v->nclasses++];
	*c = (struct view_class){.key = key, .set = &nothing};
	c->host = (struct verdict_host){
		.registered = h->registered,
		.build_id = strings_add(v->pool, or_empty(h->build_id)),
		.kernel_id = strings_add(v->pool, or_empty(h->kernel_id)),
		.release = strings_add(v->pool, or_empty(h->release)),
		.package_version = strings_add(v->pool, or_empty(h->package_version)),
		.feed = strings_add(v->pool, or_empty(h->feed)),
		.pin = strings_add(v->pool, or_empty(h->pin)),
		.level = h->level,
		.hold = holds(b, h),
		.hold_until = holds(b, h) ? h->hold_until : 0,
		.now = b->now,
	};
	if (!c->host.build_id || !c->host.kernel_id || !c->host.release ||
	    !c->host.package_version || !c->host.feed || !c->host.pin)
		return -ENOMEM;
	r = read_libraries(v->pool, h->libraries, c);
	if (r == 0)
		verdict_bind(v->index, &c->host);
	return r == 0 ? take_sets(c, h) : r;
}

/* Keys are of the pool: equal ones are one pointer. */
static uint32_t *slot_of(uint32_t *slots, size_t n, const struct view_class *classes,
			 const char *key)
{
	size_t i = ((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15 >> 20 & (n - 1);

	while (slots[i] && classes[slots[i] - 1].key != key)
		i = (i + 1) & (n - 1);
	return &slots[i];
}

static int grow_slots(struct view_builder *b)
{
	size_t want = b->nslots * 2;
	uint32_t *more = calloc(want, sizeof(*more));

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < b->v->nclasses; i++)
		*slot_of(more, want, b->v->classes, b->v->classes[i].key) = (uint32_t)i + 1;
	free(b->slots);
	b->slots = more;
	b->nslots = want;
	return 0;
}

static int class_of(struct view_builder *b, const struct build_host *h, uint32_t *ret)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(KEY_MAX);
	const char *key;
	uint32_t *slot;
	int r = class_key(b, h, &text);

	if (r < 0)
		return -ENOMEM;
	key = strings_add(b->v->pool, sut_buf_str(&text));
	if (!key || (b->v->nclasses * 2 >= b->nslots && grow_slots(b) < 0))
		return -ENOMEM;
	slot = slot_of(b->slots, b->nslots, b->v->classes, key);
	if (!*slot) {
		r = make_class(b, h, key);
		if (r < 0)
			return r;
		*slot = (uint32_t)b->v->nclasses;
	}
	*ret = *slot - 1;
	b->v->classes[*ret].nhosts++;
	return 0;
}

/* --- hosts --- */

static int lower(struct strings *pool, const struct build_host *h, const char **ret)
{
	_cleanup_(sut_freep) char *s = sut_sprintf(
		"%s\n%s\n%s\n%s\n%s", or_empty(h->hostname), or_empty(h->fqdn),
		or_empty(h->system_id), or_empty(h->external_id), or_empty(h->addresses));

	for (char *p = s; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*ret = s ? strings_add(pool, s) : NULL;
	return *ret ? 0 : -ENOMEM;
}

int build_host(struct view_builder *b, const struct build_host *h, struct sut_err *err)
{
	struct map_view *v = b->v;
	struct view_host *to;
	size_t cap = b->hosts_cap;

	if (grow((void **)&v->hosts, &b->hosts_cap, v->nhosts, sizeof(*v->hosts)) < 0)
		return sut_err_oom(err);
	if (cap != b->hosts_cap) {
		const char **more = reallocarray(v->search, b->hosts_cap, sizeof(void *));

		if (!more) {
			b->hosts_cap = cap;
			return sut_err_oom(err);
		}
		v->search = more;
	}
	to = &v->hosts[v->nhosts];
	*to = (struct view_host){
		.id = h->id,
		.uid = strings_add(v->pool, or_empty(h->uid)),
		.system_id = strings_add(v->pool, or_empty(h->system_id)),
		.external_id = strings_add(v->pool, or_empty(h->external_id)),
		.hostname = strings_add(v->pool, or_empty(h->hostname)),
		.fqdn = strings_add(v->pool, or_empty(h->fqdn)),
		.feed = strings_add(v->pool, or_empty(h->feed)),
		.state = strings_add(v->pool, or_empty(h->state)),
		.tags = strings_add(v->pool, or_empty(h->tags)),
		.build_id = strings_add(v->pool, or_empty(h->build_id)),
		.release = strings_add(v->pool, or_empty(h->release)),
		.scanner = strings_add(v->pool, or_empty(h->scanner)),
		.scanned_at = h->scanned_at,
		.last_seen = h->last_seen,
		.level = h->level,
		.registered = h->registered,
		.silent = h->silent,
		.scanned = h->nsets > 0 && !h->damaged,
	};
	if (!to->uid || !to->system_id || !to->external_id || !to->hostname || !to->fqdn ||
	    !to->feed || !to->state || !to->tags || !to->build_id || !to->release || !to->scanner ||
	    lower(v->pool, h, &v->search[v->nhosts]) < 0 || class_of(b, h, &to->class) < 0)
		return sut_err_oom(err);
	v->nhosts++;
	return 0;
}

int build_end(struct view_builder *b, struct map_view **ret, struct sut_err *err)
{
	struct map_view *v = b->v;

	if (view_compute(v) < 0) {
		build_free(b);
		return sut_err_oom(err);
	}
	v->took = sut_now_s() - b->begun;
	b->v = NULL;
	build_free(b);
	*ret = v;
	return 0;
}
