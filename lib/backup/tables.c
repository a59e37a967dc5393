// SPDX-License-Identifier: Apache-2.0
#include "tables.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { SQL_MAX = 16 << 10, TABLES_MAX = 256 };

static bool lite(const struct sut_db *db)
{
	return sut_db_engine(db) == SUT_DB_SQLITE;
}

static void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->columns[i].name);
	free(t->columns);
	free(t->name);
	free(t->counted);
	free(t->first);
	free(t->more);
	free(t->insert);
	free(t->clear);
}

void tables_release(struct tables *t)
{
	for (size_t i = 0; i < t->n; i++)
		table_release(&t->v[i]);
	free(t->v);
	*t = (struct tables){0};
}

const struct table *tables_find(const struct tables *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

/* --- columns --- */

static int kind_of(const char *type, enum column_kind *ret)
{
	static const struct {
		const char *type;
		enum column_kind kind;
	} kinds[] = {{"INTEGER", COLUMN_INT}, {"BIGINT", COLUMN_INT}, {"TEXT", COLUMN_TEXT},
		     {"BLOB", COLUMN_BLOB},   {"bigint", COLUMN_INT}, {"integer", COLUMN_INT},
		     {"text", COLUMN_TEXT},   {"bytea", COLUMN_BLOB}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++)
		if (!strcmp(type, kinds[i].type)) {
			*ret = kinds[i].kind;
			return 0;
		}
	return -EINVAL;
}

static int add_column(struct table *t, const struct sut_db_rows *rows, bool counts,
		      struct sut_err *err)
{
	const char *name = sut_db_text(rows, 0), *type = sut_db_text(rows, 1);
	struct column *more, c = {.key = (int)sut_db_int(rows, 2)};

	if (!name || !type || kind_of(type, &c.kind) < 0 || t->n == SUT_DB_ARGS_MAX)
		return sut_err_set(err, EINVAL, "the column %s of the table %s cannot be kept",
				   name ? name : "?", t->name);
	more = reallocarray(t->columns, t->n + 1, sizeof(*more));
	if (!more)
		return sut_err_oom(err);
	t->columns = more;
	c.name = strdup(name);
	if (!c.name)
		return sut_err_oom(err);
	more[t->n++] = c;
	if (counts) {
		t->counted = strdup(name);
		if (!t->counted)
			return sut_err_oom(err);
	}
	return 0;
}

static int read_columns(struct sut_db *db, struct table *t, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	r = sut_db_query(
		db,
		lite(db)
			? "SELECT c.name, c.type, c.pk, c.pk AND m.sql LIKE '%AUTOINCREMENT%' FROM "
			  "pragma_table_info($1) c, sqlite_master m WHERE m.type = 'table' AND "
			  "m.name = $1 ORDER BY c.cid"
			: "SELECT a.attname, format_type(a.atttypid, -1), "
			  "COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0), "
			  "a.attidentity <> '' FROM pg_attribute a LEFT JOIN pg_index i ON "
			  "i.indrelid = a.attrelid AND i.indisprimary WHERE a.attrelid = "
			  "to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped "
			  "ORDER BY a.attnum",
		SUT_DB_ARGS(SUT_DB_T(t->name)), &rows, err);
	while (r == 0 && (r = sut_db_next(rows, err)) > 0)
		r = add_column(t, rows, sut_db_int(rows, 3) != 0, err);
	if (r < 0)
		return r;
	for (int place = 1; place <= SUT_DB_ARGS_MAX + 1; place++)
		for (size_t i = 0; i < t->n; i++)
			if (t->columns[i].key == place)
				t->keys[t->nkeys++] = i;
	return t->nkeys ? 0 : sut_err_set(err, EINVAL, "the table %s has no primary key", t->name);
}

/* --- statements --- */

static int add_names(struct sut_buf *b, const struct table *t, bool keys)
{
	size_t n = keys ? t->nkeys : t->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = sut_buf_addf(b, "%s\"%s\"", i ? ", " : "",
				 t->columns[keys ? t->keys[i] : i].name);
	return r;
}

static int add_numbers(struct sut_buf *b, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = sut_buf_addf(b, "%s$%zu", i ? ", " : "", i + 1);
	return r;
}

static int build_select(const struct table *t, bool more, char **ret)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SQL_MAX);
	int r = sut_buf_addstr(&b, "SELECT ");

	if (r == 0)
		r = add_names(&b, t, false);
	if (r == 0)
		r = sut_buf_addf(&b, " FROM \"%s\"", t->name);
	if (r == 0 && more) {
		r = sut_buf_addstr(&b, " WHERE (");
		if (r == 0)
			r = add_names(&b, t, true);
		if (r == 0)
			r = sut_buf_addstr(&b, ") > (");
		if (r == 0)
			r = add_numbers(&b, t->nkeys);
		if (r == 0)
			r = sut_buf_addstr(&b, ")");
	}
	if (r == 0)
		r = sut_buf_addstr(&b, " ORDER BY ");
	if (r == 0)
		r = add_names(&b, t, true);
	if (r == 0)
		r = sut_buf_addf(&b, " LIMIT %d", TABLE_PAGE);
	if (r < 0)
		return r;
	*ret = strdup(sut_buf_str(&b));
	return *ret ? 0 : -ENOMEM;
}

static int build_insert(const struct table *t, char **ret)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SQL_MAX);
	int r = sut_buf_addf(&b, "INSERT INTO \"%s\" (", t->name);

	if (r == 0)
		r = add_names(&b, t, false);
	if (r == 0)
		r = sut_buf_addstr(&b, ") VALUES (");
	if (r == 0)
		r = add_numbers(&b, t->n);
	if (r == 0)
		r = sut_buf_addstr(&b, ")");
	if (r < 0)
		return r;
	*ret = strdup(sut_buf_str(&b));
	return *ret ? 0 : -ENOMEM;
}

static int build(struct table *t, struct sut_err *err)
{
	int r = build_select(t, false, &t->first);

	if (r == 0)
		r = build_select(t, true, &t->more);
	if (r == 0)
		r = build_insert(t, &t->insert);
	if (r == 0) {
		t->clear = sut_sprintf("DELETE FROM \"%s\"", t->name);
		if (!t->clear)
			r = -ENOMEM;
	}
	return r < 0 ? sut_err_oom(err) : 0;
}

/* --- tables --- */

static int read_names(struct sut_db *db, struct tables *t, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	r = sut_db_query(db,
			 lite(db) ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name "
				    "NOT LIKE 'sqlite!_%' ESCAPE '!' AND name <> "
				    "'schema_migrations' ORDER BY name"
				  : "SELECT tablename FROM pg_tables WHERE schemaname = "
				    "current_schema() AND tablename <> 'schema_migrations' "
				    "ORDER BY tablename COLLATE \"C\"",
			 SUT_DB_NONE, &rows, err);
	if (r < 0)
		return r;
	t->v = calloc(TABLES_MAX, sizeof(*t->v));
	if (!t->v)
		return sut_err_oom(err);
	while ((r = sut_db_next(rows, err)) > 0) {
		if (t->n == TABLES_MAX)
			return sut_err_set(err, EINVAL, "there are more than %d tables",
					   TABLES_MAX);
		t->v[t->n].name = strdup(sut_db_text(rows, 0));
		if (!t->v[t->n].name)
			return sut_err_oom(err);
		t->n++;
	}
	return r;
}

/* 1: all that t refers to is among the first n. */
static int is_next(struct sut_db *db, const struct tables *all, size_t n, const struct table *t,
		   struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	bool ok = true;
	int r;

	r = sut_db_query(db,
			 lite(db)
				 ? "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)"
				 : "SELECT DISTINCT r.relname FROM pg_constraint c JOIN pg_class r "
				   "ON r.oid = c.confrelid WHERE c.contype = 'f' AND c.conrelid = "
				   "to_regclass($1)",
			 SUT_DB_ARGS(SUT_DB_T(t->name)), &rows, err);
	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		const char *to = sut_db_text(rows, 0);
		bool there = !strcmp(to, t->name);

		for (size_t i = 0; i < n && !there; i++)
			there = !strcmp(to, all->v[i].name);
		ok = ok && there;
		r = 0;
	}
	return r < 0 ? r : ok;
}

static int sort(struct sut_db *db, struct tables *t, struct sut_err *err)
{
	for (size_t n = 0; n < t->n; n++) {
		size_t i = n;
		struct table next;
		int r = 0;

		while (i < t->n && (r = is_next(db, t, n, &t->v[i], err)) == 0)
			i++;
		if (r < 0)
			return r;
		if (i == t->n)
			return sut_err_set(err, EINVAL,
					   "the tables refer to each other in a circle");
		next = t->v[i];
		memmove(&t->v[n + 1], &t->v[n], (i - n) * sizeof(next));
		t->v[n] = next;
	}
	return 0;
}

int tables_read(struct sut_db *db, struct tables *ret, struct sut_err *err)
{
	_cleanup_(tables_release) struct tables t = {0};
	int r = read_names(db, &t, err);

	for (size_t i = 0; r == 0 && i < t.n; i++) {
		r = read_columns(db, &t.v[i], err);
		if (r == 0)
			r = build(&t.v[i], err);
	}
	if (r == 0)
		r = sort(db, &t, err);
	if (r < 0)
		return r;
	*ret = t;
	t = (struct tables){0};
	return 0;
}

/* --- what is counted --- */

int table_sequence(struct sut_db *db, const struct table *t, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	r = lite(db) ? sut_db_one(db, "SELECT seq FROM sqlite_sequence WHERE name = $1",
				  SUT_DB_ARGS(SUT_DB_T(t->name)), &rows, err)
		     : sut_db_one(db,
				  "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, "
				  "$2)::regclass)",
				  SUT_DB_ARGS(SUT_DB_T(t->name), SUT_DB_T(t->counted)), &rows, err);
	if (r >= 0)
		*ret = r ? sut_db_int(rows, 0) : 0;
	return r < 0 ? r : 0;
}

int table_set_sequence(struct sut_db *db, const struct table *t, int64_t value, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t changed = 0;
	int r;

	if (value <= 0)
		return 0;
	if (!lite(db)) {
		r = sut_db_one(
			db, "SELECT setval(pg_get_serial_sequence($1, $2)::regclass, $3)",
			SUT_DB_ARGS(SUT_DB_T(t->name), SUT_DB_T(t->counted), SUT_DB_I(value)),
			&rows, err);
		return r < 0 ? r : 0;
	}
	r = sut_db_exec(db, "UPDATE sqlite_sequence SET seq = $2 WHERE name = $1",
			SUT_DB_ARGS(SUT_DB_T(t->name), SUT_DB_I(value)), &changed, err);
	if (r == 0 && !changed)
		r = sut_db_exec(db, "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
				SUT_DB_ARGS(SUT_DB_T(t->name), SUT_DB_I(value)), NULL, err);
	return r;
}
