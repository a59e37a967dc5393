// SPDX-License-Identifier: Apache-2.0
#include "patch/library_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* What may be asked for behind a function: the padding up to the next one. */
	PADDING_MAX = 64,
	JUMP_LEN = 5,
	SHORT_JUMP_LEN = 2,
};

/* User space ends here: four levels of page tables. */
#define VADDR_END (1ULL << 47)
#define ADDEND_MAX (1LL << 31)

bool sut_library_wrong(struct sut_library_fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return false;
}

bool sut_library_is_zero(const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static bool is_name(const char *s, bool may_be_empty)
{
	size_t n = strnlen(s, SUT_LIBRARY_NAME_MAX);

	if (n == SUT_LIBRARY_NAME_MAX || (n == 0 && !may_be_empty))
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

static uint64_t page_up(uint64_t n)
{
	return (n + SUT_LIBRARY_PAGE - 1) & ~(uint64_t)(SUT_LIBRARY_PAGE - 1);
}

static bool check_frames(const struct sut_library *l, struct sut_library_fault *f)
{
	uint64_t off = l->eh_frame_off, end = off + l->eh_frame_len;
	uint32_t n = 1;

	if (l->eh_frame_len == 0) {
		if (off || l->frames)
			return sut_library_wrong(f, "unwind tables are announced and not there");
		return true;
	}
	if (off < l->head_len || end > l->exec_len || off % 4)
		return sut_library_wrong(f, "the unwind tables lie outside of the executable part");
	/* As an unwinder walks them: it trusts every length, up to the zero word. */
	while (n != 0 && end - off >= sizeof(n)) {
		memcpy(&n, l->image + off, sizeof(n));
		off += sizeof(n);
		if (n == UINT32_MAX || n > end - off)
			return sut_library_wrong(f,
						 "an entry of the unwind tables passes their end");
		off += n;
	}
	if (off != end || n != 0)
		return sut_library_wrong(f,
					 "the unwind tables do not end with their only zero word");
	return true;
}

static bool check_image(const struct sut_library *l, struct sut_library_fault *f)
{
	if (l->head_len != sut_library_head_len(l->nfuncs))
		return sut_library_wrong(f, "the room for the record is %u bytes; %u are needed",
					 l->head_len, sut_library_head_len(l->nfuncs));
	if (l->mem_len > SUT_LIBRARY_IMAGE_MAX)
		return sut_library_wrong(f, "the image has more than %d bytes",
					 SUT_LIBRARY_IMAGE_MAX);
	if (l->exec_len <= l->head_len || l->exec_len > l->image_len)
		return sut_library_wrong(f, "the executable part is empty or passes the image");
	if (l->data_off != page_up(l->exec_len) || l->mem_len < l->data_off)
		return sut_library_wrong(f, "the data do not begin with the page behind the code");
	if (l->image_len != l->exec_len &&
	    (l->image_len < l->data_off || l->image_len > l->mem_len))
		return sut_library_wrong(f, "the image ends between its parts");
	if (!sut_library_is_zero(l->image, l->head_len))
		return sut_library_wrong(f, "the room for the record is not empty");
	if (l->image_len > l->exec_len &&
	    !sut_library_is_zero(l->image + l->exec_len, l->data_off - l->exec_len))
		return sut_library_wrong(f, "there are bytes between the parts of the image");
	return check_frames(l, f);
}

static bool check_redirect(const struct sut_library_func *x, struct sut_library_fault *f)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	bool endbr = x->span >= sizeof(endbr64) && memcmp(x->bytes, endbr64, sizeof(endbr64)) == 0;
	uint32_t len = x->redirect == SUT_LIBRARY_ISLAND ? SHORT_JUMP_LEN : JUMP_LEN;
	int64_t rel;

	if (x->redirect != SUT_LIBRARY_JUMP && x->redirect != SUT_LIBRARY_ISLAND)
		return sut_library_wrong(f, "%s has an unknown kind of redirect", x->name);
	if (x->jump_off != (endbr ? sizeof(endbr64) : 0))
		return sut_library_wrong(
			f, "the jump of %s is not behind its endbr64, or at its first byte",
			x->name);
	if (x->jump_off + len > x->span)
		return sut_library_wrong(f, "the jump of %s passes the bytes that are known",
					 x->name);
	if (x->redirect == SUT_LIBRARY_JUMP) {
		if (x->island || !sut_library_is_zero(x->island_bytes, sizeof(x->island_bytes)))
			return sut_library_wrong(f, "%s has an island that it does not use",
						 x->name);
		return true;
	}
	if (x->island == 0 || x->island > VADDR_END - JUMP_LEN)
		return sut_library_wrong(f, "the island of %s is no address", x->name);
	rel = (int64_t)(x->island - (x->vaddr + x->jump_off + SHORT_JUMP_LEN));
	if (rel < INT8_MIN || rel > INT8_MAX)
		return sut_library_wrong(f, "the island of %s is too far away", x->name);
	return true;
}

static bool check_func(const struct sut_library *l, const struct sut_library_func *x,
		       struct sut_library_fault *f)
{
	if (!is_name(x->name, false))
		return sut_library_wrong(f, "a function has no name that a symbol can have");
	if (x->size == 0 || x->size > SUT_LIBRARY_FUNC_MAX)
		return sut_library_wrong(f, "the size of %s is 0 or over the limit", x->name);
	if (x->span < x->size || x->span - x->size > PADDING_MAX)
		return sut_library_wrong(f, "%s is shorter or much longer than its bytes", x->name);
	if (x->vaddr == 0 || x->vaddr > VADDR_END - x->span)
		return sut_library_wrong(f, "%s does not lie at an address", x->name);
	if (x->new_size == 0 || x->new_size > SUT_LIBRARY_FUNC_MAX || x->new_off < l->head_len ||
	    (uint64_t)x->new_off + x->new_size > l->exec_len)
		return sut_library_wrong(f, "the new %s lies outside of the executable part",
					 x->name);
	return check_redirect(x, f);
}

static bool check_range(const struct sut_library_range *x, struct sut_library_fault *f)
{
	if (!is_name(x->name, false))
		return sut_library_wrong(f, "a range has no name that a symbol can have");
	if (x->size == 0 || x->size > SUT_LIBRARY_IMAGE_MAX)
		return sut_library_wrong(f, "the size of %s is 0 or over the limit", x->name);
	if (x->vaddr > VADDR_END - x->size)
		return sut_library_wrong(f, "%s does not lie at an address", x->name);
	if (x->kind < SUT_LIBRARY_CHILD || x->kind > SUT_LIBRARY_CHECK)
		return sut_library_wrong(f, "the range %s is of an unknown kind", x->name);
	return true;
}

struct extent {
	uint64_t start, end;
	const char *name;
};

static int by_start(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Bytes that belong to two places would be checked, switched or put back twice. 1 good, 0 not, -ENOMEM. */
static int check_overlap(const struct sut_library *l, struct sut_library_fault *f)
{
	_cleanup_(sut_freep) struct extent *v = calloc(2 * l->nfuncs + l->nranges, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < l->nfuncs; i++) {
		const struct sut_library_func *x = &l->funcs[i];

		v[n++] = (struct extent){x->vaddr, x->vaddr + x->span, x->name};
		if (x->island)
			v[n++] = (struct extent){x->island, x->island + JUMP_LEN, x->name};
	}
	for (size_t i = 0; i < l->nranges; i++)
		v[n++] = (struct extent){l->ranges[i].vaddr, l->ranges[i].vaddr + l->ranges[i].size,
					 l->ranges[i].name};
	qsort(v, n, sizeof(*v), by_start);
	for (size_t i = 1; i < n; i++)
		if (v[i].start < v[i - 1].end) {
			sut_library_wrong(f, "%.200s and %.200s share bytes", v[i - 1].name,
					  v[i].name);
			return 0;
		}
	return 1;
}

static bool check_reloc(const struct sut_library *l, const struct sut_library_reloc *x, bool *used,
			struct sut_library_fault *f)
{
	uint64_t end = (uint64_t)x->off + (x->field == SUT_LIBRARY_ABS64 ? 8 : 4);
	int64_t max = x->base == SUT_LIBRARY_TARGET ? (int64_t)VADDR_END : ADDEND_MAX;

	if (x->field != SUT_LIBRARY_ABS64 && x->field != SUT_LIBRARY_PC32)
		return sut_library_wrong(f, "the relocation at %#x is of an unknown kind", x->off);
	if (x->base < SUT_LIBRARY_TARGET || x->base > SUT_LIBRARY_IMPORT)
		return sut_library_wrong(f, "the relocation at %#x has an unknown base", x->off);
	if (!(x->off >= l->head_len && end <= l->exec_len) &&
	    !(x->off >= l->data_off && end <= l->image_len))
		return sut_library_wrong(f, "the relocation at %#x lies outside of code and data",
					 x->off);
	if (x->addend < -ADDEND_MAX || x->addend > max)
		return sut_library_wrong(
			f, "the relocation at %#x leads out of what can be reached", x->off);
	if (x->base != SUT_LIBRARY_IMPORT) {
		if (x->import)
			return sut_library_wrong(
				f, "the relocation at %#x names an import that it does not use",
				x->off);
		return true;
	}
	if (x->import >= l->nimports)
		return sut_library_wrong(
			f, "the relocation at %#x uses an import that is not there", x->off);
	used[x->import] = true;
	return true;
}

static int by_import(const void *a, const void *b)
{
	const struct sut_library_import *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->version, y->version);
}

/* Relocations, and that each import is used by one and there once. As check_overlap(). */
static int check_relocs(const struct sut_library *l, struct sut_library_fault *f)
{
	_cleanup_(sut_freep) bool *used = calloc(l->nimports + 1, sizeof(*used));
	_cleanup_(sut_freep) struct sut_library_import *v = calloc(l->nimports + 1, sizeof(*v));

	if (!used || !v)
		return -ENOMEM;
	for (size_t i = 0; i < l->nrelocs; i++) {
		const struct sut_library_reloc *x = &l->relocs[i];

		if (!check_reloc(l, x, used, f))
			return 0;
		if (i > 0 && x->off < x[-1].off + (x[-1].field == SUT_LIBRARY_ABS64 ? 8 : 4)) {
			sut_library_wrong(f, "the relocations at %#x and %#x share bytes",
					  x[-1].off, x->off);
			return 0;
		}
	}
	for (size_t i = 0; i < l->nimports; i++) {
		if (!is_name(l->imports[i].name, false) || !is_name(l->imports[i].version, true)) {
			sut_library_wrong(f, "an import has no name that a symbol can have");
			return 0;
		}
		if (!used[i]) {
			sut_library_wrong(f, "the import %s is used by nothing",
					  l->imports[i].name);
			return 0;
		}
		v[i] = l->imports[i];
	}
	qsort(v, l->nimports, sizeof(*v), by_import);
	for (size_t i = 1; i < l->nimports; i++)
		if (by_import(&v[i - 1], &v[i]) == 0) {
			sut_library_wrong(f, "the import %s is there twice", v[i].name);
			return 0;
		}
	return 1;
}

int sut_library_check(const struct sut_library *l, struct sut_library_fault *f)
{
	int r;

	if (sut_library_is_zero(l->build_id, sizeof(l->build_id)))
		return sut_library_wrong(f, "it names no build-id");
	if (l->nfuncs == 0 || l->nfuncs > SUT_LIBRARY_FUNCS_MAX)
		return sut_library_wrong(f, "%zu functions (1 to %d are possible)", l->nfuncs,
					 SUT_LIBRARY_FUNCS_MAX);
	if (l->nranges > SUT_LIBRARY_RANGES_MAX || l->nrelocs > SUT_LIBRARY_RELOCS_MAX ||
	    l->nimports > SUT_LIBRARY_IMPORTS_MAX)
		return sut_library_wrong(f, "more ranges, relocations or imports than the limit");
	if (!check_image(l, f))
		return 0;
	for (size_t i = 0; i < l->nfuncs; i++) {
		if (!check_func(l, &l->funcs[i], f))
			return 0;
		if (i > 0 && l->funcs[i - 1].vaddr >= l->funcs[i].vaddr)
			return sut_library_wrong(f, "%s is not in the order of addresses",
						 l->funcs[i].name);
	}
	for (size_t i = 0; i < l->nranges; i++) {
		if (!check_range(&l->ranges[i], f))
			return 0;
		if (i > 0 && l->ranges[i - 1].vaddr >= l->ranges[i].vaddr)
			return sut_library_wrong(f, "%s is not in the order of addresses",
						 l->ranges[i].name);
	}
	r = check_overlap(l, f);
	return r == 1 ? check_relocs(l, f) : r;
}
