/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fleet/library.h"

static int by_id(const void *a, const void *b)
{
	int64_t x = ((const struct store_slot *)a)->id, y = ((const struct store_slot *)b)->id;

	return (x > y) - (x < y);
}

struct store_slot *store_find(struct store *st, int64_t id)
{
	struct store_slot key = {.id = id};

	return st->n ? bsearch(&key, st->v, st->n, sizeof(*st->v), by_id) : NULL;
}

void store_release(struct store *st)
{
	for (size_t i = 0; i < st->n; i++) {
		system_release(&st->v[i].s);
		free(st->v[i].text);
		free(st->v[i].facts);
		json_decref(st->v[i].libraries);
	}
	free(st->v);
	json_decref(st->events);
	*st = (struct store){0};
}

static int load_each(struct sut_db *db, struct store *st, struct sut_err *err)
{
	for (size_t i = 0; i < st->n; i++) {
		struct store_slot *w = &st->v[i];
		int r = system_by_id(db, w->tenant, w->id, &w->s, err);

		if (r < 0)
			return r;
		w->found = r > 0;
	}
	return 0;
}

/* Text of a JSON document, which is given up. */
static char *text_of(json_t *j)
{
	char *s = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return s;
}

static int load_all(struct sut_db *db, struct store *st, struct sut_err *err)
{
	/* In the order of ids, so that two portals never wait for each other's rows. */
	static const char sql[] = SYSTEM_SELECT SYSTEM_FROM
		" JOIN json_to_recordset($1::json) AS w(id bigint, tenant bigint)"
		" ON w.id = s.id AND w.tenant = s.tenant"
		" ORDER BY s.id FOR UPDATE OF s";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	_cleanup_(sut_freep) char *want = NULL;
	json_t *list = json_array();
	int r;

	for (size_t i = 0; list && i < st->n; i++)
		if (json_array_append_new(list,
					  json_pack("{s:I, s:I}", "id", (json_int_t)st->v[i].id,
						    "tenant", (json_int_t)st->v[i].tenant))) {
			json_decref(list);
			list = NULL;
		}
	want = text_of(list);
	if (!want)
		return sut_err_oom(err);
	r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_T(want)), &rows, err);
	while (r >= 0 && (r = sut_db_next(rows, err)) > 0) {
		struct store_slot *w = store_find(st, sut_db_int(rows, 0));

		if (!w || w->found)
			continue;
		r = system_read(rows, &w->s, err);
		w->found = r >= 0;
	}
	return r;
}

int store_load(struct sut_db *db, const int64_t (*ids)[2], size_t n, struct store *ret,
	       struct sut_err *err)
{
	_cleanup_store_ struct store st = {.v = calloc(n ? n : 1, sizeof(*st.v)),
					   .events = json_array()};
	size_t m = 0;
	int r;

	if (!st.v || !st.events)
		return sut_err_oom(err);
	for (size_t i = 0; i < n; i++) {
		st.v[i].id = ids[i][0];
		st.v[i].tenant = ids[i][1];
	}
	qsort(st.v, n, sizeof(*st.v), by_id);
	for (size_t i = 0; i < n; i++)
		if (!m || st.v[m - 1].id != st.v[i].id)
			st.v[m++] = st.v[i];
	st.n = m;
	r = sut_db_engine(db) == SUT_DB_PGSQL ? load_all(db, &st, err) : load_each(db, &st, err);
	if (r < 0)
		return r;
	*ret = st;
	st = (struct store){0};
	return 0;
}

int store_event(struct store *st, int64_t id, int64_t now, const char *type, json_t *data,
		struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = text_of(data);

	if (!text ||
	    json_array_append_new(st->events,
				  json_pack("{s:I, s:I, s:s, s:s}", "system", (json_int_t)id, "at",
					    (json_int_t)now, "type", type, "data", text)))
		return sut_err_oom(err);
	return 0;
}

/* --- one statement for each --- */

static int beat_each(struct sut_db *db, const struct fleet_system *s, struct sut_err *err)
{
	const struct line *l = &s->line;

	return sut_db_exec(
		db,
		"UPDATE systems SET serial = $3, nonces = $4, displaced = $5, conflict_at = $6,"
		" told_at = $7, checkin = $8, address = $9 WHERE id = $1 AND tenant = $2",
		SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_I(l->serial),
			    SUT_DB_T(l->nonces), SUT_DB_T(l->displaced),
			    SUT_DB_I_IF(l->conflict_at, l->conflict_at),
			    SUT_DB_I_IF(l->told_at, l->told_at), SUT_DB_I(s->checkin),
			    SUT_DB_T(s->text[SYS_ADDRESS])),
		NULL, err);
}

static int report_each(struct sut_db *db, const struct store_slot *w, struct sut_err *err)
{
	const struct fleet_system *s = &w->s;
	int r = sut_db_exec(
		db,
		"UPDATE systems SET state = $3, arch = $4, release = $5, build_id = $6, kernel_id = $7,"
		" level = $8, patchset = $9, agent = $10, boot_id = $11, booted = $12,"
		" last_pause_ns = $13, errors = $14, report_hash = $15, hostname = $16, updated = $17,"
		" facts_hash = $18, chatter = $19, libraries_hash = $20, version = version + 1"
		" WHERE id = $1 AND tenant = $2",
		SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_T(s->text[SYS_STATE]),
			    SUT_DB_T(s->text[SYS_ARCH]), SUT_DB_T(s->text[SYS_RELEASE]),
			    SUT_DB_T(s->text[SYS_BUILD_ID]), SUT_DB_T(s->text[SYS_KERNEL_ID]),
			    SUT_DB_I(s->level), SUT_DB_T(s->text[SYS_PATCHSET]),
			    SUT_DB_T(s->text[SYS_AGENT]), SUT_DB_T(s->text[SYS_BOOT_ID]),
			    SUT_DB_I_IF(s->booted, s->booted),
			    SUT_DB_I_IF(s->last_pause_ns >= 0, s->last_pause_ns),
			    SUT_DB_I(s->errors), SUT_DB_B(s->report_hash, sizeof(s->report_hash)),
			    SUT_DB_T(s->text[SYS_HOSTNAME]), SUT_DB_I(s->updated),
			    SUT_DB_B(s->has_facts ? s->facts_hash : NULL, sizeof(s->facts_hash)),
			    SUT_DB_I(s->chatter),
			    SUT_DB_B(s->has_libraries ? s->libraries_hash : NULL,
				     sizeof(s->libraries_hash))),
		NULL, err);

	if (r < 0)
		return r;
	r = w->libraries ? library_store(db, s->id, w->libraries, err) : 0;
	if (r < 0)
		return r;
	return sut_db_exec(db,
			   "UPDATE system_details SET report = $3, facts = COALESCE($4, facts)"
			   " WHERE system = (SELECT id FROM systems WHERE id = $1 AND tenant = $2)",
			   SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_T(w->text),
				       SUT_DB_T(w->facts)),
			   NULL, err);
}

static int save_each(struct sut_db *db, struct store *st, struct sut_err *err)
{
	size_t i;
	json_t *e;
	int r = 0;

	for (i = 0; r >= 0 && i < st->n; i++) {
		if (st->v[i].beat)
			r = beat_each(db, &st->v[i].s, err);
		if (r >= 0 && st->v[i].reported)
			r = report_each(db, &st->v[i], err);
	}
	json_array_foreach(st->events, i, e) {
		if (r < 0)
			break;
		r = sut_db_exec(
			db,
			"INSERT INTO system_events (system, at, type, data) VALUES ($1, $2, $3, $4)",
			SUT_DB_ARGS(SUT_DB_I(json_integer_value(json_object_get(e, "system"))),
				    SUT_DB_I(json_integer_value(json_object_get(e, "at"))),
				    SUT_DB_T(json_string_value(json_object_get(e, "type"))),
				    SUT_DB_T(json_string_value(json_object_get(e, "data")))),
			NULL, err);
	}
	return r;
}

/* --- one statement for all --- */

static json_t *int_or_null(bool is, int64_t v)
{
	return is ? json_integer(v) : json_null();
}

static json_t *beat_json(const struct fleet_system *s)
{
	const struct line *l = &s->line;

	return json_pack("{s:I, s:I, s:I, s:s, s:s, s:o, s:o, s:I, s:s}", "id", (json_int_t)s->id,
			 "tenant", (json_int_t)s->tenant, "serial", (json_int_t)l->serial, "nonces",
			 l->nonces, "displaced", l->displaced, "conflict_at",
			 int_or_null(l->conflict_at, l->conflict_at), "told_at",
			 int_or_null(l->told_at, l->told_at), "checkin", (json_int_t)s->checkin,
			 "address", s->text[SYS_ADDRESS]);
}

static json_t *report_json(const struct store_slot *w)
{
	const struct fleet_system *s = &w->s;
	char hex[2 * sizeof(s->report_hash) + 1], facts[2 * sizeof(s->facts_hash) + 1],
		libraries[2 * sizeof(s->libraries_hash) + 1];

	sut_hex(s->report_hash, sizeof(s->report_hash), hex);
	sut_hex(s->facts_hash, sizeof(s->facts_hash), facts);
	sut_hex(s->libraries_hash, sizeof(s->libraries_hash), libraries);
	return json_pack(
		"{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:s, s:s, s:I,"
		" s:s, s:s?, s:s?, s:I, s:s?}",
		"id", (json_int_t)s->id, "tenant", (json_int_t)s->tenant, "state",
		s->text[SYS_STATE], "arch", s->text[SYS_ARCH], "release", s->text[SYS_RELEASE],
		"build_id", s->text[SYS_BUILD_ID], "kernel_id", s->text[SYS_KERNEL_ID], "level",
		(json_int_t)s->level, "patchset", s->text[SYS_PATCHSET], "agent",
		s->text[SYS_AGENT], "boot_id", s->text[SYS_BOOT_ID], "booted",
		int_or_null(s->booted, s->booted), "last_pause_ns",
		int_or_null(s->last_pause_ns >= 0, s->last_pause_ns), "errors",
		(json_int_t)s->errors, "hash", hex, "hostname", s->text[SYS_HOSTNAME], "updated",
		(json_int_t)s->updated, "report", w->text, "facts", w->facts, "facts_hash",
		s->has_facts ? facts : NULL, "chatter", (json_int_t)s->chatter, "libraries_hash",
		s->has_libraries ? libraries : NULL);
}

static int run_with(struct sut_db *db, const char *sql, json_t *list, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = text_of(list);

	if (!text)
		return sut_err_oom(err);
	return sut_db_exec(db, sql, SUT_DB_ARGS(SUT_DB_T(text)), NULL, err);
}

/* All of a system's rows go, and those that are reported come. */
static int save_libraries(struct sut_db *db, struct store *st, struct sut_err *err)
{
	static const char clear[] =
		"DELETE FROM system_libraries WHERE system IN"
		" (SELECT x.system FROM json_to_recordset($1::json) AS x(system bigint))";
	static const char insert[] =
		"INSERT INTO system_libraries (system, build_id, name, version, level, patchset,"
		" processes, patched, state) SELECT x.system, l.build_id, COALESCE(l.name, ''),"
		" COALESCE(l.version, ''), COALESCE(l.level, 0), COALESCE(l.patchset, ''),"
		" COALESCE(l.processes, 0), COALESCE(l.patched, 0), COALESCE(l.state, '')"
		" FROM json_to_recordset($1::json) AS x(system bigint, libraries json),"
		" json_to_recordset(x.libraries) AS l(build_id text, name text, version text,"
		" level int, patchset text, processes int, patched int, state text)"
		" ON CONFLICT (system, build_id) DO NOTHING";
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; list && i < st->n; i++)
		if (st->v[i].reported && st->v[i].libraries &&
		    json_array_append_new(list,
					  json_pack("{s:I, s:O}", "system", (json_int_t)st->v[i].id,
						    "libraries", st->v[i].libraries))) {
			json_decref(list);
			list = NULL;
		}
	if (!list)
		return sut_err_oom(err);
	if (json_array_size(list))
		r = run_with(db, clear, json_incref(list), err);
	if (r >= 0 && json_array_size(list))
		r = run_with(db, insert, json_incref(list), err);
	json_decref(list);
	return r;
}

static int save_all(struct sut_db *db, struct store *st, struct sut_err *err)
{
	json_t *beats = json_array(), *reports = json_array();
	bool ok = beats && reports;
	int r = 0;

	for (size_t i = 0; ok && i < st->n; i++) {
		if (st->v[i].beat)
			ok = !json_array_append_new(beats, beat_json(&st->v[i].s));
		if (ok && st->v[i].reported)
			ok = !json_array_append_new(reports, report_json(&st->v[i]));
	}
	if (!ok)
		r = sut_err_oom(err);
	if (r >= 0 && json_array_size(beats))
		r = run_with(
			db,
			"UPDATE systems s SET serial = w.serial, nonces = w.nonces,"
			" displaced = w.displaced, conflict_at = w.conflict_at, told_at = w.told_at,"
			" checkin = w.checkin, address = w.address"
			" FROM json_to_recordset($1::json) AS w(id bigint, tenant bigint, serial bigint,"
			" nonces text, displaced text, conflict_at bigint, told_at bigint,"
			" checkin bigint, address text) WHERE s.id = w.id AND s.tenant = w.tenant",
			json_incref(beats), err);
	if (r >= 0 && json_array_size(reports))
		r = run_with(
			db,
			"WITH w AS (SELECT * FROM json_to_recordset($1::json) AS x(id bigint,"
			" tenant bigint, state text, arch text, release text, build_id text,"
			" kernel_id text, level int, patchset text, agent text, boot_id text,"
			" booted bigint, last_pause_ns bigint, errors int, hash text, hostname text,"
			" updated bigint, report text, facts text, facts_hash text, chatter int,"
			" libraries_hash text)),"
			" d AS (UPDATE system_details d SET report = w.report,"
			" facts = COALESCE(w.facts, d.facts) FROM w JOIN systems y ON y.id = w.id"
			" AND y.tenant = w.tenant WHERE d.system = y.id)"
			" UPDATE systems s SET state = w.state, arch = w.arch, release = w.release,"
			" build_id = w.build_id, kernel_id = w.kernel_id, level = w.level,"
			" patchset = w.patchset, agent = w.agent, boot_id = w.boot_id,"
			" booted = w.booted, last_pause_ns = w.last_pause_ns, errors = w.errors,"
			" report_hash = decode(w.hash, 'hex'), facts_hash = decode(w.facts_hash, 'hex'), hostname = w.hostname,"
			" updated = w.updated, chatter = w.chatter,"
			" libraries_hash = decode(w.libraries_hash, 'hex'), version = version + 1"
			" FROM w WHERE s.id = w.id AND s.tenant = w.tenant",
			json_incref(reports), err);
	if (r >= 0)
		r = save_libraries(db, st, err);
	if (r >= 0 && json_array_size(st->events))
		r = run_with(
			db,
			"INSERT INTO system_events (system, at, type, data)"
			" SELECT x.system, x.at, x.type, x.data FROM json_to_recordset($1::json)"
			" AS x(system bigint, at bigint, type text, data text)",
			json_incref(st->events), err);
	json_decref(beats);
	json_decref(reports);
	return r;
}

int store_save(struct sut_db *db, struct store *st, struct sut_err *err)
{
	return sut_db_engine(db) == SUT_DB_PGSQL ? save_all(db, st, err) : save_each(db, st, err);
}
