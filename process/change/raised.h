/* SPDX-License-Identifier: Apache-2.0 */
/* Rights that a thread has and does not use otherwise (CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE), for the one call that needs them. */
#ifndef SUTURE_PROCESS_CHANGE_RAISED_H
#define SUTURE_PROCESS_CHANGE_RAISED_H

#include <linux/capability.h>
#include <stdbool.h>

struct raised {
	struct __user_cap_data_struct before[2];
};

/* False: there is nothing that was not in effect already. Else raised_end() takes it back. */
bool raised_begin(struct raised *r);
void raised_end(const struct raised *r);

#endif
