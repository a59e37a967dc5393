/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing an object's sections in the image, and comparing bytes there.
 * docs/internals/prove.md explains the method.
 */
#ifndef SUTURE_BUILDER_MATCH_H
#define SUTURE_BUILDER_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/object.h"
#include "prove/image.h"

enum sut_section_kind {
	SUT_SECTION_SKIPPED, /* not in the running image: debug, discarded at link time */
	SUT_SECTION_MERGED,  /* strings and constants that the linker shares between objects */
	SUT_SECTION_BLOCK,   /* copied to one place */
};

enum sut_match_result {
	SUT_MATCH_SAME,
	SUT_MATCH_OTHER,   /* differs */
	SUT_MATCH_UNKNOWN, /* does not differ, but where a field should point to is not known */
};

struct sut_placed {
	enum sut_section_kind kind;
	bool placed; /* base is known */
	bool whole;  /* … and every symbol the image names agrees with it */
	uint64_t base;
};

struct sut_match {
	const struct sut_image *image;
	const struct sut_object *object;
	struct sut_placed *sections; /* nsections entries */
};

/* Finds the base of every section that has one. m->sections is allocated
 * here; the caller frees it. Returns 0 or -ENOMEM. */
int sut_match_place(struct sut_match *m) _must_check_;

/* Where a symbol of the object lies in the image. False when that is not
 * known; also for symbols that are not defined in a section of kind BLOCK. */
bool sut_match_address(const struct sut_match *m, uint32_t sym, uint64_t *ret);

/* For a weak definition: does the image have another one? */
bool sut_match_overridden(const struct sut_match *m, uint32_t sym, uint64_t *ret_winner);

/* Is a symbol's content at addr? *ret_offset: the first byte that differs, or
 * the first field that differs or is not known, from the symbol's start. */
enum sut_match_result sut_match_content(const struct sut_match *m, uint32_t sym, uint64_t addr,
					uint64_t *ret_offset);

/* Does the field of this relocation, at addr in the image, refer to what the
 * object says? */
enum sut_match_result sut_match_field(const struct sut_match *m, const struct sut_rela *r,
				      uint64_t addr);

/* The value S of the formulas of the x86-64 ABI (S + A, S + A - P) that the
 * image's field at addr stands for. False when it cannot be read. */
bool sut_match_field_target(const struct sut_match *m, const struct sut_rela *r, uint64_t addr,
			    uint64_t *ret);

#endif
