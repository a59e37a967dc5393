/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of an answer. All text of the server is made printable. */
#ifndef SUTURE_PORTAL_ADMIN_SHOW_H
#define SUTURE_PORTAL_ADMIN_SHOW_H

#include "admin.h"

/* The JSON as it came, indented. */
int show_json(const json_t *v);
/* Aligned columns, cut to the width of the terminal when there is one. */
int show_table(const json_t *items, const struct admin_column *columns);
/* "name: value" lines; objects within are indented, lists of objects are tables. skip: a field that is left
 * out; may be NULL. */
int show_record(const json_t *object, const char *skip);

/* A secret that is told once: on standard output, or into a->secret_file. */
int show_secret(struct admin *a, const char *name, const char *secret);

/* "3 h ago", "in 2 d"; RFC 3339 in; "-" for NULL. */
void show_age(const char *rfc3339, int64_t now, char ret[static 32]);
/* "2026-11-22 05:06" in local time. */
void show_local(const char *rfc3339, char ret[static 32]);

#endif
