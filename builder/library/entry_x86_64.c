// SPDX-License-Identifier: Apache-2.0
#include "library/entry.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "patch/library.h"

enum {
	ALIGN = 16, /* functions begin at multiples of it */
	PADDING_MAX = 4 * ALIGN,
	FORWARD = 127, /* reach of a short jump, from its end */
	BACK = 128,
	ENDBR64 = 4,
};

/* ---- padding ---- */

uint32_t sut_lib_nop(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && (p[n] == 0x66 || p[n] == 0x2e)) /* data16, cs */
		n++;
	if (n < len && p[n] == 0x90)
		return (uint32_t)n + 1;
	if (len - n < 3 || p[n] != 0x0f || p[n + 1] != 0x1f)
		return 0;
	switch (p[n + 2]) { /* nop with each form of operand */
	case 0x00:
		n += 3;
		break;
	case 0x40:
		n += 4;
		break;
	case 0x44:
		n += 5;
		break;
	case 0x80:
		n += 7;
		break;
	case 0x84:
		n += 8;
		break;
	default:
		return 0;
	}
	return n <= len ? (uint32_t)n : 0;
}

/* Index of the first symbol behind vaddr. */
static size_t next_symbol(const struct sut_lib_profile *p, uint64_t vaddr)
{
	size_t lo = 0, hi = p->nsyms;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->syms[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t sut_lib_padding(const struct sut_lib_profile *p, uint64_t vaddr)
{
	const struct sut_lib_sym *in = sut_lib_profile_at(p, vaddr);
	uint64_t end = vaddr + PADDING_MAX;
	const uint8_t *b;
	uint64_t at = 0;
	size_t next;

	if (in && vaddr < in->vaddr + in->size)
		return 0;
	next = next_symbol(p, vaddr);
	while (next < p->nsyms && p->syms[next].type == STT_TLS)
		next++;
	if (next < p->nsyms && p->syms[next].vaddr < end)
		end = p->syms[next].vaddr;
	else /* no symbol near by: only up to where a function could begin */
		end = (vaddr + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
	while (end > vaddr && !(b = sut_lib_profile_bytes(p, vaddr, end - vaddr)))
		end--;
	if (end <= vaddr)
		return 0;
	b = sut_lib_profile_bytes(p, vaddr, end - vaddr);
	while (b && at < end - vaddr) {
		uint32_t n = b[at] == 0xcc ? 1 : sut_lib_nop(b + at, end - vaddr - at);

		if (!n)
			return 0; /* something without a symbol is here: nothing is certain */
		at += n;
	}
	return (uint32_t)at;
}

/* ---- what jumps into the entry ---- */

/* The nearest place behind off (and at most off + 4) that an instruction of the function jumps to; 0: none. */
static int inner_target(const uint8_t *code, uint64_t size, uint64_t vaddr, uint32_t off,
			uint64_t *ret, struct sut_err *err)
{
	const uint8_t *p = code;
	size_t left = size;
	uint64_t at = vaddr, best = 0;
	cs_insn *insn;
	csh h;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) != CS_ERR_OK)
		return sut_err_set(err, EIO, "cannot start the disassembler");
	cs_option(h, CS_OPT_SKIPDATA, CS_OPT_ON);
	cs_option(h, CS_OPT_DETAIL, CS_OPT_ON);
	insn = cs_malloc(h);
	if (!insn) {
		cs_close(&h);
		return sut_err_oom(err);
	}
	while (left && cs_disasm_iter(h, &p, &left, &at, insn)) {
		const cs_x86 *x = insn->id ? &insn->detail->x86 : NULL;
		uint64_t to;

		if (!x || x->op_count != 1 || x->operands[0].type != X86_OP_IMM ||
		    !(cs_insn_group(h, insn, CS_GRP_JUMP) || cs_insn_group(h, insn, CS_GRP_CALL)))
			continue;
		to = (uint64_t)x->operands[0].imm - vaddr;
		if (to > off && to < off + SUT_LIB_JUMP && (!best || to < best))
			best = to;
	}
	cs_free(insn, 1);
	cs_close(&h);
	*ret = best;
	return 0;
}

static bool is_taken(const struct sut_lib_range *taken, size_t n, uint64_t vaddr, uint32_t size)
{
	for (size_t i = 0; i < n; i++)
		if (vaddr < taken[i].vaddr + taken[i].size && taken[i].vaddr < vaddr + size)
			return true;
	return false;
}

/* 5 bytes of padding that a short jump at `from` reaches; 0: none. Nearest first. */
static uint64_t find_island(const struct sut_lib_profile *p, uint64_t from, uint64_t low,
			    uint64_t high, const struct sut_lib_range *taken, size_t ntaken)
{
	for (uint64_t d = 0; d <= BACK; d++) {
		for (int back = 0; back < 2; back++) {
			uint64_t at = back ? from - d : from + d;

			if ((back && (!d || d > from)) || (!back && d > FORWARD) ||
			    (at + SUT_LIB_JUMP > low && at < high))
				continue;
			/* Only at the start of padding: else its first bytes may be of an instruction that does something. */
			if (sut_lib_profile_at(p, at) || sut_lib_padding(p, at) < SUT_LIB_JUMP ||
			    is_taken(taken, ntaken, at, SUT_LIB_JUMP))
				continue;
			if (at && !sut_lib_profile_at(p, at - 1) && !sut_lib_padding(p, at - 1))
				continue;
			return at;
		}
	}
	return 0;
}

int sut_lib_entry_plan(const struct sut_lib_profile *p, uint64_t vaddr, uint64_t size,
		       const uint64_t *inner, size_t n, const struct sut_lib_range *taken,
		       size_t ntaken, struct sut_lib_entry *ret, struct sut_err *err)
{
	static const uint8_t endbr64[ENDBR64] = {0xf3, 0x0f, 0x1e, 0xfa};
	const uint8_t *code =
		size && size <= SUT_LIBRARY_FUNC_MAX ? sut_lib_profile_bytes(p, vaddr, size) : NULL;
	struct sut_lib_entry e = {.span = (uint32_t)size};
	uint64_t hit = 0, room;
	uint32_t need;
	int r;

	if (!code) {
		snprintf(e.why, sizeof(e.why), "it has no code in the file");
		*ret = e;
		return 0;
	}
	if (size >= ENDBR64 && !memcmp(code, endbr64, ENDBR64))
		e.jump_off = ENDBR64;
	r = inner_target(code, size, vaddr, e.jump_off, &hit, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (inner[i] > e.jump_off && inner[i] < e.jump_off + SUT_LIB_JUMP &&
		    (!hit || inner[i] < hit))
			hit = inner[i];
	for (size_t i = next_symbol(p, vaddr + e.jump_off + 1);
	     i < p->nsyms && p->syms[i].vaddr < vaddr + e.jump_off + SUT_LIB_JUMP; i++)
		if (p->syms[i].type != STT_TLS && (!hit || p->syms[i].vaddr - vaddr < hit))
			hit = p->syms[i].vaddr - vaddr;
	room = size + sut_lib_padding(p, vaddr + size);
	if (is_taken(taken, ntaken, vaddr + size, (uint32_t)(room - size)))
		room = size;
	need = e.jump_off + SUT_LIB_JUMP;
	if (!hit && room >= need) {
		e.redirect = SUT_LIBRARY_JUMP;
	} else if ((!hit || hit >= e.jump_off + SUT_LIB_SHORT_JUMP) &&
		   room >= e.jump_off + SUT_LIB_SHORT_JUMP) {
		need = e.jump_off + SUT_LIB_SHORT_JUMP;
		e.island = find_island(p, vaddr + need, vaddr, vaddr + (size > need ? size : need),
				       taken, ntaken);
		if (e.island)
			e.redirect = SUT_LIBRARY_ISLAND;
	}
	if (!e.redirect && hit)
		snprintf(e.why, sizeof(e.why), "its byte %llu is jumped to",
			 (unsigned long long)hit);
	else if (!e.redirect)
		snprintf(e.why, sizeof(e.why),
			 "it has only %llu bytes, and there is no padding behind it or near by",
			 (unsigned long long)size);
	if (need > e.span)
		e.span = need;
	*ret = e;
	return 0;
}
