// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at a library target as the differ does:
 *
 *   library-check CACHE TARGET FILE              its promises, and every recorded compilation once more: the same object
 *   library-check CACHE TARGET FILE SOURCE TEXT OUTPUT   compiles SOURCE with another text
 */
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "elf/object.h"
#include "library/profile.h"

static int failures;

static _printf_(1, 2) void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	failures++;
}

static void check_symbols(const struct sut_lib_profile *p)
{
	for (size_t i = 0; i < p->nsyms; i++) {
		const struct sut_lib_sym *s = &p->syms[i], *at;
		const uint32_t *v;
		size_t n = sut_lib_profile_lookup(p, s->name, &v);
		bool found = false;
		uint64_t off;

		for (size_t k = 0; k < n; k++)
			found |= v[k] == i;
		if (!found)
			wrong("%s is not found by its name", s->name);
		if (s->type != STT_FUNC || !s->size)
			continue;
		at = sut_lib_profile_at(p, s->vaddr + s->size - 1);
		if (!at || at->vaddr > s->vaddr + s->size - 1)
			wrong("%s is not found by its address", s->name);
		if (s->proven != sut_lib_profile_same(p, s->vaddr, s->size, &off))
			wrong("%s: proven or not?", s->name);
		if (s->proven &&
		    memcmp(sut_lib_profile_bytes(p, s->vaddr, s->size),
			   sut_lib_profile_rebuilt(p, s->vaddr, s->size), s->size) != 0)
			wrong("%s is not the same", s->name);
	}
}

static void check_slots(const struct sut_lib_profile *p)
{
	for (size_t i = 0; i < p->nslots; i++) {
		const struct sut_lib_slot *s = &p->slots[i];
		const struct sut_lib_slot *f = sut_lib_profile_slot(p, s->kind, s->name, s->target);

		if (!f || !sut_streq(f->name, s->name))
			wrong("the slot of %s is not found", s->name);
		if (s->kind == SUT_LIB_SLOT_PLT && !sut_lib_profile_bytes(p, s->vaddr, 6))
			wrong("the stub of %s is nowhere", s->name);
	}
}

static const struct sut_section *nth(const struct sut_object *o, const char *name, uint32_t n)
{
	for (uint32_t i = 1; i < o->nsections; i++)
		if (sut_streq(o->sections[i].name, name) && !n--)
			return &o->sections[i];
	return NULL;
}

/* What the object has there is in the file, but for what the linker filled in or rewrote. */
static void check_placed(const struct sut_lib_profile *p, const struct sut_lib_object *o)
{
	_cleanup_(sut_object_freep) struct sut_object *e = NULL;
	struct sut_err err = {0};

	if (sut_object_read(o->path, &e, &err) < 0) {
		wrong("%s: %s", o->path, err.msg);
		return;
	}
	for (size_t i = 0; i < o->nplaced; i++) {
		const struct sut_lib_placed *w = &o->placed[i];
		const struct sut_section *s = nth(e, w->name, w->nth);
		const uint8_t *b = sut_lib_profile_rebuilt(p, w->vaddr, w->size);
		size_t differ = 0, r = 0;

		if (!s || s->size != w->size) {
			wrong("%s: %s is not in the object", o->source, w->name);
			continue;
		}
		for (size_t k = 0; b && s->data && k < s->size; k++) {
			while (r < s->nrelas && s->relas[r].offset + 8 <= k)
				r++;
			/* Three bytes before a field may be an instruction that was relaxed. */
			differ += b[k] != s->data[k] &&
				  (r >= s->nrelas || k + 4 < s->relas[r].offset);
		}
		if (differ && s->type != SHT_NOBITS)
			wrong("%s: %zu bytes of %s are not there", o->source, differ, w->name);
	}
}

static bool same_file(const char *a, const char *b)
{
	_cleanup_buf_ struct sut_buf x = SUT_BUF_INIT(64 << 20), y = SUT_BUF_INIT(64 << 20);

	return sut_file_read(a, &x, NULL) == 0 && sut_file_read(b, &y, NULL) == 0 &&
	       x.len == y.len && !memcmp(x.data, y.data, x.len);
}

static void check_compile(const struct sut_lib_profile *p, const char *dir)
{
	for (size_t i = 0; i < p->nobjects; i++) {
		const struct sut_lib_object *o = &p->objects[i];
		_cleanup_(sut_freep) char *out = sut_sprintf("%s/%zu.o", dir, i);
		struct sut_lib_compile c = {.object = o, .output = out};
		struct sut_err err = {0};
		bool own = false;

		check_placed(p, o);
		if (!*o->source)
			continue;
		for (const char *const *d = o->deps; *d; d++)
			own |= sut_streq(*d, o->source);
		if (!own)
			wrong("%s does not depend on itself", o->source);
		if (sut_lib_compile_run(p, &c, 1, &err) < 0)
			wrong("%s: %s", o->source, err.msg);
		else if (!same_file(out, o->path))
			wrong("%s: compiled once more it is another object", o->source);
		printf("%s: %zu sections, compiled once more in %.1f s\n", o->source, o->nplaced,
		       c.seconds);
	}
}

static int compile_with(const struct sut_lib_profile *p, char **argv)
{
	const struct sut_lib_overlay v = {argv[0], argv[1]};
	struct sut_err err = {0};

	for (size_t i = 0; i < p->nobjects; i++) {
		struct sut_lib_compile c = {
			.object = &p->objects[i],
			.overlays = &v,
			.noverlays = 1,
			.extra = (const char *const[]){"-ffunction-sections", NULL},
			.output = argv[2]};

		for (const char *const *d = p->objects[i].deps; *d; d++) {
			if (!sut_streq(*d, argv[0]))
				continue;
			if (sut_lib_compile_run(p, &c, 1, &err) == 0)
				return 0;
			printf("%s\n", err.msg);
			return 1;
		}
	}
	printf("nothing is made from %s\n", argv[0]);
	return 1;
}

int main(int argc, char **argv)
{
	_cleanup_(sut_lib_profile_freep) struct sut_lib_profile *p = NULL;
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};

	if (argc != 4 && argc != 7)
		return 2;
	if (sut_lib_profile_open(argv[1], argv[2], argv[3], &p, &err) < 0 ||
	    sut_tmpdir("library-check", &dir, &err) < 0) {
		printf("%s\n", err.msg);
		return 1;
	}
	if (argc == 7) {
		(void)!sut_rm_rf(dir, NULL);
		return compile_with(p, argv + 4);
	}
	check_symbols(p);
	check_slots(p);
	check_compile(p, dir);
	(void)!sut_rm_rf(dir, NULL);
	return failures > 0;
}
