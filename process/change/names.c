// SPDX-License-Identifier: Apache-2.0
#include "change/names.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "look/elf.h"
#include "look/symbol.h"

enum { SYMBOLS_MAX = 1 << 17, BATCH = 256 };

struct best {
	uint64_t addr;
	uint32_t name;
	bool any;
};

static void search(const struct proc *p, const struct symbol_object *o, uint64_t addr,
		   struct best *best)
{
	/* How many there are, is said nowhere; linkers put the names behind them. */
	uint64_t n = o->strtab > o->symtab ? (o->strtab - o->symtab) / sizeof(Elf64_Sym) : 0;
	Elf64_Sym batch[BATCH];

	if (n > SYMBOLS_MAX)
		n = SYMBOLS_MAX;
	for (uint64_t i = 0; i < n; i += BATCH) {
		size_t count = n - i < BATCH ? (size_t)(n - i) : BATCH;

		if (proc_read(p, o->symtab + i * sizeof(batch[0]), batch,
			      count * sizeof(batch[0])) < 0)
			return;
		for (size_t k = 0; k < count; k++) {
			uint64_t at = batch[k].st_value + o->bias;

			if (ELF64_ST_TYPE(batch[k].st_info) == STT_FUNC && batch[k].st_value &&
			    at <= addr && addr - at < batch[k].st_size)
				*best = (struct best){at, batch[k].st_name, true};
		}
	}
}

const char *names_of(const struct proc *p, uint64_t addr, char *out)
{
	struct elf_mem m = elf_mem_of(p);
	char name[NAMES_LEN - 32];

	snprintf(out, NAMES_LEN, "%#" PRIx64, addr);
	for (size_t i = 0; i < p->nelfs; i++) {
		const struct proc_elf *e = &p->elfs[i];
		struct symbol_object o;
		struct best best = {0};

		if (addr < e->low || addr >= e->high || !e->dynamic || symbol_object(&m, e, &o) < 0)
			continue;
		search(p, &o, addr, &best);
		if (!best.any || proc_read(p, o.strtab + best.name, name, sizeof(name)) < 0)
			continue;
		name[sizeof(name) - 1] = '\0';
		for (char *s = name; *s; s++)
			if (*s < ' ' || *s > '~')
				*s = '?';
		snprintf(out, NAMES_LEN, "%s+%#" PRIx64, name, addr - best.addr);
		break;
	}
	return out;
}
