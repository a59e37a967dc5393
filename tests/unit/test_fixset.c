// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "kernel/kind.h"
#include "unit.h"

static void files(const char *text, const char *expected)
{
	_cleanup_strv_ struct sut_strv l = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_ok(sut_fix_files(text, strlen(text), &l, &err), err);
	for (size_t i = 0; i < l.n; i++)
		assert_int_equal(sut_buf_addf(&b, "%s%s", i ? " " : "", l.v[i]), 0);
	assert_string_equal(sut_buf_str(&b), expected);
}

static void no_files(const char *text)
{
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_fix_files(text, strlen(text), &l, &err), -EBADMSG);
	assert_true(strlen(err.msg) > 10);
}

static void the_files_of_a_diff_are_found(void **state _unused_)
{
	files("--- a/net/x.c\n+++ b/net/x.c\n@@ -1 +1 @@\n-a\n+b\n", "net/x.c");
	files("From: x\n\nfix\n---\n net/x.c | 2\n\ndiff --git a/net/x.c b/net/x.c\nindex 1..2 100644\n"
	      "--- a/net/x.c\t2026\n+++ b/net/x.c\t2026\n@@ -1,2 +1 @@ f\n-a\n b\n"
	      "--- a/y.c\n+++ b/y.c\n@@ -1 +1,2 @@\n a\n+b\n-- \n2.39\n",
	      "net/x.c y.c");
	files("--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+a\n", "new.c");
	files("--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "gone.c");
}

static void removed_lines_that_look_like_headers_are_no_headers(void **state _unused_)
{
	files("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n--- a/etc.c\n+++ b/etc.c\n c\n", "x.c");
}

static void text_that_is_no_diff_is_refused(void **state _unused_)
{
	no_files("");
	no_files("hello\n");
	no_files("--- a/x.c\n+++ b/x.c\n@@ -1,5 +1,5 @@\nwhat\n");
	no_files("--- a/x.c\n+++ b/x.c\n@@ nonsense\n@@ -x +1 @@\n");
}

static void paths_that_leave_the_tree_are_refused(void **state _unused_)
{
	no_files("--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n-a\n+b\n");
	no_files("--- /etc/x.c\n+++ /etc//x.c\n@@ -1 +1 @@\n-a\n+b\n");
	no_files("--- x.c\n+++ x.c\n@@ -1 +1 @@\n-a\n+b\n");
}

/* ---- line numbers ---- */

static char *dir;

static char *put(const char *name, const char *text)
{
	char *path = sut_sprintf("%s/%s", dir, name);
	struct sut_err err = {0};

	assert_non_null(path);
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
	return path;
}

static void keep(const char *orig, const char *patched, const char *expected)
{
	_cleanup_(sut_freep) char *a = put("a.c", orig), *b = put("b.c", patched);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	assert_ok(sut_fix_keep_lines(a, b, "net/x.c", &out, &err), err);
	assert_string_equal(sut_buf_str(&out), expected);
}

static void lines_after_an_addition_keep_their_numbers(void **state _unused_)
{
	keep("a;\nb;\nc;\n", "a;\nnew;\nb;\nc;\n", "a;\nnew;\n#line 2 \"net/x.c\"\nb;\nc;\n");
}

static void lines_after_a_removal_keep_their_numbers(void **state _unused_)
{
	keep("a;\nb;\nc;\nd;\n", "a;\nd;\n", "a;\n#line 4 \"net/x.c\"\nd;\n");
}

static void an_equal_number_of_lines_needs_no_directive(void **state _unused_)
{
	/* A harmless one is allowed, a wrong number is not: this checks the number. */
	keep("a;\nb;\nc;\n", "a;\nB;\nc;\n", "a;\nB;\n#line 3 \"net/x.c\"\nc;\n");
}

static void no_directive_inside_a_call_a_macro_or_a_comment(void **state _unused_)
{
	keep("f(a,\n  b);\nc;\n", "f(a,\n  x,\n  b);\nc;\n",
	     "f(a,\n  x,\n  b);\n#line 3 \"net/x.c\"\nc;\n");
	keep("#define M a \\\n  b\nc;\n", "#define M a \\\n  x \\\n  b\nc;\n",
	     "#define M a \\\n  x \\\n  b\n#line 3 \"net/x.c\"\nc;\n");
	keep("/* a\n b */\nc;\n", "/* a\n (x\n b */\nc;\n",
	     "/* a\n (x\n b */\n#line 3 \"net/x.c\"\nc;\n");
}

static void the_compiler_sees_the_original_numbers(void **state _unused_)
{
	static const char orig[] =
		"int a(void)\n{\n\treturn 1;\n}\nint b(void)\n{\n\treturn __LINE__;\n}\n";
	static const char patched[] =
		"int a(void)\n{\n\tint x = 1;\n\n\treturn x;\n}\nint b(void)\n{\n\treturn __LINE__;\n}\n";
	_cleanup_(sut_freep) char *a = put("a.c", orig), *b = put("b.c", patched), *c = NULL;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20), text = SUT_BUF_INIT(1 << 20);
	struct sut_run_opts o = {.out = &text};
	struct sut_err err = {0};

	assert_ok(sut_fix_keep_lines(a, b, "t.c", &out, &err), err);
	c = put("c.c", sut_buf_str(&out));
	assert_ok(sut_run_ok((const char *[]){"gcc", "-E", "-P", c, NULL}, &o, &err), err);
	assert_non_null(strstr(sut_buf_str(&text), "return 7;"));
}

/* ---- applying ---- */

static void the_kind_of_a_file_decides(void **state _unused_)
{
	static const struct {
		const char *path, *reason;
	} cases[] = {
		{"include/x.h", "header-change"},  {"lib/x.S", "assembly"},
		{"net/Kconfig", "build-file"},	   {"net/Makefile", "build-file"},
		{"net/x.dts", "unsupported-file"}, {"net/none.c", "new-file"},
	};
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *src = sut_sprintf("%s/src%zu", dir, i);
		_cleanup_(sut_freep) char *scratch = sut_sprintf("%s/scratch%zu", dir, i);
		_cleanup_(sut_freep) char *folder = sut_sprintf("%s/%s", src, cases[i].path);
		_cleanup_(sut_freep) char *fix = NULL;
		_cleanup_(sut_freep) char *text = sut_sprintf(
			"--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-a\n+b\n", cases[i].path, cases[i].path);
		_cleanup_(sut_fixset_release) struct sut_fixset set = {0};
		_cleanup_(sut_refusals_release) struct sut_refusals refusals = {0};

		*strrchr(folder, '/') = 0;
		assert_ok(sut_mkdir_p(folder, &err), err);
		assert_ok(sut_mkdir_p(scratch, &err), err);
		if (strcmp(cases[i].reason, "new-file") != 0) {
			_cleanup_(sut_freep) char *file = sut_sprintf("%s/%s", src, cases[i].path);

			assert_ok(sut_file_write(file, "a\n", 2, 0644, &err), err);
		}
		fix = put("f.patch", text);
		assert_ok(sut_fixset_apply(&sut_kernel_fixset_rules, (const char *[]){fix}, 1, src,
					   scratch, &set, &refusals, &err),
			  err);
		assert_int_equal(refusals.n, 1);
		assert_string_equal(refusals.v[0].reason, cases[i].reason);
		assert_string_equal(refusals.v[0].name, cases[i].path);
	}
}

static void a_fix_that_does_not_apply_says_so(void **state _unused_)
{
	_cleanup_(sut_freep) char *src = sut_sprintf("%s/tree", dir);
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/tree/x.c", dir);
	_cleanup_(sut_freep) char *fix =
		put("bad.patch", "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-no\n+b\n");
	_cleanup_(sut_freep) char *scratch = sut_sprintf("%s/s", dir);
	_cleanup_(sut_fixset_release) struct sut_fixset set = {0};
	_cleanup_(sut_refusals_release) struct sut_refusals refusals = {0};
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p(src, &err), err);
	assert_ok(sut_mkdir_p(scratch, &err), err);
	assert_ok(sut_file_write(file, "a\n", 2, 0644, &err), err);
	assert_int_equal(sut_fixset_apply(&sut_kernel_fixset_rules, (const char *[]){fix}, 1, src,
					  scratch, &set, &refusals, &err),
			 -EINVAL);
	assert_string_equal(err.reason, "does-not-apply");
	assert_non_null(strstr(err.msg, "x.c"));
}

static void a_removed_file_is_refused(void **state _unused_)
{
	_cleanup_(sut_freep) char *src = sut_sprintf("%s/gone", dir);
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/gone/x.c", dir);
	_cleanup_(sut_freep) char *fix = sut_sprintf("%s/gone.patch", dir);
	_cleanup_(sut_freep) char *scratch = sut_sprintf("%s/gone.out", dir);
	static const char text[] = "--- a/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int x;\n";
	_cleanup_(sut_fixset_release) struct sut_fixset set = {0};
	struct sut_refusals refusals = {0};
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p(src, &err), err);
	assert_ok(sut_file_write(file, "int x;\n", 7, 0644, &err), err);
	assert_ok(sut_file_write(fix, text, strlen(text), 0644, &err), err);
	assert_ok(sut_fixset_apply(&sut_kernel_fixset_rules, (const char *[]){fix}, 1, src, scratch,
				   &set, &refusals, &err),
		  err);
	assert_int_equal(refusals.n, 1);
	assert_string_equal(refusals.v[0].reason, "removed-file");
	sut_refusals_release(&refusals);
}

static int make_dir(void **state _unused_)
{
	return sut_tmpdir("test-fixset", &dir, NULL);
}

static int remove_dir(void **state _unused_)
{
	int r = sut_rm_rf(dir, NULL);

	free(dir);
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_files_of_a_diff_are_found),
		cmocka_unit_test(removed_lines_that_look_like_headers_are_no_headers),
		cmocka_unit_test(text_that_is_no_diff_is_refused),
		cmocka_unit_test(paths_that_leave_the_tree_are_refused),
		cmocka_unit_test(lines_after_an_addition_keep_their_numbers),
		cmocka_unit_test(lines_after_a_removal_keep_their_numbers),
		cmocka_unit_test(an_equal_number_of_lines_needs_no_directive),
		cmocka_unit_test(no_directive_inside_a_call_a_macro_or_a_comment),
		cmocka_unit_test(the_compiler_sees_the_original_numbers),
		cmocka_unit_test(the_kind_of_a_file_decides),
		cmocka_unit_test(a_removed_file_is_refused),
		cmocka_unit_test(a_fix_that_does_not_apply_says_so),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
