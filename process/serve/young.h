/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are new. The watch catches who opens a file that is known; a container brings copies that nobody knew. So every two
 * seconds, if any process was born at all, those that are new are looked at, and where they live in mounts of their own the files that
 * patches are for are watched there, before anybody has used them. As a young process may become another program, it is looked at again after
 * 2, 4, 8 … 64 seconds.
 */
#ifndef SUTURE_PROCESS_SERVE_YOUNG_H
#define SUTURE_PROCESS_SERVE_YOUNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct serve;
struct wanted;

enum { YOUNG_MAX = 256 /* more at once wait for the rescan */ };

struct young {
	pid_t *before; /* all processes of the last time, ascending */
	size_t nbefore;
	struct young_one {
		pid_t pid;
		int64_t due_ms;
		int64_t pause_ms;
	} v[YOUNG_MAX];
	size_t n;
};

/* Was any process born since the last call, or is it time for another look? Costs one read of /proc/loadavg. */
bool young_any(int64_t now_ms);

/* The caller holds s->turn. */
void young_look(struct serve *s, const struct wanted *w);

/* All processes are about to be looked at: these. Files of w are watched wherever they live in mounts, or with a root, of their own. */
void young_begin(struct serve *s, const struct wanted *w, const pid_t *pids, size_t n);

#endif
