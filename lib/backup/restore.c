// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "base/str.h"
#include "format.h"
#include "lines.h"
#include "tables.h"

static void jsonp(json_t **v)
{
	json_decref(*v);
}

#define _cleanup_json_ _cleanup_(jsonp)

static int damaged(const struct lines_in *in, const char *what, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "damaged",
			      "%s is no backup that can be restored: %s. Take another one",
			      in->path, what);
}

/* --- reading the file --- */

struct reader {
	const struct backup_of *of;
	struct lines_in in;
	struct backup_info info;
	int64_t rows, tables;
	bool ended;
	const char *line;
	size_t len;
};

static void reader_release(struct reader *r)
{
	lines_in_release(&r->in);
}

static int parse_head(struct reader *f, struct sut_err *err)
{
	_cleanup_json_ json_t *v = json_loadb(f->line, f->len, JSON_REJECT_DUPLICATES, NULL);
	const char *format = json_string_value(json_object_get(v, "format"));
	const char *version = json_string_value(json_object_get(v, "version"));
	json_int_t migration = json_integer_value(json_object_get(v, "migration"));

	const char *kind = format ? strstr(format, "-backup/") : NULL;
	char known[BACKUP_FORMAT_MAX];

	(void)snprintf(known, sizeof(known), BACKUP_FORMAT, f->of->program);
	if (!kind || !sut_startswith(format, "suture-"))
		return damaged(&f->in, "it has another format", err);
	if ((size_t)(kind - format) != strlen(f->of->program) ||
	    !sut_startswith(format, f->of->program))
		return sut_err_reason(err, EMEDIUMTYPE, "other",
				      "%s is a backup of %.*s, not of %s. Give it to that program",
				      f->in.path, (int)(kind - format < 40 ? kind - format : 40),
				      format, f->of->program);
	if (strcmp(format, known) != 0)
		return sut_err_reason(err, EPROTONOSUPPORT, "newer",
				      "%s has the format %.60s, this program knows %s. "
				      "Use the program that wrote it, or a newer one",
				      f->in.path, format, known);
	if (!version || migration < 1 || migration > 9999)
		return damaged(&f->in, "its first line is malformed", err);
	snprintf(f->info.version, sizeof(f->info.version), "%s", version);
	f->info.migration = (int)migration;
	f->info.created = json_integer_value(json_object_get(v, "created"));
	return 0;
}

static int parse_end(struct reader *f, struct sut_err *err)
{
	_cleanup_json_ json_t *v = json_loadb(f->line, f->len, JSON_REJECT_DUPLICATES, NULL);
	const char *sum = json_string_value(json_object_get(v, "sha256"));
	json_t *rows = json_object_get(v, "rows");
	char want[LINES_DIGEST_HEX];
	int r;

	r = lines_in_digest(&f->in, want, err);
	if (r < 0)
		return r;
	if (!sum || strcmp(sum, want) != 0)
		return damaged(&f->in, "its checksum is wrong", err);
	if (!json_is_integer(rows) || json_integer_value(rows) != f->rows)
		return damaged(&f->in, "rows are missing", err);
	f->info.rows = f->rows;
	f->info.tables = f->tables;
	f->ended = true;
	return 0;
}

/* The next line of a table or a row; 0: the end was there, and is right. */
static int reader_next(struct reader *f, struct sut_err *err)
{
	int r = lines_in_next(&f->in, &f->line, &f->len, err);

	if (r < 0)
		return r;
	if (r == 0)
		return f->ended ? 0 : damaged(&f->in, "its end is missing", err);
	if (f->ended)
		return damaged(&f->in, "something follows its end", err);
	if (f->line[0] == '[') {
		f->rows++;
		return 1;
	}
	if (sut_startswith(f->line, "{\"table\":")) {
		f->tables++;
		return 1;
	}
	r = parse_end(f, err);
	return r < 0 ? r : reader_next(f, err);
}

static int reader_open(const struct backup_of *of, const char *path, struct reader *f,
		       struct sut_err *err)
{
	int r;

	*f = (struct reader){.of = of};
	r = lines_in_open(path, &f->in, err);
	if (r == 0) {
		r = lines_in_next(&f->in, &f->line, &f->len, err);
		if (r == 0)
			r = damaged(&f->in, "it is empty", err);
	}
	return r < 0 ? r : parse_head(f, err);
}

int backup_check(const struct backup_of *of, const char *path, struct backup_info *ret,
		 struct sut_err *err)
{
	_cleanup_(reader_release) struct reader f = {.in.fd = -1};
	int r = reader_open(of, path, &f, err);

	while (r == 0 && (r = reader_next(&f, err)) > 0)
		r = 0;
	if (r == 0)
		*ret = f.info;
	return r;
}

/* --- the database before --- */

/* All that people do needs a tenant. What is there without one, a migration has put there, or the
 * server found it elsewhere. */
static int is_fresh(struct sut_db *db, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, "SELECT 1 FROM tenants LIMIT 1", SUT_DB_NONE, &rows, err);

	if (r > 0)
		return sut_err_reason(err, EEXIST, "not-empty",
				      "the database %s has tenants. Restore into a new one",
				      sut_db_name(db));
	return r;
}

static int make_room(struct sut_db *db, const struct tables *t, struct sut_err *err)
{
	int r = is_fresh(db, err);

	/* Those that refer first. */
	for (size_t i = t->n; r == 0 && i > 0; i--)
		r = sut_db_exec(db, t->v[i - 1].clear, SUT_DB_NONE, NULL, err);
	return r;
}

/* Brings an empty database to the schema of the backup. */
static int prepare(const struct backup_of *of, struct sut_db *db, const struct backup_info *info,
		   int64_t now, struct sut_err *err)
{
	struct sut_migration_state state;
	int r;

	if (info->migration > (int)of->nmigrations)
		return sut_err_reason(err, EPROTONOSUPPORT, "newer",
				      "the backup is of version %s with change %d of the schema, "
				      "this program knows %zu. Use that version or a newer one",
				      info->version, info->migration, of->nmigrations);
	r = sut_db_migration_state(db, of->migrations, of->nmigrations, &state, err);
	if (r < 0)
		return r;
	if (state.current > info->migration)
		return sut_err_reason(err, EEXIST, "not-empty",
				      "the database %s has change %d of the schema, the backup %d. "
				      "Restore into an empty database; it is migrated then",
				      sut_db_name(db), state.current, info->migration);
	return sut_db_migrate(db, of->migrations, of->nmigrations, info->migration, now, err);
}

/* --- rows --- */

struct target {
	const struct table *table;
	size_t place[SUT_DB_ARGS_MAX]; /* of the file's columns in the table */
	size_t n;
	int64_t sequence;
	struct sut_buf bytes[SUT_DB_ARGS_MAX];
};

static void target_release(struct target *t)
{
	for (size_t i = 0; i < SUT_DB_ARGS_MAX; i++)
		sut_buf_release(&t->bytes[i]);
}

static int find_column(const struct table *t, const char *name, size_t *ret)
{
	for (size_t i = 0; name && i < t->n; i++)
		if (!strcmp(t->columns[i].name, name)) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

static int begin_table(struct reader *f, const struct tables *all, bool *seen, struct target *to,
		       struct sut_err *err)
{
	_cleanup_json_ json_t *v = json_loadb(f->line, f->len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(v, "table"));
	json_t *columns = json_object_get(v, "columns");
	const struct table *t = name ? tables_find(all, name) : NULL;
	uint64_t used = 0;

	if (!t || seen[t - all->v] || json_array_size(columns) != t->n)
		return damaged(&f->in, "its tables are not those of the schema", err);
	seen[t - all->v] = true;
	to->table = t;
	to->n = t->n;
	to->sequence = json_integer_value(json_object_get(v, "sequence"));
	for (size_t i = 0; i < t->n; i++) {
		const char *column = json_string_value(json_array_get(columns, i));

		if (find_column(t, column, &to->place[i]) < 0 ||
		    (used & UINT64_C(1) << to->place[i]))
			return damaged(&f->in, "its columns are not those of the schema", err);
		used |= UINT64_C(1) << to->place[i];
	}
	return 0;
}

static int bytes_of(json_t *v, struct sut_buf *b, struct sut_db_arg *ret)
{
	const char *hex = json_string_value(json_object_get(v, "hex"));
	size_t len = json_string_length(json_object_get(v, "hex")) / 2;

	if (!hex || strlen(hex) != 2 * len || len > SUT_DB_VALUE_MAX)
		return -EINVAL;
	b->max = SUT_DB_VALUE_MAX + 1;
	b->len = 0;
	if (sut_buf_reserve(b, len + 1) < 0)
		return -ENOMEM;
	if (sut_unhex(hex, b->data, len) < 0)
		return -EINVAL;
	*ret = SUT_DB_B(b->data, len);
	return 0;
}

/* The value has to fit the column: a text in a column of numbers would be kept as it is by SQLite. */
static int value_of(json_t *v, enum column_kind kind, struct sut_buf *b, struct sut_db_arg *ret)
{
	if (json_is_null(v)) {
		*ret = kind == COLUMN_INT    ? SUT_DB_I_IF(false, 0)
		       : kind == COLUMN_TEXT ? SUT_DB_T(NULL)
					     : SUT_DB_B(NULL, 0);
		return 0;
	}
	if (kind == COLUMN_INT && json_is_integer(v)) {
		*ret = SUT_DB_I(json_integer_value(v));
		return 0;
	}
	if (kind == COLUMN_TEXT && json_is_string(v)) {
		*ret = SUT_DB_T(json_string_value(v));
		return 0;
	}
	return kind == COLUMN_BLOB ? bytes_of(v, b, ret) : -EINVAL;
}

static int add_row(struct sut_db *db, const struct reader *f, struct target *to,
		   struct sut_err *err)
{
	_cleanup_json_ json_t *v = json_loadb(f->line, f->len, 0, NULL);
	struct sut_db_arg args[SUT_DB_ARGS_MAX];

	if (!to->table || !json_is_array(v) || json_array_size(v) != to->n)
		return damaged(&f->in, "a row is malformed", err);
	for (size_t i = 0; i < to->n; i++) {
		size_t at = to->place[i];
		int r = value_of(json_array_get(v, i), to->table->columns[at].kind, &to->bytes[at],
				 &args[at]);

		if (r == -ENOMEM)
			return sut_err_oom(err);
		if (r < 0)
			return damaged(&f->in, "a value has the wrong type", err);
	}
	return sut_db_exec(db, to->table->insert, args, to->n, NULL, err);
}

static int end_table(struct sut_db *db, const struct target *to, struct sut_err *err)
{
	return to->table && to->table->counted
		       ? table_set_sequence(db, to->table, to->sequence, err)
		       : 0;
}

static int add_all(struct sut_db *db, struct reader *f, const struct tables *all, bool *seen,
		   struct sut_err *err)
{
	_cleanup_(target_release) struct target to = {0};
	int r;

	while ((r = reader_next(f, err)) > 0) {
		if (f->line[0] == '[') {
			r = add_row(db, f, &to, err);
		} else {
			r = end_table(db, &to, err);
			if (r == 0)
				r = begin_table(f, all, seen, &to, err);
		}
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = end_table(db, &to, err);
	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (!seen[i])
			r = damaged(&f->in, "a table is missing", err);
	return r;
}

static int fill(struct sut_db *db, struct reader *f, struct sut_err *err)
{
	_cleanup_(tables_release) struct tables t = {0};
	_cleanup_(sut_freep) bool *seen = NULL;
	int r;

	r = tables_read(db, &t, err);
	if (r < 0)
		return r;
	seen = calloc(t.n + 1, sizeof(*seen));
	if (!seen)
		return sut_err_oom(err);
	/* Rows may refer to later ones of their own table. */
	r = sut_db_script(db,
			  sut_db_engine(db) == SUT_DB_SQLITE ? "PRAGMA defer_foreign_keys = ON"
							     : "SET CONSTRAINTS ALL DEFERRED",
			  err);
	if (r == 0)
		r = make_room(db, &t, err);
	if (r == 0)
		r = add_all(db, f, &t, seen, err);
	return r;
}

int backup_restore(const struct backup_of *of, struct sut_db *db, const char *path, int64_t now,
		   struct backup_info *ret, struct sut_err *err)
{
	_cleanup_(reader_release) struct reader f = {.in.fd = -1};
	struct backup_info info;
	int r;

	r = backup_check(of, path, &info, err);
	if (r == 0)
		r = prepare(of, db, &info, now, err);
	if (r == 0)
		r = reader_open(of, path, &f, err);
	if (r == 0)
		r = sut_db_begin(db, SUT_DB_WRITE, err);
	if (r < 0)
		return r;
	r = fill(db, &f, err);
	if (r == 0)
		r = sut_db_commit(db, err);
	else
		sut_db_rollback(db);
	if (r == 0)
		r = sut_db_migrate(db, of->migrations, of->nmigrations, 0, now, err);
	if (r == 0)
		*ret = info;
	return r;
}
