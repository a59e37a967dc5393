/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the engine (change/engine.h), on a thread of its own. */
#ifndef SUTURE_PROCESS_CHANGE_RUN_H
#define SUTURE_PROCESS_CHANGE_RUN_H

#include "change/engine.h"
#include "look/proc.h"

struct run {
	pid_t pid, held;
	const struct proc_patch *patch;
	const uint8_t *build_id;
	const struct proc_options *o;
	struct proc_result *result; /* reason is to be filled in after a success */
};

/* proc_open(), and what is left alone on purpose: ourselves, PID 1 without being told (-EOPNOTSUPP, reasons "excluded", "init"). */
int run_open(const struct run *run, struct proc **ret, struct sut_err *err) _must_check_;

int run_apply(struct run *run, struct sut_err *err) _must_check_;
int run_revert(struct run *run, struct sut_err *err) _must_check_;
int run_repair(struct run *run, struct sut_err *err) _must_check_;

#endif
