/* SPDX-License-Identifier: Apache-2.0 */
/* A small shipped image, made by hand: text, data and a per-CPU area, and symbols. */
#ifndef SUTURE_TESTS_SAMPLE_IMAGE_H
#define SUTURE_TESTS_SAMPLE_IMAGE_H

#include "prove/image.h"

#define SAMPLE_TEXT 0xffffffff81000000ULL
#define SAMPLE_DATA 0xffffffff82000000ULL
#define SAMPLE_PERCPU 0ULL /* offsets begin here */

enum { SAMPLE_AREA = 4096, SAMPLE_SYMS = 64 };

struct sample_image {
	uint8_t text[SAMPLE_AREA], data[SAMPLE_AREA], percpu[SAMPLE_AREA];
	struct sut_ksym syms[SAMPLE_SYMS];
	uint32_t order[SAMPLE_SYMS]; /* grouped by name */
	uint32_t n;
};

void sample_sym(struct sample_image *s, const char *name, char type, uint64_t addr);

/* Writes bytes, or the number v in width bytes, at an address. */
void sample_put(struct sample_image *s, uint64_t addr, const void *bytes, size_t len);
void sample_put_num(struct sample_image *s, uint64_t addr, unsigned int width, uint64_t v);

/* The image as the proof sees it; valid as long as *s and until symbols are added. */
struct sut_image sample_view(struct sample_image *s);

#endif
