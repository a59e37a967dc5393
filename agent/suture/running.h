/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine says is applied, from /sys/kernel/suture, and who signed it; needs no rights. */
#ifndef SUTURE_AGENT_RUNNING_H
#define SUTURE_AGENT_RUNNING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/applied.h"
#include "uapi/suture.h"

enum { RUNNING_ATTRIBUTE_MAX = 1 << 20 }; /* bytes of one file of the engine */

struct running {
	bool loaded, applied;
	uint64_t abi, level, applied_at, pause_ns, stop_ns;
	char id[SUTURE_ID_MAX], module[SUTURE_MODULE_MAX];
	char version[32];
	struct sut_buf cves, functions; /* separated by white space */
	struct sut_applied record;	/* id "": none for this switch */
};

#define RUNNING_INIT                                                                               \
	((struct running){.cves = SUT_BUF_INIT(RUNNING_ATTRIBUTE_MAX),                             \
			  .functions = SUT_BUF_INIT(RUNNING_ATTRIBUTE_MAX)})

void running_release(struct running *s);

/* *ret: RUNNING_INIT. loaded stays false when the engine is not there. */
int running_read(const char *root, struct running *ret, struct sut_err *err) _must_check_;

/* The words of one of the buffers. NULL: no memory. */
json_t *running_words(const struct sut_buf *b);

#endif
