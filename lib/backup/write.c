// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "format.h"
#include "lines.h"
#include "tables.h"

/* --- lines --- */

static int add_json(struct lines_out *o, json_t *v, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

	json_decref(v);
	return text ? lines_out_add(o, text, strlen(text), err) : sut_err_oom(err);
}

static int add_text(struct sut_buf *b, const char *s)
{
	int r = sut_buf_addstr(b, "\"");

	while (r == 0 && *s) {
		size_t n = 0;

		while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
			n++;
		r = sut_buf_add(b, s, n);
		s += n;
		if (r == 0 && *s)
			r = sut_buf_addf(b, "\\u%04x", (unsigned char)*s++);
	}
	return r < 0 ? r : sut_buf_addstr(b, "\"");
}

static int add_bytes(struct sut_buf *b, const uint8_t *p, size_t len)
{
	int r = sut_buf_addstr(b, "{\"hex\":\"");

	if (r == 0)
		r = sut_buf_reserve(b, 2 * len + 1);
	if (r < 0)
		return r;
	sut_hex(p, len, (char *)b->data + b->len);
	b->len += 2 * len;
	return sut_buf_addstr(b, "\"}");
}

static int add_value(struct sut_buf *b, const struct sut_db_rows *rows, int col,
		     enum column_kind kind)
{
	size_t len;
	const void *p;

	if (sut_db_is_null(rows, col))
		return sut_buf_addstr(b, "null");
	switch (kind) {
	case COLUMN_INT:
		return sut_buf_addf(b, "%lld", (long long)sut_db_int(rows, col));
	case COLUMN_TEXT:
		return add_text(b, sut_db_text(rows, col));
	default:
		p = sut_db_blob(rows, col, &len);
		return add_bytes(b, p, len);
	}
}

static int add_row(struct lines_out *o, const struct table *t, const struct sut_db_rows *rows,
		   struct sut_buf *b, struct sut_err *err)
{
	int r;

	b->len = 0;
	r = sut_buf_addstr(b, "[");
	for (size_t i = 0; r == 0 && i < t->n; i++) {
		if (i)
			r = sut_buf_addstr(b, ",");
		if (r == 0)
			r = add_value(b, rows, (int)i, t->columns[i].kind);
	}
	if (r == 0)
		r = sut_buf_addstr(b, "]");
	if (r == -ENOBUFS)
		return sut_err_set(err, ENOBUFS, "a row of the table %s is too large", t->name);
	if (r < 0)
		return sut_err_oom(err);
	return lines_out_add(o, b->data, b->len, err);
}

/* --- tables --- */

/* The key of the last row of a page, where the next page begins. */
struct key {
	struct sut_db_arg args[SUT_DB_ARGS_MAX];
	struct sut_buf room[SUT_DB_ARGS_MAX];
};

static void key_release(struct key *k)
{
	for (size_t i = 0; i < SUT_DB_ARGS_MAX; i++)
		sut_buf_release(&k->room[i]);
}

static int key_take(struct key *k, const struct table *t, const struct sut_db_rows *rows,
		    struct sut_err *err)
{
	for (size_t i = 0; i < t->nkeys; i++) {
		int col = (int)t->keys[i], r;
		size_t len = 0;
		const void *p;

		if (t->columns[col].kind == COLUMN_INT) {
			k->args[i] = SUT_DB_I(sut_db_int(rows, col));
			continue;
		}
		k->room[i].max = SUT_DB_VALUE_MAX + 1;
		k->room[i].len = 0;
		p = sut_db_blob(rows, col, &len);
		r = sut_buf_add(&k->room[i], p ? p : "", len);
		if (r == 0)
			r = sut_buf_reserve(&k->room[i], 1); /* of "" too, there is a pointer */
		if (r < 0)
			return sut_err_oom(err);
		k->room[i].data[len] = 0;
		if (t->columns[col].kind == COLUMN_TEXT)
			k->args[i] = SUT_DB_T((const char *)k->room[i].data);
		else
			k->args[i] = SUT_DB_B(k->room[i].data, len);
	}
	return 0;
}

static int add_page(struct sut_db *db, struct lines_out *o, const struct table *t, struct key *key,
		    bool first, struct sut_buf *b, int64_t *rows_done, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int n = 0, r;

	r = sut_db_query(db, first ? t->first : t->more, first ? NULL : key->args,
			 first ? 0 : t->nkeys, &rows, err);
	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		r = add_row(o, t, rows, b, err);
		if (r == 0 && ++n == TABLE_PAGE)
			r = key_take(key, t, rows, err);
	}
	*rows_done += n;
	return r < 0 ? r : n == TABLE_PAGE;
}

static int add_table(struct sut_db *db, struct lines_out *o, const struct table *t, int64_t *rows,
		     struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(LINES_LINE_MAX);
	_cleanup_(key_release) struct key key = {0};
	json_t *head = json_pack("{s:s, s:[]}", "table", t->name, "columns");
	json_t *columns = json_object_get(head, "columns");
	int64_t sequence = 0;
	int r = head ? 0 : sut_err_oom(err);

	for (size_t i = 0; r == 0 && i < t->n; i++)
		if (json_array_append_new(columns, json_string(t->columns[i].name)) < 0)
			r = sut_err_oom(err);
	if (r == 0 && t->counted) {
		r = table_sequence(db, t, &sequence, err);
		if (r == 0 && json_object_set_new(head, "sequence", json_integer(sequence)) < 0)
			r = sut_err_oom(err);
	}
	if (r < 0) {
		json_decref(head);
		return r;
	}
	r = add_json(o, head, err);
	for (bool first = true; r == 0; first = false) {
		r = add_page(db, o, t, &key, first, &b, rows, err);
		if (r == 0)
			return 0;
		if (r > 0)
			r = 0;
	}
	return r;
}

static int add_all(const struct backup_of *of, struct sut_db *db, struct lines_out *o, int64_t now,
		   int64_t *ret_rows, struct sut_err *err)
{
	_cleanup_(tables_release) struct tables t = {0};
	struct sut_migration_state state;
	char sum[LINES_DIGEST_HEX], format[BACKUP_FORMAT_MAX];
	int r;

	(void)snprintf(format, sizeof(format), BACKUP_FORMAT, of->program);
	r = sut_db_migration_state(db, of->migrations, of->nmigrations, &state, err);
	if (r == 0)
		r = tables_read(db, &t, err);
	if (r == 0)
		r = add_json(o,
			     json_pack("{s:s, s:s, s:i, s:I}", "format", format, "version",
				       SUTURE_VERSION, "migration", state.current, "created",
				       (json_int_t)now),
			     err);
	for (size_t i = 0; r == 0 && i < t.n; i++)
		r = add_table(db, o, &t.v[i], ret_rows, err);
	if (r == 0)
		r = lines_out_digest(o, sum, err);
	if (r == 0)
		r = add_json(o,
			     json_pack("{s:b, s:I, s:s}", "end", 1, "rows", (json_int_t)*ret_rows,
				       "sha256", sum),
			     err);
	return r;
}

int backup_write(const struct backup_of *of, struct sut_db *db, const char *path, int64_t now,
		 struct backup_info *ret, struct sut_err *err)
{
	_cleanup_(lines_out_release) struct lines_out o = {.fd = -1};
	struct backup_info info = {0};
	int64_t rows = 0;
	int r;

	r = lines_out_open(path, &o, err);
	if (r < 0)
		return r;
	r = sut_db_begin(db, SUT_DB_READ, err);
	if (r < 0)
		return r;
	r = add_all(of, db, &o, now, &rows, err);
	sut_db_rollback(db);
	if (r == 0)
		r = lines_out_end(&o, err);
	/* What cannot be read back is no backup. */
	if (r == 0)
		r = backup_check(of, o.tmp, &info, err);
	if (r == 0 && info.rows != rows)
		r = sut_err_set(err, EIO, "%s has %lld rows instead of %lld", o.tmp,
				(long long)info.rows, (long long)rows);
	if (r == 0)
		r = lines_out_publish(&o, err);
	if (r == 0)
		*ret = info;
	return r;
}
