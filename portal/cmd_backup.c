// SPDX-License-Identifier: Apache-2.0
/* suture-portal backup and restore. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backup/backup.h"
#include "base/file.h"
#include "cmd.h"
#include "portal.h"

static const char backup_help[] =
	"usage: suture-portal backup [--config FILE] BACKUP\n"
	"       suture-portal backup --verify BACKUP\n\n"
	"Writes all of the database to the file BACKUP, as it is at one moment, while the portal\n"
	"goes on working. The file replaces an older one when it is complete and was read back;\n"
	"it holds secrets, and only its owner may read it.\n\n"
	"  --config FILE   settings (default: " PORTAL_CONF_FILE "; suture-portal(8))\n"
	"  --verify        read a backup to its end, and say what it is\n";

static const char restore_help[] =
	"usage: suture-portal restore [--config FILE] BACKUP\n\n"
	"Puts a backup into the database of the settings, SQLite or PostgreSQL, whichever wrote\n"
	"it. The database must be new, or migrated and without data. A backup that is damaged\n"
	"is refused before anything is written; all of it is restored, or nothing.\n\n"
	"  --config FILE   settings (default: " PORTAL_CONF_FILE "; suture-portal(8))\n";

struct args {
	const char *config;
	bool verify;
	const char *file;
};

static int parse(int argc, char **argv, const char *help, struct args *a, int *ret_exit)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"verify", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	bool may_verify = help == backup_help;
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	*a = (struct args){.config = PORTAL_CONF_FILE};
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c') {
			a->config = optarg;
		} else if (c == 'v' && may_verify) {
			a->verify = true;
		} else {
			if (c == 'h') {
				fputs(help, stdout);
				*ret_exit = SERVER_EXIT_OK;
			} else if (c == 'v') {
				fprintf(stderr, "suture-portal restore: a backup is always "
						"verified first\n");
			}
			return -EINVAL;
		}
	}
	if (optind + 1 == argc) {
		a->file = argv[optind];
		return 0;
	}
	fprintf(stderr, "suture-portal %s: name one file; see suture-portal %s --help\n", argv[0],
		argv[0]);
	return -EINVAL;
}

static void show(const char *file, const struct backup_info *info)
{
	char when[32] = "";
	time_t t = (time_t)info->created;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("%s: of %s, version %s, change %d of the schema, %lld rows in %lld tables\n", file,
	       when, info->version, info->migration, (long long)info->rows,
	       (long long)info->tables);
}

static int open_database(const char *config, bool reading, struct sut_db **ret, struct sut_err *err)
{
	_cleanup_(portal_conf_release) struct portal_conf conf = {0};
	int r = cmd_conf(&portal_program, config, &conf.s, err);

	/* Reading a database whose portal ended badly may need to mend its log: not read_only. */
	if (r == 0 && reading && sut_startswith(conf.s.database, "sqlite:") &&
	    !sut_exists(conf.s.database + strlen("sqlite:")))
		return sut_err_set(err, ENOENT, "there is no database %s", conf.s.database);
	if (r == 0 && !reading)
		r = cmd_right_user(&portal_program, conf.s.database, err);
	return r < 0 ? r : sut_db_open(conf.s.database, NULL, ret, err);
}

int cmd_backup(int argc, char **argv)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct backup_info info = {0};
	struct sut_err err = {0};
	struct args a;
	int status, r = 0;

	if (parse(argc, argv, backup_help, &a, &status) < 0)
		return status;
	if (a.verify) {
		r = backup_check(a.file, &info, &err);
	} else {
		r = open_database(a.config, true, &db, &err);
		if (r == 0)
			r = backup_write(db, a.file, time(NULL), &info, &err);
	}
	if (r < 0)
		return cmd_fail(&portal_program, "backup", &err);
	show(a.file, &info);
	return SERVER_EXIT_OK;
}

int cmd_restore(int argc, char **argv)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct backup_info info = {0};
	struct sut_err err = {0};
	struct args a;
	int status, r;

	if (parse(argc, argv, restore_help, &a, &status) < 0)
		return status;
	/* Before a database is made for it. */
	r = backup_check(a.file, &info, &err);
	if (r == 0)
		r = open_database(a.config, false, &db, &err);
	if (r == 0)
		r = backup_restore(db, a.file, time(NULL), &info, &err);
	if (r < 0)
		return cmd_fail(&portal_program, "restore", &err);
	show(a.file, &info);
	printf("Restored into %s.\n", sut_db_name(db));
	return SERVER_EXIT_OK;
}
