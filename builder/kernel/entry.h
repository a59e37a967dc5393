/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The original function as it lies in the running kernel: which bytes must be
 * there, which ones the kernel rewrites itself, and how its entry is redirected.
 */
#ifndef SUTURE_BUILDER_ENTRY_H
#define SUTURE_BUILDER_ENTRY_H

#include "diff/diff.h"
#include "patch/expect.h"
#include "prove/prove.h"
#include "target/profile.h"

struct sut_entry {
	uint32_t redirect;     /* SUTURE_REDIRECT_*; NONE: cannot be redirected, see why */
	uint32_t redirect_off; /* bytes from the function's start */
	char why[SUT_WHY_MAX];
};

/* exact: atoms of u->object; atom: the function. addr: where the image has it. */
int sut_entry_plan(const struct sut_profile *p, const struct sut_atoms *exact, uint32_t atom,
		   uint64_t addr, struct sut_entry *ret, struct sut_err *err) _must_check_;

/*
 * The mask of a function's bytes (SUTURE_MASK_*, size bytes, zeroed or not):
 * relocated absolute fields get the KASLR offset added, places in the tables
 * of alternatives, paravirt, locks, static keys and calls, retpolines, return
 * thunks and fentry are left out.
 */
int sut_entry_mask(const struct sut_profile *p, const struct sut_atoms *exact, uint32_t atom,
		   uint8_t *mask, struct sut_err *err) _must_check_;

#endif
