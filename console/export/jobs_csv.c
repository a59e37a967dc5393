// SPDX-License-Identifier: Apache-2.0
#include "export/jobs_csv.h"

#include <errno.h>

#include "export/csv.h"

enum kind { TEXT, INT, TIME, YES };

/* In the order of the columns and of the first line. */
static const enum kind kinds[] = {
	TEXT, TEXT, TEXT, YES, TEXT, TIME, TEXT, TEXT, TEXT, TEXT,
	TEXT, TEXT, TEXT, INT, INT,  TIME, TIME, TIME, INT,
};

static int line(const struct sut_db_rows *row, struct sut_buf *out)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < (int)SUT_ARRAY_SIZE(kinds); i++) {
		switch (kinds[i]) {
		case TEXT:
			rc = csv_text(out, sut_db_text(row, i));
			break;
		case YES:
			rc = csv_text(out, sut_db_int(row, i) ? "yes" : "no");
			break;
		case TIME:
			rc = csv_time(out, sut_db_int(row, i));
			break;
		case INT:
			rc = sut_db_is_null(row, i) ? csv_text(out, "")
						    : csv_int(out, sut_db_int(row, i));
			break;
		}
	}
	return rc == 0 ? csv_end(out) : rc;
}

int export_jobs_csv(struct web_req *q, const char *job, int64_t from, int64_t to,
		    struct sut_buf *out, struct sut_err *err)
{
	static const char sql[] =
		"SELECT j.uid, j.title, j.action, j.dry_run, j.state, j.created, j.created_by,"
		" s.hostname, s.system_id, s.state, s.outcome, s.reason, s.message,"
		" s.before_level, s.after_level, s.offered_at, s.given_at, s.finished_at, s.took_ms"
		" FROM jobs j JOIN job_systems s ON s.job = j.id WHERE j.tenant = $1"
		" AND j.created >= $2 AND j.created < $3 AND (j.uid = $4 OR $4 = '')"
		" ORDER BY j.id, s.id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_buf_addstr(out,
			       "job,title,action,dry_run,job_state,created,created_by,hostname,"
			       "system_id,state,outcome,reason,message,before_level,"
			       "after_level,offered_at,fetched_at,finished_at,took_ms\r\n");

	if (k == 0)
		k = sut_db_query(q->db, sql,
				 SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(from), SUT_DB_I(to),
					     SUT_DB_T(job ? job : "")),
				 &rows, err);
	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		k = line(rows, out);
		if (k == -ENOMEM)
			return sut_err_oom(err);
		if (k < 0)
			return sut_err_set(err, -k, "the table is too large");
	}
	return k < 0 ? k : 0;
}
