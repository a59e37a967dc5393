// SPDX-License-Identifier: Apache-2.0
#include "job/advance.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "console.h"
#include "job/key.h"
#include "job/make.h"
#include "json/parse.h"
#include "live/live.h"
#include "task_list.h"

/* --- what is to be done --- */

static int64_t in_hand(const struct job_row *j)
{
	return j->n[JOB_RUNNING] + j->n[JOB_WAITING];
}

/* The batch at work is over, as far as the next one is concerned. */
static bool batch_over(const struct job_row *j, const struct job_look *look)
{
	return !in_hand(j) && j->n[JOB_OFFERED] <= look->unfetched;
}

enum job_step job_next(const struct job_row *j, const struct job_look *look, int64_t now)
{
	const struct job_spec *s = &j->spec;

	if (j->ended)
		return JOB_STEP_NONE;
	if (now > j->expires && (j->n[JOB_QUEUED] || j->n[JOB_OFFERED]))
		return JOB_STEP_EXPIRE;
	if (now > j->expires + JOB_GRACE_SEC && in_hand(j))
		return JOB_STEP_NO_ANSWER;
	if (!job_row_open(j))
		return JOB_STEP_END;
	if (!sut_streq(j->state, "running") || !j->n[JOB_QUEUED])
		return JOB_STEP_NONE;
	if (s->max_failed >= 0 && j->n[JOB_FAILED] > s->max_failed)
		return JOB_STEP_STOP;
	if (look->queued_now)
		return JOB_STEP_OFFER;
	if (!j->batch_now)
		return JOB_STEP_BATCH;
	if (!batch_over(j, look))
		return JOB_STEP_NONE;
	if (!j->next_batch && s->batch_pause_s)
		return JOB_STEP_PAUSE;
	return now >= j->next_batch ? JOB_STEP_BATCH : JOB_STEP_NONE;
}

/* --- events --- */

static json_t *event_json(const struct job_row *j)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o, s:s}", "job", j->uid, "title",
			 j->spec.title, "action", sut_job_action_word(j->spec.action), "dry_run",
			 j->spec.dry_run, "state", j->state, "counts", job_row_counts(j),
			 "stop_reason", j->stop_reason ? j->stop_reason : "");
}

static int tell(struct web_req *q, const struct job_row *j, const char *event, struct sut_err *err)
{
	int rc = live_tell(q->db, j->tenant, q->now, "job", j->uid, err);

	if (rc == 0 && event)
		rc = web_event(q, j->tenant, event, event_json(j), err);
	return rc;
}

/* --- steps --- */

static int expire(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	int rc = job_move_all(q->db, j, JOB_QUEUED, JOB_EXPIRED, "expired", q->now, NULL, err);

	if (rc == 0)
		rc = job_move_all(q->db, j, JOB_OFFERED, JOB_EXPIRED, "expired", q->now, NULL, err);
	return rc == 0 ? tell(q, j, NULL, err) : rc;
}

static int no_answer(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	int rc = job_move_all(q->db, j, JOB_RUNNING, JOB_FAILED, "no-answer", q->now, NULL, err);

	if (rc == 0)
		rc = job_move_all(q->db, j, JOB_WAITING, JOB_FAILED, "no-answer", q->now, NULL,
				  err);
	return rc == 0 ? tell(q, j, NULL, err) : rc;
}

static int stop(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	char *why = sut_sprintf("%lld of %lld systems failed; at most %lld may",
				(long long)j->n[JOB_FAILED],
				(long long)j->n[JOB_FAILED] + (long long)j->n[JOB_DONE],
				(long long)j->spec.max_failed);
	int rc;

	if (!why)
		return sut_err_oom(err);
	free(j->stop_reason);
	j->stop_reason = why;
	(void)snprintf(j->state, sizeof(j->state), "stopped");
	rc = sut_db_exec(q->db, "UPDATE jobs SET state = 'stopped', stop_reason = $2 WHERE id = $1",
			 SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_T(why)), NULL, err);
	if (rc == 0)
		rc = job_move_all(q->db, j, JOB_QUEUED, JOB_CANCELLED, "stopped", q->now, NULL,
				  err);
	return rc == 0 ? tell(q, j, "job.stopped", err) : rc;
}

static int pause_batch(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	return sut_db_exec(q->db, "UPDATE jobs SET next_batch = $2 WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(q->now + j->spec.batch_pause_s)),
			   NULL, err);
}

static int begin_batch(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	int rc = sut_db_exec(q->db,
			     "UPDATE jobs SET batch_now = batch_now + 1, next_batch = NULL"
			     " WHERE id = $1 AND batch_now = $2",
			     SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(j->batch_now)), NULL, err);

	return rc == 0 ? live_tell(q->db, j->tenant, q->now, "job", j->uid, err) : rc;
}

static int end(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	int rc = sut_db_exec(q->db,
			     "UPDATE jobs SET ended = $2, version = version + 1,"
			     " state = CASE WHEN state = 'running' THEN 'done' ELSE state END"
			     " WHERE id = $1",
			     SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(q->now)), NULL, err);

	if (sut_streq(j->state, "running"))
		(void)snprintf(j->state, sizeof(j->state), "done");
	return rc == 0 ? tell(q, j, "job.finished", err) : rc;
}

/* --- offering --- */

/* What one manifest is made for. */
struct chunk {
	int64_t id[JOB_MANIFEST_SYSTEMS];
	size_t n;
	int64_t gone[JOB_MANIFEST_SYSTEMS]; /* cannot be reached by a job any more */
	size_t ngone;
	json_t *systems;
};

static int read_chunk(struct web_req *q, const struct job_row *j, struct chunk *c,
		      struct sut_err *err)
{
	static const char sql[] =
		"SELECT s.id, h.system_id, h.job_key, h.gone FROM job_systems s"
		" LEFT JOIN hosts h ON h.id = s.host AND h.tenant = s.tenant"
		" WHERE s.job = $1 AND s.batch = $2 AND s.state = 'queued' ORDER BY s.id LIMIT $3";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(q->db, sql,
			     SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(j->batch_now),
					 SUT_DB_I(JOB_MANIFEST_SYSTEMS)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		const char *system_id = sut_db_text(rows, 1), *key = sut_db_text(rows, 2);

		if (!system_id || !key || !*key || !sut_db_is_null(rows, 3)) {
			c->gone[c->ngone++] = sut_db_int(rows, 0);
			continue;
		}
		c->id[c->n++] = sut_db_int(rows, 0);
		if (json_array_append_new(c->systems, json_string(system_id)) < 0)
			return sut_err_oom(err);
	}
	return k < 0 ? k : 0;
}

static int skip_gone(struct web_req *q, struct job_row *j, const struct chunk *c,
		     struct sut_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->ngone; i++)
		rc = sut_db_exec(q->db,
				 "UPDATE job_systems SET state = 'skipped', reason = 'gone',"
				 " message = $2, finished_at = $3 WHERE id = $1",
				 SUT_DB_ARGS(SUT_DB_I(c->gone[i]),
					     SUT_DB_T(job_reason_text("gone")), SUT_DB_I(q->now)),
				 NULL, err);
	if (rc == 0 && c->ngone)
		rc = job_count(q->db, j->id, JOB_QUEUED, JOB_SKIPPED, (int64_t)c->ngone, j, err);
	return rc;
}

struct made {
	char name[SUT_JOB_ID_MAX + 1], sha256[SUT_SHA256_HEX];
	char key_id[SUT_DSSE_KEYID];
	char *envelope;
};

static int make(struct web_req *q, const struct job_row *j, const struct chunk *c, struct made *ret,
		struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_json_ json_t *latest = json_pack("{s:b}", "latest", 1);
	const struct job_spec *s = &j->spec;
	char draw[SUT_UID_LEN + 1];
	int rc = job_key_use(console_of(q->server)->seal, q->db, j->tenant, q->now, &key,
			     ret->key_id, err);

	/* Drawn, so that not even a console that was set back to a backup gives a name twice. */
	if (rc == 0)
		rc = sut_uid_make(draw, err);
	if (rc < 0)
		return rc;
	(void)snprintf(ret->name, sizeof(ret->name), "%s-%lld-%s", j->uid, (long long)j->batch_now,
		       draw);
	return job_manifest_make(&(struct job_manifest){.name = ret->name,
							.issuer = job_issuer(q->server),
							.created = q->now,
							.expires = j->expires,
							.not_before = s->not_before,
							.action = s->action,
							.kernel = s->kernel,
							.library = s->library,
							.dry_run = s->dry_run,
							.windows = s->windows,
							.target = s->target ? s->target : latest,
							.systems = c->systems},
				 key, &ret->envelope, ret->sha256, err);
}

static int keep(struct web_req *q, const struct job_row *j, const struct chunk *c,
		const struct made *m, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int64_t id;
	int rc = sut_db_one(
		q->db,
		"INSERT INTO manifests (tenant, job, batch, name, sha256, key_id, envelope,"
		" systems, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		" RETURNING id",
		SUT_DB_ARGS(SUT_DB_I(j->tenant), SUT_DB_I(j->id), SUT_DB_I(j->batch_now),
			    SUT_DB_T(m->name), SUT_DB_T(m->sha256), SUT_DB_T(m->key_id),
			    SUT_DB_T(m->envelope), SUT_DB_I((int64_t)c->n), SUT_DB_I(q->now),
			    SUT_DB_I(j->expires)),
		&row, err);

	if (rc < 0)
		return rc;
	id = sut_db_int(row, 0);
	sut_db_rows_free(sut_steal(row));
	rc = 0;
	for (size_t i = 0; rc == 0 && i < c->n; i++)
		rc = sut_db_exec(q->db,
				 "UPDATE job_systems SET state = 'offered', offered_at = $2,"
				 " manifest = $3, system_id = (SELECT h.system_id FROM hosts h"
				 " WHERE h.id = job_systems.host) WHERE id = $1",
				 SUT_DB_ARGS(SUT_DB_I(c->id[i]), SUT_DB_I(q->now), SUT_DB_I(id)),
				 NULL, err);
	return rc;
}

/* Agents that wait are to be told (agent/wait.h). */
static int note_offer(struct sut_db *db, struct sut_err *err)
{
	return sut_db_exec(db, "UPDATE meta SET value = value + 1 WHERE name = 'offers'",
			   SUT_DB_NONE, NULL, err);
}

static int started(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	bool first = !j->begun;
	int rc = 0;

	if (first) {
		j->begun = q->now;
		rc = sut_db_exec(q->db, "UPDATE jobs SET begun = $2 WHERE id = $1",
				 SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(q->now)), NULL, err);
	}
	return rc == 0 ? tell(q, j, first ? "job.started" : NULL, err) : rc;
}

static int offer(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	struct chunk c = {.systems = json_array()};
	struct made m = {0};
	int rc = c.systems ? read_chunk(q, j, &c, err) : sut_err_oom(err);

	if (rc == 0)
		rc = skip_gone(q, j, &c, err);
	if (rc == 0 && c.n) {
		rc = make(q, j, &c, &m, err);
		if (rc == 0)
			rc = keep(q, j, &c, &m, err);
		if (rc == 0)
			rc = job_count(q->db, j->id, JOB_QUEUED, JOB_OFFERED, (int64_t)c.n, j, err);
		if (rc == 0)
			rc = note_offer(q->db, err);
		if (rc == 0)
			rc = started(q, j, err);
	}
	free(m.envelope);
	json_decref(c.systems);
	return rc;
}

/* --- */

static int look_at(struct web_req *q, const struct job_row *j, struct job_look *ret,
		   struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int rc = sut_db_one(q->db,
			    "SELECT (SELECT COUNT(*) FROM job_systems WHERE job = $1 AND"
			    " state = 'queued' AND batch = $2), (SELECT COUNT(*) FROM job_systems"
			    " WHERE job = $1 AND state = 'offered' AND offered_at <= $3)",
			    SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_I(j->batch_now),
					SUT_DB_I(q->now - JOB_PATIENCE_SEC)),
			    &row, err);

	if (rc < 0)
		return rc;
	*ret = (struct job_look){sut_db_int(row, 0), sut_db_int(row, 1)};
	return 0;
}

int job_step(struct web_req *q, int64_t job, enum job_step *ret, struct sut_err *err)
{
	static int (*const steps[])(struct web_req *, struct job_row *, struct sut_err *) = {
		[JOB_STEP_NONE] = NULL,		  [JOB_STEP_EXPIRE] = expire,
		[JOB_STEP_NO_ANSWER] = no_answer, [JOB_STEP_STOP] = stop,
		[JOB_STEP_OFFER] = offer,	  [JOB_STEP_PAUSE] = pause_batch,
		[JOB_STEP_BATCH] = begin_batch,	  [JOB_STEP_END] = end,
	};
	_cleanup_(job_row_release) struct job_row j = {0};
	struct job_look look = {0};
	enum job_step step;
	int rc;

	rc = job_row_lock(q->db, job, err); /* results come meanwhile */
	if (rc == 0)
		rc = job_row_get(q->db, job, &j, err);
	if (rc > 0)
		rc = look_at(q, &j, &look, err);
	if (rc < 0)
		return rc;
	step = j.id ? job_next(&j, &look, q->now) : JOB_STEP_NONE;
	rc = steps[step] ? steps[step](q, &j, err) : 0;
	if (rc == 0)
		*ret = step;
	return rc;
}

int job_cancel(struct web_req *q, struct job_row *j, struct sut_err *err)
{
	int rc = sut_db_exec(q->db,
			     "UPDATE jobs SET state = 'cancelled', next_batch = NULL WHERE id = $1",
			     SUT_DB_ARGS(SUT_DB_I(j->id)), NULL, err);

	(void)snprintf(j->state, sizeof(j->state), "cancelled");
	if (rc == 0)
		rc = job_move_all(q->db, j, JOB_QUEUED, JOB_CANCELLED, "cancelled", q->now, NULL,
				  err);
	if (rc == 0)
		rc = job_move_all(q->db, j, JOB_OFFERED, JOB_CANCELLED, "cancelled", q->now, NULL,
				  err);
	if (rc == 0)
		rc = sut_db_exec(q->db,
				 "UPDATE job_systems SET reason = 'runs-on', message = $2"
				 " WHERE job = $1 AND state IN ('running', 'waiting')",
				 SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_T(job_reason_text("runs-on"))),
				 NULL, err);
	return rc == 0 ? tell(q, j, NULL, err) : rc;
}

/* --- the task --- */

static int open_jobs(struct sut_db *db, json_t *ids, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(db, "SELECT id, tenant FROM jobs WHERE ended IS NULL ORDER BY id",
			     SUT_DB_NONE, &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		if (json_array_append_new(ids, json_pack("[I, I]", (json_int_t)sut_db_int(rows, 0),
							 (json_int_t)sut_db_int(rows, 1))) < 0)
			k = sut_err_oom(err);
	return k < 0 ? k : 0;
}

static int advance_one(struct server *s, struct sut_db *db, int64_t job, int64_t tenant,
		       int64_t now, struct sut_err *err)
{
	struct web_req q = {.server = s, .db = db, .now = now, .who.tenant = tenant};
	enum job_step step = JOB_STEP_END;

	while (step != JOB_STEP_NONE && !atomic_load(&s->stopping)) {
		int rc = sut_db_begin(db, SUT_DB_WRITE, err);

		if (rc == 0)
			rc = job_step(&q, job, &step, err);
		if (rc == 0)
			rc = sut_db_commit(db, err);
		if (rc < 0) {
			sut_db_rollback(db);
			return rc;
		}
	}
	return 0;
}

int job_advance(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	_cleanup_json_ json_t *ids = json_array();
	struct sut_err why = {0};
	json_t *item;
	size_t i;
	int rc = ids ? open_jobs(db, ids, err) : sut_err_oom(err);

	if (rc < 0)
		return rc;
	json_array_foreach(ids, i, item) {
		struct sut_err e = {0};

		if (advance_one(s, db, json_integer_value(json_array_get(item, 0)),
				json_integer_value(json_array_get(item, 1)), now, &e) < 0 &&
		    !why.code)
			why = e;
	}
	if (!why.code)
		return 0;
	if (err)
		*err = why;
	return -why.code;
}

const struct task task_jobs = {
	.name = "jobs",
	.lock = 0x7375740011,
	.every_sec = 2,
	.on_touch = true,
	.run = job_advance,
};
