// SPDX-License-Identifier: Apache-2.0
#include "kernel/payload.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "kernel/emit.h"
#include "kernel/entry.h"
#include "kernel/kmodule.h"
#include "kernel/resolve.h"
#include "uapi/suture.h"

/* Without headers: it compiles in no time, and against every kernel alike. */
const char sut_payload_init_source[] =
	"extern struct module __this_module;\n"
	"extern const struct suture_payload suture_payload;\n"
	"int suture_payload_register(const void *payload, void *module);\n"
	"void suture_payload_unregister(const void *payload);\n"
	"int init_module(void);\n"
	"void cleanup_module(void);\n"
	"int init_module(void)\n"
	"{\n"
	"	return suture_payload_register(&suture_payload, &__this_module);\n"
	"}\n"
	"void cleanup_module(void)\n"
	"{\n"
	"	suture_payload_unregister(&suture_payload);\n"
	"}\n";

struct build {
	struct sut_emitter e;
	const struct sut_payload_info *info;
	struct sut_payload_result *res;
	struct sut_expect *expect;
	uint32_t *new_syms; /* per replaced function: its symbol in the payload */
};

static int expect_record(struct build *b, const struct sut_atoms *exact, uint32_t atom,
			 const char *name, uint64_t addr, uint64_t size, uint32_t flags,
			 const struct sut_entry *entry, struct sut_err *err)
{
	const struct sut_profile *p = b->e.profile;
	_cleanup_(sut_freep) uint8_t *mask = calloc(1, size ? size : 1);
	struct sut_expect_func f = {.name = sut_kernel_name(p, addr, name),
				    .addr = addr,
				    .size = (uint32_t)size,
				    .flags = flags,
				    .redirect = entry ? entry->redirect : SUTURE_REDIRECT_NONE,
				    .redirect_off = entry ? entry->redirect_off : 0,
				    .bytes = sut_profile_bytes(p, addr, size),
				    .mask = mask};
	int r;

	if (!mask)
		return sut_err_oom(err);
	if (!f.bytes || size > SUT_EXPECT_FUNC_MAX)
		return sut_err_set(err, EKEYREJECTED, "%s is not in the image with %llu bytes",
				   name, (unsigned long long)size);
	if (exact) {
		r = sut_entry_mask(p, exact, atom, mask, err);
		if (r < 0)
			return r;
	}
	return sut_expect_add(b->expect, &f, err);
}

static int add_replaced(struct build *b, struct sut_payload_unit *u, size_t index, uint32_t i,
			struct sut_err *err)
{
	const struct sut_atom *t = &u->atoms->atoms[i];
	struct sut_replaced *v = &b->res->replaced[b->res->nreplaced];
	uint32_t orig = u->diff->twin[i], sym, atom, child;
	struct sut_entry entry;
	struct sut_place place;
	int r;

	r = sut_resolve_atom(b->e.profile, u->exact, u->diff->orig, orig, &place, err);
	if (r < 0)
		return sut_err_prefix(err, "%s is to be replaced", t->name);
	sym = sut_exact_symbol(u->exact, u->diff->orig, orig);
	if (u->exact->syms[sym].proof != SUT_PROOF_IDENTICAL)
		return sut_err_set(err, EKEYREJECTED,
				   "%s is to be replaced: another definition of it "
				   "is in use in this kernel",
				   t->name);
	atom = u->exact_atoms->sym_atom[sym];
	if (atom == SUT_NO_ATOM)
		return sut_err_set(err, EKEYREJECTED, "%s has no code of its own", t->name);
	r = sut_entry_plan(b->e.profile, u->exact_atoms, atom, place.addr, &entry, err);
	if (r < 0)
		return r;
	if (entry.redirect == SUTURE_REDIRECT_NONE)
		return sut_err_set(err, EINVAL, "internal: %s cannot be redirected: %s", t->name,
				   entry.why);
	*v = (struct sut_replaced){.name = sut_kernel_name(b->e.profile, place.addr, t->name),
				   .source = u->source,
				   .why = u->diff->why[i],
				   .addr = place.addr,
				   .size = u->exact_atoms->atoms[atom].size,
				   .new_size = t->size,
				   .redirect = entry.redirect};
	r = expect_record(b, u->exact_atoms, atom, v->name, v->addr, v->size,
			  SUTURE_EXPECT_REPLACE | SUTURE_EXPECT_NOSTACK, &entry, err);
	if (r < 0)
		return r;
	child = u->exact_atoms->atoms[atom].child;
	if (child != SUT_NO_ATOM) {
		const struct sut_proven *cv = &u->exact->syms[u->exact_atoms->atoms[child].sym];

		if (cv->proof != SUT_PROOF_IDENTICAL)
			return sut_err_set(err, EKEYREJECTED, "%s, a part of %s, is not proven",
					   u->exact_atoms->atoms[child].name, t->name);
		v->child_name = u->exact_atoms->atoms[child].name;
		v->child_addr = cv->addr;
		v->child_size = u->exact_atoms->atoms[child].size;
	}
	b->new_syms[b->res->nreplaced] = b->e.syms[index][i];
	b->res->nreplaced++;
	return 0;
}

/* Records of the replaced functions come first: their index is that of the payload's table. */
static int add_stack_only(struct build *b, struct sut_payload_unit *units, size_t n,
			  struct sut_err *err)
{
	int r = 0;

	for (size_t k = 0; !r && k < b->res->nreplaced; k++) {
		const struct sut_replaced *v = &b->res->replaced[k];

		for (size_t u = 0; v->child_size && !r && u < n; u++) {
			const struct sut_atoms *x = units[u].exact_atoms;

			for (uint32_t i = 0; x && !r && i < x->n; i++)
				if (x->atoms[i].name == v->child_name)
					r = expect_record(b, x, i, v->child_name, v->child_addr,
							  v->child_size, SUTURE_EXPECT_NOSTACK,
							  NULL, err);
		}
	}
	for (const char *const *s = b->info->busy; !r && s && *s; s++) {
		const struct sut_profile *p = b->e.profile;
		const uint32_t *idx;
		bool known = false;

		if (sut_profile_lookup(p, *s, &idx) != 1)
			return sut_err_set(err, ENOENT,
					   "--busy %s: the kernel has no function of that "
					   "name, or several",
					   *s);
		for (size_t k = 0; k < b->res->nreplaced; k++)
			known |= b->res->replaced[k].addr == p->syms[idx[0]].addr;
		if (!known)
			r = expect_record(b, NULL, 0, *s, p->syms[idx[0]].addr,
					  p->syms[idx[0]].size, SUTURE_EXPECT_NOSTACK, NULL, err);
	}
	return r;
}

static int put_string(struct sut_emitter *e, const char *s, uint64_t *ret_off)
{
	int sec = sut_emit_section(e, ".rodata", SHT_PROGBITS, SHF_ALLOC, 1);

	return sec < 0 ? sec : sut_emit_bytes(e, (uint32_t)sec, s, strlen(s) + 1, 1, ret_off);
}

static int pointer(struct sut_emitter *e, uint32_t sec, uint64_t off, uint32_t to, uint64_t at)
{
	return sut_object_add_rela(e->out, sec, off, R_X86_64_64, e->out->sections[to].sym,
				   (int64_t)at);
}

/* struct suture_payload and all it points to. Made empty first: the init code refers to it. */
static int begin_description(struct build *b, uint64_t *ret_off)
{
	int sec = sut_emit_section(&b->e, ".rodata", SHT_PROGBITS, SHF_ALLOC, 32);
	int r;

	if (sec < 0)
		return sec;
	r = sut_emit_bytes(&b->e, (uint32_t)sec, NULL, sizeof(struct suture_payload), 32, ret_off);
	if (r < 0)
		return r;
	return sut_object_add_sym(b->e.out, "suture_payload", STB_GLOBAL, STT_OBJECT, (uint32_t)sec,
				  *ret_off, sizeof(struct suture_payload));
}

static int finish_description(struct build *b, uint64_t at)
{
	struct sut_emitter *e = &b->e;
	size_t n = b->res->nreplaced;
	struct suture_payload d = {.abi = SUTURE_ABI,
				   .size = sizeof(d),
				   .level = b->info->level,
				   .nfuncs = (__u32)n,
				   .flags = b->res->keep ? SUTURE_PAYLOAD_KEEP : 0,
				   .expect_size = (__u32)b->res->expect.len};
	uint64_t id = 0, cves = 0, funcs = 0, expect = 0;
	uint32_t ro = sut_object_section(e->out, ".rodata");
	int table, blob, r;

	table = sut_emit_section(e, ".suture.functions", SHT_PROGBITS, SHF_ALLOC, 8);
	blob = sut_emit_section(e, ".suture.expect", SHT_PROGBITS, SHF_ALLOC, 8);
	if (table < 0 || blob < 0)
		return -ENOMEM;
	r = put_string(e, b->info->id, &id);
	if (!r)
		r = put_string(e, b->info->cves, &cves);
	if (!r)
		r = sut_emit_bytes(e, (uint32_t)blob, b->res->expect.data, b->res->expect.len, 8,
				   &expect);
	if (!r)
		r = sut_emit_bytes(e, (uint32_t)table, NULL, n * sizeof(struct suture_payload_func),
				   8, &funcs);
	for (size_t i = 0; !r && i < n; i++) {
		struct suture_payload_func f = {.new_size = (__u32)b->res->replaced[i].new_size,
						.expect_index = (__u32)i};
		uint64_t off = funcs + i * sizeof(f);

		memcpy(e->out->sections[table].data + off, &f, sizeof(f));
		r = sut_emit_anchored64(e, (uint32_t)table,
					off + offsetof(struct suture_payload_func, old_addr),
					b->res->replaced[i].addr);
		if (!r)
			r = sut_object_add_rela(
				e->out, (uint32_t)table,
				off + offsetof(struct suture_payload_func, new_addr), R_X86_64_64,
				b->new_syms[i], 0);
	}
	if (r < 0)
		return r;
	memcpy(e->out->sections[ro].data + at, &d, sizeof(d));
	r = pointer(e, ro, at + offsetof(struct suture_payload, id), ro, id);
	if (!r)
		r = pointer(e, ro, at + offsetof(struct suture_payload, cves), ro, cves);
	if (!r)
		r = pointer(e, ro, at + offsetof(struct suture_payload, funcs), (uint32_t)table,
			    funcs);
	if (!r)
		r = pointer(e, ro, at + offsetof(struct suture_payload, expect), (uint32_t)blob,
			    expect);
	return r;
}

static int list_new(struct build *b, const struct sut_payload_unit *units, size_t n)
{
	int r = 0;

	for (size_t u = 0; u < n; u++)
		for (uint32_t i = 0; !r && units[u].diff && i < units[u].atoms->n; i++) {
			const struct sut_atom *t = &units[u].atoms->atoms[i];

			if (!units[u].selection.include[i] ||
			    units[u].diff->verdict[i] != SUT_NEW || !t->sym ||
			    t->parent != SUT_NO_ATOM)
				continue;
			r = sut_strv_addf(t->class == SUT_SEC_TEXT ? &b->res->new_functions
								   : &b->res->new_data,
					  "%s %llu", t->name, (unsigned long long)t->size);
		}
	return r;
}

static int build(struct build *b, struct sut_payload_unit *units, size_t n, struct sut_err *err)
{
	const struct sut_profile *p = b->e.profile;
	uint64_t at = 0;
	size_t total = 0;
	int r;

	for (size_t u = 0; u < n; u++)
		total += units[u].selection.nreplace;
	b->res->replaced = calloc(total ? total : 1, sizeof(*b->res->replaced));
	b->new_syms = calloc(total ? total : 1, sizeof(*b->new_syms));
	if (!b->res->replaced || !b->new_syms)
		return sut_err_oom(err);
	r = sut_expect_new(p->build_id, b->e.anchor_addr, &b->expect, err);
	if (!r)
		r = sut_kmodule_begin(&b->e, b->info->module, err);
	if (r < 0)
		return r;
	if (begin_description(b, &at) < 0)
		return sut_err_oom(err);
	r = sut_emit_units(&b->e, err);
	for (size_t u = 0; !r && u < n; u++)
		for (uint32_t i = 0; !r && units[u].diff && i < units[u].atoms->n; i++)
			if (units[u].selection.replace[i])
				r = add_replaced(b, &units[u], u, i, err);
	if (!r)
		r = add_stack_only(b, units, n, err);
	if (!r)
		r = sut_expect_finish(b->expect, &b->res->expect, err);
	if (r < 0)
		return r;
	b->res->keep = b->e.keep;
	if (finish_description(b, at) < 0 || list_new(b, units, n) < 0)
		return sut_err_oom(err);
	r = sut_kmodule_finish(&b->e, b->info, err);
	return r < 0 ? r : sut_object_write(b->e.out, &b->res->ko, err);
}

int sut_payload_build(const struct sut_profile *p, struct sut_payload_unit *units, size_t n,
		      const struct sut_payload_info *info, struct sut_payload_result *ret,
		      struct sut_err *err)
{
	struct sut_payload_result res = {.ko = SUT_BUF_INIT(SUT_OBJECT_MAX),
					 .expect = SUT_BUF_INIT(SUTURE_MAX_EXPECT)};
	struct build b = {.info = info, .res = &res};
	int r = sut_emitter_init(&b.e, p, units, n, err);

	if (!r)
		r = build(&b, units, n, err);
	if (!r) {
		res.anchored = sut_steal(b.e.anchored);
		res.nanchored = b.e.nanchored;
		res.anchor_addr = b.e.anchor_addr;
		b.e.nanchored = 0;
		*ret = res;
	} else {
		sut_payload_result_release(&res);
	}
	free(b.new_syms);
	sut_expect_free(b.expect);
	sut_emitter_release(&b.e);
	return r;
}

void sut_payload_result_release(struct sut_payload_result *r)
{
	sut_buf_release(&r->ko);
	sut_buf_release(&r->expect);
	free(r->replaced);
	sut_strv_release(&r->new_functions);
	sut_strv_release(&r->new_data);
	for (size_t i = 0; i < r->nanchored; i++)
		free(r->anchored[i].name);
	free(r->anchored);
	*r = (struct sut_payload_result){0};
}
