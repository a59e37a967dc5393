// SPDX-License-Identifier: Apache-2.0
#include "library/emit.h"

#include <errno.h>
#include <string.h>

enum { TEXT_PAD = 0xcc /* int3 between functions */ };

int sut_lib_emitter_init(struct sut_lib_emitter *e, const struct sut_lib_profile *p,
			 struct sut_lib_unit *units, size_t n, size_t nfuncs,
			 struct sut_refusals *refusals, struct sut_err *err)
{
	*e = (struct sut_lib_emitter){
		.profile = p, .units = units, .nunits = n, .refusals = refusals};
	e->place = calloc(n ? n : 1, sizeof(void *));
	e->handlers = calloc(n ? n : 1, sizeof(void *));
	if (!e->place || !e->handlers || sut_image_begin(&e->image, nfuncs) < 0)
		return sut_err_oom(err);
	for (size_t i = 0; i < n; i++) {
		e->place[i] = calloc(units[i].patched_atoms->n + 1, sizeof(**e->place));
		e->handlers[i] = calloc(units[i].patched->nsections, sizeof(**e->handlers));
		if (!e->place[i] || !e->handlers[i])
			return sut_err_oom(err);
	}
	return sut_lib_resolver_init(&e->resolver, p, &e->image, err);
}

void sut_lib_emitter_release(struct sut_lib_emitter *e)
{
	for (size_t i = 0; i < e->nunits; i++) {
		if (e->place)
			free(e->place[i]);
		if (e->handlers)
			free(e->handlers[i]);
	}
	free(e->place);
	free(e->handlers);
	free(e->reads);
	sut_image_release(&e->image);
	sut_lib_resolver_release(&e->resolver);
	*e = (struct sut_lib_emitter){0};
}

/* ---- contents ---- */

static bool included(const struct sut_lib_emitter *e, size_t u, uint32_t atom)
{
	return e->units[u].selection.include[atom];
}

static int too_large(struct sut_err *err, int r)
{
	return r == -ENOBUFS
		       ? sut_err_set(err, EFBIG, "the new code and data are larger than %d bytes",
				     SUT_LIBRARY_IMAGE_MAX)
		       : sut_err_oom(err);
}

static int put_atom(struct sut_lib_emitter *e, size_t u, uint32_t i, struct sut_err *err)
{
	const struct sut_atoms *a = e->units[u].patched_atoms;
	const struct sut_atom *t = &a->atoms[i];
	const struct sut_section *s = &a->object->sections[t->section];
	bool text = s->flags & SHF_EXECINSTR;
	enum sut_image_part part = SUT_IMAGE_EXEC;
	uint64_t off = 0;
	int r;

	if (t->class == SUT_SEC_DATA || (t->class == SUT_SEC_UNKNOWN && s->flags & SHF_WRITE))
		part = s->type == SHT_NOBITS ? SUT_IMAGE_BSS : SUT_IMAGE_DATA;
	r = sut_image_add(&e->image, part, sut_atom_bytes(a, i), t->size,
			  text && s->align < 16 ? 16 : s->align, text ? TEXT_PAD : 0, &off);
	if (r < 0)
		return too_large(err, r);
	e->place[u][i] = (struct sut_image_place){SUT_IMAGE_OWN, part, off};
	return 0;
}

/* Code of all units first, then everything else: what is executed lies together. */
static int put_atoms(struct sut_lib_emitter *e, struct sut_err *err)
{
	int r = 0;

	for (int code = 1; code >= 0; code--)
		for (size_t u = 0; u < e->nunits; u++)
			for (uint32_t i = 0; !r && i < e->units[u].patched_atoms->n; i++)
				if (included(e, u, i) &&
				    code == (e->units[u].patched_atoms->atoms[i].class ==
					     SUT_SEC_TEXT))
					r = put_atom(e, u, i, err);
	return r;
}

/* ---- what is meant ---- */

/* A reference of one unit: what stands at its end. */
struct meaning {
	bool own; /* of the image, at: */
	struct sut_image_place place;
	struct sut_lib_thing thing;
	const char *name;
};

/* For a name that is not defined here, a global of another file of the same patch. SUT_NO_ATOM: not in this patch. */
static uint32_t find_atom(const struct sut_lib_emitter *e, size_t *u, const struct sut_ref *r)
{
	const char *name = e->units[*u].patched->syms[r->sym].name;

	for (size_t v = 0; r->atom == SUT_NO_ATOM && *name && v < e->nunits; v++) {
		uint32_t atom =
			v == *u ? SUT_NO_ATOM : sut_atoms_global(e->units[v].patched_atoms, name);

		if (atom != SUT_NO_ATOM) {
			*u = v;
			return atom;
		}
	}
	return r->atom;
}

/* An inline function, a virtual table, a static of an inline function: one for the whole program. New in this object, it may be
 * in the file already, from another one. */
static bool shared_copy(const struct sut_lib_emitter *e, const struct sut_sym *s)
{
	const uint32_t *idx = NULL;

	return (s->bind == STB_WEAK || s->bind == STB_GNU_UNIQUE) &&
	       sut_lib_profile_lookup(e->profile, s->name, &idx);
}

/*
 * Does the reference mean the image's own copy? The address of a function that is only redirected stays the original one, so that it
 * is the same before and after, and after undoing. A call goes to the new code, unless another file's function may be in its place.
 */
static bool means_copy(const struct sut_lib_emitter *e, size_t u, uint32_t atom,
		       const struct sut_sym *via, const struct sut_ref *r)
{
	const struct sut_lib_unit *unit = &e->units[u];

	if (!included(e, u, atom))
		return false;
	if (unit->diff->verdict[atom] == SUT_NEW)
		return !shared_copy(e, via);
	if (!unit->selection.replace[atom])
		return true;
	if (sut_ref_is_call(r))
		return !sut_lib_preemptible(&e->resolver, via);
	return r->target != 0; /* into the middle: switch tables, the .cold part */
}

static int mean(struct sut_lib_emitter *e, size_t u, const struct sut_ref *r, struct meaning *ret,
		struct sut_err *err)
{
	const struct sut_sym *via = &e->units[u].patched->syms[r->sym];
	struct meaning m = {.name = *via->name ? via->name : "(unnamed)"};
	uint32_t atom, orig;
	size_t v = u;
	int k;

	atom = find_atom(e, &v, r);
	if (atom == SUT_NO_ATOM) {
		k = sut_lib_resolve_name(&e->resolver, via, &m.thing, err);
		if (k < 0)
			return k;
		*ret = m;
		return 0;
	}
	m.name = e->units[v].patched_atoms->atoms[atom].name;
	orig = e->units[v].diff->twin[atom];
	if (means_copy(e, v, atom, via, r)) {
		m.own = true;
		m.place = e->place[v][atom];
	} else if (orig == SUT_NO_ATOM) {
		if (!shared_copy(e, via))
			return sut_err_set(err, EINVAL,
					   "internal: %s is neither in the file nor in the patch",
					   m.name);
		k = sut_lib_resolve_name(&e->resolver, via, &m.thing, err);
		if (k < 0)
			return k;
	} else {
		k = sut_lib_resolve_atom(&e->resolver, &e->units[v], orig, via, &m.thing, err);
		if (k < 0)
			return k;
	}
	*ret = m;
	return 0;
}

/* Constants of the target that are read directly, and hold no addresses that ld.so fills in. */
static int note_read(struct sut_lib_emitter *e, size_t u, const struct sut_ref *r,
		     const struct meaning *m)
{
	const struct sut_atoms *a = e->units[u].patched_atoms;
	const struct sut_atom *t = r->atom == SUT_NO_ATOM ? NULL : &a->atoms[r->atom];
	struct sut_lib_reads *v;

	if (!t || m->own || t->class != SUT_SEC_RODATA || t->nrefs || !t->size || t->size > 4096)
		return 0;
	for (size_t i = 0; i < e->nreads; i++)
		if (e->reads[i].vaddr == m->thing.vaddr)
			return 0;
	v = reallocarray(e->reads, e->nreads + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	e->reads = v;
	v[e->nreads++] = (struct sut_lib_reads){m->name, m->thing.vaddr, t->size};
	return 0;
}

/* ---- fields ---- */

static int field_place(struct sut_lib_emitter *e, const struct sut_ref *r, const struct meaning *m,
		       struct sut_image_field *f, struct sut_err *err)
{
	struct sut_lib_resolver *x = &e->resolver;
	int64_t n = 0;
	int k = 0;

	f->form = SUT_IMAGE_PC32;
	f->addend = r->addend;
	switch (r->type) {
	case R_X86_64_64:
		f->form = SUT_IMAGE_ABS64;
		f->to = m->place;
		return m->own ? 0 : sut_lib_reach_far(x, &m->thing, &f->to, err);
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		f->to = m->place;
		if (m->own)
			return 0;
		return sut_ref_is_call(r) ? sut_lib_reach_call(x, &m->thing, &f->to, err)
					  : sut_lib_reach(x, &m->thing, &f->to, err);
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		if (r->target)
			break;
		if (m->own)
			return sut_image_slot(&e->image, &m->place, 0, &f->to) < 0
				       ? sut_err_oom(err)
				       : 0;
		return sut_lib_reach_slot(x, &m->thing, &f->to, err);
	case R_X86_64_GOTTPOFF:
		return sut_lib_reach_tls(x, &m->thing, SUT_LIB_SLOT_TLS_IE, &f->to, err);
	case R_X86_64_TLSGD:
		return sut_lib_reach_tls(x, &m->thing, SUT_LIB_SLOT_TLS_GD, &f->to, err);
	case R_X86_64_TLSLD:
		return sut_lib_reach_tls(x, &m->thing, SUT_LIB_SLOT_TLS_LD, &f->to, err);
	case R_X86_64_GOTPC32_TLSDESC:
		return sut_lib_reach_tls(x, &m->thing, SUT_LIB_SLOT_TLS_DESC, &f->to, err);
	case R_X86_64_DTPOFF32:
	case R_X86_64_DTPOFF64:
		if (!m->thing.tls || !m->thing.here)
			break;
		f->form = r->type == R_X86_64_DTPOFF32 ? SUT_IMAGE_NUM32 : SUT_IMAGE_NUM64;
		f->to = (struct sut_image_place){.where = SUT_IMAGE_NUMBER,
						 .value = m->thing.vaddr};
		return 0;
	case R_X86_64_TPOFF32:
	case R_X86_64_TPOFF64:
		k = sut_lib_tpoff(x, &m->thing, &n, err);
		f->form = r->type == R_X86_64_TPOFF32 ? SUT_IMAGE_NUM32 : SUT_IMAGE_NUM64;
		f->to = (struct sut_image_place){.where = SUT_IMAGE_NUMBER, .value = (uint64_t)n};
		return k;
	default:
		break;
	}
	return sut_err_reason(err, EOPNOTSUPP, "relocation",
			      "the reference to it has a form (relocation type %u) that cannot be "
			      "moved into a running process: was the object compiled without -fPIC "
			      "and -fPIE?",
			      r->type);
}

static int put_ref(struct sut_lib_emitter *e, size_t u, const char *from,
		   const struct sut_image_place *at, const struct sut_ref *r, struct sut_err *err)
{
	struct sut_image_field f = {.part = at->part, .off = (uint32_t)(at->value + r->offset)};
	struct meaning m;
	int k;

	if (r->type == R_X86_64_TLSDESC_CALL)
		return 0;
	k = mean(e, u, r, &m, err);
	if (!k && note_read(e, u, r, &m) < 0)
		return sut_err_oom(err);
	if (!k)
		k = field_place(e, r, &m, &f, err);
	if (k == -EOPNOTSUPP) {
		k = sut_refuse(e->refusals, *err->reason ? err->reason : "reference", from,
			       e->units[u].source, 0, "it refers to %s: %s", m.name, err->msg);
		return k < 0 ? sut_err_oom(err) : 0;
	}
	if (k < 0)
		return sut_err_prefix(err, "%s refers to %s", from,
				      e->units[u].patched->syms[r->sym].name);
	f.name = m.name;
	k = sut_image_field(&e->image, &f);
	return k < 0 ? too_large(err, k) : 0;
}

/* The table of a function's exception handlers, and what it refers to. */
static int put_handlers(struct sut_lib_emitter *e, size_t u, const struct sut_record *rec,
			struct sut_err *err)
{
	const struct sut_atoms *a = e->units[u].patched_atoms;
	const struct sut_section *s = &a->object->sections[rec->section];
	uint64_t off = 0;
	int r = sut_image_add(&e->image, SUT_IMAGE_EXEC, s->data, s->size, s->align, 0, &off);

	if (r < 0)
		return too_large(err, r);
	e->handlers[u][rec->section] = (struct sut_image_place){SUT_IMAGE_OWN, SUT_IMAGE_EXEC, off};
	for (uint32_t k = 0; !r && k < rec->nrefs; k++)
		r = put_ref(e, u, a->atoms[rec->atom].name, &e->handlers[u][rec->section],
			    &a->record_refs[rec->first_ref + k], err);
	return r;
}

static int put_refs(struct sut_lib_emitter *e, struct sut_err *err)
{
	int r = 0;

	for (size_t u = 0; u < e->nunits; u++) {
		const struct sut_atoms *a = e->units[u].patched_atoms;

		for (uint32_t i = 0; !r && i < a->n; i++) {
			const struct sut_atom *t = &a->atoms[i];

			if (!included(e, u, i))
				continue;
			for (uint32_t k = 0; !r && k < t->nrefs; k++)
				r = put_ref(e, u, t->name, &e->place[u][i],
					    &a->refs[t->first_ref + k], err);
			for (uint32_t k = 0; !r && k < t->nrecords; k++)
				if (a->records[t->first_record + k].table == SUT_TABLE_LSDA)
					r = put_handlers(e, u, &a->records[t->first_record + k],
							 err);
		}
	}
	return r;
}

/* ---- unwind tables ---- */

/* The pointer to a personality routine: the file has one of its own (DW.ref.…), or the image gets one. */
static int personality(struct sut_lib_emitter *e, size_t u, const struct sut_frame_common *c,
		       struct sut_image_place *ret, struct sut_err *err)
{
	const struct sut_object *o = e->units[u].patched;
	const struct sut_section *s = &o->sections[e->units[u].frames.eh];
	const uint32_t *idx = NULL;
	struct sut_lib_thing t;
	struct sut_sym name;

	for (size_t i = 0; i < s->nrelas; i++) {
		int r;

		if (s->relas[i].offset != c->personality)
			continue;
		name = o->syms[s->relas[i].sym];
		if (!sut_lib_profile_lookup(e->profile, name.name, &idx)) {
			if (!sut_startswith(name.name, "DW.ref."))
				break;
			name.name += strlen("DW.ref.");
			name.other = STV_DEFAULT;
			r = sut_lib_resolve_name(&e->resolver, &name, &t, err);
			return r < 0 ? r : sut_lib_reach_slot(&e->resolver, &t, ret, err);
		}
		r = sut_lib_resolve_name(&e->resolver, &name, &t, err);
		return r < 0 ? r : sut_lib_reach(&e->resolver, &t, ret, err);
	}
	return sut_err_reason(err, EOPNOTSUPP, "frames",
			      "how exceptions pass through the new code cannot be told to the "
			      "program: its personality routine is not known");
}

static int add_entry(struct sut_lib_emitter *e, const uint8_t *data, uint32_t len,
		     uint32_t *ret_off, struct sut_err *err)
{
	uint64_t off = 0;
	int r = sut_image_add(&e->image, SUT_IMAGE_EXEC, data, len, 1, 0, &off);

	*ret_off = (uint32_t)off;
	return r < 0 ? too_large(err, r) : 0;
}

static int pointer(struct sut_lib_emitter *e, uint32_t at, const struct sut_image_place *to,
		   uint64_t plus, struct sut_err *err)
{
	struct sut_image_field f = {
		.off = at, .form = SUT_IMAGE_PC32, .to = *to, .name = "an unwind table"};
	int r;

	f.to.value += plus;
	r = sut_image_field(&e->image, &f);
	return r < 0 ? too_large(err, r) : 0;
}

static bool wanted_frame(const struct sut_lib_emitter *e, size_t u, const struct sut_frame *f,
			 uint32_t *ret_atom)
{
	if (!f->section)
		return false;
	*ret_atom = sut_atoms_at(e->units[u].patched_atoms, f->section, f->start);
	return *ret_atom != SUT_NO_ATOM && included(e, u, *ret_atom);
}

static int put_frame(struct sut_lib_emitter *e, size_t u, const struct sut_frame *f, uint32_t atom,
		     uint32_t common_at, struct sut_err *err)
{
	const struct sut_lib_unit *unit = &e->units[u];
	const uint8_t *eh = unit->patched->sections[unit->frames.eh].data;
	const struct sut_atom *t = &unit->patched_atoms->atoms[atom];
	uint32_t at = 0, back;
	int r = add_entry(e, eh + f->off, f->len, &at, err);

	if (r < 0)
		return r;
	back = at + 4 - common_at;
	memcpy(e->image.exec.data + at + 4, &back, 4);
	r = pointer(e, at + 8, &e->place[u][atom], f->start - t->off, err);
	if (!r && f->lsda_at) {
		if (!e->handlers[u][f->lsda].value)
			return sut_err_set(err, EINVAL,
					   "internal: the handlers of %s were left out", t->name);
		r = pointer(e, at + f->lsda_at - f->off, &e->handlers[u][f->lsda], f->lsda_off,
			    err);
		e->frames = true;
	}
	return r;
}

static int put_unit_frames(struct sut_lib_emitter *e, size_t u,
			   const struct sut_image_place *routines, struct sut_err *err)
{
	const struct sut_frames *f = &e->units[u].frames;
	_cleanup_(sut_freep) uint32_t *common_at = calloc(f->ncommons + 1, sizeof(*common_at));
	const uint8_t *eh = e->units[u].patched->sections[f->eh].data;
	int r = 0;

	if (!common_at)
		return sut_err_oom(err);
	for (size_t i = 0; !r && i < f->n; i++) {
		const struct sut_frame_common *c = &f->commons[f->v[i].common];
		uint32_t *at = &common_at[f->v[i].common], atom;

		if (!wanted_frame(e, u, &f->v[i], &atom))
			continue;
		if (!*at) {
			r = add_entry(e, eh + c->off, c->len, at, err);
			if (!r && c->personality)
				r = pointer(e, *at + c->personality - c->off,
					    &routines[f->v[i].common], 0, err);
		}
		if (!r)
			r = put_frame(e, u, &f->v[i], atom, *at, err);
	}
	return r;
}

/* They lie one behind the other, so everything that they refer to is made first. */
static int put_frames(struct sut_lib_emitter *e, struct sut_err *err)
{
	struct sut_image_place **routines = calloc(e->nunits + 1, sizeof(void *));
	uint64_t off = 0;
	int r = routines ? 0 : sut_err_oom(err);

	for (size_t u = 0; !r && u < e->nunits; u++) {
		const struct sut_frames *f = &e->units[u].frames;
		uint32_t atom;

		routines[u] = calloc(f->ncommons + 1, sizeof(**routines));
		if (!routines[u])
			r = sut_err_oom(err);
		for (size_t i = 0; !r && i < f->n; i++) {
			const struct sut_frame_common *c = &f->commons[f->v[i].common];

			if (!c->personality || routines[u][f->v[i].common].value ||
			    !wanted_frame(e, u, &f->v[i], &atom))
				continue;
			r = personality(e, u, c, &routines[u][f->v[i].common], err);
		}
	}
	if (!r && sut_image_add(&e->image, SUT_IMAGE_EXEC, NULL, 0, 8, 0, &off) < 0)
		r = sut_err_oom(err);
	e->eh_off = (uint32_t)off;
	for (size_t u = 0; !r && u < e->nunits; u++)
		r = put_unit_frames(e, u, routines[u], err);
	if (!r && e->image.exec.len > e->eh_off) {
		if (sut_image_add(&e->image, SUT_IMAGE_EXEC, NULL, 4, 1, 0, &off) < 0)
			r = sut_err_oom(err);
		e->eh_len = (uint32_t)e->image.exec.len - e->eh_off;
	} else {
		e->eh_off = 0;
	}
	for (size_t u = 0; routines && u < e->nunits; u++)
		free(routines[u]);
	free(routines);
	return r;
}

int sut_lib_emit(struct sut_lib_emitter *e, struct sut_err *err)
{
	int r = put_atoms(e, err);

	if (!r)
		r = put_refs(e, err);
	if (!r)
		r = put_frames(e, err);
	if (r == -EOPNOTSUPP) {
		r = sut_refuse(e->refusals, err->reason, "(unwinding)", e->units[0].source, 0, "%s",
			       err->msg);
		return r < 0 ? sut_err_oom(err) : 0;
	}
	if (r < 0 || e->refusals->n)
		return r;
	return sut_image_finish(&e->image, err);
}
