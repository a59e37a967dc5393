// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "find/import.h"
#include "pack.h"
#include "sample_coverage.h"
#include "sample_fleet_findings.h"

static void touch(struct sample_server *s)
{
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
}

void sample_coverage(struct sample_server *s, const struct sample_tenant *t)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	assert_ok(pack(SAMPLE_COVERAGE, strlen(SAMPLE_COVERAGE), &b, &err), err);
	assert_ok(
		sut_db_exec(
			s->c,
			"INSERT INTO portals (tenant, url, token, since, coverage,"
			" coverage_etag, coverage_at) VALUES ($1, 'http://x', $2, 1, $3, 'e1', 1)",
			SUT_DB_ARGS(SUT_DB_I(t->id), SUT_DB_B("x", 1), SUT_DB_B(b.data, b.len)),
			NULL, &err),
		err);
	touch(s);
}

void sample_machine_uid(const char *hostname, char ret[static SUT_UID_LEN + 1])
{
	memset(ret, '0', SUT_UID_LEN);
	ret[SUT_UID_LEN] = '\0';
	memcpy(ret, hostname, strlen(hostname));
}

int64_t sample_machine(struct sample_server *s, const struct sample_tenant *t, const char *hostname,
		       int level)
{
	static const char libraries[] =
		"[{\"name\":\"libssl.so.3\",\"build_id\":\"" SAMPLE_LIBSSL_CC
		"\",\"level\":1,\"processes\":4,\"patched\":3}]";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct sut_err err = {0};
	char uid[SUT_UID_LEN + 1];
	int64_t id;

	sample_machine_uid(hostname, uid);
	assert_int_equal(
		sut_db_one(s->c,
			   "INSERT INTO hosts (uid, tenant, system_id, hostname, state, build_id,"
			   " kernel_release, feed, level, libraries, job_key, created, updated)"
			   " VALUES ($1, $2, $3, $4, 'current', $5, '6.1.0-47-amd64', 'stable', $6,"
			   " $7, 'key', 1, 1) RETURNING id",
			   SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(t->id), SUT_DB_T(uid),
				       SUT_DB_T(hostname), SUT_DB_T(SAMPLE_KERNEL_AA),
				       SUT_DB_I(level), SUT_DB_T(libraries)),
			   &row, &err),
		1);
	id = sut_db_int(row, 0);
	sut_db_rows_free(sut_steal(row));
	assert_ok(sut_db_exec(s->c,
			      "INSERT INTO host_names (tenant, kind, value, host, origin)"
			      " VALUES ($1, 'host', $2, $3, 'portal')",
			      SUT_DB_ARGS(SUT_DB_I(t->id), SUT_DB_T(hostname), SUT_DB_I(id)), NULL,
			      &err),
		  err);
	touch(s);
	return id;
}

void sample_import_waiting(struct sample_server *s)
{
	struct sut_err err = {0};

	assert_ok(import_waiting(sample_console(s), s->c, s->now, &err), err);
}

const char *sample_import(struct sample_server *s, const struct sample_tenant *t, const char *args,
			  const char *file)
{
	static char id[64];
	_cleanup_(sut_freep) char *target = sut_sprintf("/v1/scans%s", args);

	sample_call_raw(s, "POST", target, t->token[SAMPLE_OPERATOR], file, strlen(file));
	assert_status(s, 202);
	snprintf(id, sizeof(id), "%s", sample_text(s, "id"));
	sample_import_waiting(s);
	return id;
}
