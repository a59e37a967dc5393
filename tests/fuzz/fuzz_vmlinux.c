// SPDX-License-Identifier: Apache-2.0
/* The ELF file of a kernel, and a module's tags. */
#include <string.h>

#include "fuzz.h"
#include "target/modinfo.h"
#include "target/vmlinux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *tag = sut_modinfo_get(data, len, "vermagic");
	struct sut_vmlinux v = {0};

	if (tag)
		FUZZ_ASSERT((const uint8_t *)tag + strlen(tag) < data + len);
	if (sut_vmlinux_parse(data, len, &v, NULL) < 0)
		return 0;
	for (size_t i = 0; i < v.n; i++) {
		const struct sut_vmlinux_section *s = &v.sections[i];
		const uint8_t *p;

		FUZZ_ASSERT(strlen(s->name) < len);
		if (s->data)
			FUZZ_ASSERT(s->data >= data && s->data + s->size <= data + len);
		p = sut_vmlinux_bytes(&v, s->addr, 1);
		FUZZ_ASSERT(!p || (p >= data && p < data + len));
		FUZZ_ASSERT(!sut_vmlinux_bytes(&v, s->addr, len + 1));
	}
	sut_vmlinux_release(&v);
	return 0;
}
