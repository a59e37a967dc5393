/* SPDX-License-Identifier: Apache-2.0 */
/* What of libraries is in the state, and in the answer to lib-status (docs/internals/agent.md, "Libraries"). */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_STATE_H
#define SUTURE_AGENT_APPLY_LIBRARY_STATE_H

#include <jansson.h>

#include "suture-apply/apply.h"

/*
 * *ret_libraries: a list, of those that are to run, and of those that were unloaded on purpose. *ret_daemon: {"state", "text",
 * "watch"}. quarantined, errors: lists that what libraries have of it is added to. Asks suture-process when anything is kept;
 * what cannot be had is told in it. -ENOMEM.
 */
int library_state(struct apply *a, const struct machine_kernel *k, json_t *quarantined,
		  json_t *errors, json_t **ret_libraries, json_t **ret_daemon) _must_check_;

/* {word: count} of what suture-process told of one library; the caller's. NULL: no memory. */
json_t *library_reasons(const json_t *told);

#endif
