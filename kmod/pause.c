// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/stop_machine.h>

#include "compat.h"
#include "hook.h"
#include "pause.h"
#include "switch.h"
#include "symbol.h"

struct suture_hold {
	struct suture_pause_plan *plan;
	u64 first_in, last_out; /* ns */
	atomic_t in, looked, decided, out;
	atomic_t walked;
};

/* Waits until every CPU is here. Interrupts are off, so nobody can be late for long. */
static void suture_meet(atomic_t *count)
{
	int all = num_online_cpus();

	atomic_inc(count);
	while (atomic_read(count) < all)
		cpu_relax();
}

/*
 * No CPU runs anything but us (and NMI handlers), so a stack that has a
 * reference now cannot go away, and a task cannot start to run.
 */
static void suture_look(struct suture_hold *s, struct task_struct *task)
{
	struct suture_hit hit;

	if (task != current) {
		/* A stopper; its CPU looks at it itself. */
		if (task->on_cpu)
			return;
		/* Has run its last instruction, or has no stack any more. */
		if (suture_task_state(task) & TASK_DEAD || !refcount_read(&task->stack_refcount))
			return;
	}
	atomic_inc(&s->walked);
	if (suture_stack_check(task, s->plan->ranges, &hit) != SUTURE_STACK_CLEAR)
		suture_hits_add(s->plan->hits, &hit);
}

static bool suture_overflowed(const struct suture_pause_plan *plan)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (plan->seen->cpu[cpu]->overflow)
			return true;
	return plan->tasks->overflow;
}

/* Every CPU takes its share of all tasks, by counting them. */
static void suture_look_at_all(struct suture_hold *s, unsigned int nth)
{
	unsigned int all = num_online_cpus(), i = 0, cpu;
	struct task_struct *group, *task;

	for_each_online_cpu(cpu)
		if (i++ % all == nth)
			suture_look(s, suture_idle_task(cpu));
	/* Nobody changes the list: its lock is never held across a context switch. */
	for_each_process_thread(group, task)
		if (i++ % all == nth)
			suture_look(s, task);
}

/* The lists are common property: each CPU takes the next task until none is left. */
static void suture_look_at_lists(struct suture_hold *s)
{
	struct suture_pause_plan *plan = s->plan;
	unsigned int cpu;
	u32 i;

	for_each_possible_cpu(cpu) {
		struct suture_seen_cpu *set = plan->seen->cpu[cpu];

		while (atomic_read(&set->next) < set->n) {
			i = atomic_inc_return(&set->next) - 1;
			if (i < set->n)
				suture_look(s, (struct task_struct *)set->list[i]);
		}
	}
	while (atomic_read(&plan->tasks->next) < plan->tasks->n) {
		i = atomic_inc_return(&plan->tasks->next) - 1;
		if (i < plan->tasks->n)
			suture_look(s, plan->tasks->list[i]);
	}
}

/* One CPU, while the others wait. */
static void suture_decide(struct suture_hold *s)
{
	struct suture_pause_plan *plan = s->plan;
	u32 i;

	if (atomic_read(&plan->hits->busy.n) || atomic_read(&plan->hits->unreliable.n))
		return;
	for (i = 0; i < plan->npokes; i++) {
		int off = suture_poke_check(&plan->pokes[i]);

		if (off >= 0) {
			plan->changed = i;
			plan->changed_off = off;
			return;
		}
	}
	if (plan->dry_run)
		return;
	for (i = 0; i < plan->npokes; i++)
		suture_poke_write(&plan->pokes[i]);
	suture_hooks_flip();
	plan->switched = true;
}

/*
 * On every CPU, interrupts off. No allocation, no lock, no printk, nothing
 * that could sleep: whoever holds a lock is stopped too.
 */
static int suture_pause_cpu(void *data)
{
	struct suture_hold *s = data;
	u64 now = ktime_get_mono_fast_ns();
	unsigned int nth = atomic_inc_return(&s->in) - 1;

	if (nth == 0)
		s->first_in = now;
	while (atomic_read(&s->in) < num_online_cpus())
		cpu_relax();

	/* This very task too: a patch could be about the stopper's own functions. */
	suture_look(s, current);
	if (suture_overflowed(s->plan))
		suture_look_at_all(s, nth);
	else
		suture_look_at_lists(s);
	suture_meet(&s->looked);

	if (nth == 0)
		suture_decide(s);
	suture_meet(&s->decided);

	suture_text_sync();
	now = ktime_get_mono_fast_ns();
	if (atomic_inc_return(&s->out) == num_online_cpus())
		s->last_out = now;
	return 0;
}

int suture_pause_run(struct suture_pause_plan *plan)
{
	struct suture_hold s = {.plan = plan};
	u64 start;
	int r;

	lockdep_assert_held(&suture_mutex);
	plan->switched = false;
	plan->changed = -1;

	start = ktime_get_ns();
	r = stop_machine(suture_pause_cpu, &s, cpu_online_mask);
	plan->stop_ns = ktime_get_ns() - start;
	plan->pause_ns = s.last_out - s.first_in;
	plan->tasks_inside = atomic_read(&s.walked);
	return r;
}

static int suture_pause_nothing(void *data)
{
	return 0;
}

u64 suture_pause_empty_ns(void)
{
	u64 start = ktime_get_ns();

	stop_machine(suture_pause_nothing, NULL, cpu_online_mask);
	return ktime_get_ns() - start;
}
