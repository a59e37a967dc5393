// SPDX-License-Identifier: Apache-2.0
/* What differs between a symbol and the image, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prove/match.h"
#include "prove/prove_image.h"

static const char *const names[] = {
	[SUT_DIFFERENCE_NONE] = "none",
	[SUT_DIFFERENCE_BYTES] = "bytes",
	[SUT_DIFFERENCE_JUMP] = "jump-size",
	[SUT_DIFFERENCE_REFERENCE] = "reference",
	[SUT_DIFFERENCE_UNKNOWN] = "unknown",
	[SUT_DIFFERENCE_NO_PLACE] = "no-place",
	[SUT_DIFFERENCE_UNLISTED] = "unlisted",
	[SUT_DIFFERENCE_COPIES] = "copies",
	[SUT_DIFFERENCE_AFTER_LINK] = "after-link",
};

/* Data that tools of the build change in the linked image. */
static const char *const written_after_link[] = {
	"main_extable_sort_needed", /* scripts/sorttable.c: the table is sorted already */
};

const char *sut_difference_name(enum sut_difference d)
{
	return names[d];
}

bool sut_difference_is_explained(enum sut_difference d)
{
	return d == SUT_DIFFERENCE_UNLISTED || d == SUT_DIFFERENCE_COPIES ||
	       d == SUT_DIFFERENCE_AFTER_LINK;
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

static enum sut_difference explain_field(const struct sut_match *m, const struct sut_rela *r,
					 uint64_t addr, char *text, size_t len)
{
	const struct sut_sym *s = &m->object->syms[r->sym];
	const char *name = target_name(m->object, r);
	uint64_t have = 0;

	if (!sut_match_field_target(m, r, addr, &have)) {
		snprintf(text, len, "the image has no bytes at 0x%" PRIx64, addr);
		return SUT_DIFFERENCE_UNKNOWN;
	}
	if (sut_match_field(m, r, addr) == SUT_MATCH_OTHER) {
		snprintf(text, len,
			 "refers to %s%+" PRId64 " here and to 0x%" PRIx64 "%+" PRId64
			 " in the image",
			 name, r->addend, have, r->addend);
		return SUT_DIFFERENCE_REFERENCE;
	}
	if (s->shndx == SHN_UNDEF) {
		snprintf(text, len,
			 "all but the reference to %s is identical; the image's symbol "
			 "table does not list that symbol",
			 name);
		return SUT_DIFFERENCE_UNLISTED;
	}
	snprintf(text, len, "refers to %s%+" PRId64 ", whose place is not known", name, r->addend);
	return SUT_DIFFERENCE_UNKNOWN;
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

static enum sut_difference explain_unplaced(const struct sut_image *image, const struct sut_unit *u,
					    uint32_t sym, char *text, size_t len)
{
	const uint32_t *idx;
	size_t n = image->lookup(image->ctx, u->object->syms[sym].name, &idx);

	if (u->syms[sym].same_everywhere) {
		snprintf(text, len,
			 "identical with all %zu symbols of this name in the image; "
			 "nothing tells which one is this file's",
			 n);
		return SUT_DIFFERENCE_COPIES;
	}
	snprintf(text, len,
		 "the image has %zu symbols of this name, and nothing tells which one is "
		 "this file's",
		 n);
	return SUT_DIFFERENCE_NO_PLACE;
}

static bool is_written_after_link(const char *name)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(written_after_link); i++)
		if (!strcmp(name, written_after_link[i]))
			return true;
	return false;
}

enum sut_difference sut_prove_image_explain(const struct sut_image *image, const struct sut_unit *u,
					    uint32_t sym, char *text, size_t len)
{
	struct sut_match m = {.image = image, .object = u->object};
	const struct sut_sym *s = &u->object->syms[sym];
	const struct sut_proven *p = &u->syms[sym];
	enum sut_difference d = SUT_DIFFERENCE_BYTES;
	const struct sut_section *sec;
	const uint8_t *theirs;
	size_t i;

	*text = 0;
	if (p->proof == SUT_PROOF_UNPLACED)
		return explain_unplaced(image, u, sym, text, len);
	if (p->proof != SUT_PROOF_DIFFERENT)
		return SUT_DIFFERENCE_NONE;
	if (is_written_after_link(s->name)) {
		snprintf(text, len, "the build writes it after linking");
		return SUT_DIFFERENCE_AFTER_LINK;
	}
	sec = &u->object->sections[s->shndx];
	i = sut_section_first_rela(sec, s->value + p->diff_offset);
	theirs = image->bytes(image->ctx, p->addr, s->size);
	if (!theirs || p->diff_offset >= s->size) {
		snprintf(text, len, "the image has no bytes at 0x%" PRIx64, p->addr);
	} else if (i < sec->nrelas && sec->relas[i].offset == s->value + p->diff_offset) {
		if (sut_match_place(&m) == 0)
			d = explain_field(&m, &sec->relas[i], p->addr + p->diff_offset, text, len);
		free(m.sections);
	} else {
		d = explain_bytes(sec->data + s->value + p->diff_offset, theirs + p->diff_offset,
				  s->size - p->diff_offset, text, len);
	}
	return d;
}

enum sut_difference sut_prove_explain(const struct sut_profile *p, const struct sut_unit *u,
				      uint32_t sym, char *text, size_t len)
{
	struct sut_image image = sut_image_of(p);

	return sut_prove_image_explain(&image, u, sym, text, len);
}
