// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/unistd.h>
#include <asm/unwind.h>

#include "compat.h"
#include "result.h"
#include "stack.h"

struct suture_ranges *suture_ranges_new(u32 max)
{
	struct suture_ranges *r = vzalloc(struct_size(r, r, max));

	if (r)
		r->max = max;
	return r;
}

void suture_ranges_add(struct suture_ranges *r, unsigned long start, unsigned long size,
		       const char *name)
{
	if (WARN_ON_ONCE(r->n == r->max) || !size)
		return;
	r->r[r->n++] = (struct suture_range){start, start + size, name};
}

static int suture_range_cmp(const void *a, const void *b)
{
	const struct suture_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void suture_ranges_sort(struct suture_ranges *r)
{
	u32 i, n = 0;

	sort(r->r, r->n, sizeof(r->r[0]), suture_range_cmp, NULL);
	/* The search below looks at one range only, so overlapping ones are made one. */
	for (i = 0; i < r->n; i++) {
		if (n && r->r[i].start < r->r[n - 1].end)
			r->r[n - 1].end = max(r->r[n - 1].end, r->r[i].end);
		else
			r->r[n++] = r->r[i];
	}
	r->n = n;
}

const struct suture_range *suture_ranges_find(const struct suture_ranges *r, unsigned long addr)
{
	u32 lo = 0, hi = r->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (addr < r->r[mid].start)
			hi = mid;
		else if (addr >= r->r[mid].end)
			lo = mid + 1;
		else
			return &r->r[mid];
	}
	return NULL;
}

/*
 * Could the task be about to resume a system call through restart_block.fn?
 * The field keeps its value long after it was used, so look at the registers
 * that decide: a system call that ended with -ERESTART_RESTARTBLOCK, or
 * restart_syscall() about to be made or in progress.
 */
static bool suture_restart_pending(struct task_struct *task)
{
	const struct pt_regs *regs = task_pt_regs(task);

	if (task->flags & PF_KTHREAD)
		return false;
	if (!user_64bit_mode(task_pt_regs(task)))
		return true; /* the call has another number there */
	return regs->ax == (unsigned long)-ERESTART_RESTARTBLOCK ||
	       (regs->ax & ~__X32_SYSCALL_BIT) == __NR_restart_syscall ||
	       (regs->orig_ax & ~__X32_SYSCALL_BIT) == __NR_restart_syscall;
}

/*
 * The rules of a reliable walk are those of livepatch: every frame is found by
 * ORC data, and the walk ends at user registers or at a kernel thread's start.
 */
enum suture_stack suture_stack_check(struct task_struct *task, const struct suture_ranges *ranges,
				     struct suture_hit *hit)
{
	enum suture_stack answer = SUTURE_STACK_CLEAR;
	struct unwind_state state;
	bool complete = false;

	hit->range = NULL;
	hit->nframes = 0;

	for (unwind_start(&state, task, NULL, NULL); !unwind_done(&state) && !unwind_error(&state);
	     unwind_next_frame(&state)) {
		struct pt_regs *regs = unwind_get_entry_regs(&state, NULL);
		const struct suture_range *range;
		unsigned long addr;

		if (regs && user_mode(regs)) {
			complete = true;
			break;
		}
		addr = unwind_get_return_address(&state);
		if (!addr)
			break;
		if (hit->nframes < SUTURE_BUSY_FRAMES)
			hit->frames[hit->nframes++] = addr;
		/*
		 * A return address is the one after the call, which for a call
		 * that does not return may be in the next function already. The
		 * address in an interrupt or exception frame is exact.
		 */
		range = suture_ranges_find(ranges, state.signal ? addr : addr - 1);
		if (range && !hit->range) {
			hit->range = range;
			hit->addr = addr;
			answer = SUTURE_STACK_BUSY;
		}
	}
	if (!complete && (unwind_error(&state) || !unwind_done(&state)) &&
	    answer == SUTURE_STACK_CLEAR)
		answer = SUTURE_STACK_UNRELIABLE;

	/*
	 * A system call that would be resumed in the code. In a payload (the
	 * ranges without a name) a leftover counts too: restart_syscall() calls
	 * it without asking, when the payload may be gone.
	 */
	if (answer == SUTURE_STACK_CLEAR) {
		const struct suture_range *range;

		hit->addr = (unsigned long)READ_ONCE(task->restart_block.fn);
		range = suture_ranges_find(ranges, hit->addr);
		if (range && (!range->name || suture_restart_pending(task))) {
			hit->range = range;
			answer = SUTURE_STACK_BUSY;
		}
	}
	if (answer != SUTURE_STACK_CLEAR) {
		hit->pid = task->pid;
		memcpy(hit->comm, task->comm, sizeof(hit->comm));
	}
	return answer;
}

void suture_hits_add(struct suture_hits *hits, const struct suture_hit *hit)
{
	struct suture_hit_list *list = hit->range ? &hits->busy : &hits->unreliable;
	int i = atomic_inc_return(&list->n) - 1;

	if (i < SUTURE_BUSY_TASKS)
		list->hit[i] = *hit;
}

static void suture_hit_report(const struct suture_hit *hit, struct suture_busy_task *busy)
{
	char sym[KSYM_SYMBOL_LEN];
	u32 i;

	busy->pid = hit->pid;
	strscpy(busy->comm, hit->comm, sizeof(busy->comm));
	if (hit->range && hit->range->name) {
		strscpy(busy->func, hit->range->name, sizeof(busy->func));
	} else if (hit->range) {
		sprint_symbol_no_offset(sym, hit->addr);
		sym[strcspn(sym, " ")] = '\0'; /* the module's name follows */
		strscpy(busy->func, sym, sizeof(busy->func));
	}
	busy->nframes = hit->nframes;
	for (i = 0; i < hit->nframes; i++) {
		sprint_symbol(sym, hit->frames[i]);
		strscpy(busy->frames[i], sym, sizeof(busy->frames[i]));
	}
}

int suture_hits_report(const struct suture_hits *hits, struct suture_result *res)
{
	bool busy = atomic_read(&hits->busy.n);
	const struct suture_hit_list *list = busy ? &hits->busy : &hits->unreliable;
	int n = min(atomic_read(&list->n), SUTURE_BUSY_TASKS), i, k;

	if (!n)
		return 0;
	res->nbusy = 0;
	for (i = 0; i < n; i++) {
		/* A task that moved from CPU to CPU was recorded by each of them. */
		for (k = 0; k < i && list->hit[k].pid != list->hit[i].pid;)
			k++;
		if (k == i)
			suture_hit_report(&list->hit[i], &res->busy[res->nbusy++]);
	}
	return suture_fail(res, busy ? SUTURE_E_BUSY : SUTURE_E_UNRELIABLE, res->busy[0].func);
}
