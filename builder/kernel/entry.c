// SPDX-License-Identifier: Apache-2.0
#include "kernel/entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diff/insn.h"

enum { SLOT = 5, JUMP = SUT_EXPECT_JUMP_LEN };

/* How many bytes at its place a record lets the kernel rewrite; 0: none. */
static uint32_t rewritten(const struct sut_atoms *a, const struct sut_record *r,
			  const uint32_t *ends)
{
	const uint8_t *rec = a->object->sections[r->section].data + r->offset;
	uint32_t size = a->rules[r->section].record;
	uint32_t insn = r->place < a->atoms[r->atom].size ? ends[r->place] - (uint32_t)r->place : 0;

	switch (r->table) {
	case SUT_TABLE_ALT:
		return rec[size - 2];
	case SUT_TABLE_PARAVIRT:
		return rec[9];
	case SUT_TABLE_LOCK:
		return 1;
	case SUT_TABLE_JUMP_LABEL:
	case SUT_TABLE_STATIC_CALL:
	case SUT_TABLE_RETPOLINE:
	case SUT_TABLE_CALL:
		return insn;
	case SUT_TABLE_RETURN:
		return JUMP;
	case SUT_TABLE_FENTRY:
		return SLOT;
	default:
		return 0;
	}
}

static void mark(uint8_t *mask, uint64_t size, uint64_t off, uint32_t len, uint8_t how)
{
	for (uint32_t i = 0; i < len && off + i < size; i++)
		mask[off + i] = how;
}

/* Is the value of an undefined symbol or percpu atom one that KASLR leaves alone? */
static bool absolute_target(const struct sut_profile *p, const struct sut_atoms *a,
			    const struct sut_ref *r)
{
	uint64_t addr;
	bool absolute = false;

	if (r->atom != SUT_NO_ATOM)
		return sut_startswith(a->object->sections[a->atoms[r->atom].section].name,
				      ".data..percpu");
	if (sut_prove_extern(p, a->object->syms[r->sym].name, &addr, &absolute, NULL) < 0)
		return false;
	return absolute;
}

int sut_entry_mask(const struct sut_profile *p, const struct sut_atoms *exact, uint32_t atom,
		   uint8_t *mask, struct sut_err *err)
{
	const struct sut_atom *t = &exact->atoms[atom];
	const uint8_t *code = sut_atom_bytes(exact, atom);
	uint32_t *ends = calloc(t->size ? t->size : 1, sizeof(*ends));
	int r;

	if (!ends || !code) {
		free(ends);
		return sut_err_oom(err);
	}
	r = sut_insn_ends(code, t->size, ends, err);
	if (r < 0) {
		free(ends);
		return r;
	}
	memset(mask, SUTURE_MASK_EQUAL, t->size);
	for (uint32_t i = 0; i < t->nrefs; i++) {
		const struct sut_ref *f = &exact->refs[t->first_ref + i];
		uint32_t width = sut_rela_width(f->type);
		bool absolute = absolute_target(p, exact, f);

		if (!width)
			continue;
		if (sut_rela_is_pcrel(f->type)) {
			/* Distances inside the image stay; to a constant they do not. */
			if (absolute)
				mark(mask, t->size, f->offset, width, SUTURE_MASK_IGNORE);
		} else if (!absolute) {
			mark(mask, t->size, f->offset, width, SUTURE_MASK_CONT);
			mark(mask, t->size, f->offset, 1,
			     width == 8 ? SUTURE_MASK_ABS64 : SUTURE_MASK_ABS32);
		}
	}
	for (uint32_t i = 0; i < t->nrecords; i++) {
		const struct sut_record *rec = &exact->records[t->first_record + i];
		uint32_t len = rewritten(exact, rec, ends);

		/* A field that is rewritten in part is left out as a whole. */
		for (uint64_t off = rec->place; len && off < rec->place + len && off < t->size;
		     off++) {
			uint64_t s = off;

			while (mask[s] == SUTURE_MASK_CONT && s)
				s--;
			if (mask[s] == SUTURE_MASK_ABS32)
				mark(mask, t->size, s, 4, SUTURE_MASK_IGNORE);
			else if (mask[s] == SUTURE_MASK_ABS64)
				mark(mask, t->size, s, 8, SUTURE_MASK_IGNORE);
			mask[off] = SUTURE_MASK_IGNORE;
		}
	}
	free(ends);
	return 0;
}

/* A jump replaces bytes that can be compared before and after: none the kernel may rewrite. */
static bool jump_fits(const uint8_t *mask, uint64_t size, uint32_t off)
{
	if (size < off + JUMP)
		return false;
	for (uint32_t i = 0; i < JUMP; i++)
		if (mask[off + i] == SUTURE_MASK_IGNORE)
			return false;
	return true;
}

int sut_entry_plan(const struct sut_profile *p, const struct sut_atoms *exact, uint32_t atom,
		   uint64_t addr, struct sut_entry *ret, struct sut_err *err)
{
	const struct sut_atom *t = &exact->atoms[atom];
	const uint8_t *code = sut_atom_bytes(exact, atom);
	_cleanup_(sut_freep) uint8_t *mask = calloc(1, t->size ? t->size : 1);
	struct sut_entry e = {.redirect = SUTURE_REDIRECT_NONE};
	uint32_t slot = 0;
	int r;

	if (!mask)
		return sut_err_oom(err);
	r = sut_entry_mask(p, exact, atom, mask, err);
	if (r < 0)
		return r;
	if (t->size >= 4 && !memcmp(code, "\xf3\x0f\x1e\xfa", 4))
		slot = 4; /* endbr64 stays in front */
	if (sut_profile_has_fentry(p, addr + slot)) {
		bool fits = jump_fits(mask, t->size, slot + SLOT);

		e.redirect = fits ? SUTURE_REDIRECT_JUMP_FENTRY : SUTURE_REDIRECT_FTRACE;
		e.redirect_off = fits ? slot + SLOT : slot;
	} else if (jump_fits(mask, t->size, slot)) {
		e.redirect = SUTURE_REDIRECT_JUMP_ENTRY;
		e.redirect_off = slot;
	} else if (t->size < slot + JUMP) {
		snprintf(e.why, sizeof(e.why), "it has only %llu bytes and no fentry slot",
			 (unsigned long long)t->size);
	} else {
		snprintf(e.why, sizeof(e.why),
			 "it has no fentry slot and the kernel rewrites its first bytes");
	}
	*ret = e;
	return 0;
}
