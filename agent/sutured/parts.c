// SPDX-License-Identifier: Apache-2.0
/* All parts of the agent that want to hear of what happens (net.h). */
#include "sutured/console.h"
#include "sutured/job.h"
#include "sutured/library.h"
#include "sutured/net.h"
#include "sutured/update.h"

const struct net_part *const net_parts[] = {
	&update_part, &library_part, &job_part, &console_part, NULL,
};
