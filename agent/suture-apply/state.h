/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that `status` answers and AGENT_APPLY_STATE holds for everybody (docs/internals/agent.md), and what
 * failed last: the "errors" of the state, which are read back from that file, so that they survive a
 * suture-apply that ended because it was idle.
 */
#ifndef SUTURE_AGENT_APPLY_STATE_H
#define SUTURE_AGENT_APPLY_STATE_H

#include <jansson.h>

#include "apply.h"

/* The state at this moment. What cannot be found out is told in it and is no error. */
int state_json(struct apply *a, json_t **ret, struct sut_err *err) _must_check_;

/* Writes AGENT_APPLY_STATE and the files of truth/truth.h anew. A failure is logged too: callers that have
 * changed the kernel go on. */
int state_publish(struct apply *a, struct sut_err *err) _must_check_;

/* The same with a state that was made just now. */
int state_tell(struct apply *a, const json_t *state, struct sut_err *err) _must_check_;

/* To be called before state_publish(): e joins "errors" (one per reason and patchset, the newest eight), or a
 * success has mended them: all but those of libraries, or those of one patch. id: of the patch, "" for none. */
void state_failed(struct apply *a, const struct sut_err *e, const char *id);
void state_mended(struct apply *a);
void state_mended_of(struct apply *a, const char *id);

#endif
