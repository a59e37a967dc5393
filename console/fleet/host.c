// SPDX-License-Identifier: Apache-2.0
#include "fleet/host.h"

#include <errno.h>
#include <string.h>

#include "auth/token.h"
#include "base/str.h"
#include "base/utf8.h"

int host_event(struct sut_db *db, int64_t tenant, int64_t host, int64_t at, const char *kind,
	       const char *text, json_t *data, struct sut_err *err)
{
	_cleanup_(sut_freep) char *json = data ? json_dumps(data, JSON_COMPACT) : strdup("{}");

	json_decref(data);
	if (!json)
		return sut_err_oom(err);
	return sut_db_exec(db,
			   "INSERT INTO host_events (tenant, host, at, kind, text, data)"
			   " VALUES ($1, $2, $3, $4, $5, $6)",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(host), SUT_DB_I(at),
				       SUT_DB_T(kind), SUT_DB_T(text), SUT_DB_T(json)),
			   NULL, err);
}

int host_find(struct sut_db *db, int64_t tenant, const char *uid, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	if (!sut_uid_ok(uid))
		return 0;
	r = sut_db_one(db, "SELECT id FROM hosts WHERE tenant = $1 AND uid = $2",
		       SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(uid)), &rows, err);
	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r;
}

int host_seen(struct sut_db *db, int64_t tenant, int64_t host, int64_t checkin, struct sut_err *err)
{
	return sut_db_exec(db, "UPDATE hosts SET last_seen = $3 WHERE tenant = $1 AND id = $2",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(host), SUT_DB_I(checkin)), NULL,
			   err);
}

int host_gone(struct web_req *q, int64_t host, struct sut_err *err)
{
	int64_t n = 0;
	int r = sut_db_exec(
		q->db,
		"UPDATE hosts SET system_id = NULL, gone = $3, state = '', silent = 0,"
		" job_key = '', portal_hash = NULL, level = 0, patchset = '', feed = '',"
		" updated = $3, version = version + 1"
		" WHERE tenant = $1 AND id = $2 AND system_id IS NOT NULL",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(host), SUT_DB_I(q->now)), &n, err);

	if (r < 0 || !n)
		return r;
	return host_event(q->db, q->who.tenant, host, q->now, "gone",
			  "The portal does not know this system any more", NULL, err);
}

/* --- scans --- */

/* Printable, not longer than max. The caller's to free. */
static char *text_of(const char *s, size_t max)
{
	char *t = s ? strndup(s, max) : strdup("");

	if (t)
		sut_make_printable(t, "");
	return t;
}

static int new_of_scan(struct web_req *q, const struct host_scan *s, int64_t *ret,
		       struct sut_err *err)
{
	_cleanup_(sut_freep) char *host = text_of(s->facts.hostname, MATCH_VALUE_MAX);
	_cleanup_(sut_freep) char *fqdn = text_of(s->facts.fqdn, MATCH_VALUE_MAX);
	_cleanup_(sut_freep) char *external = text_of(s->facts.external_id, MATCH_VALUE_MAX);
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	char uid[SUT_UID_LEN + 1];
	int r = sut_uid_make(uid, err);

	if (r < 0)
		return r;
	if (!host || !fqdn || !external)
		return sut_err_oom(err);
	r = sut_db_one(
		q->db,
		"INSERT INTO hosts (uid, tenant, hostname, fqdn, external_id, created, updated)"
		" VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(q->who.tenant), SUT_DB_T(*host ? host : fqdn),
			    SUT_DB_T(fqdn), SUT_DB_T(*external ? external : NULL),
			    SUT_DB_I(q->now)),
		&rows, err);
	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

/* What the portal tells is nearer to the machine than what a scanner saw from outside. */
static int fill_from_scan(struct web_req *q, const struct host_scan *s, int64_t host,
			  struct sut_err *err)
{
	_cleanup_(sut_freep) char *os = text_of(s->os, MATCH_VALUE_MAX);
	_cleanup_(sut_freep) char *release = text_of(s->kernel_release, MATCH_VALUE_MAX);
	json_t *list = json_array();
	_cleanup_(sut_freep) char *addresses = NULL;

	for (size_t i = 0; i < s->facts.naddresses && i < 64; i++) {
		char a[MATCH_VALUE_MAX + 1];

		if (match_address(s->facts.addresses[i], a))
			(void)json_array_append_new(list, json_string(a));
	}
	addresses = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (!os || !release || !addresses)
		return sut_err_oom(err);
	return sut_db_exec(
		q->db,
		"UPDATE hosts SET os = CASE WHEN os = '' OR system_id IS NULL THEN"
		" COALESCE(CAST($3 AS TEXT), os) ELSE os END,"
		" kernel_release = CASE WHEN system_id IS NULL THEN COALESCE(CAST($4 AS TEXT),"
		" kernel_release) ELSE kernel_release END,"
		" addresses = CASE WHEN system_id IS NULL AND $5 <> '[]' THEN $5 ELSE addresses END,"
		" updated = $6, version = version + 1 WHERE tenant = $1 AND id = $2",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(host), SUT_DB_T(*os ? os : NULL),
			    SUT_DB_T(*release ? release : NULL), SUT_DB_T(addresses),
			    SUT_DB_I(q->now)),
		NULL, err);
}

int host_of_scan(struct web_req *q, const struct host_scan *s, int64_t *ret, const char **ret_by,
		 struct sut_err *err)
{
	const char *by = "new";
	int64_t host = 0;
	int r = host_match(q->db, q->who.tenant, &s->facts, MATCH_ALL, 0, &host, &by, err);

	/* Names that several registered systems have decide nothing; but the host that the last scan with
	 * them made is found again. */
	if (r == 0)
		r = host_match(q->db, q->who.tenant, &s->facts, MATCH_UNREGISTERED, 0, &host, &by,
			       err);
	if (r == 0)
		r = new_of_scan(q, s, &host, err);
	if (r >= 0)
		r = host_set_names(q->db, q->who.tenant, host, "scan", &s->facts, err);
	if (r >= 0)
		r = fill_from_scan(q, s, host, err);
	if (r < 0)
		return r;
	*ret = host;
	*ret_by = by;
	return 0;
}

/* --- two that are one --- */

/* Their rows lead to another host; where that has one too, the one that is dropped goes with its host. */
static const char *const follow[] = {
	"UPDATE host_events SET host = $1 WHERE host = $2",
	"INSERT INTO host_names (tenant, kind, value, host, origin)"
	" SELECT tenant, kind, value, CAST($1 AS BIGINT), origin FROM host_names WHERE host = $2"
	" ON CONFLICT DO NOTHING",
	"UPDATE job_systems SET host = $1 WHERE host = $2 AND NOT EXISTS (SELECT 1 FROM job_systems o"
	" WHERE o.job = job_systems.job AND o.host = $1)",
	/* Of each kind of scanner the newer word. */
	"DELETE FROM host_findings WHERE host = $1 AND EXISTS (SELECT 1 FROM host_findings d"
	" WHERE d.host = $2 AND d.family = host_findings.family"
	" AND d.scanned_at >= host_findings.scanned_at)",
	"UPDATE host_findings SET host = $1 WHERE host = $2 AND NOT EXISTS (SELECT 1"
	" FROM host_findings k WHERE k.host = $1 AND k.family = host_findings.family)",
};

int host_merge(struct web_req *q, int64_t keep, int64_t drop, const char *by, struct sut_err *err)
{
	int64_t n = 0;
	int r = sut_db_exec(
		q->db,
		"UPDATE hosts SET findset = d.findset, scan = d.scan, scanned_at = d.scanned_at,"
		" scanner = d.scanner, matched_by = CAST($4 AS TEXT), version = hosts.version + 1,"
		" updated = $5 FROM (SELECT findset, scan, scanned_at, scanner FROM hosts"
		" WHERE id = $3 AND tenant = $1) d WHERE hosts.tenant = $1 AND hosts.id = $2"
		" AND d.scanned_at IS NOT NULL"
		" AND COALESCE(hosts.scanned_at, 0) <= d.scanned_at",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(keep), SUT_DB_I(drop), SUT_DB_T(by),
			    SUT_DB_I(q->now)),
		NULL, err);

	for (size_t i = 0; r >= 0 && i < SUT_ARRAY_SIZE(follow); i++)
		r = sut_db_exec(q->db, follow[i], SUT_DB_ARGS(SUT_DB_I(keep), SUT_DB_I(drop)), NULL,
				err);
	if (r >= 0)
		r = sut_db_exec(q->db, "DELETE FROM hosts WHERE tenant = $1 AND id = $2",
				SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(drop)), &n, err);
	if (r < 0 || !n)
		return r;
	return host_event(q->db, q->who.tenant, keep, q->now, "linked",
			  "A host of scans turned out to be this system",
			  json_pack("{s:s}", "by", by), err);
}
