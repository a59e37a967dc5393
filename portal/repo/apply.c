// SPDX-License-Identifier: Apache-2.0
#include "repo/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "feed/flow.h"

enum { EVENT_TARGETS_MAX = 100, EVENT_CVES_MAX = 100 };

/* A row of patch_targets. */
struct row {
	char *path;
	int64_t id, patchset;
	char sha256[65];
	bool gone;
};

/* A patchset of which something came or went. */
struct touched {
	int64_t patchset;
	json_t *came, *went; /* targets, as events show them */
};

struct applying {
	struct web_req *q;
	const struct repo_look *look;
	struct row *rows; /* by path */
	size_t nrows, rows_cap;
	struct touched *touched;
	size_t ntouched, touched_cap;
	struct repo_changes changes;
};

static void release(struct applying *a)
{
	for (size_t i = 0; i < a->nrows; i++)
		free(a->rows[i].path);
	free(a->rows);
	for (size_t i = 0; i < a->ntouched; i++) {
		json_decref(a->touched[i].came);
		json_decref(a->touched[i].went);
	}
	free(a->touched);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->path, ((const struct row *)b)->path);
}

static int read_rows(struct applying *a, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(a->q->db, "SELECT path, id, patchset, sha256, gone FROM patch_targets",
			     SUT_DB_NONE, &rows, err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		struct row *t;

		if (a->nrows == a->rows_cap) {
			size_t cap = a->rows_cap ? a->rows_cap * 2 : 256;

			t = reallocarray(a->rows, cap, sizeof(*t));
			if (!t)
				return sut_err_oom(err);
			a->rows = t;
			a->rows_cap = cap;
		}
		t = &a->rows[a->nrows];
		*t = (struct row){.path = strdup(sut_db_text(rows, 0)),
				  .id = sut_db_int(rows, 1),
				  .patchset = sut_db_int(rows, 2),
				  .gone = !sut_db_is_null(rows, 4)};
		if (!t->path)
			return sut_err_oom(err);
		snprintf(t->sha256, sizeof(t->sha256), "%s", sut_db_text(rows, 3));
		a->nrows++;
		r = 0;
	}
	/* The order of the database depends on its locale. */
	if (a->nrows)
		qsort(a->rows, a->nrows, sizeof(*a->rows), by_path);
	return r;
}

static struct touched *touch(struct applying *a, int64_t patchset)
{
	struct touched *t;

	for (size_t i = 0; i < a->ntouched; i++)
		if (a->touched[i].patchset == patchset)
			return &a->touched[i];
	if (a->ntouched == a->touched_cap) {
		size_t cap = a->touched_cap ? a->touched_cap * 2 : 16;

		t = reallocarray(a->touched, cap, sizeof(*t));
		if (!t)
			return NULL;
		a->touched = t;
		a->touched_cap = cap;
	}
	t = &a->touched[a->ntouched];
	*t = (struct touched){patchset, json_array(), json_array()};
	if (!t->came || !t->went) {
		json_decref(t->came);
		json_decref(t->went);
		return NULL;
	}
	a->ntouched++;
	return t;
}

static int note(json_t *list, const char *path, const char *build_id, int64_t level)
{
	if (json_array_size(list) >= EVENT_TARGETS_MAX)
		return 0;
	return json_array_append_new(list, json_pack("{s:s,s:s,s:I}", "path", path, "build_id",
						     build_id, "level", (json_int_t)level));
}

static int note_came(struct applying *a, int64_t patchset, const struct repo_target *t,
		     struct sut_err *err)
{
	struct touched *x = touch(a, patchset);

	a->changes.released++;
	return !x || note(x->came, t->path, t->build_id, t->level) < 0 ? sut_err_oom(err) : 0;
}

static int note_went(struct applying *a, const struct row *row, struct sut_err *err)
{
	struct touched *x = touch(a, row->patchset);
	/* kernel/BUILDID/LEVEL/kpatch.bin, library/…, or it would not be in the table */
	const char *id = row->path + strcspn(row->path, "/") + 1;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];

	snprintf(build_id, sizeof(build_id), "%s", id);
	a->changes.withdrawn++;
	return !x || note(x->went, row->path, build_id, strtoll(id + sizeof(build_id), NULL, 10)) <
				       0
		       ? sut_err_oom(err)
		       : 0;
}

/* ------------------------------------------------------------------ */

static int patchset_of(struct applying *a, const struct repo_patch *p, int64_t *ret,
		       struct sut_err *err)
{
	static const char insert[] = "INSERT INTO patchsets (name, product, created, seen)"
				     " VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_exec(a->q->db, insert,
			    SUT_DB_ARGS(SUT_DB_T(p->id),
					SUT_DB_T(p->library ? "library" : "kernel"),
					SUT_DB_I(p->created), SUT_DB_I(a->q->now)),
			    NULL, err);

	if (r < 0)
		return r;
	r = sut_db_one(a->q->db, "SELECT id FROM patchsets WHERE name = $1",
		       SUT_DB_ARGS(SUT_DB_T(p->id)), &rows, err);
	if (r == 0)
		return sut_err_set(err, EIO, "the patchset %s has gone at once", p->id);
	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

static int insert_target(struct applying *a, int64_t patchset, const struct repo_target *t,
			 int64_t *ret, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO patch_targets (patchset, build_id, level, path, length, sha256, target,"
		" arch, release, package, package_version, kernel_id, manifest, file, soname, source,"
		" source_version)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
		" ON CONFLICT (path) DO UPDATE SET patchset = excluded.patchset,"
		" length = excluded.length, sha256 = excluded.sha256, target = excluded.target,"
		" arch = excluded.arch, release = excluded.release, package = excluded.package,"
		" package_version = excluded.package_version, kernel_id = excluded.kernel_id,"
		" manifest = excluded.manifest, file = excluded.file, soname = excluded.soname,"
		" source = excluded.source, source_version = excluded.source_version, gone = NULL"
		" RETURNING id";
	const struct repo_patch *p = t->patch;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(a->q->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(patchset), SUT_DB_T(t->build_id),
				       SUT_DB_I(t->level), SUT_DB_T(t->path), SUT_DB_I(t->length),
				       SUT_DB_T(t->sha256), SUT_DB_T(p->target), SUT_DB_T(p->arch),
				       SUT_DB_T(p->release), SUT_DB_T(p->package),
				       SUT_DB_T(p->package_version),
				       SUT_DB_T(*p->kernel_id ? p->kernel_id : NULL),
				       SUT_DB_T(p->summary), SUT_DB_T(p->file), SUT_DB_T(p->soname),
				       SUT_DB_T(p->source), SUT_DB_T(p->source_version)),
			   &rows, err);

	if (r == 0)
		return sut_err_set(err, EIO, "the target %s was not written", t->path);
	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

/* What people said of a CVE in this patchset holds for its further targets. */
static int insert_cves(struct applying *a, int64_t patchset, int64_t target,
		       const struct repo_patch *p, struct sut_err *err)
{
	static const char insert[] = "INSERT INTO patch_cves (target, cve) VALUES ($1, $2)";
	static const char adopt[] =
		"UPDATE patch_cves SET"
		" status = (SELECT MIN(c.status) FROM patch_cves c"
		"  JOIN patch_targets t ON t.id = c.target WHERE t.patchset = $2"
		"  AND c.cve = patch_cves.cve AND c.status <> 'fixed' AND c.target <> $1),"
		" note = (SELECT MIN(c.note) FROM patch_cves c"
		"  JOIN patch_targets t ON t.id = c.target WHERE t.patchset = $2"
		"  AND c.cve = patch_cves.cve AND c.status <> 'fixed' AND c.target <> $1)"
		" WHERE target = $1 AND cve IN (SELECT c.cve FROM patch_cves c"
		"  JOIN patch_targets t ON t.id = c.target WHERE t.patchset = $2"
		"  AND c.status <> 'fixed' AND c.target <> $1)";
	int r = sut_db_exec(a->q->db, "DELETE FROM patch_cves WHERE target = $1",
			    SUT_DB_ARGS(SUT_DB_I(target)), NULL, err);

	for (size_t i = 0; r == 0 && i < p->cves.n; i++)
		r = sut_db_exec(a->q->db, insert,
				SUT_DB_ARGS(SUT_DB_I(target), SUT_DB_T(p->cves.v[i])), NULL, err);
	if (r == 0)
		r = sut_db_exec(a->q->db, adopt, SUT_DB_ARGS(SUT_DB_I(target), SUT_DB_I(patchset)),
				NULL, err);
	return r;
}

/* row: what was at this path; NULL: nothing. */
static int take(struct applying *a, const struct repo_target *t, const struct row *row,
		struct sut_err *err)
{
	int64_t patchset = 0, target = 0;
	int r = patchset_of(a, t->patch, &patchset, err);

	if (r == 0)
		r = insert_target(a, patchset, t, &target, err);
	if (r == 0)
		r = insert_cves(a, patchset, target, t->patch, err);
	if (r == 0 && row && row->patchset != patchset && !row->gone)
		r = note_went(a, row, err);
	return r < 0 ? r : note_came(a, patchset, t, err);
}

static int set_gone(struct applying *a, const struct row *row, bool gone, struct sut_err *err)
{
	return sut_db_exec(a->q->db, "UPDATE patch_targets SET gone = $2 WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(row->id), SUT_DB_I_IF(gone, a->q->now)), NULL, err);
}

static int lose(struct applying *a, const struct row *row, struct sut_err *err)
{
	int r;

	if (row->gone)
		return 0;
	r = set_gone(a, row, true, err);
	return r < 0 ? r : note_went(a, row, err);
}

static int keep(struct applying *a, const struct repo_target *t, const struct row *row,
		struct sut_err *err)
{
	int r;

	if (!strcmp(t->sha256, row->sha256)) {
		if (!row->gone)
			return 0;
		r = set_gone(a, row, false, err);
		return r < 0 ? r : note_came(a, row->patchset, t, err);
	}
	/* Another file, which was not read yet or cannot be: the old one is gone in any case. */
	return t->patch ? take(a, t, row, err) : lose(a, row, err);
}

/* Both lists are in the order of their paths. */
static int merge(struct applying *a, struct sut_err *err)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->look->n || j < a->nrows)) {
		const struct repo_target *t = i < a->look->n ? &a->look->v[i] : NULL;
		const struct row *row = j < a->nrows ? &a->rows[j] : NULL;
		int order = !t ? 1 : !row ? -1 : strcmp(t->path, row->path);

		if (order < 0)
			r = t->patch ? take(a, t, NULL, err) : 0;
		else if (order > 0)
			r = lose(a, row, err);
		else
			r = keep(a, t, row, err);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

/* ------------------------------------------------------------------ */

static int cves_of(struct sut_db *db, int64_t patchset, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT DISTINCT c.cve FROM patch_cves c JOIN patch_targets t ON t.id = c.target"
		" WHERE t.patchset = $1 ORDER BY c.cve LIMIT $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *list = json_array();
	int r = list ? sut_db_query(db, sql,
				    SUT_DB_ARGS(SUT_DB_I(patchset), SUT_DB_I(EVENT_CVES_MAX)),
				    &rows, err)
		     : sut_err_oom(err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0)
		r = json_array_append_new(list, json_string(sut_db_text(rows, 0))) < 0
			    ? sut_err_oom(err)
			    : 0;
	if (r < 0) {
		json_decref(list);
		return r;
	}
	*ret = list;
	return 0;
}

static int tell(struct applying *a, const struct touched *t, const char *type, const char *name,
		const char *product, json_t *targets, bool whole, struct sut_err *err)
{
	json_t *cves = NULL, *data;
	int r = cves_of(a->q->db, t->patchset, &cves, err);

	if (r < 0)
		return r;
	r = web_audit(a->q, type, "patchset", name,
		      json_pack("{s:O,s:b}", "targets", targets, "whole", whole), err);
	if (r < 0) {
		json_decref(cves);
		return r;
	}
	data = json_pack("{s:s,s:s,s:o,s:O,s:b}", "patchset", name, "product", product, "cves",
			 cves, "targets", targets, "whole", whole);
	return data ? web_event(a->q, 0, type, data, err) : sut_err_oom(err);
}

/* A patchset is withdrawn when nothing of it is left. */
static int settle(struct applying *a, const struct touched *t, struct sut_err *err)
{
	static const char sql[] =
		"SELECT name, withdrawn, (SELECT COUNT(*) FROM patch_targets t"
		" WHERE t.patchset = p.id AND t.gone IS NULL), product FROM patchsets p WHERE p.id = $1";
	static const char update[] =
		"UPDATE patchsets SET withdrawn = $2, version = version + 1 WHERE id = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	char name[SUTURE_ID_MAX], product[16];
	bool was, is;
	int r = sut_db_one(a->q->db, sql, SUT_DB_ARGS(SUT_DB_I(t->patchset)), &rows, err);

	if (r <= 0)
		return r;
	snprintf(name, sizeof(name), "%s", sut_db_text(rows, 0));
	was = !sut_db_is_null(rows, 1);
	is = !sut_db_int(rows, 2);
	snprintf(product, sizeof(product), "%s", sut_db_text(rows, 3));
	sut_db_rows_freep(&rows);
	rows = NULL;
	r = 0;
	if (was != is)
		r = sut_db_exec(a->q->db, update,
				SUT_DB_ARGS(SUT_DB_I(t->patchset), SUT_DB_I_IF(is, a->q->now)),
				NULL, err);
	if (r == 0 && json_array_size(t->went))
		r = tell(a, t, "patchset.withdrawn", name, product, t->went, is, err);
	if (r == 0 && json_array_size(t->came))
		r = tell(a, t, "patchset.released", name, product, t->came, false, err);
	if (r == 0 && json_array_size(t->came))
		r = flow_released(a->q, t->patchset, name, err);
	return r;
}

static int note_state(struct applying *a, struct sut_err *err)
{
	static const char sql[] =
		"UPDATE repository SET checked = $1, good = $1, error = '', reason = '', trust = $2,"
		" root_version = $3, timestamp_version = $4, timestamp_sha256 = $5, expires = $6,"
		" state = $7 WHERE id = 1";
	const struct repo_look *l = a->look;
	_cleanup_(sut_freep) char *state = json_dumps(l->state, JSON_COMPACT);

	if (!state)
		return sut_err_oom(err);
	return sut_db_exec(a->q->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(a->q->now), SUT_DB_T(l->trust),
				       SUT_DB_I(l->root_version), SUT_DB_I(l->timestamp_version),
				       /* Look again when there is more. */
				       SUT_DB_T(l->more ? "" : l->timestamp_sha256),
				       SUT_DB_I(l->expires), SUT_DB_T(state)),
			   NULL, err);
}

int repo_apply(struct web_req *q, const struct repo_look *l, struct repo_changes *ret,
	       struct sut_err *err)
{
	_cleanup_(release) struct applying a = {.q = q, .look = l};
	/* First: with PostgreSQL it makes a second one wait. */
	int r = note_state(&a, err);

	if (r == 0)
		r = flow_lock(q->db, err);
	if (r == 0)
		r = read_rows(&a, err);
	if (r == 0)
		r = merge(&a, err);
	for (size_t i = 0; r == 0 && i < a.ntouched; i++)
		r = settle(&a, &a.touched[i], err);
	if (r == 0 && a.ntouched)
		r = web_touch(q, err);
	if (r == 0)
		*ret = a.changes;
	return r;
}

int repo_note_look(struct sut_db *db, int64_t now, struct sut_err *err)
{
	return sut_db_exec(db, "UPDATE repository SET checked = $1, good = $1 WHERE id = 1",
			   SUT_DB_ARGS(SUT_DB_I(now)), NULL, err);
}

int repo_note_failure(struct sut_db *db, int64_t now, const struct sut_err *why,
		      struct sut_err *err)
{
	static const char changed[] = "UPDATE repository SET error = $1, reason = $2"
				      " WHERE id = 1 AND error <> $1";
	int64_t n = 0;
	int r = sut_db_exec(db, "UPDATE repository SET checked = $1 WHERE id = 1",
			    SUT_DB_ARGS(SUT_DB_I(now)), NULL, err);

	if (r == 0)
		r = sut_db_exec(db, changed, SUT_DB_ARGS(SUT_DB_T(why->msg), SUT_DB_T(why->reason)),
				&n, err);
	return r < 0 ? r : n > 0;
}
