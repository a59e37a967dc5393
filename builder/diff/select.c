// SPDX-License-Identifier: Apache-2.0
#include "diff/select.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diff/backend.h"
#include "diff/compare.h"

struct state {
	struct sut_diff *d;
	const struct sut_select_opts *opts;
	struct sut_selection *sel;
	struct sut_refusals *refusals;
	bool *settled; /* changed functions whose redirect has been decided */
};

bool sut_ref_is_call(const struct sut_ref *r)
{
	return r->branch && r->target == 0;
}

static unsigned int line_of(const struct state *s, const char *name)
{
	return s->opts->line_of ? s->opts->line_of(s->opts->ctx, name) : 0;
}

#define refuse(s, reason, name, ...)                                                               \
	sut_refuse((s)->refusals, reason, name, (s)->opts->source, line_of(s, name), __VA_ARGS__)

/* Constants without pointers may be copied, when only code of this file reads them. */
static bool copyable(const struct state *s, uint32_t p)
{
	const struct sut_atoms *a = s->d->patched;
	const struct sut_atom *t = &a->atoms[p];

	if (t->class != SUT_SEC_RODATA || t->nrefs || a->object->syms[t->sym].bind != STB_LOCAL ||
	    s->d->orig->atoms[s->d->twin[p]].class != SUT_SEC_RODATA)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->atoms[i].class == SUT_SEC_TEXT)
			continue;
		for (uint32_t k = 0; k < a->atoms[i].nrefs; k++)
			if (a->refs[a->atoms[i].first_ref + k].atom == p)
				return false;
	}
	return true;
}

/* Marks the functions that refer to p as changed, each with its split-off part. */
static void change_users(struct sut_diff *d, uint32_t p, const char *verb, const char *but)
{
	const struct sut_atoms *a = d->patched;

	for (uint32_t i = 0; i < a->n; i++) {
		uint32_t f = a->atoms[i].parent != SUT_NO_ATOM ? a->atoms[i].parent : i;

		if (a->atoms[i].class != SUT_SEC_TEXT || f == p || d->verdict[f] != SUT_SAME)
			continue;
		for (uint32_t k = 0; k < a->atoms[i].nrefs; k++) {
			if (a->refs[a->atoms[i].first_ref + k].atom != p)
				continue;
			d->verdict[f] = SUT_CHANGED;
			if (a->atoms[f].child != SUT_NO_ATOM)
				d->verdict[a->atoms[f].child] = SUT_CHANGED;
			snprintf(d->why[f], SUT_WHY_MAX, "%s %.100s, %s", verb, a->atoms[p].name,
				 but);
			break;
		}
	}
}

static int check_data(struct state *s)
{
	struct sut_diff *d = s->d;
	int r = 0;

	for (uint32_t p = 0; !r && p < d->patched->n; p++) {
		const struct sut_atom *t = &d->patched->atoms[p];

		if (d->verdict[p] != SUT_CHANGED ||
		    (t->class != SUT_SEC_DATA && t->class != SUT_SEC_RODATA &&
		     t->class != SUT_SEC_TLS && t->class != SUT_SEC_UNKNOWN))
			continue;
		if (copyable(s, p)) {
			d->verdict[p] = SUT_NEW;
			change_users(d, p, "reads", "whose contents change");
			continue;
		}
		r = refuse(
			s, "changed-data", t->name,
			"the fix changes the contents of a variable that exists already (%s). %s",
			d->why[p], d->patched->backend->changed_data);
	}
	return r;
}

static int check_init(struct state *s)
{
	struct sut_diff *d = s->d;
	int r = 0;

	for (uint32_t p = 0; !r && p < d->patched->n; p++) {
		const struct sut_atom *t = &d->patched->atoms[p];

		if (t->class != SUT_SEC_INIT || d->verdict[p] == SUT_SAME || !t->sym ||
		    t->anonymous)
			continue;
		r = refuse(s, "init-code", t->name, "%s", d->patched->backend->init_code);
	}
	return r;
}

/* Sections that nobody told us about must not refer to what we replace. */
static int check_unknown(struct state *s)
{
	const struct sut_atoms *a = s->d->patched;
	int r = 0;

	for (uint32_t i = 0; !r && i < a->n; i++) {
		if (a->atoms[i].class != SUT_SEC_UNKNOWN)
			continue;
		for (uint32_t k = 0; !r && k < a->atoms[i].nrefs; k++) {
			uint32_t t = a->refs[a->atoms[i].first_ref + k].atom;

			if (t == SUT_NO_ATOM || !s->sel->include[t] ||
			    a->refs[a->atoms[i].first_ref + k].target == 0)
				continue;
			r = refuse(s, "unknown-section",
				   a->object->sections[a->atoms[i].section].name,
				   "this section refers into %s, %s", a->atoms[t].name,
				   a->backend->unknown_section);
		}
	}
	return r;
}

/* Marks the callers of a changed function whose own entry stays as it is.
 * False when somebody has its address: then calls cannot all be reached. */
static bool change_callers(struct state *s, uint32_t p)
{
	struct sut_diff *d = s->d;
	const struct sut_atoms *a = d->patched;

	if (a->object->syms[a->atoms[p].sym].bind != STB_LOCAL)
		return false;
	for (uint32_t i = 0; i < a->nrefs; i++)
		if (a->refs[i].atom == p && a->refs[i].target == 0 && !sut_ref_is_call(&a->refs[i]))
			return false;
	change_users(d, p, "calls", "which changes and whose entry cannot be redirected");
	return true;
}

static int settle(struct state *s, uint32_t p)
{
	struct sut_diff *d = s->d;
	const struct sut_atom *t = &d->patched->atoms[p];
	const char *reason, *text = "";
	char why[SUT_WHY_MAX] = "";

	s->settled[p] = true;
	s->sel->include[p] = true;
	if (t->child != SUT_NO_ATOM)
		s->sel->include[t->child] = true;
	if (d->twin[p] == SUT_NO_ATOM)
		return 0;
	reason = d->patched->backend->fixed(d->patched, p, &text);
	if (reason)
		return refuse(s, reason, t->name, "%s", text);
	if (s->opts->redirectable && !s->opts->redirectable(s->opts->ctx, d->twin[p], why)) {
		if (change_callers(s, p))
			return 0;
		return refuse(s, "no-redirect", t->name,
			      "its entry cannot be redirected (%s), and it is called from outside "
			      "this file or by pointer: change its callers in the fix instead.",
			      why);
	}
	s->sel->replace[p] = true;
	s->sel->nreplace++;
	return 0;
}

static int settle_changed(struct state *s)
{
	struct sut_diff *d = s->d;
	bool more = true;
	int r = 0;

	while (more) {
		more = false;
		for (uint32_t p = 0; !r && p < d->patched->n; p++) {
			const struct sut_atom *t = &d->patched->atoms[p];

			if (t->class != SUT_SEC_TEXT || !t->sym || t->parent != SUT_NO_ATOM ||
			    d->verdict[p] != SUT_CHANGED || s->settled[p])
				continue;
			r = settle(s, p);
			more = true;
		}
		if (r)
			return r;
	}
	return 0;
}

static bool pull(struct state *s, const struct sut_ref *r)
{
	if (r->atom == SUT_NO_ATOM || s->sel->include[r->atom] || s->d->verdict[r->atom] != SUT_NEW)
		return false;
	switch (s->d->patched->atoms[r->atom].class) {
	case SUT_SEC_INIT:
	case SUT_SEC_HELPER:
	case SUT_SEC_TABLE:
	case SUT_SEC_DROP:
		return false;
	default:
		s->sel->include[r->atom] = true;
		return true;
	}
}

/* All that is new and that included code, data or records, or another file of the fix, refer to. */
static void close_over(struct state *s)
{
	const struct sut_atoms *a = s->d->patched;
	bool more = true;

	for (uint32_t i = 1; s->opts->wanted && i < a->object->nsyms; i++) {
		const struct sut_sym *sym = &a->object->syms[i];

		if (sym->bind != STB_LOCAL && s->opts->wanted(s->opts->ctx, sym->name))
			pull(s, &(struct sut_ref){.atom = a->sym_atom[i]});
	}
	while (more) {
		more = false;
		for (uint32_t i = 0; i < a->n; i++) {
			const struct sut_atom *t = &a->atoms[i];

			if (!s->sel->include[i])
				continue;
			if (t->child != SUT_NO_ATOM && !s->sel->include[t->child]) {
				s->sel->include[t->child] = true;
				more = true;
			}
			for (uint32_t k = 0; k < t->nrefs; k++)
				more |= pull(s, &a->refs[t->first_ref + k]);
			for (uint32_t k = 0; k < t->nrecords; k++) {
				const struct sut_record *rec = &a->records[t->first_record + k];

				for (uint32_t m = 0; m < rec->nrefs; m++)
					more |= pull(s, &a->record_refs[rec->first_ref + m]);
			}
		}
	}
}

/* Has the original an equal entry in the section of that name? */
static bool known_entry(const struct sut_diff *d, uint32_t p)
{
	const struct sut_atom *t = &d->patched->atoms[p];

	if (!t->anonymous)
		return d->verdict[p] != SUT_NEW;
	for (uint32_t o = 0; o < d->orig->n; o++)
		if (d->orig->atoms[o].anonymous &&
		    sut_streq(d->orig->object->sections[d->orig->atoms[o].section].name,
			      d->patched->object->sections[t->section].name) &&
		    sut_compare_atoms(d, o, p, NULL))
			return true;
	return false;
}

/* Initcalls, parameters, quirks, constructors and the like: such tables are gone through once. */
static int check_boot_tables(struct state *s)
{
	const struct sut_atoms *a = s->d->patched;
	int r = 0;

	for (uint32_t i = 0; !r && i < a->n; i++) {
		const struct sut_atom *t = &a->atoms[i];

		if (t->class != SUT_SEC_UNKNOWN && (t->class != SUT_SEC_INIT || t->sym))
			continue;
		if (s->sel->include[i] || (a->object->sections[t->section].flags & SHF_MERGE) ||
		    known_entry(s->d, i))
			continue;
		r = refuse(s, "init-code", t->name, "%s", a->backend->start_table);
	}
	return r;
}

static int check_included(struct state *s)
{
	const struct sut_atoms *a = s->d->patched;
	int r = 0;

	for (uint32_t i = 0; !r && i < a->n; i++) {
		const struct sut_atom *t = &a->atoms[i];
		const char *reason, *text = "";

		if (!s->sel->include[i])
			continue;
		reason = a->backend->unwelcome(a, i, &text);
		if (reason)
			r = refuse(s, reason, t->name, "%s", text);
		for (uint32_t k = 0; !r && k < t->nrefs; k++) {
			uint32_t at = a->refs[t->first_ref + k].atom;

			if (at == SUT_NO_ATOM || a->atoms[at].class != SUT_SEC_INIT)
				continue;
			r = refuse(s, "init-reference", t->name, "it refers to %s, %s",
				   a->atoms[at].name, a->backend->init_reference);
		}
	}
	return r;
}

int sut_select(struct sut_diff *d, const struct sut_select_opts *opts, struct sut_selection *ret,
	       struct sut_refusals *refusals, struct sut_err *err)
{
	struct sut_selection sel = {0};
	struct state s = {.d = d, .opts = opts, .sel = &sel, .refusals = refusals};
	uint32_t n = d->patched->n + 1;
	int r;

	sel.include = calloc(n, sizeof(*sel.include));
	sel.replace = calloc(n, sizeof(*sel.replace));
	s.settled = calloc(n, sizeof(*s.settled));
	r = sel.include && sel.replace && s.settled ? 0 : -ENOMEM;
	if (!r)
		r = check_data(&s);
	if (!r)
		r = check_init(&s);
	if (!r)
		r = settle_changed(&s);
	if (!r) {
		close_over(&s);
		r = check_included(&s);
	}
	if (!r)
		r = check_boot_tables(&s);
	if (!r)
		r = check_unknown(&s);
	free(s.settled);
	if (r < 0) {
		sut_selection_release(&sel);
		return sut_err_oom(err);
	}
	*ret = sel;
	return 0;
}

void sut_selection_release(struct sut_selection *s)
{
	free(s->include);
	free(s->replace);
	s->include = s->replace = NULL;
	s->nreplace = 0;
}
