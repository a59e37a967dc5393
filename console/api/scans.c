// SPDX-License-Identifier: Apache-2.0
/* /v1/scans: files of scanners, and what became of them. The file waits in the spool folder under the scan's uid. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/str.h"
#include "fleet/match.h"
#include "find/scan.h"
#include "live/live.h"
#include "scan/scan.h"

enum { SYSTEMS_MAX = 10000 };

/* --- POST /v1/scans --- */

struct upload {
	int dir;
	char uid[SUT_UID_LEN + 1];
	int64_t bytes;
	bool there; /* the file */
	bool kept;  /* a row speaks of it */
	/* The host that it is said to be of; "": the file tells. */
	char of_host[SUT_UID_LEN + 1];
};

static void upload_free(void *data)
{
	struct upload *u = data;

	if (!u)
		return;
	if (u->there && !u->kept)
		(void)!unlinkat(u->dir, u->uid, 0);
	free(u);
}

static int check_args(struct web_req *q, struct web_resp *r, char ret_host[static SUT_UID_LEN + 1],
		      struct sut_err *err)
{
	static const char *const args[] = {"format", "name", "system", NULL};
	const char *format = web_arg(q, "format"), *name = web_arg(q, "name"),
		   *of_host = web_arg(q, "system");
	enum sut_scan_format f;
	int x = web_only_args(q, r, args);

	if (x)
		return x;
	if (format && sut_scan_format_parse(format, &f) < 0)
		return web_problem(
			r, 400, "bad-argument",
			"format is one of oval, arf, trivy, grype, debsecan, nessus, csv; "
			"without it is found out");
	if (name && (!*name || strlen(name) > SCAN_NAME_MAX || strpbrk(name, "\n\r\t")))
		return web_problem(r, 400, "bad-argument", "name has 1 to %d bytes on one line",
				   SCAN_NAME_MAX);
	if (!of_host)
		return 0;
	x = host_named(q->db, q->who.tenant, of_host, ret_host, err);
	return x < 0 ? x : x ? 0 : web_not_found(r, "system", of_host);
}

static int upload_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct upload *u;
	struct sut_err e = {0};
	uint64_t len = 0;
	char of_host[SUT_UID_LEN + 1] = "";
	int x = check_args(q, r, of_host, err);

	if (x)
		return x;
	if (q->server->spool_fd < 0)
		return web_problem(
			r, 503, "no-spool",
			"The console has no folder for scans. Its operator makes the one "
			"that the setting spool names, and starts it again");
	if (!q->raw_len && (q->body_fd < 0 || !q->body_len))
		return web_problem(r, 422, "scan-empty",
				   "The body is the file of the scanner, and it "
				   "is empty");
	u = calloc(1, sizeof(*u));
	if (!u)
		return sut_err_oom(err);
	q->prepared = u;
	memcpy(u->of_host, of_host, sizeof(of_host));
	u->dir = q->server->spool_fd;
	x = sut_uid_make(u->uid, err);
	if (x < 0)
		return x;
	x = web_spool_keep(q, u->uid, &len, &e);
	if (x < 0)
		return sut_err_set(err, -x, "%s", e.msg);
	u->there = true;
	u->bytes = (int64_t)len;
	return 0;
}

static int answer_scan(struct web_req *q, struct web_resp *r, int status, const char *uid,
		       struct sut_err *err)
{
	_cleanup_scan_row_ struct scan_row s = {0};
	int x = scan_row_get(q->db, q->who.tenant, uid, &s, err);

	if (x < 0)
		return x;
	return x ? web_json(r, status, scan_json(&s), err) : web_not_found(r, "scan", uid);
}

static int upload(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct upload *u = q->prepared;
	const char *format = web_arg(q, "format"), *name = web_arg(q, "name");
	const struct scan_new n = {.uid = u->uid,
				   .format = format && !sut_streq(format, "auto") ? format : "",
				   .name = name ? name : "scan",
				   .of_host = u->of_host[0] ? u->of_host : NULL,
				   .bytes = u->bytes};
	int x = scan_add(q, &n, err);

	if (x == 0)
		x = answer_scan(q, r, 202, u->uid, err);
	/* When the commit fails in the end the task finds the file, and nobody who speaks of it. */
	u->kept = x == 0;
	return x;
}

/* --- POST /v1/scans/builtin --- */

static int builtin(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	json_t *systems = NULL;
	const struct web_field fields[] = {
		{"systems", WEB_T_ARRAY, WEB_NULLABLE, 0, SYSTEMS_MAX, &systems, NULL},
	};
	char uid[SUT_UID_LEN + 1];
	_cleanup_(sut_freep) char *text = NULL;
	struct scan_new n = {.uid = uid, .format = "builtin", .name = "Built-in scan"};
	int x = web_only_args(q, r, args);

	if (x == 0 && q->body)
		x = WEB_TAKE(q, r, fields);
	if (x)
		return x;
	for (size_t i = 0; i < json_array_size(systems); i++)
		if (!json_is_string(json_array_get(systems, i)))
			return web_bad_field(r, "/systems", "is no list of ids of systems");
	text = systems ? json_dumps(systems, JSON_COMPACT) : NULL;
	if (systems && !text)
		return sut_err_oom(err);
	n.systems = text;
	x = sut_uid_make(uid, err);
	if (x == 0)
		x = scan_add(q, &n, err);
	return x < 0 ? x : answer_scan(q, r, 202, uid, err);
}

/* --- reading --- */

static json_t *item(const struct sut_db_rows *row)
{
	_cleanup_scan_row_ struct scan_row s = {0};

	return scan_row_read(row, &s) < 0 ? NULL : scan_json(&s);
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {"SELECT " SCAN_COLUMNS
					     " FROM scans s WHERE s.tenant = $1 AND s.id < $2"
					     " ORDER BY s.id DESC LIMIT $3",
					     0, WEB_NEWEST_FIRST, item};

	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	int x = web_only_args(q, r, args);

	return x ? x : answer_scan(q, r, 200, q->params[0], err);
}

static json_t *host_item(const struct sut_db_rows *row)
{
	return json_pack("{s:{s:s, s:s, s:s?}, s:s, s:s, s:I}", "system", "id", sut_db_text(row, 1),
			 "hostname", sut_db_text(row, 2), "system_id", sut_db_text(row, 6), "name",
			 sut_db_text(row, 3), "matched_by", sut_db_text(row, 4), "findings",
			 (json_int_t)sut_db_int(row, 5));
}

static int hosts(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		"SELECT h.id, h.uid, h.hostname, f.name, f.matched_by, f.findings,"
		" h.system_id"
		" FROM host_findings f JOIN hosts h ON h.id = f.host AND h.tenant = f.tenant"
		" WHERE f.tenant = $1 AND f.scan = $2 AND f.host > $3 ORDER BY f.host LIMIT $4",
		0, WEB_OLDEST_FIRST, host_item};
	_cleanup_scan_row_ struct scan_row s = {0};
	int x = scan_row_get(q->db, q->who.tenant, q->params[0], &s, err);

	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "scan", q->params[0]);
	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(s.id)), err);
}

/* The task takes it away: of thousands of hosts it may take a while. */
static int delete (struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	_cleanup_scan_row_ struct scan_row s = {0};
	int x = web_only_args(q, r, args);

	if (x)
		return x;
	x = scan_row_get(q->db, q->who.tenant, q->params[0], &s, err);
	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "scan", q->params[0]);
	x = sut_db_exec(
		q->db,
		"UPDATE scans SET cancel = 1, state = 'running' WHERE id = $1 AND tenant = $2",
		SUT_DB_ARGS(SUT_DB_I(s.id), SUT_DB_I(q->who.tenant)), NULL, err);
	if (x == 0)
		x = web_audit(q, "scan.delete", "scan", s.uid, json_pack("{s:s}", "name", s.name),
			      err);
	if (x == 0)
		x = web_touch(q, err);
	return x < 0 ? x : web_no_content(r);
}

const struct web_route api_scans[] = {
	{.method = "POST",
	 .path = "/v1/scans",
	 .allow = SUT_ROLE_OPERATOR,
	 .flags = WEB_WRITE | WEB_RAW_BODY | WEB_SPOOL,
	 .run = upload,
	 .prepare = upload_prepare,
	 .free_prepared = upload_free},
	{.method = "POST",
	 .path = "/v1/scans/builtin",
	 .allow = SUT_ROLE_OPERATOR,
	 .flags = WEB_WRITE,
	 .run = builtin},
	{.method = "GET", .path = "/v1/scans", .allow = API_READERS, .run = list},
	{.method = "GET", .path = "/v1/scans/{scan}", .allow = API_READERS, .run = get},
	{.method = "GET", .path = "/v1/scans/{scan}/hosts", .allow = API_READERS, .run = hosts},
	{.method = "DELETE",
	 .path = "/v1/scans/{scan}",
	 .allow = SUT_ROLE_OPERATOR,
	 .flags = WEB_WRITE,
	 .run = delete},
	{0},
};
