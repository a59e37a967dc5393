// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "table.h"

#define SIZE 24 /* of each function */

struct sample {
	struct suture_expect_header head;
	struct suture_expect_func func[2];
	u8 bytes[2][2 * SIZE];
	char names[16];
};

static void sample_make(struct sample *s)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	memcpy(s->head.magic, SUTURE_EXPECT_MAGIC, sizeof(s->head.magic));
	s->head.total_size = sizeof(*s);
	s->head.nfuncs = 2;
	s->head.bytes_off = offsetof(struct sample, bytes);
	s->head.bytes_size = sizeof(s->bytes);
	s->head.strings_off = offsetof(struct sample, names);
	s->head.strings_size = sizeof(s->names);
	for (i = 0; i < 2; i++) {
		s->func[i].addr = 0xffffffff81000100 - i * SIZE;
		s->func[i].size = SIZE;
		s->func[i].flags = SUTURE_EXPECT_REPLACE | SUTURE_EXPECT_NOSTACK;
		s->func[i].redirect = SUTURE_REDIRECT_JUMP_FENTRY;
		s->func[i].redirect_off = 5;
		s->func[i].name_off = i * 2;
		s->func[i].bytes_off = i * 2 * SIZE;
		memset(&s->bytes[i][SIZE + 5], SUTURE_MASK_EQUAL, SIZE - 5);
	}
	s->bytes[1][SIZE + 12] = SUTURE_MASK_ABS64;
	memset(&s->bytes[1][SIZE + 13], SUTURE_MASK_CONT, 7);
	memcpy(s->names, "f\0g", 4);
}

#define BAD(change)                                                                                \
	do {                                                                                       \
		sample_make(s);                                                                    \
		change;                                                                            \
		if (suture_table_parse(s, sizeof(*s), &t) != -EINVAL) {                            \
			pr_err("self-test of tables: accepted \"%s\"\n", #change);                 \
			ret = -EINVAL;                                                             \
		}                                                                                  \
	} while (0)

int suture_selftest_table(void)
{
	struct sample *s = kmalloc(sizeof(*s), GFP_KERNEL);
	struct suture_table t;
	int ret = 0;
	u32 size;

	if (!s)
		return -ENOMEM;
	sample_make(s);
	if (suture_table_parse(s, sizeof(*s), &t) || strcmp(suture_table_name(&t, 1), "g") ||
	    suture_table_mask(&t, 1)[12] != SUTURE_MASK_ABS64) {
		pr_err("self-test of tables: a good one is not accepted\n");
		ret = -EINVAL;
	}
	for (size = 0; size < sizeof(*s); size++)
		BAD(s->head.total_size = size);
	BAD(s->head.magic[7]++);
	BAD(s->head.nfuncs = 0);
	BAD(s->head.nfuncs = U32_MAX);
	BAD(s->head.nfuncs = 0x8000001); /* times 32 is small again */
	BAD(s->head.bytes_off = U32_MAX);
	BAD(s->head.bytes_size = U32_MAX);
	BAD(s->head.strings_off = sizeof(*s));
	BAD(s->head.strings_size = sizeof(s->names) + 1);
	BAD(s->head.reserved = 1);
	BAD(s->func[0].size = 0);
	BAD(s->func[0].size = 0x80000000);
	BAD(s->func[1].size = SIZE + 1);
	BAD(s->func[1].bytes_off++);
	BAD(s->func[1].bytes_off = U32_MAX - SIZE);
	BAD(s->func[1].addr = U64_MAX);
	BAD(s->func[1].addr++); /* into func[0] */
	BAD(s->func[1].addr = s->func[0].addr);
	BAD(s->func[0].flags = 4);
	BAD(s->func[0].flags = SUTURE_EXPECT_NOSTACK);
	BAD(s->func[0].redirect = SUTURE_REDIRECT_NONE);
	BAD(s->func[0].redirect = 4);
	BAD(s->func[0].redirect_off = 4); /* over a byte that is ignored */
	BAD(s->func[0].redirect_off = SIZE - 4);
	BAD(s->func[0].redirect_off = U32_MAX);
	BAD(s->func[0].name_off = 1);
	BAD(s->func[0].name_off = sizeof(s->names));
	BAD(memset(s->names, 'x', sizeof(s->names)));
	BAD(s->bytes[0][SIZE + 20] = SUTURE_MASK_CONT + 1);
	BAD(s->bytes[0][SIZE + 20] = SUTURE_MASK_CONT);
	BAD(s->bytes[0][SIZE + 20] = SUTURE_MASK_ABS32);
	BAD(s->bytes[0][SIZE + SIZE - 1] = SUTURE_MASK_ABS32);
	BAD(s->bytes[1][SIZE + 15] = SUTURE_MASK_EQUAL);
	kfree(s);
	return ret;
}
