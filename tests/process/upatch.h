/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patch files for small libraries and programs that the tests compile themselves: what suture-build does for real ones, without a
 * package, a proof or a differ. The new code is an object file; old functions are found in the target's own symbol table.
 */
#ifndef SUTURE_TESTS_UPATCH_H
#define SUTURE_TESTS_UPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { UPATCH_LIST_MAX = 16 };

struct upatch {
	const char *target; /* ELF file with .symtab */
	/* Made by gcc -fPIC -c. What it does not define is taken from the target: its symbols, its GOT and TLS slots; else it is an import. */
	const char *object;
	const char
		*replace[UPATCH_LIST_MAX +
			 1]; /* "old=new": old of the target, new of the object; ends with NULL */
	const char
		*child[UPATCH_LIST_MAX + 1];   /* functions of the target that go with an old one */
	const char *busy[UPATCH_LIST_MAX + 1]; /* … where nobody may be at the switch */
	const char *check[UPATCH_LIST_MAX + 1]; /* … and data, that are only compared */
	const char *id;				/* NULL: "U20261122_01" */
	uint32_t level;				/* 0: 1 */
	bool frames;				/* exceptions may pass through the new code */
	uint32_t bss;				/* so many more zeroed bytes of data */
	/* For refusals. */
	const char *wrong; /* the last byte that is expected of this old function is another one */
	bool other_build_id;   /* for a target that nobody has */
	const char *island_of; /* this old function gets an island even where a jump would fit */
};

/* Adds the patch file to *out. -EINVAL with what is missing. */
int upatch_make(const struct upatch *u, struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
