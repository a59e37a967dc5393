// SPDX-License-Identifier: Apache-2.0
/*
 * The task that delivers webhooks. One thread reads and writes the database: it makes deliveries of events
 * (events.c), hands out what is due and notes what came of it. Up to WEBHOOK_IN_FLIGHT others only POST, so a
 * receiver that is slow costs its own slots and no more.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "auth/token.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/http.h"
#include "web/server.h"
#include "web/task.h"
#include "account/webhook.h"

enum {
	RUN_SEC = 60, /* a run takes about so long at most, then others may have the lock */
	POSTPONE_MAX_SEC = 60,
	RETRY_AFTER_MAX_SEC = 6 * 60 * 60,
};

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
	const struct server *server;
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
		return "this server is short of memory";
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
	_cleanup_(sut_freep) char *agent =
		sut_sprintf("%s/%s", c->server->program->name, SUTURE_VERSION);
	const struct sut_http_opts opts = {
		.user_agent = agent,
		.no_private = !c->server->conf->private_webhooks,
		.connect_sec = WEBHOOK_ANSWER_SEC / 2,
		.total_sec = WEBHOOK_ANSWER_SEC,
	};
	_cleanup_(sut_http_freep) struct sut_http *http = NULL;

	if (!agent || sut_http_new(&opts, &http, NULL) < 0)
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

static int disable(const char *noun, struct sut_db *db, const struct flight *f, int64_t now,
		   struct sut_err *err)
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
			"object, detail, address, request_id) VALUES ($1, $2, $5, '', "
			"'webhook.disable', 'webhook', $3, $4, '', '')",
			SUT_DB_ARGS(SUT_DB_I(f->tenant), SUT_DB_I(now), SUT_DB_T(f->hook_uid),
				    SUT_DB_T("{\"reason\":\"failed for 5 days\"}"), SUT_DB_T(noun)),
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

static int failed(const char *noun, struct sut_db *db, const struct flight *f, int64_t now,
		  struct sut_err *err)
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
	return sut_db_int(row, 0) <= now - WEBHOOK_FAIL_SEC ? disable(noun, db, f, now, err) : 0;
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

static int note(const struct crew *c, struct sut_db *db, const struct flight *list, int64_t now,
		struct sut_err *err)
{
	int k = list ? sut_db_begin(db, SUT_DB_WRITE, err) : 0;

	if (k < 0 || !list)
		return k;
	for (const struct flight *f = list; f && k == 0; f = f->next)
		k = f->error[0] ? failed(c->server->program->noun, db, f, now, err)
				: taken(db, f, now, err);
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

static int64_t clock_of(struct server *p)
{
	return p->clock(p->clock_ctx);
}

static int fly(struct crew *c, struct server *p, struct sut_db *db, struct sut_err *err)
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
			k = webhook_fan_out(db, clock_of(p), err);
		if (more && k == 0)
			k = launch_due(c, db, clock_of(p), err);
		if (c->n == 0)
			return k;
		/* Every second new events are looked for, however slow those in flight are. */
		list = land(c, 1000);
		if (k == 0)
			k = note(c, db, list, clock_of(p), err);
		else /* sent again later: better twice than never */
			(void)note(c, db, list, clock_of(p), NULL);
		forget(c, list);
	}
}

static int clean(struct sut_db *db, int64_t now, struct sut_err *err)
{
	return sut_db_exec(db, "DELETE FROM deliveries WHERE created < $1 AND next_try IS NULL",
			   SUT_DB_ARGS(SUT_DB_I(now - WEBHOOK_KEEP_SEC)), NULL, err);
}

static int run(struct server *p, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct crew c = {
		.server = p, .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};
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
