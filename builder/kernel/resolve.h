/* SPDX-License-Identifier: Apache-2.0 */
/* Where things of the running kernel are, as a payload can reach them. */
#ifndef SUTURE_BUILDER_RESOLVE_H
#define SUTURE_BUILDER_RESOLVE_H

#include "diff/diff.h"
#include "prove/prove.h"
#include "target/profile.h"

enum sut_reach {
	SUT_REACH_EXPORT,   /* by name: the stock loader resolves it */
	SUT_REACH_ANCHOR,   /* an exported symbol (_printk) plus a constant */
	SUT_REACH_ABSOLUTE, /* a constant that KASLR does not move (per-CPU offset) */
};

struct sut_place {
	enum sut_reach reach;
	uint64_t addr;	  /* link address, or the constant */
	const char *name; /* as the kernel calls it */
};

/* Something of this source file that the image has: by its proof.
 * -EKEYREJECTED when it could not be proven identical. */
int sut_resolve_atom(const struct sut_profile *p, const struct sut_unit *u,
		     const struct sut_atoms *orig, uint32_t atom, struct sut_place *ret,
		     struct sut_err *err) _must_check_;

/* A symbol defined elsewhere in the image, by name. -ENOENT, -ENOTUNIQ. */
int sut_resolve_name(const struct sut_profile *p, const char *name, struct sut_place *ret,
		     struct sut_err *err) _must_check_;

/* The symbol of the exact object that an atom of the section-wise original is;
 * 0 when there is none. */
uint32_t sut_exact_symbol(const struct sut_unit *u, const struct sut_atoms *orig, uint32_t atom);

/* The name kallsyms gives an address first: what the running kernel will call it. */
const char *sut_kernel_name(const struct sut_profile *p, uint64_t addr, const char *fallback);

#endif
