/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One patcher at a time for one process. The kernel sees to that while it is stopped; what is found out before and written down
 * afterwards needs more. The lock goes with whoever holds it, also when he is killed.
 */
#ifndef SUTURE_PROCESS_CHANGE_LOCK_H
#define SUTURE_PROCESS_CHANGE_LOCK_H

#include <sys/types.h>

#include "base/err.h"

/*
 * Waits at most `ms` milliseconds: -EBUSY (reason "busy"). Where there is no such file and it cannot be made, as for who is not root,
 * only the kernel's part holds. A thread has one lock at a time.
 */
int lock_process(pid_t pid, unsigned int ms, struct sut_err *err) _must_check_;
void lock_release(pid_t pid);

#endif
