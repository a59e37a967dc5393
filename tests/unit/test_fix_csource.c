// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "fix/csource.h"

/* Functions as "name first-body-last", in one line. */
static void expect(const char *text, const char *want)
{
	_cleanup_(sut_csource_release) struct sut_csource s = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);

	assert_int_equal(sut_csource_scan(text, strlen(text), &s), 0);
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(sut_buf_addf(&b, "%s%s %u-%u-%u", i ? "; " : "",
					      s.functions[i].name, s.functions[i].first,
					      s.functions[i].body, s.functions[i].last),
				 0);
	assert_string_equal(sut_buf_str(&b), want);
}

static void plain_functions(void **state)
{
	(void)state;
	expect("int a(void)\n{\n}\n", "a 1-2-3");
	expect("static struct x *\nget(int n, int (*f)(int))\n{\n\tif (n) {\n\t}\n}\nint v;\n"
	       "void b() { }\n",
	       "get 1-3-6; b 8-8-8");
	expect("int proto(int x);\nint a(void) { return b(); }", "a 2-2-2");
}

static void data_is_no_function(void **state)
{
	(void)state;
	expect("static struct ops o = {\n\t.f = g(1),\n};\nint t[] = { F(1), 2 };\n"
	       "struct s {\n\tint (*f)(void);\n};\nenum e { A = B(1), C };\n"
	       "struct __aligned(8) t { int x; };\n"
	       "struct u { int x; } __attribute__((packed));\nint a(void)\n{\n}\n",
	       "a 11-12-13");
	expect("static struct s x = F({ 1 });\nDEFINE(x, { 1 });\nint a(void) { }\n", "a 3-3-3");
}

static void annotations(void **state)
{
	(void)state;
	expect("static __printf(1, 2) int a(const char *f, ...)\n{\n}\n", "a 1-2-3");
	expect("static void b(void)\n\t__acquires(&x->lock)\n\t__must_hold(y)\n{\n}\n", "b 1-4-5");
	expect("__attribute__((x(1))) static int __c(int x) __releases(RCU)\n{\n}\n", "__c 1-2-3");
	expect("int __init d(void) __init __no_such(1)\n{\n}\n", "d 1-2-3");
}

static void functions_made_by_macros(void **state)
{
	(void)state;
	expect("SYSCALL_DEFINE3(read, unsigned int, fd, char __user *, buf, size_t, count)\n{\n}\n"
	       "COMPAT_SYSCALL_DEFINE1(foo, int, x)\n{\n}\nBPF_CALL_1(bpf_x, int, a)\n{\n}\n"
	       "EXPORT_SYMBOL(bpf_x);\n",
	       "__do_sys_read 1-2-3; __do_compat_sys_foo 4-5-6; bpf_x 7-8-9");
}

static void names_of_system_calls(void **state)
{
	struct sut_cfunction f = {.name = (char *)"__do_sys_read"},
			     c = {.name = (char *)"__do_compat_sys_read"},
			     plain = {.name = (char *)"vfs_read"};

	(void)state;
	assert_true(sut_cfunction_is(&f, "read"));
	assert_true(sut_cfunction_is(&f, "sys_read"));
	assert_true(sut_cfunction_is(&f, "__x64_sys_read"));
	assert_true(sut_cfunction_is(&f, "__do_sys_read"));
	assert_false(sut_cfunction_is(&f, "compat_sys_read"));
	assert_false(sut_cfunction_is(&f, "__x64_sys_readv"));
	assert_true(sut_cfunction_is(&c, "compat_sys_read"));
	assert_true(sut_cfunction_is(&c, "__ia32_compat_sys_read"));
	assert_false(sut_cfunction_is(&c, "read"));
	assert_true(sut_cfunction_is(&plain, "vfs_read"));
	assert_false(sut_cfunction_is(&plain, "read"));
}

static void what_only_looks_like_code(void **state)
{
	(void)state;
	expect("/* int no(void) {\n */\nint a(void)\n{\n\tchar c = '}', d = '\\'';\n"
	       "\tputs(\"}\\\"{\"); // }\n}\nint b(void)\n{\n}\n",
	       "a 3-4-7; b 8-9-10");
	expect("#define M(x) \\\n\tint x(void) { \\\n\tif (x) {\n\nint a(void)\n{\n}\n", "a 5-6-7");
	expect("#error don't\nint a(void)\n{\n}\n", "a 2-3-4");
	expect("#define A /* \n { */ 1\nint a(void)\n{\n}\n", "a 3-4-5");
}

static void branches_of_the_preprocessor(void **state)
{
	(void)state;
	/* both branches open the brace */
	expect("int a(int x)\n{\n#ifdef X\n\tif (x) {\n#else\n\tif (!x) {\n#endif\n\t}\n}\n"
	       "int b(void)\n{\n}\n",
	       "a 1-2-9; b 10-11-12");
	/* both branches have the head of the function */
	expect("#if X\nint a(int x)\n{\n#else\nint a(void)\n{\n#endif\n\treturn 0;\n}\n"
	       "int b(void)\n{\n}\n",
	       "a 5-6-9; b 10-11-12");
	/* whole functions in each */
	expect("#ifdef X\nint a(void)\n{\n}\n#elif Y\nint b(void)\n{\n}\n#else\nint c(void)\n{\n}\n"
	       "#endif\n",
	       "a 2-3-4; b 6-7-8; c 10-11-12");
}

static void the_function_at_a_line(void **state)
{
	static const char text[] =
		"int x;\n\nint a(int i)\n{\n\treturn i;\n}\n\nint b(void)\n{\n}\n";
	static const char *const at[] = {NULL, NULL, "a", "a", "a", "a", NULL, "b", "b", "b", NULL};
	_cleanup_(sut_csource_release) struct sut_csource s = {0};

	(void)state;
	assert_int_equal(sut_csource_scan(text, strlen(text), &s), 0);
	for (uint32_t i = 0; i < SUT_ARRAY_SIZE(at); i++) {
		const struct sut_cfunction *f = sut_csource_function_at(&s, i + 1);

		if (at[i])
			assert_string_equal(f->name, at[i]);
		else
			assert_null(f);
	}
}

static void text_that_ends_early(void **state)
{
	(void)state;
	expect("int a(void)\n{\n\tint x", "a 1-2-3");
	expect("int a(void)\n{\n\t/* ", "a 1-2-3");
	expect("int a(", "");
	expect("}}}} int a(void) { }", "a 1-1-1");
	expect("#else\n#endif\n#", "");
	expect("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_functions),
		cmocka_unit_test(data_is_no_function),
		cmocka_unit_test(annotations),
		cmocka_unit_test(functions_made_by_macros),
		cmocka_unit_test(names_of_system_calls),
		cmocka_unit_test(what_only_looks_like_code),
		cmocka_unit_test(branches_of_the_preprocessor),
		cmocka_unit_test(the_function_at_a_line),
		cmocka_unit_test(text_that_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
