/* SPDX-License-Identifier: Apache-2.0 */
/* What a place in the code of a process is called, for people: by its file's own table of exported symbols. */
#ifndef SUTURE_PROCESS_CHANGE_NAMES_H
#define SUTURE_PROCESS_CHANGE_NAMES_H

#include "look/proc.h"

enum { NAMES_LEN = 128 };

/* "victim_value+0x1", or "0x7f0012345678" where no name is known; out has NAMES_LEN bytes. */
const char *names_of(const struct proc *p, uint64_t addr, char *out);

#endif
