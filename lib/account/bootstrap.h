/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of a server: whom a fresh database lets in. */
#ifndef SUTURE_ACCOUNT_BOOTSTRAP_H
#define SUTURE_ACCOUNT_BOOTSTRAP_H

#include "db/db.h"

#define BOOTSTRAP_TENANT "default"
#define BOOTSTRAP_USER "admin"

/* 1: there is a user already; 0: there is none. */
int bootstrap_done(struct sut_db *db, struct sut_err *err) _must_check_;

/* In a WRITE transaction of the caller's: the tenant "default" and its user "admin", staff with the role
 * admin, whose one-time password is given; wipe it. It has to be changed at the first login. -EEXIST
 * (reason "exists") when there are users. noun: of the program, for the audit log. */
int bootstrap_admin(struct sut_db *db, const char *noun, int64_t now, char ret_password[static 32],
		    struct sut_err *err) _must_check_;

#endif
