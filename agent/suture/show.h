/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands print. Documents that come from sutured or suture-apply are read by the functions here: what is missing or
 * of another type counts as empty, and text of others is made printable before it reaches a terminal.
 */
#ifndef SUTURE_AGENT_SHOW_H
#define SUTURE_AGENT_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { SHOW_MAX = 1024 }; /* bytes of a line */

/* "Label     text" on standard output; label "" continues the one above, NULL has no column for it. */
void show(const char *label, const char *fmt, ...) _printf_(2, 3);

/* Members of an object; "" and 0 when it is not there. Valid as long as o is. */
const char *show_string(const json_t *o, const char *key);
json_int_t show_int(const json_t *o, const char *key);
bool show_bool(const json_t *o, const char *key);
/* Is the member there, and not null? */
const json_t *show_object(const json_t *o, const char *key);

/* "K20261121_01 (level 3)" of {"id", "level"}; also knows "patchset". */
void show_patch_name(const json_t *patch, char *ret, size_t len);

/* "2026-11-21T20:15:00Z (5 minutes ago)", "(in 2 hours)"; "" of "". */
void show_when(const char *time, int64_t now, char *ret, size_t len);

/* What a suture-result document says (docs/formats/status.md), for people on standard output: nothing when
 * its exit is not 0. */
void show_result(const json_t *result);
/* The error in a suture-result, and who is in the way, on standard error; -code. 0: it has none. */
int show_result_error(const json_t *result, struct sut_err *err) _must_check_;

/*
 * The end of a command. With json: one object on standard output: format, version 1, then members (an object or
 * NULL; taken over), exit and error. Else, when err holds an error: cause and advice on standard error.
 * Returns the exit status: that of err.
 */
int show_end(const char *command, bool json, const char *format, json_t *members,
	     const struct sut_err *err);

/* As above, with an exit status that err does not tell. */
int show_end_with(const char *command, bool json, const char *format, json_t *members,
		  const struct sut_err *err, int exit);

#endif
