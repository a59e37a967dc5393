// SPDX-License-Identifier: Apache-2.0
#include "diff/types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { NESTING_MAX = 16 };

static void btf_freep(struct btf **b)
{
	btf__free(*b);
}

static int load(const struct sut_object *o, struct btf **ret, struct sut_err *err)
{
	uint32_t s = sut_object_section(o, ".BTF");
	struct btf *b;

	if (!s || !o->sections[s].data)
		return sut_err_set(err, EBADMSG,
				   "the compiler wrote no type information: is it gcc 12 "
				   "or newer (-gbtf)?");
	b = btf__new(o->sections[s].data, (__u32)o->sections[s].size);
	if (!b)
		return sut_err_set(err, EBADMSG, "the compiler's type information cannot be read");
	*ret = b;
	return 0;
}

static const struct btf_type *strip(const struct btf *b, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(b, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(b, t->type);
	return t;
}

static bool same_type(const struct btf *a, __u32 ia, const struct btf *b, __u32 ib, int depth);

static bool same_members(const struct btf *a, const struct btf_type *x, const struct btf *b,
			 const struct btf_type *y, int depth, const char **what)
{
	const struct btf_member *m = btf_members(x), *n = btf_members(y);

	for (__u32 i = 0; i < btf_vlen(x) && i < btf_vlen(y); i++) {
		*what = btf__name_by_offset(b, n[i].name_off);
		if (!sut_streq(btf__name_by_offset(a, m[i].name_off), *what) ||
		    m[i].offset != n[i].offset || !same_type(a, m[i].type, b, n[i].type, depth + 1))
			return false;
	}
	*what = "its size";
	return btf_vlen(x) == btf_vlen(y) && x->size == y->size;
}

/* Values that exist in memory keep their meaning: an enumerator keeps its number. */
static bool same_enum(const struct btf *a, const struct btf_type *x, const struct btf *b,
		      const struct btf_type *y, const char **what)
{
	const struct btf_enum *m = btf_enum(x), *n = btf_enum(y);

	for (__u32 i = 0; i < btf_vlen(x); i++) {
		*what = btf__name_by_offset(a, m[i].name_off);
		for (__u32 k = 0; k < btf_vlen(y); k++)
			if (sut_streq(btf__name_by_offset(b, n[k].name_off), *what) &&
			    m[i].val != n[k].val)
				return false;
	}
	*what = "its size";
	return x->size == y->size;
}

/* As far as the layout goes: what a pointer points at does not matter. */
static bool same_type(const struct btf *a, __u32 ia, const struct btf *b, __u32 ib, int depth)
{
	const struct btf_type *x = strip(a, ia), *y = strip(b, ib);
	const char *name, *what;

	if (!x || !y)
		return x == y;
	if (btf_kind(x) != btf_kind(y) || depth > NESTING_MAX)
		return false;
	switch (btf_kind(x)) {
	case BTF_KIND_PTR:
		return true;
	case BTF_KIND_ARRAY:
		return btf_array(x)->nelems == btf_array(y)->nelems &&
		       same_type(a, btf_array(x)->type, b, btf_array(y)->type, depth + 1);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		name = btf__name_by_offset(a, x->name_off);
		if (*name) /* compared on its own */
			return sut_streq(name, btf__name_by_offset(b, y->name_off)) &&
			       x->size == y->size;
		return same_members(a, x, b, y, depth, &what);
	case BTF_KIND_FUNC_PROTO:
		return true;
	case BTF_KIND_ENUM:
		return same_enum(a, x, b, y, &what);
	default:
		return x->size == y->size;
	}
}

static bool compared(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_enum(t) || btf_is_typedef(t) || btf_is_var(t);
}

/*
 * Has b a type or variable of that kind and name, and none that is laid out the same? There may be
 * several of one name, in different functions. They are mostly at the same index: it is tried first.
 */
static bool differs(const struct btf *a, __u32 i, const struct btf *b, const char **ret_what)
{
	const struct btf_type *x = btf__type_by_id(a, i);
	const char *name = btf__name_by_offset(a, x->name_off), *what = "its type";
	__u32 n = btf__type_cnt(b) - 1;
	bool known = false, same = false;

	for (__u32 k = 0; k < n && !same; k++) {
		const struct btf_type *y = btf__type_by_id(b, 1 + (i - 1 + k) % n);

		if (btf_kind(x) != btf_kind(y) ||
		    !sut_streq(btf__name_by_offset(b, y->name_off), name))
			continue;
		if (btf_is_composite(x))
			same = same_members(a, x, b, y, 0, &what);
		else if (btf_is_enum(x))
			same = same_enum(a, x, b, y, &what);
		else
			same = same_type(a, x->type, b, y->type, 0);
		if (!known)
			*ret_what = what;
		known = true;
	}
	return known && !same;
}

int sut_types_compare(const struct sut_object *orig, const struct sut_object *patched,
		      const char *source, unsigned int (*line_of)(void *ctx, const char *name),
		      void *ctx, struct sut_refusals *refusals, struct sut_err *err)
{
	_cleanup_(btf_freep) struct btf *a = NULL, *b = NULL;
	int r = load(orig, &a, err);

	if (!r)
		r = load(patched, &b, err);
	for (__u32 i = 1; !r && i < btf__type_cnt(a); i++) {
		const struct btf_type *x = btf__type_by_id(a, i);
		const char *name = btf__name_by_offset(a, x->name_off), *what = "";

		if (!compared(x) || !*name || !differs(a, i, b, &what))
			continue;
		if (sut_refuse(
			    refusals, "type-change", name, source, line_of ? line_of(ctx, name) : 0,
			    "the fix changes the layout or the values of this type (%s). Objects that "
			    "exist already have the old ones: keep them, and put what is new elsewhere "
			    "(new fields in a shadow variable, new enumerators at the end).",
			    what) < 0)
			return sut_err_oom(err);
	}
	return r;
}
