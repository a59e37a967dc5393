/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights of the daemon. Of the capabilities it may have, few are in effect at a time; the others are raised by a thread for itself around
 * a call that needs them.
 */
#ifndef SUTURE_PROCESS_SERVE_RIGHTS_H
#define SUTURE_PROCESS_SERVE_RIGHTS_H

#include <stdint.h>

#include "base/err.h"

/* Gives up everything that is never needed, and takes the rest out of effect but for those of ptrace. For the calling thread and
 * all that it starts. -EPERM when CAP_SYS_PTRACE is missing. */
int rights_begin(struct sut_err *err) _must_check_;

/* Puts all that we may have into effect for this thread; what rights_back() takes is what was in effect before. */
uint64_t rights_raise(void);
void rights_back(uint64_t before);

/* A filter of system calls: no network, no other programs, nothing that is not needed. -EOPNOTSUPP. */
int rights_confine(struct sut_err *err) _must_check_;

#endif
