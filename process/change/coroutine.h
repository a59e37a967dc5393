/* SPDX-License-Identifier: Apache-2.0 */
/* Programs whose stacks are not those of their threads. */
#ifndef SUTURE_PROCESS_CHANGE_COROUTINE_H
#define SUTURE_PROCESS_CHANGE_COROUTINE_H

#include "look/proc.h"

/* Does a file of the process import makecontext() or swapcontext()? Then return addresses may lie anywhere in its memory. */
bool coroutine_used(const struct proc *p);

/* -EOPNOTSUPP (reason "goroutines") for a program made by Go: its stacks move, and no word says where they are. */
int coroutine_refuse_go(const struct proc *p, struct sut_err *err) _must_check_;

#endif
