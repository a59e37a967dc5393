// SPDX-License-Identifier: Apache-2.0
/*
 * What agents and other tools download: /repo, the signed repository as it is, and the paths by which
 * KernelCare's tooling asks for patches, which lead into it. All of it proves itself by its signatures, so it is
 * for everybody.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/utf8.h"
#include "feed/decisions.h"
#include "portal.h"

enum { INFO_MAX = 4 << 20 /* bytes of kpatch.info */ };

/* Only timestamp.json is ever replaced (docs/formats/repository.md). */
#define FOREVER "public, max-age=31536000, immutable"

static int no_repository(struct web_resp *r)
{
	return web_problem(r, 404, "not-found", "This portal has no repository");
}

static int answer_file(struct web_req *q, struct web_resp *r, const char *cache, const char *type,
		       char *path, struct sut_err *err)
{
	if (!path)
		return sut_err_oom(err);
	if (q->server->files_fd < 0) {
		free(path);
		return no_repository(r);
	}
	r->status = 200;
	r->file = path;
	r->cache_control = cache;
	r->type = type;
	return 0;
}

static int repo_file(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const char *path = q->params[0];
	bool timestamp = !strcmp(path, "metadata/timestamp.json");

	/* Beside these a mirror may have files of its own. */
	if (!sut_startswith(path, "metadata/") && !sut_startswith(path, "targets/"))
		return web_not_found(r, "file", path);
	return answer_file(q, r, timestamp ? "no-cache" : FOREVER,
			   sut_endswith(path, ".json") ? "application/json"
						       : "application/octet-stream",
			   strdup(path), err);
}

/* ------------------------------------------------------------------ */
/* By kernel. */

/* What "stable" gives a kernel at once. */
struct offer {
	const struct feed_view *view;
	struct decide_in in;
	struct decide_out out;
};

static void offer_release(struct offer *o)
{
	decisions_put(o->view);
}

static bool is_hex40(const char *s)
{
	return strlen(s) == 40 && strspn(s, "0123456789abcdef") == 40;
}

/* The build-id of a kernel, which may be named by the SHA-1 of its /proc/version. 1, 0, < 0. */
static int find_kernel(struct web_req *q, const char *id, char ret[static 41], struct sut_err *err)
{
	static const char *const sql[] = {
		/* Libraries are nothing for those who ask by kernel. */
		"SELECT build_id FROM patch_targets WHERE build_id = $1 AND path NOT LIKE 'library/%'"
		" LIMIT 1",
		"SELECT MIN(build_id) FROM patch_targets WHERE kernel_id = $1 HAVING COUNT(*) > 0",
	};
	int x = 0;

	if (!is_hex40(id))
		return 0;
	for (size_t i = 0; x == 0 && i < SUT_ARRAY_SIZE(sql); i++) {
		_cleanup_rows_ struct sut_db_rows *rows = NULL;

		x = sut_db_one(q->db, sql[i], SUT_DB_ARGS(SUT_DB_T(id)), &rows, err);
		if (x > 0)
			snprintf(ret, 41, "%s", sut_db_text(rows, 0));
	}
	return x;
}

static int stable_feed(struct web_req *q, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(q->db, "SELECT id FROM feeds WHERE tenant = 0 AND name = 'stable'",
			   SUT_DB_NONE, &rows, err);

	if (x > 0)
		*ret = sut_db_int(rows, 0);
	return x;
}

static int get_offer(struct web_req *q, struct web_resp *r, struct offer *ret, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	struct decide_policy policy = {.has_delay = true, .now = q->now};
	char build_id[41];
	int64_t feed;
	int x = web_only_args(q, r, args);

	if (x != 0)
		return x;
	x = find_kernel(q, q->params[0], build_id, err);
	if (x > 0)
		x = stable_feed(q, &feed, err);
	if (x == 0)
		return web_not_found(r, "kernel", q->params[0]);
	if (x > 0)
		x = decisions_get(portal_of(q->server), q->db, feed, build_id, &ret->view, err);
	if (x >= 0)
		x = decide_for(q->db, ret->view, &policy, &ret->in, &ret->out, err);
	if (x < 0)
		return x;
	return ret->out.target ? 0 : web_not_found(r, "patch for the kernel", q->params[0]);
}

/* The entry of a level, when it is given out. NULL and an answer: it is not. */
static const struct decide_entry *get_level(struct web_req *q, struct web_resp *r,
					    const struct offer *o)
{
	uint64_t level;

	if (sut_parse_u64(q->params[1], INT32_MAX, &level) == 0)
		for (size_t i = 0; i < o->in.n; i++) {
			const struct decide_entry *e = &o->in.v[i];
			bool active = e->state == DECIDE_ACTIVE ||
				      (e->state == DECIDE_HELD && e->until && e->until <= q->now);

			if (e->level == level && active && !e->gone && e->level <= o->out.level)
				return e;
		}
	web_not_found(r, "level", q->params[1]);
	return NULL;
}

static int answer_text(struct web_resp *r, const char *text, size_t len, struct sut_err *err)
{
	r->status = 200;
	r->type = "text/plain; charset=utf-8";
	r->cache_control = "no-cache";
	r->raw = SUT_BUF_INIT(INFO_MAX);
	return sut_buf_add(&r->raw, text, len) < 0 ? sut_err_oom(err) : 0;
}

static int latest(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(offer_release) struct offer o = {0};
	char text[16];
	int x = get_offer(q, r, &o, err);

	if (x != 0)
		return x;
	snprintf(text, sizeof(text), "%u\n", o.out.level);
	return answer_text(r, text, strlen(text), err);
}

static int answer_patch(struct web_req *q, struct web_resp *r, const char *suffix,
			struct sut_err *err)
{
	_cleanup_(offer_release) struct offer o = {0};
	const struct decide_entry *e;
	const char *name;
	int x = get_offer(q, r, &o, err);

	if (x != 0)
		return x;
	e = get_level(q, r, &o);
	if (!e)
		return WEB_NO;
	name = strrchr(e->path, '/') + 1;
	return answer_file(q, r, "no-cache", "application/octet-stream",
			   sut_sprintf("targets/%.*s%s.%s%s", (int)(name - e->path), e->path,
				       e->sha256, name, suffix),
			   err);
}

static int patch(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	return answer_patch(q, r, "", err);
}

static int signature(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	return answer_patch(q, r, ".sig", err);
}

/* ------------------------------------------------------------------ */
/* kpatch.info: a head, then a paragraph for each CVE. */

/* One line whatever it holds. */
static const char *line_of(const char *s, char *buf, size_t size)
{
	if (!s || !*s)
		return "N/A";
	snprintf(buf, size, "%s", s);
	sut_make_printable(buf, "");
	return buf;
}

static int add_head(struct web_req *q, const struct decide_entry *e, struct sut_buf *out,
		    char os[static 64], struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const char *target;
	time_t created = (time_t)e->created;
	char when[32] = "";
	struct tm tm;
	int x = sut_db_one(q->db, "SELECT target, release FROM patch_targets WHERE path = $1",
			   SUT_DB_ARGS(SUT_DB_T(e->path)), &rows, err);

	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "%s has gone at once", e->path);
	target = sut_db_text(rows, 0);
	snprintf(os, 64, "%.*s", (int)strcspn(target, "/"), target);
	if (gmtime_r(&created, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	x = sut_buf_addf(out, "OS: %s\nkernel: %s\ntime: %s\nuname: %s\n", os, target, when,
			 sut_db_text(rows, 1));
	return x < 0 ? sut_err_oom(err) : 0;
}

static int add_paragraph(struct sut_buf *out, const struct decide_entry *e, const char *cve,
			 const char *fixed, const char *subject)
{
	char a[256], b[512];
	int x = sut_buf_addf(out,
			     "\nkpatch-name: %s\nkpatch-description: %s\nkpatch-kernel: %s\n"
			     "kpatch-cve: %s\nkpatch-cvss: N/A\n",
			     e->patchset, line_of(subject, b, sizeof(b)),
			     line_of(fixed, a, sizeof(a)), cve ? cve : "N/A");

	if (x == 0 && cve)
		x = sut_buf_addf(out, "kpatch-cve-url: https://www.cve.org/CVERecord?id=%s\n", cve);
	else if (x == 0)
		x = sut_buf_addstr(out, "kpatch-cve-url: N/A\n");
	return x == 0 ? sut_buf_addstr(out, "kpatch-patch-url: N/A\n") : x;
}

/* Only what is fixed whole: who reads this takes each as done. Of several branches of a distribution
 * (debian-12, debian-13) the one that has the target's version (docs/formats/coverage.md). */
static int add_cves(struct web_req *q, const struct decide_entry *e, const char *os,
		    struct sut_buf *out, struct sut_err *err)
{
	static const char sql[] =
		"SELECT c.cve, MIN(x.version), MIN(x.subject) FROM patch_cves c"
		" JOIN patch_targets t ON t.id = c.target"
		" LEFT JOIN (SELECT f.cve AS cve, f.version AS version, f.subject AS subject,"
		"  f.source AS source FROM cve_fixes f JOIN sources s ON s.id = f.source"
		"  WHERE (s.distribution = $2 OR s.distribution LIKE $2 || '-%')"
		"  AND s.name = 'linux') x ON x.cve = c.cve"
		" AND EXISTS (SELECT 1 FROM source_versions v"
		"  WHERE v.source = x.source AND v.version = t.package_version)"
		" WHERE t.path = $1 AND c.status = 'fixed' GROUP BY c.cve ORDER BY c.cve";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	bool any = false;
	int x = sut_db_query(q->db, sql, SUT_DB_ARGS(SUT_DB_T(e->path), SUT_DB_T(os)), &rows, err);

	while (x == 0 && (x = sut_db_next(rows, err)) > 0) {
		any = true;
		if (add_paragraph(out, e, sut_db_text(rows, 0), sut_db_text(rows, 1),
				  sut_db_text(rows, 2)) < 0)
			return sut_err_oom(err);
		x = 0;
	}
	if (x == 0 && !any && add_paragraph(out, e, NULL, NULL, NULL) < 0)
		return sut_err_oom(err);
	return x;
}

static int info(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(offer_release) struct offer o = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(INFO_MAX);
	const struct decide_entry *e;
	char os[64];
	int x = get_offer(q, r, &o, err);

	if (x != 0)
		return x;
	e = get_level(q, r, &o);
	if (!e)
		return WEB_NO;
	x = add_head(q, e, &b, os, err);
	if (x == 0)
		x = add_cves(q, e, os, &b, err);
	return x < 0 ? x : answer_text(r, sut_buf_str(&b), b.len, err);
}

const struct web_route api_distribution[] = {
	{.method = "GET",
	 .path = "/repo/{*}",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_NO_TX,
	 .run = repo_file},
	{.method = "GET", .path = "/{kernel_id}/latest.v1", .allow = WEB_PUBLIC, .run = latest},
	{.method = "GET",
	 .path = "/{kernel_id}/{level}/kpatch.info",
	 .allow = WEB_PUBLIC,
	 .run = info},
	{.method = "GET",
	 .path = "/{kernel_id}/{level}/kpatch.bin",
	 .allow = WEB_PUBLIC,
	 .run = patch},
	{.method = "GET",
	 .path = "/{kernel_id}/{level}/kpatch.bin.sig",
	 .allow = WEB_PUBLIC,
	 .run = signature},
	{0},
};
