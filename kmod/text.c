// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/sync_core.h>

#include "text.h"

#define SUTURE_JMP32 0xe9

int suture_jump_encode(unsigned long from, unsigned long to, u8 insn[SUTURE_JUMP_SIZE])
{
	long dist = (long)(to - (from + SUTURE_JUMP_SIZE));
	s32 rel = (s32)dist;

	if (rel != dist)
		return -ERANGE;
	insn[0] = SUTURE_JMP32;
	memcpy(insn + 1, &rel, sizeof(rel));
	return 0;
}

static const u8 *suture_block_of(const struct suture_poke *p)
{
	return (const u8 *)ALIGN_DOWN(p->addr, SUTURE_BLOCK);
}

/*
 * Kernel text is mapped read-only; the same pages mapped a second time are
 * not. virt_to_page() knows the text mapping of x86-64 (phys_base).
 */
int suture_poke_map(struct suture_poke *p)
{
	unsigned long first = p->addr & PAGE_MASK;
	unsigned long in_block = p->addr & (SUTURE_BLOCK - 1);
	struct page *pages[2];
	unsigned int n = 1;

	pages[0] = virt_to_page((void *)first);
	if (((p->addr + SUTURE_JUMP_SIZE - 1) & PAGE_MASK) != first)
		pages[n++] = virt_to_page((void *)(first + PAGE_SIZE));
	p->window = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	if (!p->window)
		return -ENOMEM;
	p->alias = (u8 *)p->window + offset_in_page(p->addr);
	p->atomic = in_block + SUTURE_JUMP_SIZE <= SUTURE_BLOCK && boot_cpu_has(X86_FEATURE_CX16);
	memcpy(p->block, suture_block_of(p), SUTURE_BLOCK);
	if (memcmp(p->alias, (const void *)p->addr, SUTURE_JUMP_SIZE)) {
		suture_poke_unmap(p);
		return -EIO;
	}
	return 0;
}

void suture_poke_unmap(struct suture_poke *p)
{
	if (p->window)
		vunmap(p->window);
	p->window = NULL;
	p->alias = NULL;
}

int suture_poke_check(const struct suture_poke *p)
{
	const u8 *now = (const u8 *)p->addr;
	unsigned int in_block = p->addr & (SUTURE_BLOCK - 1);
	unsigned int i;

	for (i = 0; i < SUTURE_JUMP_SIZE; i++)
		if (READ_ONCE(now[i]) != p->old[i])
			return i;
	/*
	 * Also what follows in the block, where a breakpoint may have come.
	 * What precedes is the fentry slot, which ftrace may rewrite freely,
	 * or another function.
	 */
	for (; in_block + i < SUTURE_BLOCK; i++)
		if (READ_ONCE(now[i]) != p->block[in_block + i])
			return i;
	return -1;
}

/* 1 when all 16 bytes were as expected and are replaced. */
static bool suture_cmpxchg16(u64 *ptr, const u64 old[2], const u64 new[2])
{
	u64 lo = old[0], hi = old[1];
	bool done;

	asm volatile("lock cmpxchg16b %[mem]"
		     : [mem] "+m"(*(u64(*)[2])ptr), "+a"(lo), "+d"(hi), "=@ccz"(done)
		     : "b"(new[0]), "c"(new[1])
		     : "memory");
	return done;
}

/*
 * The other CPUs are held with interrupts off, but an NMI may run any code
 * at any time: the code it finds must be whole. One aligned 16-byte store is
 * seen as a whole by instruction fetch. Where that is not possible (no
 * CMPXCHG16B, or a function that does not start at a 16-byte boundary) the
 * operand is written before the opcode; an NMI handler that enters this very
 * function in those few cycles would misbehave. See docs/internals/switch.md.
 */
void suture_poke_write(const struct suture_poke *p)
{
	unsigned int in_block = p->addr & (SUTURE_BLOCK - 1);
	int i;

	if (p->atomic) {
		u64 *block = (u64 *)(p->alias - in_block);
		u64 old[2], new[2];

		do {
			old[0] = READ_ONCE(block[0]);
			old[1] = READ_ONCE(block[1]);
			new[0] = old[0];
			new[1] = old[1];
			for (i = 0; i < SUTURE_JUMP_SIZE; i++)
				((u8 *)new)[in_block + i] = p->new[i];
		} while (!suture_cmpxchg16(block, old, new));
		return;
	}
	for (i = SUTURE_JUMP_SIZE - 1; i >= 0; i--) {
		WRITE_ONCE(p->alias[i], p->new[i]);
		smp_wmb(); /* the opcode last */
	}
}

void suture_text_sync(void)
{
	sync_core();
}
