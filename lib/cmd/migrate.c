// SPDX-License-Identifier: Apache-2.0
/* migrate: brings the database to the schema of this program. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "cmd/cmd.h"

static void help(const struct server_program *p)
{
	printf("usage: %s migrate [--config FILE] [--status | --to N]\n\n"
	       "Applies the changes of the schema that the database does not have yet, each in a\n"
	       "transaction of its own. Make a backup before: there is no way back but to restore it.\n"
	       "Several may run at once.\n\n"
	       "  --config FILE   settings (default: %s; %s(8))\n"
	       "  --status        only say what is missing; ends with 78 when something is\n"
	       "  --to N          stop after change N\n",
	       p->name, p->conf->file, p->name);
}

struct args {
	const char *config;
	bool status;
	int to;
};

static int parse(const struct server_program *p, int argc, char **argv, struct args *a,
		 int *ret_exit)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"status", no_argument, NULL, 's'},
						{"to", required_argument, NULL, 't'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	uint64_t n;
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c') {
			a->config = optarg;
		} else if (c == 's') {
			a->status = true;
		} else if (c == 't' && sut_parse_u64(optarg, 9999, &n) == 0 && n > 0) {
			a->to = (int)n;
		} else if (c == 't') {
			fprintf(stderr, "%s migrate: '%s' is no number of a change\n", p->name,
				optarg);
			return -EINVAL;
		} else {
			if (c == 'h') {
				help(p);
				*ret_exit = SERVER_EXIT_OK;
			}
			return -EINVAL;
		}
	}
	if (optind == argc && !(a->status && a->to))
		return 0;
	fprintf(stderr, "%s migrate: %s; see %s migrate --help\n", p->name,
		optind == argc ? "--status changes nothing, so --to has no meaning with it"
			       : "there are no arguments",
		p->name);
	return -EINVAL;
}

static int status_of(const struct server_program *p, struct sut_db *db, int *ret_exit,
		     struct sut_err *err)
{
	struct sut_migration_state st;
	int r = sut_db_migration_state(db, p->migrations, *p->nmigrations, &st, err);

	if (r < 0)
		return r;
	printf("%s: change %d of %d\n", sut_db_name(db), st.current, st.known);
	for (int i = 0; i < st.known; i++)
		printf("  %04d %-12s %s\n", p->migrations[i].number, p->migrations[i].name,
		       i < st.current ? "applied" : "missing");
	*ret_exit = st.current < st.known ? SERVER_EXIT_CONFIG : SERVER_EXIT_OK;
	return 0;
}

static int apply(const struct server_program *p, struct sut_db *db, int to, struct sut_err *err)
{
	struct sut_migration_state before, after;
	int r = sut_db_migration_state(db, p->migrations, *p->nmigrations, &before, err);

	if (r == 0 && to && to < before.current)
		return sut_err_set(err, EINVAL,
				   "the database %s has change %d already, and there is no way "
				   "back. Restore the backup made before it",
				   sut_db_name(db), before.current);
	if (r == 0)
		r = sut_db_migrate(db, p->migrations, *p->nmigrations, to, time(NULL), err);
	if (r == 0)
		r = sut_db_migration_state(db, p->migrations, *p->nmigrations, &after, err);
	if (r == 0 && after.current == before.current)
		printf("%s: nothing to do, change %d of %d\n", sut_db_name(db), after.current,
		       after.known);
	else if (r == 0)
		printf("%s: from change %d to %d of %d\n", sut_db_name(db), before.current,
		       after.current, after.known);
	return r;
}

int server_cmd_migrate(const struct server_program *p, int argc, char **argv)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct args a = {.config = p->conf->file};
	struct server_conf *conf = NULL;
	struct sut_err err = {0};
	int status, r;

	if (parse(p, argc, argv, &a, &status) < 0)
		return status;
	status = SERVER_EXIT_OK;
	r = cmd_conf_new(p, a.config, &conf, &err);
	if (r == 0)
		r = sut_db_open(conf->database, &(struct sut_db_opts){.read_only = a.status}, &db,
				&err);
	if (r == 0)
		r = a.status ? status_of(p, db, &status, &err) : apply(p, db, a.to, &err);
	cmd_conf_free(p, conf);
	return r < 0 ? cmd_fail(p, "migrate", &err) : status;
}
