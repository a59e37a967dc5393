/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF files as they lie in somebody's memory, behind one function that reads it: a process, or the bytes of a fuzzer. All that
 * is read is hostile: every number is checked before it is used, and every loop has a limit.
 */
#ifndef SUTURE_PROCESS_LOOK_ELF_H
#define SUTURE_PROCESS_LOOK_ELF_H

#include "look/proc.h"

enum {
	ELF_PHDRS_MAX = 128,
	ELF_NOTES_MAX = 4096,	/* bytes of one PT_NOTE that are looked at */
	ELF_OBJECTS_MAX = 4096, /* of one process */
};

struct elf_mem {
	int (*read)(const void *ctx, uint64_t addr, void *buf, size_t len); /* as proc_read() */
	const void *ctx;
};

struct elf_mem elf_mem_of(const struct proc *p);

/*
 * Fills p->elfs and p->heads, from p->maps: the first bytes of all files are read with one call. -EPERM: its memory may not be read;
 * -ESRCH, -ENOMEM.
 */
int elf_look(struct proc *p) _must_check_;
void elf_forget(struct proc *p);
/* As proc_read(), from what was read at the last look where that has it. */
int elf_read_head(const struct proc *p, uint64_t addr, void *buf, size_t len) _must_check_;

/*
 * The file whose first page maps[i] shows. -ENOEXEC when it is none: no header, not for this machine, or its segments are not
 * mapped as the header says (the second mapping of a file's first page, a file that is only read).
 */
int elf_at(const struct elf_mem *m, const struct proc_map *maps, size_t nmaps, size_t i,
	   struct proc_elf *ret) _must_check_;

/* Calls found() for each, by address, until it returns false. */
void elf_each(const struct elf_mem *m, const struct proc_map *maps, size_t nmaps,
	      bool (*found)(void *ctx, const struct proc_elf *e), void *ctx);

/* The map that holds an address, by binary search; NULL. */
const struct proc_map *elf_map_at(const struct proc_map *maps, size_t nmaps, uint64_t addr);

#endif
