// SPDX-License-Identifier: Apache-2.0
#include "library/image.h"

#include <errno.h>
#include <string.h>

enum { FIELDS_MAX = SUT_LIBRARY_RELOCS_MAX };

int sut_image_begin(struct sut_image *m, size_t nfuncs)
{
	*m = (struct sut_image){.head_len = sut_library_head_len(nfuncs),
				.exec = SUT_BUF_INIT(SUT_LIBRARY_IMAGE_MAX),
				.data = SUT_BUF_INIT(SUT_LIBRARY_IMAGE_MAX),
				.all = SUT_BUF_INIT(SUT_LIBRARY_IMAGE_MAX),
				.bss_align = 1};
	return sut_buf_addzero(&m->exec, m->head_len);
}

int sut_image_add(struct sut_image *m, enum sut_image_part part, const void *data, uint64_t len,
		  uint64_t align, uint8_t pad, uint64_t *ret_off)
{
	struct sut_buf *b = part == SUT_IMAGE_EXEC ? &m->exec : &m->data;
	uint64_t at, off;
	int r;

	align = align ? align : 1;
	if (len > SUT_LIBRARY_IMAGE_MAX || align > SUT_LIBRARY_PAGE)
		return -ENOBUFS;
	at = part == SUT_IMAGE_BSS ? m->bss_len : b->len;
	off = (at + align - 1) & ~(align - 1);
	if (off + len > SUT_LIBRARY_IMAGE_MAX)
		return -ENOBUFS;
	if (part == SUT_IMAGE_BSS) {
		m->bss_len = (uint32_t)(off + len);
		if (align > m->bss_align)
			m->bss_align = (uint32_t)align;
		*ret_off = off;
		return 0;
	}
	r = sut_buf_addzero(b, off - at + (data ? 0 : len));
	if (!r && data)
		r = sut_buf_add(b, data, len);
	if (r < 0)
		return r;
	memset(b->data + at, pad, off - at);
	*ret_off = off;
	return 0;
}

int sut_image_field(struct sut_image *m, const struct sut_image_field *f)
{
	if (m->nfields == m->fields_max) {
		size_t max = m->fields_max ? 2 * m->fields_max : 256;
		struct sut_image_field *v;

		if (max > 2 * (size_t)FIELDS_MAX)
			return -ENOBUFS;
		v = reallocarray(m->fields, max, sizeof(*v));
		if (!v)
			return -ENOMEM;
		m->fields = v;
		m->fields_max = max;
	}
	m->fields[m->nfields++] = *f;
	return 0;
}

static bool same_place(const struct sut_image_place *a, const struct sut_image_place *b)
{
	return a->where == b->where && a->value == b->value &&
	       (a->where != SUT_IMAGE_OWN || a->part == b->part);
}

static int add_slot(struct sut_image *m, const struct sut_image_slot *s)
{
	struct sut_image_slot *v = reallocarray(m->slots, m->nslots + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	m->slots = v;
	v[m->nslots++] = *s;
	return 0;
}

int sut_image_slot(struct sut_image *m, const struct sut_image_place *to, uint64_t addend,
		   struct sut_image_place *ret)
{
	struct sut_image_slot s = {.to = *to};
	uint64_t off = 0;
	int r;

	s.to.value += to->where == SUT_IMAGE_IMPORT ? 0 : addend;
	if (to->where == SUT_IMAGE_IMPORT && addend)
		return -EINVAL;
	for (size_t i = 0; i < m->nslots; i++)
		if (!m->slots[i].jump && same_place(&m->slots[i].to, &s.to)) {
			*ret = (struct sut_image_place){SUT_IMAGE_OWN, SUT_IMAGE_EXEC,
							m->slots[i].off};
			return 0;
		}
	r = sut_image_add(m, SUT_IMAGE_EXEC, NULL, 8, 8, 0xcc, &off);
	if (r < 0)
		return r;
	s.off = (uint32_t)off;
	r = add_slot(m, &s);
	if (r < 0)
		return r;
	*ret = (struct sut_image_place){SUT_IMAGE_OWN, SUT_IMAGE_EXEC, off};
	return sut_image_field(m, &(struct sut_image_field){.off = s.off,
							    .form = to->where == SUT_IMAGE_NUMBER
									    ? SUT_IMAGE_NUM64
									    : SUT_IMAGE_ABS64,
							    .to = s.to,
							    .name = "a pointer"});
}

int sut_image_jump(struct sut_image *m, const struct sut_image_place *slot,
		   struct sut_image_place *ret)
{
	static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *x(%rip) */
	struct sut_image_slot s = {.to = *slot};
	uint64_t off = 0;
	int r;

	for (size_t i = 0; i < m->nslots; i++)
		if (m->slots[i].jump && same_place(&m->slots[i].to, slot)) {
			*ret = (struct sut_image_place){SUT_IMAGE_OWN, SUT_IMAGE_EXEC,
							m->slots[i].jump};
			return 0;
		}
	r = sut_image_add(m, SUT_IMAGE_EXEC, jump, sizeof(jump), 8, 0xcc, &off);
	if (r < 0)
		return r;
	s.jump = (uint32_t)off;
	r = add_slot(m, &s);
	if (r < 0)
		return r;
	*ret = (struct sut_image_place){SUT_IMAGE_OWN, SUT_IMAGE_EXEC, off};
	return sut_image_field(m, &(struct sut_image_field){.off = s.jump + 2,
							    .form = SUT_IMAGE_PC32,
							    .to = *slot,
							    .addend = -4,
							    .name = "a jump"});
}

/* ---- putting it together ---- */

/* Offset in the image of something in a part. */
static uint64_t final(const struct sut_image *m, enum sut_image_part part, uint64_t off)
{
	uint64_t bss = m->data_off + m->data.len;

	if (part == SUT_IMAGE_EXEC)
		return off;
	if (part == SUT_IMAGE_DATA)
		return m->data_off + off;
	return ((bss + m->bss_align - 1) & ~((uint64_t)m->bss_align - 1)) + off;
}

static int put_number(struct sut_image *m, const struct sut_image_field *f, uint64_t at, int64_t v,
		      struct sut_err *err)
{
	unsigned int width = f->form == SUT_IMAGE_NUM64 || f->form == SUT_IMAGE_ABS64 ? 8 : 4;

	if (width == 4 && (v > INT32_MAX || v < INT32_MIN))
		return sut_err_set(err, ERANGE, "the reference to %s does not fit in its field",
				   f->name);
	memcpy(m->all.data + at, &v, width); /* little-endian, as the target */
	return 0;
}

static int put_field(struct sut_image *m, const struct sut_image_field *f, struct sut_err *err)
{
	uint64_t at = final(m, f->part, f->off);
	struct sut_library_reloc *r = &m->relocs[m->nrelocs];

	*r = (struct sut_library_reloc){.off = (uint32_t)at,
					.field = f->form == SUT_IMAGE_ABS64 ? SUT_LIBRARY_ABS64
									    : SUT_LIBRARY_PC32,
					.addend = f->addend};
	switch (f->to.where) {
	case SUT_IMAGE_NUMBER:
		return put_number(m, f, at, (int64_t)f->to.value + f->addend, err);
	case SUT_IMAGE_OWN:
		r->base = SUT_LIBRARY_IMAGE;
		r->addend += (int64_t) final(m, f->to.part, f->to.value);
		if (f->form == SUT_IMAGE_PC32) /* moves with its field */
			return put_number(m, f, at, r->addend - (int64_t)at, err);
		break;
	case SUT_IMAGE_TARGET:
		r->base = SUT_LIBRARY_TARGET;
		r->addend += (int64_t)f->to.value;
		break;
	default:
		r->base = SUT_LIBRARY_IMPORT;
		r->import = (uint32_t)f->to.value;
		break;
	}
	if (f->form != SUT_IMAGE_ABS64 && f->form != SUT_IMAGE_PC32)
		return sut_err_set(err, EINVAL, "internal: the field for %s cannot hold an address",
				   f->name);
	m->nrelocs++;
	return 0;
}

int sut_image_finish(struct sut_image *m, struct sut_err *err)
{
	uint64_t page = SUT_LIBRARY_PAGE, end;
	int r;

	m->data_off = (uint32_t)((m->exec.len + page - 1) & ~(page - 1));
	m->mem_len = m->data_off;
	r = sut_buf_add(&m->all, m->exec.data, m->exec.len);
	if (!r && m->data.len) {
		r = sut_buf_addzero(&m->all, m->data_off - m->exec.len);
		if (!r)
			r = sut_buf_add(&m->all, m->data.data, m->data.len);
		m->mem_len = m->data_off + (uint32_t)m->data.len;
	}
	if (m->bss_len) {
		end = final(m, SUT_IMAGE_BSS, m->bss_len);
		if (end > SUT_LIBRARY_IMAGE_MAX)
			r = -ENOBUFS;
		m->mem_len = (uint32_t)end;
	}
	m->relocs = calloc(m->nfields ? m->nfields : 1, sizeof(*m->relocs));
	if (r == -ENOBUFS)
		return sut_err_set(err, EFBIG, "the new code and data are larger than %d bytes",
				   SUT_LIBRARY_IMAGE_MAX);
	if (r < 0 || !m->relocs)
		return sut_err_oom(err);
	for (size_t i = 0; !r && i < m->nfields; i++)
		r = put_field(m, &m->fields[i], err);
	return r;
}

void sut_image_release(struct sut_image *m)
{
	sut_buf_release(&m->exec);
	sut_buf_release(&m->data);
	sut_buf_release(&m->all);
	free(m->fields);
	free(m->slots);
	free(m->relocs);
	*m = (struct sut_image){0};
}
