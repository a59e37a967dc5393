/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Special sections: what each one holds and what becomes of it.
 *
 * One data-driven table. A section that is not in it, is allocated and refers
 * to code that a patch carries is an error that names it, never a guess.
 */
#ifndef SUTURE_BUILDER_SPECIAL_H
#define SUTURE_BUILDER_SPECIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "elf/object.h"
#include "target/profile.h"

enum sut_section_class {
	SUT_SEC_TEXT,	 /* functions */
	SUT_SEC_DATA,	 /* writable variables, with or without contents */
	SUT_SEC_RODATA,	 /* constants */
	SUT_SEC_MERGE,	 /* strings and constants the linker merges: compared by content */
	SUT_SEC_TABLE,	 /* records that belong to places in functions */
	SUT_SEC_HELPER,	 /* code or data only reached from a table (.altinstr_replacement) */
	SUT_SEC_TLS,	 /* thread-local variables */
	SUT_SEC_INIT,	 /* discarded after boot, or at link time: code that has run already */
	SUT_SEC_DROP,	 /* of no use in a payload */
	SUT_SEC_UNKNOWN, /* allocated, and not in the table */
};

/* How the records of a table are treated. */
enum sut_table_kind {
	SUT_TABLE_NONE,
	SUT_TABLE_BUG,	       /* __bug_table: addr, file, line, flags */
	SUT_TABLE_EXTABLE,     /* __ex_table: insn, fixup, type */
	SUT_TABLE_ALT,	       /* .altinstructions: instr, replacement, feature, lengths */
	SUT_TABLE_PARAVIRT,    /* .parainstructions: instr, type, length */
	SUT_TABLE_LOCK,	       /* .smp_locks: addr of the lock prefix */
	SUT_TABLE_JUMP_LABEL,  /* __jump_table: code, target, key */
	SUT_TABLE_STATIC_CALL, /* .static_call_sites: addr, key */
	SUT_TABLE_RETPOLINE,   /* .retpoline_sites: addr */
	SUT_TABLE_RETURN,      /* .return_sites: addr */
	SUT_TABLE_CALL,	       /* .call_sites: addr */
	SUT_TABLE_FENTRY,      /* __mcount_loc, __patchable_function_entries: addr */
	SUT_TABLE_ORC,	       /* .orc_unwind_ip, with .orc_unwind in step */
	SUT_TABLE_LSDA,	       /* .gcc_except_table: where exceptions go; one per function */
};

struct sut_section_rule {
	enum sut_section_class class;
	enum sut_table_kind table;
	uint32_t record; /* bytes of a record; 0: none or not in this kernel */
};

struct sut_section_rule sut_section_rule(const struct sut_section *s,
					 const struct sut_record_sizes *sizes);

#endif
