// SPDX-License-Identifier: Apache-2.0
/*
 * The task that delivers webhooks. One thread reads and writes the database; up to WEBHOOK_IN_FLIGHT others
 * only POST, so a receiver that is slow costs its own slots and no more.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "auth/token.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/http.h"
#include "portal.h"
#include "task.h"
#include "web/web.h"
#include "webhook.h"

enum {
	RUN_SEC = 60,	    /* a run takes about so long at most, then others may have the lock */
	EVENTS_BATCH = 500, /* events made into deliveries in one transaction */
	POSTPONE_MAX_SEC = 60,
	RETRY_AFTER_MAX_SEC = 6 * 60 * 60,
};

/* --- events become deliveries --- */

struct hook {
	int64_t id, tenant, seen;
	char *tenant_name;
	json_t *events;
};

static void hooks_free(struct hook *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].tenant_name);
		json_decref(v[i].events);
	}
	free(v);
}

static int hooks_read(struct sut_db *db, struct hook **ret, size_t *ret_n, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct hook *v = NULL;
	size_t n = 0;
	int k = sut_db_query(
		db,
		"SELECT w.id, w.tenant, w.seen_event, t.name, w.events FROM webhooks w "
		"JOIN tenants t ON t.id = w.tenant "
		"WHERE w.active = 1 AND t.disabled IS NULL ORDER BY w.id",
		SUT_DB_NONE, &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		struct hook *more = reallocarray(v, n + 1, sizeof(*v));

		if (!more) {
			k = sut_err_oom(err);
			break;
		}
		v = more;
		v[n] = (struct hook){
			.id = sut_db_int(rows, 0),
			.tenant = sut_db_int(rows, 1),
			.seen = sut_db_int(rows, 2),
			.tenant_name = strdup(sut_db_text(rows, 3)),
			.events = json_loads(sut_db_text(rows, 4), 0, NULL),
		};
		n++;
		if (!v[n - 1].tenant_name) {
			k = sut_err_oom(err);
			break;
		}
	}
	if (k < 0) {
		hooks_free(v, n);
		return k;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static bool wants(const struct hook *h, const char *type)
{
	size_t i;
	json_t *item;

	json_array_foreach(h->events, i, item) {
		const char *s = json_string_value(item);

		if (s && (strcmp(s, "*") == 0 || strcmp(s, type) == 0))
			return true;
	}
	return false;
}

/*
 * The last event below which no more can appear. On PostgreSQL numbers are given before the commit, so an
 * event with a smaller number may still be on its way: the lock waits for those, and lets no new
 * ones in for the moment that takes. 0: could not tell now.
 */
static int last_event(struct sut_db *db, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k;

	if (sut_db_engine(db) == SUT_DB_PGSQL) {
		k = sut_db_exec(db, "SET LOCAL lock_timeout = '2s'", SUT_DB_NONE, NULL, err);
		if (k == 0)
			k = sut_db_exec(db, "LOCK TABLE events IN SHARE MODE", SUT_DB_NONE, NULL,
					err);
		if (k < 0)
			return k;
	}
	k = sut_db_one(db, "SELECT COALESCE(MAX(id), 0) FROM events", SUT_DB_NONE, &row, err);
	if (k < 0)
		return k;
	*ret = row ? sut_db_int(row, 0) : 0;
	return 0;
}

static char *event_body(const struct hook *h, const struct sut_db_rows *event)
{
	json_t *data = json_loads(sut_db_text(event, 3), 0, NULL);
	json_t *body;
	char *text;

	body = json_pack("{s:s, s:o, s:s, s:o}", "type", sut_db_text(event, 2), "timestamp",
			 web_time(sut_db_int(event, 1)), "tenant", h->tenant_name, "data",
			 data ? data : json_object());
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return text;
}

static int insert(struct sut_db *db, const struct hook *h, const struct sut_db_rows *event,
		  int64_t now, struct sut_err *err)
{
	_cleanup_(sut_freep) char *body = event_body(h, event);
	char uid[SUT_UID_LEN + 1];
	int k;

	if (!body)
		return sut_err_oom(err);
	k = sut_uid_make(uid, err);
	if (k < 0)
		return k;
	return sut_db_exec(
		db,
		"INSERT INTO deliveries (uid, webhook, event, type, body, created, next_try) "
		"VALUES ($1, $2, $3, $4, $5, $6, $6)",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(h->id), SUT_DB_I(sut_db_int(event, 0)),
			    SUT_DB_T(sut_db_text(event, 2)), SUT_DB_T(body), SUT_DB_I(now)),
		NULL, err);
}

/* One batch for one webhook, in the caller's transaction. 1: there may be more; 0: done. */
static int fan_out_batch(struct sut_db *db, struct hook *h, int64_t last, int64_t now,
			 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t at = h->seen, changed = 0;
	size_t n = 0;
	int k = sut_db_query(db,
			     "SELECT id, at, type, data FROM events WHERE id > $1 AND id <= $2 AND "
			     "(tenant = $3 OR tenant = 0) ORDER BY id LIMIT $4",
			     SUT_DB_ARGS(SUT_DB_I(h->seen), SUT_DB_I(last), SUT_DB_I(h->tenant),
					 SUT_DB_I(EVENTS_BATCH)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		n++;
		at = sut_db_int(rows, 0);
		if (wants(h, sut_db_text(rows, 2)))
			k = insert(db, h, rows, now, err);
	}
	if (k < 0)
		return k;
	if (n < EVENTS_BATCH)
		at = last;
	/* Were another portal at it too, one of the two finds that nothing changed, and takes all back. */
	k = sut_db_exec(db, "UPDATE webhooks SET seen_event = $2 WHERE id = $1 AND seen_event = $3",
			SUT_DB_ARGS(SUT_DB_I(h->id), SUT_DB_I(at), SUT_DB_I(h->seen)), &changed,
			err);
	if (k < 0)
		return k;
	if (changed != 1)
		return sut_err_set(err, EAGAIN, "another portal has made these deliveries");
	h->seen = at;
	return n < EVENTS_BATCH ? 0 : 1;
}

static int fan_out_hook(struct sut_db *db, struct hook *h, int64_t last, int64_t now,
			struct sut_err *err)
{
	int more = 1;

	while (more > 0) {
		int k = sut_db_begin(db, SUT_DB_WRITE, err);

		if (k < 0)
			return k;
		more = fan_out_batch(db, h, last, now, err);
		k = more < 0 ? more : sut_db_commit(db, err);
		if (k < 0) {
			sut_db_rollback(db);
			return k == -EAGAIN ? 0 : k;
		}
	}
	return 0;
}

static int fan_out(struct sut_db *db, int64_t now, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct hook *v = NULL;
	int64_t last = 0;
	size_t n = 0;
	int k;

	/* Without locks: is there anything to do at all? */
	k = sut_db_one(db,
		       "SELECT 1 FROM webhooks w JOIN tenants t ON t.id = w.tenant "
		       "WHERE w.active = 1 AND t.disabled IS NULL AND "
		       "w.seen_event < (SELECT COALESCE(MAX(id), 0) FROM events) LIMIT 1",
		       SUT_DB_NONE, &row, err);
	if (k <= 0)
		return k;
	sut_db_rows_free(sut_steal(row));
	k = sut_db_begin(db, SUT_DB_WRITE, err);
	if (k < 0)
		return k;
	k = last_event(db, &last, err);
	if (k == 0)
		k = sut_db_commit(db, err);
	if (k < 0) {
		sut_db_rollback(db);
		return k;
	}
	k = hooks_read(db, &v, &n, err);
	for (size_t i = 0; k == 0 && i < n; i++)
		if (v[i].seen < last)
			k = fan_out_hook(db, &v[i], last, now, err);
	hooks_free(v, n);
	return k;
}

/* --- deliveries are sent --- */

struct flight {
	int64_t delivery, webhook, tenant, attempts, created;
	char uid[SUT_UID_LEN + 1];
	char hook_uid[SUT_UID_LEN + 1];
	char *url, *secret, *body;
	int64_t timestamp;
	/* what came of it */
	int status;		  /* 0: no answer */
	const char *error;	  /* "" when it was taken */
	unsigned int retry_after; /* seconds */
	struct flight *next;
};

struct crew {
	const struct portal *portal;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct flight *todo, *landed;
	struct flight
		*all[WEBHOOK_IN_FLIGHT]; /* in flight or landed; of the database's thread only */
	size_t n;
	pthread_t threads[WEBHOOK_IN_FLIGHT];
	size_t nthreads, idle, queued;
	bool stop;
};

static void flight_free(struct flight *f)
{
	if (!f)
		return;
	if (f->secret)
		explicit_bzero(f->secret, strlen(f->secret));
	free(f->url);
	free(f->secret);
	free(f->body);
	free(f);
}

/* In words that tell nothing of the URL, because those who may not see it read them. */
static const char *failure(int code)
{
	switch (code) {
	case -ETIMEDOUT:
		return "no answer in time";
	case -ECONNREFUSED:
		return "connection refused";
	case -EHOSTUNREACH:
		return "host not found or not reachable";
	case -EPROTO:
		return "TLS failed; look at the receiver's certificate";
	case -EACCES:
		return "the host is this machine or its link, which is not allowed";
	case -EFBIG:
		return "the answer is larger than 64 KiB";
	case -ENOMEM:
		return "this portal is short of memory";
	default:
		return "the connection failed";
	}
}

static void post(struct sut_http *http, struct flight *f)
{
	struct sut_http_answer answer = {.body = SUT_BUF_INIT(WEBHOOK_ANSWER_MAX)};
	char signature[WEBHOOK_SIGNATURE_MAX];
	_cleanup_strv_ struct sut_strv headers = {0};
	int k = http ? webhook_sign(f->secret, f->uid, f->timestamp, f->body, signature, NULL)
		     : -ENOMEM;

	if (k == 0 &&
	    (sut_strv_add(&headers, "Content-Type: application/json") < 0 ||
	     sut_strv_addf(&headers, "webhook-id: %s", f->uid) < 0 ||
	     sut_strv_addf(&headers, "webhook-timestamp: %lld", (long long)f->timestamp) < 0 ||
	     sut_strv_addf(&headers, "webhook-signature: %s", signature) < 0))
		k = -ENOMEM;
	if (k == 0)
		k = sut_http_request(http, "POST", f->url, (const char *const *)headers.v, f->body,
				     strlen(f->body), &answer, NULL);
	if (k < 0) {
		f->error = failure(k);
	} else {
		f->status = answer.status;
		f->retry_after = answer.retry_after;
		f->error = answer.status >= 200 && answer.status < 300 ? ""
								       : "refused by the receiver";
		if (answer.status >= 300 && answer.status < 400)
			f->error = "redirects are not followed; set the URL it leads to";
	}
	sut_buf_release(&answer.body);
}

static void *worker(void *arg)
{
	struct crew *c = arg;
	const struct sut_http_opts opts = {
		.user_agent = "suture-portal/" SUTURE_VERSION,
		.no_private = !c->portal->conf.private_webhooks,
		.connect_sec = WEBHOOK_ANSWER_SEC / 2,
		.total_sec = WEBHOOK_ANSWER_SEC,
	};
	_cleanup_(sut_http_freep) struct sut_http *http = NULL;

	if (sut_http_new(&opts, &http, NULL) < 0)
		http = NULL;
	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct flight *f;

		c->idle++;
		while (!c->todo && !c->stop)
			pthread_cond_wait(&c->work, &c->lock);
		c->idle--;
		f = c->todo;
		if (!f)
			break;
		c->todo = f->next;
		c->queued--;
		pthread_mutex_unlock(&c->lock);
		post(http, f);
		pthread_mutex_lock(&c->lock);
		f->next = c->landed;
		c->landed = f;
		pthread_cond_signal(&c->done);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Hands f to a thread, a new one when all are busy. */
static int launch(struct crew *c, struct flight *f, struct sut_err *err)
{
	int k = 0;

	pthread_mutex_lock(&c->lock);
	if (c->idle <= c->queued && c->nthreads < WEBHOOK_IN_FLIGHT) {
		k = pthread_create(&c->threads[c->nthreads], NULL, worker, c);
		if (k == 0)
			c->nthreads++;
	}
	if (c->nthreads > 0) {
		f->next = c->todo;
		c->todo = f;
		c->queued++;
		c->all[c->n++] = f;
		pthread_cond_signal(&c->work);
	}
	pthread_mutex_unlock(&c->lock);
	return c->nthreads > 0 ? 0 : sut_err_set(err, k, "no thread could be started");
}

static size_t in_flight_to(const struct crew *c, int64_t webhook)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->all[i]->webhook == webhook;
	return n;
}

static bool is_in_flight(const struct crew *c, int64_t delivery)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->all[i]->delivery == delivery)
			return true;
	return false;
}

static struct flight *flight_make(const struct sut_db_rows *row, int64_t now)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->delivery = sut_db_int(row, 0);
	f->webhook = sut_db_int(row, 1);
	f->attempts = sut_db_int(row, 2);
	f->created = sut_db_int(row, 3);
	(void)snprintf(f->uid, sizeof(f->uid), "%s", sut_db_text(row, 4));
	f->url = strdup(sut_db_text(row, 5));
	f->secret = strdup(sut_db_text(row, 6));
	f->body = strdup(sut_db_text(row, 7));
	f->tenant = sut_db_int(row, 8);
	(void)snprintf(f->hook_uid, sizeof(f->hook_uid), "%s", sut_db_text(row, 9));
	f->timestamp = now;
	f->error = "";
	if (f->url && f->secret && f->body)
		return f;
	flight_free(f);
	return NULL;
}

/* Sends what is due to one webhook, as far as slots go. */
static int launch_hook(struct crew *c, struct sut_db *db, int64_t webhook, int64_t now,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(
		db,
		"SELECT d.id, d.webhook, d.attempts, d.created, d.uid, w.url, w.secret, "
		"d.body, w.tenant, w.uid FROM deliveries d "
		"JOIN webhooks w ON w.id = d.webhook "
		"WHERE d.webhook = $1 AND d.next_try <= $2 ORDER BY d.next_try, d.id "
		"LIMIT $3",
		SUT_DB_ARGS(SUT_DB_I(webhook), SUT_DB_I(now), SUT_DB_I(2 * WEBHOOK_EACH)), &rows,
		err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		struct flight *f;

		if (c->n == WEBHOOK_IN_FLIGHT || in_flight_to(c, webhook) >= WEBHOOK_EACH)
			return 0;
		if (is_in_flight(c, sut_db_int(rows, 0)))
			continue;
		f = flight_make(rows, now);
		k = f ? launch(c, f, err) : sut_err_oom(err);
		if (k < 0)
			flight_free(f);
	}
	return k;
}

static int launch_due(struct crew *c, struct sut_db *db, int64_t now, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	/* Those that waited longest first. */
	int k = sut_db_query(db,
			     "SELECT w.id, MIN(d.next_try) FROM webhooks w "
			     "JOIN deliveries d ON d.webhook = w.id "
			     "JOIN tenants t ON t.id = w.tenant "
			     "WHERE w.active = 1 AND t.disabled IS NULL AND d.next_try <= $1 "
			     "GROUP BY w.id ORDER BY 2, w.id",
			     SUT_DB_ARGS(SUT_DB_I(now)), &rows, err);

	while (k >= 0 && c->n < WEBHOOK_IN_FLIGHT && (k = sut_db_next(rows, err)) > 0)
		k = launch_hook(c, db, sut_db_int(rows, 0), now, err);
	return k < 0 ? k : 0;
}

/* --- and what came of them is written down --- */

static int disable(struct sut_db *db, const struct flight *f, int64_t now, struct sut_err *err)
{
	_cleanup_(sut_freep) char *data = sut_sprintf("{\"webhook\":\"%s\"}", f->hook_uid);
	int64_t changed = 0;
	int k;

	if (!data)
		return sut_err_oom(err);
	k = sut_db_exec(db,
			"UPDATE webhooks SET active = 0, version = version + 1 "
			"WHERE id = $1 AND active = 1",
			SUT_DB_ARGS(SUT_DB_I(f->webhook)), &changed, err);
	if (k < 0 || changed == 0)
		return k;
	k = sut_db_exec(db,
			"UPDATE deliveries SET next_try = NULL WHERE webhook = $1 AND "
			"next_try IS NOT NULL",
			SUT_DB_ARGS(SUT_DB_I(f->webhook)), NULL, err);
	if (k == 0)
		k = sut_db_exec(
			db,
			"INSERT INTO audit (tenant, at, actor_kind, actor, action, object_kind, "
			"object, detail, address, request_id) VALUES ($1, $2, 'portal', '', "
			"'webhook.disable', 'webhook', $3, $4, '', '')",
			SUT_DB_ARGS(SUT_DB_I(f->tenant), SUT_DB_I(now), SUT_DB_T(f->hook_uid),
				    SUT_DB_T("{\"reason\":\"failed for 5 days\"}")),
			NULL, err);
	if (k == 0)
		k = sut_db_exec(db,
				"INSERT INTO events (tenant, at, type, data) "
				"VALUES ($1, $2, 'webhook.disabled', $3)",
				SUT_DB_ARGS(SUT_DB_I(f->tenant), SUT_DB_I(now), SUT_DB_T(data)),
				NULL, err);
	return k;
}

static int taken(struct sut_db *db, const struct flight *f, int64_t now, struct sut_err *err)
{
	int k = sut_db_exec(
		db,
		"UPDATE deliveries SET attempts = attempts + 1, status = $2, error = '', "
		"delivered = $3, next_try = NULL WHERE id = $1",
		SUT_DB_ARGS(SUT_DB_I(f->delivery), SUT_DB_I(f->status), SUT_DB_I(now)), NULL, err);

	if (k < 0)
		return k;
	return sut_db_exec(db,
			   "UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND "
			   "failing_since IS NOT NULL",
			   SUT_DB_ARGS(SUT_DB_I(f->webhook)), NULL, err);
}

static int failed(struct sut_db *db, const struct flight *f, int64_t now, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int64_t wait = webhook_wait(f->attempts + 1), asked = f->retry_after, next;
	bool again;
	int k;

	if (asked > RETRY_AFTER_MAX_SEC)
		asked = RETRY_AFTER_MAX_SEC;
	next = now + (asked > wait ? asked : wait);
	k = sut_db_one(db,
		       "UPDATE webhooks SET failing_since = COALESCE(failing_since, $2) "
		       "WHERE id = $1 RETURNING failing_since, active",
		       SUT_DB_ARGS(SUT_DB_I(f->webhook), SUT_DB_I(now)), &row, err);
	if (k <= 0) /* it was deleted meanwhile, and this delivery with it */
		return k;
	/* Disabled while this was in flight: nothing waits for it any more. */
	again = sut_db_int(row, 1) && next < f->created + WEBHOOK_TRY_SEC;
	k = sut_db_exec(db,
			"UPDATE deliveries SET attempts = attempts + 1, status = $2, error = $3, "
			"next_try = $4 WHERE id = $1",
			SUT_DB_ARGS(SUT_DB_I(f->delivery), SUT_DB_I_IF(f->status, f->status),
				    SUT_DB_T(f->error), SUT_DB_I_IF(again, next)),
			NULL, err);
	/* What else waits for this receiver need not find out the same right now. */
	if (next > now + POSTPONE_MAX_SEC)
		next = now + POSTPONE_MAX_SEC;
	if (k == 0)
		k = sut_db_exec(db,
				"UPDATE deliveries SET next_try = CASE WHEN created < $3 THEN NULL "
				"ELSE $2 END WHERE webhook = $1 AND next_try < $2",
				SUT_DB_ARGS(SUT_DB_I(f->webhook), SUT_DB_I(next),
					    SUT_DB_I(next - WEBHOOK_TRY_SEC)),
				NULL, err);
	if (k < 0)
		return k;
	return sut_db_int(row, 0) <= now - WEBHOOK_FAIL_SEC ? disable(db, f, now, err) : 0;
}

/* Waits up to ms for one to land, and takes all that have. */
static struct flight *land(struct crew *c, unsigned int ms)
{
	struct flight *list;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_mutex_lock(&c->lock);
	while (!c->landed && pthread_cond_timedwait(&c->done, &c->lock, &t) == 0)
		;
	list = c->landed;
	c->landed = NULL;
	pthread_mutex_unlock(&c->lock);
	return list;
}

static int note(struct sut_db *db, const struct flight *list, int64_t now, struct sut_err *err)
{
	int k = list ? sut_db_begin(db, SUT_DB_WRITE, err) : 0;

	if (k < 0 || !list)
		return k;
	for (const struct flight *f = list; f && k == 0; f = f->next)
		k = f->error[0] ? failed(db, f, now, err) : taken(db, f, now, err);
	if (k == 0)
		k = sut_db_commit(db, err);
	if (k < 0)
		sut_db_rollback(db);
	return k;
}

static void forget(struct crew *c, struct flight *list)
{
	while (list) {
		struct flight *next = list->next;

		for (size_t i = 0; i < c->n; i++)
			if (c->all[i] == list)
				c->all[i] = c->all[--c->n];
		flight_free(list);
		list = next;
	}
}

static int64_t clock_of(struct portal *p)
{
	return p->clock(p->clock_ctx);
}

static int fly(struct crew *c, struct portal *p, struct sut_db *db, struct sut_err *err)
{
	struct timespec start, t;
	int k = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		struct flight *list;
		bool more;

		clock_gettime(CLOCK_MONOTONIC, &t);
		more = k == 0 && t.tv_sec - start.tv_sec < RUN_SEC && !atomic_load(&p->stopping);
		if (more)
			k = fan_out(db, clock_of(p), err);
		if (more && k == 0)
			k = launch_due(c, db, clock_of(p), err);
		if (c->n == 0)
			return k;
		/* Every second new events are looked for, however slow those in flight are. */
		list = land(c, 1000);
		if (k == 0)
			k = note(db, list, clock_of(p), err);
		else /* sent again later: better twice than never */
			(void)note(db, list, clock_of(p), NULL);
		forget(c, list);
	}
}

static int clean(struct sut_db *db, int64_t now, struct sut_err *err)
{
	return sut_db_exec(db, "DELETE FROM deliveries WHERE created < $1 AND next_try IS NULL",
			   SUT_DB_ARGS(SUT_DB_I(now - WEBHOOK_KEEP_SEC)), NULL, err);
}

static int run(struct portal *p, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct crew c = {
		.portal = p, .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};
	pthread_condattr_t attr;
	int k = clean(db, now, err);

	if (k < 0)
		return k;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c.done, &attr);
	pthread_condattr_destroy(&attr);
	k = fly(&c, p, db, err);
	pthread_mutex_lock(&c.lock);
	c.stop = true;
	pthread_cond_broadcast(&c.work);
	pthread_mutex_unlock(&c.lock);
	for (size_t i = 0; i < c.nthreads; i++)
		pthread_join(c.threads[i], NULL);
	pthread_cond_destroy(&c.done);
	return k;
}

const struct task task_webhooks = {
	.name = "webhooks",
	.lock = 0x7375740010,
	.every_sec = 2, /* tests of webhooks are no events */
	.on_touch = true,
	.run = run,
};
