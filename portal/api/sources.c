// SPDX-License-Identifier: Apache-2.0
/* /v1/sources: the source packages whose changelogs were read, and reading them. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "cve/import.h"

enum { SOURCE_MAX = 100 };

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", NULL};
	static const char sql[] =
		"SELECT s.id, s.distribution, s.name, s.version, s.oldest, s.imported, "
		"(SELECT COUNT(*) FROM source_versions v WHERE v.source = s.id), "
		"(SELECT COUNT(*) FROM cve_fixes f WHERE f.source = s.id) "
		"FROM sources s WHERE s.id > $1 ORDER BY s.id LIMIT $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	int64_t last = 0, n = 0;
	json_t *items;
	int rc = web_only_args(q, r, args);

	if (rc == 0)
		rc = web_page_take(q, r, &page);
	if (rc)
		return rc;
	rc = sut_db_query(q->db, sql, SUT_DB_ARGS(SUT_DB_I(page.after), SUT_DB_I(page.limit + 1)),
			  &rows, err);
	if (rc < 0)
		return rc;
	items = json_array();
	while ((rc = sut_db_next(rows, err)) > 0 && ++n <= page.limit) {
		last = sut_db_int(rows, 0);
		if (json_array_append_new(
			    items,
			    json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "distribution",
				      sut_db_text(rows, 1), "name", sut_db_text(rows, 2), "version",
				      sut_db_text(rows, 3), "oldest", sut_db_text(rows, 4),
				      "imported", web_time(sut_db_int(rows, 5)), "versions",
				      (json_int_t)sut_db_int(rows, 6), "cves",
				      (json_int_t)sut_db_int(rows, 7))) < 0) {
			json_decref(items);
			return sut_err_oom(err);
		}
	}
	if (rc < 0) {
		json_decref(items);
		return rc;
	}
	return web_page_put(q, r, items, last, n > page.limit, err);
}

/* [a-z0-9] and then [a-z0-9.+-] */
static bool name_ok(const char *s, size_t max, const char *more)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(s);

	if (n == 0 || n > max || !strchr(first, s[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!strchr(first, s[i]) && !strchr(more, s[i]))
			return false;
	return true;
}

static int take_replace(struct web_req *q, struct web_resp *r, bool *ret)
{
	static const char *const args[] = {"replace", NULL};
	const char *s = web_arg(q, "replace");
	int rc = web_only_args(q, r, args);

	if (rc)
		return rc;
	if (s && !sut_streq(s, "true") && !sut_streq(s, "false"))
		return web_problem(r, 400, "bad-argument",
				   "The argument 'replace' is not 'true' or 'false'");
	*ret = sut_streq(s, "true");
	return 0;
}

/* Reading is work for a reader thread; writing what it says is not. */
static int parse(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct sut_changelog *c = NULL;
	struct sut_err e = {0};
	bool replace;
	int rc = take_replace(q, r, &replace);

	if (rc)
		return rc;
	if (!name_ok(q->params[0], WEB_NAME_MAX, ".-"))
		return web_problem(r, 422, "invalid-name",
				   "A distribution is named like 'debian' or 'debian-12'");
	if (!name_ok(q->params[1], SOURCE_MAX, ".+-"))
		return web_problem(r, 422, "invalid-name",
				   "A source package is named like 'linux' or 'openssl'");
	rc = sut_changelog_parse(q->raw, q->raw_len, &c, &e);
	if (rc == -EBADMSG)
		return web_problem(r, 422, "invalid-changelog", "%s", e.msg);
	if (rc < 0)
		return sut_err_set(err, -rc, "%s", e.msg);
	if (!sut_streq(c->source, q->params[1])) {
		web_problem(
			r, 422, "invalid-changelog",
			"This is the changelog of '%.100s', not of '%s': send it to its own address",
			c->source, q->params[1]);
		sut_changelog_free(c);
		return WEB_NO;
	}
	q->prepared = c;
	return 0;
}

static void free_parsed(void *c)
{
	sut_changelog_free(c);
}

static json_t *said(const struct web_req *q, const struct import_done *d)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "distribution",
			 q->params[0], "source", q->params[1], "version", d->version, "oldest",
			 d->oldest, "versions", (json_int_t)d->versions, "cves",
			 (json_int_t)d->cves, "added", (json_int_t)d->added, "changed",
			 (json_int_t)d->changed, "removed", (json_int_t)d->removed);
}

static int tell(struct web_req *q, const struct import_done *d, struct sut_err *err)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("%s/%s", q->params[0], q->params[1]);
	int rc = name ? web_audit(q, "cve.import", "source", name, said(q, d), err)
		      : sut_err_oom(err);

	if (rc == 0)
		rc = web_event(q, 0, "cve.imported", said(q, d), err);
	if (rc == 0)
		rc = web_touch(q, err);
	return rc;
}

static int import(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(import_done_release) struct import_done d = {0};
	struct sut_err e = {0};
	bool replace = false;
	int rc = take_replace(q, r, &replace);

	if (rc)
		return rc;
	rc = import_changelog(q->db, q->params[0], q->prepared, replace, q->now, &d, &e);
	if (rc == -ESTALE)
		return web_problem(
			r, 409, "changelog-unrelated",
			"%s. Read it as another distribution (debian-13), or say replace=true to "
			"forget what is known",
			e.msg);
	if (rc < 0) {
		if (err)
			*err = e;
		return rc;
	}
	if (d.any)
		rc = tell(q, &d, err);
	return rc < 0 ? rc : web_json(r, 200, said(q, &d), err);
}

const struct web_route api_sources[] = {
	{.method = "GET",
	 .path = "/v1/sources",
	 .allow = SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR | SUT_ROLE_RELEASE | SUT_ROLE_KEYS |
		  SUT_ROLE_AUDITOR,
	 .run = list},
	{.method = "POST",
	 .path = "/v1/sources/{distribution}/{source}/changelog",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE | WEB_STAFF | WEB_RAW_BODY | WEB_BIG_BODY,
	 .run = import,
	 .prepare = parse,
	 .free_prepared = free_parsed},
	{0},
};
