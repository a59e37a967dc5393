// SPDX-License-Identifier: Apache-2.0
#include "diff/special.h"

#include <string.h>

#include "base/str.h"
#include "diff/backend.h"

#define SIZE_OF(field) (1 + (int)offsetof(struct sut_record_sizes, field))

static const struct {
	const char *name; /* ends with '*': prefix */
	enum sut_section_class class;
	enum sut_table_kind table;
	int record; /* bytes; or SIZE_OF(x) with from_btf */
	bool from_btf;
} rules[] = {
	{"__bug_table", SUT_SEC_TABLE, SUT_TABLE_BUG, SIZE_OF(bug_entry), true},
	{"__ex_table", SUT_SEC_TABLE, SUT_TABLE_EXTABLE, SIZE_OF(exception_table_entry), true},
	{".altinstructions", SUT_SEC_TABLE, SUT_TABLE_ALT, SIZE_OF(alt_instr), true},
	{".parainstructions", SUT_SEC_TABLE, SUT_TABLE_PARAVIRT, SIZE_OF(paravirt_patch_site),
	 true},
	{"__jump_table", SUT_SEC_TABLE, SUT_TABLE_JUMP_LABEL, SIZE_OF(jump_entry), true},
	{".static_call_sites", SUT_SEC_TABLE, SUT_TABLE_STATIC_CALL, SIZE_OF(static_call_site),
	 true},
	{".smp_locks", SUT_SEC_TABLE, SUT_TABLE_LOCK, 4, false},
	{".retpoline_sites", SUT_SEC_TABLE, SUT_TABLE_RETPOLINE, 4, false},
	{".return_sites", SUT_SEC_TABLE, SUT_TABLE_RETURN, 4, false},
	{".call_sites", SUT_SEC_TABLE, SUT_TABLE_CALL, 4, false},
	{"__mcount_loc", SUT_SEC_TABLE, SUT_TABLE_FENTRY, 8, false},
	{"__patchable_function_entries", SUT_SEC_TABLE, SUT_TABLE_FENTRY, 8, false},
	{".orc_unwind_ip", SUT_SEC_TABLE, SUT_TABLE_ORC, 4, false},
	{".orc_unwind", SUT_SEC_HELPER, SUT_TABLE_NONE, 0, false},
	{".altinstr_replacement", SUT_SEC_HELPER, SUT_TABLE_NONE, 0, false},
	{".altinstr_aux", SUT_SEC_TEXT, SUT_TABLE_NONE, 0, false},
	{".discard.*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".ibt_endbr_seal", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".printk_index", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".export_symbol", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".note*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".sframe", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".eh_frame", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".modinfo", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"__ksymtab*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"___ksymtab*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"___kcrctab*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"__kcrctab*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".BTF*", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".init.*", SUT_SEC_INIT, SUT_TABLE_NONE, 0, false},
	{".init_array", SUT_SEC_INIT, SUT_TABLE_NONE, 0, false},
	{".exit.*", SUT_SEC_INIT, SUT_TABLE_NONE, 0, false},
	{".exitcall*", SUT_SEC_INIT, SUT_TABLE_NONE, 0, false},
	{".initcall*", SUT_SEC_INIT, SUT_TABLE_NONE, 0, false},
	{".con_initcall*", SUT_SEC_INIT, SUT_TABLE_NONE, 0, false},
	{".altinstr_tail", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	/* Wherever named sections hold variables: the name is kept in the payload. */
	{"__dyndbg*", SUT_SEC_DATA, SUT_TABLE_NONE, 0, false},
	{"__tracepoints", SUT_SEC_DATA, SUT_TABLE_NONE, 0, false},
	{"__tracepoints_strings", SUT_SEC_RODATA, SUT_TABLE_NONE, 0, false},
	{"__tracepoints_ptrs", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"_ftrace_events", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"_ftrace_eval_map", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"__syscalls_metadata", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"__bpf_raw_tp_map", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"_error_injection_whitelist", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{"_kprobe_blacklist", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".static_call_tramp_key", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
	{".builtin_fw", SUT_SEC_DROP, SUT_TABLE_NONE, 0, false},
};

static bool matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

struct sut_section_rule sut_section_rule(const struct sut_section *s,
					 const struct sut_record_sizes *sizes)
{
	struct sut_section_rule r = {SUT_SEC_UNKNOWN, SUT_TABLE_NONE, 0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(rules); i++) {
		if (!matches(rules[i].name, s->name))
			continue;
		r.class = rules[i].class;
		r.table = rules[i].table;
		r.record = (uint32_t)rules[i].record;
		if (rules[i].from_btf)
			memcpy(&r.record, (const char *)sizes + rules[i].record - 1, 4);
		return r;
	}
	if (!(s->flags & SHF_ALLOC))
		r.class = SUT_SEC_DROP;
	else if (s->flags & SHF_MERGE)
		r.class = SUT_SEC_MERGE;
	else if ((s->flags & SHF_EXECINSTR))
		r.class = SUT_SEC_TEXT;
	else if (sut_startswith(s->name, ".rodata") || sut_startswith(s->name, ".data.rel.ro"))
		r.class = SUT_SEC_RODATA;
	else if (sut_startswith(s->name, ".data") || sut_startswith(s->name, ".bss"))
		r.class = SUT_SEC_DATA;
	return r;
}

static bool made_up(const struct sut_object *o, const struct sut_atom *a)
{
	/* __func__.3, CSWTCH.5, __already_done.1, the descriptor of a pr_debug */
	static const char *const names[] = {
		"__func__",	  "__FUNCTION__", "__PRETTY_FUNCTION__", "CSWTCH",
		"__already_done", "__warned",	  "__print_once",	 "___done",
		"__key",	  "_rs",	  "__UNIQUE_ID_",
	};
	static const char *const sections[] = {"__dyndbg", "__verbose", ".data.once",
					       ".data..once"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(a->name, names[i], n))
			continue;
		if (sut_endswith(names[i], "ID_") || !a->name[n] || a->name[n] == '.')
			return true;
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(sections); i++)
		if (sut_streq(o->sections[a->section].name, sections[i]))
			return true;
	return false;
}

static const char *fixed(const struct sut_atoms *patched, uint32_t atom, const char **ret_text)
{
	const char *n = patched->object->sections[patched->atoms[atom].section].name;

	if (!sut_startswith(n, ".noinstr.text") && !sut_startswith(n, ".entry.text"))
		return NULL;
	*ret_text = "this function runs on kernel entry, where interrupts and even the stack may "
		    "not be usable yet: it cannot be replaced live.";
	return "entry-code";
}

static const char *unwelcome(const struct sut_atoms *patched, uint32_t atom, const char **ret_text)
{
	const struct sut_atom *t = &patched->atoms[atom];

	if (!t->sym || !sut_startswith(patched->object->sections[t->section].name, "__tracepoints"))
		return NULL;
	*ret_text = "a new tracepoint cannot be registered from a patch: leave it out.";
	return "new-tracepoint";
}

const struct sut_backend sut_backend_kernel = {
	.kernel = true,
	.section = sut_section_rule,
	.made_up = made_up,
	.fixed = fixed,
	.unwelcome = unwelcome,
	.changed_data =
		"The running kernel has its own value there, so this cannot be replaced live: "
		"leave this part out, or rewrite the code that reads it.",
	.init_code = "code and data marked __init or __exit have run already, or were "
		     "discarded: changing them has no effect on a running kernel. Leave this "
		     "part out if it is not needed for the fix.",
	.init_reference = "whose memory was given back after boot: leave this part out.",
	.start_table = "the fix adds or changes an entry of a table that the kernel reads when it "
		       "boots: that has no effect on a running kernel. Leave this part out if it "
		       "is not needed for the fix.",
	.unknown_section = "and what it means to the kernel is not known here: report it, so that "
			   "a rule for it is added.",
};
