// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "patch/library.h"
#include "patch/library_check.h"
#include "patch/library_wire.h"

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

static size_t padded(size_t n)
{
	return n + wire_pad(n);
}

static int add_part(struct sut_buf *out, const void *data, size_t len)
{
	int r = sut_buf_add(out, data, len);

	return r < 0 ? r : sut_buf_addzero(out, wire_pad(len));
}

/* l is checked and sorted. */
static int write_sorted(const struct sut_library *l, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf records = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_buf_ struct sut_buf bytes = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_buf_ struct sut_buf names = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_(sut_freep) struct use *use = NULL;
	struct wire_head h = {
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.machine = WIRE_MACHINE,
		.flags = l->frames ? WIRE_FRAMES : 0,
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
	total = sizeof(h) + records.len + padded(bytes.len) + padded(names.len) +
		padded(l->image_len);
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
	struct sut_library_fault f = {""};
	int r;

	funcs = sorted(l->funcs, l->nfuncs, sizeof(*funcs), func_by_vaddr);
	ranges = sorted(l->ranges, l->nranges, sizeof(*ranges), range_by_vaddr);
	relocs = sorted(l->relocs, l->nrelocs, sizeof(*relocs), reloc_by_off);
	if (!funcs || !ranges || !relocs)
		return sut_err_oom(err);
	copy.funcs = funcs;
	copy.ranges = ranges;
	copy.relocs = relocs;
	r = sut_library_check(&copy, &f);
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
