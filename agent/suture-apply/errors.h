/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what failed last: {"code", "message", "patchset", "at"}, the newest last. */
#ifndef SUTURE_AGENT_APPLY_ERRORS_H
#define SUTURE_AGENT_APPLY_ERRORS_H

#include <jansson.h>

#include "apply.h"

enum { ERRORS_MAX = 8, ERRORS_TEXT_MAX = 512 };

/* That of this machine, as it was published last; a's, changed in place. NULL when memory is short. */
json_t *errors_of(struct apply *a);

/* One for each reason and patchset; the oldest goes. list may be NULL. */
void errors_add(json_t *list, const struct sut_err *e, const char *id, int64_t now);

/* Takes the one with this code of this patchset out; false: there was none. */
bool errors_drop(json_t *list, const char *code, const char *id);

/* All of this patchset, and what was said of suture-process (code "no-daemon"). */
void errors_drop_of(json_t *list, const char *id);
/* All but those of libraries, whose patchsets are called U…, and which have nothing to do with the kernel. */
void errors_drop_kernel(json_t *list);

/* The message of the error with this code, or NULL; the list's. */
const char *errors_find(const json_t *list, const char *code);

/* The list of a published state, as a new one: what is no error is left out. A pure function. */
json_t *errors_parse(const void *text, size_t len);

#endif
