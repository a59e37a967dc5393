// SPDX-License-Identifier: Apache-2.0
#include "task_list.h"

#include "account/webhook.h"
#include "fleet/sync.h"

/* One line each, in the order of the alphabet. */
/* clang-format off */
const struct task *const console_tasks[] = {
	&task_agents,
	&task_cleanup,
	&task_jobs,
	&task_map,
	&task_portal[0],
	&task_portal[1],
	&task_portal[2],
	&task_portal[3],
	&task_scans,
	&task_token_use,
	&task_webhooks,
	NULL,
};
/* clang-format on */
