// SPDX-License-Identifier: Apache-2.0
#include "cve/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cve/target.h"
#include "cve/zipper.h"

enum { TARGET_TEXT_MAX = 64 << 20 }; /* bytes of one target */

/* Which of the portal's own feeds have a patchset. */
struct feed_of {
	int64_t patchset;
	char name[64];
};

struct maker {
	struct sut_db *db;
	struct document *out;
	struct knowledge *known;
	struct zipper *zipper;
	struct feed_of *feeds; /* by patchset, then as the feeds were made */
	size_t nfeeds;
	struct target target; /* the one whose rows are being read; build_id "": none */
	struct sut_buf text, levels, lists[3];
	const char *counted; /* CVE that the target has been counted for */
	struct sut_err *err;
};

static void maker_release(struct maker *m)
{
	document_free(m->out);
	knowledge_free(m->known);
	zipper_free(m->zipper);
	free(m->feeds);
	target_release(&m->target);
	sut_buf_release(&m->text);
	sut_buf_release(&m->levels);
	for (size_t i = 0; i < 3; i++)
		sut_buf_release(&m->lists[i]);
}

void document_free(struct document *d)
{
	if (!d)
		return;
	sut_buf_release(&d->gz);
	knowledge_free(d->known);
	free(d->cves);
	free(d);
}

void document_freep(struct document **d)
{
	document_free(*d);
}

int64_t cve_key(const char *cve)
{
	int64_t number = 0, year = 0;

	if (!sut_cve_id_ok(cve))
		return 0;
	for (int i = 4; i < 8; i++)
		year = year * 10 + (cve[i] - '0');
	for (const char *s = cve + 9; *s; s++)
		number = number * 10 + (*s - '0');
	return year * 100000000000000 + number; /* an id has at most 14 digits behind the year */
}

static int too_large(struct maker *m, int r)
{
	return r == -ENOBUFS
		       ? sut_err_set(m->err, EFBIG, "a target's coverage is larger than %d bytes",
				     TARGET_TEXT_MAX)
		       : sut_err_oom(m->err);
}

/* --- the list of all CVEs --- */

static int by_key(const void *a, const void *b)
{
	const struct cve_entry *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int add_cve(struct document *d, size_t *cap, const char *cve)
{
	struct cve_entry e = {.key = cve_key(cve)};

	if (!e.key)
		return 0;
	if (d->ncves == *cap) {
		size_t want = *cap ? *cap * 2 : 1024;
		struct cve_entry *more = reallocarray(d->cves, want, sizeof(*more));

		if (!more)
			return -ENOMEM;
		d->cves = more;
		*cap = want;
	}
	memcpy(e.cve, cve, strlen(cve) + 1);
	d->cves[d->ncves++] = e;
	return 0;
}

static int list_cves(struct maker *m)
{
	static const char sql[] = "SELECT DISTINCT cve FROM patch_cves";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct document *d = m->out;
	size_t cap = 0, n = 0;
	int r = sut_db_query(m->db, sql, SUT_DB_NONE, &rows, m->err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, m->err)) > 0)
		if (add_cve(d, &cap, sut_db_text(rows, 0)) < 0)
			return sut_err_oom(m->err);
	for (size_t i = 0; r == 0 && i < m->known->n; i++)
		for (size_t j = 0; j < m->known->sources[i].nfixes; j++)
			if (add_cve(d, &cap, m->known->sources[i].fixes[j].cve) < 0)
				return sut_err_oom(m->err);
	if (r < 0 || !d->ncves)
		return r;
	qsort(d->cves, d->ncves, sizeof(*d->cves), by_key);
	for (size_t i = 0; i < d->ncves; i++)
		if (n == 0 || d->cves[i].key != d->cves[n - 1].key)
			d->cves[n++] = d->cves[i];
	d->ncves = n;
	return 0;
}

static void count(struct maker *m, enum target_state state, const char *cve)
{
	struct cve_entry want = {.key = cve_key(cve)}, *e = NULL;

	if (m->counted && sut_streq(m->counted, cve))
		return;
	m->counted = cve;
	if (m->out->ncves)
		e = bsearch(&want, m->out->cves, m->out->ncves, sizeof(want), by_key);
	if (!e)
		return;
	if (state == TARGET_FIXED)
		e->fixed++;
	else if (state == TARGET_PARTIAL)
		e->partial++;
	else
		e->pending++;
}

/* --- targets --- */

static int write_cve(void *ctx, enum target_state state, const char *cve,
		     const struct target_cve *patched, const struct known_fix *known)
{
	struct maker *m = ctx;
	struct sut_buf *b = &m->lists[state];
	const char *comma = b->len ? "," : "";
	int r;

	count(m, state, cve);
	if (state == TARGET_PENDING)
		return sut_buf_addf(b, "%s{\"cve\":\"%s\",\"fixed_in\":\"%s\"}", comma, cve,
				    m->target.source->versions[known->rank / 2]);
	r = sut_buf_addf(b, "%s{\"cve\":\"%s\",\"level\":%lld", comma, cve,
			 (long long)patched->level);
	if (r == 0 && state == TARGET_PARTIAL) {
		r = sut_buf_addf(b, ",\"status\":\"%s\",\"note\":", patched->status);
		if (r == 0)
			r = json_text(b, patched->note);
	}
	if (r == 0 && known)
		r = sut_buf_addf(b, ",\"fixed_in\":\"%s\"",
				 m->target.source->versions[known->rank / 2]);
	return r < 0 ? r : sut_buf_add(b, "}", 1);
}

static int write_member(struct sut_buf *b, const char *name, const char *value)
{
	int r = sut_buf_addf(b, ",\"%s\":", name);

	if (r < 0)
		return r;
	return *value ? json_text(b, value) : sut_buf_addstr(b, "null");
}

static int write_source(struct sut_buf *b, const struct known_source *s)
{
	int r;

	if (!s)
		return sut_buf_addstr(b, ",\"source\":null");
	r = sut_buf_addstr(b, ",\"source\":{\"distribution\":");
	if (r == 0)
		r = json_text(b, s->distribution);
	if (r == 0)
		r = write_member(b, "name", s->name);
	if (r == 0)
		r = write_member(b, "version", s->version);
	return r < 0 ? r : sut_buf_add(b, "}", 1);
}

static int write_target(struct maker *m)
{
	static const char *const names[] = {"fixed", "partial", "pending_reboot"};
	const struct target *t = &m->target;
	const struct {
		const char *name, *value;
	} members[] = {
		{"kernel_id", t->kernel_id},
		{"product", t->product},
		{"target", t->name},
		{"arch", t->arch},
		{"release", t->release},
		{"package", t->package},
		{"package_version", t->version},
	};
	struct sut_buf *b = &m->text;
	int r = sut_buf_addf(b, "%s\n{\"build_id\":\"%s\"", m->out->targets ? "," : "",
			     t->build_id);

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(members); i++)
		r = write_member(b, members[i].name, members[i].value);
	if (r == 0)
		r = write_member(b, "file", t->file);
	if (r == 0)
		r = write_member(b, "soname", t->soname);
	if (r == 0)
		r = write_source(b, t->source);
	if (r == 0)
		r = sut_buf_addf(b, ",\"levels\":[%s]", sut_buf_str(&m->levels));
	for (size_t i = 0; r == 0 && i < 3; i++) {
		r = sut_buf_addf(b, ",\"%s\":[", names[i]);
		if (r == 0)
			r = sut_buf_add(b, m->lists[i].data, m->lists[i].len);
		if (r == 0)
			r = sut_buf_add(b, "]", 1);
	}
	return r < 0 ? r : sut_buf_add(b, "}", 1);
}

/* All rows of the target were read: its levels are in m->levels. */
static int end_target(struct maker *m)
{
	struct target *t = &m->target;
	int r;

	if (!*t->build_id)
		return 0;
	t->source = knowledge_source(m->known,
				     &(const struct known_package){
					     .target = t->name,
					     .product = t->product,
					     .name = t->package,
					     .version = t->version,
					     .source = t->source_name,
					     .source_version = t->source_version,
				     },
				     &t->rank);
	r = target_load(m->db, t, m->err);
	if (r < 0)
		return r;
	m->counted = NULL;
	r = target_walk(t, write_cve, m);
	if (r == 0)
		r = write_target(m);
	if (r < 0)
		return too_large(m, r);
	m->out->targets++;
	m->levels.len = 0;
	for (size_t i = 0; i < 3; i++)
		m->lists[i].len = 0;
	target_release(t);
	return zipper_add(m->zipper, &m->text, m->err);
}

static int copy(char **to, const struct sut_db_rows *rows, int col)
{
	const char *s = sut_db_text(rows, col);

	*to = strdup(s ? s : "");
	return *to ? 0 : -ENOMEM;
}

static int begin_target(struct maker *m, const struct sut_db_rows *rows)
{
	struct target *t = &m->target;
	const char *kernel_id = sut_db_text(rows, 1);
	int r = 0;

	snprintf(t->build_id, sizeof(t->build_id), "%s", sut_db_text(rows, 0));
	snprintf(t->kernel_id, sizeof(t->kernel_id), "%s", kernel_id ? kernel_id : "");
	r |= copy(&t->product, rows, 2);
	r |= copy(&t->name, rows, 3);
	r |= copy(&t->arch, rows, 4);
	r |= copy(&t->release, rows, 5);
	r |= copy(&t->package, rows, 6);
	r |= copy(&t->version, rows, 7);
	r |= copy(&t->file, rows, 12);
	r |= copy(&t->soname, rows, 13);
	r |= copy(&t->source_name, rows, 14);
	r |= copy(&t->source_version, rows, 15);
	return r < 0 ? sut_err_oom(m->err) : 0;
}

static int write_level(struct maker *m, const struct sut_db_rows *rows)
{
	struct sut_buf *b = &m->levels;
	int64_t patchset = sut_db_int(rows, 11), released = sut_db_int(rows, 10);
	time_t at = (time_t)released;
	size_t lo = 0, hi = m->nfeeds;
	struct tm tm;
	char when[32];
	int r;

	if (!gmtime_r(&at, &tm) || !strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return sut_err_set(m->err, EINVAL, "a patchset has the time %lld",
				   (long long)released);
	r = sut_buf_addf(b, "%s{\"level\":%lld,\"patchset\":", b->len ? "," : "",
			 (long long)sut_db_int(rows, 8));
	if (r == 0)
		r = json_text(b, sut_db_text(rows, 9));
	if (r == 0)
		r = sut_buf_addf(b, ",\"released\":\"%s\",\"feeds\":[", when);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (m->feeds[mid].patchset < patchset)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo; r == 0 && i < m->nfeeds && m->feeds[i].patchset == patchset; i++) {
		r = i > lo ? sut_buf_add(b, ",", 1) : 0;
		if (r == 0)
			r = json_text(b, m->feeds[i].name);
	}
	if (r == 0)
		r = sut_buf_addstr(b, "]}");
	return r < 0 ? too_large(m, r) : 0;
}

static int write_targets(struct maker *m, const char *build_id, const char *kernel_id)
{
#define COLUMNS                                                                                    \
	"SELECT t.build_id, t.kernel_id, p.product, t.target, t.arch, t.release, t.package, "      \
	"t.package_version, t.level, p.name, p.created, p.id, t.file, t.soname, t.source, "        \
	"t.source_version "                                                                        \
	"FROM patch_targets t JOIN patchsets p ON p.id = t.patchset WHERE t.gone IS NULL "
#define ORDER "ORDER BY t.build_id, t.level"
	static const char all[] = COLUMNS ORDER;
	static const char one_build[] = COLUMNS "AND t.build_id = $1 " ORDER;
	static const char one_kernel[] = COLUMNS "AND t.kernel_id = $1 " ORDER;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	if (build_id)
		r = sut_db_query(m->db, one_build, SUT_DB_ARGS(SUT_DB_T(build_id)), &rows, m->err);
	else if (kernel_id)
		r = sut_db_query(m->db, one_kernel, SUT_DB_ARGS(SUT_DB_T(kernel_id)), &rows,
				 m->err);
	else
		r = sut_db_query(m->db, all, SUT_DB_NONE, &rows, m->err);
	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, m->err)) > 0) {
		if (!sut_streq(m->target.build_id, sut_db_text(rows, 0))) {
			r = end_target(m);
			if (r == 0)
				r = begin_target(m, rows);
			if (r < 0)
				return r;
		}
		r = write_level(m, rows);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : end_target(m);
}

static int load_feeds(struct maker *m)
{
	static const char sql[] =
		"SELECT e.patchset, f.name FROM feed_entries e "
		"JOIN feeds f ON f.id = e.feed "
		"WHERE f.tenant = 0 AND e.state = 'active' ORDER BY e.patchset, f.id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	size_t cap = 0;
	int r = sut_db_query(m->db, sql, SUT_DB_NONE, &rows, m->err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, m->err)) > 0) {
		struct feed_of *f;

		if (m->nfeeds == cap) {
			f = reallocarray(m->feeds, cap ? cap * 2 : 64, sizeof(*f));
			if (!f)
				return sut_err_oom(m->err);
			m->feeds = f;
			cap = cap ? cap * 2 : 64;
		}
		f = &m->feeds[m->nfeeds++];
		f->patchset = sut_db_int(rows, 0);
		snprintf(f->name, sizeof(f->name), "%s", sut_db_text(rows, 1));
	}
	return r;
}

static int read_generation(struct maker *m)
{
	static const char sql[] = "SELECT value FROM meta WHERE name = 'generation'";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(m->db, sql, SUT_DB_NONE, &rows, m->err);

	if (r > 0)
		m->out->generation = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

static int write_head(struct maker *m)
{
	if (sut_buf_addstr(&m->text,
			   "{\"format\":\"suture-coverage\",\"version\":1,\"targets\":[") < 0)
		return sut_err_oom(m->err);
	return zipper_add(m->zipper, &m->text, m->err);
}

static int write_foot(struct maker *m)
{
	if (sut_buf_addstr(&m->text, "\n]}\n") < 0)
		return sut_err_oom(m->err);
	return zipper_add(m->zipper, &m->text, m->err);
}

int document_make(struct sut_db *db, const char *build_id, const char *kernel_id,
		  struct document **ret, struct sut_err *err)
{
	_cleanup_(maker_release) struct maker m = {
		.db = db,
		.out = calloc(1, sizeof(*m.out)),
		.text = SUT_BUF_INIT(TARGET_TEXT_MAX),
		.levels = SUT_BUF_INIT(TARGET_TEXT_MAX),
		.lists = {SUT_BUF_INIT(TARGET_TEXT_MAX), SUT_BUF_INIT(TARGET_TEXT_MAX),
			  SUT_BUF_INIT(TARGET_TEXT_MAX)},
		.err = err,
	};
	bool whole = !build_id && !kernel_id;
	int r = m.out ? zipper_new(&m.zipper, err) : sut_err_oom(err);

	if (r == 0)
		r = read_generation(&m);
	if (r == 0)
		r = knowledge_load(db, &m.known, err);
	if (r == 0)
		r = load_feeds(&m);
	if (r == 0 && whole)
		r = list_cves(&m);
	if (r == 0)
		r = write_head(&m);
	if (r == 0)
		r = write_targets(&m, build_id, kernel_id);
	if (r == 0)
		r = write_foot(&m);
	if (r == 0)
		r = zipper_end(m.zipper, &m.out->gz, &m.out->plain, m.out->hash, err);
	if (r < 0)
		return r;
	if (whole)
		m.out->known = sut_steal(m.known);
	*ret = sut_steal(m.out);
	return 0;
}
