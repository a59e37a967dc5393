// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "seen.h"
#include "switch.h"

static struct tracepoint *suture_sched_switch;

bool suture_seen_add(struct suture_seen_cpu *set, const void *key)
{
	u32 i = hash_ptr(key, ilog2(SUTURE_SEEN_SLOTS));

	BUILD_BUG_ON(!is_power_of_2(SUTURE_SEEN_SLOTS) || SUTURE_SEEN_MAX > U16_MAX - 1);
	/* Ends: at most half of the slots are taken. */
	while (set->slots[i]) {
		if (set->list[set->slots[i] - 1] == key)
			return false;
		i = (i + 1) & (SUTURE_SEEN_SLOTS - 1);
	}
	if (set->n == SUTURE_SEEN_MAX) {
		set->overflow = true;
		return false;
	}
	set->list[set->n++] = key;
	set->slots[i] = set->n;
	return true;
}

/* In __schedule(), with interrupts off: nobody else is at this CPU's set. */
static void suture_seen_probe(void *data, SUTURE_SCHED_SWITCH_ARGS)
{
	struct suture_seen *seen = data;
	struct suture_seen_cpu *set = seen->cpu[raw_smp_processor_id()];

	if (suture_seen_add(set, prev))
		get_task_struct(prev);
}

static void suture_seen_free(struct suture_seen *seen)
{
	unsigned int cpu;
	u32 i;

	for_each_possible_cpu(cpu) {
		struct suture_seen_cpu *set = seen->cpu[cpu];

		if (!set)
			continue;
		for (i = 0; i < set->n; i++)
			put_task_struct((struct task_struct *)set->list[i]);
		vfree(set);
	}
	vfree(seen);
}

int suture_seen_start(struct suture_seen **ret)
{
	struct suture_seen *seen;
	unsigned int cpu;
	int r;

	lockdep_assert_held(&suture_mutex);
	seen = vzalloc(struct_size(seen, cpu, nr_cpu_ids));
	if (!seen)
		return -ENOMEM;
	seen->ncpu = nr_cpu_ids;
	/* Possible, not online: a CPU may come up before the pause. */
	for_each_possible_cpu(cpu) {
		seen->cpu[cpu] = vzalloc(sizeof(*seen->cpu[cpu]));
		if (!seen->cpu[cpu]) {
			suture_seen_free(seen);
			return -ENOMEM;
		}
	}
	r = tracepoint_probe_register(suture_sched_switch, suture_seen_probe, seen);
	if (r) {
		suture_seen_free(seen);
		return r;
	}
	/* A switch that began before the probe was there is over afterwards. */
	synchronize_rcu();
	*ret = seen;
	return 0;
}

void suture_seen_stop(struct suture_seen *seen)
{
	lockdep_assert_held(&suture_mutex);
	tracepoint_probe_unregister(suture_sched_switch, suture_seen_probe, seen);
	tracepoint_synchronize_unregister();
	suture_seen_free(seen);
}

static void suture_seen_find(struct tracepoint *tp, void *priv)
{
	if (!strcmp(tp->name, "sched_switch"))
		suture_sched_switch = tp;
}

int suture_seen_init(void)
{
	for_each_kernel_tracepoint(suture_seen_find, NULL);
	if (!suture_sched_switch) {
		pr_err("this kernel has no sched_switch tracepoint\n");
		return -ENOENT;
	}
	return 0;
}
