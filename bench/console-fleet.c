// SPDX-License-Identifier: Apache-2.0
/*
 * A fleet as the portal tells it, straight into a console's SQLite database: systems, and coverage of 300 kernels with 2,000 CVEs
 * each. And the file of a scanner that found all of these on every system, each time with one left out, so that no two of
 * 6,000 systems have the same findings.
 *
 *   console-fleet fill DATABASE TENANT SYSTEMS
 *   console-fleet scan SYSTEMS                 CSV on standard output
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "db/db.h"
#include "pack.h"

enum { KERNELS = 300, CVES = 2000, LEVELS = 30, DOCUMENT_MAX = 60 << 20 };

static int stop(const struct sut_err *err)
{
	fprintf(stderr, "console-fleet: %s\n", err->msg);
	return 1;
}

static int target(struct sut_buf *b, int k)
{
	int r = sut_buf_addf(
		b,
		"%s{\"build_id\":\"%040d\",\"kernel_id\":null,\"product\":\"kernel\","
		"\"target\":\"debian/6.1.0-%d-amd64\",\"arch\":\"x86_64\",\"release\":\"6.1.0-%d-amd64\","
		"\"package\":\"linux-image-6.1.0-%d-amd64\",\"package_version\":\"6.1.%d-1\",\"file\":null,"
		"\"soname\":null,\"source\":{\"distribution\":\"debian\",\"name\":\"linux\","
		"\"version\":\"6.1.999-1\"},\"levels\":[",
		k ? "," : "", k, k, k, k, k);

	for (int l = 1; r == 0 && l <= LEVELS; l++)
		r = sut_buf_addf(b,
				 "%s{\"level\":%d,\"patchset\":\"K202601%02d_01\",\"released\":"
				 "\"2026-01-%02dT12:00:00Z\",\"feeds\":[\"stable\"]}",
				 l > 1 ? "," : "", l, l, l);
	if (r == 0)
		r = sut_buf_addstr(b, "],\"fixed\":[");
	for (int c = 0; r == 0 && c < CVES / 2; c++)
		r = sut_buf_addf(b, "%s{\"cve\":\"CVE-2025-%d\",\"level\":%d}", c ? "," : "",
				 10000 + c, 1 + c % LEVELS);
	if (r == 0)
		r = sut_buf_addstr(b, "],\"partial\":[],\"pending_reboot\":[");
	for (int c = CVES / 2; r == 0 && c < CVES; c++)
		r = sut_buf_addf(b, "%s{\"cve\":\"CVE-2025-%d\",\"fixed_in\":\"6.1.500-1\"}",
				 c > CVES / 2 ? "," : "", 10000 + c);
	return r == 0 ? sut_buf_addstr(b, "]}\n") : r;
}

static int coverage(struct sut_db *db, int64_t tenant, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(DOCUMENT_MAX),
				     z = SUT_BUF_INIT(DOCUMENT_MAX);
	int r = sut_buf_addstr(&text,
			       "{\"format\":\"suture-coverage\",\"version\":1,\"targets\":[");

	for (int k = 0; r == 0 && k < KERNELS; k++)
		r = target(&text, k);
	if (r == 0)
		r = sut_buf_addstr(&text, "]}");
	if (r < 0)
		return sut_err_oom(err);
	r = pack(text.data, text.len, &z, err);
	if (r < 0)
		return r;
	return sut_db_exec(
		db,
		"INSERT INTO portals (tenant, url, token, since, coverage, coverage_etag,"
		" coverage_at, targets, retry_at)"
		" VALUES ($1, 'http://127.0.0.1:9', $2, 1, $3, 'e', 1, $4, 4000000000)",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_B("x", 1), SUT_DB_B(z.data, z.len),
			    SUT_DB_I(KERNELS)),
		NULL, err);
}

static int host(struct sut_db *db, int64_t tenant, int i, struct sut_err *err)
{
	char name[32], uid[32], build[48], release[48];
	int64_t id;
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r;

	snprintf(name, sizeof(name), "srv-%05d", i);
	snprintf(uid, sizeof(uid), "%016d", i);
	snprintf(build, sizeof(build), "%040d", i % KERNELS);
	snprintf(release, sizeof(release), "6.1.0-%d-amd64", i % KERNELS);
	r = sut_db_one(db,
		       "INSERT INTO hosts (uid, tenant, system_id, hostname, state, build_id,"
		       " kernel_release, feed, level, created, updated, registered, last_seen)"
		       " VALUES ($1, $2, $1, $3, 'current', $4, $5, 'stable', $6, 1, 1, 1, 1)"
		       " RETURNING id",
		       SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant), SUT_DB_T(name), SUT_DB_T(build),
				   SUT_DB_T(release), SUT_DB_I(i % (LEVELS + 1))),
		       &row, err);
	if (r <= 0)
		return r;
	id = sut_db_int(row, 0);
	return sut_db_exec(db,
			   "INSERT INTO host_names (tenant, kind, value, host, origin)"
			   " VALUES ($1, 'host', $2, $3, 'portal')",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(name), SUT_DB_I(id)), NULL, err);
}

static int fill(const char *url, const char *name, int systems)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct sut_err err = {.msg = "there is no such tenant"};
	int64_t tenant;
	int r = sut_db_open(url, NULL, &db, &err);

	if (r == 0)
		r = sut_db_begin(db, SUT_DB_WRITE, &err);
	if (r == 0)
		r = sut_db_one(db, "SELECT id FROM tenants WHERE name = $1",
			       SUT_DB_ARGS(SUT_DB_T(name)), &row, &err);
	if (r <= 0)
		return stop(&err);
	tenant = sut_db_int(row, 0);
	sut_db_rows_free(sut_steal(row));
	r = coverage(db, tenant, &err);
	for (int i = 0; r >= 0 && i < systems; i++)
		r = host(db, tenant, i, &err);
	if (r >= 0)
		r = sut_db_commit(db, &err);
	return r < 0 ? stop(&err) : 0;
}

static int scan(int systems)
{
	printf("host,cve,package,version,severity\n");
	for (int i = 0; i < systems; i++)
		for (int c = 0; c < CVES; c++)
			if (c != i % CVES)
				printf("srv-%05d,CVE-2025-%d,linux-image-6.1.0-%d-amd64,6.1.%d-1,%s\n",
				       i, 10000 + c, i % KERNELS, i % KERNELS,
				       c % 3 ? "high" : "medium");
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "fill"))
		return fill(argv[2], argv[3], (int)strtol(argv[4], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "scan"))
		return scan((int)strtol(argv[2], NULL, 10));
	fprintf(stderr, "usage: console-fleet fill DATABASE TENANT SYSTEMS | scan SYSTEMS\n");
	return 64;
}
