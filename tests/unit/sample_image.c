// SPDX-License-Identifier: Apache-2.0
#include "sample_image.h"

#include <stdlib.h>
#include <string.h>

void sample_sym(struct sample_image *s, const char *name, char type, uint64_t addr)
{
	if (s->n == SAMPLE_SYMS)
		abort();
	s->syms[s->n++] = (struct sut_ksym){.addr = addr, .name = name, .type = type};
}

static uint8_t *at(struct sample_image *s, uint64_t addr, size_t len)
{
	const struct {
		uint64_t addr;
		uint8_t *bytes;
	} areas[] = {{SAMPLE_TEXT, s->text}, {SAMPLE_DATA, s->data}, {SAMPLE_PERCPU, s->percpu}};

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		if (addr - areas[i].addr < SAMPLE_AREA &&
		    len <= SAMPLE_AREA - (addr - areas[i].addr))
			return areas[i].bytes + (addr - areas[i].addr);
	return NULL;
}

void sample_put(struct sample_image *s, uint64_t addr, const void *bytes, size_t len)
{
	uint8_t *p = at(s, addr, len);

	if (!p)
		abort();
	memcpy(p, bytes, len);
}

void sample_put_num(struct sample_image *s, uint64_t addr, unsigned int width, uint64_t v)
{
	sample_put(s, addr, &v, width); /* little-endian, as the target */
}

static size_t lookup(const void *ctx, const char *name, const uint32_t **ret)
{
	const struct sample_image *s = ctx;
	size_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		if (strcmp(s->syms[s->order[i]].name, name))
			continue;
		if (!n++)
			*ret = &s->order[i];
	}
	return n;
}

static const uint8_t *bytes(const void *ctx, uint64_t addr, size_t len)
{
	return at((struct sample_image *)ctx, addr, len);
}

struct sut_image sample_view(struct sample_image *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t k = i;

		/* insertion by name keeps symbols of one name together */
		for (; k && strcmp(s->syms[s->order[k - 1]].name, s->syms[i].name) > 0; k--)
			s->order[k] = s->order[k - 1];
		s->order[k] = i;
	}
	return (struct sut_image){.ctx = s, .syms = s->syms, .lookup = lookup, .bytes = bytes};
}
