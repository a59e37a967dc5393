/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files may be opened and watched. Whoever opens one that is watched waits for us, and the kernel opens it for us to tell: where
 * that waits for a program (FUSE) or another machine, all would wait that open anything watched.
 */
#ifndef SUTURE_PROCESS_SERVE_MOUNTS_H
#define SUTURE_PROCESS_SERVE_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MOUNTS_TYPE_MAX = 32 };

/*
 * The type of a file system in the text of a mountinfo: the one at "/" (dev 0), or the first with that device (major << 32 | minor). -ENOENT.
 * A pure function.
 */
int mounts_type(const char *text, size_t len, uint64_t dev, char ret[static MOUNTS_TYPE_MAX]);

/*
 * Does the file system of that device, or the root (0), of process pid answer by itself? False as well when nothing is known of it: a file
 * that was passed on from elsewhere. An overlay that was not mounted by root may have anything below it.
 */
bool mounts_answer(pid_t pid, uint64_t dev);

#endif
