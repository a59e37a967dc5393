// SPDX-License-Identifier: Apache-2.0
/* lib/backup/ with the console's tables, after real use of them; and the key that no backup has. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "backup/lines.h"
#include "base/file.h"
#include "base/str.h"
#include "json/parse.h"
#include "migrations.h"
#include "sample_console.h"
#include "sample_fleet_findings.h"
#include "sample_jobs.h"
#include "seal.h"

static struct sut_err err;

static const struct backup_of *of(void)
{
	static struct backup_of console;

	console = (struct backup_of){"suture-console", console_migrations, console_nmigrations};
	return &console;
}

static char *in_dir(const struct sample_server *s, const char *name)
{
	char *path = sut_sprintf("%s/%s", s->db.dir, name);

	assert_non_null(path);
	return path;
}

/* A portal with a token, coverage, a scan of hosts, and a job that has a result: something in most tables. */
static void use(struct sample_server *s)
{
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(1 << 10);
	struct sample_result r = {.outcome = "applied", .level = 4};
	char purpose[64], job[SUT_UID_LEN + 1], sha256[65];
	struct sample_host host;
	json_t *m;

	sample_coverage(s, &s->tenant[0]);
	snprintf(purpose, sizeof(purpose), "portal-token:%lld", (long long)s->tenant[0].id);
	assert_ok(seal_put(sample_console(s)->seal, purpose, "secret", 6, &sealed, &err), err);
	assert_ok(sut_db_exec(s->c, "UPDATE portals SET token = $1",
			      SUT_DB_ARGS(SUT_DB_B(sealed.data, sealed.len)), NULL, &err),
		  err);
	sample_machine(s, &s->tenant[0], "db1", 0);
	sample_import(
		s, &s->tenant[0], "",
		"host,cve,package,version,severity,id,title\n"
		"db1,CVE-2026-1001,linux-image-6.1.0-47-amd64,6.1.170-1,high,55,\"Gr\xc3\xb6\xc3\x9f\x65\"\n"
		"other,CVE-2026-1001,linux-image-6.1.0-47-amd64,6.1.170-1,high,56,x\n");
	sample_host_new(s, s->tenant[0].id, "web0", &host);
	sample_job(s, "{\"select\": {\"query\": {\"q\": \"web\"}}}", job);
	sample_advance(s);
	sample_agent_poll(s, &host);
	assert_status(s, 200);
	m = sample_manifest(s, 0, sha256);
	r.job = sut_json_text(m, "id");
	r.sha256 = sha256;
	sample_answer(s, &host, &r);
	assert_status(s, 200);
	json_decref(m);
	sample_host_release(&host);
	/* A job that refers to one before it. */
	sample_job(s, "{\"select\": {\"query\": {\"q\": \"db\"}}}", job);
	sample_sql(s, "UPDATE jobs SET retry_of = (SELECT MIN(id) FROM jobs) WHERE id = (SELECT "
		      "MAX(id) FROM jobs)");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM results"), 1);
	assert_true(sample_number(s, "SELECT COUNT(*) FROM find_sets") > 0);
}

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

static int64_t number(struct sut_db *db, const char *sql)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;

	assert_int_equal(sut_db_one(db, sql, SUT_DB_NONE, &row, &err), 1);
	return sut_db_int(row, 0);
}

/* The key that its secrets were sealed with is there, another one is, none is. Nothing is written whichever it is. */
static void keys(struct sample_server *s, struct sut_db *db)
{
	struct console_conf conf = *sample_console_conf((struct server_conf *)s->p->conf);
	_cleanup_(sut_freep) char *other = in_dir(s, "other.key"), *none = in_dir(s, "none.key");
	int64_t n = number(db, "SELECT COUNT(*) FROM job_keys");

	assert_ok(console_restored(&conf.s, db, &err), err);
	assert_true(seal_make(other, &err) >= 0);
	conf.secret_key = other;
	assert_int_equal(console_restored(&conf.s, db, &err), -EKEYREJECTED);
	assert_string_equal(err.reason, "seal");
	assert_says(err, other);
	conf.secret_key = none;
	assert_int_equal(console_restored(&conf.s, db, &err), -EKEYREJECTED);
	/* A job key tells as well as a token. */
	assert_ok(sut_db_script(db, "DELETE FROM portals", &err), err);
	assert_int_equal(console_restored(&conf.s, db, &err), -EKEYREJECTED);
	conf.secret_key = other;
	assert_int_equal(console_restored(&conf.s, db, &err), -EKEYREJECTED);
	conf.secret_key = sample_console_conf((struct server_conf *)s->p->conf)->secret_key;
	assert_ok(console_restored(&conf.s, db, &err), err);
	assert_int_equal(number(db, "SELECT COUNT(*) FROM job_keys"), n);
	/* Without secrets any key will do. */
	assert_ok(sut_db_script(db, "DELETE FROM job_keys", &err), err);
	conf.secret_key = none;
	assert_ok(console_restored(&conf.s, db, &err), err);
}

static void cycle(struct sample_server *s, enum sut_db_engine engine)
{
	_cleanup_(sut_freep) char *a = in_dir(s, "a"), *b = in_dir(s, "b");
	_cleanup_buf_ struct sut_buf before = SUT_BUF_INIT(64 << 20),
				     after = SUT_BUF_INIT(64 << 20);
	struct backup_info wrote, read;
	struct sample_db other;
	struct sut_db *to;

	assert_ok(backup_write(of(), s->c, a, SAMPLE_NOW, &wrote, &err), err);
	sample_db_new(engine, &other);
	to = sample_db_open(&other);
	assert_ok(backup_restore(of(), to, a, SAMPLE_NOW + 1, &read, &err), err);
	assert_int_equal(read.rows, wrote.rows);
	assert_int_equal(read.migration, console_nmigrations);
	assert_ok(backup_write(of(), to, b, SAMPLE_NOW, &wrote, &err), err);
	unpack(a, &before);
	unpack(b, &after);
	assert_string_equal(sut_buf_str(&before), sut_buf_str(&after));
	keys(s, to);
	sut_db_free(to);
	sample_db_drop(&other);
}

static void a_backup_is_the_same_after_it_was_restored_into_either_engine(void **state)
{
	struct sample_server *s = *state;

	use(s);
	cycle(s, SUT_DB_SQLITE);
	if (sample_db_has(SUT_DB_PGSQL))
		cycle(s, SUT_DB_PGSQL);
}

/* Both servers make files that look alike. */
static void a_backup_of_another_server_is_refused(void **state)
{
	static const char head[] =
		"{\"format\":\"suture-portal-backup/1\",\"version\":\"1\",\"migration\":1,"
		"\"created\":1}";
	const struct sample_server *s = *state;
	_cleanup_(sut_freep) char *path = in_dir(s, "portal");
	struct backup_info info;
	struct lines_out o;

	assert_ok(lines_out_open(path, &o, &err), err);
	assert_ok(lines_out_add(&o, head, strlen(head), &err), err);
	assert_ok(lines_out_end(&o, &err), err);
	assert_ok(lines_out_publish(&o, &err), err);
	lines_out_release(&o);
	assert_int_equal(backup_check(of(), path, &info, &err), -EMEDIUMTYPE);
	assert_string_equal(err.reason, "other");
	assert_says(err, "is a backup of suture-portal, not of suture-console");
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"a_backup_is_the_same_after_it_was_restored_into_either_engine",
		 a_backup_is_the_same_after_it_was_restored_into_either_engine,
		 sample_jobs_configure, 0},
		{"a_backup_of_another_server_is_refused", a_backup_of_another_server_is_refused,
		 NULL, SUT_DB_SQLITE},
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
