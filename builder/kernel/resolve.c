// SPDX-License-Identifier: Apache-2.0
#include "kernel/resolve.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static bool is_percpu(const struct sut_object *o, uint32_t shndx)
{
	return sut_startswith(o->sections[shndx].name, ".data..percpu");
}

uint32_t sut_exact_symbol(const struct sut_unit *u, const struct sut_atoms *orig, uint32_t atom)
{
	const struct sut_object *e = u->object;

	/* Any of the names the atom has: aliases are at the same place. */
	for (uint32_t s = 1; s < orig->object->nsyms; s++) {
		if (orig->sym_atom[s] != atom)
			continue;
		for (uint32_t i = 1; i < e->nsyms; i++)
			if (e->syms[i].shndx && e->syms[i].shndx < SHN_LORESERVE &&
			    (e->syms[i].type == STT_FUNC || e->syms[i].type == STT_OBJECT) &&
			    sut_streq(e->syms[i].name, orig->object->syms[s].name))
				return i;
	}
	return 0;
}

int sut_resolve_atom(const struct sut_profile *p, const struct sut_unit *u,
		     const struct sut_atoms *orig, uint32_t atom, struct sut_place *ret,
		     struct sut_err *err)
{
	const struct sut_atom *t = &orig->atoms[atom];
	uint32_t s = sut_exact_symbol(u, orig, atom);
	const struct sut_proven *v;

	(void)p;
	if (!s)
		return sut_err_set(err, EKEYREJECTED, "%s is not in the exactly compiled object",
				   t->name);
	v = &u->syms[s];
	if (v->proof != SUT_PROOF_IDENTICAL && v->proof != SUT_PROOF_OVERRIDDEN)
		return sut_err_set(
			err, EKEYREJECTED,
			v->proof == SUT_PROOF_DIFFERENT
				? "%s differs from the shipped kernel at +0x%llx"
				: "%s could not be located in the shipped kernel (+0x%llx)",
			t->name, (unsigned long long)v->diff_offset);
	*ret = (struct sut_place){is_percpu(u->object, u->object->syms[s].shndx)
					  ? SUT_REACH_ABSOLUTE
					  : SUT_REACH_ANCHOR,
				  v->addr, u->object->syms[s].name};
	return 0;
}

int sut_resolve_name(const struct sut_profile *p, const char *name, struct sut_place *ret,
		     struct sut_err *err)
{
	const struct sut_export *e = sut_profile_export(p, name);
	bool absolute;
	uint64_t addr;
	int r;

	if (e && sut_streq(e->module, "vmlinux") && !*e->ns) {
		*ret = (struct sut_place){SUT_REACH_EXPORT, 0, e->name};
		return 0;
	}
	r = sut_prove_extern(p, name, &addr, &absolute, err);
	if (r < 0)
		return r;
	*ret = (struct sut_place){absolute ? SUT_REACH_ABSOLUTE : SUT_REACH_ANCHOR, addr, name};
	return 0;
}

const char *sut_kernel_name(const struct sut_profile *p, uint64_t addr, const char *fallback)
{
	const struct sut_ksym *k = sut_profile_at(p, addr);

	if (!k || k->addr != addr)
		return fallback;
	while (k > p->syms && k[-1].addr == addr)
		k--;
	return k->name;
}
