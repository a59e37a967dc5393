// SPDX-License-Identifier: Apache-2.0
/*
 * library-inside PATCH LIBRARY CALL...: loads the library, applies the patch to this very process as the engine does to others (the
 * image, its relocations, the jumps), and prints what each call answers before and after. CALL is NAME=N for int NAME(int), or
 * NAME:N for const char *NAME(int). What suture-build makes is tried so without any rights.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "patch/container.h"
#include "patch/library.h"

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "library-inside: %s\n", what);
	exit(1);
}

static uint8_t *room(uint64_t near, size_t len)
{
	for (uint64_t d = 1 << 20; d < 1 << 30; d += 1 << 16) {
		void *p = mmap((void *)((near - d) & ~4095UL), len,
			       PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != MAP_FAILED)
			return p;
	}
	die("no room");
}

static void open_code(void *at)
{
	if (mprotect((void *)((uintptr_t)at & ~4095UL), 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		die("mprotect");
}

static void jump(uint8_t *from, const uint8_t *to)
{
	int32_t rel = (int32_t)(to - (from + 5));

	open_code(from);
	from[0] = 0xe9;
	memcpy(from + 1, &rel, 4);
}

static void check(const void *have, const void *want, size_t len, const char *name)
{
	if (!memcmp(have, want, len))
		return;
	fprintf(stderr, "library-inside: %s is not as shipped\n", name);
	exit(1);
}

static void relocate(const struct sut_library *l, uint8_t *at, uint64_t bias)
{
	for (size_t i = 0; i < l->nrelocs; i++) {
		const struct sut_library_reloc *r = &l->relocs[i];
		uint64_t s = (uint64_t)r->addend;
		int64_t rel;

		if (r->base == SUT_LIBRARY_TARGET)
			s += bias;
		else if (r->base == SUT_LIBRARY_IMAGE)
			s += (uint64_t)at;
		else
			s += (uint64_t)dlsym(RTLD_DEFAULT, l->imports[r->import].name);
		rel = (int64_t)(s - (uint64_t)(at + r->off));
		if (r->field == SUT_LIBRARY_ABS64)
			memcpy(at + r->off, &s, 8);
		else if (rel == (int32_t)rel)
			memcpy(at + r->off, &rel, 4);
		else
			die("a field out of reach");
	}
}

static void apply(const struct sut_library *l, uint64_t bias)
{
	uint8_t *at = room(bias, (l->mem_len + 8191) & ~4095UL);
	void (*frames)(void *) = dlsym(RTLD_DEFAULT, "__register_frame");

	memcpy(at, l->image, l->image_len);
	relocate(l, at, bias);
	if (l->frames && frames)
		frames(at + l->eh_frame_off);
	for (size_t i = 0; i < l->nranges; i++)
		check((void *)(bias + l->ranges[i].vaddr), l->ranges[i].bytes, l->ranges[i].size,
		      l->ranges[i].name);
	for (size_t i = 0; i < l->nfuncs; i++) {
		const struct sut_library_func *f = &l->funcs[i];
		uint8_t *entry = (uint8_t *)(bias + f->vaddr),
			*island = (uint8_t *)(bias + f->island);

		check(entry, f->bytes, f->span, f->name);
		if (f->redirect == SUT_LIBRARY_JUMP) {
			jump(entry + f->jump_off, at + f->new_off);
			continue;
		}
		check(island, f->island_bytes, 5, f->name);
		jump(island, at + f->new_off);
		open_code(entry);
		entry[f->jump_off] = 0xeb;
		entry[f->jump_off + 1] = (uint8_t)(island - (entry + f->jump_off + 2));
	}
}

static void call(void *h, const char *text)
{
	char name[256], kind;
	size_t n = strcspn(text, "=:");
	int argument;
	void *f;

	if (!text[n] || n >= sizeof(name))
		die("a call is NAME=N or NAME:N");
	memcpy(name, text, n);
	name[n] = 0;
	kind = text[n];
	argument = (int)strtol(text + n + 1, NULL, 10);
	f = dlsym(h, name);
	if (!f)
		die(name);
	if (kind == ':')
		printf("%s ", ((const char *(*)(int))f)(argument));
	else
		printf("%d ", ((int (*)(int))f)(argument));
}

static void call_all(void *h, char **calls)
{
	for (; *calls; calls++)
		call(h, *calls);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sut_err err = {0};
	struct sut_patch *p = NULL;
	struct sut_library *l = NULL;
	const struct sut_member *m;
	struct link_map *map = NULL;
	void *h, *copy;

	if (argc < 4)
		die("usage: library-inside PATCH LIBRARY CALL...");
	h = dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL);
	if (!h || dlinfo(h, RTLD_DI_LINKMAP, &map) || sut_patch_read(argv[1], &p, &err) < 0) {
		fprintf(stderr, "library-inside: %s\n", h ? err.msg : dlerror());
		return 1;
	}
	m = sut_patch_member(p, "library.bin");
	copy = m ? malloc(m->len) : NULL;
	if (!copy)
		die("the patch has no payload");
	memcpy(copy, m->data, m->len);
	if (sut_library_parse(copy, m->len, &l, &err) < 0) {
		fprintf(stderr, "library-inside: %s\n", err.msg);
		return 1;
	}
	call_all(h, argv + 3);
	apply(l, map->l_addr);
	call_all(h, argv + 3);
	sut_library_free(l);
	sut_patch_free(p);
	free(copy);
	return 0;
}
