/* SPDX-License-Identifier: Apache-2.0 */
/* Where the portal is, and who we are there. Options come first, then the environment (SUTURE_URL), then
 * the file. */
#ifndef SUTURE_PORTAL_ADMIN_SETTINGS_H
#define SUTURE_PORTAL_ADMIN_SETTINGS_H

#include "admin.h"
#include "base/buf.h"

/* Fills in what options left open: reads the configuration file, names the token's file. */
int settings_load(struct admin *a, struct sut_err *err) _must_check_;

/* Opens the connection's handle. token: NULL reads the token's file, "" goes without. -EACCES (reason
 * "token-mode") when others may read it; -ENOENT (reason "no-token") when there is none. */
int settings_connect(struct admin *a, const char *token, struct sut_err *err) _must_check_;

/* Keeps a token, and the settings when there is no file of them yet. */
int settings_keep(struct admin *a, const char *token, struct sut_err *err) _must_check_;

void settings_release(struct admin *a);

#endif
