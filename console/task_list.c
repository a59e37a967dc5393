// SPDX-License-Identifier: Apache-2.0
#include "task_list.h"

#include "account/webhook.h"

const struct task *const console_tasks[] = {
	/* One line each, in the order of the alphabet. */
	&task_agents, &task_cleanup, &task_jobs, &task_token_use, &task_webhooks, NULL,
};
