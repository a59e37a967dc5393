/* SPDX-License-Identifier: Apache-2.0 */
/* Kallsyms tables as the kernel's scripts/kallsyms would write them, for a few symbols. */
#ifndef SUTURE_TESTS_SAMPLE_KALLSYMS_H
#define SUTURE_TESTS_SAMPLE_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum sample_layout {
	SAMPLE_6_1,	 /* offsets first, then names */
	SAMPLE_6_1_SEQS, /* the same with the order by name behind the markers */
	SAMPLE_6_4,	 /* offsets behind the token index */
	SAMPLE_6_15,	 /* as 6.4, and no absolute per-CPU symbols */
};

struct sample_sym {
	const char *name; /* with the type letter in front */
	uint64_t addr;
};

#define SAMPLE_BASE 0xffffffff81000000ULL

/* Adds a section with some bytes before and behind the tables. Symbols ascend;
 * those below SAMPLE_BASE are absolute. */
void sample_kallsyms(struct sut_buf *out, enum sample_layout layout, const struct sample_sym *syms,
		     size_t n);

#endif
