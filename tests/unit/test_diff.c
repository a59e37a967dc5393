// SPDX-License-Identifier: Apache-2.0
/*
 * The differ on real compiler output: pairs of small sources, compiled as a
 * kernel is, and what must be found changed, new, or in the way.
 */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "diff/select.h"
#include "diff/types.h"
#include "unit.h"

static const struct sut_record_sizes sizes = {12, 12, 12, 16, 8, 16, 6};

struct pair {
	char *dir;
	struct sut_object *object[2];
	struct sut_atoms *atoms[2];
	struct sut_diff *diff;
	struct sut_selection selection;
	struct sut_refusals refusals;
	struct sut_err err;
	int r; /* of the first step that failed */
};

static struct sut_object *compile(const char *dir, const char *name, const char *text)
{
	_cleanup_(sut_freep) char *c = sut_sprintf("%s/%s.c", dir, name);
	_cleanup_(sut_freep) char *o = sut_sprintf("%s/%s.o", dir, name);
	const char *argv[] = {"gcc",
			      "-O2",
			      "-ffunction-sections",
			      "-fdata-sections",
			      "-gbtf",
			      "-mcmodel=kernel",
			      "-fno-pie",
			      "-mno-red-zone",
			      "-fno-stack-protector",
			      "-fno-asynchronous-unwind-tables",
			      "-fcf-protection=none",
			      "-c",
			      "-o",
			      o,
			      c,
			      NULL};
	struct sut_object *object = NULL;
	struct sut_err err = {0};

	assert_non_null(c);
	assert_non_null(o);
	assert_int_equal(sut_file_write(c, text, strlen(text), 0644, &err), 0);
	if (sut_run_ok(argv, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	if (sut_object_read(o, &object, &err) < 0)
		fail_msg("%s", err.msg);
	return object;
}

static bool small_only(void *ctx, uint32_t orig, char why[static SUT_WHY_MAX])
{
	const struct pair *p = ctx;

	if (!strstr(p->atoms[0]->atoms[orig].name, "fixed"))
		return true;
	snprintf(why, SUT_WHY_MAX, "the test says so");
	return false;
}

static void diff(struct pair *p, const char *orig, const char *patched)
{
	struct sut_select_opts opts = {.source = "t.c", .redirectable = small_only, .ctx = p};

	*p = (struct pair){0};
	assert_int_equal(sut_tmpdir("test-diff", &p->dir, &p->err), 0);
	p->object[0] = compile(p->dir, "orig", orig);
	p->object[1] = compile(p->dir, "patched", patched);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sut_atoms_new(p->object[i], &sizes, &p->atoms[i], &p->err), 0);
	p->r = sut_types_compare(p->object[0], p->object[1], "t.c", NULL, NULL, &p->refusals,
				 &p->err);
	if (!p->r)
		p->r = sut_diff_new(p->atoms[0], p->atoms[1], &p->diff, &p->err);
	if (!p->r)
		p->r = sut_select(p->diff, &opts, &p->selection, &p->refusals, &p->err);
}

static void done(struct pair *p)
{
	struct sut_err err;

	sut_selection_release(&p->selection);
	sut_refusals_release(&p->refusals);
	sut_diff_free(p->diff);
	for (int i = 0; i < 2; i++) {
		sut_atoms_free(p->atoms[i]);
		sut_object_free(p->object[i]);
	}
	assert_int_equal(sut_rm_rf(p->dir, &err), 0);
	free(p->dir);
}

/* Names of the functions that get replaced, in the order of the object, space-separated. */
static void expect_replaced(const struct pair *p, const char *names)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);

	if (p->r)
		fail_msg("%s", p->err.msg);
	for (uint32_t i = 0; i < p->atoms[1]->n; i++)
		if (p->selection.replace[i])
			assert_int_equal(sut_buf_addf(&b, "%s%s", b.len ? " " : "",
						      p->atoms[1]->atoms[i].name),
					 0);
	assert_string_equal(sut_buf_str(&b), names);
}

static bool includes(const struct pair *p, const char *name)
{
	for (uint32_t i = 0; i < p->atoms[1]->n; i++)
		if (p->selection.include[i] && sut_name_alike(p->atoms[1]->atoms[i].name, name))
			return true;
	return false;
}

static void expect_refused(const struct pair *p, const char *reason, const char *name)
{
	for (size_t i = 0; i < p->refusals.n; i++)
		if (sut_streq(p->refusals.v[i].reason, reason) &&
		    strstr(p->refusals.v[i].name, name))
			return;
	fail_msg("no refusal %s for %s (%s)", reason, name, p->err.msg);
}

#define EXTERN                                                                                     \
	"extern int ext(int); extern int printk(const char *, ...);\n"                             \
	"#define noinline __attribute__((noinline))\n"

/* ---- nothing changed ---- */

static void an_object_equals_itself(void **state _unused_)
{
	static const char text[] = EXTERN
		"static int counter; static const int table[] = {1,2,3,4,5};\n"
		"int f(int x) { static int n; n += x; printk(\"f %d\\n\", n); return table[x & 3]; }\n"
		"int g(int x) { static int n; n -= x; if (x > 3) printk(\"%s\\n\", __func__); return counter++; }\n"
		"double d(double x) { return x * 3.25 + 1.5; }\n"
		"int sw(int x) { switch (x) { case 0: return ext(5); case 1: return ext(77); case 2: return ext(1);\n"
		"case 3: return ext(x); case 4: return ext(-9); case 5: return ext(4); } return 0; }\n";
	struct pair p;

	diff(&p, text, text);
	expect_replaced(&p, "");
	assert_int_equal(p.refusals.n, 0);
	done(&p);
}

static void moved_functions_and_new_comments_change_nothing(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN "int a(int x) { return ext(x) + 1; }\nint b(int x) { return ext(x) + 2; }\n",
	     EXTERN
	     "/* new */\nint b(int x) { return ext(x) + 2; }\n\n\nint a(int x) { return ext(x) + 1; }\n");
	expect_replaced(&p, "");
	done(&p);
}

static void renumbered_statics_keep_their_identity(void **state _unused_)
{
	struct pair p;

	/* A new static in front renumbers the others. */
	diff(&p,
	     EXTERN "int a(void) { static int n; return n += ext(1); }\n"
		    "int b(void) { static int n; return n += ext(2); }\n",
	     EXTERN "int z(void) { static int n; return n += ext(9); }\n"
		    "int a(void) { static int n; return n += ext(1); }\n"
		    "int b(void) { static int n; return n += ext(2); }\n");
	expect_replaced(&p, "");
	done(&p);
}

/* ---- changes ---- */

static void a_changed_function_is_found_and_only_that(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN "int a(int x) { return ext(x) + 1; }\nint b(int x) { return ext(x) + 2; }\n",
	     EXTERN
	     "int a(int x) { if (x < 0) return -22; return ext(x) + 1; }\nint b(int x) { return ext(x) + 2; }\n");
	expect_replaced(&p, "a");
	done(&p);
}

static void another_callee_is_a_change(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "extern int other(int); int a(int x) { return ext(x) + 1; }\n",
	     EXTERN "extern int other(int); int a(int x) { return other(x) + 1; }\n");
	expect_replaced(&p, "a");
	done(&p);
}

static void another_string_is_a_change_and_comes_along(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN
	     "int a(int x) { return printk(\"old\\n\"); }\nint b(void) { return printk(\"same\\n\"); }\n",
	     EXTERN
	     "int a(int x) { return printk(\"new text\\n\"); }\nint b(void) { return printk(\"same\\n\"); }\n");
	expect_replaced(&p, "a");
	assert_true(includes(&p, ".rodata.a.str1.1") || includes(&p, ".rodata.str1.1"));
	done(&p);
}

static void the_other_of_two_fields_is_a_change(void **state _unused_)
{
	struct pair p;

	/* Same bytes, same section: only the addend differs. */
	diff(&p, EXTERN "struct s { int a, b; }; struct s g; int f(void) { return g.a; }\n",
	     EXTERN "struct s { int a, b; }; struct s g; int f(void) { return g.b; }\n");
	expect_replaced(&p, "f");
	done(&p);
}

static void an_immediate_after_the_relocation_is_no_offset(void **state _unused_)
{
	struct pair p;

	/* movl $imm, sym(%rip): the addend is -8, not -4. */
	diff(&p,
	     EXTERN
	     "static int x, y; int *px = &x, *py = &y; void f(void) { x = 1234567; } void g(void) { y = 7; }\n",
	     EXTERN
	     "static int x, y; int *px = &x, *py = &y; void f(void) { x = 1234567; } void g(void) { x = 7; }\n");
	expect_replaced(&p, "g");
	done(&p);
}

#define SHARED "__attribute__((section(\".data..read_mostly\"))) = 1;\n"
static void an_immediate_does_not_move_the_place_meant(void **state _unused_)
{
	static const char f[] =
		"int *pa = &a, *pb = &b; void f(void) { a = 1234567; b = 7654321; }\n";
	_cleanup_(sut_freep) char *x =
		sut_sprintf("static int a %sstatic int b %s%s", SHARED, SHARED, f);
	_cleanup_(sut_freep) char *y =
		sut_sprintf("static int a %sint c %sstatic int b %s%s", SHARED, SHARED, SHARED, f);
	struct pair p;

	/* Both are in one section: four bytes off is the neighbour, and there is a new one. */
	diff(&p, x, y);
	expect_replaced(&p, "");
	done(&p);
}

static void new_functions_and_data_come_along(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "int a(int x) { return ext(x); }\n",
	     EXTERN "static int limit = 7; static unsigned long hits;\n"
		    "static noinline int check(int x) { hits++; return x > limit; }\n"
		    "int a(int x) { if (check(x)) return -1; return ext(x); }\n");
	expect_replaced(&p, "a");
	assert_true(includes(&p, "check"));
	assert_true(includes(&p, "hits"));
	done(&p);
}

static void unused_new_functions_stay_out(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "int a(int x) { return ext(x); }\n",
	     EXTERN
	     "int unused(int x) { return ext(x) * 3; }\nint a(int x) { return ext(x) + 1; }\n");
	expect_replaced(&p, "a");
	assert_false(includes(&p, "unused"));
	done(&p);
}

static void a_static_keeps_its_memory_in_a_changed_function(void **state _unused_)
{
	struct pair p;
	bool copied;

	diff(&p, EXTERN "int a(int x) { static int n; n += x; return ext(n); }\n",
	     EXTERN "int a(int x) { static int n; if (x < 0) return 0; n += x; return ext(n); }\n");
	expect_replaced(&p, "a");
	copied = includes(&p, "n");
	assert_false(copied);
	done(&p);
}

static void a_changed_cold_part_changes_its_function(void **state _unused_)
{
	static const char head[] =
		EXTERN "extern void fatal(const char *) __attribute__((cold));\n";
	_cleanup_(sut_freep) char *a = sut_sprintf(
		"%sint f(int x) { if (__builtin_expect(x < 0, 0)) { fatal(\"a\"); ext(1); ext(2); } return ext(x); }\n",
		head);
	_cleanup_(sut_freep) char *b = sut_sprintf(
		"%sint f(int x) { if (__builtin_expect(x < 0, 0)) { fatal(\"a\"); ext(1); ext(3); } return ext(x); }\n",
		head);
	struct pair p;

	diff(&p, a, b);
	expect_replaced(&p, "f");
	assert_true(includes(&p, "f.cold"));
	done(&p);
}

static void constant_tables_without_pointers_are_copied(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN
	     "static const int t[8] = {1,2,3,4,5,6,7,8}; int f(int x) { return t[x & 7]; }\nint g(int x) { return ext(x); }\n",
	     EXTERN
	     "static const int t[8] = {1,2,3,4,5,6,7,9}; int f(int x) { return t[x & 7]; }\nint g(int x) { return ext(x); }\n");
	expect_replaced(&p, "f");
	assert_true(includes(&p, "t"));
	done(&p);
}

static void who_reads_a_copied_constant_in_the_cold_part_changes(void **state _unused_)
{
#define COLD_TABLE(last)                                                                           \
	EXTERN "extern void fatal(int) __attribute__((cold)); static const int t[8] = "            \
	       "{1,2,3,4,5,6,7," last "}; int f(int x, int y) { if (__builtin_expect(x < 0, 0)) {" \
	       " fatal(t[y & 7]); ext(1); ext(2); } return ext(x); }\n"
	struct pair p;

	diff(&p, COLD_TABLE("8"), COLD_TABLE("9"));
	expect_replaced(&p, "f");
	assert_true(includes(&p, "f.cold"));
	done(&p);
}

static void local_messages_of_one_name_are_told_apart_by_content(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN
	     "int f(int x) { if (x) { static const char m[] = \"one\"; return printk(m); } { static const char m[] = \"two\"; return printk(m); } }\n"
	     "int g(void) { static const char m[] = \"three\"; return printk(m); }\n",
	     EXTERN
	     "int f(int x) { if (x > 9) { static const char m[] = \"new\"; return printk(m); } if (x) { static const char m[] = \"one\"; return printk(m); } { static const char m[] = \"two\"; return printk(m); } }\n"
	     "int g(void) { static const char m[] = \"three\"; return printk(m); }\n");
	expect_replaced(&p, "f");
	done(&p);
}

/* ---- what is in the tables only ---- */

static void a_table_entry_that_changes_is_a_change(void **state _unused_)
{
	static const struct {
		const char *section, *record, *a, *b;
	} t[] = {
		{"__ex_table", ".long 1b - ., 1b - ., %s", "1", "2"},	   /* the handler */
		{"__bug_table", ".long 1b - ., 0; .word 7, %s", "1", "3"}, /* the flags */
		{"__jump_table", ".long 1b - ., 1b - .; .quad %s - .", "ka", "kb"}, /* the key */
		{".static_call_sites", ".long 1b - ., %s - .", "ka", "kb"},
		{".altinstructions", ".long 1b - ., 0; .word %s; .byte 1, 0", "70", "71"},
		{".parainstructions", ".quad 1b; .byte %s, 1; .fill 6", "3", "4"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(t); i++) {
		char *text[2];
		struct pair p;

		for (int k = 0; k < 2; k++) {
			const char *format = t[i].record, *at = strstr(format, "%s");
			const char *value = k ? t[i].b : t[i].a;

			assert_non_null(at);
			text[k] = sut_sprintf(
				EXTERN
				"int ka, kb; int f(int x) { asm volatile(\"1: nop; .pushsection "
				"%s,\\\"a\\\"; %.*s%s%s; .popsection\"); return ext(x); }\n"
				"int g(int x) { return ext(x); }\n",
				t[i].section, (int)(at - format), format, value, at + 2);
			assert_non_null(text[k]);
		}
		diff(&p, text[0], text[1]);
		expect_replaced(&p, "f");
		done(&p);
		diff(&p, text[0], text[0]);
		expect_replaced(&p, "");
		done(&p);
		free(text[0]);
		free(text[1]);
	}
}

static void a_bug_s_line_number_is_no_change(void **state _unused_)
{
#define BUG_AT(line)                                                                               \
	EXTERN "int f(int x) { asm volatile(\"1: nop; .pushsection __bug_table,"                   \
	       "\\\"aw\\\"; .long 1b - ., 0; .word " line                                          \
	       ", 1; .popsection\"); return ext(x); }\n"
	struct pair p;

	diff(&p, BUG_AT("7"), BUG_AT("9"));
	expect_replaced(&p, "");
	done(&p);
}

static void another_order_of_the_cases_of_a_switch_is_a_change(void **state _unused_)
{
#define SWITCH(a, b)                                                                                  \
	EXTERN "int f(int x, int y) { switch (x) { case " a ": return ext(y + 5); case " b            \
	       ": return ext(77 - y); case 2: return ext(y ^ 1); case 3: return ext(y * 3); case 4: " \
	       "return ext(-y); case 5: return ext(4 | y); case 6: return ext(y << 4); } return 0; }\n"
	struct pair p;

	diff(&p, SWITCH("0", "1"), SWITCH("1", "0"));
	expect_replaced(&p, "f");
	done(&p);
}

/* ---- in the way ---- */

static void changed_data_are_refused(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "int limit = 7; int f(int x) { return x > limit; }\n",
	     EXTERN "int limit = 8; int f(int x) { return x > limit; }\n");
	expect_refused(&p, "changed-data", "limit");
	done(&p);
}

static void tables_of_functions_are_refused(void **state _unused_)
{
	static const char head[] = EXTERN
		"struct ops { int (*a)(int), (*b)(int); }; int fa(int x) { return ext(x); } int fb(int x) { return ext(x + 1); }\n";
	_cleanup_(sut_freep) char *a = sut_sprintf("%sconst struct ops o = {fa, fb};\n", head);
	_cleanup_(sut_freep) char *b = sut_sprintf("%sconst struct ops o = {fb, fb};\n", head);
	struct pair p;

	diff(&p, a, b);
	expect_refused(&p, "changed-data", "o");
	done(&p);
}

static void init_code_is_refused(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN "__attribute__((section(\".init.text\"))) int setup(void) { return ext(1); }\n",
	     EXTERN
	     "__attribute__((section(\".init.text\"))) int setup(void) { return ext(2); }\n");
	expect_refused(&p, "init-code", "setup");
	done(&p);
}

static void entry_code_is_refused(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN
	     "__attribute__((section(\".noinstr.text\"))) int nmi(void) { return ext(1); }\n",
	     EXTERN
	     "__attribute__((section(\".noinstr.text\"))) int nmi(void) { return ext(2); }\n");
	expect_refused(&p, "entry-code", "nmi");
	done(&p);
}

static void a_changed_struct_is_refused(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN "struct item { int a; long b; }; int f(struct item *i) { return ext(i->a); }\n",
	     EXTERN
	     "struct item { int a; long b; int c; }; int f(struct item *i) { return ext(i->a) + i->c; }\n");
	expect_refused(&p, "type-change", "item");
	done(&p);
}

static void a_struct_with_other_pointers_is_the_same(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN "struct item { int a; int *p; }; int f(struct item *i) { return ext(i->a); }\n",
	     EXTERN
	     "struct item { int a; long *p; }; int f(struct item *i) { return ext(i->a) + 1; }\n");
	expect_replaced(&p, "f");
	assert_int_equal(p.refusals.n, 0);
	done(&p);
}

static void ambiguous_statics_are_refused(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "int f(int x) { { static int n; n += ext(1); } return x; }\n",
	     EXTERN
	     "int f(int x) { { static int n; n += ext(1); } { static int n; n += ext(2); } return x; }\n");
	assert_int_equal(p.r, -EOPNOTSUPP);
	assert_string_equal(p.err.reason, "ambiguous-static");
	done(&p);
}

/* ---- variables keep their memory, or the fix is refused ---- */

static void refused_between(const char *orig, const char *patched, const char *reason,
			    const char *name)
{
	struct pair p;

	diff(&p, orig, patched);
	if (p.r == -EOPNOTSUPP)
		assert_string_equal(p.err.reason, reason);
	else
		expect_refused(&p, reason, name);
	done(&p);
}

static void an_initialiser_added_is_refused(void **state _unused_)
{
	refused_between("static int n; int f(int x) { return n += x; }\n",
			"static int n = 3; int f(int x) { return n += x; }\n", "changed-data", "n");
}

static void a_variable_that_becomes_constant_is_refused(void **state _unused_)
{
	refused_between("int n = 3; int f(int x) { return n + x; }\n",
			"const int n = 3; int f(int x) { return *(volatile const int *)&n + x; }\n",
			"changed-data", "n");
}

static void a_variable_that_moves_to_another_section_is_refused(void **state _unused_)
{
#define SEC(s) "__attribute__((section(\"" s "\"))) "
	/* The running kernel has it where it was: not per CPU, write-protected, or gone. */
	refused_between("int n = 3; int f(int x) { return n += x; }\n",
			SEC(".data..percpu") "int n = 3; int f(int x) { return n += x; }\n",
			"changed-data", "n");
	refused_between(SEC(".data..ro_after_init") "int n = 3; int f(int x) { return n + x; }\n",
			"int n = 3; int f(int x) { return n += x; }\n", "changed-data", "n");
	refused_between(SEC(".init.data") "int n = 3; int f(int x) { return n + x; }\n",
			"int n = 3; int f(int x) { return n += x; }\n", "changed-data", "n");
}

static void a_variable_of_stricter_alignment_is_refused(void **state _unused_)
{
	refused_between(
		"char n[64]; int f(int x) { return n[x]; }\n",
		"char n[64] __attribute__((aligned(4096))); int f(int x) { return n[x]; }\n",
		"changed-data", "n");
}

static void a_static_moved_to_file_scope_keeps_its_memory(void **state _unused_)
{
	struct pair p;
	bool copied;

	diff(&p, EXTERN "int f(int x) { static int n; return n += ext(x); }\n",
	     EXTERN "static int n; int f(int x) { return n += ext(x + 1); }\n"
		    "int g(void) { return n; }\n");
	expect_replaced(&p, "f");
	copied = includes(&p, "n");
	assert_false(copied);
	done(&p);
}

static void a_renamed_variable_keeps_its_memory(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "static int n; int f(int x) { return n += ext(x); }\n",
	     EXTERN "static int total; int f(int x) { return total += ext(x); }\n");
	expect_replaced(&p, "");
	assert_int_equal(p.refusals.n, 0);
	done(&p);
}

static void a_variable_renamed_beyond_recognition_is_refused(void **state _unused_)
{
	refused_between(EXTERN "static int n; int f(int x) { return n += ext(x); }\n",
			EXTERN "static int total; int f(int x) { return total += ext(x + 1); }\n",
			"ambiguous-static", "total");
}

static void a_static_whose_function_is_inlined_elsewhere_is_not_made_anew(void **state _unused_)
{
	refused_between(EXTERN "static noinline int get(void) { static int n; return ++n; }\n"
			       "int f(int x) { return ext(x) + get(); }\n",
			EXTERN
			"static inline int get(void) { static int n; return ++n; }\n"
			"int f(int x) { static int n; n += 2; return ext(x + 1) + get() + n; }\n",
			"ambiguous-static", "n");
}

static void a_new_name_for_a_function_is_the_same_function(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "int f(int x) { return ext(x); }\n",
	     EXTERN "int a_name(int x) __attribute__((alias(\"f\")));\n"
		    "int f(int x) { return ext(x + 1); }\n");
	assert_int_equal(p.selection.nreplace, 1);
	done(&p);
}

static void a_wide_string_is_compared_to_its_end(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     "#include <stddef.h>\nextern int ext(const wchar_t *); int f(void) { return ext(L\"abc\"); }\n",
	     "#include <stddef.h>\nextern int ext(const wchar_t *); int f(void) { return ext(L\"abd\"); }\n");
	expect_replaced(&p, "f");
	done(&p);
}

/* ---- tables that are read at boot ---- */

static void a_new_table_that_refers_to_init_code_is_refused(void **state _unused_)
{
	refused_between(EXTERN SEC(".init.text") "int setup(void) { return ext(1); }\n"
						 "int f(int x) { return ext(x); }\n",
			EXTERN SEC(".init.text") "int setup(void) { return ext(1); }\n"
						 "static int (*const t[2])(void) = {setup};\n"
						 "int f(int x) { return t[x & 1](); }\n",
			"init-reference", "t");
}

static void a_new_initcall_is_refused(void **state _unused_)
{
	refused_between(EXTERN "int f(int x) { return ext(x); }\n",
			EXTERN
			"static __attribute__((used)) int late(void) { return ext(7); }\n"
			"asm(\".section .initcall7.init, \\\"a\\\"; .long late - .; .previous\");\n"
			"int f(int x) { return ext(x + 1); }\n",
			"init-code", ".initcall7.init");
}

static void another_initcall_is_refused(void **state _unused_)
{
#define TWO EXTERN "int a(void) { return ext(7); } int b(void) { return ext(8); }\n"
	refused_between(
		TWO "asm(\".section .initcall7.init, \\\"a\\\"; .long a - .; .previous\");\n",
		TWO "asm(\".section .initcall7.init, \\\"a\\\"; .long b - .; .previous\");\n",
		"init-code", ".initcall7.init");
}

static void a_new_entry_of_a_boot_table_is_refused(void **state _unused_)
{
	refused_between(EXTERN "int f(int x) { return ext(x); }\n",
			EXTERN "static int limit; " SEC(
				"__param") "__attribute__((used)) "
					   "static int *const __param_limit = &limit;\n"
					   "int f(int x) { return ext(x + limit); }\n",
			"init-code", "__param_limit");
	refused_between(
		EXTERN "int f(int x) { return ext(x); }\n",
		EXTERN
		"static __attribute__((used)) int quirk(int x) { return ext(x + 3); }\n"
		"asm(\".section .pci_fixup_final, \\\"a\\\"; .long quirk - .; .previous\");\n"
		"int f(int x) { return ext(x + 1); }\n",
		"init-code", ".pci_fixup_final");
}

static void boot_tables_that_stay_are_no_change(void **state _unused_)
{
	static const char text[] = EXTERN
		SEC("__earlycon_table") "__attribute__((used)) static int (*const __UNIQUE_ID_a1)(int) = ext;\n" SEC(
			"__param") "__attribute__((used)) static int (*const __param_a)(int) = ext;\n"
				   "static __attribute__((used)) int late(void) { return ext(7); }\n"
				   "asm(\".section .initcall7.init, \\\"a\\\"; .long late - .; .previous\");\n";
	_cleanup_(sut_freep) char *a = sut_sprintf("%sint f(void) { return ext(1); }\n", text);
	_cleanup_(sut_freep) char *b = sut_sprintf("%sint f(void) { return ext(2); }\n", text);
	struct pair p;

	diff(&p, a, b);
	expect_replaced(&p, "f");
	assert_int_equal(p.refusals.n, 0);
	done(&p);
}

/* ---- types ---- */

static void a_changed_enumerator_is_refused(void **state _unused_)
{
	refused_between(EXTERN "enum st { A, B, C } cur; int f(void) { return cur == C; }\n",
			EXTERN "enum st { A, X, B, C } cur; int f(void) { return cur == C; }\n",
			"type-change", "st");
}

static void an_enumerator_at_the_end_is_the_same_type(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "enum st { A, B } cur; int f(void) { return cur == B; }\n",
	     EXTERN "enum st { A, B, C } cur; int f(void) { return cur == C; }\n");
	expect_replaced(&p, "f");
	assert_int_equal(p.refusals.n, 0);
	done(&p);
}

static void a_struct_known_by_a_typedef_only_is_compared(void **state _unused_)
{
	refused_between(EXTERN "typedef struct { int a, b; } pt; int f(pt *p) { return p->b; }\n",
			EXTERN "typedef struct { int b, a; } pt; int f(pt *p) { return p->b; }\n",
			"type-change", "pt");
}

static void a_struct_without_name_is_compared_by_its_variable(void **state _unused_)
{
	refused_between(
		EXTERN "static struct { int a, b; } v; int f(int x) { v.a = x; return v.b; }\n",
		EXTERN "static struct { int b, a; } v; int f(int x) { v.a = x; return v.b; }\n",
		"type-change", "v");
}

static void a_variable_of_another_type_is_refused(void **state _unused_)
{
	refused_between(EXTERN "long v; long f(void) { return v; }\n",
			EXTERN "long *v; long f(void) { return v ? *v : 0; }\n", "type-change",
			"v");
}

static void two_local_structs_of_one_name_are_no_change(void **state _unused_)
{
	static const char text[] = EXTERN
		"extern void use(void *);\n"
		"int f(int x) { struct ctx { int a; } c = {x}; use(&c); return c.a; }\n"
		"int g(int x) { struct ctx { int a; long b; } c = {x, 2}; use(&c); return c.a; }\n";
	struct pair p;

	diff(&p, text, text);
	expect_replaced(&p, "");
	assert_int_equal(p.refusals.n, 0);
	done(&p);
}

/* ---- entries that cannot be redirected ---- */

static void callers_are_replaced_when_the_entry_stays(void **state _unused_)
{
	struct pair p;

	diff(&p,
	     EXTERN
	     "static noinline int fixed(int x) { return ext(x); }\nint a(int x) { return fixed(x) + 1; }\nint b(int x) { return fixed(x) + 2; }\n",
	     EXTERN
	     "static noinline int fixed(int x) { return x < 0 ? -1 : ext(x); }\nint a(int x) { return fixed(x) + 1; }\nint b(int x) { return fixed(x) + 2; }\n");
	expect_replaced(&p, "a b");
	assert_true(includes(&p, "fixed"));
	done(&p);
}

static void an_entry_that_stays_and_is_called_from_outside_is_refused(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "int fixed(int x) { return ext(x); }\n",
	     EXTERN "int fixed(int x) { return x < 0 ? -1 : ext(x); }\n");
	expect_refused(&p, "no-redirect", "fixed");
	done(&p);
}

static void an_entry_that_stays_and_is_pointed_at_is_refused(void **state _unused_)
{
	struct pair p;

	diff(&p, EXTERN "static int fixed(int x) { return ext(x); }\nint (*fp)(int) = fixed;\n",
	     EXTERN
	     "static int fixed(int x) { return x < 0 ? -1 : ext(x); }\nint (*fp)(int) = fixed;\n");
	expect_refused(&p, "no-redirect", "fixed");
	done(&p);
}

static void names_are_compared_without_numbers(void **state _unused_)
{
	assert_true(sut_name_alike("foo.isra.3", "foo.isra.5"));
	assert_true(sut_name_alike("foo.part.0.isra.1", "foo.part.2.isra.0"));
	assert_true(sut_name_alike("x.12", "x"));
	assert_false(sut_name_alike("foo.isra.3", "foo.part.3"));
	assert_false(sut_name_alike("foo1", "foo2"));
	assert_false(sut_name_alike("foo.cold", "foo"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_equals_itself),
		cmocka_unit_test(moved_functions_and_new_comments_change_nothing),
		cmocka_unit_test(renumbered_statics_keep_their_identity),
		cmocka_unit_test(a_changed_function_is_found_and_only_that),
		cmocka_unit_test(another_callee_is_a_change),
		cmocka_unit_test(another_string_is_a_change_and_comes_along),
		cmocka_unit_test(the_other_of_two_fields_is_a_change),
		cmocka_unit_test(an_immediate_after_the_relocation_is_no_offset),
		cmocka_unit_test(an_immediate_does_not_move_the_place_meant),
		cmocka_unit_test(new_functions_and_data_come_along),
		cmocka_unit_test(unused_new_functions_stay_out),
		cmocka_unit_test(a_static_keeps_its_memory_in_a_changed_function),
		cmocka_unit_test(a_changed_cold_part_changes_its_function),
		cmocka_unit_test(constant_tables_without_pointers_are_copied),
		cmocka_unit_test(who_reads_a_copied_constant_in_the_cold_part_changes),
		cmocka_unit_test(local_messages_of_one_name_are_told_apart_by_content),
		cmocka_unit_test(a_table_entry_that_changes_is_a_change),
		cmocka_unit_test(a_bug_s_line_number_is_no_change),
		cmocka_unit_test(another_order_of_the_cases_of_a_switch_is_a_change),
		cmocka_unit_test(changed_data_are_refused),
		cmocka_unit_test(tables_of_functions_are_refused),
		cmocka_unit_test(init_code_is_refused),
		cmocka_unit_test(entry_code_is_refused),
		cmocka_unit_test(a_changed_struct_is_refused),
		cmocka_unit_test(a_struct_with_other_pointers_is_the_same),
		cmocka_unit_test(ambiguous_statics_are_refused),
		cmocka_unit_test(an_initialiser_added_is_refused),
		cmocka_unit_test(a_variable_that_becomes_constant_is_refused),
		cmocka_unit_test(a_variable_that_moves_to_another_section_is_refused),
		cmocka_unit_test(a_variable_of_stricter_alignment_is_refused),
		cmocka_unit_test(a_static_moved_to_file_scope_keeps_its_memory),
		cmocka_unit_test(a_renamed_variable_keeps_its_memory),
		cmocka_unit_test(a_variable_renamed_beyond_recognition_is_refused),
		cmocka_unit_test(a_static_whose_function_is_inlined_elsewhere_is_not_made_anew),
		cmocka_unit_test(a_new_name_for_a_function_is_the_same_function),
		cmocka_unit_test(a_wide_string_is_compared_to_its_end),
		cmocka_unit_test(a_new_table_that_refers_to_init_code_is_refused),
		cmocka_unit_test(a_new_initcall_is_refused),
		cmocka_unit_test(another_initcall_is_refused),
		cmocka_unit_test(a_new_entry_of_a_boot_table_is_refused),
		cmocka_unit_test(boot_tables_that_stay_are_no_change),
		cmocka_unit_test(a_changed_enumerator_is_refused),
		cmocka_unit_test(an_enumerator_at_the_end_is_the_same_type),
		cmocka_unit_test(a_struct_known_by_a_typedef_only_is_compared),
		cmocka_unit_test(a_struct_without_name_is_compared_by_its_variable),
		cmocka_unit_test(a_variable_of_another_type_is_refused),
		cmocka_unit_test(two_local_structs_of_one_name_are_no_change),
		cmocka_unit_test(callers_are_replaced_when_the_entry_stays),
		cmocka_unit_test(an_entry_that_stays_and_is_called_from_outside_is_refused),
		cmocka_unit_test(an_entry_that_stays_and_is_pointed_at_is_refused),
		cmocka_unit_test(names_are_compared_without_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
