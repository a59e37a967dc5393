/* SPDX-License-Identifier: Apache-2.0 */
/* The words behind `suture lib`: patches of libraries. argv[0] is the word itself. cmd_lib() of cmd_lib.c calls them. */
#ifndef SUTURE_AGENT_CMD_LIB_H
#define SUTURE_AGENT_CMD_LIB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

int cmd_lib_status(int argc, char **argv);  /* cmd_lib.c: what runs in which processes */
int cmd_lib_update(int argc, char **argv);  /* cmd_lib_change.c: fetch and apply what is to run */
int cmd_lib_unload(int argc, char **argv);  /* cmd_lib_change.c: the original code again */
int cmd_lib_apply(int argc, char **argv);   /* cmd_lib_apply.c: a patch file, for authors */
int cmd_lib_list(int argc, char **argv);    /* cmd_lib_list.c: libraries in use */
int cmd_lib_explain(int argc, char **argv); /* cmd_lib_list.c: who is not patched, and why */

/* The lists of a state of suture-apply, of which some, as older ones have it, may be missing. Borrowed. */
const json_t *lib_list(const json_t *state);

/* Of an object, or of each in a list, these members alone: a document has what its schema has, the rest is between the programs
 * of the agent. The caller's; NULL: no memory. */
json_t *lib_member(const json_t *from, const char *const *members, size_t n);
json_t *lib_members(const json_t *list, const char *const *members, size_t n);

/* "12 of 14 processes", and in words why not all. */
void lib_counts_text(const json_t *library, char *ret, size_t len);

/* One line for each library of a state of suture-apply, for other commands; 'suture lib status' says more. */
void lib_show_lines(const json_t *state);

/* What a lib-apply or lib-unload did, for people. */
void lib_show_result(const json_t *result);

/* What to do about a process that is not patched, of a word of docs/formats/library.md; "" when nothing. Pure. */
const char *lib_advice(const char *reason);
/* Is it a word of a process that is as it should be? */
bool lib_is_well(const char *reason);

/* Every process that has a library with a patch, from suture-apply, page by page. *ret is the caller's list. */
int lib_processes(const char *build_id, json_t **ret, struct sut_err *err) _must_check_;

#endif
