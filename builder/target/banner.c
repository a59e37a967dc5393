// SPDX-License-Identifier: Apache-2.0
#include "target/banner.h"

#include <string.h>

bool sut_profile_banner(const struct sut_profile *p, char *ret, size_t size)
{
	static const char begin[] = "Linux version ";
	const struct sut_ksym *s;
	const uint8_t *data, *end;
	const uint32_t *idx;
	size_t len;

	if (sut_profile_lookup(p, "linux_banner", &idx) != 1)
		return false;
	s = &p->syms[*idx];
	/* What follows in the section belongs to the symbol too, as far as kallsyms can tell. */
	len = s->size < size ? s->size : size;
	data = sut_profile_bytes(p, s->addr, len);
	end = data ? memchr(data, '\n', len) : NULL;
	if (!end)
		return false;
	len = (size_t)(end - data);
	if (len < sizeof(begin) || memcmp(data, begin, sizeof(begin) - 1) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (data[i] < ' ' || data[i] > '~')
			return false;
	memcpy(ret, data, len);
	ret[len] = 0;
	return true;
}
