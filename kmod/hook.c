// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/trace_recursion.h>

#include "compat.h"
#include "hook.h"
#include "switch.h"

struct suture_hook {
	struct list_head node;
	struct ftrace_ops ops;
	unsigned long addr;	 /* of the original function */
	unsigned long target[2]; /* 0: the original */
};

static LIST_HEAD(suture_hooks);	 /* under suture_mutex */
static unsigned int suture_half; /* written inside the pause only */

static void notrace suture_hook_handler(unsigned long ip, unsigned long parent_ip,
					struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct suture_hook *hook = container_of(ops, struct suture_hook, ops);
	unsigned long target;
	int bit;

	bit = ftrace_test_recursion_trylock(ip, parent_ip);
	if (bit < 0)
		return;
	target = READ_ONCE(hook->target[READ_ONCE(suture_half)]);
	if (target)
		suture_ftrace_set_ip(fregs, target);
	ftrace_test_recursion_unlock(bit);
}
NOKPROBE_SYMBOL(suture_hook_handler);

static struct suture_hook *suture_hook_find(unsigned long addr)
{
	struct suture_hook *hook;

	list_for_each_entry(hook, &suture_hooks, node)
		if (hook->addr == addr)
			return hook;
	return NULL;
}

static int suture_hook_add(unsigned long addr, struct suture_hook **ret)
{
	struct suture_hook *hook = kzalloc(sizeof(*hook), GFP_KERNEL);
	int r;

	if (!hook)
		return -ENOMEM;
	hook->addr = addr;
	hook->ops.func = suture_hook_handler;
	hook->ops.flags = SUTURE_FTRACE_FLAGS;
	r = ftrace_set_filter_ip(&hook->ops, addr, 0, 0);
	if (r)
		goto fail;
	r = register_ftrace_function(&hook->ops);
	if (r)
		goto fail;
	list_add(&hook->node, &suture_hooks);
	*ret = hook;
	return 0;
fail:
	ftrace_free_filter(&hook->ops);
	kfree(hook);
	return r;
}

int suture_hooks_prepare(const struct suture_site *sites, u32 n, u32 *ret_index)
{
	unsigned int other = !suture_half;
	struct suture_hook *hook;
	u32 i;
	int r;

	lockdep_assert_held(&suture_mutex);
	list_for_each_entry(hook, &suture_hooks, node)
		WRITE_ONCE(hook->target[other], 0);
	for (i = 0; i < n; i++) {
		if (sites[i].redirect != SUTURE_REDIRECT_FTRACE)
			continue;
		hook = suture_hook_find(sites[i].addr);
		if (!hook) {
			r = suture_hook_add(sites[i].addr, &hook);
			if (r) {
				*ret_index = i;
				return r;
			}
		}
		WRITE_ONCE(hook->target[other], sites[i].target);
	}
	return 0;
}

void suture_hooks_flip(void)
{
	WRITE_ONCE(suture_half, !suture_half);
}

void suture_hooks_prune(void)
{
	struct suture_hook *hook, *next;

	lockdep_assert_held(&suture_mutex);
	list_for_each_entry_safe(hook, next, &suture_hooks, node) {
		if (hook->target[suture_half])
			continue;
		/*
		 * Waits until no task is inside the trampoline. It fails when ftrace
		 * has shut itself down; then the handler must stay where it is.
		 */
		if (WARN_ON_ONCE(unregister_ftrace_function(&hook->ops))) {
			__module_get(THIS_MODULE);
			continue;
		}
		ftrace_free_filter(&hook->ops);
		list_del(&hook->node);
		kfree(hook);
	}
}
