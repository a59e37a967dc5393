/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing five bytes of kernel text. The only file that knows how a jump is
 * encoded and how the processor wants its code changed.
 */
#ifndef SUTURE_TEXT_H
#define SUTURE_TEXT_H

#include <linux/types.h>

#include "table.h"

#define SUTURE_BLOCK 16

struct suture_poke {
	unsigned long addr;	  /* of the bytes to change */
	const char *name;	  /* of the function, for reports */
	u32 func_off;		  /* addr - start of that function */
	bool ours;		  /* old is a jump that we wrote */
	u8 old[SUTURE_JUMP_SIZE]; /* what must be there now */
	u8 new[SUTURE_JUMP_SIZE];
	/* The rest is filled by suture_poke_map(). */
	u8 block[SUTURE_BLOCK]; /* the aligned block around addr at that time */
	bool atomic;		/* the change is one 16-byte store */
	void *window;		/* writable mapping of the page(s) */
	u8 *alias;		/* addr within it */
};

/* insn: "jmp to" for the address from. -ERANGE when that is too far. */
int suture_jump_encode(unsigned long from, unsigned long to, u8 insn[SUTURE_JUMP_SIZE]);

/* Makes the writable mapping; may sleep. -ENOMEM, or -EIO when the mapping shows other bytes. */
int suture_poke_map(struct suture_poke *p);
void suture_poke_unmap(struct suture_poke *p);

/*
 * Inside the pause. suture_poke_check() returns the offset of the first byte
 * from p->addr on that is not as at suture_poke_map() time, or -1.
 */
int suture_poke_check(const struct suture_poke *p);
void suture_poke_write(const struct suture_poke *p);

/* Every CPU, after the writes and before it leaves the pause. */
void suture_text_sync(void);

int suture_selftest_text(void);

#endif
