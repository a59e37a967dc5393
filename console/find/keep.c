// SPDX-License-Identifier: Apache-2.0
#include "find/keep.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { PORTION = 1000 };

const char *keep_family(const char *format)
{
	return sut_streq(format, "oval") || sut_streq(format, "arf") ? "openscap" : format;
}

/* Adds what the host has of this scan already. */
static int add_before(struct sut_db *db, const struct keep *k, struct find_set *to,
		      struct sut_err *err)
{
	static const char sql[] =
		"SELECT s.data FROM host_findings f JOIN find_sets s ON s.id = f.findset"
		" WHERE f.host = $1 AND f.family = $2 AND f.scan = $3 AND f.tenant = $4";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	_cleanup_find_set_ struct find_set before = {0};
	const void *data;
	size_t len = 0;
	int r = sut_db_one(db, sql,
			   SUT_DB_ARGS(SUT_DB_I(k->host), SUT_DB_T(k->family), SUT_DB_I(k->scan),
				       SUT_DB_I(k->tenant)),
			   &row, err);

	if (r <= 0)
		return r;
	data = sut_db_blob(row, 0, &len);
	r = find_set_read(data, len, &before, err);
	/* What cannot be read is replaced by what comes. */
	if (r == -EBADMSG)
		return 0;
	for (size_t i = 0; r == 0 && i < before.n; i++) {
		r = find_set_add(to, &before.v[i]);
		if (r < 0)
			return sut_err_reason(err, -r, "scan", "one host has more than %d findings",
					      FIND_SET_MAX);
	}
	return r;
}

static int store_set(struct sut_db *db, int64_t tenant, const struct find_set *set, int64_t *ret,
		     struct sut_err *err)
{
	/* Of ten thousand equal hosts only the first writes; and what is damaged is written anew. */
	static const char
		find[] = "SELECT id FROM find_sets WHERE tenant = $1 AND hash = $2"
			 " AND n = $3 AND data = $4",
		add[] = "INSERT INTO find_sets (tenant, hash, n, data)"
			" VALUES ($1, $2, $3, $4)"
			" ON CONFLICT (tenant, hash) DO UPDATE SET n = $3, data = $4 RETURNING id";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(FIND_SET_BLOB_MAX);
	uint8_t hash[FIND_SET_HASH];
	int r = find_set_write(set, &b, hash, err);

	if (r < 0)
		return r;
	r = sut_db_one(db, find,
		       SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_B(hash, sizeof(hash)),
				   SUT_DB_I((int64_t)set->n), SUT_DB_B(b.data, b.len)),
		       &row, err);
	if (r == 0)
		r = sut_db_one(db, add,
			       SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_B(hash, sizeof(hash)),
					   SUT_DB_I((int64_t)set->n), SUT_DB_B(b.data, b.len)),
			       &row, err);
	if (r > 0)
		*ret = sut_db_int(row, 0);
	return r < 0 ? r : 0;
}

/* What the row of the host tells of its scans: the newest. */
static int newest(struct sut_db *db, int64_t tenant, int64_t host, struct sut_err *err)
{
	static const char sql[] = "SELECT findset, scan, tool, matched_by, scanned_at"
				  " FROM host_findings WHERE tenant = $1 AND host = $2"
				  " ORDER BY scanned_at DESC, scan DESC LIMIT 1",
			  set[] = "UPDATE hosts SET findset = $3, scan = $4, scanner = $5,"
				  " matched_by = $6, scanned_at = $7 WHERE tenant = $1 AND id = $2",
			  none[] = "UPDATE hosts SET findset = NULL, scan = NULL, scanner = '',"
				   " scanned_at = NULL WHERE tenant = $1 AND id = $2";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(host)), &row, err);

	if (r < 0)
		return r;
	if (r == 0)
		return sut_db_exec(db, none, SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(host)), NULL,
				   err);
	return sut_db_exec(db, set,
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(host),
				       SUT_DB_I(sut_db_int(row, 0)), SUT_DB_I(sut_db_int(row, 1)),
				       SUT_DB_T(sut_db_text(row, 2)), SUT_DB_T(sut_db_text(row, 3)),
				       SUT_DB_I(sut_db_int(row, 4))),
			   NULL, err);
}

int keep_findings(struct sut_db *db, const struct keep *k, const struct find_set *set,
		  size_t *ret_n, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO host_findings (tenant, host, family, findset, scan, tool, name,"
		" matched_by, findings, scanned_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		" ON CONFLICT (host, family) DO UPDATE SET findset = $4, scan = $5, tool = $6,"
		" name = $7, matched_by = $8, findings = $9, scanned_at = $10";
	_cleanup_find_set_ struct find_set all = {0};
	int64_t id = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++)
		r = find_set_add(&all, &set->v[i]);
	if (r < 0)
		return sut_err_oom(err);
	r = add_before(db, k, &all, err);
	if (r < 0)
		return r;
	find_set_settle(&all);
	r = store_set(db, k->tenant, &all, &id, err);
	if (r == 0)
		r = sut_db_exec(db, sql,
				SUT_DB_ARGS(SUT_DB_I(k->tenant), SUT_DB_I(k->host),
					    SUT_DB_T(k->family), SUT_DB_I(id), SUT_DB_I(k->scan),
					    SUT_DB_T(k->tool), SUT_DB_T(k->name),
					    SUT_DB_T(k->matched_by), SUT_DB_I((int64_t)all.n),
					    SUT_DB_I(k->scanned_at)),
				NULL, err);
	if (r == 0)
		r = newest(db, k->tenant, k->host, err);
	if (r == 0)
		*ret_n = all.n;
	return r;
}

int keep_drop_scan(struct sut_db *db, int64_t tenant, int64_t scan, struct sut_err *err)
{
	static const char list[] = "SELECT host FROM host_findings WHERE scan = $1 AND tenant = $2"
				   " ORDER BY host LIMIT $3",
			  drop[] = "DELETE FROM host_findings WHERE scan = $1 AND tenant = $2"
				   " AND host = $3";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t hosts[PORTION];
	size_t n = 0;
	int r = sut_db_query(db, list,
			     SUT_DB_ARGS(SUT_DB_I(scan), SUT_DB_I(tenant), SUT_DB_I(PORTION)),
			     &rows, err);

	while (r >= 0 && n < PORTION && (r = sut_db_next(rows, err)) > 0)
		hosts[n++] = sut_db_int(rows, 0);
	sut_db_rows_free(sut_steal(rows));
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = sut_db_exec(db, drop,
				SUT_DB_ARGS(SUT_DB_I(scan), SUT_DB_I(tenant), SUT_DB_I(hosts[i])),
				NULL, err);
		if (r >= 0)
			r = newest(db, tenant, hosts[i], err);
	}
	return r < 0 ? r : n == PORTION;
}

int keep_sweep(struct sut_db *db, int64_t tenant, struct sut_err *err)
{
	static const char sql[] =
		"DELETE FROM find_sets WHERE id IN (SELECT s.id FROM find_sets s WHERE s.tenant = $1"
		" AND NOT EXISTS (SELECT 1 FROM host_findings f WHERE f.findset = s.id) LIMIT $2)";
	int64_t n = 0;
	int r = sut_db_exec(db, sql, SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(PORTION)), &n, err);

	return r < 0 ? r : n == PORTION;
}
