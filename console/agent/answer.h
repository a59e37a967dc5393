/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a system says became of a job (docs/formats/job.md): exactly one result of each counts, the first that is
 * final, whenever it comes. It is kept as it was signed.
 */
#ifndef SUTURE_CONSOLE_AGENT_ANSWER_H
#define SUTURE_CONSOLE_AGENT_ANSWER_H

#include <stddef.h>

#include "agent/request.h"
#include "web/web.h"

/*
 * In a WRITE transaction. 0: r is answered (200, or 202 for a receipt), WEB_NO, < 0.
 *   400 envelope           it is none, or not that of a result
 *   409 result-known       there is one already
 *   422 result-signature   it is not signed by this system
 *   422 result-foreign     it speaks of another system or another job than its manifest
 *   422 manifest-unknown   no manifest of this console for this system is meant
 */
int agent_answer(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		 struct sut_err *err) _must_check_;

#endif
