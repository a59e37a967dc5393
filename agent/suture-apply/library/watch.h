/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes in which a new patch is watched: a process that dies cannot be asked any more whether it was patched, so what
 * suture-process says of them is kept in AGENT_PATCHED (root, 0600) while a patch is in probation:
 *
 *   {"format": "suture-patched", "version": 1, "libraries": {"BUILDID": {"pids": [1234], "comms": ["nginx"]}}}
 */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_WATCH_H
#define SUTURE_AGENT_APPLY_LIBRARY_WATCH_H

#include <jansson.h>

#include "suture-apply/apply.h"
#include "suture-apply/library/faults.h"

enum { WATCH_PIDS_MAX = 16384, WATCH_COMMS_MAX = 1024, WATCH_FILE_MAX = 16 << 20 };

/* Adds those that run it now. What cannot be had is logged: less is watched then. */
void watch_patched(struct apply *a, const char *build_id);

/* What is known of a build-id; zeroed when nothing is. Give it to watch_release(). */
struct watch {
	int64_t *pids;
	char (*comms)[FAULTS_COMM_MAX];
	size_t npids, ncomms;
};
void watch_read(const struct apply *a, const char *build_id, struct watch *ret);
void watch_release(struct watch *w);

/* It is not watched any more. */
void watch_forget(struct apply *a, const char *build_id);

#endif
