// SPDX-License-Identifier: Apache-2.0
/* backup and restore: all of the database in a file, and back into one of either engine. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backup/backup.h"
#include "base/file.h"
#include "cmd/cmd.h"

static void help_backup(const struct server_program *p)
{
	printf("usage: %s backup [--config FILE] BACKUP\n"
	       "       %s backup --verify BACKUP\n\n"
	       "Writes all of the database to the file BACKUP, as it is at one moment, while the %s\n"
	       "goes on working. The file replaces an older one when it is complete and was read back;\n"
	       "it holds secrets, and only its owner may read it.\n\n"
	       "  --config FILE   settings (default: %s; %s(8))\n"
	       "  --verify        read a backup to its end, and say what it is\n",
	       p->name, p->name, p->noun, p->conf->file, p->name);
}

static void help_restore(const struct server_program *p)
{
	printf("usage: %s restore [--config FILE] BACKUP\n\n"
	       "Puts a backup into the database of the settings, SQLite or PostgreSQL, whichever wrote\n"
	       "it. The database must be new, or migrated and without data. A backup that is damaged\n"
	       "is refused before anything is written; all of it is restored, or nothing.\n\n"
	       "  --config FILE   settings (default: %s; %s(8))\n",
	       p->name, p->conf->file, p->name);
}

struct args {
	const char *config;
	bool verify;
	const char *file;
};

static int parse(const struct server_program *p, int argc, char **argv, bool restore,
		 struct args *a, int *ret_exit)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"verify", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	*a = (struct args){.config = p->conf->file};
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c') {
			a->config = optarg;
		} else if (c == 'v' && !restore) {
			a->verify = true;
		} else {
			if (c == 'h') {
				(restore ? help_restore : help_backup)(p);
				*ret_exit = SERVER_EXIT_OK;
			} else if (c == 'v') {
				fprintf(stderr, "%s restore: a backup is always verified first\n",
					p->name);
			}
			return -EINVAL;
		}
	}
	if (optind + 1 == argc) {
		a->file = argv[optind];
		return 0;
	}
	fprintf(stderr, "%s %s: name one file; see %s %s --help\n", p->name, argv[0], p->name,
		argv[0]);
	return -EINVAL;
}

static struct backup_of backup_of(const struct server_program *p)
{
	return (struct backup_of){p->name, p->migrations, *p->nmigrations};
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

static int back_up(const struct server_program *p, const struct server_conf *conf, const char *file,
		   struct backup_info *ret, struct sut_err *err)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct backup_of of = backup_of(p);
	int r;

	/* Reading a database whose server ended badly may need to mend its log: not read_only. */
	if (sut_startswith(conf->database, "sqlite:") &&
	    !sut_exists(conf->database + strlen("sqlite:")))
		return sut_err_set(err, ENOENT, "there is no database %s", conf->database);
	r = sut_db_open(conf->database, NULL, &db, err);
	return r < 0 ? r : backup_write(&of, db, file, time(NULL), ret, err);
}

int server_cmd_backup(const struct server_program *p, int argc, char **argv)
{
	struct server_conf *conf = NULL;
	struct backup_of of = backup_of(p);
	struct backup_info info = {0};
	struct sut_err err = {0};
	struct args a;
	int status, r;

	if (parse(p, argc, argv, false, &a, &status) < 0)
		return status;
	if (a.verify) {
		r = backup_check(&of, a.file, &info, &err);
	} else {
		r = cmd_conf_new(p, a.config, &conf, &err);
		if (r == 0)
			r = back_up(p, conf, a.file, &info, &err);
		cmd_conf_free(p, conf);
	}
	if (r < 0)
		return cmd_fail(p, "backup", &err);
	show(a.file, &info);
	return SERVER_EXIT_OK;
}

static int restore(const struct server_program *p, const struct server_conf *conf, const char *file,
		   struct sut_err *err)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct backup_of of = backup_of(p);
	struct backup_info info = {0};
	int r = cmd_right_user(p, conf->database, err);

	if (r == 0)
		r = sut_db_open(conf->database, NULL, &db, err);
	if (r == 0)
		r = backup_restore(&of, db, file, time(NULL), &info, err);
	if (r < 0)
		return r;
	show(file, &info);
	printf("Restored into %s.\n", sut_db_name(db));
	fflush(stdout);
	return p->restored ? p->restored(conf, db, err) : 0;
}

int server_cmd_restore(const struct server_program *p, int argc, char **argv)
{
	struct server_conf *conf = NULL;
	struct backup_of of = backup_of(p);
	struct backup_info info = {0};
	struct sut_err err = {0};
	struct args a;
	int status, r;

	if (parse(p, argc, argv, true, &a, &status) < 0)
		return status;
	/* Before a database is made for it. */
	r = backup_check(&of, a.file, &info, &err);
	if (r == 0)
		r = cmd_conf_new(p, a.config, &conf, &err);
	if (r == 0)
		r = restore(p, conf, a.file, &err);
	cmd_conf_free(p, conf);
	return r < 0 ? cmd_fail(p, "restore", &err) : SERVER_EXIT_OK;
}
