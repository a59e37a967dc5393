// SPDX-License-Identifier: Apache-2.0
#include "export/jobs_csv.h"

#include <errno.h>
#include <string.h>

#include "job/manifest.h"

int export_csv_field(struct sut_buf *out, const char *value, char then)
{
	bool formula = value && *value && strchr("=+-@\t\r", *value);
	int rc;

	if (!value)
		value = "";
	if (!formula && !value[strcspn(value, ",\"\r\n")])
		return sut_buf_addf(out, "%s%c", value, then);
	rc = sut_buf_addstr(out, formula ? "\"'" : "\"");
	for (const char *p = value; rc == 0 && *p; p++)
		rc = *p == '"' ? sut_buf_addstr(out, "\"\"") : sut_buf_add(out, p, 1);
	return rc == 0 ? sut_buf_addf(out, "\"%c", then) : rc;
}

static const char *time_text(const struct sut_db_rows *row, int col, char buf[static 32])
{
	if (sut_db_is_null(row, col))
		return "";
	sut_job_time(sut_db_int(row, col), buf);
	return buf;
}

static int line(const struct sut_db_rows *row, struct sut_buf *out)
{
	char t[4][32];
	const char *v[] = {
		sut_db_text(row, 0),
		sut_db_text(row, 1),
		sut_db_text(row, 2),
		sut_db_int(row, 3) ? "yes" : "no",
		sut_db_text(row, 4),
		time_text(row, 5, t[0]),
		sut_db_text(row, 6),
		sut_db_text(row, 7),
		sut_db_text(row, 8),
		sut_db_text(row, 9),
		sut_db_text(row, 10),
		sut_db_text(row, 11),
		sut_db_text(row, 12),
		sut_db_is_null(row, 13) ? "" : sut_db_text(row, 13),
		sut_db_is_null(row, 14) ? "" : sut_db_text(row, 14),
		time_text(row, 15, t[1]),
		time_text(row, 16, t[2]),
		time_text(row, 17, t[3]),
		sut_db_is_null(row, 18) ? "" : sut_db_text(row, 18),
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < SUT_ARRAY_SIZE(v); i++)
		rc = export_csv_field(out, v[i], i + 1 < SUT_ARRAY_SIZE(v) ? ',' : '\n');
	return rc;
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
			       "after_level,offered_at,fetched_at,finished_at,took_ms\n");

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
