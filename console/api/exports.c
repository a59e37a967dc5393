// SPDX-License-Identifier: Apache-2.0
/* Systems, findings and CVEs as tables; documents about one system that others read. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "export/csaf.h"
#include "export/file.h"
#include "export/openvex.h"
#include "export/tables.h"
#include "link/link.h"
#include "map/map.h"
#include "web/job.h"

/* --- the query --- */

/* Words with a comma between them become a mask. word: the bit of a word, or < 0. */
static int take_mask(struct web_req *q, struct web_resp *r, const char *name,
		     int (*word)(const char *s), unsigned int *ret)
{
	const char *s = web_arg(q, name);
	unsigned int mask = 0;

	while (s && *s) {
		size_t n = strcspn(s, ",");
		char one[32];
		int bit;

		snprintf(one, sizeof(one), "%.*s", (int)(n < sizeof(one) ? n : sizeof(one) - 1), s);
		bit = word(one);
		if (bit < 0)
			return web_problem(r, 400, "bad-argument",
					   "The argument '%s' has no word '%s'", name, one);
		mask |= 1u << bit;
		s += n + (s[n] == ',');
	}
	*ret = mask;
	return 0;
}

static int verdict_bit(const char *s)
{
	enum verdict v;

	return verdict_parse(s, &v) < 0 ? -1 : (int)v;
}

static int severity_bit(const char *s)
{
	for (int i = 0; i < FIND_SEVERITIES; i++)
		if (sut_streq(s, find_severity_name((unsigned int)i)))
			return i;
	return -1;
}

static int protection_of(const char *s)
{
	for (int i = 0; i < VIEW_PROTECTIONS; i++)
		if (sut_streq(s, view_protection_name((enum view_protection)i)))
			return i;
	return -1;
}

static int take_query(struct web_req *q, struct web_resp *r, const char *const *args,
		      struct export_query *ret)
{
	const char *cve = web_arg(q, "cve"), *protection = web_arg(q, "protection");
	int rc = web_only_args(q, r, args);

	*ret = (struct export_query){.hosts = VIEW_ANY};
	if (rc == 0)
		rc = take_mask(q, r, "verdict", verdict_bit, &ret->verdicts);
	if (rc == 0)
		rc = take_mask(q, r, "severity", severity_bit, &ret->severities);
	if (rc)
		return rc;
	if (cve && !(ret->cve = index_cve(cve)))
		return web_problem(r, 400, "bad-argument",
				   "The argument 'cve' is no name like CVE-2026-1234");
	if (protection && (ret->hosts.protection = protection_of(protection)) < 0)
		return web_problem(
			r, 400, "bad-argument",
			"The argument 'protection' is protected, exposed, unknown or offline");
	ret->hosts.q = web_arg(q, "q");
	ret->hosts.feed = web_arg(q, "feed");
	ret->hosts.state = web_arg(q, "state");
	ret->hosts.tag = web_arg(q, "tag");
	return 0;
}

/* --- tables --- */

typedef int (*table_fn)(const struct map_view *v, const struct export_query *q, export_lines fn,
			void *ctx, struct sut_err *err);

static int busy(struct web_resp *r)
{
	int rc = web_problem(r, 503, "busy", "Other exports are being made. Try again in a minute");

	(void)!web_add_header(r, "Retry-After: 30");
	return rc;
}

static int table(struct web_req *q, struct web_resp *r, table_fn fn, const struct export_query *x,
		 const char *name, struct sut_err *err)
{
	__attribute__((cleanup(export_file_freep))) struct export_file *f = NULL;
	_cleanup_(view_putp) struct map_view *v = NULL;
	int rc = map_of(q, &v, err);

	if (rc < 0)
		return rc;
	rc = export_file_new(q, &f, err);
	if (rc == -EBUSY)
		return busy(r);
	if (rc == 0)
		rc = fn(v, x, export_file_add, f, err);
	if (rc == -EFBIG)
		return web_problem(
			r, 422, "too-large",
			"This is more than is given at once. Ask for less, by ?verdict=, "
			"?cve=, ?feed= or ?tag=");
	return rc < 0 ? rc : export_file_answer(f, r, CSV_TYPE, name, err);
}

static int systems_csv(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"q",	   "state", "verdict",	  "cve",
					   "feed", "tag",   "protection", NULL};
	struct export_query x;
	int rc = take_query(q, r, args, &x);

	if (rc)
		return rc;
	x.hosts.verdicts = x.verdicts;
	if (x.cve) {
		x.hosts.cves = &x.cve;
		x.hosts.ncves = 1;
	}
	return table(q, r, export_systems, &x, "systems.csv", err);
}

static int findings_csv(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"q",	  "state",	"verdict",  "cve", "feed",
					   "tag", "protection", "severity", NULL};
	struct export_query x;
	int rc = take_query(q, r, args, &x);

	return rc ? rc : table(q, r, export_findings, &x, "findings.csv", err);
}

static int cves_csv(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"q", "verdict", "severity", NULL};
	struct export_query x;
	int rc = take_query(q, r, args, &x);

	if (rc)
		return rc;
	x.q = x.hosts.q;
	return table(q, r, export_cves, &x, "cves.csv", err);
}

/* --- documents --- */

struct list {
	struct export_finding *v;
	size_t n, cap;
};

static int add_finding(void *ctx, const struct view_finding *f)
{
	struct list *l = ctx;

	if (l->n == EXPORT_CLAIMS_MAX / 2)
		return -E2BIG;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 256;
		void *v = reallocarray(l->v, cap, sizeof(*l->v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct export_finding){f->cve, f->package, f->version, f->answer};
	return 0;
}

/* 1; 0: there is no such host. Texts belong to *rows and to x. */
static int read_host(struct web_req *q, const struct map_index *x, struct export_host *h,
		     struct sut_db_rows **rows, struct sut_err *err)
{
	static const char sql[] =
		"SELECT uid, COALESCE(system_id, ''), CASE WHEN fqdn = '' THEN hostname ELSE fqdn END,"
		" os, arch, kernel_release, build_id, boot_id, package_version, patchset, level,"
		" scanner, COALESCE(scanned_at, 0), COALESCE(last_seen, 0)"
		" FROM hosts WHERE tenant = $1 AND uid = $2";
	const struct index_target *t;
	int r = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0])),
			   rows, err);

	if (r <= 0)
		return r;
	*h = (struct export_host){
		.uid = sut_db_text(*rows, 0),
		.system_id = sut_db_text(*rows, 1),
		.name = sut_db_text(*rows, 2),
		.os = sut_db_text(*rows, 3),
		.machine = sut_db_text(*rows, 4),
		.release = sut_db_text(*rows, 5),
		.build_id = sut_db_text(*rows, 6),
		.boot_id = sut_db_text(*rows, 7),
		.package = "",
		.package_version = sut_db_text(*rows, 8),
		.patchset = sut_db_text(*rows, 9),
		.level = (uint32_t)sut_db_int(*rows, 10),
		.scanner = sut_db_text(*rows, 11),
		.scanned_at = sut_db_int(*rows, 12),
		.last_seen = sut_db_int(*rows, 13),
	};
	t = *h->build_id ? index_by_build_id(x, h->build_id) : NULL;
	if (t && t->package && t->version) {
		h->package = t->package;
		h->package_version = t->version;
	}
	r = link_is_ok(q->db, q->who.tenant, &h->portal_ok, err);
	return r < 0 ? r : 1;
}

typedef int (*document_fn)(const struct export_host *h, const struct export_finding *v, size_t n,
			   const struct export_by *by, json_t **ret, struct sut_err *err);

static int make(struct web_req *q, struct web_resp *r, const struct map_view *v, document_fn fn,
		struct list *l, json_t **ret, struct sut_err *err)
{
	const struct console *c = console_of(q->server);
	const struct export_by by = {q->who.tenant_name, c->conf.s.url ? c->conf.s.url : "",
				     q->now};
	const struct view_host *host = view_host_uid(v, q->params[0]);
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct export_host h;
	int rc = read_host(q, view_index(v), &h, &rows, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return web_not_found(r, "system", q->params[0]);
	rc = host ? view_findings(v, host, add_finding, l) : 0;
	if (rc == -ENOMEM)
		return sut_err_oom(err);
	if (rc == 0)
		rc = fn(&h, l->v, l->n, &by, ret, err);
	if (rc == -ENODATA)
		return web_problem(
			r, 404, "nothing-to-say",
			"No scan has findings of this system, and such a document cannot "
			"be empty. Import a scan first");
	if (rc == -E2BIG)
		return web_problem(r, 422, "too-large",
				   "This system has more findings than such a document may have. "
				   "Take /v1/exports/findings.csv?q=NAME");
	return rc;
}

static int document(struct web_req *q, struct web_resp *r, document_fn fn, const char *kind,
		    struct sut_err *err)
{
	static const char *const none[] = {NULL};
	_cleanup_(view_putp) struct map_view *v = NULL;
	struct list l = {0};
	json_t *j = NULL;
	char stamp[EXPORT_TIME_MAX];
	int rc = web_only_args(q, r, none);

	if (rc)
		return rc;
	rc = map_of(q, &v, err);
	if (rc == 0)
		rc = make(q, r, v, fn, &l, &j, err);
	free(l.v);
	if (rc)
		return rc;
	export_stamp(q->now, stamp);
	/* Of the system there is one: its name is no other than [0-9a-z]. */
	if (web_add_header(r, "Content-Disposition: attachment; filename=\"suture-%s-%s%s.json\"",
			   q->params[0], stamp, kind) < 0) {
		json_decref(j);
		return sut_err_oom(err);
	}
	return web_json(r, 200, j, err);
}

static int openvex(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	return document(q, r, export_openvex, ".openvex", err);
}

static int csaf(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	return document(q, r, export_csaf, "", err);
}

const struct web_route api_exports[] = {
	{.method = "GET",
	 .path = "/v1/exports/systems.csv",
	 .allow = API_READERS,
	 .run = systems_csv},
	{.method = "GET",
	 .path = "/v1/exports/findings.csv",
	 .allow = API_READERS,
	 .run = findings_csv},
	{.method = "GET", .path = "/v1/exports/cves.csv", .allow = API_READERS, .run = cves_csv},
	{.method = "GET",
	 .path = "/v1/systems/{system}/openvex",
	 .allow = API_READERS,
	 .flags = WEB_COMPRESS,
	 .run = openvex},
	{.method = "GET",
	 .path = "/v1/systems/{system}/csaf",
	 .allow = API_READERS,
	 .flags = WEB_COMPRESS,
	 .run = csaf},
	{0},
};
