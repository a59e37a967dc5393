/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Redirects through ftrace, for functions whose first bytes the kernel
 * rewrites itself.
 *
 * A hook has two targets, and one word says which of them is in force for all
 * hooks together: switching is one store. A hook whose target is 0 lets the
 * original run.
 */
#ifndef SUTURE_HOOK_H
#define SUTURE_HOOK_H

#include <linux/types.h>

struct suture_site;

/*
 * Registers hooks for the FTRACE sites among the n given, with their targets
 * in the half that is not in force; hooks that are not among the sites get 0
 * there. May sleep. On failure returns ftrace's -errno and the index of the
 * site in *ret_index; call suture_hooks_prune() then too.
 */
int suture_hooks_prepare(const struct suture_site *sites, u32 n, u32 *ret_index);

/* Inside the pause: puts the other half in force. */
void suture_hooks_flip(void);

/* Unregisters the hooks that have no target in the half in force. May sleep long. */
void suture_hooks_prune(void);

#endif
