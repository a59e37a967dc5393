// SPDX-License-Identifier: Apache-2.0
/* The reader; the writer is library_write.c. */
#include "patch/library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "patch/library_check.h"
#include "patch/library_wire.h"

uint32_t sut_library_head_len(size_t n)
{
	_Static_assert(SUT_LIBRARY_HEAD % 64 == 0 && SUT_LIBRARY_HEAD_FUNC % 64 == 0,
		       "the sum is a multiple of 64");
	return (uint32_t)(SUT_LIBRARY_HEAD + n * SUT_LIBRARY_HEAD_FUNC);
}

struct parsed {
	struct sut_library l;
	struct sut_library_func *funcs;
	struct sut_library_range *ranges;
	struct sut_library_reloc *relocs;
	struct sut_library_import *imports;
};

static int bad(struct sut_err *err, const struct sut_library_fault *f)
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
	struct sut_library_fault *fault;
};

/* Where the next part ends; everything between its bytes and there is zero. */
static bool take_part(const uint8_t *data, size_t len, size_t *at, uint64_t size,
		      const uint8_t **ret, struct sut_library_fault *f)
{
	size_t pad = wire_pad(size);

	if (size > len - *at || pad > len - *at - size)
		return sut_library_wrong(f, "it is cut short");
	*ret = data + *at;
	*at += size + pad;
	if (!sut_library_is_zero(*ret + size, pad))
		return sut_library_wrong(f, "a gap between its parts is not empty");
	return true;
}

static bool read_head(const uint8_t *data, size_t len, const struct wire_head *h, struct reader *r)
{
	struct sut_library_fault *f = r->fault;
	size_t at = sizeof(*h);

	if (h->flags & ~(uint32_t)WIRE_FRAMES || !sut_library_is_zero(h->zero, sizeof(h->zero)))
		return sut_library_wrong(f, "a reserved field of its head is not 0");
	if (h->nfuncs > SUT_LIBRARY_FUNCS_MAX || h->nranges > SUT_LIBRARY_RANGES_MAX ||
	    h->nrelocs > SUT_LIBRARY_RELOCS_MAX || h->nimports > SUT_LIBRARY_IMPORTS_MAX)
		return sut_library_wrong(
			f, "more functions, ranges, relocations or imports than the limit");
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
		return sut_library_wrong(f, "it goes on behind its end");
	if (h->names_len == 0 || r->names[0] || r->names[h->names_len - 1])
		return sut_library_wrong(
			f, "the names do not begin with the empty one, or do not end");
	r->names_used = 1;
	return true;
}

/* Names lie in the order of their first use, so that there is one way to write them. */
static bool read_name(struct reader *r, uint32_t off, const char **ret)
{
	if (off >= r->head->names_len || (off && r->names[off - 1]) || off > r->names_used)
		return sut_library_wrong(r->fault, "a name is not where it should be");
	*ret = (const char *)r->names + off;
	if (off == r->names_used)
		r->names_used += strlen(*ret) + 1;
	return true;
}

static bool read_bytes(struct reader *r, uint32_t off, uint32_t size, const uint8_t **ret)
{
	if (off != r->bytes_used || size > r->head->bytes_len - r->bytes_used)
		return sut_library_wrong(r->fault, "expected bytes are not where they should be");
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
	if (!sut_library_is_zero(w.zero, sizeof(w.zero)))
		return sut_library_wrong(r->fault, "a reserved field of a function is not 0");
	return read_name(r, w.name, &ret->name) && read_bytes(r, w.bytes, w.span, &ret->bytes);
}

static bool read_range(struct reader *r, size_t i, struct sut_library_range *ret)
{
	struct wire_range w;

	memcpy(&w, r->ranges + i * sizeof(w), sizeof(w));
	*ret = (struct sut_library_range){.vaddr = w.vaddr, .size = w.size, .kind = w.kind};
	if (!sut_library_is_zero(w.zero, sizeof(w.zero)))
		return sut_library_wrong(r->fault, "a reserved field of a range is not 0");
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
		return sut_library_wrong(r->fault, "a reserved field of a relocation is not 0");
	return true;
}

static bool read_import(struct reader *r, size_t i, struct sut_library_import *ret)
{
	struct wire_import w;

	memcpy(&w, r->imports + i * sizeof(w), sizeof(w));
	ret->weak = w.weak;
	if (w.weak > 1 || w.zero)
		return sut_library_wrong(r->fault, "a reserved field of an import is not 0");
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
		return sut_library_wrong(r->fault,
					 "there are expected bytes that belong to nothing");
	if (r->names_used != h->names_len)
		return sut_library_wrong(r->fault, "there are names that belong to nothing");
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
			return sut_library_wrong(r->fault, "a name is there twice");
	return 1;
}

int sut_library_parse(const void *data, size_t len, struct sut_library **ret, struct sut_err *err)
{
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	struct parsed *p;
	struct wire_head h;
	struct sut_library_fault f = {""};
	struct reader rd = {.head = &h, .fault = &f};
	int r;

	if (len < sizeof(h) || memcmp(data, WIRE_MAGIC, sizeof(h.magic)) != 0) {
		sut_library_wrong(&f, "it does not begin with " WIRE_MAGIC);
		return bad(err, &f);
	}
	if (len > SUT_LIBRARY_MAX) {
		sut_library_wrong(&f, "it has more than %d bytes", SUT_LIBRARY_MAX);
		return bad(err, &f);
	}
	memcpy(&h, data, sizeof(h));
	if (h.version != WIRE_VERSION || h.machine != WIRE_MACHINE)
		return sut_err_reason(
			err, EPROTONOSUPPORT, "version",
			"the payload of the library patch is of version %u for machine %u; this "
			"program knows version %d for machine %d. Update suture",
			h.version, h.machine, WIRE_VERSION, WIRE_MACHINE);
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
	l->frames = h.flags & WIRE_FRAMES;
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
		r = sut_library_check(l, &f);
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
