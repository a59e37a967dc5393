// SPDX-License-Identifier: Apache-2.0
#include "task_list.h"

#include "agent/notes.h"
#include "console.h"

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	return agent_notes_flush(console_of(s)->notes, db, now, err);
}

const struct task task_agents = {
	.name = "agents",
	.every_sec = 1,
	.run = run,
};
