/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all commands. */
#ifndef SUTURE_PORTAL_ADMIN_OPTIONS_H
#define SUTURE_PORTAL_ADMIN_OPTIONS_H

#include <getopt.h>

#include "admin.h"

enum { ADMIN_OPTIONS_MAX = 20 };

/* Fills in the table of getopt_long(): the options of all commands, and those of lists and changes when asked
 * for. Returns how many, and a zeroed one follows. */
size_t options_table(struct option *list, bool paged, bool match);
/* Takes one. 0, a negative errno, or 1: it is none of these (getopt_long() has said so). */
int options_take(struct admin *a, int c, const char *arg, struct sut_err *err) _must_check_;
/* The rest of the settings, from environment and file. */
int options_finish(struct admin *a, struct sut_err *err) _must_check_;

extern const char options_help[];

#endif
