// SPDX-License-Identifier: Apache-2.0
#include "patch/agree.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static int differs(struct sut_err *err, const char *name, const char *what)
{
	return sut_err_reason(err, EBADMSG, "disagree",
			      "the manifest and the payload disagree about %.200s: %s. "
			      "Do not use this patch; tell its author",
			      name, what);
}

static const struct sut_library_func *func_at(const struct sut_library *l, uint64_t vaddr)
{
	for (size_t i = 0; i < l->nfuncs; i++)
		if (l->funcs[i].vaddr == vaddr)
			return &l->funcs[i];
	return NULL;
}

static const struct sut_library_range *range_at(const struct sut_library *l, uint64_t vaddr)
{
	for (size_t i = 0; i < l->nranges; i++)
		if (l->ranges[i].vaddr == vaddr)
			return &l->ranges[i];
	return NULL;
}

static int check_func(const struct sut_manifest_func *f, const struct sut_library *l,
		      struct sut_err *err)
{
	const struct sut_library_func *x = func_at(l, f->address);
	uint32_t redirect =
		f->redirect == SUT_REDIRECT_JUMP_ISLAND ? SUT_LIBRARY_ISLAND : SUT_LIBRARY_JUMP;

	if (!x)
		return differs(err, f->name, "the payload does not replace it");
	if (!sut_streq(x->name, f->name))
		return differs(err, f->name, "another name stands at its address");
	if (x->size != f->size || x->new_size != f->new_size)
		return differs(err, f->name, "its size");
	if (x->redirect != redirect)
		return differs(err, f->name, "how it is redirected");
	for (size_t i = 0; i < f->nchildren; i++) {
		const struct sut_manifest_symbol *c = &f->children[i];
		const struct sut_library_range *r = range_at(l, c->address);

		if (!r || r->kind != SUT_LIBRARY_CHILD || !sut_streq(r->name, c->name) ||
		    r->size != c->size)
			return differs(err, c->name, "the payload has no such piece");
	}
	return 0;
}

static bool is_busy(const struct sut_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->nbusy; i++)
		if (sut_streq(m->busy[i], name))
			return true;
	return false;
}

static bool has_busy(const struct sut_library *l, const char *name)
{
	for (size_t i = 0; i < l->nranges; i++)
		if (l->ranges[i].kind == SUT_LIBRARY_BUSY && sut_streq(l->ranges[i].name, name))
			return true;
	return false;
}

/* What only one of them names. */
static int check_ranges(const struct sut_manifest *m, const struct sut_library *l,
			struct sut_err *err)
{
	const struct sut_manifest_object *o = &m->objects[0];
	size_t children = 0, named = 0;

	for (size_t i = 0; i < l->nranges; i++) {
		children += l->ranges[i].kind == SUT_LIBRARY_CHILD;
		if (l->ranges[i].kind == SUT_LIBRARY_BUSY && !is_busy(m, l->ranges[i].name))
			return differs(err, l->ranges[i].name, "the manifest does not name it");
	}
	for (size_t i = 0; i < o->nfunctions; i++)
		named += o->functions[i].nchildren;
	if (children != named)
		return differs(err, o->object, "the pieces that were split off");
	for (size_t i = 0; i < m->nbusy; i++)
		if (!has_busy(l, m->busy[i]))
			return differs(err, m->busy[i], "its bytes are not there");
	return 0;
}

static int check_imports(const struct sut_manifest_object *o, const struct sut_library *l,
			 struct sut_err *err)
{
	if (o->nimports != l->nimports)
		return differs(err, o->object, "how many symbols it imports");
	for (size_t i = 0; i < l->nimports; i++) {
		bool there = false;

		for (size_t j = 0; j < o->nimports && !there; j++)
			there = sut_streq(o->imports[j].name, l->imports[i].name) &&
				sut_streq(o->imports[j].version, l->imports[i].version);
		if (!there)
			return differs(err, l->imports[i].name, "the manifest does not import it");
	}
	return 0;
}

int sut_library_agrees(const struct sut_manifest *m, const struct sut_library *l,
		       struct sut_err *err)
{
	const struct sut_manifest_object *o = &m->objects[0];
	int r = 0;

	if (memcmp(l->build_id, m->target.build_id, sizeof(l->build_id)) != 0)
		return differs(err, "the target", "its build-id");
	if (m->engine_abi != SUT_LIBRARY_ABI)
		return sut_err_reason(
			err, EPROTONOSUPPORT, "version",
			"the patch needs an engine for libraries of ABI %u, and this one "
			"has %d. Upgrade suture",
			m->engine_abi, SUT_LIBRARY_ABI);
	for (size_t i = 0; r == 0 && i < o->nfunctions; i++)
		r = check_func(&o->functions[i], l, err);
	if (r == 0 && o->nfunctions != l->nfuncs)
		r = differs(err, o->object, "how many functions are replaced");
	if (r == 0)
		r = check_ranges(m, l, err);
	return r < 0 ? r : check_imports(o, l, err);
}

int sut_library_of_patch(const struct sut_patch *p, const struct sut_manifest *m,
			 struct sut_library **ret, struct sut_err *err)
{
	const char *name = m->objects[0].payload;
	/* The manifest loader promises that it is there. */
	const struct sut_member *payload = sut_patch_member(p, name);
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	int r = sut_library_parse(payload->data, payload->len, &l, err);

	if (r < 0)
		return sut_err_prefix(err, "%s", name), r;
	r = sut_library_agrees(m, l, err);
	if (r == 0)
		*ret = sut_steal(l);
	return r;
}
