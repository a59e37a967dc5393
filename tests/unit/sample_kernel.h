/* SPDX-License-Identifier: Apache-2.0 */
/* A small ELF file such as the one inside a kernel image, and a bzImage around it. */
#ifndef SUTURE_TESTS_SAMPLE_KERNEL_H
#define SUTURE_TESTS_SAMPLE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct sample_section {
	const char *name;
	uint32_t type; /* SHT_* */
	uint64_t flags;
	uint64_t addr;
	const void *data; /* NULL with SHT_NOBITS */
	uint64_t size;
};

/* The build-id note of 20 bytes 1, 2, 3 … */
extern const uint8_t sample_notes[36];

void sample_elf(struct sut_buf *out, const struct sample_section *s, size_t n);

/* Puts data, compressed by the libarchive filter of that name, into a bzImage. */
void sample_bzimage(struct sut_buf *out, const char *filter, const void *data, size_t len);

#endif
