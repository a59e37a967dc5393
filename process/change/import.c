// SPDX-License-Identifier: Apache-2.0
/* Symbols that the new code needs and the target never used: found in the process as its own linker would. */
#include <errno.h>

#include "change/image.h"
#include "look/symbol.h"

/* Reads for all imports together: tables of a hostile process may be long, and lead to one another. */
enum { READS_MAX = 400000 };

struct reader {
	const struct proc *p;
	size_t left;
};

struct scope {
	struct elf_mem m;
	struct symbol_object *v;
	size_t n, target; /* which of them is patched; n: none */
};

static int read_some(const void *ctx, uint64_t addr, void *buf, size_t len)
{
	struct reader *r = (struct reader *)(uintptr_t)ctx;

	if (!r->left)
		return -EFAULT;
	r->left--;
	return proc_read(r->p, addr, buf, len);
}

static int missing(const struct proc *p, const struct sut_library_import *i, const char *why,
		   struct sut_err *err)
{
	return sut_err_reason(
		err, ENOENT, "import",
		"The new code needs %s%s%s, which %s in process %d. Restart it with the "
		"updated package.",
		i->name, i->version[0] ? "@" : "", i->version, why, p->pid);
}

/* Who defines it, in the order of the global scope; a target that was linked with -Bsymbolic asks itself first. */
static const struct symbol_object *definer(const struct scope *s,
					   const struct sut_library_import *i, struct symbol *ret)
{
	if (s->target < s->n && s->v[s->target].symbolic &&
	    symbol_find(&s->m, &s->v[s->target], i->name, i->version, ret) == 0)
		return &s->v[s->target];
	for (size_t k = 0; k < s->n; k++)
		if (symbol_find(&s->m, &s->v[k], i->name, i->version, ret) == 0)
			return &s->v[k];
	return NULL;
}

static int resolve(const struct proc *p, const struct scope *s, const struct sut_library_import *i,
		   uint64_t *ret, struct sut_err *err)
{
	const struct symbol_object *o;
	struct symbol sym;

	o = definer(s, i, &sym);
	if (!o && i->weak) {
		*ret = 0;
		return 0;
	}
	if (!o)
		return missing(p, i, "nothing has", err);
	if (sym.tls)
		return missing(p, i, "is a variable of threads", err);
	if (!sym.ifunc) {
		*ret = sym.addr;
		return 0;
	}
	/* Its choice was made when somebody bound it; asking the resolver again would run code of the process. */
	for (size_t k = 0; k < s->n; k++)
		if (symbol_slot(&s->m, &s->v[k], o, i->name, i->version, ret) == 0)
			return 0;
	return missing(p, i, "is chosen at run time, and nobody has asked for", err);
}

int image_imports(struct proc *p, const struct proc_elf *e, const struct sut_library *l,
		  uint64_t *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) struct symbol_object *objects = NULL;
	_cleanup_(sut_freep) uint64_t *v = NULL;
	struct reader reader = {p, READS_MAX};
	struct scope s = {.m = {read_some, &reader}};
	int r;

	if (!l->nimports)
		return 0;
	v = calloc(l->nimports, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	r = symbol_scope(&s.m, p->elfs, p->nelfs, e->dynamic, p->loading, &objects, &s.n, err);
	if (r < 0 && r != -ENOENT)
		return r;
	s.v = objects;
	for (s.target = 0; s.target < s.n && s.v[s.target].bias != e->bias; s.target++)
		;
	for (size_t i = 0; i < l->nimports; i++) {
		r = resolve(p, &s, &l->imports[i], &v[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < l->nimports; i++)
		ret[i] = v[i];
	return 0;
}
