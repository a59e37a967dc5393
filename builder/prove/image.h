/* SPDX-License-Identifier: Apache-2.0 */
/* What the proof needs of the shipped image; a profile has it, and so has the
 * small image of a test. */
#ifndef SUTURE_BUILDER_IMAGE_H
#define SUTURE_BUILDER_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "target/profile.h"

/* Below this lie per-CPU offsets and other values KASLR does not move, from
 * here on the image itself (x86-64: __START_KERNEL_map). */
#define SUT_IMAGE_START 0xffffffff80000000ULL

struct sut_image {
	const void *ctx;
	const struct sut_ksym *syms;
	/* as sut_profile_lookup() and sut_profile_bytes() */
	size_t (*lookup)(const void *ctx, const char *name, const uint32_t **ret);
	const uint8_t *(*bytes)(const void *ctx, uint64_t addr, size_t len);
};

struct sut_image sut_image_of(const struct sut_profile *p);

/*
 * The one address a global name has in the image. A name without a global
 * entry may have a single local one: hidden symbols become local at the final
 * link. -ENOENT, -ENOTUNIQ.
 */
int sut_image_global(const struct sut_image *i, const char *name, uint64_t *ret);

#endif
