/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that nobody but root can change, or make others wait for.
 *
 * Whoever may write a file system in user space (FUSE), or a mount namespace of his own, decides how long it takes to open or read a file there:
 * for ever, if he likes. The owner of a file may take a lease on it, for which others wait. So nothing waits for a file of a process
 * that is not sound.
 */
#ifndef SUTURE_PROCESS_LOOK_SOUND_H
#define SUTURE_PROCESS_LOOK_SOUND_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * fd: opened with O_PATH. Is it a regular file that belongs to root, and others may not write it, on a file system of this machine that root has
 * mounted, as pid sees it? Nothing is asked of the file system. What cannot be told is not sound.
 */
bool sound_file(pid_t pid, int fd);

/* The same of a mount alone, by anything there: nobody waits who looks for a name in it, without leaving it. */
bool sound_place(pid_t pid, int fd);

/* A pure function: in the text of a mountinfo, the mount with that number, of one of the file systems that answer by themselves. */
bool sound_mount(const char *mountinfo, int id);

#endif
