// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/file.h"
#include "compile/includers.h"
#include "unit.h"

static const struct {
	const char *path, *text;
} tree[] = {
	{"fs/elf.c", "int f(void);\n"},
	{"fs/compat.c", "#define X 1\n# include \"elf.c\"\n"},
	{"lib/other.c", "  #include \"../fs/elf.c\"\n"},
	{"lib/elf.c", "#include \"self.c\"\n#include \"elf.c.h\"\n/* see \"elf.c\" */\n"},
	{"lib/mine.c", "#include \"elf.c\"\n"},
};

static void those_that_include_the_file_are_found(void **state _unused_)
{
	_cleanup_strv_ struct sut_strv sources = {0}, found = {0};
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("test-includers", &dir, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(tree); i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, tree[i].path);
		_cleanup_(sut_freep) char *folder =
			sut_sprintf("%s/%.*s", dir, (int)(strchr(tree[i].path, '/') - tree[i].path),
				    tree[i].path);

		assert_ok(sut_mkdir_p(folder, &err), err);
		assert_ok(sut_file_write(path, tree[i].text, strlen(tree[i].text), 0644, &err),
			  err);
		assert_int_equal(sut_strv_add(&sources, tree[i].path), 0);
	}
	assert_ok(sut_compile_includers(dir, &sources, "fs/elf.c", &found, &err), err);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.v[0], "fs/compat.c");
	assert_string_equal(found.v[1], "lib/other.c");
	assert_ok(sut_rm_rf(dir, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_include_the_file_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
