// SPDX-License-Identifier: Apache-2.0
#include "library/resolve.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

/* ---- the shipped file ---- */

static bool is_symbolic(const struct sut_linked *l)
{
	const struct sut_linked_section *s = sut_linked_section(l, ".dynamic");
	const uint8_t *p = s ? sut_linked_bytes(l, s->vaddr, s->size) : NULL;

	for (uint64_t i = 0; p && i + sizeof(Elf64_Dyn) <= s->size; i += sizeof(Elf64_Dyn)) {
		Elf64_Dyn d;

		memcpy(&d, p + i, sizeof(d));
		if (d.d_tag == DT_SYMBOLIC || (d.d_tag == DT_FLAGS && d.d_un.d_val & DF_SYMBOLIC))
			return true;
	}
	return false;
}

int sut_lib_resolver_init(struct sut_lib_resolver *r, const struct sut_lib_profile *p,
			  struct sut_image *image, struct sut_err *err)
{
	int k;

	*r = (struct sut_lib_resolver){
		.profile = p, .image = image, .bytes = SUT_BUF_INIT(SUT_LINKED_MAX)};
	k = sut_file_read(p->shipped, &r->bytes, err);
	if (!k)
		k = sut_linked_parse(r->bytes.data, r->bytes.len, &r->linked, err);
	if (!k)
		r->symbolic = is_symbolic(r->linked);
	return k;
}

void sut_lib_resolver_release(struct sut_lib_resolver *r)
{
	sut_linked_free(r->linked);
	sut_buf_release(&r->bytes);
	free(r->imports);
	sut_strv_release(&r->names);
	*r = (struct sut_lib_resolver){0};
}

/* Does the file offer a symbol of that name to others, so that ld.so may put another one in its place? */
static bool preemptible(const struct sut_lib_resolver *r, const char *name)
{
	const struct sut_linked *l = r->linked;

	if (r->symbolic || r->profile->executable || r->profile->is_static || !*name)
		return false;
	for (size_t i = 1; i < l->ndynsyms; i++)
		if (l->dynsyms[i].shndx && l->dynsyms[i].bind != STB_LOCAL &&
		    (l->dynsyms[i].other & 3) == STV_DEFAULT && sut_streq(l->dynsyms[i].name, name))
			return true;
	return false;
}

/* ---- things ---- */

static const char *bare(struct sut_lib_resolver *r, const char *name, const char **ret_version)
{
	const char *at = strchr(name, '@');

	*ret_version = "";
	if (!at)
		return name;
	if (sut_strv_addf(&r->names, "%.*s", (int)(at - name), name) < 0)
		return NULL;
	*ret_version = at + 1 + (at[1] == '@');
	return r->names.v[r->names.n - 1];
}

/* Does the object that has these bytes define a symbol of that name for others? Then it is no other file's static one. */
static bool defined_for_others(const struct sut_lib_profile *p, const char *name, uint64_t vaddr)
{
	for (size_t i = 0; i < p->nobjects; i++) {
		const struct sut_lib_object *o = &p->objects[i];

		for (size_t k = 0; k < o->nplaced; k++) {
			_cleanup_(sut_object_freep) struct sut_object *obj = NULL;

			if (vaddr < o->placed[k].vaddr ||
			    vaddr - o->placed[k].vaddr >= o->placed[k].size)
				continue;
			if (sut_object_read(o->path, &obj, NULL) < 0)
				return false;
			for (uint32_t s = 1; s < obj->nsyms; s++)
				if (obj->syms[s].shndx && obj->syms[s].bind != STB_LOCAL &&
				    sut_streq(obj->syms[s].name, name))
					return true;
			return false;
		}
	}
	return true; /* of no object: the linker made it */
}

static int pick(const struct sut_lib_resolver *r, const char *name, const struct sut_lib_sym **ret,
		struct sut_err *err)
{
	const struct sut_lib_sym *best = NULL;
	const uint32_t *idx = NULL;
	size_t n = sut_lib_profile_lookup(r->profile, name, &idx);
	bool global = false;

	for (size_t i = 0; i < n; i++) {
		const struct sut_lib_sym *s = &r->profile->syms[idx[i]];
		bool g = s->bind != STB_LOCAL;

		if (best && (global && !g))
			continue;
		if (best && best->vaddr == s->vaddr && g == global)
			continue;
		if (!g && !defined_for_others(r->profile, name, s->vaddr))
			continue;
		if (best && g == global)
			return sut_err_set(err, EKEYREJECTED,
					   "the file has several %s, and which one is meant "
					   "cannot be told",
					   name);
		best = s;
		global = g;
	}
	*ret = best;
	return 0;
}

/* Functions and constants must be as they were shipped; variables without contents have none. */
static int check_proven(const struct sut_lib_resolver *r, const struct sut_lib_sym *s,
			struct sut_err *err)
{
	uint64_t off = 0;

	if (s->proven || s->type == STT_TLS || !s->size ||
	    !sut_lib_profile_bytes(r->profile, s->vaddr, s->size))
		return 0;
	if (sut_lib_profile_same(r->profile, s->vaddr, s->size, &off))
		return 0;
	return sut_err_set(err, EKEYREJECTED, "%s is not proven: it differs from the shipped file",
			   s->name);
}

int sut_lib_resolve_name(struct sut_lib_resolver *r, const struct sut_sym *s,
			 struct sut_lib_thing *ret, struct sut_err *err)
{
	struct sut_lib_thing t = {.weak = s->bind == STB_WEAK};
	const struct sut_lib_sym *found = NULL;
	int k;

	t.name = bare(r, s->name, &t.version);
	if (!t.name)
		return sut_err_oom(err);
	k = pick(r, t.name, &found, err);
	if (!k && found)
		k = check_proven(r, found, err);
	if (k < 0)
		return k;
	if (found) {
		t.here = true;
		t.vaddr = found->vaddr;
		t.tls = found->type == STT_TLS;
		t.ifunc = found->type == STT_GNU_IFUNC;
		t.preemptible = found->bind != STB_LOCAL && (s->other & 3) == STV_DEFAULT &&
				preemptible(r, t.name);
	} else {
		t.tls = s->type == STT_TLS;
		t.preemptible = true;
	}
	*ret = t;
	return 0;
}

bool sut_lib_preemptible(const struct sut_lib_resolver *r, const struct sut_sym *s)
{
	return s->bind != STB_LOCAL && (s->other & 3) == STV_DEFAULT && preemptible(r, s->name);
}

int sut_lib_resolve_atom(struct sut_lib_resolver *r, const struct sut_lib_unit *u, uint32_t orig,
			 const struct sut_sym *via, struct sut_lib_thing *ret, struct sut_err *err)
{
	struct sut_lib_thing t = {.name = "", .version = "", .here = true};
	const struct sut_atoms *a = u->orig_atoms;
	char why[SUT_WHY_MAX] = "";
	uint64_t size;

	switch (sut_lib_unit_find(u, orig, &t.vaddr, &size, why)) {
	case SUT_LIB_FOUND:
		break;
	case SUT_LIB_ABSENT:
	default:
		return sut_err_set(err, EKEYREJECTED, "%s", why);
	}
	for (uint32_t s = 1; s < a->object->nsyms; s++) {
		const struct sut_sym *sym = &a->object->syms[s];

		if (a->sym_atom[s] != orig)
			continue;
		t.ifunc |= sym->type == STT_GNU_IFUNC;
		t.tls |= sym->type == STT_TLS;
	}
	if (t.tls) {
		/* By the map it is an address. One that was found by its name is an offset. */
		uint32_t e = sut_lib_unit_exact(u, orig);

		if (u->home[u->exact->syms[e].shndx].placed)
			t.vaddr -= r->profile->tls_vaddr;
	}
	if (via->bind != STB_LOCAL) {
		t.name = bare(r, via->name, &t.version);
		if (!t.name)
			return sut_err_oom(err);
		t.preemptible = sut_lib_preemptible(r, via);
	}
	*ret = t;
	return 0;
}

/* ---- ways ---- */

static const struct sut_lib_slot *slot_of(const struct sut_lib_resolver *r,
					  enum sut_lib_slot_kind kind,
					  const struct sut_lib_thing *t)
{
	const struct sut_lib_slot *s = NULL;

	if (*t->name)
		s = sut_lib_profile_slot(r->profile, kind, t->name, 0);
	if (!s && t->here && !t->preemptible)
		s = sut_lib_profile_slot(r->profile, kind, "", t->vaddr);
	return s;
}

/* A slot that ld.so fills with the address itself, and before the code runs. */
static bool holds_address(const struct sut_lib_resolver *r, const struct sut_lib_slot *s)
{
	const struct sut_linked *l = r->linked;
	size_t i = sut_linked_rel_from(l, s->vaddr);

	return i < l->nrels && l->rels[i].vaddr == s->vaddr &&
	       l->rels[i].type != R_X86_64_JUMP_SLOT;
}

static struct sut_image_place target(uint64_t vaddr)
{
	return (struct sut_image_place){.where = SUT_IMAGE_TARGET, .value = vaddr};
}

static int import(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		  struct sut_image_place *ret, struct sut_err *err)
{
	struct sut_library_import *v;

	if (!*t->name || t->tls)
		return sut_err_reason(err, EOPNOTSUPP, t->tls ? "tls-import" : "import",
				      "%s has no name by which it could be found in a process",
				      t->tls ? "a thread-local variable of another file" : "it");
	if (r->profile->is_static)
		return sut_err_reason(err, EOPNOTSUPP, "import",
				      "%s is not in this static executable, and there is nobody "
				      "to import it from",
				      t->name);
	for (size_t i = 0; i < r->nimports; i++)
		if (sut_streq(r->imports[i].name, t->name) &&
		    sut_streq(r->imports[i].version, t->version)) {
			r->imports[i].weak &= t->weak;
			*ret = (struct sut_image_place){.where = SUT_IMAGE_IMPORT, .value = i};
			return 0;
		}
	v = reallocarray(r->imports, r->nimports + 1, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	r->imports = v;
	v[r->nimports] = (struct sut_library_import){
		.name = t->name, .version = t->version, .weak = t->weak};
	*ret = (struct sut_image_place){.where = SUT_IMAGE_IMPORT, .value = r->nimports++};
	return 0;
}

int sut_lib_reach_far(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		      struct sut_image_place *ret, struct sut_err *err)
{
	if (t->here && !t->preemptible && !t->ifunc) {
		*ret = target(t->vaddr);
		return 0;
	}
	if (t->ifunc && !*t->name)
		return sut_err_reason(err, EOPNOTSUPP, "ifunc",
				      "the address of a function that is chosen when a program is "
				      "loaded is needed, and the file has no slot for it");
	return import(r, t, ret, err);
}

int sut_lib_reach_slot(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		       struct sut_image_place *ret, struct sut_err *err)
{
	const struct sut_lib_slot *s = slot_of(r, SUT_LIB_SLOT_GOT, t);
	struct sut_image_place far;
	int k;

	if (s && holds_address(r, s)) {
		*ret = target(s->vaddr);
		return 0;
	}
	k = sut_lib_reach_far(r, t, &far, err);
	if (!k && sut_image_slot(r->image, &far, 0, ret) < 0)
		return sut_err_oom(err);
	return k;
}

int sut_lib_reach_call(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		       struct sut_image_place *ret, struct sut_err *err)
{
	const struct sut_lib_slot *s;
	struct sut_image_place slot;
	int k;

	if (t->here && !t->preemptible && !t->ifunc) {
		*ret = target(t->vaddr);
		return 0;
	}
	s = slot_of(r, SUT_LIB_SLOT_PLT, t);
	if (s) {
		*ret = target(s->vaddr);
		return 0;
	}
	s = slot_of(r, SUT_LIB_SLOT_GOT, t);
	if (s) {
		slot = target(s->vaddr);
		k = 0;
	} else {
		k = sut_lib_reach_slot(r, t, &slot, err);
	}
	if (!k && sut_image_jump(r->image, &slot, ret) < 0)
		return sut_err_oom(err);
	return k;
}

int sut_lib_reach(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		  struct sut_image_place *ret, struct sut_err *err)
{
	/* A field of 4 bytes: what is bound when the file is linked, or, in an executable, its stub for it. */
	if (t->here && !t->ifunc && !t->tls) {
		*ret = target(t->vaddr);
		return 0;
	}
	if (t->tls)
		return sut_err_reason(err, EOPNOTSUPP, "tls",
				      "%s is thread-local, and is used as if it were not", t->name);
	if (t->ifunc || r->profile->executable)
		return sut_lib_reach_call(r, t, ret, err);
	return sut_err_reason(err, EOPNOTSUPP, "import",
			      "%s is reached directly, but is in another file: was the object "
			      "compiled without -fPIC?",
			      t->name);
}

/* ---- thread-local variables ---- */

static uint64_t tls_block(const struct sut_lib_profile *p)
{
	uint64_t align = p->tls_align ? p->tls_align : 1;

	/* The thread pointer is behind the block of the executable, aligned as it asks, congruent to its address. */
	return ((p->tls_memsz + align - 1) & ~(align - 1));
}

int sut_lib_tpoff(struct sut_lib_resolver *r, const struct sut_lib_thing *t, int64_t *ret,
		  struct sut_err *err)
{
	if (!t->tls || !t->here || !(r->profile->executable || r->profile->is_static))
		return sut_err_reason(err, EOPNOTSUPP, "tls",
				      "where %s is in a thread is not known before the file is "
				      "loaded",
				      t->name);
	*ret = (int64_t)t->vaddr - (int64_t)tls_block(r->profile);
	return 0;
}

/* What the linker settled when it made an executable: its own variables, in the first module. */
static int tls_of_executable(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
			     enum sut_lib_slot_kind kind, struct sut_image_place *ret,
			     struct sut_err *err)
{
	uint64_t pair[2] = {1, kind == SUT_LIB_SLOT_TLS_LD ? 0 : t->vaddr}, off = 0;
	int64_t tpoff;
	int k;

	if (kind == SUT_LIB_SLOT_TLS_IE) {
		k = sut_lib_tpoff(r, t, &tpoff, err);
		if (k < 0)
			return k;
		pair[0] = (uint64_t)tpoff;
	}
	k = sut_image_add(r->image, SUT_IMAGE_EXEC, pair, kind == SUT_LIB_SLOT_TLS_IE ? 8 : 16, 8,
			  0xcc, &off);
	if (k < 0)
		return sut_err_oom(err);
	*ret = (struct sut_image_place){SUT_IMAGE_OWN, SUT_IMAGE_EXEC, off};
	return 0;
}

int sut_lib_reach_tls(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		      enum sut_lib_slot_kind kind, struct sut_image_place *ret, struct sut_err *err)
{
	const struct sut_lib_slot *s = NULL;

	if (kind == SUT_LIB_SLOT_TLS_LD) {
		for (size_t i = 0; i < r->profile->nslots && !s; i++)
			if (r->profile->slots[i].kind == kind)
				s = &r->profile->slots[i];
	} else {
		s = slot_of(r, kind, t);
	}
	if (s) {
		*ret = target(s->vaddr);
		return 0;
	}
	if ((r->profile->executable || r->profile->is_static) && t->here &&
	    kind != SUT_LIB_SLOT_TLS_DESC)
		return tls_of_executable(r, t, kind, ret, err);
	return sut_err_reason(
		err, EOPNOTSUPP, "tls-slot",
		"the new code reads the thread-local variable %s in a way for which the file has no "
		"slot, and slots cannot be added to a running process: read it where the old code "
		"does, and pass the value on",
		*t->name ? t->name : "(static)");
}
