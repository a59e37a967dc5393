/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a function of a shipped file is redirected: by a jump of 5 bytes at its entry (behind an endbr64), which may reach into the
 * padding behind a short function; else by one of 2 bytes to an island of 5 in padding near by. x86-64.
 */
#ifndef SUTURE_BUILDER_LIBRARY_ENTRY_H
#define SUTURE_BUILDER_LIBRARY_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "diff/diff.h"
#include "library/profile.h"

enum { SUT_LIB_JUMP = 5, SUT_LIB_SHORT_JUMP = 2 };

/* An address range; islands that were given away are not given again. */
struct sut_lib_range {
	uint64_t vaddr;
	uint32_t size;
};

struct sut_lib_entry {
	uint32_t redirect; /* enum sut_library_redirect; 0: cannot be redirected, see why */
	uint32_t jump_off, span;
	uint64_t island;
	char why[SUT_WHY_MAX];
};

/*
 * inner: places within the function, as offsets, that something jumps to or refers to (n of them, besides what its own
 * instructions tell). taken: islands in use already.
 */
int sut_lib_entry_plan(const struct sut_lib_profile *p, uint64_t vaddr, uint64_t size,
		       const uint64_t *inner, size_t n, const struct sut_lib_range *taken,
		       size_t ntaken, struct sut_lib_entry *ret, struct sut_err *err) _must_check_;

/* How many bytes at vaddr are padding between functions: of no symbol, instructions that do nothing, up to the next symbol or to where one
 * could begin. Pure but for the profile. */
uint32_t sut_lib_padding(const struct sut_lib_profile *p, uint64_t vaddr);

/* Length of the instruction at p when it does nothing, as assemblers and linkers fill gaps; 0 when it does something. */
uint32_t sut_lib_nop(const uint8_t *p, size_t len);

#endif
