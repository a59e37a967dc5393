/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof: an exactly compiled object is what the shipped image contains.
 *
 * Finds where the linker put each section of the object, compares every
 * function and datum byte for byte with relocated fields resolved, and from
 * that gives the exact link address of every local symbol.
 * docs/internals/prove.md explains the method.
 */
#ifndef SUTURE_BUILDER_PROVE_H
#define SUTURE_BUILDER_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "elf/object.h"
#include "target/profile.h"

enum sut_proof {
	SUT_PROOF_NONE,	      /* not looked at: discarded at link time, no bytes, debug */
	SUT_PROOF_IDENTICAL,  /* every byte equal, every relocated field resolved and equal */
	SUT_PROOF_OVERRIDDEN, /* weak, and the image has another definition */
	SUT_PROOF_DIFFERENT,  /* the bytes differ */
	SUT_PROOF_UNPLACED,   /* its address could not be determined */
};

/* What is known about one symbol of the object (same index as in object->syms). */
struct sut_proven {
	enum sut_proof proof;
	/* Link address; for per-CPU variables the offset. Valid when IDENTICAL, and for
	 * OVERRIDDEN that of the definition that won. */
	uint64_t addr;
	uint64_t diff_offset; /* DIFFERENT: first differing byte, from the symbol's start */
	/* UNPLACED: every symbol of that name in the image has this very content, so it
	 * is the image's code, but which of them it is cannot be told. */
	bool same_everywhere;
};

struct sut_unit {
	struct sut_object *object; /* the exact object; owned */
	struct sut_proven *syms;   /* object->nsyms entries */
	uint64_t *section_addr;	   /* object->nsections entries; 0: not placed as one block */
	size_t functions, identical, overridden, different, unplaced; /* functions only */
	/* objects with contents */
	size_t data, data_identical, data_overridden, data_different, data_unplaced;
};

/* Compares; takes ownership of the object on success. Differences are no
 * error of this function: the caller looks at what it needs. */
int sut_prove(const struct sut_profile *p, struct sut_object *object, struct sut_unit **ret,
	      struct sut_err *err) _must_check_;

/* The link address of a symbol the object only refers to: global symbols by
 * name (there must be exactly one global definition in the image).
 * -ENOENT not in the image, -ENOTUNIQ ambiguous. *ret_absolute is true for
 * per-CPU offsets and other values KASLR does not move. */
int sut_prove_extern(const struct sut_profile *p, const char *name, uint64_t *ret_addr,
		     bool *ret_absolute, struct sut_err *err) _must_check_;

/* Why a symbol is DIFFERENT or UNPLACED. */
enum sut_difference {
	SUT_DIFFERENCE_NONE,
	SUT_DIFFERENCE_BYTES,	  /* other bytes */
	SUT_DIFFERENCE_JUMP,	  /* a jump in its short form here and its long form there */
	SUT_DIFFERENCE_REFERENCE, /* a field refers to something else */
	SUT_DIFFERENCE_UNKNOWN,	  /* a field refers to a section of the file that is not placed */
	SUT_DIFFERENCE_NO_PLACE,  /* the image does not tell where the symbol is */
	/* Explained; nothing else differs in these: */
	SUT_DIFFERENCE_UNLISTED,   /* a field refers to a symbol that kallsyms does not list */
	SUT_DIFFERENCE_COPIES,	   /* same_everywhere */
	SUT_DIFFERENCE_AFTER_LINK, /* the build writes this datum after linking */
};

/* The kind of difference, and a line for the reader (without the symbol's name). */
enum sut_difference sut_prove_explain(const struct sut_profile *p, const struct sut_unit *u,
				      uint32_t sym, char *text, size_t len);

/* "bytes", "jump-size", "reference", "unknown", "no-place", "unlisted", "copies", "after-link". */
const char *sut_difference_name(enum sut_difference d);

/* Is it one of those that do not speak against the file being the image's? */
bool sut_difference_is_explained(enum sut_difference d);

void sut_unit_free(struct sut_unit *u);
void sut_unit_freep(struct sut_unit **u);

#endif
