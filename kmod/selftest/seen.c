// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/vmalloc.h>

#include "seen.h"

/* Addresses as tasks have them: aligned, close together. */
static const void *key(u32 i)
{
	return (const void *)(0xffff888000000000UL + (unsigned long)i * 0x1180);
}

int suture_selftest_seen(void)
{
	struct suture_seen_cpu *set = vzalloc(sizeof(*set));
	int ret = 0;
	u32 i;

	if (!set)
		return -ENOMEM;
	for (i = 0; i < SUTURE_SEEN_MAX; i++)
		if (!suture_seen_add(set, key(i)) || suture_seen_add(set, key(i)) ||
		    suture_seen_add(set, key(i / 2)))
			ret = -EINVAL;
	if (set->n != SUTURE_SEEN_MAX || set->overflow)
		ret = -EINVAL;
	for (i = 0; i < SUTURE_SEEN_MAX; i++)
		if (set->list[i] != key(i))
			ret = -EINVAL;
	/* Full: what is there is still known, the rest is told. */
	if (suture_seen_add(set, key(0)) || set->overflow)
		ret = -EINVAL;
	if (suture_seen_add(set, key(i)) || !set->overflow || set->n != SUTURE_SEEN_MAX)
		ret = -EINVAL;
	if (ret)
		pr_err("self-test of the set of tasks failed\n");
	vfree(set);
	return ret;
}
