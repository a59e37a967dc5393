// SPDX-License-Identifier: Apache-2.0
#include "library/unit.h"

#include <errno.h>
#include <string.h>

int sut_lib_unit_place(struct sut_lib_unit *u, struct sut_err *err)
{
	const struct sut_lib_object *r = u->recorded;

	u->home = calloc(u->exact->nsections, sizeof(*u->home));
	if (!u->home)
		return sut_err_oom(err);
	for (size_t i = 0; i < r->nplaced; i++) {
		uint32_t nth = r->placed[i].nth, s;

		for (s = 1; s < u->exact->nsections; s++)
			if (sut_streq(u->exact->sections[s].name, r->placed[i].name) && !nth--)
				break;
		if (s == u->exact->nsections || u->exact->sections[s].size != r->placed[i].size)
			return sut_err_set(err, EBADMSG,
					   "the link map has a %s of %llu bytes of %s, and the "
					   "recorded object has none: add the target again",
					   r->placed[i].name, (unsigned long long)r->placed[i].size,
					   u->source);
		u->home[s] = (struct sut_lib_home){true, r->placed[i].vaddr};
	}
	return 0;
}

static bool defined(const struct sut_sym *s)
{
	return s->shndx && s->shndx < SHN_LORESERVE && s->type != STT_SECTION &&
	       s->type != STT_FILE && *s->name;
}

uint32_t sut_lib_unit_exact(const struct sut_lib_unit *u, uint32_t orig)
{
	const struct sut_object *o = u->orig, *e = u->exact;

	/* Any of the names the atom has: aliases are at the same place. */
	for (uint32_t s = 1; s < o->nsyms; s++) {
		if (u->orig_atoms->sym_atom[s] != orig)
			continue;
		for (uint32_t i = 1; i < e->nsyms; i++)
			if (defined(&e->syms[i]) && sut_streq(e->syms[i].name, o->syms[s].name) &&
			    e->syms[i].type == o->syms[s].type)
				return i;
	}
	return 0;
}

/* A copy of another object that the linker kept: what it is called is all that is known of it. */
static enum sut_lib_found by_name(const struct sut_lib_unit *u, const struct sut_sym *s,
				  uint64_t *ret_vaddr, uint64_t *ret_size,
				  char why[static SUT_WHY_MAX])
{
	/* "name@@VERSION" in an object: the file has it as a name and a version. */
	_cleanup_(sut_freep) char *name = strndup(s->name, strcspn(s->name, "@"));
	const struct sut_lib_sym *found = NULL;
	const uint32_t *idx = NULL;
	size_t n = name ? sut_lib_profile_lookup(u->profile, name, &idx) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct sut_lib_sym *c = &u->profile->syms[idx[i]];

		if (found && found->vaddr != c->vaddr) {
			snprintf(why, SUT_WHY_MAX, "the file has several %.150s", s->name);
			return SUT_LIB_UNPROVEN;
		}
		found = c;
	}
	if (!found) {
		snprintf(why, SUT_WHY_MAX, "the file has no %.150s", s->name);
		return SUT_LIB_ABSENT;
	}
	if (s->bind == STB_LOCAL) {
		snprintf(why, SUT_WHY_MAX, "the link map does not say where %.150s of this file is",
			 s->name);
		return SUT_LIB_UNPROVEN;
	}
	*ret_vaddr = found->vaddr;
	*ret_size = found->size;
	return SUT_LIB_FOUND;
}

enum sut_lib_found sut_lib_unit_find(const struct sut_lib_unit *u, uint32_t orig,
				     uint64_t *ret_vaddr, uint64_t *ret_size,
				     char why[static SUT_WHY_MAX])
{
	uint32_t sym = sut_lib_unit_exact(u, orig);
	enum sut_lib_found found = SUT_LIB_FOUND;
	uint64_t vaddr, size, off = 0;
	const struct sut_sym *s;

	if (!sym) {
		snprintf(why, SUT_WHY_MAX, "%.150s is not in the recorded object",
			 u->orig_atoms->atoms[orig].name);
		return SUT_LIB_UNPROVEN;
	}
	s = &u->exact->syms[sym];
	if (u->home[s->shndx].placed) {
		vaddr = u->home[s->shndx].vaddr + s->value;
		size = s->size;
	} else {
		found = by_name(u, s, &vaddr, &size, why);
		if (found != SUT_LIB_FOUND)
			return found;
	}
	if (u->exact->sections[s->shndx].type != SHT_NOBITS &&
	    !(u->exact->sections[s->shndx].flags & SHF_TLS) &&
	    !sut_lib_profile_same(u->profile, vaddr, size, &off)) {
		snprintf(why, SUT_WHY_MAX, "%.150s differs from the shipped file at +0x%llx",
			 s->name, (unsigned long long)off);
		return SUT_LIB_UNPROVEN;
	}
	*ret_vaddr = vaddr;
	*ret_size = size;
	return SUT_LIB_FOUND;
}

void sut_lib_unit_release(struct sut_lib_unit *u)
{
	for (uint32_t i = 0; u->differs && u->orig_atoms && i < u->orig_atoms->n; i++)
		free(u->differs[i]);
	free(u->differs);
	free(u->home);
	sut_selection_release(&u->selection);
	sut_diff_free(u->diff);
	sut_frames_release(&u->frames);
	sut_atoms_free(u->exact_atoms);
	sut_atoms_free(u->orig_atoms);
	sut_atoms_free(u->patched_atoms);
	sut_object_free(u->exact);
	sut_object_free(u->orig);
	sut_object_free(u->patched);
	*u = (struct sut_lib_unit){0};
}
