// SPDX-License-Identifier: Apache-2.0
#include "library/payload.h"

#include <errno.h>
#include <string.h>

#include "library/emit.h"
#include "patch/library.h"

struct build {
	const struct sut_lib_profile *p;
	struct sut_lib_unit *units;
	size_t n;
	struct sut_lib_payload *out;
	struct sut_refusals *refusals;
	struct sut_lib_range *taken; /* padding that is in use */
	size_t ntaken;
	struct sut_library_range *ranges;
	size_t nranges;
	struct sut_library_func *funcs;
};

/* ---- how functions are redirected ---- */

/* Places inside of the function, near its start, that code or tables of the recorded object refer to. */
static int inner_places(const struct sut_lib_unit *u, uint32_t exact, uint64_t **ret, size_t *ret_n)
{
	const struct sut_atoms *a = u->exact_atoms;
	uint64_t *v = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < a->nrefs; i++) {
		if (a->refs[i].atom != exact || a->refs[i].target <= 0 || a->refs[i].target > 16)
			continue;
		uint64_t *w = reallocarray(v, n + 1, sizeof(*v));

		if (!w) {
			free(v);
			return -ENOMEM;
		}
		v = w;
		v[n++] = (uint64_t)a->refs[i].target;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int plan(const struct sut_lib_unit *u, uint32_t orig, uint64_t vaddr, uint64_t size,
		const struct sut_lib_range *taken, size_t ntaken, struct sut_lib_entry *ret,
		struct sut_err *err)
{
	uint32_t sym = sut_lib_unit_exact(u, orig);
	_cleanup_(sut_freep) uint64_t *inner = NULL;
	size_t n = 0;

	if (sym && inner_places(u, u->exact_atoms->sym_atom[sym], &inner, &n) < 0)
		return sut_err_oom(err);
	return sut_lib_entry_plan(u->profile, vaddr, size, inner, n, taken, ntaken, ret, err);
}

bool sut_lib_redirectable(const struct sut_lib_unit *u, uint32_t orig, char why[static SUT_WHY_MAX])
{
	struct sut_lib_entry e;
	uint64_t vaddr, size;

	if (sut_lib_unit_find(u, orig, &vaddr, &size, why) != SUT_LIB_FOUND)
		return true; /* the proof tells, later and better */
	if (plan(u, orig, vaddr, size, NULL, 0, &e, NULL) < 0) {
		snprintf(why, SUT_WHY_MAX, "its code cannot be read");
		return false;
	}
	snprintf(why, SUT_WHY_MAX, "%s", e.why);
	return e.redirect != 0;
}

/* ---- what is replaced ---- */

static int take(struct build *b, uint64_t vaddr, uint32_t size)
{
	struct sut_lib_range *v = reallocarray(b->taken, b->ntaken + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	b->taken = v;
	v[b->ntaken++] = (struct sut_lib_range){vaddr, size};
	return 0;
}

/* Without the version that .symver puts behind it; NULL: no memory. */
static const char *plain_name(struct sut_lib_payload *out, const char *name)
{
	const char *at = strchr(name, '@');

	if (!at)
		return name;
	return sut_strv_addf(&out->names, "%.*s", (int)(at - name), name) < 0
		       ? NULL
		       : out->names.v[out->names.n - 1];
}

/* Part that was split off: of this object's copy, or of the one that the linker kept. */
static int find_child(const struct sut_lib_unit *u, uint32_t orig, struct sut_lib_replaced *v,
		      struct sut_err *err)
{
	uint32_t sym = sut_lib_unit_exact(u, orig), exact = u->exact_atoms->sym_atom[sym];
	uint32_t child = exact == SUT_NO_ATOM ? SUT_NO_ATOM : u->exact_atoms->atoms[exact].child;
	const struct sut_atom *t;
	uint64_t off = 0;

	if (child == SUT_NO_ATOM)
		return 0;
	t = &u->exact_atoms->atoms[child];
	if (u->home[t->section].placed) {
		v->child_vaddr = u->home[t->section].vaddr + t->off;
		v->child_size = t->size;
	} else {
		const uint32_t *idx = NULL;
		size_t n = sut_lib_profile_lookup(u->profile, t->name, &idx);

		if (n != 1)
			return sut_err_set(err, EKEYREJECTED,
					   "%s, a part of %s, cannot be found in the file", t->name,
					   v->name);
		v->child_vaddr = u->profile->syms[idx[0]].vaddr;
		v->child_size = u->profile->syms[idx[0]].size;
	}
	if (!v->child_size)
		return 0;
	if (!sut_lib_profile_same(u->profile, v->child_vaddr, v->child_size, &off))
		return sut_err_set(err, EKEYREJECTED,
				   "%s, a part of %s, differs from the shipped file", t->name,
				   v->name);
	v->child_name = strdup(t->name);
	return v->child_name ? 0 : sut_err_oom(err);
}

static int add_replaced(struct build *b, size_t index, uint32_t i, struct sut_err *err)
{
	const struct sut_lib_unit *u = &b->units[index];
	const struct sut_atom *t = &u->patched_atoms->atoms[i];
	struct sut_lib_replaced *v = &b->out->replaced[b->out->nreplaced];
	uint32_t orig = u->diff->twin[i];
	char why[SUT_WHY_MAX] = "";
	int r;

	*v = (struct sut_lib_replaced){.name = plain_name(b->out, t->name),
				       .source = u->source,
				       .why = u->diff->why[i],
				       .new_size = t->size,
				       .unit = index,
				       .atom = i};
	if (!v->name)
		return sut_err_oom(err);
	switch (sut_lib_unit_find(u, orig, &v->vaddr, &v->size, why)) {
	case SUT_LIB_FOUND:
		break;
	case SUT_LIB_ABSENT:
		return sut_strv_add(&b->out->absent, t->name) < 0 ? sut_err_oom(err) : 0;
	default:
		return sut_err_set(err, EKEYREJECTED, "%s is to be replaced: %s", t->name, why);
	}
	/* One function under two names, or of which several objects have a copy. */
	for (size_t k = 0; k < b->out->nreplaced; k++)
		if (b->out->replaced[k].vaddr == v->vaddr)
			return 0;
	if (u->differs[orig])
		return sut_err_set(err, EKEYREJECTED,
				   "%s is to be replaced: compiled with a section of its own it "
				   "differs from the recorded object (%s)",
				   t->name, u->differs[orig]);
	r = plan(u, orig, v->vaddr, v->size, b->taken, b->ntaken, &v->entry, err);
	if (!r)
		r = find_child(u, orig, v, err);
	if (r < 0)
		return r;
	if (!v->entry.redirect) {
		r = sut_refuse(b->refusals, "no-redirect", t->name, u->source, 0,
			       "its entry cannot be redirected (%s): change its callers in the fix "
			       "instead.",
			       v->entry.why);
		return r < 0 ? sut_err_oom(err) : 0;
	}
	if ((v->entry.span > v->size &&
	     take(b, v->vaddr + v->size, v->entry.span - (uint32_t)v->size) < 0) ||
	    (v->entry.island && take(b, v->entry.island, SUT_LIB_JUMP) < 0))
		return sut_err_oom(err);
	b->out->nreplaced++;
	return 0;
}

static int by_vaddr(const void *x, const void *y)
{
	const struct sut_lib_replaced *a = x, *b = y;

	return a->vaddr < b->vaddr ? -1 : a->vaddr > b->vaddr;
}

/* Is anything that the patch has of this unit called by, or calling, code that came out differently? Then how they call each other is
 * not known. */
static int check_same(const struct build *b, const struct sut_lib_unit *u, struct sut_err *err)
{
	const struct sut_atoms *a = u->patched_atoms;

	(void)b;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct sut_atom *t = &a->atoms[i];

		if (t->class != SUT_SEC_TEXT)
			continue;
		for (uint32_t k = 0; k < t->nrefs; k++) {
			uint32_t to = a->refs[t->first_ref + k].atom, which;

			if (to == SUT_NO_ATOM || to == i || a->atoms[to].class != SUT_SEC_TEXT)
				continue;
			/* New code that calls old, old code that calls what is replaced. */
			if (u->selection.include[i] && !u->selection.include[to])
				which = u->diff->twin[to];
			else if (!u->selection.include[i] && u->selection.replace[to])
				which = u->diff->twin[i];
			else
				continue;
			if (which != SUT_NO_ATOM && u->differs[which])
				return sut_err_set(
					err, EKEYREJECTED,
					"%s is called by new code or calls it: compiled with a "
					"section of its own it differs from the recorded object (%s)",
					u->orig_atoms->atoms[which].name, u->differs[which]);
		}
	}
	return 0;
}

static int plan_all(struct build *b, struct sut_err *err)
{
	size_t total = 0;
	int r = 0;

	for (size_t u = 0; u < b->n; u++)
		total += b->units[u].selection.nreplace;
	b->out->replaced = calloc(total + 1, sizeof(*b->out->replaced));
	if (!b->out->replaced)
		return sut_err_oom(err);
	for (size_t u = 0; !r && u < b->n; u++) {
		if (b->units[u].selection.nreplace)
			r = check_same(b, &b->units[u], err);
		for (uint32_t i = 0; !r && i < b->units[u].patched_atoms->n; i++)
			if (b->units[u].selection.replace[i])
				r = add_replaced(b, u, i, err);
	}
	if (!r)
		qsort(b->out->replaced, b->out->nreplaced, sizeof(*b->out->replaced), by_vaddr);
	return r;
}

/* ---- what else must be as it was ---- */

static bool overlaps(const struct build *b, uint64_t vaddr, uint64_t size)
{
	for (size_t i = 0; i < b->out->nreplaced; i++) {
		const struct sut_lib_replaced *v = &b->out->replaced[i];

		if ((vaddr < v->vaddr + v->entry.span && v->vaddr < vaddr + size) ||
		    (v->entry.island && vaddr < v->entry.island + SUT_LIB_JUMP &&
		     v->entry.island < vaddr + size))
			return true;
	}
	for (size_t i = 0; i < b->nranges; i++)
		if (vaddr < b->ranges[i].vaddr + b->ranges[i].size &&
		    b->ranges[i].vaddr < vaddr + size)
			return true;
	return false;
}

static int add_range(struct build *b, const char *name, uint64_t vaddr, uint64_t size,
		     uint32_t kind, struct sut_err *err)
{
	const uint8_t *bytes = sut_lib_profile_bytes(b->p, vaddr, size);
	struct sut_library_range *v;

	if (!size || overlaps(b, vaddr, size))
		return 0;
	name = plain_name(b->out, name);
	if (!name)
		return sut_err_oom(err);
	if (!bytes)
		return sut_err_set(err, EKEYREJECTED, "%s has no contents in the file", name);
	v = reallocarray(b->ranges, b->nranges + 1, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	b->ranges = v;
	v[b->nranges++] = (struct sut_library_range){
		.name = name, .vaddr = vaddr, .size = (uint32_t)size, .bytes = bytes, .kind = kind};
	return 0;
}

static int add_busy(struct build *b, const char *name, struct sut_err *err)
{
	const struct sut_lib_sym *s = NULL;
	const uint32_t *idx = NULL;
	size_t n = sut_lib_profile_lookup(b->p, name, &idx);

	for (size_t i = 0; i < n; i++) {
		const struct sut_lib_sym *c = &b->p->syms[idx[i]];

		if (c->type != STT_FUNC && c->type != STT_GNU_IFUNC)
			continue;
		if (s && s->vaddr != c->vaddr)
			return sut_err_set(err, ENOENT,
					   "--busy %s: the file has several functions of that name",
					   name);
		s = c;
	}
	if (!s || !s->size)
		return sut_err_set(err, ENOENT, "--busy %s: the file has no function of that name",
				   name);
	return add_range(b, s->name, s->vaddr, s->size, SUT_LIBRARY_BUSY, err);
}

static int add_ranges(struct build *b, const struct sut_lib_emitter *e, const char *const *busy,
		      struct sut_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < b->out->nreplaced; i++) {
		const struct sut_lib_replaced *v = &b->out->replaced[i];

		if (v->child_name)
			r = add_range(b, v->child_name, v->child_vaddr, v->child_size,
				      SUT_LIBRARY_CHILD, err);
	}
	for (; !r && busy && *busy; busy++)
		r = add_busy(b, *busy, err);
	for (size_t i = 0; !r && i < e->nreads; i++)
		r = add_range(b, e->reads[i].name, e->reads[i].vaddr, e->reads[i].size,
			      SUT_LIBRARY_CHECK, err);
	return r;
}

static int add_functions(struct build *b, const struct sut_lib_emitter *e, struct sut_err *err)
{
	b->funcs = calloc(b->out->nreplaced + 1, sizeof(*b->funcs));
	if (!b->funcs)
		return sut_err_oom(err);
	for (size_t i = 0; i < b->out->nreplaced; i++) {
		const struct sut_lib_replaced *v = &b->out->replaced[i];
		struct sut_library_func *f = &b->funcs[i];
		const uint8_t *island =
			v->entry.island ? sut_lib_profile_bytes(b->p, v->entry.island, SUT_LIB_JUMP)
					: NULL;

		*f = (struct sut_library_func){
			.name = v->name,
			.vaddr = v->vaddr,
			.size = (uint32_t)v->size,
			.span = v->entry.span,
			.bytes = sut_lib_profile_bytes(b->p, v->vaddr, v->entry.span),
			.redirect = v->entry.redirect,
			.jump_off = v->entry.jump_off,
			.island = v->entry.island,
			.new_off = (uint32_t)e->place[v->unit][v->atom].value,
			.new_size = (uint32_t)v->new_size};
		if (!f->bytes || (v->entry.island && !island))
			return sut_err_set(err, EKEYREJECTED, "%s has no contents in the file",
					   v->name);
		if (island)
			memcpy(f->island_bytes, island, SUT_LIB_JUMP);
	}
	return 0;
}

/* ---- lists for the report ---- */

static int list_new(struct build *b)
{
	int r = 0;

	for (size_t u = 0; u < b->n; u++) {
		const struct sut_lib_unit *unit = &b->units[u];

		for (uint32_t i = 0; !r && i < unit->patched_atoms->n; i++) {
			const struct sut_atom *t = &unit->patched_atoms->atoms[i];

			if (!unit->selection.include[i] || unit->diff->verdict[i] != SUT_NEW ||
			    !t->sym || t->parent != SUT_NO_ATOM)
				continue;
			r = sut_strv_addf(t->class == SUT_SEC_TEXT ? &b->out->new_functions
								   : &b->out->new_data,
					  "%.*s %llu", (int)strcspn(t->name, "@"), t->name,
					  (unsigned long long)t->size);
		}
	}
	return r;
}

static int list_imports(struct build *b, const struct sut_lib_resolver *r)
{
	b->out->imports = calloc(r->nimports + 1, sizeof(*b->out->imports));
	if (!b->out->imports)
		return -ENOMEM;
	for (size_t i = 0; i < r->nimports; i++) {
		struct sut_lib_import_name *v = &b->out->imports[b->out->nimports++];

		v->name = strdup(r->imports[i].name);
		v->version = strdup(r->imports[i].version);
		if (!v->name || !v->version)
			return -ENOMEM;
	}
	return 0;
}

/* ---- all of it ---- */

/* C++ throws through its callers; C code compiled with -fexceptions is one that others' exceptions may pass through. */
static bool may_throw(const struct sut_lib_unit *u)
{
	if (!u->selection.nreplace)
		return false;
	if (sut_streq(u->recorded->language, "c++"))
		return true;
	for (const char *const *a = u->recorded->argv; a && *a; a++)
		if (sut_streq(*a, "-fexceptions"))
			return true;
	return false;
}

static int write_payload(struct build *b, struct sut_lib_emitter *e, struct sut_err *err)
{
	struct sut_image *m = &e->image;
	struct sut_library l = {.image = m->all.data,
				.head_len = m->head_len,
				.exec_len = (uint32_t)m->exec.len,
				.data_off = m->data_off,
				.image_len = (uint32_t)m->all.len,
				.mem_len = m->mem_len,
				.eh_frame_off = e->eh_off,
				.eh_frame_len = e->eh_len,
				.funcs = b->funcs,
				.nfuncs = b->out->nreplaced,
				.ranges = b->ranges,
				.nranges = b->nranges,
				.relocs = m->relocs,
				.nrelocs = m->nrelocs,
				.imports = e->resolver.imports,
				.nimports = e->resolver.nimports};

	memcpy(l.build_id, b->p->build_id, sizeof(l.build_id));
	for (size_t u = 0; u < b->n; u++)
		e->frames |= may_throw(&b->units[u]);
	l.frames = b->out->frames = e->frames && e->eh_len;
	b->out->exec_len = l.exec_len;
	b->out->data_len = l.mem_len - l.data_off;
	b->out->nrelocs = l.nrelocs;
	return sut_library_write(&l, &b->out->bytes, err);
}

static int emit(struct build *b, const char *const *busy, struct sut_err *err)
{
	struct sut_lib_emitter e = {0};
	int r = sut_lib_emitter_init(&e, b->p, b->units, b->n, b->out->nreplaced, b->refusals, err);

	if (!r)
		r = sut_lib_emit(&e, err);
	if (!r && !b->refusals->n) {
		r = add_functions(b, &e, err);
		if (!r)
			r = add_ranges(b, &e, busy, err);
		if (!r && (list_new(b) < 0 || list_imports(b, &e.resolver) < 0))
			r = sut_err_oom(err);
		if (!r)
			r = write_payload(b, &e, err);
	}
	sut_lib_emitter_release(&e);
	return r;
}

int sut_lib_payload_build(const struct sut_lib_profile *p, struct sut_lib_unit *units, size_t n,
			  const char *const *busy, struct sut_lib_payload *ret,
			  struct sut_refusals *refusals, struct sut_err *err)
{
	struct sut_lib_payload out = {.bytes = SUT_BUF_INIT(SUT_LIBRARY_MAX)};
	struct build b = {.p = p, .units = units, .n = n, .out = &out, .refusals = refusals};
	int r = plan_all(&b, err);

	if (!r && !refusals->n && out.nreplaced)
		r = emit(&b, busy, err);
	free(b.taken);
	free(b.ranges);
	free(b.funcs);
	if (r < 0)
		sut_lib_payload_release(&out);
	else
		*ret = out;
	return r;
}

void sut_lib_payload_release(struct sut_lib_payload *p)
{
	sut_buf_release(&p->bytes);
	for (size_t i = 0; p->replaced && i < p->nreplaced; i++)
		free(p->replaced[i].child_name);
	free(p->replaced);
	sut_strv_release(&p->new_functions);
	sut_strv_release(&p->new_data);
	sut_strv_release(&p->absent);
	sut_strv_release(&p->names);
	for (size_t i = 0; i < p->nimports; i++) {
		free(p->imports[i].name);
		free(p->imports[i].version);
	}
	free(p->imports);
	*p = (struct sut_lib_payload){0};
}

const char *sut_lib_redirect_name(const struct sut_lib_replaced *r)
{
	return r->entry.redirect == SUT_LIBRARY_ISLAND ? "jump-island" : "jump-entry";
}
