// SPDX-License-Identifier: Apache-2.0
/* What the differ must know about libraries and executables. */
#include <string.h>

#include "base/str.h"
#include "diff/backend.h"

static const struct {
	const char *name; /* ends with '*': prefix */
	enum sut_section_class class;
	enum sut_table_kind table;
} rules[] = {
	{".gcc_except_table*", SUT_SEC_DROP, SUT_TABLE_LSDA},
	{".eh_frame*", SUT_SEC_DROP, SUT_TABLE_NONE},
	{".note*", SUT_SEC_DROP, SUT_TABLE_NONE},
	{".gnu.warning*", SUT_SEC_DROP, SUT_TABLE_NONE},
	{".gnu.glibc-stub.*", SUT_SEC_DROP, SUT_TABLE_NONE},
	{".gnu.version*", SUT_SEC_DROP, SUT_TABLE_NONE},
	{".stapsdt.base", SUT_SEC_DROP, SUT_TABLE_NONE},
	{".comment", SUT_SEC_DROP, SUT_TABLE_NONE},
	/* Gone through once when the file is loaded or unloaded. */
	{".init", SUT_SEC_INIT, SUT_TABLE_NONE},
	{".fini", SUT_SEC_INIT, SUT_TABLE_NONE},
	{".preinit_array*", SUT_SEC_INIT, SUT_TABLE_NONE},
	{".init_array*", SUT_SEC_INIT, SUT_TABLE_NONE},
	{".fini_array*", SUT_SEC_INIT, SUT_TABLE_NONE},
	{".ctors*", SUT_SEC_INIT, SUT_TABLE_NONE},
	{".dtors*", SUT_SEC_INIT, SUT_TABLE_NONE},
	/* glibc: variables in sections of their own. Its tables of functions (__libc_atexit, __libc_subfreeres) stay unknown. */
	{"__libc_freeres_ptrs", SUT_SEC_DATA, SUT_TABLE_NONE},
	{"__libc_IO_vtables", SUT_SEC_RODATA, SUT_TABLE_NONE},
	{".probes", SUT_SEC_DATA, SUT_TABLE_NONE},
};

/* Without the prefix of a discardable copy: ".gnu.linkonce.t.foo" is ".text.foo". */
static const struct {
	const char *prefix, *as;
} linkonce[] = {
	{".gnu.linkonce.t.", ".text."},
	{".gnu.linkonce.r.", ".rodata."},
	{".gnu.linkonce.d.rel.ro.", ".data.rel.ro."},
	{".gnu.linkonce.d.", ".data."},
	{".gnu.linkonce.b.", ".bss."},
	{".gnu.linkonce.td.", ".tdata."},
	{".gnu.linkonce.tb.", ".tbss."},
};

static bool matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

static struct sut_section_rule section(const struct sut_section *s,
				       const struct sut_record_sizes *sizes)
{
	struct sut_section_rule r = {SUT_SEC_UNKNOWN, SUT_TABLE_NONE, 0};
	const char *name = s->name;

	(void)sizes;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(linkonce); i++)
		if (sut_startswith(name, linkonce[i].prefix))
			name = linkonce[i].as;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(rules); i++) {
		if (!matches(rules[i].name, name))
			continue;
		r.class = rules[i].class;
		r.table = rules[i].table;
		return r;
	}
	if (!(s->flags & SHF_ALLOC))
		r.class = SUT_SEC_DROP;
	else if (s->flags & SHF_TLS)
		r.class = SUT_SEC_TLS;
	else if (s->flags & SHF_EXECINSTR)
		r.class = SUT_SEC_TEXT;
	else if (s->flags & SHF_MERGE)
		r.class = SUT_SEC_MERGE;
	else if (sut_startswith(name, ".rodata") || sut_startswith(name, ".data.rel.ro"))
		r.class = SUT_SEC_RODATA;
	else if (sut_startswith(name, ".data") || sut_startswith(name, ".bss") ||
		 sut_startswith(name, ".ldata") || sut_startswith(name, ".lbss"))
		r.class = SUT_SEC_DATA;
	else if (sut_startswith(name, ".lrodata"))
		r.class = SUT_SEC_RODATA;
	return r;
}

/* __func__.3, CSWTCH.5; in C++ _ZZ3foovE8__func__ */
static bool made_up(const struct sut_object *o, const struct sut_atom *a)
{
	static const char *const names[] = {"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__",
					    "CSWTCH"};
	static const char *const mangled[] = {"E8__func__", "E12__FUNCTION__",
					      "E19__PRETTY_FUNCTION__"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (!strncmp(a->name, names[i], n) && (!a->name[n] || a->name[n] == '.'))
			return true;
	}
	if (!sut_startswith(a->name, "_ZZ") || o->syms[a->sym].bind != STB_LOCAL)
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(mangled); i++) {
		const char *p = strstr(a->name, mangled[i]);

		if (p && (!p[strlen(mangled[i])] || p[strlen(mangled[i])] == '.' ||
			  p[strlen(mangled[i])] == '_'))
			return true;
	}
	return false;
}

/* Is it called when the file is loaded, and by nobody else? */
static bool constructor_only(const struct sut_atoms *a, uint32_t atom)
{
	bool listed = false;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct sut_atom *t = &a->atoms[i];
		const char *name = a->object->sections[t->section].name;

		for (uint32_t k = 0; k < t->nrefs; k++) {
			if (a->refs[t->first_ref + k].atom != atom || i == atom ||
			    t->parent == atom)
				continue;
			if (t->class != SUT_SEC_INIT)
				return false;
			listed |= sut_startswith(name, ".init_array") ||
				  sut_startswith(name, ".ctors") ||
				  sut_startswith(name, ".preinit_array");
		}
	}
	return listed;
}

static const char *fixed(const struct sut_atoms *patched, uint32_t atom, const char **ret_text)
{
	const struct sut_atom *t = &patched->atoms[atom];
	const struct sut_object *o = patched->object;

	for (uint32_t s = 1; s < o->nsyms; s++)
		if (patched->sym_atom[s] == atom && o->syms[s].type == STT_GNU_IFUNC) {
			*ret_text =
				"it chooses an implementation once, when a program is loaded: "
				"running processes have chosen. Change the implementations instead.";
			return "ifunc-resolver";
		}
	if (o->syms[t->sym].bind != STB_LOCAL || !constructor_only(patched, atom))
		return NULL;
	*ret_text = "it runs once, when the file is loaded: changing it has no effect on a process "
		    "that runs already. Leave this part out if it is not needed for the fix.";
	return "init-code";
}

static const char *unwelcome(const struct sut_atoms *patched, uint32_t atom, const char **ret_text)
{
	const struct sut_atom *t = &patched->atoms[atom];
	const struct sut_object *o = patched->object;

	if (t->class == SUT_SEC_TLS) {
		*ret_text =
			"a new thread-local variable has no room in threads that exist already: keep "
			"what it holds elsewhere (a table by thread id, the caller's structure).";
		return "new-tls";
	}
	for (uint32_t s = 1; s < o->nsyms; s++)
		if (patched->sym_atom[s] == atom && o->syms[s].type == STT_GNU_IFUNC) {
			*ret_text = "a new function that is chosen when a program is loaded cannot "
				    "come with a patch: call one implementation directly.";
			return "ifunc-resolver";
		}
	return NULL;
}

const struct sut_backend sut_backend_user = {
	.section = section,
	.made_up = made_up,
	.fixed = fixed,
	.unwelcome = unwelcome,
	.changed_data =
		"A running process has its own value there, so this cannot be replaced live: leave "
		"this part out, or rewrite the code that reads it.",
	.init_code =
		"what is listed for start and end of a program is gone through once: changing "
		"it has no effect on a process that runs already. Leave this part out if it is "
		"not needed for the fix.",
	.init_reference = "which belongs to the start of a program: leave this part out.",
	.start_table = "the fix adds or changes an entry of a table that is gone through when the "
		       "program starts or ends: that has no effect on a process that runs already. "
		       "Leave this part out if it is not needed for the fix.",
	.unknown_section =
		"and what it means is not known here: report it, so that a rule for it is "
		"added.",
};
