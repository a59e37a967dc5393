// SPDX-License-Identifier: Apache-2.0
/*
 * Is a function that was compiled with a section of its own the recorded one? Other code calls it, and is called by it, as the
 * compiler arranged it in the recorded compilation, which may know more of a callee than the calling convention tells.
 *
 * The bytes differ where the assembler could bind a call within one section, and where that made a jump shorter. So instructions
 * are compared one by one: what they do, and for jumps and calls where they lead.
 */
#include <capstone/capstone.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "library/entry.h"
#include "library/unit.h"

struct side {
	const struct sut_atoms *a;
	uint32_t atom;
	const uint8_t *p;
	size_t left;
	uint64_t at;  /* in the atom */
	uint32_t ref; /* next one */
	cs_insn *insn;
};

/* The relocation in the instruction that was read; NULL. */
static const struct sut_ref *ref_in(struct side *s)
{
	const struct sut_atom *t = &s->a->atoms[s->atom];

	for (; s->ref < t->nrefs; s->ref++) {
		const struct sut_ref *r = &s->a->refs[t->first_ref + s->ref];

		if (r->offset >= s->at)
			return NULL;
		if (r->offset >= s->at - s->insn->size)
			return r;
	}
	return NULL;
}

static bool is_branch(csh h, const cs_insn *insn)
{
	return insn->id &&
	       (cs_insn_group(h, insn, CS_GRP_JUMP) || cs_insn_group(h, insn, CS_GRP_CALL)) &&
	       insn->detail->x86.op_count == 1 && insn->detail->x86.operands[0].type == X86_OP_IMM;
}

/* Where a jump leads: a name and an offset from it. In the recorded object it may be bound already. */
struct goal {
	const char *name;
	int64_t off;
	bool inside; /* of the function itself: off counts from its start */
};

static struct goal goal_of(const struct side *s, const struct sut_ref *r)
{
	const struct sut_atom *t = &s->a->atoms[s->atom];
	uint32_t to;
	uint64_t place;

	if (r && r->atom == SUT_NO_ATOM)
		return (struct goal){s->a->object->syms[r->sym].name, r->target, false};
	if (r)
		return (struct goal){s->a->atoms[r->atom].name, r->target, r->atom == s->atom};
	place = (uint64_t)s->insn->detail->x86.operands[0].imm; /* from the atom's start */
	if (place < t->size)
		return (struct goal){t->name, (int64_t)place, true};
	to = sut_atoms_at(s->a, t->section, t->off + place);
	if (to == SUT_NO_ATOM)
		return (struct goal){"", 0, false};
	return (struct goal){s->a->atoms[to].name, (int64_t)(t->off + place - s->a->atoms[to].off),
			     to == s->atom};
}

/* Two names of one place: aliases differ by which one a relocation was given. */
static bool same_name(const struct sut_atoms *a, const struct sut_atoms *b, const char *x,
		      const char *y)
{
	uint32_t sx, sy;

	if (sut_streq(x, y))
		return true;
	sx = sut_object_sym(a->object, x);
	sy = sut_object_sym(a->object, y);
	if (sx && sy && a->sym_atom[sx] != SUT_NO_ATOM && a->sym_atom[sx] == a->sym_atom[sy])
		return true;
	sx = sut_object_sym(b->object, x);
	sy = sut_object_sym(b->object, y);
	return sx && sy && b->sym_atom[sx] != SUT_NO_ATOM && b->sym_atom[sx] == b->sym_atom[sy];
}

static bool same_ref(const struct side *x, const struct side *y, const struct sut_ref *r,
		     const struct sut_ref *q)
{
	const struct sut_atom *a, *b;

	if (r->atom == SUT_NO_ATOM || q->atom == SUT_NO_ATOM)
		return r->atom == q->atom && r->target == q->target &&
		       sut_streq(x->a->object->syms[r->sym].name, y->a->object->syms[q->sym].name);
	a = &x->a->atoms[r->atom];
	b = &y->a->atoms[q->atom];
	if (a->anonymous || b->anonymous ||
	    a->class == SUT_SEC_TEXT) /* contents are copied, with the code */
		return a->anonymous == b->anonymous || a->class == b->class;
	return r->target == q->target && same_name(x->a, y->a, a->name, b->name);
}

/* The bytes of an instruction apart from its relocated field. */
static bool same_bytes(const struct side *x, const struct side *y, const struct sut_ref *r,
		       const struct sut_ref *q)
{
	uint64_t start = x->at - x->insn->size;

	if (x->insn->size != y->insn->size)
		return false;
	for (uint16_t i = 0; i < x->insn->size; i++) {
		if (r && start + i >= r->offset && start + i < r->offset + sut_rela_width(r->type))
			continue;
		if (q && y->at - y->insn->size + i >= q->offset &&
		    y->at - y->insn->size + i < q->offset + sut_rela_width(q->type))
			continue;
		if (x->insn->bytes[i] != y->insn->bytes[i])
			return false;
	}
	return true;
}

/* A jump inside of the function leads to the same instruction: kept as pairs, looked at when both are read. */
struct pairs {
	uint64_t *x, *y; /* starts of the instructions, in order */
	size_t n;
};

static bool is_pair(const struct pairs *p, uint64_t x, uint64_t y)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->x[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n && p->x[lo] == x && p->y[lo] == y;
}

/* The next instruction that does something: what aligns loops depends on the length of jumps before. */
static bool next(csh h, struct side *s)
{
	while (s->left && cs_disasm_iter(h, &s->p, &s->left, &s->at, s->insn))
		if (sut_lib_nop(s->insn->bytes, s->insn->size) != s->insn->size)
			return true;
	return false;
}

static bool same_instruction(csh h, struct side *x, struct side *y, struct pairs *jumps)
{
	const struct sut_ref *r = ref_in(x), *q = ref_in(y);
	struct goal a, b;

	if (is_branch(h, x->insn) != is_branch(h, y->insn))
		return false;
	if (!is_branch(h, x->insn)) {
		if (!r != !q) /* bound: a pc-relative field to the same section */
			return x->insn->id == y->insn->id && x->insn->size == y->insn->size;
		return same_bytes(x, y, r, q) && (!r || same_ref(x, y, r, q));
	}
	if (x->insn->id != y->insn->id)
		return false;
	a = goal_of(x, r);
	b = goal_of(y, q);
	if (a.inside != b.inside)
		return false;
	if (a.inside) {
		jumps->x[jumps->n] = (uint64_t)a.off;
		jumps->y[jumps->n++] = (uint64_t)b.off;
		return true;
	}
	/* Into the split-off part, which may have jumps of another length too, or to the start of a function. */
	if (strstr(a.name, ".cold") || strstr(b.name, ".cold") || a.off || b.off)
		return sut_streq(a.name, b.name);
	return same_name(x->a, y->a, a.name, b.name);
}

/* 1 the same, 0 not, with *ret_at the place in y's; -ENOMEM, -EIO. */
static int compare(csh h, struct side *x, struct side *y, uint64_t *ret_at)
{
	size_t max = x->left + y->left + 1;
	struct pairs at = {calloc(max, 8), calloc(max, 8), 0};
	struct pairs jumps = {calloc(max, 8), calloc(max, 8), 0};
	int r = at.x && at.y && jumps.x && jumps.y ? 1 : -ENOMEM;

	while (r == 1) {
		bool more = next(h, x);

		*ret_at = y->at;
		if (next(h, y) != more)
			r = 0;
		if (!more || !r)
			break;
		at.x[at.n] = x->at - x->insn->size;
		at.y[at.n++] = y->at - y->insn->size;
		if (!same_instruction(h, x, y, &jumps))
			r = 0;
	}
	for (size_t i = 0; r == 1 && i < jumps.n; i++) {
		*ret_at = jumps.y[i];
		/* Into itself through its other part, or out of code that was not read: then by offset. */
		r = is_pair(&at, jumps.x[i], jumps.y[i]) || jumps.x[i] == jumps.y[i];
	}
	free(at.x);
	free(at.y);
	free(jumps.x);
	free(jumps.y);
	return r;
}

static int compare_atoms(csh h, const struct sut_lib_unit *u, uint32_t exact, uint32_t orig,
			 uint64_t *ret_at, cs_insn *insn[2])
{
	struct side x = {.a = u->exact_atoms,
			 .atom = exact,
			 .p = sut_atom_bytes(u->exact_atoms, exact),
			 .left = u->exact_atoms->atoms[exact].size,
			 .insn = insn[0]};
	struct side y = {.a = u->orig_atoms,
			 .atom = orig,
			 .p = sut_atom_bytes(u->orig_atoms, orig),
			 .left = u->orig_atoms->atoms[orig].size,
			 .insn = insn[1]};

	*ret_at = 0;
	if (!x.p || !y.p)
		return 0;
	return compare(h, &x, &y, ret_at);
}

static int same_all(struct sut_lib_unit *u, csh h, cs_insn *insn[2], struct sut_err *err)
{
	for (uint32_t i = 0; i < u->orig_atoms->n; i++) {
		const struct sut_atom *t = &u->orig_atoms->atoms[i];
		uint32_t sym, exact;
		uint64_t at = 0;
		int r;

		if (t->class != SUT_SEC_TEXT || !t->sym)
			continue;
		sym = sut_lib_unit_exact(u, i);
		exact = sym ? u->exact_atoms->sym_atom[sym] : SUT_NO_ATOM;
		r = exact == SUT_NO_ATOM ? 0 : compare_atoms(h, u, exact, i, &at, insn);
		if (r < 0)
			return sut_err_oom(err);
		if (r)
			continue;
		u->differs[i] = exact == SUT_NO_ATOM
					? strdup("is not in the recorded object")
					: sut_sprintf("at +0x%llx", (unsigned long long)at);
		if (!u->differs[i])
			return sut_err_oom(err);
	}
	return 0;
}

int sut_lib_same(struct sut_lib_unit *u, struct sut_err *err)
{
	cs_insn *insn[2] = {NULL, NULL};
	int r;
	csh h;

	u->differs = calloc(u->orig_atoms->n + 1, sizeof(*u->differs));
	if (!u->differs)
		return sut_err_oom(err);
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) != CS_ERR_OK)
		return sut_err_set(err, EIO, "cannot start the disassembler");
	cs_option(h, CS_OPT_SKIPDATA, CS_OPT_ON);
	cs_option(h, CS_OPT_DETAIL, CS_OPT_ON);
	for (int i = 0; i < 2; i++)
		insn[i] = cs_malloc(h);
	r = insn[0] && insn[1] ? same_all(u, h, insn, err) : sut_err_oom(err);
	for (int i = 0; i < 2; i++)
		if (insn[i])
			cs_free(insn[i], 1);
	cs_close(&h);
	return r;
}
