// SPDX-License-Identifier: Apache-2.0
/* library/linked.h and library/slots.h: a linked file, its relocations, and the slots that they make. */
#include <string.h>

#include "fuzz.h"
#include "library/slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_linked *l = NULL;
	struct sut_lib_slot *v = NULL;
	size_t n = 0;

	if (sut_linked_parse(data, size, &l, NULL) < 0)
		return 0;
	for (size_t i = 0; i < l->nsyms; i++)
		FUZZ_ASSERT(!strchr(l->syms[i].name, '@') && l->syms[i].version);
	for (size_t i = 1; i < l->nrels; i++)
		FUZZ_ASSERT(l->rels[i - 1].vaddr <= l->rels[i].vaddr);
	if (sut_slots_read(l, &v, &n, NULL) == 0)
		for (size_t i = 0; i < n; i++) {
			const struct sut_lib_slot *s =
				sut_slots_find(v, n, v[i].kind, v[i].name, v[i].target);

			FUZZ_ASSERT(s && s <= &v[i] && !strcmp(s->name, v[i].name));
		}
	free(v);
	sut_linked_free(l);
	return 0;
}
