/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place for differences between kernel versions.
 *
 * Written for 6.1. What a port to another version has to look at:
 *  - 6.2: kallsyms_on_each_match_symbol() appears (not needed so far);
 *  - 6.4: struct module has mem[MOD_TEXT] etc. in place of core_layout;
 *  - 6.9: the orc flag "signal" may move within struct unwind_state;
 *  - 6.10+: ftrace_regs setters are called ftrace_regs_set_instruction_pointer;
 *  - 5.17 and older: the sched_switch tracepoint has no prev_state argument,
 *    ftrace_set_filter_ip() needs the exact address of the fentry slot.
 */
#ifndef SUTURE_COMPAT_H
#define SUTURE_COMPAT_H

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#warning "suture.ko was tested on Linux 6.1 only"
#endif
#if !defined(CONFIG_X86_64) || !defined(CONFIG_SMP) || !defined(CONFIG_UNWINDER_ORC)
#error "suture.ko needs x86-64, SMP and the ORC unwinder"
#endif
#ifdef CONFIG_PREEMPT_RT
#error "suture.ko relies on spinning locks that are never held across a pause"
#endif
#ifdef CONFIG_X86_KERNEL_IBT
#error "suture.ko does not know yet where kernels with IBT want ENDBR"
#endif

/* The arguments of the sched_switch tracepoint after the probe's own data. */
#define SUTURE_SCHED_SWITCH_ARGS                                                                   \
	bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state

static inline unsigned long suture_module_text(const struct module *mod, unsigned long *ret_size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	*ret_size = mod->core_layout.text_size;
	return (unsigned long)mod->core_layout.base;
#else
	*ret_size = mod->mem[MOD_TEXT].size;
	return (unsigned long)mod->mem[MOD_TEXT].base;
#endif
}

/* Is [addr, addr+len) wholly within the memory that the module keeps after its init? */
static inline bool suture_module_has(const struct module *mod, unsigned long addr, size_t len)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	unsigned long base = (unsigned long)mod->core_layout.base;
	unsigned long size = mod->core_layout.size;

	return addr >= base && len <= size && addr - base <= size - len;
#else
	enum mod_mem_type type;

	for (type = MOD_TEXT; type < MOD_INIT_TEXT; type++) {
		unsigned long base = (unsigned long)mod->mem[type].base;
		unsigned long size = mod->mem[type].size;

		if (addr >= base && len <= size && addr - base <= size - len)
			return true;
	}
	return false;
#endif
}

static inline unsigned int suture_task_state(const struct task_struct *task)
{
	return READ_ONCE(task->__state);
}

/* As livepatch does: the trampoline without full registers is enough when it can change the IP. */
#ifdef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
#define SUTURE_FTRACE_FLAGS                                                                        \
	(FTRACE_OPS_FL_DYNAMIC | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT)
#else
#define SUTURE_FTRACE_FLAGS                                                                        \
	(FTRACE_OPS_FL_DYNAMIC | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |                \
	 FTRACE_OPS_FL_SAVE_REGS)
#endif

static __always_inline void suture_ftrace_set_ip(struct ftrace_regs *fregs, unsigned long ip)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	ftrace_instruction_pointer_set(fregs, ip);
#else
	ftrace_regs_set_instruction_pointer(fregs, ip);
#endif
}

#endif
