/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of libraries; docs/internals/agent.md is their contract. */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_VERB_H
#define SUTURE_AGENT_APPLY_LIBRARY_VERB_H

#include "suture-apply/verb.h"

int verb_lib_apply(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_lib_unload(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_lib_status(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_lib_processes(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_lib_files(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);

#endif
