/* SPDX-License-Identifier: Apache-2.0 */
/* What a try came to, and how it is told. */
#ifndef SUTURE_BUILDER_TRY_OUTCOME_H
#define SUTURE_BUILDER_TRY_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "try/klog.h"
#include "try/step.h"

struct sut_outcome {
	const char *target;    /* name, or the image's path */
	bool raw;	       /* one script, no patch */
	bool scripted;	       /* with a script around apply and revert */
	int vm;		       /* 0, or what sut_vm_run() returned */
	const char *vm_msg;    /* its message; "" */
	unsigned int attempts; /* boots, the successful one included */
	double seconds;	       /* wall clock of the last boot, from start to end */
	struct sut_steps steps;
	struct sut_klog klog;
	const struct sut_buf *console;
	uint64_t pause_ns, stop_ns; /* of the first switch; 0 when there was none */
	bool applied, reverted;	    /* as often as it was asked for */
	bool ok;		    /* applied, reverted, no kernel warning, VM ended by itself */
};

/* Fills applied, reverted, the times and ok from steps, klog and vm. */
void sut_outcome_judge(struct sut_outcome *o);

/* Of a raw run without the script's output, which the caller prints as it is. */
void sut_outcome_print(const struct sut_outcome *o, FILE *f);

/* New reference; NULL when memory is short. */
json_t *sut_outcome_json(const struct sut_outcome *o);

#endif
