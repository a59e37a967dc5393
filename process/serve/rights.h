/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights of the daemon. Of the capabilities it may have, few are in effect at a time; the others are raised by a thread for itself around
 * a call that needs them.
 */
#ifndef SUTURE_PROCESS_SERVE_RIGHTS_H
#define SUTURE_PROCESS_SERVE_RIGHTS_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

/* Gives up everything that is never needed, and takes the rest out of effect but for those of ptrace. For the calling thread and
 * all that it starts. -EPERM when CAP_SYS_PTRACE is missing. */
int rights_begin(struct sut_err *err) _must_check_;

/* Puts all that we may have into effect for this thread; what rights_back() takes is what was in effect before. */
uint64_t rights_raise(void);
void rights_back(uint64_t before);

/*
 * A filter of system calls: no network, no other programs, nothing that is not needed. For the calling thread and those that it starts:
 * all that listens and reads what it is told. -EOPNOTSUPP.
 */
int rights_confine(struct sut_err *err) _must_check_;

/*
 * As pthread_create(), and without that filter: for threads that patch. The kernel lets nobody who has a filter himself put another one's
 * aside, and half of the services have one; who may trace every process has nothing left to lose by it.
 */
int rights_thread(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *arg), void *arg);

#endif
