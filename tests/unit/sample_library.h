/* SPDX-License-Identifier: Apache-2.0 */
/* A small well-formed payload of a library patch, with one of everything. */
#ifndef SUTURE_TESTS_SAMPLE_LIBRARY_H
#define SUTURE_TESTS_SAMPLE_LIBRARY_H

#include "patch/library.h"

enum {
	SAMPLE_LIBRARY_FUNCS = 2,
	SAMPLE_LIBRARY_RANGES = 3,
	SAMPLE_LIBRARY_RELOCS = 5,
	SAMPLE_LIBRARY_IMPORTS = 2,
	SAMPLE_LIBRARY_IMAGE = 4096 + 16,
};

/* What *l points to, so that a test can change it. Records are in the order of the file. */
struct sample_library {
	struct sut_library l;
	struct sut_library_func funcs[SAMPLE_LIBRARY_FUNCS];
	struct sut_library_range ranges[SAMPLE_LIBRARY_RANGES];
	struct sut_library_reloc relocs[SAMPLE_LIBRARY_RELOCS];
	struct sut_library_import imports[SAMPLE_LIBRARY_IMPORTS];
	uint8_t image[SAMPLE_LIBRARY_IMAGE];
};

/* s must stay where it is while it is used. */
void sample_library(struct sample_library *s);

#endif
