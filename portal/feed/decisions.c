// SPDX-License-Identifier: Apache-2.0
#include "feed/decisions.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "db/db.h"
#include "feed/view.h"
#include "portal.h"

enum {
	BUCKETS = 4096,
	VIEWS_MAX = 8192,
	BYTES_MAX = 64 << 20,
	BUILD_ID_MAX = 64,
};

/* A view in the cache, in a bucket's chain and in the list of use. */
struct slot {
	struct slot *chain;
	struct slot *newer, *older;
	struct view *view; /* one reference */
	int64_t feed;
	char build_id[BUILD_ID_MAX + 1];
};

struct decisions {
	pthread_mutex_t lock;
	struct slot *bucket[BUCKETS];
	struct slot *newest, *oldest;
	size_t n, bytes;
	int64_t generation; /* of all that is in it */
};

int decisions_new(struct decisions **ret, struct sut_err *err)
{
	struct decisions *d = calloc(1, sizeof(*d));

	if (!d)
		return sut_err_oom(err);
	pthread_mutex_init(&d->lock, NULL);
	*ret = d;
	return 0;
}

void decisions_put(const struct feed_view *v)
{
	struct view *w = (struct view *)v;

	if (w && atomic_fetch_sub(&w->refs, 1) == 1)
		view_free(w);
}

void decisions_putp(const struct feed_view **v)
{
	decisions_put(*v);
}

static struct slot **bucket_of(struct decisions *d, int64_t feed, const char *build_id)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)feed;

	for (; *build_id; build_id++)
		h = (h ^ (uint8_t)*build_id) * UINT64_C(1099511628211);
	return &d->bucket[(h >> 20) % BUCKETS];
}

static void unlink_use(struct decisions *d, struct slot *s)
{
	*(s->newer ? &s->newer->older : &d->newest) = s->older;
	*(s->older ? &s->older->newer : &d->oldest) = s->newer;
}

static void link_newest(struct decisions *d, struct slot *s)
{
	s->newer = NULL;
	s->older = d->newest;
	*(d->newest ? &d->newest->newer : &d->oldest) = s;
	d->newest = s;
}

static void drop(struct decisions *d, struct slot *s)
{
	struct slot **at = bucket_of(d, s->feed, s->build_id);

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	unlink_use(d, s);
	d->n--;
	d->bytes -= s->view->bytes;
	decisions_put(&s->view->pub);
	free(s);
}

/* Nothing of an earlier generation stays. Threads may come with the one before: they do not go back. */
static void follow(struct decisions *d, int64_t generation)
{
	if (generation <= d->generation)
		return;
	while (d->newest)
		drop(d, d->newest);
	d->generation = generation;
}

void decisions_free(struct decisions *d)
{
	if (!d)
		return;
	while (d->newest)
		drop(d, d->newest);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static struct slot *find(struct decisions *d, int64_t feed, const char *build_id)
{
	struct slot *s = *bucket_of(d, feed, build_id);

	while (s && (s->feed != feed || strcmp(s->build_id, build_id) != 0))
		s = s->chain;
	return s;
}

static struct view *lookup(struct decisions *d, int64_t generation, int64_t feed,
			   const char *build_id)
{
	struct view *v = NULL;
	struct slot *s;

	pthread_mutex_lock(&d->lock);
	follow(d, generation);
	s = find(d, feed, build_id);
	if (s) {
		unlink_use(d, s);
		link_newest(d, s);
		v = s->view;
		atomic_fetch_add(&v->refs, 1);
	}
	pthread_mutex_unlock(&d->lock);
	return v;
}

/* Takes a reference of its own. Without memory it is not kept, which does no harm. */
static void insert(struct decisions *d, int64_t generation, int64_t feed, const char *build_id,
		   struct view *v)
{
	struct slot *s = calloc(1, sizeof(*s)), **bucket;

	if (!s)
		return;
	s->feed = feed;
	snprintf(s->build_id, sizeof(s->build_id), "%s", build_id);
	s->view = v;
	pthread_mutex_lock(&d->lock);
	/* Two threads may have read the same. */
	if (d->generation != generation || find(d, feed, build_id)) {
		pthread_mutex_unlock(&d->lock);
		free(s);
		return;
	}
	atomic_fetch_add(&v->refs, 1);
	bucket = bucket_of(d, feed, build_id);
	s->chain = *bucket;
	*bucket = s;
	link_newest(d, s);
	d->n++;
	d->bytes += v->bytes;
	while (d->n > VIEWS_MAX || (d->bytes > BYTES_MAX && d->n > 1))
		drop(d, d->oldest);
	pthread_mutex_unlock(&d->lock);
}

static int read_generation(struct sut_db *db, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, "SELECT value FROM meta WHERE name = 'generation'", SUT_DB_NONE,
			   &rows, err);

	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

/* fresh: of decisions_get_library(), or NULL. */
static int get(struct portal *p, struct sut_db *db, int64_t feed, const char *build_id,
	       unsigned int *fresh, const struct feed_view **ret, struct sut_err *err)
{
	struct decisions *d = strlen(build_id) <= BUILD_ID_MAX ? p->decisions : NULL;
	int64_t generation = atomic_load(&p->s.generation), stored = -1;
	struct view *v = d ? lookup(d, generation, feed, build_id) : NULL;
	int r;

	if (!v && fresh && !*fresh)
		return 0;
	if (!v) {
		/* Only what this transaction sees at the generation that all have heard of may be
		 * kept: its own changes may still be rolled back. */
		r = d ? read_generation(db, &stored, err) : 0;
		if (r == 0)
			r = view_read(db, feed, build_id, &v, err);
		if (r < 0)
			return r;
		if (fresh)
			--*fresh;
		if (fresh && !v->pub.n) {
			decisions_put(&v->pub);
			return 0;
		}
		if (d && stored == generation)
			insert(d, generation, feed, build_id, v);
	}
	*ret = &v->pub;
	return 0;
}

int decisions_get(struct portal *p, struct sut_db *db, int64_t feed, const char *build_id,
		  const struct feed_view **ret, struct sut_err *err)
{
	return get(p, db, feed, build_id, NULL, ret, err);
}

int decisions_get_library(struct portal *p, struct sut_db *db, int64_t feed, const char *build_id,
			  unsigned int *fresh, const struct feed_view **ret, struct sut_err *err)
{
	*ret = NULL;
	return get(p, db, feed, build_id, fresh, ret, err);
}

/* When the patchset of a pin was made, for kernels it has nothing for. */
static int resolve_pin(struct sut_db *db, const struct feed_view *view, struct feed_pin *pin,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	if (pin->kind != FEED_PIN_PATCHSET)
		return 0;
	for (size_t i = 0; i < view->n; i++)
		if (!strcmp(view->v[i].patchset, pin->patchset))
			return 0;
	r = sut_db_one(db, "SELECT created FROM patchsets WHERE name = $1",
		       SUT_DB_ARGS(SUT_DB_T(pin->patchset)), &rows, err);
	if (r > 0)
		pin->created = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

int decide_for(struct sut_db *db, const struct feed_view *view, const struct decide_policy *policy,
	       struct decide_in *ret_in, struct decide_out *ret, struct sut_err *err)
{
	struct decide_in in = {
		.v = view->v,
		.n = view->n,
		.now = policy->now,
		.running = policy->running,
		.running_patchset = policy->running_patchset,
		.delay_sec = policy->has_delay ? policy->delay_hours * 3600 : view->delay_sec,
		.pin = view->pin,
		.hold = policy->hold,
		.hold_until = policy->hold_until,
		.hold_reason = policy->hold_reason,
	};
	int r = 0;

	if (policy->pin && *policy->pin)
		r = feed_pin_parse(policy->pin, &in.pin, err);
	/* Levels are those of one build. */
	if (policy->library && in.pin.kind == FEED_PIN_LEVEL)
		in.pin = (struct feed_pin){0};
	if (r == 0)
		r = resolve_pin(db, view, &in.pin, err);
	if (r < 0)
		return r;
	decide(&in, ret);
	*ret_in = in;
	return 0;
}
