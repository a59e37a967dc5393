/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of a stopped thread, by the unwind tables of the files that are mapped in its process (libdwfl). What is slow, files and
 * their tables, is done by unwind_open(), before anybody is stopped.
 */
#ifndef SUTURE_PROCESS_CHANGE_UNWIND_H
#define SUTURE_PROCESS_CHANGE_UNWIND_H

#include "change/threads.h"

enum { UNWIND_FRAMES_MAX = 1024 };

struct unwind;

/* Of the mappings that p has now. Files that can't be opened are left out: no stack through them is known to its end. -ENOMEM, -EIO. */
int unwind_open(const struct proc *p, struct unwind **ret, struct sut_err *err) _must_check_;
void unwind_close(struct unwind *u);
void unwind_closep(struct unwind **u);

/*
 * Addresses where the frames of thread t stand, the innermost first; of a caller one byte before where it goes on. Returns how many; -ENODATA when the
 * stack could not be followed to its end by unwind tables alone . A thread without a number (tid 0) is
 * one that rests in memory: a coroutine.
 */
int unwind_frames(struct unwind *u, const struct thread *t, uint64_t ret[static UNWIND_FRAMES_MAX]);

#endif
