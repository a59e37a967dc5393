// SPDX-License-Identifier: Apache-2.0
#include "job/create.h"

#include <errno.h>

#include "job/outcome.h"
#include "job/row.h"
#include "live/live.h"

static int64_t batches_of(const struct job_spec *s, size_t n)
{
	if (!n)
		return 0;
	return s->batch_size ? ((int64_t)n + s->batch_size - 1) / s->batch_size : 1;
}

static int add_job(struct web_req *q, const struct job_spec *s, const struct job_picks *p,
		   int64_t retry_of, const char *uid, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	json_t *doc = job_spec_json(s);
	_cleanup_(sut_freep) char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	int rc;

	json_decref(doc);
	if (!text)
		return sut_err_oom(err);
	rc = sut_db_one(
		q->db,
		"INSERT INTO jobs (uid, tenant, title, action, dry_run, spec, state, created,"
		" created_by, expires, batch_size, batch_pause_s, batches, max_failed, retry_of,"
		" n_queued, n_skipped) VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8, $9, $10,"
		" $11, $12, $13, $14, $15, $16) RETURNING id",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(q->who.tenant), SUT_DB_T(s->title),
			    SUT_DB_T(sut_job_action_word(s->action)), SUT_DB_I(s->dry_run),
			    SUT_DB_T(text), SUT_DB_I(q->now), SUT_DB_T(q->who.name),
			    SUT_DB_I(q->now + s->expires_hours * 3600), SUT_DB_I(s->batch_size),
			    SUT_DB_I(s->batch_pause_s), SUT_DB_I(batches_of(s, p->taking_part)),
			    SUT_DB_I_IF(s->max_failed >= 0, s->max_failed),
			    SUT_DB_I_IF(retry_of != 0, retry_of), SUT_DB_I((int64_t)p->taking_part),
			    SUT_DB_I((int64_t)(p->n - p->taking_part))),
		&row, err);
	if (rc < 0)
		return rc;
	*ret = sut_db_int(row, 0);
	return 0;
}

static int add_system(struct web_req *q, int64_t job, const struct job_pick *p, int64_t host,
		      int64_t batch, struct sut_err *err)
{
	const char *text = p->reason ? job_reason_text(p->reason) : NULL;

	return sut_db_exec(
		q->db,
		"INSERT INTO job_systems (job, tenant, host, host_uid, hostname, system_id, batch,"
		" state, reason, message, finished_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		SUT_DB_ARGS(SUT_DB_I(job), SUT_DB_I(q->who.tenant), SUT_DB_I(host),
			    SUT_DB_T(p->uid), SUT_DB_T(p->hostname), SUT_DB_T(p->system_id),
			    SUT_DB_I(batch), SUT_DB_T(p->reason ? "skipped" : "queued"),
			    SUT_DB_T(p->reason ? p->reason : ""), SUT_DB_T(text ? text : ""),
			    SUT_DB_I_IF(p->reason != NULL, q->now)),
		NULL, err);
}

int job_create(struct web_req *q, const struct job_spec *s, const struct job_picks *p,
	       int64_t retry_of, char ret_uid[static SUT_UID_LEN + 1], struct sut_err *err)
{
	int64_t job = 0, taking_part = 0, unknown = 0;
	char uid[SUT_UID_LEN + 1];
	int rc = sut_uid_make(uid, err);

	if (rc == 0)
		rc = add_job(q, s, p, retry_of, uid, &job, err);
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		const struct job_pick *pick = &p->v[i];
		int64_t batch = 0;

		if (!pick->reason)
			batch = s->batch_size ? taking_part++ / s->batch_size + 1 : 1;
		/* Those that there are not have no row: each its own number. */
		rc = add_system(q, job, pick, pick->host ? pick->host : --unknown, batch, err);
	}
	if (rc == 0)
		rc = live_tell(q->db, q->who.tenant, q->now, "job", uid, err);
	if (rc == 0)
		snprintf(ret_uid, SUT_UID_LEN + 1, "%s", uid);
	return rc;
}
