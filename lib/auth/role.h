/* SPDX-License-Identifier: Apache-2.0 */
/* Roles of people and programs in a portal or console. They add up; a token has some of its user's. */
#ifndef SUTURE_AUTH_ROLE_H
#define SUTURE_AUTH_ROLE_H

#include "base/err.h"

enum {
	SUT_ROLE_VIEWER = 1 << 0,   /* reads everything but keys, users and the audit log */
	SUT_ROLE_OPERATOR = 1 << 1, /* systems: tags, hold, pin, feed, delete; webhooks */
	SUT_ROLE_RELEASE = 1 << 2,  /* "release-manager": feeds, patchsets, CVE data */
	SUT_ROLE_KEYS = 1 << 3,	    /* "key-manager": registration keys, enrolment for others */
	SUT_ROLE_ADMIN = 1 << 4,    /* all of its tenant, users and tokens */
	SUT_ROLE_AUDITOR = 1 << 5,  /* reads everything, with audit log, keys and users */
	SUT_ROLE_ALL = (1 << 6) - 1,
};

/* "viewer operator" (separated by spaces) to a mask. -EINVAL names the word that is no role. */
int sut_roles_parse(const char *s, unsigned int *ret, struct sut_err *err) _must_check_;
/* One role's name; NULL when bit is none. */
const char *sut_role_name(unsigned int bit);
/* The names, separated by spaces, into room for 96 bytes. */
void sut_roles_format(unsigned int mask, char ret[static 96]);

#endif
