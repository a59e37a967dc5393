// SPDX-License-Identifier: Apache-2.0
#include "patch/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "SUTULIB1"

enum {
	VERSION = 1,
	MACHINE = 62, /* EM_X86_64 */
	FLAG_FRAMES = 1,
	/* What may be asked for behind a function: the padding up to the next one. */
	PADDING_MAX = 64,
	JUMP_LEN = 5,
	SHORT_JUMP_LEN = 2,
};

/* User space ends here: four levels of page tables. */
#define VADDR_END (1ULL << 47)
#define ADDEND_MAX (1LL << 31)

struct wire_head {
	char magic[8];
	uint32_t version, machine;
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	uint32_t flags, nfuncs, nranges, nrelocs, nimports, bytes_len, names_len;
	uint32_t head_len, exec_len, data_off, image_len, mem_len, eh_frame_off, eh_frame_len;
	uint8_t zero[36];
};

struct wire_func {
	uint64_t vaddr;
	uint32_t size, span, bytes, redirect, jump_off, new_off, new_size, name;
	uint64_t island;
	uint8_t island_bytes[5], zero[43];
};

struct wire_range {
	uint64_t vaddr;
	uint32_t size, bytes, name, kind;
	uint8_t zero[8];
};

struct wire_reloc {
	uint32_t off;
	uint8_t field, base;
	uint16_t zero1;
	uint32_t import, zero2;
	int64_t addend;
};

struct wire_import {
	uint32_t name, version, weak, zero;
};

_Static_assert(sizeof(struct wire_head) == 128, "no padding");
_Static_assert(sizeof(struct wire_func) == 96, "no padding");
_Static_assert(sizeof(struct wire_range) == 32, "no padding");
_Static_assert(sizeof(struct wire_reloc) == 24, "no padding");
_Static_assert(sizeof(struct wire_import) == 16, "no padding");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "payloads are little-endian");

uint32_t sut_library_head_len(size_t n)
{
	_Static_assert(SUT_LIBRARY_HEAD % 64 == 0 && SUT_LIBRARY_HEAD_FUNC % 64 == 0,
		       "the sum is a multiple of 64");
	return (uint32_t)(SUT_LIBRARY_HEAD + n * SUT_LIBRARY_HEAD_FUNC);
}

/* ------------------------------------------------------------------ */
/* What both sides hold to be well formed.                             */

/* What is wrong, as one sentence without its beginning and end. */
struct fault {
	char text[SUT_LIBRARY_NAME_MAX + 192];
};

static bool wrong(struct fault *f, const char *fmt, ...) _printf_(2, 3);

/* Always false, so that a check can end with it. */
static bool wrong(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return false;
}

static bool is_zero(const void *data, size_t len)
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

static bool check_frames(const struct sut_library *l, struct fault *f)
{
	uint64_t off = l->eh_frame_off, end = off + l->eh_frame_len;
	uint32_t n = 1;

	if (l->eh_frame_len == 0) {
		if (off || l->frames)
			return wrong(f, "unwind tables are announced and not there");
		return true;
	}
	if (off < l->head_len || end > l->exec_len || off % 4)
		return wrong(f, "the unwind tables lie outside of the executable part");
	/* As an unwinder walks them: it trusts every length, up to the zero word. */
	while (n != 0 && end - off >= sizeof(n)) {
		memcpy(&n, l->image + off, sizeof(n));
		off += sizeof(n);
		if (n == UINT32_MAX || n > end - off)
			return wrong(f, "an entry of the unwind tables passes their end");
		off += n;
	}
	if (off != end || n != 0)
		return wrong(f, "the unwind tables do not end with their only zero word");
	return true;
}

static bool check_image(const struct sut_library *l, struct fault *f)
{
	if (l->head_len != sut_library_head_len(l->nfuncs))
		return wrong(f, "the room for the record is %u bytes; %u are needed", l->head_len,
			     sut_library_head_len(l->nfuncs));
	if (l->mem_len > SUT_LIBRARY_IMAGE_MAX)
		return wrong(f, "the image has more than %d bytes", SUT_LIBRARY_IMAGE_MAX);
	if (l->exec_len <= l->head_len || l->exec_len > l->image_len)
		return wrong(f, "the executable part is empty or passes the image");
	if (l->data_off != page_up(l->exec_len) || l->mem_len < l->data_off)
		return wrong(f, "the data do not begin with the page behind the code");
	if (l->image_len != l->exec_len &&
	    (l->image_len < l->data_off || l->image_len > l->mem_len))
		return wrong(f, "the image ends between its parts");
	if (!is_zero(l->image, l->head_len))
		return wrong(f, "the room for the record is not empty");
	if (l->image_len > l->exec_len &&
	    !is_zero(l->image + l->exec_len, l->data_off - l->exec_len))
		return wrong(f, "there are bytes between the parts of the image");
	return check_frames(l, f);
}

static bool check_redirect(const struct sut_library_func *x, struct fault *f)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	bool endbr = x->span >= sizeof(endbr64) && memcmp(x->bytes, endbr64, sizeof(endbr64)) == 0;
	uint32_t len = x->redirect == SUT_LIBRARY_ISLAND ? SHORT_JUMP_LEN : JUMP_LEN;
	int64_t rel;

	if (x->redirect != SUT_LIBRARY_JUMP && x->redirect != SUT_LIBRARY_ISLAND)
		return wrong(f, "%s has an unknown kind of redirect", x->name);
	if (x->jump_off != (endbr ? sizeof(endbr64) : 0))
		return wrong(f, "the jump of %s is not behind its endbr64, or at its first byte",
			     x->name);
	if (x->jump_off + len > x->span)
		return wrong(f, "the jump of %s passes the bytes that are known", x->name);
	if (x->redirect == SUT_LIBRARY_JUMP) {
		if (x->island || !is_zero(x->island_bytes, sizeof(x->island_bytes)))
			return wrong(f, "%s has an island that it does not use", x->name);
		return true;
	}
	if (x->island == 0 || x->island > VADDR_END - JUMP_LEN)
		return wrong(f, "the island of %s is no address", x->name);
	rel = (int64_t)(x->island - (x->vaddr + x->jump_off + SHORT_JUMP_LEN));
	if (rel < INT8_MIN || rel > INT8_MAX)
		return wrong(f, "the island of %s is too far away", x->name);
	return true;
}

static bool check_func(const struct sut_library *l, const struct sut_library_func *x,
		       struct fault *f)
{
	if (!is_name(x->name, false))
		return wrong(f, "a function has no name that a symbol can have");
	if (x->size == 0 || x->size > SUT_LIBRARY_FUNC_MAX)
		return wrong(f, "the size of %s is 0 or over the limit", x->name);
	if (x->span < x->size || x->span - x->size > PADDING_MAX)
		return wrong(f, "%s is shorter or much longer than its bytes", x->name);
	if (x->vaddr == 0 || x->vaddr > VADDR_END - x->span)
		return wrong(f, "%s does not lie at an address", x->name);
	if (x->new_size == 0 || x->new_size > SUT_LIBRARY_FUNC_MAX || x->new_off < l->head_len ||
	    (uint64_t)x->new_off + x->new_size > l->exec_len)
		return wrong(f, "the new %s lies outside of the executable part", x->name);
	return check_redirect(x, f);
}

static bool check_range(const struct sut_library_range *x, struct fault *f)
{
	if (!is_name(x->name, false))
		return wrong(f, "a range has no name that a symbol can have");
	if (x->size == 0 || x->size > SUT_LIBRARY_IMAGE_MAX)
		return wrong(f, "the size of %s is 0 or over the limit", x->name);
	if (x->vaddr > VADDR_END - x->size)
		return wrong(f, "%s does not lie at an address", x->name);
	if (x->kind < SUT_LIBRARY_CHILD || x->kind > SUT_LIBRARY_CHECK)
		return wrong(f, "the range %s is of an unknown kind", x->name);
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
static int check_overlap(const struct sut_library *l, struct fault *f)
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
			wrong(f, "%.200s and %.200s share bytes", v[i - 1].name, v[i].name);
			return 0;
		}
	return 1;
}

static bool check_reloc(const struct sut_library *l, const struct sut_library_reloc *x, bool *used,
			struct fault *f)
{
	uint64_t end = (uint64_t)x->off + (x->field == SUT_LIBRARY_ABS64 ? 8 : 4);
	int64_t max = x->base == SUT_LIBRARY_TARGET ? (int64_t)VADDR_END : ADDEND_MAX;

	if (x->field != SUT_LIBRARY_ABS64 && x->field != SUT_LIBRARY_PC32)
		return wrong(f, "the relocation at %#x is of an unknown kind", x->off);
	if (x->base < SUT_LIBRARY_TARGET || x->base > SUT_LIBRARY_IMPORT)
		return wrong(f, "the relocation at %#x has an unknown base", x->off);
	if (!(x->off >= l->head_len && end <= l->exec_len) &&
	    !(x->off >= l->data_off && end <= l->image_len))
		return wrong(f, "the relocation at %#x lies outside of code and data", x->off);
	if (x->addend < -ADDEND_MAX || x->addend > max)
		return wrong(f, "the relocation at %#x leads out of what can be reached", x->off);
	if (x->base != SUT_LIBRARY_IMPORT) {
		if (x->import)
			return wrong(f,
				     "the relocation at %#x names an import that it does not use",
				     x->off);
		return true;
	}
	if (x->import >= l->nimports)
		return wrong(f, "the relocation at %#x uses an import that is not there", x->off);
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
static int check_relocs(const struct sut_library *l, struct fault *f)
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
			wrong(f, "the relocations at %#x and %#x share bytes", x[-1].off, x->off);
			return 0;
		}
	}
	for (size_t i = 0; i < l->nimports; i++) {
		if (!is_name(l->imports[i].name, false) || !is_name(l->imports[i].version, true)) {
			wrong(f, "an import has no name that a symbol can have");
			return 0;
		}
		if (!used[i]) {
			wrong(f, "the import %s is used by nothing", l->imports[i].name);
			return 0;
		}
		v[i] = l->imports[i];
	}
	qsort(v, l->nimports, sizeof(*v), by_import);
	for (size_t i = 1; i < l->nimports; i++)
		if (by_import(&v[i - 1], &v[i]) == 0) {
			wrong(f, "the import %s is there twice", v[i].name);
			return 0;
		}
	return 1;
}

/* Everything that the header promises. 1 good, 0 not (then *f says why), -ENOMEM. */
static int check(const struct sut_library *l, struct fault *f)
{
	int r;

	if (is_zero(l->build_id, sizeof(l->build_id)))
		return wrong(f, "it names no build-id");
	if (l->nfuncs == 0 || l->nfuncs > SUT_LIBRARY_FUNCS_MAX)
		return wrong(f, "%zu functions (1 to %d are possible)", l->nfuncs,
			     SUT_LIBRARY_FUNCS_MAX);
	if (l->nranges > SUT_LIBRARY_RANGES_MAX || l->nrelocs > SUT_LIBRARY_RELOCS_MAX ||
	    l->nimports > SUT_LIBRARY_IMPORTS_MAX)
		return wrong(f, "more ranges, relocations or imports than the limit");
	if (!check_image(l, f))
		return 0;
	for (size_t i = 0; i < l->nfuncs; i++) {
		if (!check_func(l, &l->funcs[i], f))
			return 0;
		if (i > 0 && l->funcs[i - 1].vaddr >= l->funcs[i].vaddr)
			return wrong(f, "%s is not in the order of addresses", l->funcs[i].name);
	}
	for (size_t i = 0; i < l->nranges; i++) {
		if (!check_range(&l->ranges[i], f))
			return 0;
		if (i > 0 && l->ranges[i - 1].vaddr >= l->ranges[i].vaddr)
			return wrong(f, "%s is not in the order of addresses", l->ranges[i].name);
	}
	r = check_overlap(l, f);
	return r == 1 ? check_relocs(l, f) : r;
}

/* ------------------------------------------------------------------ */
/* Reading                                                             */

struct parsed {
	struct sut_library l;
	struct sut_library_func *funcs;
	struct sut_library_range *ranges;
	struct sut_library_reloc *relocs;
	struct sut_library_import *imports;
};

static int bad(struct sut_err *err, const struct fault *f)
{
	return sut_err_reason(err, EBADMSG, "payload",
			      "the payload of the library patch is malformed: %s. "
			      "Download the patch again; if that does not help, tell its author",
			      f->text);
}

/* The bytes of the parts, and how far bytes and names were used up. */
struct reader {
	const struct wire_head *head;
	const uint8_t *funcs, *ranges, *relocs, *imports, *bytes, *names, *image;
	uint64_t bytes_used, names_used;
	struct fault *fault;
};

/* Where the next part ends; everything between its bytes and there is zero. */
static bool take_part(const uint8_t *data, size_t len, size_t *at, uint64_t size,
		      const uint8_t **ret, struct fault *f)
{
	size_t pad = (8 - size % 8) % 8;

	if (size > len - *at || pad > len - *at - size)
		return wrong(f, "it is cut short");
	*ret = data + *at;
	*at += size + pad;
	if (!is_zero(*ret + size, pad))
		return wrong(f, "a gap between its parts is not empty");
	return true;
}

static bool read_head(const uint8_t *data, size_t len, const struct wire_head *h, struct reader *r)
{
	struct fault *f = r->fault;
	size_t at = sizeof(*h);

	if (h->flags & ~(uint32_t)FLAG_FRAMES || !is_zero(h->zero, sizeof(h->zero)))
		return wrong(f, "a reserved field of its head is not 0");
	if (h->nfuncs > SUT_LIBRARY_FUNCS_MAX || h->nranges > SUT_LIBRARY_RANGES_MAX ||
	    h->nrelocs > SUT_LIBRARY_RELOCS_MAX || h->nimports > SUT_LIBRARY_IMPORTS_MAX)
		return wrong(f, "more functions, ranges, relocations or imports than the limit");
	if (!take_part(data, len, &at, h->nfuncs * (uint64_t)sizeof(struct wire_func), &r->funcs,
		       f) ||
	    !take_part(data, len, &at, h->nranges * (uint64_t)sizeof(struct wire_range), &r->ranges,
		       f) ||
	    !take_part(data, len, &at, h->nrelocs * (uint64_t)sizeof(struct wire_reloc), &r->relocs,
		       f) ||
	    !take_part(data, len, &at, h->nimports * (uint64_t)sizeof(struct wire_import),
		       &r->imports, f) ||
	    !take_part(data, len, &at, h->bytes_len, &r->bytes, f) ||
	    !take_part(data, len, &at, h->names_len, &r->names, f) ||
	    !take_part(data, len, &at, h->image_len, &r->image, f))
		return false;
	if (at != len)
		return wrong(f, "it goes on behind its end");
	if (h->names_len == 0 || r->names[0] || r->names[h->names_len - 1])
		return wrong(f, "the names do not begin with the empty one, or do not end");
	r->names_used = 1;
	return true;
}

/* Names lie in the order of their first use, so that there is one way to write them. */
static bool read_name(struct reader *r, uint32_t off, const char **ret)
{
	if (off >= r->head->names_len || (off && r->names[off - 1]) || off > r->names_used)
		return wrong(r->fault, "a name is not where it should be");
	*ret = (const char *)r->names + off;
	if (off == r->names_used)
		r->names_used += strlen(*ret) + 1;
	return true;
}

static bool read_bytes(struct reader *r, uint32_t off, uint32_t size, const uint8_t **ret)
{
	if (off != r->bytes_used || size > r->head->bytes_len - r->bytes_used)
		return wrong(r->fault, "expected bytes are not where they should be");
	*ret = r->bytes + off;
	r->bytes_used += size;
	return true;
}

static bool read_func(struct reader *r, size_t i, struct sut_library_func *ret)
{
	struct wire_func w;

	memcpy(&w, r->funcs + i * sizeof(w), sizeof(w));
	*ret = (struct sut_library_func){
		.vaddr = w.vaddr,
		.size = w.size,
		.span = w.span,
		.redirect = w.redirect,
		.jump_off = w.jump_off,
		.island = w.island,
		.new_off = w.new_off,
		.new_size = w.new_size,
	};
	memcpy(ret->island_bytes, w.island_bytes, sizeof(w.island_bytes));
	if (!is_zero(w.zero, sizeof(w.zero)))
		return wrong(r->fault, "a reserved field of a function is not 0");
	return read_name(r, w.name, &ret->name) && read_bytes(r, w.bytes, w.span, &ret->bytes);
}

static bool read_range(struct reader *r, size_t i, struct sut_library_range *ret)
{
	struct wire_range w;

	memcpy(&w, r->ranges + i * sizeof(w), sizeof(w));
	*ret = (struct sut_library_range){.vaddr = w.vaddr, .size = w.size, .kind = w.kind};
	if (!is_zero(w.zero, sizeof(w.zero)))
		return wrong(r->fault, "a reserved field of a range is not 0");
	return read_name(r, w.name, &ret->name) && read_bytes(r, w.bytes, w.size, &ret->bytes);
}

static bool read_reloc(struct reader *r, size_t i, struct sut_library_reloc *ret)
{
	struct wire_reloc w;

	memcpy(&w, r->relocs + i * sizeof(w), sizeof(w));
	*ret = (struct sut_library_reloc){
		.off = w.off,
		.field = w.field,
		.base = w.base,
		.import = w.import,
		.addend = w.addend,
	};
	if (w.zero1 || w.zero2)
		return wrong(r->fault, "a reserved field of a relocation is not 0");
	return true;
}

static bool read_import(struct reader *r, size_t i, struct sut_library_import *ret)
{
	struct wire_import w;

	memcpy(&w, r->imports + i * sizeof(w), sizeof(w));
	ret->weak = w.weak;
	if (w.weak > 1 || w.zero)
		return wrong(r->fault, "a reserved field of an import is not 0");
	return read_name(r, w.name, &ret->name) && read_name(r, w.version, &ret->version);
}

static bool read_records(struct reader *r, struct parsed *p)
{
	const struct wire_head *h = r->head;

	for (size_t i = 0; i < h->nfuncs; i++)
		if (!read_func(r, i, &p->funcs[i]))
			return false;
	for (size_t i = 0; i < h->nranges; i++)
		if (!read_range(r, i, &p->ranges[i]))
			return false;
	for (size_t i = 0; i < h->nrelocs; i++)
		if (!read_reloc(r, i, &p->relocs[i]))
			return false;
	for (size_t i = 0; i < h->nimports; i++)
		if (!read_import(r, i, &p->imports[i]))
			return false;
	if (r->bytes_used != h->bytes_len)
		return wrong(r->fault, "there are expected bytes that belong to nothing");
	if (r->names_used != h->names_len)
		return wrong(r->fault, "there are names that belong to nothing");
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 1 when no name is in the table twice. */
static int check_names(const struct reader *r)
{
	_cleanup_(sut_freep) const char **v = NULL;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < r->head->names_len; i++)
		n += r->names[i] == 0;
	v = calloc(n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		v[i] = (const char *)r->names + at;
		at += strlen(v[i]) + 1;
	}
	qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1], v[i]) == 0)
			return wrong(r->fault, "a name is there twice");
	return 1;
}

int sut_library_parse(const void *data, size_t len, struct sut_library **ret, struct sut_err *err)
{
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	struct parsed *p;
	struct wire_head h;
	struct fault f = {""};
	struct reader rd = {.head = &h, .fault = &f};
	int r;

	if (len < sizeof(h) || memcmp(data, MAGIC, sizeof(h.magic)) != 0) {
		wrong(&f, "it does not begin with " MAGIC);
		return bad(err, &f);
	}
	if (len > SUT_LIBRARY_MAX) {
		wrong(&f, "it has more than %d bytes", SUT_LIBRARY_MAX);
		return bad(err, &f);
	}
	memcpy(&h, data, sizeof(h));
	if (h.version != VERSION || h.machine != MACHINE)
		return sut_err_reason(
			err, EPROTONOSUPPORT, "version",
			"the payload of the library patch is of version %u for machine %u; this "
			"program knows version %d for machine %d. Update suture",
			h.version, h.machine, VERSION, MACHINE);
	if (!read_head(data, len, &h, &rd))
		return bad(err, &f);
	p = calloc(1, sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	l = &p->l;
	l->priv = p;
	p->funcs = calloc(h.nfuncs + 1U, sizeof(*p->funcs));
	p->ranges = calloc(h.nranges + 1U, sizeof(*p->ranges));
	p->relocs = calloc(h.nrelocs + 1U, sizeof(*p->relocs));
	p->imports = calloc(h.nimports + 1U, sizeof(*p->imports));
	if (!p->funcs || !p->ranges || !p->relocs || !p->imports)
		return sut_err_oom(err);
	if (!read_records(&rd, p))
		return bad(err, &f);
	memcpy(l->build_id, h.build_id, sizeof(l->build_id));
	l->image = rd.image;
	l->head_len = h.head_len;
	l->exec_len = h.exec_len;
	l->data_off = h.data_off;
	l->image_len = h.image_len;
	l->mem_len = h.mem_len;
	l->eh_frame_off = h.eh_frame_off;
	l->eh_frame_len = h.eh_frame_len;
	l->frames = h.flags & FLAG_FRAMES;
	l->funcs = p->funcs;
	l->nfuncs = h.nfuncs;
	l->ranges = p->ranges;
	l->nranges = h.nranges;
	l->relocs = p->relocs;
	l->nrelocs = h.nrelocs;
	l->imports = p->imports;
	l->nimports = h.nimports;
	r = check_names(&rd);
	if (r == 1)
		r = check(l, &f);
	if (r < 0)
		return sut_err_oom(err);
	if (r == 0)
		return bad(err, &f);
	*ret = sut_steal(l);
	return 0;
}

void sut_library_free(struct sut_library *l)
{
	struct parsed *p = l ? l->priv : NULL;

	if (!p)
		return;
	free(p->funcs);
	free(p->ranges);
	free(p->relocs);
	free(p->imports);
	free(p);
}

void sut_library_freep(struct sut_library **l)
{
	sut_library_free(*l);
}

/* ------------------------------------------------------------------ */
/* Writing                                                             */

static int func_by_vaddr(const void *a, const void *b)
{
	const struct sut_library_func *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static int range_by_vaddr(const void *a, const void *b)
{
	const struct sut_library_range *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static int reloc_by_off(const void *a, const void *b)
{
	const struct sut_library_reloc *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* n elements of size bytes, sorted, in memory of their own. NULL: none left. */
static void *sorted(const void *v, size_t n, size_t size, int (*by)(const void *, const void *))
{
	void *copy = calloc(n + 1, size);

	if (copy && n > 0) {
		memcpy(copy, v, n * size);
		qsort(copy, n, size, by);
	}
	return copy;
}

/* One use of a name, in the order in which the records stand in the file. */
struct use {
	const char *name;
	uint32_t index, off;
};

static int use_by_name(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->index < y->index ? -1 : x->index > y->index);
}

static int use_by_index(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* The table of names, and for each use its offset. */
static int write_names(const struct sut_library *l, struct sut_buf *names, struct use **ret)
{
	size_t n = 0, max = l->nfuncs + l->nranges + 2 * l->nimports;
	_cleanup_(sut_freep) struct use *v = calloc(max, sizeof(*v));
	_cleanup_(sut_freep) uint32_t *first = calloc(max, sizeof(*first));
	int r;

	if (!v || !first)
		return -ENOMEM;
	for (size_t i = 0; i < l->nfuncs; i++)
		v[n++].name = l->funcs[i].name;
	for (size_t i = 0; i < l->nranges; i++)
		v[n++].name = l->ranges[i].name;
	for (size_t i = 0; i < l->nimports; i++) {
		v[n++].name = l->imports[i].name;
		v[n++].name = l->imports[i].version;
	}
	for (size_t i = 0; i < n; i++)
		v[i].index = (uint32_t)i;
	/* first[i]: the first use of the name of use i. */
	qsort(v, n, sizeof(*v), use_by_name);
	for (size_t i = 0, group = 0; i < n; i++) {
		if (strcmp(v[i].name, v[group].name) != 0)
			group = i;
		first[v[i].index] = v[group].index;
	}
	qsort(v, n, sizeof(*v), use_by_index);
	r = sut_buf_addzero(names, 1);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (v[i].name[0] == 0)
			continue;
		if (first[i] != i) {
			v[i].off = v[first[i]].off;
			continue;
		}
		v[i].off = (uint32_t)names->len;
		r = sut_buf_add(names, v[i].name, strlen(v[i].name) + 1);
	}
	if (r < 0)
		return r;
	*ret = sut_steal(v);
	return 0;
}

static int write_funcs(const struct sut_library *l, const struct use *use, struct sut_buf *out,
		       struct sut_buf *bytes)
{
	int r = 0;

	for (size_t i = 0; i < l->nfuncs && r == 0; i++) {
		const struct sut_library_func *x = &l->funcs[i];
		struct wire_func w = {
			.vaddr = x->vaddr,
			.size = x->size,
			.span = x->span,
			.bytes = (uint32_t)bytes->len,
			.redirect = x->redirect,
			.jump_off = x->jump_off,
			.new_off = x->new_off,
			.new_size = x->new_size,
			.name = use[i].off,
			.island = x->island,
		};

		memcpy(w.island_bytes, x->island_bytes, sizeof(w.island_bytes));
		r = sut_buf_add(bytes, x->bytes, x->span);
		if (r == 0)
			r = sut_buf_add(out, &w, sizeof(w));
	}
	return r;
}

static int write_ranges(const struct sut_library *l, const struct use *use, struct sut_buf *out,
			struct sut_buf *bytes)
{
	int r = 0;

	for (size_t i = 0; i < l->nranges && r == 0; i++) {
		const struct sut_library_range *x = &l->ranges[i];
		struct wire_range w = {
			.vaddr = x->vaddr,
			.size = x->size,
			.bytes = (uint32_t)bytes->len,
			.name = use[i].off,
			.kind = x->kind,
		};

		r = sut_buf_add(bytes, x->bytes, x->size);
		if (r == 0)
			r = sut_buf_add(out, &w, sizeof(w));
	}
	return r;
}

static int write_relocs(const struct sut_library *l, const struct use *use, struct sut_buf *out)
{
	int r = 0;

	for (size_t i = 0; i < l->nrelocs && r == 0; i++) {
		const struct sut_library_reloc *x = &l->relocs[i];
		struct wire_reloc w = {
			.off = x->off,
			.field = (uint8_t)x->field,
			.base = (uint8_t)x->base,
			.import = x->import,
			.addend = x->addend,
		};

		r = sut_buf_add(out, &w, sizeof(w));
	}
	for (size_t i = 0; i < l->nimports && r == 0; i++) {
		struct wire_import w = {
			.name = use[2 * i].off,
			.version = use[2 * i + 1].off,
			.weak = l->imports[i].weak,
		};

		r = sut_buf_add(out, &w, sizeof(w));
	}
	return r;
}

static size_t pad8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static int add_part(struct sut_buf *out, const void *data, size_t len)
{
	int r = sut_buf_add(out, data, len);

	return r < 0 ? r : sut_buf_addzero(out, pad8(len) - len);
}

/* l is checked and sorted. */
static int write_sorted(const struct sut_library *l, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf records = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_buf_ struct sut_buf bytes = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_buf_ struct sut_buf names = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_(sut_freep) struct use *use = NULL;
	struct wire_head h = {
		.magic = MAGIC,
		.version = VERSION,
		.machine = MACHINE,
		.flags = l->frames ? FLAG_FRAMES : 0,
		.nfuncs = (uint32_t)l->nfuncs,
		.nranges = (uint32_t)l->nranges,
		.nrelocs = (uint32_t)l->nrelocs,
		.nimports = (uint32_t)l->nimports,
		.head_len = l->head_len,
		.exec_len = l->exec_len,
		.data_off = l->data_off,
		.image_len = l->image_len,
		.mem_len = l->mem_len,
		.eh_frame_off = l->eh_frame_off,
		.eh_frame_len = l->eh_frame_len,
	};
	size_t total;
	int r;

	memcpy(h.build_id, l->build_id, sizeof(h.build_id));
	r = write_names(l, &names, &use);
	if (r == 0)
		r = write_funcs(l, use, &records, &bytes);
	if (r == 0)
		r = write_ranges(l, use + l->nfuncs, &records, &bytes);
	if (r == 0)
		r = write_relocs(l, use + l->nfuncs + l->nranges, &records);
	if (r < 0)
		return r;
	h.bytes_len = (uint32_t)bytes.len;
	h.names_len = (uint32_t)names.len;
	total = sizeof(h) + records.len + pad8(bytes.len) + pad8(names.len) + pad8(l->image_len);
	if (total > SUT_LIBRARY_MAX)
		return -ENOBUFS;
	/* From here on nothing fails. */
	r = sut_buf_reserve(out, total);
	if (r == 0)
		r = sut_buf_add(out, &h, sizeof(h));
	if (r == 0)
		r = sut_buf_add(out, records.data, records.len);
	if (r == 0)
		r = add_part(out, bytes.data, bytes.len);
	if (r == 0)
		r = add_part(out, names.data, names.len);
	if (r == 0)
		r = add_part(out, l->image, l->image_len);
	return r;
}

int sut_library_write(const struct sut_library *l, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) struct sut_library_func *funcs = NULL;
	_cleanup_(sut_freep) struct sut_library_range *ranges = NULL;
	_cleanup_(sut_freep) struct sut_library_reloc *relocs = NULL;
	struct sut_library copy = *l;
	struct fault f = {""};
	int r;

	funcs = sorted(l->funcs, l->nfuncs, sizeof(*funcs), func_by_vaddr);
	ranges = sorted(l->ranges, l->nranges, sizeof(*ranges), range_by_vaddr);
	relocs = sorted(l->relocs, l->nrelocs, sizeof(*relocs), reloc_by_off);
	if (!funcs || !ranges || !relocs)
		return sut_err_oom(err);
	copy.funcs = funcs;
	copy.ranges = ranges;
	copy.relocs = relocs;
	r = check(&copy, &f);
	if (r == 0)
		return sut_err_set(err, EINVAL, "cannot write a library patch: %s", f.text);
	if (r > 0)
		r = write_sorted(&copy, out);
	if (r == -ENOBUFS)
		return sut_err_set(err, ENOBUFS,
				   "the payload passes the limit of %d bytes. Split the patch",
				   SUT_LIBRARY_MAX);
	return r < 0 ? sut_err_oom(err) : 0;
}
