/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of a stopped thread as unwinders number them, and the names of those that matter here. One file for each architecture. */
#ifndef SUTURE_PROCESS_CHANGE_REGS_H
#define SUTURE_PROCESS_CHANGE_REGS_H

#include <stdint.h>
#include <sys/user.h>

enum { REGS_DWARF = 17 };

uint64_t regs_pc(const struct user_regs_struct *regs);
uint64_t regs_sp(const struct user_regs_struct *regs);
/* Where the thread's own data begin: with every libc that we know, at the upper end of its stack. */
uint64_t regs_tls(const struct user_regs_struct *regs);

/* In the order of DWARF. */
void regs_dwarf(const struct user_regs_struct *regs, uint64_t ret[static REGS_DWARF]);

#endif
