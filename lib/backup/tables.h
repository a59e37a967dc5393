/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the database as they are, so that none is forgotten when one is added. */
#ifndef SUTURE_BACKUP_TABLES_H
#define SUTURE_BACKUP_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"

enum { TABLE_PAGE = 500 /* rows of a query */ };

enum column_kind { COLUMN_INT, COLUMN_TEXT, COLUMN_BLOB };

struct column {
	char *name;
	enum column_kind kind;
	int key; /* its place in the primary key, ascending; 0: not in it */
};

struct table {
	char *name;
	struct column *columns;
	size_t n;
	size_t keys[SUT_DB_ARGS_MAX]; /* columns of the primary key, in its order */
	size_t nkeys;
	char *counted;	    /* column whose values the database counts, or NULL */
	char *first, *more; /* SELECT of all columns by pages; more: behind the key $1, … */
	char *insert;	    /* of all columns, $1, … */
	char *clear;	    /* DELETE of all rows */
};

struct tables {
	struct table *v; /* referred ones before those that refer */
	size_t n;
};

/* All but schema_migrations. */
int tables_read(struct sut_db *db, struct tables *ret, struct sut_err *err) _must_check_;
void tables_release(struct tables *t);
/* NULL when there is none. */
const struct table *tables_find(const struct tables *t, const char *name);
/* The last value that the database counted; 0: none yet. */
int table_sequence(struct sut_db *db, const struct table *t, int64_t *ret,
		   struct sut_err *err) _must_check_;
int table_set_sequence(struct sut_db *db, const struct table *t, int64_t value,
		       struct sut_err *err) _must_check_;

#endif
