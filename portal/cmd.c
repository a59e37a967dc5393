// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

int cmd_fail(const char *name, const struct sut_err *err)
{
	static const char *const lasting[] = {"conf", "not-migrated"};

	fprintf(stderr, "suture-portal %s: %s\n", name, err->msg);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(lasting); i++)
		if (sut_streq(err->reason, lasting[i]))
			return PORTAL_EXIT_CONFIG;
	return PORTAL_EXIT_ERROR;
}

int cmd_conf(const char *path, struct portal_conf *ret, struct sut_err *err)
{
	int r = portal_conf_init(ret, err);

	if (r == 0)
		r = portal_conf_read(path, ret, err);
	if (r == -ENOENT)
		r = sut_err_reason(
			err, ENOENT, "conf",
			"there are no settings: %s does not exist. Write it (\"The first "
			"run\" in suture-portal(8) has an example), or name another file "
			"with --config",
			path);
	if (r < 0)
		portal_conf_release(ret);
	return r;
}

int cmd_right_user(const char *database, struct sut_err *err)
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
			   "makes there. Run this as that user: runuser -u %s -- suture-portal "
			   "...",
			   folder, pw ? pw->pw_name : "USER");
}
