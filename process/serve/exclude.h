/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are left alone because the administrator said so: by the path of their program, their name, their unit of systemd,
 * or their user. Globs are those of fnmatch(3) without flags.
 */
#ifndef SUTURE_PROCESS_SERVE_EXCLUDE_H
#define SUTURE_PROCESS_SERVE_EXCLUDE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum {
	EXCLUDE_MAX = 256,	 /* globs of one kind */
	EXCLUDE_GLOB_MAX = 1024, /* bytes of one */
	EXCLUDE_USERS_MAX = 65536,
	EXCLUDE_PASSWD_MAX = 16 << 20, /* bytes of the list of users that are looked at */
	EXCLUDE_UNIT_MAX = 256,	       /* a unit's name with its NUL */
};

struct exclude {
	struct sut_strv paths, names, units, users;
	uid_t *uids; /* ascending: those of `users` that have a name */
	size_t nuids;
};

/*
 * From {"paths", "names", "units", "users": lists of strings}; all may be missing, j may be NULL. passwd: text as in
 * /etc/passwd (may be ""): names of users are looked up there once, never by NSS, which could wait for a process that waits for us. A number is
 * a user, too. -EINVAL says which entry is wrong.
 */
int exclude_load(const json_t *j, const char *passwd, struct exclude *ret,
		 struct sut_err *err) _must_check_;
void exclude_release(struct exclude *e);

struct exclude_who {
	const char *exe, *comm, *unit; /* "" when not known */
	uid_t uid;
};

/* Is it to be left alone? Then text says by which rule. */
bool exclude_has(const struct exclude *e, const struct exclude_who *who, char *text, size_t size);

/*
 * The unit of systemd that a process belongs to, from the text of /proc/PID/cgroup: "nginx.service", "session-3.scope". "" when there is
 * none. A pure function.
 */
void exclude_unit(const char *cgroup, char ret[static EXCLUDE_UNIT_MAX]);

#endif
