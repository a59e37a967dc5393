// SPDX-License-Identifier: Apache-2.0
#include "export/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 << 10, CHUNK_MAX = 256 << 10 };

struct table {
	const struct map_view *v;
	const struct export_query *q;
	const struct view_host *host; /* whose findings they are */
	struct sut_buf lines;
	export_lines fn;
	void *ctx;
	struct sut_err *err;
};

static int flush(struct table *t)
{
	int r = t->lines.len ? t->fn(t->ctx, &t->lines, t->err) : 0;

	t->lines.len = 0;
	return r;
}

/* After a line: r is what making it returned. */
static int next(struct table *t, int r)
{
	if (r < 0)
		return r == -ENOMEM ? sut_err_oom(t->err)
				    : sut_err_set(t->err, -r, "a line of the table is too long");
	return t->lines.len >= CHUNK ? flush(t) : 0;
}

static int add_texts(struct sut_buf *b, const char *const *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = csv_text(b, v[i]);
	return r;
}

/* A column for each verdict, in their order. */
static int add_verdict_names(struct sut_buf *b)
{
	int r = 0;

	for (int i = 0; i < VERDICTS && r == 0; i++)
		r = csv_text(b, verdict_name((enum verdict)i));
	return r;
}

static int add_verdicts(struct sut_buf *b, const uint32_t *n)
{
	int r = 0;

	for (int i = 0; i < VERDICTS && r == 0; i++)
		r = csv_int(b, n[i]);
	return r;
}

static int head(struct table *t, const char *const *names, size_t n, bool verdicts)
{
	int r = add_texts(&t->lines, names, n);

	if (r == 0 && verdicts)
		r = add_verdict_names(&t->lines);
	return next(t, r ? r : csv_end(&t->lines));
}

/* --- systems --- */

static int system_line(struct table *t, const struct view_host *h)
{
	const char *const texts[] = {
		h->uid,
		h->system_id,
		h->external_id,
		h->hostname,
		h->fqdn,
		h->feed,
		h->state,
		h->silent ? "yes" : "no",
		view_protection_name(h->protection),
		h->release,
		h->build_id,
	};
	struct sut_buf *b = &t->lines;
	int r = add_texts(b, texts, SUT_ARRAY_SIZE(texts));

	if (r == 0)
		r = csv_int(b, h->level);
	if (r == 0)
		r = csv_time(b, h->last_seen);
	if (r == 0)
		r = csv_time(b, h->scanned_at);
	if (r == 0)
		r = csv_text(b, h->scanner);
	if (r == 0)
		r = csv_int(b, h->counts->findings);
	if (r == 0)
		r = csv_int(b, h->counts->exposed);
	if (r == 0)
		r = add_verdicts(b, h->counts->verdicts);
	return next(t, r ? r : csv_end(b));
}

static int systems(struct table *t)
{
	static const char *const names[] = {
		"id",	     "system_id",  "external_id", "hostname", "fqdn",	  "feed",
		"state",     "silent",	   "protection",  "kernel",   "build_id", "level",
		"last_seen", "scanned_at", "scanner",	  "findings", "exposed",
	};
	struct view_selected *v = NULL;
	size_t n = 0;
	int r = head(t, names, SUT_ARRAY_SIZE(names), true);

	if (r == 0)
		r = view_select(t->v, &t->q->hosts, &v, &n, NULL, t->err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = system_line(t, view_host_at(t->v, v[i].host));
	free(v);
	return r;
}

/* --- findings --- */

static int finding_line(void *ctx, const struct view_finding *f)
{
	struct table *t = ctx;
	const struct verdict_answer *a = &f->answer;
	const struct view_host *h = t->host;
	char detail[VERDICT_TEXT_MAX];
	struct sut_buf *b = &t->lines;
	int r;

	if ((t->q->verdicts && !(t->q->verdicts & 1u << a->verdict)) ||
	    (t->q->severities && !(t->q->severities & 1u << f->severity)) ||
	    (t->q->cve && t->q->cve != f->cve_key))
		return 0;
	verdict_text(a, detail);
	{
		const char *const texts[] = {
			h->uid,
			h->system_id,
			h->hostname,
			f->cve,
			find_severity_name(f->severity),
			verdict_name(a->verdict),
			detail,
			f->package,
			f->version,
			f->not_running ? "yes" : "no",
			a->fixed_in,
			a->patchset,
		};

		r = add_texts(b, texts, SUT_ARRAY_SIZE(texts));
	}
	if (r == 0)
		r = a->level ? csv_int(b, a->level) : csv_text(b, "");
	if (r == 0)
		r = csv_time(b, a->until);
	if (r == 0)
		r = a->processes ? csv_int(b, a->patched) : csv_text(b, "");
	if (r == 0)
		r = a->processes ? csv_int(b, a->processes) : csv_text(b, "");
	if (r == 0)
		r = csv_text(b, f->native_key);
	if (r == 0)
		r = csv_text(b, f->native_title);
	return next(t, r ? r : csv_end(b));
}

static int findings(struct table *t)
{
	static const char *const names[] = {
		"id",	  "system_id", "hostname", "cve",	  "severity", "verdict",
		"detail", "package",   "version",  "not_running", "fixed_in", "patchset",
		"level",  "until",     "patched",  "processes",	  "finding",  "title",
	};
	size_t n = view_hosts(t->v);
	int r = head(t, names, SUT_ARRAY_SIZE(names), false);

	for (size_t i = 0; i < n && r == 0; i++) {
		t->host = view_host_at(t->v, i);
		if (view_fits(t->v, t->host, &t->q->hosts))
			r = view_findings(t->v, t->host, finding_line, t);
	}
	return r;
}

/* --- CVEs --- */

static bool wants_cve(const struct export_query *q, const struct view_cve *c)
{
	bool any = !q->verdicts;

	for (int i = 0; i < VERDICTS && !any; i++)
		any = (q->verdicts & 1u << i) && c->verdicts[i];
	return any && (!q->severities || (q->severities & 1u << c->severity)) &&
	       (!q->cve || q->cve == c->key) && (!q->q || strcasestr(c->name, q->q));
}

static int cve_line(struct table *t, const struct view_cve *c)
{
	static const char *const products[] = {"", "kernel", "library", "kernel library"};
	struct sut_buf *b = &t->lines;
	int r = csv_text(b, c->name);

	if (r == 0)
		r = csv_text(b, find_severity_name(c->severity));
	if (r == 0)
		r = csv_int(b, c->systems);
	if (r == 0)
		r = csv_int(b, c->exposed);
	if (r == 0)
		r = csv_text(b, products[c->products & 3]);
	if (r == 0)
		r = add_verdicts(b, c->verdicts);
	return next(t, r ? r : csv_end(b));
}

static int cves(struct table *t)
{
	static const char *const names[] = {"cve", "severity", "systems", "exposed", "products"};
	size_t n = view_cves(t->v);
	int r = head(t, names, SUT_ARRAY_SIZE(names), true);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct view_cve *c = view_cve_at(t->v, i);

		if (wants_cve(t->q, c))
			r = cve_line(t, c);
	}
	return r;
}

/* --- all of them --- */

static int run(int (*fn)(struct table *t), const struct map_view *v, const struct export_query *q,
	       export_lines lines, void *ctx, struct sut_err *err)
{
	struct table t = {.v = v,
			  .q = q,
			  .lines = SUT_BUF_INIT(CHUNK_MAX),
			  .fn = lines,
			  .ctx = ctx,
			  .err = err};
	int r = fn(&t);

	if (r == 0)
		r = flush(&t);
	sut_buf_release(&t.lines);
	return r;
}

int export_systems(const struct map_view *v, const struct export_query *q, export_lines fn,
		   void *ctx, struct sut_err *err)
{
	return run(systems, v, q, fn, ctx, err);
}

int export_findings(const struct map_view *v, const struct export_query *q, export_lines fn,
		    void *ctx, struct sut_err *err)
{
	return run(findings, v, q, fn, ctx, err);
}

int export_cves(const struct map_view *v, const struct export_query *q, export_lines fn, void *ctx,
		struct sut_err *err)
{
	return run(cves, v, q, fn, ctx, err);
}
