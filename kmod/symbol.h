/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Symbols of the running kernel that it does not export.
 *
 * Under KASLR vmlinux moves as one block, so an exported symbol (_printk)
 * and a constant distance give the address of any other. The distances are
 * in anchors.h, which is generated for one exact kernel build; each is
 * checked against the kernel's own symbol table before it is used.
 */
#ifndef SUTURE_SYMBOL_H
#define SUTURE_SYMBOL_H

#include <linux/types.h>

#include "uapi/suture.h"

struct task_struct;

/* Checks the anchors; -ENOEXEC when this module was built for another kernel. */
int suture_symbol_init(void);

/*
 * Does a symbol of that name start at addr? *ret_size: bytes up to the next
 * symbol. May sleep; takes some milliseconds when several names share addr.
 */
bool suture_symbol_is(unsigned long addr, const char *name, unsigned long *ret_size);

bool suture_kernel_text(unsigned long addr, unsigned long size);

/* Of the running kernel, SUTURE_BUILD_ID_LEN bytes. */
const u8 *suture_build_id(void);

struct task_struct *suture_idle_task(unsigned int cpu);
void suture_put_task_stack(struct task_struct *task);

#endif
