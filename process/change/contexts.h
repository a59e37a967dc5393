/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coroutines made with makecontext(): where their stacks are, and from where on they are in use, is in the ucontext_t that each
 * rests in. Found before a stop; what is in them is read during it.
 */
#ifndef SUTURE_PROCESS_CHANGE_CONTEXTS_H
#define SUTURE_PROCESS_CHANGE_CONTEXTS_H

#include "look/proc.h"
#include "change/regs.h"

enum { CONTEXTS_MAX = 1 << 16 };

struct contexts {
	uint64_t *at; /* addresses */
	size_t n, cap;
};

/* Looks through all private writable memory of the process. */
int contexts_find(const struct proc *p, struct contexts *ret, struct sut_err *err) _must_check_;
void contexts_release(struct contexts *c);

/* Reads one again. False when it is none any more. */
bool contexts_read(const struct proc *p, uint64_t at, struct regs_context *ret);

#endif
