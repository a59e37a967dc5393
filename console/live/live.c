// SPDX-License-Identifier: Apache-2.0
#include "live/live.h"

#include <errno.h>

int live_tell(struct sut_db *db, int64_t tenant, int64_t now, const char *type, const char *id,
	      struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int64_t seq;
	int rc = sut_db_one(db,
			    "UPDATE meta SET value = value + 1 WHERE name = 'live' RETURNING value",
			    SUT_DB_NONE, &row, err);

	if (rc == 0)
		return sut_err_set(err, EIO,
				   "the table meta has no number of live changes. Run "
				   "suture-console migrate");
	if (rc < 0)
		return rc;
	seq = sut_db_int(row, 0);
	sut_db_rows_free(sut_steal(row));
	return sut_db_exec(
		db,
		"INSERT INTO live (tenant, type, object, seq, at) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (tenant, type, object) DO UPDATE SET seq = $4, at = $5",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(type), SUT_DB_T(id), SUT_DB_I(seq),
			    SUT_DB_I(now)),
		NULL, err);
}

int live_last(struct sut_db *db, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int rc = sut_db_one(db, "SELECT value FROM meta WHERE name = 'live'", SUT_DB_NONE, &row,
			    err);

	if (rc > 0)
		*ret = sut_db_int(row, 0);
	return rc < 0 ? rc : 0;
}
