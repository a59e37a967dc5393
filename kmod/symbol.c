// SPDX-License-Identifier: GPL-2.0-only
#include <linux/elf.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "anchors.h"
#include "symbol.h"

#define SUTURE_NT_GNU_BUILD_ID 3 /* the kernel has no name for it */

#define SUTURE_ANCHORED(name) ((unsigned long)&_printk + SUTURE_ANCHOR_##name)

static u8 suture_running_build_id[SUTURE_BUILD_ID_LEN] __ro_after_init;

static unsigned long suture_lookup(const char *name)
{
	unsigned long (*lookup)(const char *name) = (void *)SUTURE_ANCHORED(kallsyms_lookup_name);

	return lookup(name);
}

/* The first name at addr as kallsyms has it; false when addr is not the start of a symbol. */
static bool suture_symbol_at(unsigned long addr, char *name, unsigned long *ret_size)
{
	char *plus;
	unsigned long off, size;

	sprint_symbol(name, addr);
	plus = strrchr(name, '+');
	if (!plus || sscanf(plus, "+0x%lx/0x%lx", &off, &size) != 2 || off || strchr(plus, '['))
		return false;
	*plus = '\0';
	*ret_size = size;
	return true;
}

bool suture_symbol_is(unsigned long addr, const char *name, unsigned long *ret_size)
{
	char found[KSYM_SYMBOL_LEN];

	if (!suture_symbol_at(addr, found, ret_size))
		return false;
	return !strcmp(found, name) || suture_lookup(name) == addr;
}

bool suture_kernel_text(unsigned long addr, unsigned long size)
{
	unsigned long start = SUTURE_ANCHORED(_stext), end = SUTURE_ANCHORED(_etext);

	return addr >= start && size <= end - start && addr - start <= end - start - size;
}

const u8 *suture_build_id(void)
{
	return suture_running_build_id;
}

struct task_struct *suture_idle_task(unsigned int cpu)
{
	struct task_struct *(*idle)(int cpu) = (void *)SUTURE_ANCHORED(idle_task);

	return idle(cpu);
}

void suture_put_task_stack(struct task_struct *task)
{
	void (*put)(struct task_struct * tsk) = (void *)SUTURE_ANCHORED(put_task_stack);

	put(task);
}

/* The NT_GNU_BUILD_ID note among the kernel's own notes. */
static int __init suture_read_build_id(void)
{
	const char *p = (const char *)SUTURE_ANCHORED(__start_notes);
	const char *end = (const char *)SUTURE_ANCHORED(__stop_notes);

	while (p < end && (size_t)(end - p) >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *n = (const void *)p;
		const char *name = p + sizeof(*n);
		const char *desc = name + ALIGN((u64)n->n_namesz, 4);

		if (desc > end || ALIGN((u64)n->n_descsz, 4) > (size_t)(end - desc))
			break;
		if (n->n_type == SUTURE_NT_GNU_BUILD_ID && n->n_descsz == SUTURE_BUILD_ID_LEN &&
		    n->n_namesz == 4 && !memcmp(name, "GNU", 4)) {
			memcpy(suture_running_build_id, desc, SUTURE_BUILD_ID_LEN);
			return 0;
		}
		p = desc + ALIGN((u64)n->n_descsz, 4);
	}
	pr_err("the running kernel has no build-id\n");
	return -ENOEXEC;
}

int __init suture_symbol_init(void)
{
	static const struct {
		const char *name;
		unsigned long dist;
	} anchors[] = {
#define SUTURE_ANCHOR(name) {#name, SUTURE_ANCHOR_##name}
		/* The first is checked without its own help, the others with it. */
		SUTURE_ANCHOR(kallsyms_lookup_name),
		SUTURE_ANCHOR(_stext),
		SUTURE_ANCHOR(_etext),
		SUTURE_ANCHOR(__start_notes),
		SUTURE_ANCHOR(__stop_notes),
		SUTURE_ANCHOR(idle_task),
		SUTURE_ANCHOR(put_task_stack),
#undef SUTURE_ANCHOR
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++) {
		unsigned long addr = (unsigned long)&_printk + anchors[i].dist, size;
		char found[KSYM_SYMBOL_LEN];
		bool ok;

		if (i == 0)
			ok = suture_symbol_at(addr, found, &size) &&
			     !strcmp(found, anchors[i].name);
		else
			ok = suture_lookup(anchors[i].name) == addr;
		if (!ok) {
			pr_err("this module was built for another kernel build (%s is elsewhere)\n",
			       anchors[i].name);
			return -ENOEXEC;
		}
	}
	return suture_read_build_id();
}
