// SPDX-License-Identifier: Apache-2.0
#include "map/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "live/live.h"
#include "map/history.h"
#include "map/load.h"
#include "task_list.h"

enum { AGAIN_SEC = 600 /* what only time changes: stale scans */ };

struct tenant_map {
	struct tenant_map *next;
	int64_t tenant;
	struct map_view *view; /* under map.lock; NULL: none yet */
	struct loaded loaded;  /* under map.build */
};

struct map {
	pthread_mutex_t lock;  /* the list, and which view is the present one */
	pthread_mutex_t build; /* one at a time: they are large */
	struct tenant_map *tenants;
};

int map_new(struct map **ret, struct sut_err *err)
{
	struct map *m = calloc(1, sizeof(*m));

	if (!m)
		return sut_err_oom(err);
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->build, NULL);
	*ret = m;
	return 0;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	while (m->tenants) {
		struct tenant_map *t = m->tenants;

		m->tenants = t->next;
		view_put(t->view);
		loaded_release(&t->loaded);
		free(t);
	}
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->build);
	free(m);
}

/* NULL: no memory. */
static struct tenant_map *tenant_of(struct map *m, int64_t tenant)
{
	struct tenant_map *t;

	pthread_mutex_lock(&m->lock);
	for (t = m->tenants; t && t->tenant != tenant; t = t->next)
		;
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (t) {
			t->tenant = tenant;
			t->next = m->tenants;
			m->tenants = t;
		}
	}
	pthread_mutex_unlock(&m->lock);
	return t;
}

static struct map_view *present(struct map *m, struct tenant_map *t)
{
	struct map_view *v;

	pthread_mutex_lock(&m->lock);
	v = view_ref(t->view);
	pthread_mutex_unlock(&m->lock);
	return v;
}

/* *ret_before: the one that was the present one; the caller's. */
static void put_in_place(struct map *m, struct tenant_map *t, struct map_view *v,
			 struct map_view **ret_before)
{
	pthread_mutex_lock(&m->lock);
	*ret_before = t->view;
	t->view = view_ref(v);
	pthread_mutex_unlock(&m->lock);
}

/* Under map.build. */
static int make(struct map *m, struct tenant_map *t, struct sut_db *db, int64_t now,
		struct map_view **ret, struct map_view **ret_before, struct sut_err *err)
{
	struct map_view *v = NULL;
	int r = load_view(db, t->tenant, now, &t->loaded, &v, err);

	if (r < 0)
		return r;
	put_in_place(m, t, v, ret_before);
	*ret = v;
	return 0;
}

static int is_old(struct sut_db *db, const struct map_view *v, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(db, "SELECT value FROM meta WHERE name = 'generation'", SUT_DB_NONE,
			   &row, err);

	return r > 0 ? sut_db_int(row, 0) != view_generation(v) : r;
}

int map_view(struct console *c, struct sut_db *db, int64_t tenant, struct map_view **ret,
	     struct sut_err *err)
{
	struct tenant_map *t = tenant_of(c->map, tenant);
	_cleanup_(view_putp) struct map_view *v = t ? present(c->map, t) : NULL, *before = NULL;
	int r = t ? 0 : sut_err_oom(err);

	/* A task follows the changes; without, each caller does. */
	if (v && !c->s.tasks)
		r = is_old(db, v, err);
	if (r < 0)
		return r;
	if (v && r == 0) {
		*ret = sut_steal(v);
		return 0;
	}
	view_put(sut_steal(v));
	pthread_mutex_lock(&c->map->build);
	/* Somebody else made it meanwhile. */
	if (c->s.tasks)
		v = present(c->map, t);
	r = v ? 0 : make(c->map, t, db, c->s.clock(c->s.clock_ctx), &v, &before, err);
	pthread_mutex_unlock(&c->map->build);
	if (r == 0)
		*ret = sut_steal(v);
	return r;
}

int map_coverage(struct console *c, struct sut_db *db, int64_t tenant, struct map_index **ret,
		 struct sut_err *err)
{
	static const char none[] = "{\"format\":\"suture-coverage\",\"targets\":[]}";
	struct tenant_map *t = tenant_of(c->map, tenant);
	int r;

	if (!t)
		return sut_err_oom(err);
	pthread_mutex_lock(&c->map->build);
	r = load_index(db, tenant, &t->loaded, err);
	if (r == 0 && !t->loaded.index)
		r = index_new(none, sizeof(none) - 1, ret, err);
	else if (r == 0)
		*ret = index_ref(t->loaded.index);
	pthread_mutex_unlock(&c->map->build);
	return r;
}

/* --- the task --- */

static bool is_due(const struct console *c, const struct tenant_map *t, const struct map_view *v,
		   int64_t now)
{
	return !v || view_generation(v) < atomic_load(&c->s.generation) ||
	       now >= t->loaded.valid_until || now >= view_at(v) + AGAIN_SEC;
}

/* What is felt is logged. */
static void tell_slow(int64_t tenant, const struct map_view *v)
{
	char id[24], systems[24], classes[24], seconds[24];

	if (view_took(v) < 0.2)
		return;
	snprintf(id, sizeof(id), "%lld", (long long)tenant);
	snprintf(systems, sizeof(systems), "%u", view_totals(v)->systems);
	snprintf(classes, sizeof(classes), "%u", view_totals(v)->classes);
	snprintf(seconds, sizeof(seconds), "%.2f", view_took(v));
	server_log("info", "mapped", "tenant", id, "systems", systems, "classes", classes,
		   "seconds", seconds, NULL);
}

static int follow(struct console *c, struct sut_db *db, int64_t tenant, int64_t now,
		  struct sut_err *err)
{
	struct tenant_map *t = tenant_of(c->map, tenant);
	_cleanup_(view_putp) struct map_view *v = NULL, *before = NULL;
	int r;

	if (!t)
		return sut_err_oom(err);
	v = present(c->map, t);
	if (!is_due(c, t, v, now))
		return 0;
	view_put(sut_steal(v));
	pthread_mutex_lock(&c->map->build);
	r = sut_db_begin(db, SUT_DB_READ, err);
	if (r == 0) {
		r = make(c->map, t, db, now, &v, &before, err);
		sut_db_rollback(db);
	}
	pthread_mutex_unlock(&c->map->build);
	if (r == 0)
		tell_slow(tenant, v);
	return r == 0 ? history_note(c, db, tenant, v, before, now, err) : r;
}

static int list_tenants(struct sut_db *db, int64_t *v, size_t max, size_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	size_t n = 0;
	int r = sut_db_query(db, "SELECT DISTINCT tenant FROM hosts ORDER BY tenant", SUT_DB_NONE,
			     &rows, err);

	while (r >= 0 && n < max && (r = sut_db_next(rows, err)) > 0)
		v[n++] = sut_db_int(rows, 0);
	*ret = n;
	return r < 0 ? r : 0;
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	enum { TENANTS_MAX = 1024 };
	struct console *c = console_of(s);
	int64_t tenants[TENANTS_MAX];
	size_t n = 0;
	int r = list_tenants(db, tenants, TENANTS_MAX, &n, err);

	for (size_t i = 0; r == 0 && i < n && !atomic_load(&s->stopping); i++)
		r = follow(c, db, tenants[i], now, err);
	return r;
}

const struct task task_map = {
	.name = "map",
	.every_sec = 30,
	.on_touch = true,
	.run = run,
};
