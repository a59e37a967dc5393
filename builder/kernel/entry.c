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

static bool at_run_time(enum sut_table_kind t)
{
	return t == SUT_TABLE_JUMP_LABEL || t == SUT_TABLE_STATIC_CALL;
}

/* The kernel's own rewriting of the first bytes: at boot, or at any time. */
static bool avoided(enum sut_table_kind t)
{
	return at_run_time(t) || t == SUT_TABLE_ALT || t == SUT_TABLE_PARAVIRT ||
	       t == SUT_TABLE_LOCK;
}

static bool overlaps(const struct sut_atoms *a, const struct sut_atom *t, const uint32_t *ends,
		     uint32_t off, bool (*which)(enum sut_table_kind))
{
	for (uint32_t i = 0; i < t->nrecords; i++) {
		const struct sut_record *r = &a->records[t->first_record + i];

		if (which(r->table) && r->place < off + JUMP &&
		    r->place + rewritten(a, r, ends) > off)
			return true;
	}
	return false;
}

void sut_entry_plan(const struct sut_profile *p, const struct sut_atoms *exact, uint32_t atom,
		    uint64_t addr, struct sut_entry *ret)
{
	const struct sut_atom *t = &exact->atoms[atom];
	const uint8_t *code = sut_atom_bytes(exact, atom);
	uint32_t *ends = calloc(t->size ? t->size : 1, sizeof(*ends));
	uint32_t slot = 0;
	bool fentry;

	*ret = (struct sut_entry){.redirect = SUTURE_REDIRECT_NONE};
	if (!ends || !code || sut_insn_ends(code, t->size, ends, NULL) < 0) {
		snprintf(ret->why, sizeof(ret->why), "its code cannot be read");
		free(ends);
		return;
	}
	if (t->size >= 4 && !memcmp(code, "\xf3\x0f\x1e\xfa", 4))
		slot = 4; /* endbr64 stays in front */
	fentry = sut_profile_has_fentry(p, addr + slot);
	if (fentry) {
		ret->redirect_off = slot + SLOT;
		if (t->size >= ret->redirect_off + JUMP &&
		    !overlaps(exact, t, ends, ret->redirect_off, avoided)) {
			ret->redirect = SUTURE_REDIRECT_JUMP_FENTRY;
		} else {
			ret->redirect = SUTURE_REDIRECT_FTRACE;
			ret->redirect_off = slot;
		}
	} else {
		ret->redirect_off = slot;
		if (t->size < slot + JUMP)
			snprintf(ret->why, sizeof(ret->why),
				 "it has only %llu bytes and no fentry slot",
				 (unsigned long long)t->size);
		else if (overlaps(exact, t, ends, slot, at_run_time))
			snprintf(ret->why, sizeof(ret->why),
				 "it has no fentry slot and the kernel rewrites its first bytes");
		else
			ret->redirect = SUTURE_REDIRECT_JUMP_ENTRY;
	}
	free(ends);
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
