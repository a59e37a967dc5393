// SPDX-License-Identifier: Apache-2.0
#include "prove/prove.h"

#include <errno.h>
#include <stdlib.h>

#include "prove/match.h"
#include "prove/prove_image.h"

static bool has_content(const struct sut_section *sec)
{
	return sec->type != SHT_NOBITS && sec->data;
}

/* Do all symbols of this name in the image have this content? Then the code
 * is the image's, only its place is not known (an inline function marked
 * __exit, of which many objects have a copy). */
static bool same_everywhere(const struct sut_match *m, uint32_t sym)
{
	const uint32_t *idx;
	size_t n = m->image->lookup(m->image->ctx, m->object->syms[sym].name, &idx);
	uint64_t off;

	for (size_t i = 0; i < n; i++)
		if (sut_match_content(m, sym, m->image->syms[idx[i]].addr, &off) != SUT_MATCH_SAME)
			return false;
	return n > 0;
}

static struct sut_proven judge(const struct sut_match *m, uint32_t sym)
{
	const struct sut_sym *s = &m->object->syms[sym];
	struct sut_proven p = {0};

	if (s->shndx == SHN_UNDEF || s->shndx >= m->object->nsections || s->type == STT_SECTION ||
	    s->type == STT_FILE || m->sections[s->shndx].kind != SUT_SECTION_BLOCK)
		return p;
	if (sut_match_overridden(m, sym, &p.addr)) {
		p.proof = SUT_PROOF_OVERRIDDEN;
		return p;
	}
	if (!sut_match_address(m, sym, &p.addr)) {
		/* a weak definition that won, in a section that is not placed */
		if (s->bind != STB_WEAK || sut_image_global(m->image, s->name, &p.addr) < 0) {
			p.proof = SUT_PROOF_UNPLACED;
			p.same_everywhere = same_everywhere(m, sym);
			return p;
		}
	}
	p.proof = sut_match_content(m, sym, p.addr, &p.diff_offset) == SUT_MATCH_SAME
			  ? SUT_PROOF_IDENTICAL
			  : SUT_PROOF_DIFFERENT;
	return p;
}

static void count(struct sut_unit *u, uint32_t sym)
{
	const struct sut_sym *s = &u->object->syms[sym];
	enum sut_proof p = u->syms[sym].proof;

	if (p == SUT_PROOF_NONE || !s->size)
		return;
	if (s->type == STT_FUNC) {
		u->functions++;
		u->identical += p == SUT_PROOF_IDENTICAL;
		u->overridden += p == SUT_PROOF_OVERRIDDEN;
		u->different += p == SUT_PROOF_DIFFERENT;
		u->unplaced += p == SUT_PROOF_UNPLACED;
	} else if (s->type == STT_OBJECT && has_content(&u->object->sections[s->shndx])) {
		u->data++;
		u->data_identical += p == SUT_PROOF_IDENTICAL;
		u->data_overridden += p == SUT_PROOF_OVERRIDDEN;
		u->data_different += p == SUT_PROOF_DIFFERENT;
		u->data_unplaced += p == SUT_PROOF_UNPLACED;
	}
}

int sut_prove_image(const struct sut_image *image, struct sut_object *object, struct sut_unit **ret,
		    struct sut_err *err)
{
	struct sut_match m = {.image = image, .object = object};
	_cleanup_(sut_unit_freep) struct sut_unit *u = calloc(1, sizeof(*u));
	int r = u ? sut_match_place(&m) : -ENOMEM;

	if (r == 0) {
		u->syms = calloc(object->nsyms, sizeof(*u->syms));
		u->section_addr = calloc(object->nsections, sizeof(*u->section_addr));
		if (!u->syms || !u->section_addr)
			r = -ENOMEM;
	}
	if (r < 0) {
		free(m.sections);
		return sut_err_oom(err);
	}
	u->object = object;
	for (uint32_t i = 1; i < object->nsections; i++)
		if (m.sections[i].whole)
			u->section_addr[i] = m.sections[i].base;
	for (uint32_t i = 1; i < object->nsyms; i++) {
		u->syms[i] = judge(&m, i);
		count(u, i);
	}
	free(m.sections);
	*ret = sut_steal(u);
	return 0;
}

int sut_prove(const struct sut_profile *p, struct sut_object *object, struct sut_unit **ret,
	      struct sut_err *err)
{
	struct sut_image image = sut_image_of(p);

	return sut_prove_image(&image, object, ret, err);
}

int sut_prove_extern(const struct sut_profile *p, const char *name, uint64_t *ret_addr,
		     bool *ret_absolute, struct sut_err *err)
{
	struct sut_image image = sut_image_of(p);
	uint64_t addr;
	int r = sut_image_global(&image, name, &addr);

	if (r == -ENOENT)
		return sut_err_set(err, ENOENT, "the kernel %s has no symbol %s", p->name, name);
	if (r < 0)
		return sut_err_set(err, ENOTUNIQ, "the kernel %s has several symbols called %s",
				   p->name, name);
	*ret_addr = addr;
	*ret_absolute = addr < SUT_IMAGE_START;
	return 0;
}

void sut_unit_free(struct sut_unit *u)
{
	if (!u)
		return;
	sut_object_free(u->object);
	free(u->syms);
	free(u->section_addr);
	free(u);
}

void sut_unit_freep(struct sut_unit **u)
{
	sut_unit_free(*u);
}
