// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/string.h>

#include "text.h"

int suture_selftest_text(void)
{
	static const struct {
		unsigned long from, to;
		int ret;
		u8 insn[SUTURE_JUMP_SIZE];
	} cases[] = {
		{0x1000, 0x1005, 0, {0xe9, 0, 0, 0, 0}},
		{0x1000, 0x1000, 0, {0xe9, 0xfb, 0xff, 0xff, 0xff}},
		{0xffffffff81000000, 0xffffffffc0000000, 0, {0xe9, 0xfb, 0xff, 0xff, 0x3e}},
		{0x1000, 0x80001004, 0, {0xe9, 0xff, 0xff, 0xff, 0x7f}},
		{0x1000, 0x80001005, -ERANGE, {}},
		{0x100000000, 0x80000005, 0, {0xe9, 0, 0, 0, 0x80}},
		{0x100000000, 0x80000004, -ERANGE, {}},
	};
	u8 insn[SUTURE_JUMP_SIZE];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = suture_jump_encode(cases[i].from, cases[i].to, insn);

		if (r != cases[i].ret || (!r && memcmp(insn, cases[i].insn, sizeof(insn)))) {
			pr_err("self-test of jumps: case %u\n", i);
			ret = -EINVAL;
		}
	}
	return ret;
}
