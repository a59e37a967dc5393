// SPDX-License-Identifier: Apache-2.0
/* What differs between a symbol and the image, in words. */
#include <stdio.h>
#include <string.h>

#include "prove/match.h"
#include "prove/prove_image.h"

static const char *const names[] = {
	[SUT_DIFFERENCE_NONE] = "none",
	[SUT_DIFFERENCE_BYTES] = "bytes",
	[SUT_DIFFERENCE_JUMP] = "jump-size",
	[SUT_DIFFERENCE_REFERENCE] = "reference",
	[SUT_DIFFERENCE_UNRESOLVED] = "unresolved",
	[SUT_DIFFERENCE_NO_ADDRESS] = "no-address",
};

const char *sut_difference_name(enum sut_difference d)
{
	return names[d];
}

static bool short_jump(const uint8_t *b, size_t n)
{
	return n >= 1 && (b[0] == 0xeb || (b[0] & 0xf0) == 0x70);
}

static bool long_jump(const uint8_t *b, size_t n)
{
	return n >= 1 && (b[0] == 0xe9 || (n >= 2 && b[0] == 0x0f && (b[1] & 0xf0) == 0x80));
}

static const char *target_name(const struct sut_object *o, const struct sut_rela *r)
{
	const struct sut_sym *s = &o->syms[r->sym];

	if (*s->name)
		return s->name;
	return s->shndx < o->nsections ? o->sections[s->shndx].name : "an absolute value";
}

static enum sut_difference explain_field(const struct sut_match *m, const struct sut_unit *u,
					 const struct sut_rela *r, uint64_t addr, char *text,
					 size_t len)
{
	const struct sut_sym *s = &m->object->syms[r->sym];
	const char *name = target_name(m->object, r);
	enum sut_difference d = SUT_DIFFERENCE_REFERENCE;
	uint64_t have = 0;
	const uint32_t *idx;

	if (!sut_match_field_target(m, r, addr, &have)) {
		snprintf(text, len, "the image has no bytes at 0x%llx", (unsigned long long)addr);
		return SUT_DIFFERENCE_UNRESOLVED;
	}
	if (s->shndx == SHN_UNDEF && !m->image->lookup(m->image->ctx, s->name, &idx))
		d = SUT_DIFFERENCE_UNRESOLVED;
	else if (s->shndx != SHN_UNDEF && s->shndx < m->object->nsections &&
		 m->sections[s->shndx].kind == SUT_SECTION_BLOCK && !u->section_addr[s->shndx])
		d = SUT_DIFFERENCE_UNRESOLVED;
	snprintf(text, len, "refers to %s%+lld here and to 0x%llx%+lld in the image%s", name,
		 (long long)r->addend, (unsigned long long)have, (long long)r->addend,
		 d == SUT_DIFFERENCE_UNRESOLVED ? "; where the first is, is not known" : "");
	return d;
}

static enum sut_difference explain_bytes(const uint8_t *ours, const uint8_t *theirs, size_t n,
					 char *text, size_t len)
{
	size_t used = 0;

	for (int side = 0; side < 2; side++) {
		const uint8_t *b = side ? theirs : ours;

		for (size_t i = 0; i < n && i < 6; i++)
			used += (size_t)snprintf(text + used, used < len ? len - used : 0, "%02x ",
						 b[i]);
		used += (size_t)snprintf(text + used, used < len ? len - used : 0, "%s",
					 side ? "in the image" : "here, ");
	}
	if ((short_jump(ours, n) && long_jump(theirs, n)) ||
	    (long_jump(ours, n) && short_jump(theirs, n)))
		return SUT_DIFFERENCE_JUMP;
	return SUT_DIFFERENCE_BYTES;
}

enum sut_difference sut_prove_image_explain(const struct sut_image *image,
					    const struct sut_unit *u, uint32_t sym, char *text,
					    size_t len)
{
	struct sut_match m = {.image = image, .object = u->object};
	const struct sut_sym *s = &u->object->syms[sym];
	const struct sut_proven *p = &u->syms[sym];
	enum sut_difference d = SUT_DIFFERENCE_BYTES;
	const struct sut_section *sec;
	const uint8_t *theirs;
	size_t i, n;

	*text = 0;
	if (p->proof == SUT_PROOF_UNPLACED) {
		snprintf(text, len, "the image does not tell where it is");
		return SUT_DIFFERENCE_NO_ADDRESS;
	}
	if (p->proof != SUT_PROOF_DIFFERENT)
		return SUT_DIFFERENCE_NONE;
	sec = &u->object->sections[s->shndx];
	i = sut_match_first_rela(sec, s->value + p->diff_offset);
	n = s->size - p->diff_offset;
	theirs = image->bytes(image->ctx, p->addr, s->size);
	if (!theirs) {
		snprintf(text, len, "the image has no bytes at 0x%llx", (unsigned long long)p->addr);
	} else if (i < sec->nrelas && sec->relas[i].offset == s->value + p->diff_offset) {
		if (sut_match_place(&m) == 0)
			d = explain_field(&m, u, &sec->relas[i], p->addr + p->diff_offset, text,
					  len);
	} else {
		d = explain_bytes(sec->data + s->value + p->diff_offset, theirs + p->diff_offset, n,
				  text, len);
	}
	free(m.sections);
	return d;
}

enum sut_difference sut_prove_explain(const struct sut_profile *p, const struct sut_unit *u,
				      uint32_t sym, char *text, size_t len)
{
	struct sut_image image = sut_image_of(p);

	return sut_prove_image_explain(&image, u, sym, text, len);
}
