/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols of the files that a dynamic linker has loaded into a process, found as it finds them: by its list of files, their hash
 * tables and versions. Everything is read from the process, and hostile.
 */
#ifndef SUTURE_PROCESS_LOOK_SYMBOL_H
#define SUTURE_PROCESS_LOOK_SYMBOL_H

#include "look/elf.h"

enum {
	SYMBOL_OBJECTS_MAX = ELF_OBJECTS_MAX,
	SYMBOL_SPACES_MAX = 32,	    /* namespaces of dlmopen() */
	SYMBOL_CHAIN_MAX = 1 << 14, /* symbols with the same hash */
	SYMBOL_VERSIONS_MAX = 4096,
	SYMBOL_RELOCS_MAX = 1 << 16, /* of one table */
};

/* A file with what its dynamic section says; addresses are those of the process, 0: not there. */
struct symbol_object {
	uint64_t bias, low, high;
	uint64_t symtab, strtab, strsz, gnu_hash, hash, versym, verdef, verneed;
	uint64_t rela, relasz, jmprel, pltrelsz;
	uint32_t nverdef, nverneed;
	uint64_t debug; /* of the main program: the linker's r_debug */
	bool symbolic;
};

/* -EBADMSG when the dynamic section cannot be used. */
int symbol_object(const struct elf_mem *m, const struct proc_elf *e,
		  struct symbol_object *ret) _must_check_;

/*
 * The files of the namespace that `dynamic` belongs to, in the linker's order, which is that of the global scope. -ENOENT when there is no
 * dynamic linker, or it does not know that file; -EBUSY (reason "busy") while it changes the list,
 * unless that stands still (loading: as in struct proc).
 */
int symbol_scope(const struct elf_mem *m, const struct proc_elf *elfs, size_t nelfs,
		 uint64_t dynamic, bool loading, struct symbol_object **ret, size_t *ret_n,
		 struct sut_err *err) _must_check_;

struct symbol {
	uint64_t addr;
	bool ifunc; /* addr is its resolver */
	bool tls;   /* addr says nothing */
};

/* A definition. version "": any that is not hidden. -ENOENT. */
int symbol_find(const struct elf_mem *m, const struct symbol_object *o, const char *name,
		const char *version, struct symbol *ret) _must_check_;

/*
 * Where another file's reference to that symbol leads: the filled slot of a GOT, whose value lies within owner. This is how an
 * IFUNC's choice is known without asking it. -ENOENT.
 */
int symbol_slot(const struct elf_mem *m, const struct symbol_object *o,
		const struct symbol_object *owner, const char *name, const char *version,
		uint64_t *ret) _must_check_;

#endif
