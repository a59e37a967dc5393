// SPDX-License-Identifier: Apache-2.0
#include "job/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "json/parse.h"

#define COLUMNS                                                                                    \
	"j.id, j.uid, j.tenant, j.state, j.stop_reason, j.created, j.created_by, j.begun,"         \
	" j.ended, j.expires, j.batch_now, j.batches, j.next_batch, j.version, j.spec,"            \
	" (SELECT o.uid FROM jobs o WHERE o.id = j.retry_of), j.n_queued, j.n_offered,"            \
	" j.n_running, j.n_waiting, j.n_done, j.n_failed, j.n_skipped, j.n_cancelled,"             \
	" j.n_expired"

enum { /* of COLUMNS */
       C_ID,
       C_UID,
       C_TENANT,
       C_STATE,
       C_STOP_REASON,
       C_CREATED,
       C_CREATED_BY,
       C_BEGUN,
       C_ENDED,
       C_EXPIRES,
       C_BATCH_NOW,
       C_BATCHES,
       C_NEXT_BATCH,
       C_VERSION,
       C_SPEC,
       C_RETRY_OF,
       C_COUNTS,
};

void job_row_release(struct job_row *j)
{
	free(j->stop_reason);
	free(j->created_by);
	json_decref(j->doc);
	*j = (struct job_row){0};
}

static void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : "");
}

int job_row_of(const struct sut_db_rows *rows, struct job_row *ret, struct sut_err *err)
{
	struct job_row j = {
		.id = sut_db_int(rows, C_ID),
		.tenant = sut_db_int(rows, C_TENANT),
		.created = sut_db_int(rows, C_CREATED),
		.expires = sut_db_int(rows, C_EXPIRES),
		.begun = sut_db_int(rows, C_BEGUN),
		.ended = sut_db_int(rows, C_ENDED),
		.next_batch = sut_db_int(rows, C_NEXT_BATCH),
		.batch_now = sut_db_int(rows, C_BATCH_NOW),
		.batches = sut_db_int(rows, C_BATCHES),
		.version = sut_db_int(rows, C_VERSION),
		.stop_reason = strdup(sut_db_text(rows, C_STOP_REASON)),
		.created_by = strdup(sut_db_text(rows, C_CREATED_BY)),
		.doc = json_loads(sut_db_text(rows, C_SPEC), 0, NULL),
	};

	if (!j.stop_reason || !j.created_by || !j.doc) {
		job_row_release(&j);
		return sut_err_oom(err);
	}
	copy(j.uid, sizeof(j.uid), sut_db_text(rows, C_UID));
	copy(j.state, sizeof(j.state), sut_db_text(rows, C_STATE));
	copy(j.retry_of, sizeof(j.retry_of), sut_db_text(rows, C_RETRY_OF));
	for (int s = 0; s < JOB_STATES; s++)
		j.n[s] = sut_db_int(rows, C_COUNTS + s);
	job_spec_read(j.doc, &j.spec);
	*ret = j;
	return 0;
}

static int one(struct sut_db_rows *rows, int k, struct job_row *ret, struct sut_err *err)
{
	int rc = k > 0 ? job_row_of(rows, ret, err) : k;

	sut_db_rows_free(rows);
	return k > 0 && rc == 0 ? 1 : rc;
}

int job_row_get(struct sut_db *db, int64_t id, struct job_row *ret, struct sut_err *err)
{
	struct sut_db_rows *rows = NULL;
	int k = sut_db_one(db, "SELECT " COLUMNS " FROM jobs j WHERE j.id = $1",
			   SUT_DB_ARGS(SUT_DB_I(id)), &rows, err);

	return one(rows, k, ret, err);
}

int job_row_find(struct sut_db *db, int64_t tenant, const char *uid, struct job_row *ret,
		 struct sut_err *err)
{
	struct sut_db_rows *rows = NULL;
	int k = sut_db_one(db, "SELECT " COLUMNS " FROM jobs j WHERE j.tenant = $1 AND j.uid = $2",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(uid)), &rows, err);

	return one(rows, k, ret, err);
}

int job_row_lock(struct sut_db *db, int64_t id, struct sut_err *err)
{
	return sut_db_exec(db, "UPDATE jobs SET version = version WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(id)), NULL, err);
}

int job_row_list(struct sut_db *db, int64_t tenant, int64_t before, int64_t n,
		 struct sut_db_rows **ret, struct sut_err *err)
{
	return sut_db_query(db,
			    "SELECT " COLUMNS " FROM jobs j WHERE j.tenant = $1 AND j.id < $2"
			    " ORDER BY j.id DESC LIMIT $3",
			    SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(before), SUT_DB_I(n)), ret, err);
}

int64_t job_row_open(const struct job_row *j)
{
	int64_t n = 0;

	for (int s = 0; s < JOB_DONE; s++)
		n += j->n[s];
	return n;
}

int64_t job_row_total(const struct job_row *j)
{
	int64_t n = 0;

	for (int s = 0; s < JOB_STATES; s++)
		n += j->n[s];
	return n;
}

json_t *job_row_counts(const struct job_row *j)
{
	json_t *counts = json_object();

	for (int s = 0; s < JOB_STATES; s++)
		(void)json_object_set_new(counts, job_state_word((enum job_state)s),
					  json_integer(j->n[s]));
	(void)json_object_set_new(counts, "total", json_integer(job_row_total(j)));
	return counts;
}

json_t *job_row_json(const struct job_row *j)
{
	const struct job_spec *s = &j->spec;
	json_t *out =
		json_pack("{s:s, s:s, s:s, s:O, s:s, s:b, s:o, s:{s:I, s:I, s:I, s:I}, s:o}", "id",
			  j->uid, "title", s->title, "action", sut_job_action_word(s->action),
			  "products", json_object_get(j->doc, "products"), "state", j->state,
			  "dry_run", s->dry_run, "counts", job_row_counts(j), "batch", "size",
			  (json_int_t)s->batch_size, "pause_s", (json_int_t)s->batch_pause_s, "now",
			  (json_int_t)j->batch_now, "of", (json_int_t)j->batches, "max_failed",
			  s->max_failed < 0 ? json_null() : json_integer(s->max_failed));
	json_t *more = json_pack(
		"{s:s?, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:s?, s:O?, s:O?, s:o, s:I}",
		"stop_reason", *j->stop_reason ? j->stop_reason : NULL, "windows",
		s->windows ? json_incref(s->windows) : json_array(), "not_before",
		web_time(s->not_before), "expires", web_time(j->expires), "created",
		web_time(j->created), "created_by", j->created_by, "begun", web_time(j->begun),
		"ended", web_time(j->ended), "retry_of", *j->retry_of ? j->retry_of : NULL,
		"select", s->select, "target", s->target, "next_batch", web_time(j->next_batch),
		"version", (json_int_t)j->version);

	if (!out || !more || json_object_update(out, more) < 0) {
		json_decref(out);
		out = NULL;
	}
	json_decref(more);
	return out;
}

int job_count(struct sut_db *db, int64_t id, enum job_state from, enum job_state to, int64_t n,
	      struct job_row *j, struct sut_err *err)
{
	int64_t d[JOB_STATES] = {0};
	int rc;

	d[from] -= n;
	d[to] += n;
	rc = sut_db_exec(db,
			 "UPDATE jobs SET n_queued = n_queued + $2, n_offered = n_offered + $3,"
			 " n_running = n_running + $4, n_waiting = n_waiting + $5,"
			 " n_done = n_done + $6, n_failed = n_failed + $7,"
			 " n_skipped = n_skipped + $8, n_cancelled = n_cancelled + $9,"
			 " n_expired = n_expired + $10, version = version + 1 WHERE id = $1",
			 SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(d[0]), SUT_DB_I(d[1]), SUT_DB_I(d[2]),
				     SUT_DB_I(d[3]), SUT_DB_I(d[4]), SUT_DB_I(d[5]), SUT_DB_I(d[6]),
				     SUT_DB_I(d[7]), SUT_DB_I(d[8])),
			 NULL, err);
	for (int s = 0; rc == 0 && j && s < JOB_STATES; s++)
		j->n[s] += d[s];
	return rc;
}

int job_move_all(struct sut_db *db, struct job_row *j, enum job_state from, enum job_state to,
		 const char *reason, int64_t now, int64_t *ret_n, struct sut_err *err)
{
	const char *text = job_reason_text(reason);
	int64_t n = 0;
	int rc = sut_db_exec(db,
			     "UPDATE job_systems SET state = $3, reason = $4, message = $5,"
			     " finished_at = $6 WHERE job = $1 AND state = $2",
			     SUT_DB_ARGS(SUT_DB_I(j->id), SUT_DB_T(job_state_word(from)),
					 SUT_DB_T(job_state_word(to)), SUT_DB_T(reason),
					 SUT_DB_T(text ? text : reason), SUT_DB_I(now)),
			     &n, err);

	if (rc == 0 && n)
		rc = job_count(db, j->id, from, to, n, j, err);
	if (rc == 0 && ret_n)
		*ret_n = n;
	return rc;
}
