/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may use a server: users, sessions, tokens and tenants, and what they did; and the webhooks that tell others. Tables of
 * routes for a program's API, and what belongs to them. The tables of the database are those of migrations/, which are
 * the first two of every program.
 */
#ifndef SUTURE_ACCOUNT_ACCOUNT_H
#define SUTURE_ACCOUNT_ACCOUNT_H

#include "web/web.h"

extern const struct web_route account_audit[];
extern const struct web_route account_sessions[]; /* with whoami and password */
extern const struct web_route account_tenants[];
extern const struct web_route account_tokens[];
extern const struct web_route account_users[];
extern const struct web_route account_webhooks[];

#endif
