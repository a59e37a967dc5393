// SPDX-License-Identifier: Apache-2.0
/* suture-portal migrate: brings the database to the schema of this program. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "cmd.h"
#include "migrations.h"

static const char help[] =
	"usage: suture-portal migrate [--config FILE] [--status | --to N]\n\n"
	"Applies the changes of the schema that the database does not have yet, each in a\n"
	"transaction of its own. Make a backup before: there is no way back but to restore it.\n"
	"Several may run at once.\n\n"
	"  --config FILE   settings (default: " PORTAL_CONF_FILE "; suture-portal(8))\n"
	"  --status        only say what is missing; ends with 78 when something is\n"
	"  --to N          stop after change N\n";

struct args {
	const char *config;
	bool status;
	int to;
};

static int parse(int argc, char **argv, struct args *a, int *ret_exit)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"status", no_argument, NULL, 's'},
						{"to", required_argument, NULL, 't'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	uint64_t n;
	int c;

	*ret_exit = PORTAL_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c') {
			a->config = optarg;
		} else if (c == 's') {
			a->status = true;
		} else if (c == 't' && sut_parse_u64(optarg, 9999, &n) == 0 && n > 0) {
			a->to = (int)n;
		} else if (c == 't') {
			fprintf(stderr, "suture-portal migrate: '%s' is no number of a change\n",
				optarg);
			return -EINVAL;
		} else {
			if (c == 'h') {
				fputs(help, stdout);
				*ret_exit = PORTAL_EXIT_OK;
			}
			return -EINVAL;
		}
	}
	if (optind == argc && !(a->status && a->to))
		return 0;
	fprintf(stderr, "suture-portal migrate: %s; see suture-portal migrate --help\n",
		optind == argc ? "--status changes nothing, so --to has no meaning with it"
			       : "there are no arguments");
	return -EINVAL;
}

static int status_of(struct sut_db *db, int *ret_exit, struct sut_err *err)
{
	struct sut_migration_state st;
	int r = sut_db_migration_state(db, portal_migrations, portal_nmigrations, &st, err);

	if (r < 0)
		return r;
	printf("%s: change %d of %d\n", sut_db_name(db), st.current, st.known);
	for (int i = 0; i < st.known; i++)
		printf("  %04d %-12s %s\n", portal_migrations[i].number, portal_migrations[i].name,
		       i < st.current ? "applied" : "missing");
	*ret_exit = st.current < st.known ? PORTAL_EXIT_CONFIG : PORTAL_EXIT_OK;
	return 0;
}

static int apply(struct sut_db *db, int to, struct sut_err *err)
{
	struct sut_migration_state before, after;
	int r = sut_db_migration_state(db, portal_migrations, portal_nmigrations, &before, err);

	if (r == 0 && to && to < before.current)
		return sut_err_set(err, EINVAL,
				   "the database %s has change %d already, and there is no way "
				   "back. Restore the backup made before it",
				   sut_db_name(db), before.current);
	if (r == 0)
		r = sut_db_migrate(db, portal_migrations, portal_nmigrations, to, time(NULL), err);
	if (r == 0)
		r = sut_db_migration_state(db, portal_migrations, portal_nmigrations, &after, err);
	if (r == 0 && after.current == before.current)
		printf("%s: nothing to do, change %d of %d\n", sut_db_name(db), after.current,
		       after.known);
	else if (r == 0)
		printf("%s: from change %d to %d of %d\n", sut_db_name(db), before.current,
		       after.current, after.known);
	return r;
}

int cmd_migrate(int argc, char **argv)
{
	_cleanup_(portal_conf_release) struct portal_conf conf = {0};
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct args a = {.config = PORTAL_CONF_FILE};
	struct sut_err err = {0};
	int status, r;

	if (parse(argc, argv, &a, &status) < 0)
		return status;
	status = PORTAL_EXIT_OK;
	r = cmd_conf(a.config, &conf, &err);
	if (r == 0)
		r = sut_db_open(conf.database, &(struct sut_db_opts){.read_only = a.status}, &db,
				&err);
	if (r == 0)
		r = a.status ? status_of(db, &status, &err) : apply(db, a.to, &err);
	return r < 0 ? cmd_fail("migrate", &err) : status;
}
