/* SPDX-License-Identifier: Apache-2.0 */
/* What the result of a job says of libraries (docs/formats/job.md, "libraries"). Pure; nothing of it is believed to be well formed. */
#ifndef SUTURE_CONSOLE_AGENT_LIBRARIES_H
#define SUTURE_CONSOLE_AGENT_LIBRARIES_H

#include <jansson.h>

#include "base/buf.h"

/*
 * hosts.libraries with the entries that the result has patched as they are now. The caller's to free(); NULL: nothing changes, or
 * memory is short.
 */
char *agent_libraries_now(const char *stored, const json_t *said);

/*
 * Adds to *out, for people, in how many processes each library is patched, and why not in the others:
 * " libssl.so.3: in 13 of 14 processes (1 traced)." Those that are not patched everywhere come first; of many libraries
 * the rest is counted. Nothing when the list says of no library in how many processes it is. Errors of sut_buf_add().
 */
int agent_libraries_text(const json_t *said, struct sut_buf *out) _must_check_;

#endif
