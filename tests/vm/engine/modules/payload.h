/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A payload for tests of the engine alone. It is told at load time what to
 * redirect and makes its table of expected bytes from the running kernel:
 *
 *   insmod suture_test_a.ko build_id=HEX spec=NAME:ADDR:SIZE:REDIRECT:OFF:NEW:FLAGS,...
 *
 * numbers in hexadecimal, NEW an index into new_functions[]. Two modules are made of it,
 * with different values of VARIANT, to replace one by the other.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>

#include <suture.h>

int suture_payload_register(const void *payload, void *module);
void suture_payload_unregister(const void *payload);

#define MAX_FUNCS 8
#define TABLE_SIZE 65536

static char *build_id = "";
module_param(build_id, charp, 0);
static char *spec[MAX_FUNCS];
static int nspec;
module_param_array(spec, charp, &nspec, 0);
static uint level = VARIANT;
module_param(level, uint, 0);
static uint keep;
module_param(keep, uint, 0);
static int corrupt = -1; /* this byte of the first function is expected to be another */
module_param(corrupt, int, 0);

static long noinline new_getpgid(const struct pt_regs *regs)
{
	return 1000 + VARIANT;
}

static long noinline new_getsid(const struct pt_regs *regs)
{
	return 2000 + VARIANT;
}

static int noinline new_hex_to_bin(unsigned char ch)
{
	return 3000 + VARIANT;
}

static long noinline new_clock_nanosleep(const struct pt_regs *regs)
{
	return -4000 - VARIANT;
}

/* Stays for a while, so that leaving it is not possible meanwhile. */
static long noinline new_slow(const struct pt_regs *regs)
{
	msleep(2000);
	return 5000 + VARIANT;
}

/* The same without ever sleeping: only inside the pause can it be seen. */
static long noinline new_spin(const struct pt_regs *regs)
{
	unsigned long end = jiffies + 2 * HZ;

	while (time_before(jiffies, end)) {
		cpu_relax();
		cond_resched();
	}
	return 6000 + VARIANT;
}

static void *const new_functions[] = {new_getpgid,	   new_getsid, new_hex_to_bin,
				      new_clock_nanosleep, new_slow,   new_spin};

static struct {
	struct suture_expect_header head;
	struct suture_expect_func funcs[MAX_FUNCS];
	u8 rest[TABLE_SIZE];
} table;
static struct suture_payload_func funcs[MAX_FUNCS];
static struct suture_payload desc;
static char id[SUTURE_ID_MAX];

static int __init add_func(char *text, u32 index, u32 *used)
{
	unsigned long addr, size, redirect, off, new, flags;
	struct suture_expect_func *f = &table.funcs[index];
	char *colon = strchr(text, ':');
	u32 i, masked;

	if (!colon ||
	    sscanf(colon, ":%lx:%lx:%lx:%lx:%lx:%lx", &addr, &size, &redirect, &off, &new,
		   &flags) != 6 ||
	    new >= ARRAY_SIZE(new_functions))
		return -EINVAL;
	*colon = '\0';
	if (*used + 2 * size + SUTURE_NAME_MAX > TABLE_SIZE)
		return -E2BIG;
	f->addr = addr;
	f->size = size;
	f->flags = flags;
	f->redirect = redirect;
	f->redirect_off = off;
	f->bytes_off = *used;
	memcpy(table.rest + *used, (void *)addr, size);
	masked = redirect == SUTURE_REDIRECT_JUMP_ENTRY ? 0 : 5;
	for (i = 0; i < size; i++)
		table.rest[*used + size + i] = i >= masked;
	*used += 2 * size;
	if (index == 0 && corrupt >= 0)
		table.rest[corrupt] ^= 0xff;
	if (flags & SUTURE_EXPECT_REPLACE) {
		struct suture_payload_func *p = &funcs[desc.nfuncs++];

		p->old_addr = addr;
		p->new_addr = (unsigned long)new_functions[new];
		p->new_size = 1;
		p->expect_index = index;
	}
	return 0;
}

static int __init payload_init(void)
{
	u32 i, used = 0;
	int r;

	memcpy(table.head.magic, SUTURE_EXPECT_MAGIC, 8);
	table.head.nfuncs = nspec;
	/* Addresses are taken from the running kernel: no KASLR offset. */
	table.head.anchor_addr = (unsigned long)&_printk;
	if (hex2bin(table.head.build_id, build_id, SUTURE_BUILD_ID_LEN))
		return -EINVAL;
	for (i = 0; i < nspec; i++) {
		r = add_func(spec[i], i, &used);
		if (r)
			return r;
	}
	table.head.bytes_off = offsetof(typeof(table), rest);
	table.head.bytes_size = used;
	table.head.strings_off = table.head.bytes_off + used;
	for (i = 0; i < nspec; i++) {
		u32 len = strlen(spec[i]) + 1;

		table.funcs[i].name_off = table.head.strings_size;
		memcpy(table.rest + used, spec[i], len);
		used += len;
		table.head.strings_size += len;
	}
	table.head.total_size = table.head.strings_off + table.head.strings_size;

	snprintf(id, sizeof(id), "test-%d", VARIANT);
	desc.abi = SUTURE_ABI;
	desc.size = sizeof(desc);
	desc.level = level;
	desc.flags = keep ? SUTURE_PAYLOAD_KEEP : 0;
	desc.expect_size = table.head.total_size;
	desc.id = (unsigned long)id;
	desc.cves = (unsigned long)"CVE-0000-0001 CVE-0000-0002";
	desc.funcs = (unsigned long)funcs;
	desc.expect = (unsigned long)&table;
	return suture_payload_register(&desc, THIS_MODULE);
}

static void __exit payload_exit(void)
{
	suture_payload_unregister(&desc);
}

module_init(payload_init);
module_exit(payload_exit);
MODULE_LICENSE("GPL");
