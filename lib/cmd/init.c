// SPDX-License-Identifier: Apache-2.0
/* init: the database, its first user, and a certificate to begin with. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "account/bootstrap.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "web/selfsigned.h"

static void help(const struct server_program *p)
{
	printf("usage: %s init [--config FILE] [--self-signed NAME]...\n\n"
	       "Makes the database, the tenant \"" BOOTSTRAP_TENANT
	       "\" and its user \"" BOOTSTRAP_USER "\", and prints the one-time\n"
	       "password to log in with; it is stored nowhere else. Run it as the user that the %s\n"
	       "runs as. A database that has users is left alone.\n\n"
	       "  --config FILE        settings (default: %s; %s(8))\n"
	       "  --self-signed NAME   also make a key and a certificate for this host name or "
	       "address,\n"
	       "                       where tls-key and tls-cert say; may be repeated\n",
	       p->name, p->noun, p->conf->file, p->name);
}

struct args {
	const char *config;
	struct sut_strv names;
};

static int parse(const struct server_program *p, int argc, char **argv, struct args *a,
		 int *ret_exit)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"self-signed", required_argument, NULL, 's'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c')
			a->config = optarg;
		else if (c == 's' && sut_strv_add(&a->names, optarg) == 0)
			continue;
		else if (c == 'h') {
			help(p);
			*ret_exit = SERVER_EXIT_OK;
			return -EINVAL;
		} else
			return -EINVAL;
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "%s init: '%s' is not understood; see %s init --help\n", p->name,
		argv[optind], p->name);
	return -EINVAL;
}

/* The folder of a SQLite file. */
static int make_folder(const char *url, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;

	if (!sut_startswith(url, "sqlite:"))
		return 0;
	path = strdup(url + strlen("sqlite:"));
	return path ? sut_mkdir_p(dirname(path), err) : sut_err_oom(err);
}

static int certificate(const struct server_conf *conf, const struct sut_strv *names,
		       struct sut_err *err)
{
	int r;

	if (!names->n)
		return 0;
	if (!conf->tls_cert)
		return sut_err_reason(err, EINVAL, "conf",
				      "tls-cert and tls-key are not set. Say there where the "
				      "certificate and its key are to be");
	if (sut_exists(conf->tls_cert) && sut_exists(conf->tls_key)) {
		printf("Certificate: %s is there already, and is kept.\n\n", conf->tls_cert);
		return 0;
	}
	r = selfsigned_write(conf->tls_cert, conf->tls_key, names, err);
	if (r < 0)
		return r;
	printf("Certificate: %s, valid for %d days. Clients must be given it: nobody else has\n"
	       "signed it.\n\n",
	       conf->tls_cert, SELFSIGNED_DAYS);
	return 0;
}

/* Before the commit: a password that nobody has seen would lock the portal. */
static int show(const struct server_program *p, const struct server_conf *conf, bool self_signed,
		const char *password, struct sut_err *err)
{
	printf("User:     " BOOTSTRAP_USER "\nPassword: %s\n\n"
	       "The password is for one login, and is shown only now. Log in and change it:\n\n"
	       "  %s " BOOTSTRAP_USER "%s%s%s%s\n",
	       password, p->login, conf->url ? " --url " : "", conf->url ? conf->url : "",
	       self_signed ? " --ca-file " : "", self_signed ? conf->tls_cert : "");
	if (fflush(stdout) != 0 || ferror(stdout))
		return sut_err_set(err, EIO, "cannot print the password; nothing was made");
	return 0;
}

/* An upgrade wants a backup before: that is for migrate. */
static int make_schema(const struct server_program *p, struct sut_db *db, int64_t now,
		       struct sut_err *err)
{
	struct sut_migration_state st;
	int r = sut_db_migration_state(db, p->migrations, *p->nmigrations, &st, err);

	/* One without users is what an init left that could not end: the disk was full. Change 2
	 * makes their table. */
	if (r == 0 && st.current > 1 && st.current < st.known)
		r = bootstrap_done(db, err);
	if (r < 0)
		return r;
	if (r > 0)
		return sut_err_reason(err, EUCLEAN, "not-migrated",
				      "the database %s is there, at migration %d of %d. Make a "
				      "backup, then run: %s migrate",
				      sut_db_name(db), st.current, st.known, p->name);
	return sut_db_migrate(db, p->migrations, *p->nmigrations, 0, now, err);
}

static int init(const struct server_program *p, const struct server_conf *conf,
		const struct args *a, struct sut_err *err)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	int64_t now = time(NULL);
	char password[32] = "";
	int r;

	r = make_folder(conf->database, err);
	if (r == 0)
		r = cmd_right_user(p, conf->database, err);
	if (r == 0)
		r = sut_db_open(conf->database, NULL, &db, err);
	if (r == 0)
		r = make_schema(p, db, now, err);
	if (r == 0)
		r = sut_db_begin(db, SUT_DB_WRITE, err);
	if (r == 0)
		r = bootstrap_admin(db, p->noun, now, password, err);
	/* A lost or expired certificate is made again without a new database. */
	if (r == -EEXIST && a->names.n) {
		*err = (struct sut_err){0};
		sut_db_rollback(db);
		return certificate(conf, &a->names, err);
	}
	if (r == 0)
		r = certificate(conf, &a->names, err);
	if (r == 0)
		r = show(p, conf, a->names.n > 0, password, err);
	explicit_bzero(password, sizeof(password));
	if (r == 0) {
		r = sut_db_commit(db, err);
		if (r < 0)
			(void)sut_err_prefix(err, "the password above is not valid");
	}
	if (db)
		sut_db_rollback(db);
	return r;
}

int server_cmd_init(const struct server_program *p, int argc, char **argv)
{
	struct args a = {.config = p->conf->file};
	struct server_conf *conf = NULL;
	struct sut_err err = {0};
	int status, r;

	if (parse(p, argc, argv, &a, &status) == 0) {
		r = cmd_conf_new(p, a.config, &conf, &err);
		if (r == 0)
			r = init(p, conf, &a, &err);
		status = r < 0 ? cmd_fail(p, "init", &err) : SERVER_EXIT_OK;
	}
	cmd_conf_free(p, conf);
	sut_strv_release(&a.names);
	return status;
}
