// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/vmalloc.h>

#include "stack.h"

int suture_selftest_stack(void)
{
	static const struct {
		unsigned long addr;
		const char *name; /* NULL: in none */
	} cases[] = {
		{0, NULL},     {0xfff, NULL},  {0x1000, "a"},  {0x10ff, "a"},	 {0x1100, "b"},
		{0x117f, "b"}, {0x1180, NULL}, {0x1fff, NULL}, {0x2000, "c"},	 {0x2007, "c"},
		{0x200f, "c"}, {0x2010, NULL}, {0x3000, "d"},  {~0UL - 1, NULL}, {~0UL, NULL},
	};
	struct suture_ranges *r = suture_ranges_new(6);
	unsigned int i;
	int ret = 0;

	if (!r)
		return -ENOMEM;
	if (suture_ranges_find(r, 0x1000))
		ret = -EINVAL;
	/* Out of order, touching, overlapping, empty. */
	suture_ranges_add(r, 0x2000, 8, "c");
	suture_ranges_add(r, 0x1100, 0x80, "b");
	suture_ranges_add(r, 0x3000, 1, "d");
	suture_ranges_add(r, 0x1000, 0x100, "a");
	suture_ranges_add(r, 0x2004, 12, "c2");
	suture_ranges_add(r, 0x5000, 0, "empty");
	suture_ranges_sort(r);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct suture_range *found = suture_ranges_find(r, cases[i].addr);

		if (!found != !cases[i].name || (found && strcmp(found->name, cases[i].name))) {
			pr_err("self-test of ranges: %#lx found in %s\n", cases[i].addr,
			       found ? found->name : "none");
			ret = -EINVAL;
		}
	}
	vfree(r);
	return ret;
}
