// SPDX-License-Identifier: Apache-2.0
#include "link/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "live/live.h"
#include "seal.h"

enum { PURPOSE_MAX = 48 };

static void purpose_of(int64_t tenant, char ret[static PURPOSE_MAX])
{
	(void)snprintf(ret, PURPOSE_MAX, "portal-token:%lld", (long long)tenant);
}

void link_release(struct link *l)
{
	free(l->url);
	free(l->ca);
	sut_secret_release(&l->token);
	*l = (struct link){0};
}

int link_load(struct console *c, struct sut_db *db, int64_t tenant, struct link *ret,
	      struct sut_err *err)
{
	static const char sql[] =
		"SELECT url, token, ca, state, coverage_etag, tried, retry_at, wanted, whole_at,"
		" systems_at, failures, changed FROM portals WHERE tenant = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	_cleanup_link_ struct link l = {.tenant = tenant, .token = SUT_BUF_INIT(SEAL_MAX)};
	char purpose[PURPOSE_MAX];
	const void *sealed;
	size_t len = 0;
	int r = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);

	if (r <= 0)
		return r;
	l.url = strdup(sut_db_text(rows, 0));
	l.ca = strdup(sut_db_text(rows, 2));
	if (!l.url || !l.ca)
		return sut_err_oom(err);
	(void)snprintf(l.state, sizeof(l.state), "%s", sut_db_text(rows, 3));
	(void)snprintf(l.etag, sizeof(l.etag), "%s", sut_db_text(rows, 4));
	l.tried = sut_db_int(rows, 5);
	l.retry_at = sut_db_int(rows, 6);
	l.wanted = sut_db_int(rows, 7);
	l.whole_at = sut_db_int(rows, 8);
	l.systems_at = sut_db_int(rows, 9);
	l.failures = sut_db_int(rows, 10);
	l.settings = sut_db_int(rows, 11);
	purpose_of(tenant, purpose);
	sealed = sut_db_blob(rows, 1, &len);
	r = seal_get(c->seal, purpose, sealed, len, &l.token, err);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct link){0};
	return 1;
}

int link_open(const struct link *l, unsigned int total_sec, int cancel_fd, struct link_client **ret,
	      struct sut_err *err)
{
	return link_client_new(&(const struct link_client_opts){.url = l->url,
								.token = sut_buf_str(&l->token),
								.ca = l->ca,
								.total_sec = total_sec,
								.cancel_fd = cancel_fd},
			       ret, err);
}

int link_save(struct web_req *q, const struct link_settings *s, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(SEAL_MAX + SEAL_MORE);
	char purpose[PURPOSE_MAX];
	int r;

	purpose_of(q->who.tenant, purpose);
	r = seal_put(console_of(q->server)->seal, purpose, s->token, strlen(s->token), &sealed,
		     err);
	if (r < 0)
		return r;
	/* What was read from another portal is no answer of this one. */
	r = sut_db_exec(
		q->db,
		"INSERT INTO portals (tenant, url, token, ca, state, since, last_ok, wanted)"
		" VALUES ($1, $2, $3, $4, 'ok', $5, $5, $5) ON CONFLICT (tenant) DO UPDATE SET"
		" url = $2, token = $3, ca = $4, state = 'ok', since = $5, last_ok = $5, wanted = $5,"
		" error = '', failures = 0, retry_at = 0, whole_at = 0, coverage_etag = '',"
		" changed = portals.changed + 1, version = portals.version + 1",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(s->url),
			    SUT_DB_B(sealed.data, sealed.len), SUT_DB_T(s->ca), SUT_DB_I(q->now)),
		NULL, err);
	return r < 0 ? r : live_tell(q->db, q->who.tenant, q->now, "portal", "", err);
}

int link_json(struct sut_db *db, int64_t tenant, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT url, state, since, last_ok, error, systems_at, coverage_at, targets, version,"
		" CASE WHEN ca = '' THEN 0 ELSE 1 END, retry_at FROM portals WHERE tenant = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);
	json_t *j;

	if (r < 0)
		return r;
	if (r == 0)
		j = json_pack("{s:b, s:n, s:s, s:n, s:n, s:s, s:n, s:n, s:i, s:b, s:i}",
			      "configured", 0, "url", "state", "unset", "since", "last_ok", "error",
			      "", "systems_at", "coverage_at", "targets", 0, "own_ca", 0, "version",
			      0);
	else
		j = json_pack("{s:b, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:I, s:b, s:I}",
			      "configured", 1, "url", sut_db_text(rows, 0), "state",
			      sut_db_text(rows, 1), "since", web_time(sut_db_int(rows, 2)),
			      "last_ok", web_time(sut_db_int(rows, 3)), "error",
			      sut_db_text(rows, 4), "systems_at", web_time(sut_db_int(rows, 5)),
			      "coverage_at", web_time(sut_db_int(rows, 6)), "targets",
			      (json_int_t)sut_db_int(rows, 7), "own_ca", (int)sut_db_int(rows, 9),
			      "version", (json_int_t)sut_db_int(rows, 8));
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}

int link_is_ok(struct sut_db *db, int64_t tenant, bool *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(
		db, "SELECT 1 FROM portals WHERE tenant = $1 AND state = 'ok' AND failures = 0",
		SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);

	if (r < 0)
		return r;
	*ret = r > 0;
	return 0;
}

/* 5, 10, 20, 30 … seconds, or what the portal asks for. */
static int64_t pause_after(int64_t failures, unsigned int retry_after)
{
	int64_t sec = LINK_RETRY_SEC;

	for (int64_t i = 1; i < failures && sec < LINK_EVERY_SEC; i++)
		sec *= 2;
	if (sec > LINK_EVERY_SEC)
		sec = LINK_EVERY_SEC;
	if (retry_after > LINK_RETRY_MAX_SEC)
		retry_after = LINK_RETRY_MAX_SEC;
	return retry_after > sec ? retry_after : sec;
}

static int tell(struct web_req *q, const struct link *l, const char *state, const char *error,
		struct sut_err *err)
{
	const char *type = !strcmp(state, "away")      ? "portal.away"
			   : !strcmp(state, "refused") ? "portal.refused"
						       : "portal.back";
	int r;

	if (!strcmp(l->state, state))
		return 0;
	r = live_tell(q->db, l->tenant, q->now, "portal", "", err);
	if (r < 0)
		return r;
	r = web_event(q, l->tenant, type,
		      json_pack("{s:s, s:s, s:s*}", "url", l->url, "state", state, "error",
				*error ? error : NULL),
		      err);
	return r < 0 ? r : web_touch(q, err);
}

int link_note(struct web_req *q, const struct link *l, int rc, const struct sut_err *why,
	      unsigned int retry_after, struct sut_err *err)
{
	int64_t failures = rc < 0 ? l->failures + 1 : 0, n = 0;
	const char *state = rc == -EACCES ? "refused" : "away", *error = rc < 0 ? why->msg : "";
	int64_t retry_at = rc < 0 ? q->now + pause_after(failures, retry_after) : 0;
	int r;

	/* One answer that was lost is nothing to call anybody for. */
	if (rc == 0)
		state = "ok";
	else if (failures < 2 && rc != -EACCES)
		state = l->state;
	r = sut_db_exec(
		q->db,
		"UPDATE portals SET error = $3, failures = $4, retry_at = $5, tried = $6,"
		" last_ok = CASE WHEN $4 = 0 THEN $6 ELSE last_ok END,"
		/* Away since the first failure, which was noted when the state was still ok. */
		" since = CASE WHEN state <> $7 AND $4 <= 1 THEN $6"
		" WHEN state <> $7 THEN tried ELSE since END, state = $7,"
		" wanted = CASE WHEN wanted > $8 THEN wanted ELSE 0 END"
		" WHERE tenant = $1 AND changed = $2",
		SUT_DB_ARGS(SUT_DB_I(l->tenant), SUT_DB_I(l->settings), SUT_DB_T(error),
			    SUT_DB_I(failures), SUT_DB_I(retry_at), SUT_DB_I(q->now),
			    SUT_DB_T(state), SUT_DB_I(l->wanted)),
		&n, err);
	return r < 0 || n != 1 ? r : tell(q, l, state, error, err);
}

int link_want(struct web_req *q, int64_t tenant, struct sut_err *err)
{
	return sut_db_exec(q->db,
			   "UPDATE portals SET wanted = CASE WHEN wanted >= $2 THEN wanted + 1"
			   " ELSE $2 END WHERE tenant = $1",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(q->now)), NULL, err);
}

int link_problem(struct web_resp *r, int rc, const struct sut_err *why)
{
	if (rc == -EHOSTDOWN)
		return web_problem(r, 503, "portal-away",
				   "The portal does not answer: %s. Try again later", why->msg);
	if (rc == -EACCES)
		return web_problem(r, 502, "portal-refused", "%s", why->msg);
	return rc;
}

int link_unset(struct web_resp *r)
{
	return web_problem(r, 409, "portal-unset",
			   "No portal is set: an admin does that with PUT /v1/portal");
}
