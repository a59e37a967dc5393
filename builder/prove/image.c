// SPDX-License-Identifier: Apache-2.0
#include "prove/image.h"

#include <errno.h>

static size_t lookup(const void *ctx, const char *name, const uint32_t **ret)
{
	return sut_profile_lookup(ctx, name, ret);
}

static const uint8_t *bytes(const void *ctx, uint64_t addr, size_t len)
{
	return sut_profile_bytes(ctx, addr, len);
}

struct sut_image sut_image_of(const struct sut_profile *p)
{
	return (struct sut_image){.ctx = p, .syms = p->syms, .lookup = lookup, .bytes = bytes};
}

int sut_image_global(const struct sut_image *i, const char *name, uint64_t *ret)
{
	const uint32_t *idx;
	size_t n = i->lookup(i->ctx, name, &idx), globals = 0;
	const struct sut_ksym *hit = NULL;

	for (size_t k = 0; k < n; k++) {
		const struct sut_ksym *s = &i->syms[idx[k]];

		if (s->type < 'A' || s->type > 'Z')
			continue;
		/* the same symbol may be listed twice */
		if (!hit || hit->addr != s->addr)
			globals++;
		hit = s;
	}
	if (!globals && n == 1)
		hit = &i->syms[idx[0]];
	if (!hit)
		return n ? -ENOTUNIQ : -ENOENT;
	if (globals > 1)
		return -ENOTUNIQ;
	*ret = hit->addr;
	return 0;
}
