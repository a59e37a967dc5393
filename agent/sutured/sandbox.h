/* SPDX-License-Identifier: Apache-2.0 */
/* What sutured gives up before it speaks to anybody. Before it reads a secret: sut_sandbox_begin(). */
#ifndef SUTURE_AGENT_SUTURED_SANDBOX_H
#define SUTURE_AGENT_SUTURED_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"
#include "common/conf.h"

struct sandbox_level {
	bool seccomp;
	int landlock; /* version of its interface; 0: the kernel has none */
};

/*
 * From here on, for all threads that are started later: files are written below AGENT_NET_DIR only, and read there and where the
 * system keeps its settings and libraries (no homes, no data of others); system calls are those that the agent
 * needs: others do not exist (ENOSYS), and those that only an intruder would try kill it. What the kernel
 * does not have is left out: *ret tells what is there.
 */
int sandbox_enter(const char *root, const struct agent_conf *conf, struct sandbox_level *ret,
		  struct sut_err *err) _must_check_;

#endif
