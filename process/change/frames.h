/* SPDX-License-Identifier: Apache-2.0 */
/* Unwind tables of new code, for programs whose exceptions may pass through it. */
#ifndef SUTURE_PROCESS_CHANGE_FRAMES_H
#define SUTURE_PROCESS_CHANGE_FRAMES_H

#include "change/record.h"
#include "patch/library.h"

/* Bytes of all mappings for an image, in whole pages: with one for the unwinder's own notes behind it where frames are registered. */
uint64_t frames_len(const struct sut_library *l);

/* Is it known whether the tables of an image were given to the unwinder? Else an exception might not find its way through it: it is not
 * to be used again. */
bool frames_sure(const struct proc *p, const struct record *r, const struct sut_library *l);

#endif
