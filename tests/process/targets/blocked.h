/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that each wait in another system call, and see whether it ended for no reason. */
#ifndef SUTURE_TESTS_BLOCKED_H
#define SUTURE_TESTS_BLOCKED_H

#include <stdbool.h>

/* found(3000 + number of the call) when one gave EINTR, found(4000 + …) when it ended in another way; looked() once each before it waits.
 * once_more: EINTR is none of that, the call is made again. */
void blocked_start(void (*thread)(void *(*f)(void *), void *arg), void (*found)(int),
		   void (*looked)(void), bool once_more);

#endif
