// SPDX-License-Identifier: Apache-2.0
/* /v1/cves: what changelogs and patches say of each CVE. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "cve/coverage.h"
#include "portal.h"

enum {
	READERS = SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR | SUT_ROLE_RELEASE | SUT_ROLE_KEYS |
		  SUT_ROLE_AUDITOR
};

static const struct known_fix *fix_in(const struct known_source *s, const char *cve)
{
	size_t lo = 0, hi = s->nfixes;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = strcmp(s->fixes[mid].cve, cve);

		if (d == 0)
			return &s->fixes[mid];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* --- the list --- */

struct filter {
	const char *source, *status, *q, *since;
};

/* "linux", or "debian/linux" */
static bool is_source(const struct known_source *s, const char *want)
{
	size_t n = strlen(s->distribution);

	if (strncmp(want, s->distribution, n) == 0 && want[n] == '/')
		want += n + 1;
	return sut_streq(s->name, want);
}

static bool wanted_source(const struct filter *f, const struct known_source *s,
			  const struct known_fix *fix)
{
	if (!f->source)
		return true;
	return is_source(s, f->source) && (!f->since || fix->rank > known_rank(s, f->since));
}

static bool wanted(const struct filter *f, const struct document *d, const struct cve_entry *e)
{
	bool known = false, text = !f->q || strcasestr(e->cve, f->q);

	for (size_t i = 0; i < d->known->n; i++) {
		const struct known_source *s = &d->known->sources[i];
		const struct known_fix *fix = fix_in(s, e->cve);

		if (!fix)
			continue;
		known |= wanted_source(f, s, fix);
		text |= !!strcasestr(fix->subject, f->q ? f->q : "");
	}
	if (f->source ? !known : !known && !e->fixed && !e->partial)
		return false;
	if (!text)
		return false;
	if (!f->status)
		return true;
	return sut_streq(f->status, "fixed")	 ? e->fixed > 0
	       : sut_streq(f->status, "partial") ? e->partial > 0
						 : e->pending > 0;
}

/* {"distribution", "source", "version"} of each; *ret_subject: of the first. */
static json_t *fixed_in(const struct knowledge *k, const char *cve, const char **ret_subject)
{
	json_t *list = json_array();

	*ret_subject = NULL;
	for (size_t i = 0; list && i < k->n; i++) {
		const struct known_source *s = &k->sources[i];
		const struct known_fix *f = fix_in(s, cve);

		if (!f)
			continue;
		if (!*ret_subject)
			*ret_subject = f->subject;
		if (json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "distribution",
							  s->distribution, "source", s->name,
							  "version", s->versions[f->rank / 2])) <
		    0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *entry_json(const struct document *d, const struct cve_entry *e)
{
	const char *subject;
	json_t *fixes = fixed_in(d->known, e->cve, &subject);

	return json_pack("{s:s, s:s?, s:o, s:{s:I, s:I, s:I}}", "cve", e->cve, "subject", subject,
			 "fixed_in", fixes, "targets", "fixed", (json_int_t)e->fixed, "partial",
			 (json_int_t)e->partial, "pending_reboot", (json_int_t)e->pending);
}

static int put_list(struct web_req *q, struct web_resp *r, const struct document *d,
		    const struct filter *f, const struct web_page *page, struct sut_err *err)
{
	json_t *items = json_array();
	int64_t last = page->after, n = 0;
	bool more = false;

	for (size_t i = 0; items && i < d->ncves; i++) {
		const struct cve_entry *e = &d->cves[i];

		if (e->key <= page->after || !wanted(f, d, e))
			continue;
		if (n == page->limit) {
			more = true;
			break;
		}
		if (json_array_append_new(items, entry_json(d, e)) < 0) {
			json_decref(items);
			items = NULL;
		}
		last = e->key;
		n++;
	}
	return web_page_put(q, r, items, last, more, err);
}

static int take_filter(struct web_req *q, struct web_resp *r, struct filter *f)
{
	*f = (struct filter){.source = web_arg(q, "source"),
			     .status = web_arg(q, "status"),
			     .q = web_arg(q, "q"),
			     .since = web_arg(q, "since")};
	if (f->status && !sut_streq(f->status, "fixed") && !sut_streq(f->status, "partial") &&
	    !sut_streq(f->status, "pending_reboot"))
		return web_problem(
			r, 400, "bad-argument",
			"The argument 'status' is not 'fixed', 'partial' or 'pending_reboot'");
	if (f->since && !f->source)
		return web_problem(
			r, 400, "bad-argument",
			"The argument 'since' is a version of one source: give 'source' too");
	if (f->since && !sut_debversion_ok(f->since))
		return web_problem(r, 400, "bad-argument",
				   "The argument 'since' is no Debian version (deb-version(7))");
	return 0;
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "source", "status",
					   "q",	    "since",  NULL};
	const struct document *d = NULL;
	struct web_page page;
	struct filter f;
	int rc = web_only_args(q, r, args);

	if (rc == 0)
		rc = web_page_take(q, r, &page);
	if (rc == 0)
		rc = take_filter(q, r, &f);
	if (rc)
		return rc;
	rc = coverage_get(portal_of(q->server)->coverage, q->db, &d, err);
	if (rc == 0)
		rc = put_list(q, r, d, &f, &page, err);
	coverage_put(portal_of(q->server)->coverage, d);
	return rc;
}

/* --- one --- */

struct reader {
	const struct knowledge *known;
	const char *cve;
	json_t *patches, *pending;
	/* the target whose rows are being read; "": none */
	char build_id[64];
	bool patched, whole, partial;
	json_t *row; /* what is the same in both lists */
	char *target, *product, *package, *version, *source, *source_version;
};

static void forget_target(struct reader *x)
{
	json_decref(x->row);
	free(x->target);
	free(x->product);
	free(x->package);
	free(x->version);
	free(x->source);
	free(x->source_version);
	x->row = NULL;
	x->target = x->product = x->package = x->version = x->source = x->source_version = NULL;
	x->build_id[0] = 0;
}

static void reader_release(struct reader *x)
{
	forget_target(x);
	json_decref(x->patches);
	json_decref(x->pending);
}

/* No patch of the target names the CVE. Does a later version of its package fix it? */
static int end_target(struct reader *x)
{
	const struct known_source *s;
	const struct known_fix *f;
	uint32_t rank = 0;
	int r = 0;

	if (*x->build_id && !x->patched) {
		s = knowledge_source(x->known,
				     &(const struct known_package){
					     .target = x->target,
					     .product = x->product,
					     .name = x->package,
					     .version = x->version,
					     .source = x->source,
					     .source_version = x->source_version,
				     },
				     &rank);
		f = s ? fix_in(s, x->cve) : NULL;
		if (f && f->rank > rank) {
			r = json_object_set_new(x->row, "fixed_in",
						json_string(s->versions[f->rank / 2]));
			if (r == 0)
				r = json_array_append(x->pending, x->row);
		}
	}
	forget_target(x);
	return r < 0 ? -ENOMEM : 0;
}

static int begin_target(struct reader *x, const struct sut_db_rows *rows)
{
	const char *version = sut_db_text(rows, 6);

	snprintf(x->build_id, sizeof(x->build_id), "%s", sut_db_text(rows, 0));
	x->patched = x->whole = x->partial = false;
	x->product = strdup(sut_db_text(rows, 2));
	x->target = strdup(sut_db_text(rows, 3));
	x->package = strdup(sut_db_text(rows, 5));
	x->version = strdup(version);
	x->source = strdup(sut_db_text(rows, 11));
	x->source_version = strdup(sut_db_text(rows, 12));
	x->row = json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:s?}", "build_id", x->build_id,
			   "kernel_id", sut_db_text(rows, 1), "product", x->product, "target",
			   x->target, "release", sut_db_text(rows, 4), "package_version",
			   *version ? version : NULL);
	return x->product && x->target && x->package && x->version && x->source &&
			       x->source_version && x->row
		       ? 0
		       : -ENOMEM;
}

/* The lowest level with the whole fix, and the lowest with a partial one below it. */
static int take_level(struct reader *x, const struct sut_db_rows *rows)
{
	const char *status = sut_db_text(rows, 9);
	bool whole = sut_streq(status, "fixed");
	json_t *o;

	if (!status)
		return 0;
	x->patched = true;
	if (x->whole || (!whole && x->partial))
		return 0;
	*(whole ? &x->whole : &x->partial) = true;
	o = json_pack("{s:I, s:s, s:s, s:s}", "level", (json_int_t)sut_db_int(rows, 7), "patchset",
		      sut_db_text(rows, 8), "status", status, "note", sut_db_text(rows, 10));
	if (!o || json_object_update(o, x->row) < 0) {
		json_decref(o);
		return -ENOMEM;
	}
	return json_array_append_new(x->patches, o) < 0 ? -ENOMEM : 0;
}

static int read_targets(struct web_req *q, struct reader *x, struct sut_err *err)
{
	static const char sql[] =
		"SELECT t.build_id, t.kernel_id, p.product, t.target, t.release, t.package, "
		"t.package_version, t.level, p.name, c.status, c.note, t.source, t.source_version "
		"FROM patch_targets t JOIN patchsets p ON p.id = t.patchset "
		"LEFT JOIN patch_cves c ON c.target = t.id AND c.cve = $1 "
		"WHERE t.gone IS NULL ORDER BY t.build_id, t.level";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(q->db, sql, SUT_DB_ARGS(SUT_DB_T(x->cve)), &rows, err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, err)) > 0) {
		if (!sut_streq(x->build_id, sut_db_text(rows, 0))) {
			if (end_target(x) < 0 || begin_target(x, rows) < 0)
				return sut_err_oom(err);
		}
		if (take_level(x, rows) < 0)
			return sut_err_oom(err);
	}
	if (r == 0 && end_target(x) < 0)
		return sut_err_oom(err);
	return r;
}

static int put_one(struct web_req *q, struct web_resp *r, const struct knowledge *k,
		   const char *cve, struct sut_err *err)
{
	_cleanup_(reader_release) struct reader x = {
		.known = k, .cve = cve, .patches = json_array(), .pending = json_array()};
	const char *subject;
	json_t *fixes;
	int rc = x.patches && x.pending ? read_targets(q, &x, err) : sut_err_oom(err);

	if (rc < 0)
		return rc;
	fixes = fixed_in(k, cve, &subject);
	if (fixes && !json_array_size(fixes) && !json_array_size(x.patches)) {
		json_decref(fixes);
		return web_not_found(r, "CVE", cve);
	}
	return web_json(r, 200,
			json_pack("{s:s, s:s?, s:o, s:O, s:O}", "cve", cve, "subject", subject,
				  "fixed_in", fixes, "patches", x.patches, "pending_reboot",
				  x.pending),
			err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	const char *cve = q->params[0];
	const struct document *d = NULL;
	int rc = web_only_args(q, r, none);

	if (rc)
		return rc;
	if (!sut_cve_id_ok(cve))
		return web_not_found(r, "CVE", cve);
	rc = coverage_get(portal_of(q->server)->coverage, q->db, &d, err);
	if (rc == 0)
		rc = put_one(q, r, d->known, cve, err);
	coverage_put(portal_of(q->server)->coverage, d);
	return rc;
}

const struct web_route api_cves[] = {
	{.method = "GET", .path = "/v1/cves", .allow = READERS, .flags = WEB_COMPRESS, .run = list},
	{.method = "GET",
	 .path = "/v1/cves/{cve}",
	 .allow = READERS,
	 .flags = WEB_COMPRESS,
	 .run = get},
	{0},
};
