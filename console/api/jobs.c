// SPDX-License-Identifier: Apache-2.0
/* Jobs: made, followed, cancelled, tried again. What moves them is job/advance.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "console.h"
#include "job/advance.h"
#include "job/create.h"
#include "job/key.h"
#include "job/row.h"
#include "job/select.h"
#include "json/parse.h"
#include "live/live.h"

static const char *const no_args[] = {NULL};

/* --- POST /v1/jobs --- */

struct wish {
	struct job_spec spec;
	struct job_picks picks;
	bool preview;
};

static void wish_free(void *data)
{
	struct wish *w = data;

	if (!w)
		return;
	job_picks_release(&w->picks);
	free(w);
}

static int take_preview(struct web_req *q, struct web_resp *r, bool *ret)
{
	static const char *const args[] = {"preview", NULL};
	const char *s = web_arg(q, "preview");

	if (web_only_args(q, r, args) != 0)
		return WEB_NO;
	if (s && !sut_streq(s, "true") && !sut_streq(s, "false"))
		return web_problem(r, 400, "bad-argument", "preview is true or false");
	*ret = sut_streq(s, "true");
	return 0;
}

/* Selecting reads the whole fleet: not where others wait to write. */
static int job_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct wish *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return sut_err_oom(err);
	rc = take_preview(q, r, &w->preview);
	if (rc == 0)
		rc = job_spec_take(q, r, &w->spec);
	if (rc == 0)
		rc = job_select(q, r, &w->spec, &w->picks, err);
	if (rc != 0) {
		wish_free(w);
		return rc;
	}
	q->prepared = w;
	return 0;
}

static json_t *pick_system(const struct job_pick *p)
{
	return json_pack("{s:s, s:s, s:s?}", "id", p->uid, "hostname", p->hostname, "system_id",
			 *p->system_id ? p->system_id : NULL);
}

static json_t *preview_json(const struct job_picks *p)
{
	json_t *systems = json_array(), *skipped = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct job_pick *k = &p->v[i];

		if (k->reason)
			(void)json_array_append_new(skipped, json_pack("{s:o, s:s, s:s}", "system",
								       pick_system(k), "reason",
								       k->reason, "message",
								       job_reason_text(k->reason)));
		else
			(void)json_array_append_new(systems, pick_system(k));
	}
	return json_pack("{s:o, s:I, s:I, s:o}", "systems", systems, "n",
			 (json_int_t)p->taking_part, "cves", (json_int_t)p->cves, "skipped",
			 skipped);
}

static int answer_created(struct web_req *q, struct web_resp *r, const char *uid,
			  struct sut_err *err)
{
	_cleanup_(job_row_release) struct job_row j = {0};
	int k = job_row_find(q->db, q->who.tenant, uid, &j, err);

	if (k <= 0)
		return k < 0 ? k : sut_err_set(err, EIO, "the job %s is not there", uid);
	web_version(r, j.version);
	return web_created(r, job_row_json(&j), err, "/v1/jobs/%s", uid);
}

static int nobody(struct web_resp *r)
{
	return web_problem(r, 422, "nobody",
			   "No system can take part. Ask with ?preview=true: it says why not");
}

static int make(struct web_req *q, struct web_resp *r, const struct job_spec *s,
		const struct job_picks *p, const struct job_row *retry_of, struct sut_err *err)
{
	char uid[SUT_UID_LEN + 1];
	int rc;

	if (!p->taking_part)
		return nobody(r);
	rc = job_key_ensure(console_of(q->server)->seal, q->db, q->who.tenant, q->now, err);
	if (rc == 0)
		rc = job_create(q, s, p, retry_of ? retry_of->id : 0, uid, err);
	if (rc == 0)
		rc = web_audit(q, "job.create", "job", uid,
			       json_pack("{s:s, s:s, s:b, s:I, s:s*}", "title", s->title, "action",
					 sut_job_action_word(s->action), "dry_run", s->dry_run,
					 "systems", (json_int_t)p->taking_part, "retry_of",
					 retry_of ? retry_of->uid : NULL),
			       err);
	/* The task that moves jobs looks. */
	if (rc == 0)
		rc = web_touch(q, err);
	return rc == 0 ? answer_created(q, r, uid, err) : rc;
}

static int jobs_create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct wish *w = q->prepared;

	if (w->preview)
		return web_json(r, 200, preview_json(&w->picks), err);
	return make(q, r, &w->spec, &w->picks, NULL, err);
}

/* --- reading --- */

/* 1: found; 0: answered 404. */
static int find(struct web_req *q, struct web_resp *r, struct job_row *ret, struct sut_err *err)
{
	int k = job_row_find(q->db, q->who.tenant, q->params[0], ret, err);

	if (k == 0)
		(void)web_not_found(r, "job", q->params[0]);
	return k;
}

static json_t *list_item(const struct sut_db_rows *row)
{
	struct job_row j = {0};
	json_t *item = job_row_of(row, &j, NULL) < 0 ? NULL : job_row_json(&j);

	job_row_release(&j);
	return item;
}

static int jobs_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	int k = web_only_args(q, r, args);

	if (k == 0)
		k = web_page_take(q, r, &page);
	if (k)
		return k;
	k = job_row_list(q->db, q->who.tenant, WEB_NEWEST(page.after), page.limit + 1, &rows, err);
	if (k < 0)
		return k;
	return web_page_rows(q, r, &page, rows, 0, WEB_NEWEST_FIRST, list_item, err);
}

static int jobs_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(job_row_release) struct job_row j = {0};
	int k = web_only_args(q, r, no_args);

	if (k)
		return k;
	k = find(q, r, &j, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	web_version(r, j.version);
	return web_json(r, 200, job_row_json(&j), err);
}

/* --- its systems --- */

#define SYSTEM                                                                                     \
	"s.id, s.host_uid, s.hostname, s.system_id, s.state, s.outcome, s.reason, s.message,"      \
	" s.batch, s.offered_at, s.given_at, s.finished_at, s.before_level, s.after_level,"        \
	" s.took_ms"

enum { /* of SYSTEM */
       S_ID,
       S_HOST,
       S_HOSTNAME,
       S_SYSTEM_ID,
       S_STATE,
       S_OUTCOME,
       S_REASON,
       S_MESSAGE,
       S_BATCH,
       S_OFFERED,
       S_GIVEN,
       S_FINISHED,
       S_BEFORE,
       S_AFTER,
       S_TOOK,
       S_MORE,
};

static json_t *integer(const struct sut_db_rows *row, int col)
{
	return sut_db_is_null(row, col) ? json_null() : json_integer(sut_db_int(row, col));
}

static json_t *text_or_null(const struct sut_db_rows *row, int col)
{
	const char *s = sut_db_text(row, col);

	return s && *s ? json_string(s) : json_null();
}

static json_t *system_json(const struct sut_db_rows *row)
{
	return json_pack(
		"{s:{s:s, s:s, s:o}, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"system", "id", sut_db_text(row, S_HOST), "hostname", sut_db_text(row, S_HOSTNAME),
		"system_id", text_or_null(row, S_SYSTEM_ID), "state", sut_db_text(row, S_STATE),
		"outcome", text_or_null(row, S_OUTCOME), "reason", text_or_null(row, S_REASON),
		"message", text_or_null(row, S_MESSAGE), "batch",
		(json_int_t)sut_db_int(row, S_BATCH), "offered_at",
		web_time(sut_db_int(row, S_OFFERED)), "fetched_at",
		web_time(sut_db_int(row, S_GIVEN)), "finished_at",
		web_time(sut_db_int(row, S_FINISHED)), "before_level", integer(row, S_BEFORE),
		"after_level", integer(row, S_AFTER), "took_ms", integer(row, S_TOOK));
}

static int systems_query(struct web_req *q, const struct job_row *j, const struct web_page *page,
			 const char *state, struct sut_db_rows **ret, struct sut_err *err)
{
	if (state)
		return sut_db_query(q->db,
				    "SELECT " SYSTEM " FROM job_systems s WHERE s.job = $1 AND"
				    " s.state = $4 AND s.id > $2 ORDER BY s.id LIMIT $3",
				    SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(page->after),
						SUT_DB_I(page->limit + 1), SUT_DB_T(state)),
				    ret, err);
	return sut_db_query(
		q->db,
		"SELECT " SYSTEM " FROM job_systems s WHERE s.job = $1 AND s.id > $2"
		" ORDER BY s.id LIMIT $3",
		SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(page->after), SUT_DB_I(page->limit + 1)), ret,
		err);
}

static int systems_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"state", "limit", "cursor", NULL};
	_cleanup_(job_row_release) struct job_row j = {0};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const char *state = web_arg(q, "state");
	enum job_state s;
	struct web_page page;
	int k = web_only_args(q, r, args);

	if (k == 0 && state && !job_state_parse(state, &s))
		k = web_problem(r, 400, "bad-argument",
				"state is one of queued, offered, running, waiting, done, failed, "
				"skipped, cancelled, expired");
	if (k == 0)
		k = web_page_take(q, r, &page);
	if (k)
		return k;
	k = find(q, r, &j, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = systems_query(q, &j, &page, state, &rows, err);
	if (k < 0)
		return k;
	return web_page_rows(q, r, &page, rows, 0, WEB_OLDEST_FIRST, system_json, err);
}

/* A stored document as JSON; null when it is none. */
static json_t *stored(const struct sut_db_rows *row, int col)
{
	const char *s = sut_db_text(row, col);
	json_t *j = s ? json_loads(s, 0, NULL) : NULL;

	return j ? j : json_null();
}

static json_t *whole_json(const struct sut_db_rows *row)
{
	json_t *j = system_json(row), *result = stored(row, S_MORE),
	       *envelope = stored(row, S_MORE + 1), *more;
	json_t *steps = json_object_get(result, "steps");

	more = json_pack("{s:O, s:O, s:O, s:s?, s:s?, s:o, s:s?}", "steps",
			 steps ? steps : envelope, "result", result, "envelope", envelope,
			 "signature", json_is_null(result) ? NULL : "good", "job_key",
			 sut_db_text(row, S_MORE + 2), "received",
			 web_time(sut_db_int(row, S_MORE + 3)), "manifest",
			 sut_db_text(row, S_MORE + 4));
	if (!j || !more || json_object_update(j, more) < 0) {
		json_decref(j);
		j = NULL;
	}
	if (j && !steps)
		(void)json_object_set_new(j, "steps", json_array());
	json_decref(more);
	json_decref(result);
	json_decref(envelope);
	return j;
}

static int systems_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(job_row_release) struct job_row j = {0};
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = web_only_args(q, r, no_args);

	if (k)
		return k;
	k = find(q, r, &j, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = sut_db_one(q->db,
		       "SELECT " SYSTEM ", x.document, x.envelope, x.job_key, x.received, m.name"
		       " FROM job_systems s LEFT JOIN results x ON x.job_system = s.id"
		       " LEFT JOIN manifests m ON m.id = s.manifest"
		       " WHERE s.job = $1 AND s.host_uid = $2 ORDER BY s.id LIMIT 1",
		       SUT_DB_ARGS(SUT_DB_I(j.id), SUT_DB_T(q->params[1])), &row, err);
	if (k < 0)
		return k;
	if (k == 0)
		return web_not_found(r, "system of this job", q->params[1]);
	return web_json(r, 200, whole_json(row), err);
}

/* --- manifests --- */

static json_t *manifest_json(const struct sut_db_rows *row)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:s, s:o, s:o, s:o}", "id", sut_db_text(row, 1),
			 "sha256", sut_db_text(row, 2), "batch", (json_int_t)sut_db_int(row, 3),
			 "systems", (json_int_t)sut_db_int(row, 4), "key_id", sut_db_text(row, 5),
			 "created", web_time(sut_db_int(row, 6)), "expires",
			 web_time(sut_db_int(row, 7)), "envelope", stored(row, 8));
}

static int manifests_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		"SELECT id, name, sha256, batch, systems, key_id, created, expires,"
		" envelope FROM manifests WHERE job = $1 AND id > $2 ORDER BY id LIMIT $3",
		0, WEB_OLDEST_FIRST, manifest_json};
	_cleanup_(job_row_release) struct job_row j = {0};
	int k = find(q, r, &j, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(j.id)), err);
}

/* --- cancel, retry --- */

static int jobs_cancel(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(job_row_release) struct job_row j = {0}, now = {0};
	int k = web_only_args(q, r, no_args);

	if (k)
		return k;
	k = find(q, r, &j, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	if (j.ended || sut_streq(j.state, "cancelled"))
		return web_problem(r, 409, "job-over",
				   "The job is %s already; nothing of it can be called back",
				   sut_streq(j.state, "cancelled") ? "cancelled" : "over");
	k = job_row_lock(q->db, j.id, err);
	if (k == 0)
		k = job_row_get(q->db, j.id, &now, err);
	if (k > 0)
		k = job_cancel(q, &now, err);
	if (k == 0)
		k = web_audit(
			q, "job.cancel", "job", j.uid,
			json_pack("{s:I, s:I}", "cancelled", (json_int_t)now.n[JOB_CANCELLED],
				  "runs_on",
				  (json_int_t)now.n[JOB_RUNNING] + (json_int_t)now.n[JOB_WAITING]),
			err);
	if (k == 0)
		k = web_touch(q, err);
	if (k < 0)
		return k;
	web_version(r, now.version);
	return web_json(r, 200, job_row_json(&now), err);
}

/* Those that failed, those that were not reached in time, and those that a stop kept from their turn. */
static int jobs_retry(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const enum job_state failed[] = {JOB_FAILED, JOB_EXPIRED, JOB_STATES};
	static const enum job_state stopped[] = {JOB_FAILED, JOB_EXPIRED, JOB_CANCELLED,
						 JOB_STATES};
	_cleanup_(job_picks_release) struct job_picks p = {0};
	_cleanup_(job_row_release) struct job_row j = {0};
	struct job_spec again;
	int k = web_only_args(q, r, no_args);

	if (k)
		return k;
	k = find(q, r, &j, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	if (!j.ended)
		return web_problem(r, 409, "job-runs",
				   "The job is not over: systems of it may still succeed. Wait for "
				   "it, or cancel it");
	k = job_select_again(q, r, j.id, sut_streq(j.state, "stopped") ? stopped : failed, &p, err);
	if (k)
		return k;
	again = j.spec;
	/* Its time was that of the first try. */
	again.not_before = 0;
	return make(q, r, &again, &p, &j, err);
}

/* --- the key --- */

static int key_answer(struct web_req *q, struct web_resp *r, int status, struct sut_err *err)
{
	json_t *key = NULL;
	int rc = job_key_json(q->db, q->who.tenant, &key, err);

	return rc == 0 ? web_json(r, status, key, err) : rc;
}

static int key_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int rc = web_only_args(q, r, no_args);

	if (rc == 0)
		rc = job_key_ensure(console_of(q->server)->seal, q->db, q->who.tenant, q->now, err);
	return rc == 0 ? key_answer(q, r, 200, err) : rc;
}

static int key_replace(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int rc = web_only_args(q, r, no_args);

	if (rc == 0)
		rc = job_key_replace(console_of(q->server)->seal, q->db, q->who.tenant, q->who.name,
				     q->now, err);
	if (rc == 0)
		rc = web_audit(q, "job-key.replace", "job-key", "", NULL, err);
	if (rc == 0)
		rc = live_tell(q->db, q->who.tenant, q->now, "portal", "", err);
	return rc == 0 ? key_answer(q, r, 201, err) : rc;
}

const struct web_route api_jobs[] = {
	{"GET", "/v1/jobs", API_READERS, 0, jobs_list},
	{"POST", "/v1/jobs", SUT_ROLE_OPERATOR, WEB_WRITE, jobs_create, job_prepare, wish_free},
	{"GET", "/v1/jobs/{job}", API_READERS, 0, jobs_get},
	{"GET", "/v1/jobs/{job}/systems", API_READERS, WEB_COMPRESS, systems_list},
	{"GET", "/v1/jobs/{job}/systems/{system}", API_READERS, WEB_COMPRESS, systems_get},
	{"GET", "/v1/jobs/{job}/manifests", API_READERS, WEB_COMPRESS, manifests_list},
	{"POST", "/v1/jobs/{job}/cancel", SUT_ROLE_OPERATOR, WEB_WRITE, jobs_cancel},
	{"POST", "/v1/jobs/{job}/retry", SUT_ROLE_OPERATOR, WEB_WRITE, jobs_retry},
	{"GET", "/v1/job-key", API_READERS, WEB_WRITE, key_get},
	{"POST", "/v1/job-key", SUT_ROLE_ADMIN, WEB_WRITE, key_replace},
	{0},
};
