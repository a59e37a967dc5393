// SPDX-License-Identifier: Apache-2.0
/* Fixes cut out of two small trees; patch(1) is the judge of what comes out. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "fix/change.h"
#include "fix/fix.h"
#include "fix/tree.h"

struct fixture {
	char *dir, *from, *to;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sut_err err = {0};

	if (!f || sut_tmpdir("suture-test", &f->dir, &err) < 0)
		return -1;
	f->from = sut_sprintf("%s/from", f->dir);
	f->to = sut_sprintf("%s/to", f->dir);
	*state = f;
	return sut_mkdir_p(f->from, &err) < 0 || sut_mkdir_p(f->to, &err) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct sut_err err = {0};
	int r = sut_rm_rf(f->dir, &err);

	free(f->dir);
	free(f->from);
	free(f->to);
	free(f);
	return r;
}

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	_cleanup_(sut_freep) char *parent = strdup(path);
	struct sut_err err = {0};

	*strrchr(parent, '/') = 0;
	assert_ok(sut_mkdir_p(parent, &err), err);
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
}

/* What to select: names separated by blanks, or NULL. */
struct selection {
	const char *files, *functions, *hunks;
	bool list;
};

static void words(const char *s, struct sut_strv *l)
{
	while (s && *s) {
		size_t n = strcspn(s, " ");

		assert_int_equal(sut_strv_addf(l, "%.*s", (int)n, s), 0);
		s += n + (s[n] == ' ');
	}
}

static int cut(const struct fixture *f, struct selection s, struct sut_buf *out,
	       struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv files = {0}, functions = {0}, numbers = {0};
	_cleanup_(sut_fix_hunks_release) struct sut_fix_hunks hunks = {0};
	struct sut_fix_opts o = {&files, &functions, &hunks, s.list};

	words(s.files, &files);
	words(s.functions, &functions);
	words(s.hunks, &numbers);
	for (size_t i = 0; i < numbers.n; i++)
		assert_int_equal(sut_fix_hunks_add(&hunks, numbers.v[i], err), 0);
	return sut_fix_cut(f->from, f->to, &o, out, err);
}

/* Cuts, applies to "from" strictly, and compares with want ("": the file is gone). */
static void applies(const struct fixture *f, struct selection s, const char *file, const char *want)
{
	const char *const argv[] = {"patch", "-p1", "-F0", "--dry-run", NULL};
	const char *const real[] = {"patch", "-p1", "-F0", "-s", "-E", NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20), said = SUT_BUF_INIT(1 << 16),
				     got = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", f->from, file);
	struct sut_run_opts o = {.cwd = f->from};
	struct sut_err err = {0};

	assert_ok(cut(f, s, &out, &err), err);
	o.in = out.data;
	o.in_len = out.len;
	o.out = &said;
	assert_ok(sut_run_ok(argv, &o, &err), err);
	if (strstr(sut_buf_str(&said), "offset") || strstr(sut_buf_str(&said), "fuzz"))
		fail_msg("%s for\n%s", sut_buf_str(&said), sut_buf_str(&out));
	assert_ok(sut_run_ok(real, &o, &err), err);
	if (!*want) {
		assert_false(sut_exists(path));
		return;
	}
	assert_ok(sut_file_read(path, &got, &err), err);
	assert_string_equal(sut_buf_str(&got), want);
}

static const char old_c[] = "int a(void)\n{\n\tone();\n\ttwo();\n}\n\nint b(void)\n{\n\tthree();\n"
			    "\tfour();\n}\n\n\n\n\n\n\n\n\nint c(void)\n{\n\tfive();\n}\n";
static const char new_c[] = "int a(void)\n{\n\tone();\n\tcheck();\n\tmore();\n\ttwo();\n}\n\n"
			    "int b(void)\n{\n\tfour();\n}\n\n\n\n\n\n\n\n\nint c(void)\n{\n"
			    "\tsix();\n}\n";

static void whole_files(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	put(f->from, "net/x.c", old_c);
	put(f->to, "net/x.c", new_c);
	/* The second hunk is shifted by what the first one adds; patch(1) would not mind. */
	assert_ok(cut(f, (struct selection){.files = "net/x.c"}, &out, &err), err);
	assert_non_null(strstr(sut_buf_str(&out), "@@ -1,12 +1,13 @@ int a(void)\n"));
	assert_non_null(strstr(sut_buf_str(&out), "@@ -19,5 +20,5 @@ int c(void)\n"));
	applies(f, (struct selection){.files = "net/x.c"}, "net/x.c", new_c);
}

static void one_function_of_two_neighbours(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	put(f->from, "x.c", old_c);
	put(f->to, "x.c", new_c);
	/* The changes of a and b share a hunk in a plain diff; the line that b loses stays context. */
	assert_ok(cut(f, (struct selection){.files = "x.c", .functions = "a"}, &out, &err), err);
	assert_string_equal(sut_buf_str(&out), "--- a/x.c\n+++ b/x.c\n"
					       "@@ -1,6 +1,8 @@ int a(void)\n"
					       " int a(void)\n {\n \tone();\n+\tcheck();\n"
					       "+\tmore();\n \ttwo();\n }\n \n");
	applies(f, (struct selection){.files = "x.c", .functions = "b"}, "x.c",
		"int a(void)\n{\n\tone();\n\ttwo();\n}\n\nint b(void)\n{\n\tfour();\n}\n\n\n\n\n\n"
		"\n\n\nint c(void)\n{\n\tfive();\n}\n");
}

static void line_numbers_behind_what_was_left_out(void **state)
{
	struct fixture *f = *state;

	put(f->from, "x.c", old_c);
	put(f->to, "x.c", new_c);
	applies(f, (struct selection){.files = "x.c", .functions = "b c"}, "x.c",
		"int a(void)\n{\n\tone();\n\ttwo();\n}\n\nint b(void)\n{\n\tfour();\n}\n\n\n\n\n\n"
		"\n\n\nint c(void)\n{\n\tsix();\n}\n");
}

static void hunks_by_number(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(1 << 16), out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	put(f->from, "x.c", old_c);
	put(f->to, "x.c", new_c);
	assert_ok(cut(f, (struct selection){.list = true}, &list, &err), err);
	assert_string_equal(sut_buf_str(&list), "1\tx.c:4\t+2 -1\ta, b\n2\tx.c:22\t+1 -1\tc\n");
	assert_int_equal(cut(f, (struct selection){.hunks = "3"}, &out, &err), -ENOENT);
	assert_says(err, "hunks 1 to 2");
	assert_int_equal(out.len, 0);
	applies(f, (struct selection){.hunks = "2"}, "x.c",
		"int a(void)\n{\n\tone();\n\ttwo();\n}\n\nint "
		"b(void)\n{\n\tthree();\n\tfour();\n}\n"
		"\n\n\n\n\n\n\n\nint c(void)\n{\n\tsix();\n}\n");
}

static void new_and_removed_files(void **state)
{
	struct fixture *f = *state;

	put(f->to, "d/new.c", "int n(void)\n{\n}\n");
	put(f->from, "d/old.c", "int o(void)\n{\n}\n");
	applies(f, (struct selection){.files = "d/new.c"}, "d/new.c", "int n(void)\n{\n}\n");
	applies(f, (struct selection){.files = "d/old.c"}, "d/old.c", "");
}

static void last_line_without_newline(void **state)
{
	struct fixture *f = *state;

	put(f->from, "x", "a\nb\nend");
	put(f->to, "x", "a\nc\nend\n");
	applies(f, (struct selection){.files = "x"}, "x", "a\nc\nend\n");
	put(f->from, "y", "a\nb\n");
	put(f->to, "y", "a\nb\nc");
	applies(f, (struct selection){.files = "y"}, "y", "a\nb\nc");
}

static void files_of_a_folder(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	put(f->from, "net/a.c", "1\n");
	put(f->to, "net/a.c", "2\n");
	put(f->from, "net/b/c.c", "1\n");
	put(f->to, "net/b/c.c", "2\n");
	put(f->from, "netx.c", "1\n");
	put(f->to, "netx.c", "2\n");
	assert_ok(cut(f, (struct selection){.files = "net", .list = true}, &out, &err), err);
	assert_string_equal(sut_buf_str(&out), "1\tnet/a.c:1\t+1 -1\t\n2\tnet/b/c.c:1\t+1 -1\t\n");
}

static void errors_say_what_there_is(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	put(f->from, "x.c", old_c);
	put(f->to, "x.c", new_c);
	put(f->from, "same.c", old_c);
	put(f->to, "same.c", old_c);
	assert_int_equal(cut(f, (struct selection){0}, &out, &err), -EINVAL);
	assert_says(err, "1 files differ:\nx.c");
	assert_int_equal(cut(f, (struct selection){.files = "x.c", .functions = "zz"}, &out, &err),
			 -ENOENT);
	assert_says(err, "x.c: a b c");
	assert_int_equal(cut(f, (struct selection){.files = "same.c"}, &out, &err), -ENOENT);
	assert_says(err, "no difference");
	assert_int_equal(cut(f, (struct selection){.files = "none.c"}, &out, &err), -ENOENT);
	assert_says(err, "neither version has none.c");
	assert_int_equal(cut(f, (struct selection){.files = "../x.c"}, &out, &err), -EINVAL);
	assert_says(err, "no path inside");
	assert_int_equal(out.len, 0);
}

static void a_change_across_the_end_of_a_function(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	put(f->from, "x.c", "int a(void)\n{\n}\n");
	put(f->to, "x.c", "int a(void)\n{\n\tone();\n}\nint v;\nint b(void)\n{\n}\n");
	assert_int_equal(cut(f, (struct selection){.files = "x.c", .functions = "b"}, &out, &err),
			 -ENOENT);
	assert_says(err, "is in b and reaches beyond it");
	assert_says(err, "--hunk");
}

static void paths(void **state)
{
	(void)state;
	assert_true(sut_tree_path_ok("net/unix/af_unix.c"));
	assert_true(sut_tree_path_ok("..a/b..c"));
	assert_false(sut_tree_path_ok(""));
	assert_false(sut_tree_path_ok("/etc/passwd"));
	assert_false(sut_tree_path_ok("a/../b"));
	assert_false(sut_tree_path_ok(".."));
	assert_false(sut_tree_path_ok("a//b"));
	assert_false(sut_tree_path_ok("./a"));
	assert_false(sut_tree_path_ok("a\nb"));
}

static void output_of_diff_is_checked(void **state)
{
	static const char *const bad[] = {
		"@@ -1 +1\n",		      /* cut off */
		"@@ -1,0 +1,0 @@\n",	      /* changes nothing */
		"@@ -9 +9 @@\n",	      /* behind the end */
		"@@ -1 +2 @@\n",	      /* the unchanged stretches differ */
		"@@ -3 +3 @@\n@@ -2 +2 @@\n", /* backwards */
		"@@ -99999999999 +1 @@\n",    /* more than a line number */
		"@@ -2,4294967295 +2 @@\n",
	};
	struct sut_changes c = {0};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(sut_changes_parse(bad[i], strlen(bad[i]), 5, 5, &c), -EBADMSG);
		assert_null(c.v);
	}
	assert_int_equal(sut_changes_parse("--- a\n+++ b\n@@ -2,0 +3 @@ x\n+y\n", 31, 4, 5, &c), 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.v[0].old_first, 3);
	assert_int_equal(c.v[0].old_n, 0);
	assert_int_equal(c.v[0].new_first, 3);
	assert_int_equal(c.v[0].new_n, 1);
	sut_changes_release(&c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(whole_files),
		T(one_function_of_two_neighbours),
		T(line_numbers_behind_what_was_left_out),
		T(hunks_by_number),
		T(new_and_removed_files),
		T(last_line_without_newline),
		T(files_of_a_folder),
		T(errors_say_what_there_is),
		T(a_change_across_the_end_of_a_function),
		cmocka_unit_test(paths),
		cmocka_unit_test(output_of_diff_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
