// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor/doctor.h"
#include "migrations.h"

static void file_mode(struct doctor *d)
{
	const char *path = d->conf.s.database + strlen("sqlite:");
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (st.st_mode & 077)
		doctor_add(d, DOCTOR_WARN, "database", "chmod 600 it, and the files beside it",
			   "others than its owner may use %s", path);
	if (access(path, W_OK) < 0)
		doctor_add(
			d, DOCTOR_FAIL, "database",
			"Run this as the user of the portal, and give that user the file (chown)",
			"%s cannot be written: %s", path, strerror(errno));
}

/* What one statement without parameters gives, as text; "" when it fails. */
static void ask(struct doctor *d, const char *sql, char *ret, size_t size)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const char *s = NULL;

	if (sut_db_one(d->db, sql, SUT_DB_NONE, &rows, NULL) == 1)
		s = sut_db_text(rows, 0);
	snprintf(ret, size, "%s", s ? s : "");
}

static void is_whole(struct doctor *d)
{
	char word[256];

	if (sut_db_engine(d->db) == SUT_DB_SQLITE) {
		ask(d, "PRAGMA quick_check(1)", word, sizeof(word));
		if (strcmp(word, "ok") != 0)
			doctor_add(
				d, DOCTOR_FAIL, "database",
				"Stop the portal and restore the last backup into a new database",
				"it is damaged: %s", word);
		return;
	}
	ask(d, "SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')",
	    word, sizeof(word));
	if (strcmp(word, "on on") != 0 && !sut_startswith(word, "on remote"))
		doctor_add(d, DOCTOR_WARN, "database",
			   "Set fsync = on and synchronous_commit = on in postgresql.conf",
			   "what was answered may be lost when the server fails (fsync, "
			   "synchronous_commit: %s)",
			   word);
}

/* The other checks have no use for a database that is not as this program needs it. */
static void close_it(struct doctor *d)
{
	sut_db_free(d->db);
	d->db = NULL;
}

static void is_current(struct doctor *d)
{
	struct sut_migration_state st;
	struct sut_err err = {0};
	char users[32];

	if (sut_db_migration_state(d->db, portal_migrations, portal_nmigrations, &st, &err) < 0) {
		doctor_add(d, DOCTOR_FAIL, "schema", NULL, "%s", err.msg);
		close_it(d);
		return;
	}
	if (st.current < st.known) {
		doctor_add(d, DOCTOR_FAIL, "schema",
			   st.current ? "Make a backup, then run suture-portal migrate"
				      : "Run suture-portal init",
			   "the database has change %d of %d", st.current, st.known);
		close_it(d);
		return;
	}
	doctor_add(d, DOCTOR_OK, "schema", NULL, "change %d of %d", st.current, st.known);
	ask(d, "SELECT COUNT(*) FROM users WHERE disabled IS NULL AND staff = 1", users,
	    sizeof(users));
	if (!strcmp(users, "0"))
		doctor_add(d, DOCTOR_WARN, "users",
			   "Run suture-portal init, if there is no user at all",
			   "nobody can administer this portal");
	else
		doctor_add(d, DOCTOR_OK, "users", NULL, "%s who may administer the portal", users);
}

void doctor_database(struct doctor *d)
{
	const struct sut_db_opts opts = {.read_only = true};
	struct sut_err err = {0};
	bool lite = sut_startswith(d->conf.s.database, "sqlite:");

	if (sut_db_open(d->conf.s.database, &opts, &d->db, &err) < 0) {
		if (lite && access(d->conf.s.database + strlen("sqlite:"), F_OK) == 0)
			doctor_add(d, DOCTOR_FAIL, "database",
				   "It is there. Run this as the user of the portal, and give that "
				   "user the folder with all files in it (chown -R)",
				   "%s", err.msg);
		else
			doctor_add(d, DOCTOR_FAIL, "database",
				   lite ? "Run suture-portal init, as the user of the portal"
					: "Start the server, or correct 'database' in the settings",
				   "%s", err.msg);
		return;
	}
	doctor_add(d, DOCTOR_OK, "database", NULL, "%s", sut_db_name(d->db));
	if (lite)
		file_mode(d);
	is_whole(d);
	is_current(d);
}
