// SPDX-License-Identifier: Apache-2.0
#include "prove/match.h"

#include <string.h>

#include "base/str.h"

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static const struct sut_section *section_of(const struct sut_match *m, const struct sut_sym *s)
{
	if (s->shndx == SHN_UNDEF || s->shndx >= m->object->nsections)
		return NULL;
	return &m->object->sections[s->shndx];
}

bool sut_match_overridden(const struct sut_match *m, uint32_t sym, uint64_t *ret_winner)
{
	const struct sut_sym *s = &m->object->syms[sym];
	const struct sut_section *sec = section_of(m, s);
	const struct sut_placed *p;
	uint64_t winner, off;

	if (s->bind != STB_WEAK || !sec || sut_image_global(m->image, s->name, &winner) < 0)
		return false;
	p = &m->sections[s->shndx];
	if (p->placed) {
		if (winner == p->base + s->value)
			return false;
	} else if (sut_match_content(m, sym, winner, &off) == SUT_MATCH_SAME) {
		return false; /* the winner is ours, only its section is not placed */
	}
	*ret_winner = winner;
	return true;
}

bool sut_match_address(const struct sut_match *m, uint32_t sym, uint64_t *ret)
{
	const struct sut_sym *s = &m->object->syms[sym];
	const struct sut_section *sec = section_of(m, s);
	const struct sut_placed *p;
	const uint32_t *idx;
	size_t n;

	if (!sec || m->sections[s->shndx].kind != SUT_SECTION_BLOCK)
		return false;
	p = &m->sections[s->shndx];
	if (p->whole || s->type == STT_SECTION) {
		*ret = p->base + s->value;
		return p->whole;
	}
	/* A section that does not agree with the image as a whole: the symbol's
	 * own name must tell. */
	n = m->image->lookup(m->image->ctx, s->name, &idx);
	for (size_t i = 0; p->placed && i < n; i++) {
		if (m->image->syms[idx[i]].addr == p->base + s->value) {
			*ret = p->base + s->value;
			return true;
		}
	}
	if (n != 1)
		return false;
	*ret = m->image->syms[idx[0]].addr;
	return true;
}

static int64_t read_field(const uint8_t *b, uint32_t type)
{
	int32_t v32;
	int64_t v64;

	if (sut_rela_width(type) == 8) {
		memcpy(&v64, b, 8);
		return v64;
	}
	memcpy(&v32, b, 4);
	return type == R_X86_64_32 ? (int64_t)(uint32_t)v32 : v32;
}

bool sut_match_field_target(const struct sut_match *m, const struct sut_rela *r, uint64_t addr,
			    uint64_t *ret)
{
	unsigned int w = sut_rela_width(r->type);
	const uint8_t *b;

	if (w != 4 && w != 8)
		return false;
	b = m->image->bytes(m->image->ctx, addr, w);
	if (!b)
		return false;
	*ret = (uint64_t)read_field(b, r->type) - (uint64_t)r->addend;
	if (sut_rela_is_pcrel(r->type))
		*ret += addr;
	return true;
}

/* Compares S with the field, as the linker would have written it. */
static bool field_is(const struct sut_match *m, const struct sut_rela *r, uint64_t addr, uint64_t s)
{
	uint64_t have;

	if (!sut_match_field_target(m, r, addr, &have))
		return false;
	if (sut_rela_width(r->type) == 8)
		return have == s;
	/* only 32 bits were kept: a per-CPU offset minus an address wraps */
	return (uint32_t)have == (uint32_t)s;
}

/* The length of the string at off, with its end; 0 when it does not end. */
static size_t string_len(const struct sut_section *t, uint64_t off)
{
	size_t unit = t->entsize ? t->entsize : 1;

	if (unit > 4) /* the widest characters */
		return 0;
	for (uint64_t i = off; i + unit <= t->size; i += unit) {
		bool zero = true;

		for (size_t k = 0; k < unit; k++)
			zero = zero && !t->data[i + k];
		if (zero)
			return i + unit - off;
	}
	return 0;
}

/* Does the image have the string or constant of section t that holds offset off at addr? */
static bool merged_at(const struct sut_match *m, const struct sut_section *t, uint64_t off,
		      uint64_t addr)
{
	const uint8_t *b;
	size_t len;

	if (off >= t->size)
		return false;
	if (t->flags & SHF_STRINGS) {
		len = string_len(t, off);
	} else {
		len = t->entsize;
		if (len) {
			addr -= off % len;
			off -= off % len;
		}
		if (len > t->size - off)
			len = 0;
	}
	if (!len)
		return false;
	b = m->image->bytes(m->image->ctx, addr, len);
	return b && !memcmp(b, t->data + off, len);
}

/*
 * A reference into a section of shared strings or constants: every object's
 * copy may have gone anywhere, so what it refers to is compared by content.
 * A label (.LC7) says which one is meant. With the section's own symbol that
 * is told by the addend, which in a PC-relative field includes the distance
 * from the field to the end of the instruction: 4, or more when an immediate
 * follows.
 */
static bool merged_is(const struct sut_match *m, const struct sut_rela *r, uint64_t addr)
{
	static const unsigned int ends[] = {4, 5, 6, 8};
	const struct sut_sym *s = &m->object->syms[r->sym];
	const struct sut_section *t = section_of(m, s);
	size_t tries = sut_rela_is_pcrel(r->type) ? SUT_ARRAY_SIZE(ends) : 1;
	uint64_t have;

	if (!t->data || !sut_match_field_target(m, r, addr, &have))
		return false;
	if (s->type != STT_SECTION)
		return merged_at(m, t, s->value, have);
	for (size_t i = 0; i < tries; i++) {
		uint64_t d = (uint64_t)r->addend + (sut_rela_is_pcrel(r->type) ? ends[i] : 0);

		if (merged_at(m, t, s->value + d, have + d))
			return true;
	}
	return false;
}

static enum sut_match_result same_if(bool same)
{
	return same ? SUT_MATCH_SAME : SUT_MATCH_OTHER;
}

/* A symbol known by its name: any of the image's global definitions. */
static enum sut_match_result global_is(const struct sut_match *m, const struct sut_rela *r,
				       uint64_t addr, const struct sut_sym *s)
{
	const uint32_t *idx;
	size_t n = m->image->lookup(m->image->ctx, s->name, &idx), globals = 0;

	if (!n) /* a weak reference may have stayed without a definition */
		return s->bind == STB_WEAK && field_is(m, r, addr, 0) ? SUT_MATCH_SAME
								      : SUT_MATCH_UNKNOWN;
	for (size_t i = 0; i < n; i++)
		globals += is_upper(m->image->syms[idx[i]].type);
	for (size_t i = 0; i < n; i++) {
		const struct sut_ksym *k = &m->image->syms[idx[i]];

		/* hidden symbols are local in the image */
		if ((!globals || is_upper(k->type)) && field_is(m, r, addr, k->addr))
			return SUT_MATCH_SAME;
	}
	return SUT_MATCH_OTHER;
}

/* A section that is not placed as a whole still has symbols whose place is
 * known; the one the field means tells where the section would begin. */
static bool moved_section(const struct sut_match *m, const struct sut_rela *r, uint64_t *ret)
{
	uint32_t sec = m->object->syms[r->sym].shndx;
	uint64_t off = (uint64_t)r->addend + (sut_rela_is_pcrel(r->type) ? 4 : 0), at;

	for (uint32_t i = 1; i < m->object->nsyms; i++) {
		const struct sut_sym *s = &m->object->syms[i];

		if (s->shndx != sec || (s->type != STT_FUNC && s->type != STT_OBJECT) ||
		    off < s->value || off - s->value >= s->size || !sut_match_address(m, i, &at))
			continue;
		*ret = at - s->value;
		return true;
	}
	return false;
}

enum sut_match_result sut_match_field(const struct sut_match *m, const struct sut_rela *r,
				      uint64_t addr)
{
	const struct sut_sym *s = &m->object->syms[r->sym];
	uint64_t at;

	if (!sut_rela_width(r->type))
		return SUT_MATCH_SAME;
	if (s->shndx == SHN_ABS)
		return same_if(field_is(m, r, addr, s->value));
	if (s->shndx == SHN_UNDEF)
		return global_is(m, r, addr, s);
	if (!section_of(m, s) || m->sections[s->shndx].kind == SUT_SECTION_SKIPPED)
		return SUT_MATCH_UNKNOWN;
	if (m->sections[s->shndx].kind == SUT_SECTION_MERGED)
		return same_if(merged_is(m, r, addr));
	/* whichever definition of a weak symbol won, it has the name */
	if ((s->bind != STB_WEAK || sut_image_global(m->image, s->name, &at) < 0) &&
	    !sut_match_address(m, r->sym, &at) &&
	    (s->type != STT_SECTION || !moved_section(m, r, &at)))
		return SUT_MATCH_UNKNOWN;
	return same_if(field_is(m, r, addr, at));
}

/* Type numbers, which the build writes after linking and sorts then: what the
 * object has there says nothing. */
static bool filled_later(const struct sut_section *sec)
{
	return !strcmp(sec->name, ".BTF_ids");
}

static bool plain_bytes(const struct sut_section *sec, uint64_t from, const uint8_t *image,
			uint64_t len, uint64_t *ret_offset)
{
	const uint8_t *ours = sec->data + from;

	for (uint64_t i = 0; i < len; i++) {
		if (ours[i] == image[i])
			continue;
		*ret_offset = i;
		return false;
	}
	return true;
}

enum sut_match_result sut_match_content(const struct sut_match *m, uint32_t sym, uint64_t addr,
					uint64_t *ret_offset)
{
	const struct sut_sym *s = &m->object->syms[sym];
	const struct sut_section *sec = section_of(m, s);
	enum sut_match_result result = SUT_MATCH_SAME;
	uint64_t off = 0, bad;
	const uint8_t *image;

	*ret_offset = 0;
	if (!sec || s->value > sec->size || s->size > sec->size - s->value)
		return SUT_MATCH_OTHER;
	if (!sec->data || !s->size || filled_later(sec))
		return SUT_MATCH_SAME;
	image = m->image->bytes(m->image->ctx, addr, s->size);
	if (!image)
		return SUT_MATCH_OTHER;
	for (size_t i = sut_section_first_rela(sec, s->value); off < s->size; i++) {
		const struct sut_rela *r = i < sec->nrelas ? &sec->relas[i] : NULL;
		uint64_t at = r ? r->offset - s->value : s->size;
		enum sut_match_result field;

		if (at > s->size)
			at = s->size;
		if (at > off && !plain_bytes(sec, s->value + off, image + off, at - off, &bad)) {
			*ret_offset = off + bad;
			return SUT_MATCH_OTHER;
		}
		if (at >= s->size)
			break;
		field = sut_match_field(m, r, addr + at);
		if (field == SUT_MATCH_OTHER ||
		    (field == SUT_MATCH_UNKNOWN && result == SUT_MATCH_SAME)) {
			*ret_offset = at;
			result = field;
		}
		if (field == SUT_MATCH_OTHER)
			break;
		if (at + sut_rela_width(r->type) > off)
			off = at + sut_rela_width(r->type);
	}
	return result;
}
