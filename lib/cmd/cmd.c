// SPDX-License-Identifier: Apache-2.0
#include "cmd/cmd.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

int cmd_fail(const struct server_program *p, const char *name, const struct sut_err *err)
{
	static const char *const lasting[] = {"conf", "not-migrated"};

	fprintf(stderr, "%s %s: %s\n", p->name, name, err->msg);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(lasting); i++)
		if (sut_streq(err->reason, lasting[i]))
			return SERVER_EXIT_CONFIG;
	return SERVER_EXIT_ERROR;
}

int cmd_conf(const struct server_program *p, const char *path, struct server_conf *ret,
	     struct sut_err *err)
{
	int r = server_conf_init(p->conf, ret, err);

	if (r < 0)
		return r;
	r = server_conf_read(p->conf, path, ret, err);
	if (r == -ENOENT)
		r = sut_err_reason(
			err, ENOENT, "conf",
			"there are no settings: %s does not exist. Write it (\"The first "
			"run\" in %s(8) has an example), or name another file "
			"with --config",
			path, p->name);
	if (r < 0)
		server_conf_release(p->conf, ret);
	return r;
}

int cmd_conf_new(const struct server_program *p, const char *path, struct server_conf **ret,
		 struct sut_err *err)
{
	struct server_conf *c = calloc(1, p->conf->size);
	int r = c ? cmd_conf(p, path, c, err) : sut_err_oom(err);

	if (r < 0)
		free(c);
	else
		*ret = c;
	return r;
}

void cmd_conf_free(const struct server_program *p, struct server_conf *c)
{
	if (c)
		server_conf_release(p->conf, c);
	free(c);
}

int cmd_right_user(const struct server_program *p, const char *database, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	const char *folder;
	struct stat st;
	struct passwd *pw;

	if (geteuid() != 0 || !sut_startswith(database, "sqlite:"))
		return 0;
	path = strdup(database + strlen("sqlite:"));
	if (!path)
		return sut_err_oom(err);
	folder = dirname(path);
	if (stat(folder, &st) < 0 || st.st_uid == 0)
		return 0;
	pw = getpwuid(st.st_uid);
	return sut_err_set(err, EPERM,
			   "the folder %s belongs to another user, who could not open what root "
			   "makes there. Run this as that user: runuser -u %s -- %s ...",
			   folder, pw ? pw->pw_name : "USER", p->name);
}
