// SPDX-License-Identifier: Apache-2.0
#include "find/scan.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "live/live.h"

void scan_row_release(struct scan_row *s)
{
	free(s->name);
	free(s->of_host);
	free(s->systems);
	free(s->tool);
	free(s->error);
	free(s->created_by);
	*s = (struct scan_row){0};
}

static int copy(const struct sut_db_rows *row, int col, char **ret)
{
	const char *s = sut_db_text(row, col);

	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

static void take(const struct sut_db_rows *row, int col, char *to, size_t size)
{
	const char *s = sut_db_text(row, col);

	snprintf(to, size, "%s", s ? s : "");
}

int scan_row_read(const struct sut_db_rows *row, struct scan_row *ret)
{
	struct scan_row s = {.id = sut_db_int(row, 0), .tenant = sut_db_int(row, 1)};
	int64_t *const numbers[] = {&s.bytes, &s.done_bytes, &s.hosts,	     &s.findings,
				    &s.cves,  &s.unmatched,  &s.without_cve, &s.created,
				    &s.begun, &s.finished,   &s.tries};

	take(row, 2, s.uid, sizeof(s.uid));
	take(row, 3, s.format, sizeof(s.format));
	take(row, 4, s.state, sizeof(s.state));
	take(row, 11, s.error_code, sizeof(s.error_code));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(numbers); i++)
		*numbers[i] = sut_db_int(row, 12 + (int)i);
	s.cancel = sut_db_int(row, 23);
	if (copy(row, 5, &s.name) < 0 || copy(row, 6, &s.of_host) < 0 ||
	    copy(row, 7, &s.systems) < 0 || copy(row, 8, &s.tool) < 0 ||
	    copy(row, 9, &s.error) < 0 || copy(row, 10, &s.created_by) < 0) {
		scan_row_release(&s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

int scan_row_get(struct sut_db *db, int64_t tenant, const char *uid, struct scan_row *ret,
		 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(
		db, "SELECT " SCAN_COLUMNS " FROM scans s WHERE s.tenant = $1 AND s.uid = $2",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(uid)), &row, err);

	if (r > 0 && scan_row_read(row, ret) < 0)
		return sut_err_oom(err);
	return r;
}

/* Messages of lib/scan name the line: "… line 12: …". */
static json_t *line_of(const char *text)
{
	const char *at = text ? strstr(text, "line ") : NULL;
	uint64_t n = 0;
	char digits[12] = "";

	if (at)
		snprintf(digits, sizeof(digits), "%.*s", (int)strspn(at + 5, "0123456789"), at + 5);
	return sut_parse_u64(digits, INT32_MAX, &n) == 0 && n ? json_integer((json_int_t)n)
							      : json_null();
}

static json_t *error_json(const struct scan_row *s)
{
	if (!s->error_code[0])
		return json_null();
	return json_pack("{s:s, s:s, s:o}", "code", s->error_code, "detail",
			 s->error ? s->error : "", "line", line_of(s->error));
}

json_t *scan_json(const struct scan_row *s)
{
	return json_pack(
		"{s:s, s:s?, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:o,"
		" s:o}",
		"id", s->uid, "format", s->format[0] ? s->format : NULL, "name", s->name, "tool",
		s->tool, "state", s->state, "bytes", (json_int_t)s->bytes, "done_bytes",
		(json_int_t)s->done_bytes, "hosts", (json_int_t)s->hosts, "findings",
		(json_int_t)s->findings, "cves", (json_int_t)s->cves, "unmatched",
		(json_int_t)s->unmatched, "without_cve", (json_int_t)s->without_cve, "error",
		error_json(s), "by", s->created_by, "created", web_time(s->created), "finished",
		web_time(s->finished));
}

int scan_add(struct web_req *q, const struct scan_new *n, struct sut_err *err)
{
	int r = sut_db_exec(
		q->db,
		"INSERT INTO scans (uid, tenant, format, name, system, systems, state,"
		" bytes, created_by, created)"
		" VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $9)",
		SUT_DB_ARGS(SUT_DB_T(n->uid), SUT_DB_I(q->who.tenant), SUT_DB_T(n->format),
			    SUT_DB_T(n->name), SUT_DB_T(n->of_host), SUT_DB_T(n->systems),
			    SUT_DB_I(n->bytes), SUT_DB_T(q->who.name), SUT_DB_I(q->now)),
		NULL, err);

	if (r == 0)
		r = live_tell(q->db, q->who.tenant, q->now, "scan", n->uid, err);
	if (r == 0)
		r = web_audit(
			q, "scan.import", "scan", n->uid,
			json_pack("{s:s, s:I}", "name", n->name, "bytes", (json_int_t)n->bytes),
			err);
	return r == 0 ? web_touch(q, err) : r;
}
