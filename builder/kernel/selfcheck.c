// SPDX-License-Identifier: Apache-2.0
#include "kernel/selfcheck.h"

#include <ctype.h>
#include <errno.h>

#include "base/str.h"
#include "diff/select.h"
#include "prove/prove.h"

#define bad(err, ...) sut_err_set(err, EBADMSG, "self-check of the payload: " __VA_ARGS__)

struct check {
	const struct sut_profile *p;
	const struct sut_atoms *a;
	uint64_t anchor; /* link address of _printk */
	struct sut_err *err;
};

static bool known_undefined(const struct check *c, const char *name)
{
	const struct sut_export *e = sut_profile_export(c->p, name);

	return (e && sut_streq(e->module, "vmlinux")) ||
	       sut_streq(name, "suture_payload_register") ||
	       sut_streq(name, "suture_payload_unregister");
}

static int check_symbols(const struct check *c)
{
	const struct sut_object *o = c->a->object;
	uint64_t text = c->anchor, size;

	sut_profile_section(c->p, ".text", &text, &size, NULL);
	for (uint32_t i = 1; i < o->nsyms; i++) {
		if (o->syms[i].shndx == SHN_UNDEF && !known_undefined(c, o->syms[i].name))
			return bad(c->err, "%s is neither exported nor anchored", o->syms[i].name);
		/* A constant in the range of the image would be off by the KASLR offset. */
		if (o->syms[i].shndx == SHN_ABS && o->syms[i].value >= text)
			return bad(c->err, "%s is an address, but is used as a constant",
				   o->syms[i].name);
	}
	return 0;
}

static int check_anchored(const struct check *c, const struct sut_atom *from,
			  const struct sut_ref *r)
{
	uint64_t addr = c->anchor + (uint64_t)r->target;
	const struct sut_ksym *k = sut_profile_at(c->p, addr);

	if (!k || addr > k->addr + k->size || k->type == 'A')
		return bad(c->err, "%s refers to 0x%llx, where the image has nothing", from->name,
			   (unsigned long long)addr);
	if (r->branch && r->target && (addr != k->addr || tolower((unsigned char)k->type) != 't') &&
	    tolower((unsigned char)k->type) != 'w')
		return bad(c->err, "%s calls 0x%llx, which is inside %s", from->name,
			   (unsigned long long)addr, k->name);
	return 0;
}

static int check_ref(const struct check *c, const struct sut_atom *from, const struct sut_ref *r)
{
	const struct sut_atom *to;

	if (r->atom == SUT_NO_ATOM) {
		const struct sut_sym *s = &c->a->object->syms[r->sym];

		if (s->shndx == SHN_UNDEF && sut_streq(s->name, "_printk"))
			return check_anchored(c, from, r);
		if (s->shndx == SHN_UNDEF && r->branch && r->target)
			return bad(c->err, "%s calls into the middle of %s", from->name, s->name);
		return 0;
	}
	to = &c->a->atoms[r->atom];
	if (to->class == SUT_SEC_TEXT && (r->target < 0 || (uint64_t)r->target > to->size))
		return bad(c->err, "%s refers outside %s", from->name, to->name);
	if (r->branch && to->class != SUT_SEC_TEXT)
		return bad(c->err, "%s calls %s, which is no code", from->name, to->name);
	return 0;
}

static bool calls_fentry(const struct check *c, const struct sut_record *rec)
{
	const struct sut_atom *t = &c->a->atoms[rec->atom];

	for (uint32_t i = 0; i < t->nrefs; i++) {
		const struct sut_ref *r = &c->a->refs[t->first_ref + i];

		if (r->offset == rec->place + 1)
			return r->atom == SUT_NO_ATOM &&
			       sut_streq(c->a->object->syms[r->sym].name, "__fentry__");
	}
	return false;
}

static int check_tables(const struct check *c)
{
	const struct sut_object *o = c->a->object;
	uint32_t ip = sut_object_section(o, ".orc_unwind_ip"),
		 orc = sut_object_section(o, ".orc_unwind");
	uint64_t nip = ip ? o->sections[ip].size / 4 : 0;

	if (nip * c->p->sizes.orc_entry != (orc ? o->sections[orc].size : 0))
		return bad(c->err, "the ORC tables are not in step");
	for (uint32_t i = 0; i < c->a->nrecords; i++) {
		const struct sut_record *rec = &c->a->records[i];

		if (rec->place > c->a->atoms[rec->atom].size)
			return bad(c->err, "a record of %s points outside %s",
				   o->sections[rec->section].name, c->a->atoms[rec->atom].name);
		if (rec->table == SUT_TABLE_FENTRY &&
		    sut_streq(o->sections[rec->section].name, "__mcount_loc") &&
		    !calls_fentry(c, rec))
			return bad(c->err, "%s has no fentry call where its record says",
				   c->a->atoms[rec->atom].name);
	}
	return 0;
}

int sut_selfcheck(const struct sut_profile *p, const void *ko, size_t len, struct sut_err *err)
{
	_cleanup_(sut_object_freep) struct sut_object *o = NULL;
	_cleanup_(sut_atoms_freep) struct sut_atoms *a = NULL;
	struct check c = {.p = p, .err = err};
	bool absolute;
	int r = sut_object_parse(ko, len, &o, err);

	if (!r)
		r = sut_atoms_new(o, &p->sizes, &a, err);
	if (!r)
		r = sut_prove_extern(p, "_printk", &c.anchor, &absolute, err);
	if (r < 0)
		return r;
	c.a = a;
	r = check_symbols(&c);
	if (!r)
		r = check_tables(&c);
	for (uint32_t i = 0; !r && i < a->n; i++)
		for (uint32_t k = 0; !r && k < a->atoms[i].nrefs; k++)
			r = check_ref(&c, &a->atoms[i], &a->refs[a->atoms[i].first_ref + k]);
	return r;
}
