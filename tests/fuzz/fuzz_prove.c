// SPDX-License-Identifier: Apache-2.0
/* prove/: an object of any kind against a small image of pseudo-random bytes. */
#include <string.h>

#include "fuzz.h"
#include "prove/prove_image.h"

enum { AREA = 4096 };

static const char *const names[] = {"f", "g", "table", "counter", "w", "_printk"};
static struct sut_ksym syms[2 * SUT_ARRAY_SIZE(names)];
static uint32_t order[SUT_ARRAY_SIZE(syms)];
static uint8_t area[AREA];

static size_t lookup(const void *ctx, const char *name, const uint32_t **ret)
{
	(void)ctx;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name))
			continue;
		*ret = &order[2 * i];
		return i % 2 + 1; /* some names are there twice */
	}
	return 0;
}

static const uint8_t *bytes(const void *ctx, uint64_t addr, size_t len)
{
	uint64_t off = addr >= SUT_IMAGE_START ? addr - SUT_IMAGE_START : addr;

	(void)ctx;
	return off < AREA && len <= AREA - off ? area + off : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sut_image image = {.syms = syms, .lookup = lookup, .bytes = bytes};
	_cleanup_(sut_object_freep) struct sut_object *o = NULL;
	_cleanup_(sut_unit_freep) struct sut_unit *u = NULL;

	if (!syms[0].name) {
		for (uint32_t i = 0; i < SUT_ARRAY_SIZE(syms); i++) {
			order[i] = i;
			syms[i] = (struct sut_ksym){.name = names[i / 2],
						    .type = i % 3 ? 'T' : 't',
						    .addr = SUT_IMAGE_START + 64 * i};
		}
		for (size_t i = 0; i < AREA; i++)
			area[i] = (uint8_t)(i * 7 % 31 ? 0 : i);
	}
	if (sut_object_parse(data, size, &o, NULL) < 0 || sut_prove_image(&image, o, &u, NULL) < 0)
		return 0;
	o = NULL; /* the unit's now */
	for (uint32_t i = 1; i < u->object->nsyms; i++) {
		char text[200];

		FUZZ_ASSERT(u->syms[i].proof != SUT_PROOF_DIFFERENT || !u->object->syms[i].size ||
			    u->syms[i].diff_offset < u->object->syms[i].size);
		sut_prove_image_explain(&image, u, i, text, sizeof(text));
	}
	return 0;
}
