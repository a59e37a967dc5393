/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One patcher at a time for one process. The kernel sees to that while it is stopped; what is found out before and written down
 * afterwards needs more. The lock goes with whoever holds it, also when he is killed.
 */
#ifndef SUTURE_PROCESS_CHANGE_LOCK_H
#define SUTURE_PROCESS_CHANGE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Waits at most `ms` milliseconds: -EBUSY (reason "busy"). keep: the thread keeps the file open for its next lock. *ret: for
 * lock_release(); -1 where there is no such file and it cannot be made, as for who is not root: then only the kernel's part holds.
 */
int lock_process(pid_t pid, unsigned int ms, bool keep, int *ret, struct sut_err *err) _must_check_;
void lock_release(pid_t pid, bool keep, int fd);

#endif
