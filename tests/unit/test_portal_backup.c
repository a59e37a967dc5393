// SPDX-License-Identifier: Apache-2.0
/* lib/backup/ with the portal's tables: from either engine to either, all or nothing. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "backup/lines.h"
#include "backup/tables.h"
#include "base/file.h"
#include "base/str.h"
#include "migrations.h"
#include "sample_db.h"

#define _cleanup_db_ _cleanup_(sut_db_freep)

enum { NOW = 1795000000, MANY = TABLE_PAGE * 2 + 1 };

static struct sut_err err;

static const struct backup_of *of(void)
{
	static struct backup_of portal;

	portal = (struct backup_of){"suture-portal", portal_migrations, portal_nmigrations};
	return &portal;
}

static void sql(struct sut_db *db, const char *text)
{
	assert_ok(sut_db_script(db, text, &err), err);
}

static struct sut_db *migrated(const struct sample_db *s, int upto)
{
	struct sut_db *db = sample_db_open(s);

	assert_ok(sut_db_migrate(db, portal_migrations, portal_nmigrations, upto, NOW, &err), err);
	return db;
}

/* Something in most tables: all that is hard to carry over, and more than one page. */
static void fill(struct sut_db *db)
{
	uint8_t hash[32] = {0};
	char name[16];

	sql(db,
	    "UPDATE meta SET value = 42;"
	    "INSERT INTO tenants (name, title, created) VALUES ('alpha', 'Grüße \"\\ ''x''', 1);"
	    "INSERT INTO users (uid, tenant, name, title, roles, created, disabled) VALUES "
	    "('u1', 1, 'ann', '', 'admin', 9007199254740993, NULL);"
	    "INSERT INTO feeds (tenant, name, created) VALUES (1, 'early', 1), (1, 'late', 1);"
	    "INSERT INTO events (tenant, at, type, data) VALUES (1, 1, 'a', '{}'), "
	    "(1, 2, 'b', '{}'), (1, 3, 'c', '{}');"
	    "DELETE FROM events WHERE id > 1;"
	    "INSERT INTO tokens (uid, tenant, user_id, kind, hash, hint, roles, created) "
	    "SELECT 't1', 1, 1, 'api', answer, '', '', 1 FROM idempotency WHERE 1 = 0");
	/* A feed that refers to one that comes later. */
	sql(db, "UPDATE feeds SET follows = (SELECT id FROM feeds WHERE name = 'late') "
		"WHERE name = 'early'");
	assert_ok(sut_db_exec(db, "UPDATE users SET title = $1",
			      SUT_DB_ARGS(SUT_DB_T("a\nb\tc\x01\x7f\xf0\x9f\x98\x80</script>\r")),
			      NULL, &err),
		  err);
	assert_ok(sut_db_begin(db, SUT_DB_WRITE, &err), err);
	for (int i = 0; i < MANY; i++) {
		memcpy(hash, &i, sizeof(i));
		assert_ok(
			sut_db_exec(db, "INSERT INTO retired_credentials VALUES ($1, $2, 'x')",
				    SUT_DB_ARGS(SUT_DB_B(hash, i ? sizeof(hash) : 0), SUT_DB_I(-i)),
				    NULL, &err),
			err);
		snprintf(name, sizeof(name), "k%d", i % 37);
		assert_ok(sut_db_exec(db, "INSERT INTO idempotency VALUES ($1, $2, $3, 200, $3, 1)",
				      SUT_DB_ARGS(SUT_DB_T(name), SUT_DB_B(hash, sizeof(hash)),
						  SUT_DB_B("", 0)),
				      NULL, &err),
			  err);
	}
	assert_ok(sut_db_commit(db, &err), err);
}

/* All lines of a backup. */
static void unpack(const char *path, struct sut_buf *b)
{
	struct lines_in in;
	const char *line;
	size_t len;

	assert_ok(lines_in_open(path, &in, &err), err);
	while (lines_in_next(&in, &line, &len, &err) == 1) {
		assert_ok(sut_buf_add(b, line, len), err);
		assert_ok(sut_buf_addstr(b, "\n"), err);
	}
	lines_in_release(&in);
}

static char *in_dir(const struct sample_db *s, const char *name)
{
	char *path = sut_sprintf("%s/%s", s->dir, name);

	assert_non_null(path);
	return path;
}

static void cycle(const struct sample_db *s, struct sut_db *db, enum sut_db_engine engine)
{
	_cleanup_(sut_freep) char *a = in_dir(s, "a"), *b = in_dir(s, "b");
	_cleanup_buf_ struct sut_buf before = SUT_BUF_INIT(64 << 20),
				     after = SUT_BUF_INIT(64 << 20);
	struct backup_info wrote, read;
	struct sample_db other;
	struct sut_db *to;
	struct stat st;
	int64_t id;

	assert_ok(backup_write(of(), db, a, NOW, &wrote, &err), err);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	sample_db_new(engine, &other);
	to = sample_db_open(&other);
	assert_ok(backup_restore(of(), to, a, NOW + 1, &read, &err), err);
	assert_int_equal(read.rows, wrote.rows);
	assert_int_equal(read.created, NOW);
	assert_int_equal(read.migration, portal_nmigrations);
	assert_true(read.rows > 2 * MANY);
	assert_ok(backup_write(of(), to, b, NOW, &wrote, &err), err);
	unpack(a, &before);
	unpack(b, &after);
	assert_string_equal(sut_buf_str(&before), sut_buf_str(&after));

	/* Ids that were given out once are not given out again. */
	struct sut_db_rows *rows = NULL;

	assert_int_equal(sut_db_one(to,
				    "INSERT INTO events (tenant, at, type, data) VALUES (1, 1, "
				    "'', '') RETURNING id",
				    SUT_DB_NONE, &rows, &err),
			 1);
	id = sut_db_int(rows, 0);
	sut_db_rows_free(rows);
	assert_int_equal(id, 4);
	/* And constraints hold. */
	assert_int_equal(sut_db_exec(to, "UPDATE feeds SET follows = 77 WHERE name = 'early'",
				     SUT_DB_NONE, NULL, &err),
			 -EDOM);
	/* It is not empty now. */
	assert_int_equal(backup_restore(of(), to, a, NOW, &read, &err), -EEXIST);
	assert_string_equal(err.reason, "not-empty");
	sut_db_free(to);
	sample_db_drop(&other);
}

static void a_backup_is_the_same_after_it_was_restored_into_either_engine(void **state)
{
	const struct sample_db *s = *state;
	_cleanup_db_ struct sut_db *db = migrated(s, 0);

	fill(db);
	cycle(s, db, SUT_DB_SQLITE);
	if (sample_db_has(SUT_DB_PGSQL))
		cycle(s, db, SUT_DB_PGSQL);
}

static void an_older_backup_is_migrated_after_it_was_restored(void **state)
{
	const struct sample_db *s = *state;
	_cleanup_db_ struct sut_db *db = migrated(s, 2), *to = NULL;
	_cleanup_(sut_freep) char *a = in_dir(s, "a");
	struct sut_migration_state st;
	struct backup_info info;
	struct sample_db other;
	struct sut_db_rows *rows = NULL;

	sql(db, "INSERT INTO tenants (name, created) VALUES ('alpha', 1)");
	assert_ok(backup_write(of(), db, a, NOW, &info, &err), err);
	assert_int_equal(info.migration, 2);
	sample_db_new(s->engine, &other);
	to = sample_db_open(&other);
	assert_ok(backup_restore(of(), to, a, NOW, &info, &err), err);
	assert_ok(sut_db_migration_state(to, portal_migrations, portal_nmigrations, &st, &err),
		  err);
	assert_int_equal(st.current, portal_nmigrations);
	assert_int_equal(sut_db_one(to, "SELECT name FROM tenants", SUT_DB_NONE, &rows, &err), 1);
	assert_string_equal(sut_db_text(rows, 0), "alpha");
	sut_db_rows_free(rows);
	/* One that is ahead of the backup is left alone. */
	assert_int_equal(backup_restore(of(), to, a, NOW, &info, &err), -EEXIST);
	sut_db_free(sut_steal(to));
	sample_db_drop(&other);
}

/* Has the database anything of a schema? */
static void is_untouched(const struct sample_db *s)
{
	_cleanup_db_ struct sut_db *db = sample_db_open(s);
	struct sut_migration_state st;

	assert_ok(sut_db_migration_state(db, portal_migrations, portal_nmigrations, &st, &err),
		  err);
	assert_int_equal(st.current, 0);
}

static void a_truncated_or_changed_file_is_refused_before_anything_is_written(void **state)
{
	const struct sample_db *s = *state;
	_cleanup_(sut_freep) char *a = in_dir(s, "a"), *bad = in_dir(s, "bad");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_db_ struct sut_db *db = NULL, *to = sample_db_open(s);
	struct sample_db from;
	struct backup_info info;
	size_t step;

	sample_db_new(SUT_DB_SQLITE, &from);
	db = migrated(&from, 0);
	fill(db);
	assert_ok(backup_write(of(), db, a, NOW, &info, &err), err);
	sut_db_free(sut_steal(db));
	sample_db_drop(&from);
	assert_ok(sut_file_read(a, &b, &err), err);
	step = b.len / 97 + 1;
	for (size_t cut = 0; cut < b.len; cut += step) {
		assert_ok(sut_file_write(bad, b.data, cut, 0600, &err), err);
		assert_int_equal(backup_restore(of(), to, bad, NOW, &info, &err), -EBADMSG);
		assert_string_equal(err.reason, "damaged");
	}
	for (size_t at = 0; at < b.len; at += step) {
		b.data[at] ^= 0x10;
		assert_ok(sut_file_write(bad, b.data, b.len, 0600, &err), err);
		b.data[at] ^= 0x10;
		assert_int_equal(backup_restore(of(), to, bad, NOW, &info, &err), -EBADMSG);
	}
	/* Twice the same file, or something behind it. */
	assert_ok(sut_buf_add(&b, b.data, 1), err);
	assert_ok(sut_file_write(bad, b.data, b.len, 0600, &err), err);
	assert_int_equal(backup_restore(of(), to, bad, NOW, &info, &err), -EBADMSG);
	is_untouched(s);
}

/* Writes a file of these lines; the end is right, but for what is more. */
static void forge(const char *path, const char *const *lines, int more_rows, bool wrong_sum)
{
	struct lines_out o;
	char sum[LINES_DIGEST_HEX], end[256];
	int rows = 0;

	assert_ok(lines_out_open(path, &o, &err), err);
	for (; *lines; lines++) {
		rows += **lines == '[';
		assert_ok(lines_out_add(&o, *lines, strlen(*lines), &err), err);
	}
	assert_ok(lines_out_digest(&o, sum, &err), err);
	sum[0] = wrong_sum ? 'x' : sum[0];
	rows += more_rows;
	snprintf(end, sizeof(end), "{\"end\":true,\"rows\":%d,\"sha256\":\"%s\"}", rows, sum);
	assert_ok(lines_out_add(&o, end, strlen(end), &err), err);
	assert_ok(lines_out_end(&o, &err), err);
	assert_ok(lines_out_publish(&o, &err), err);
	lines_out_release(&o);
}

#define HEAD                                                                                       \
	"{\"format\":\"suture-portal-backup/1\",\"version\":\"1\",\"migration\":1,\"created\":1}"
#define META "{\"table\":\"meta\",\"columns\":[\"name\",\"value\"]}"

static void files_that_do_not_fit_the_schema_change_nothing(void **state)
{
	static const struct {
		const char *lines[8];
		int code;
	} bad[] = {
		{{"{}"}, -EBADMSG},
		{{"[]"}, -EBADMSG},
		{{"{\"format\":\"portal-backup/1\"}"}, -EBADMSG},
		{{"{\"format\":\"suture-portal-backup/2\"}"}, -EPROTONOSUPPORT},
		{{"{\"format\":\"suture-console-backup/1\"}"}, -EMEDIUMTYPE},
		{{"{\"format\":\"suture-portal-backups/1\"}"}, -EBADMSG},
		{{"{\"format\":\"suture-port-backup/1\"}"}, -EMEDIUMTYPE},
		{{"{\"format\":\"suture-portal-backup/1\",\"version\":\"9\",\"migration\":999}"},
		 -EPROTONOSUPPORT},
		{{HEAD}, -EBADMSG},	  /* tables are missing */
		{{HEAD, META}, -EBADMSG}, /* likewise */
		{{HEAD, "[1,2]"}, -EBADMSG},
		{{HEAD, META, META}, -EBADMSG},
		{{HEAD, META, "[\"x\",\"y\"]"}, -EBADMSG},
		{{HEAD, META, "[\"x\",1.5]"}, -EBADMSG},
		{{HEAD, META, "[\"x\",{\"hex\":\"00\"}]"}, -EBADMSG},
		{{HEAD, META, "[\"x\"]"}, -EBADMSG},
		{{HEAD, META, "[\"x\",1,2]"}, -EBADMSG},
		{{HEAD, META, "[\"x\",1"}, -EBADMSG},
		{{HEAD, META, "[null,null]"}, -EDOM},
		{{HEAD, META, "[\"x\",1]", "[\"x\",2]"}, -EEXIST},
		{{HEAD, "{\"table\":\"meta\",\"columns\":[\"name\",\"name\"]}"}, -EBADMSG},
		{{HEAD, "{\"table\":\"meta\",\"columns\":[\"name\"]}"}, -EBADMSG},
		{{HEAD, "{\"table\":\"other\",\"columns\":[\"name\",\"value\"]}"}, -EBADMSG},
		{{HEAD, "{\"table\":\"schema_migrations\",\"columns\":[]}"}, -EBADMSG},
		{{HEAD, "{\"table\":"}, -EBADMSG},
	};
	const struct sample_db *s = *state;
	_cleanup_(sut_freep) char *path = in_dir(s, "forged");
	_cleanup_db_ struct sut_db *db = migrated(s, 1);
	struct backup_info info;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct sut_db_rows *rows = NULL;
		int r;

		forge(path, bad[i].lines, 0, false);
		r = backup_restore(of(), db, path, NOW, &info, &err);
		if (r != bad[i].code)
			fail_msg("file %zu: %d instead of %d: %s", i, r, bad[i].code, err.msg);
		assert_int_equal(sut_db_one(db, "SELECT value FROM meta", SUT_DB_NONE, &rows, &err),
				 1);
		assert_int_equal(sut_db_int(rows, 0), 1);
		sut_db_rows_free(rows);
	}
}

/* Well compressed, so that only our own end tells. */
static void an_end_that_does_not_fit_its_file_is_refused(void **state)
{
	static const char *const lines[] = {HEAD, META, "[\"x\",1]", NULL};
	const struct sample_db *s = *state;
	_cleanup_(sut_freep) char *path = in_dir(s, "forged");
	struct backup_info info;

	forge(path, lines, 0, false);
	assert_ok(backup_check(of(), path, &info, &err), err);
	assert_int_equal(info.rows, 1);
	forge(path, lines, 0, true);
	assert_int_equal(backup_check(of(), path, &info, &err), -EBADMSG);
	assert_says(err, "checksum");
	forge(path, lines, 1, false);
	assert_int_equal(backup_check(of(), path, &info, &err), -EBADMSG);
	assert_says(err, "rows are missing");
}

static void a_backup_that_cannot_be_written_leaves_the_old_one(void **state)
{
	const struct sample_db *s = *state;
	_cleanup_(sut_freep) char *a = in_dir(s, "a"), *nowhere = in_dir(s, "no/where");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_db_ struct sut_db *db = sample_db_open(s);
	struct backup_info info;

	assert_ok(sut_file_write(a, "old", 3, 0600, &err), err);
	/* A table that cannot be kept: its rows have no order. */
	assert_ok(sut_db_migrate(db, portal_migrations, portal_nmigrations, 0, NOW, &err), err);
	sql(db, "CREATE TABLE odd (x BIGINT)");
	assert_int_equal(backup_write(of(), db, a, NOW, &info, &err), -EINVAL);
	assert_says(err, "odd");
	assert_ok(sut_file_read(a, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), "old");
	sql(db, "DROP TABLE odd");
	assert_int_equal(backup_write(of(), db, nowhere, NOW, &info, &err), -ENOENT);
	assert_ok(backup_write(of(), db, a, NOW, &info, &err), err);
	assert_int_equal(backup_check(of(), nowhere, &info, &err), -ENOENT);
	assert_ok(backup_check(of(), a, &info, &err), err);
}

int main(void)
{
	const struct sample_db_case cases[] = {
		SAMPLE_DB_CASE(a_backup_is_the_same_after_it_was_restored_into_either_engine),
		SAMPLE_DB_CASE(an_older_backup_is_migrated_after_it_was_restored),
		SAMPLE_DB_CASE(a_truncated_or_changed_file_is_refused_before_anything_is_written),
		SAMPLE_DB_CASE(files_that_do_not_fit_the_schema_change_nothing),
		SAMPLE_DB_ONLY(SUT_DB_SQLITE, an_end_that_does_not_fit_its_file_is_refused),
		SAMPLE_DB_CASE(a_backup_that_cannot_be_written_leaves_the_old_one),
	};

	return SAMPLE_DB_RUN(cases);
}
