// SPDX-License-Identifier: Apache-2.0
/*
 * look/elf.h, look/symbol.h: the memory of a hostile process. The input is one mapped file; the first 16 bytes say which of its pages
 * are mapped where, and what is asked for.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "look/symbol.h"

enum { HEAD = 16, MAPS = 4, READS_MAX = 2000000 };

static const uint64_t base = 0x400000;

struct memory {
	const uint8_t *data;
	size_t size;
	const struct proc_map *maps;
	size_t nmaps;
	size_t reads;
};

static int read_memory(const void *ctx, uint64_t addr, void *buf, size_t len)
{
	struct memory *m = (struct memory *)(uintptr_t)ctx;

	/* Whatever is read, it comes to an end. */
	FUZZ_ASSERT(++m->reads < READS_MAX && len <= 1 << 20);
	for (size_t i = 0; i < m->nmaps; i++) {
		const struct proc_map *p = &m->maps[i];
		uint64_t off;

		if (addr < p->start || addr >= p->end || len > p->end - addr)
			continue;
		off = p->offset + (addr - p->start);
		memset(buf, 0, len);
		if (off < m->size)
			memcpy(buf, m->data + off, len < m->size - off ? len : m->size - off);
		return 0;
	}
	return -EFAULT;
}

struct seen {
	struct proc_elf v[MAPS];
	size_t n;
};

static bool take(void *ctx, const struct proc_elf *e)
{
	struct seen *s = ctx;

	FUZZ_ASSERT(s->n < MAPS);
	FUZZ_ASSERT(e->low < e->high && e->text < e->text_end && e->low <= e->text &&
		    e->text_end <= e->high && e->high <= UINT64_C(0x7ffffffff000));
	FUZZ_ASSERT(!e->dynamic || (e->dynamic >= e->low && e->dynamic < e->high));
	FUZZ_ASSERT(!e->data_end || (e->data_end > e->low && e->data_end <= e->high));
	s->v[s->n++] = *e;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"f", "memcpy", "_r_debug", "a_longer_name"};
	static const char *const versions[] = {"", "V1", "GLIBC_2.14"};
	struct proc_map maps[MAPS] = {0};
	struct symbol_object *scope = NULL;
	struct seen s = {.n = 0};
	struct elf_mem m;
	struct memory mem;
	uint64_t at = base;
	size_t n;

	if (size < HEAD)
		return 0;
	for (size_t i = 0; i < MAPS; i++) {
		const uint8_t *h = data + 3 * i;

		at += (uint64_t)(h[0] & 3) << 12;
		maps[i] = (struct proc_map){.start = at,
					    .end = at + ((uint64_t)(1 + (h[1] & 7)) << 12),
					    .offset = (uint64_t)(h[0] >> 2 & 15) << 12,
					    .ino = h[2] & 3 ? 1 : 0,
					    .r = !(h[2] & 4),
					    .w = h[2] & 8,
					    .x = h[2] & 16};
		at = maps[i].end;
	}
	mem = (struct memory){data + HEAD, size - HEAD, maps, MAPS, 0};
	m = (struct elf_mem){read_memory, &mem};
	elf_each(&m, maps, MAPS, take, &s);
	for (size_t i = 0; i < s.n; i++) {
		struct symbol_object o;
		const char *name = names[data[12] % SUT_ARRAY_SIZE(names)];
		const char *version = versions[data[13] % SUT_ARRAY_SIZE(versions)];
		struct symbol sym;
		uint64_t v;

		if (symbol_object(&m, &s.v[i], &o) < 0)
			continue;
		(void)!symbol_find(&m, &o, name, version, &sym);
		if (symbol_slot(&m, &o, &o, name, version, &v) == 0)
			FUZZ_ASSERT(v >= o.low && v < o.high);
		if (symbol_scope(&m, s.v, s.n, s.v[i].dynamic, i & 1, &scope, &n, NULL) == 0) {
			FUZZ_ASSERT(n >= 1 && n <= s.n);
			free(scope);
		}
	}
	return 0;
}
