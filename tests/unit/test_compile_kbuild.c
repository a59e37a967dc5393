// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "compile/kbuild.h"

/* What `make -n` prints, shortened. */
static const char output[] =
	"make -f /src/scripts/Makefile.build obj=net/unix \\\n need-builtin=1\n"
	"set -e;  echo '  CC      net/unix/af_unix.o'; trap 'rm -f x; kill -s HUP $$' HUP; "
	"gcc-12 -Wp,-MMD,net/unix/.af_unix.o.d -nostdinc -I./include -O2 -pg -g -gdwarf-5 "
	"-DKBUILD_MODNAME='\"unix\"' -c -o net/unix/af_unix.o /src/net/unix/af_unix.c   ; "
	"./tools/objtool/objtool --hacks=jump_label --orc   net/unix/af_unix.o; "
	"scripts/basic/fixdep x '-o net/unix/af_unix.o' > y\n"
	"gcc-12 -c -o net/unix/scm.o /src/net/unix/scm.c\n"
	"set -e; rm -f net/unix/built-in.a;  printf \"net/unix/%s \" af_unix.o sub/b.o | xargs ar "
	"cDPrST net/unix/built-in.a; printf '%s\\n' 'cmd_net/unix/built-in.a := x' > y\n"
	"gcc-12 -DMODULE -c -o fs/xfs/xfs_buf.o /src/fs/xfs/xfs_buf.c\n"
	"gcc-12 -Os -c -o arch/x86/boot/string.o /src/lib/string.c\n"
	"gcc-12 -O2 -c -o lib/string.o /src/lib/string.c\n"
	"gcc-12 -O2 -c -o boot/lib.o /src/boot/lib.c\n"
	"ar cDPrsT lib/lib.a lib/string.o\n"
	"ar cDPrsT boot/lib.a boot/lib.o\n"
	"gcc-12 -c -o ./net/unix/sub/b.o /src/net/unix/sub/b.c\n"
	"gcc-12 -c -o gen/x.o gen/x.c\n"
	"gcc-12 -c -o out.o /srcs/out.c\n"
	"gcc-12 -c -o 'net/a.o /src/net/a.c\n";

static void parse(struct sut_buf *list)
{
	_cleanup_(sut_kbuild_freep) struct sut_kbuild *k = NULL;

	assert_int_equal(sut_kbuild_parse(output, sizeof(output) - 1, "/src", &k, NULL), 0);
	assert_int_equal(sut_kbuild_format(k, list), 0);
}

static int find(const struct sut_buf *b, const char *source, struct sut_kbuild_unit *u)
{
	return sut_kbuild_find(sut_buf_str(b), b->len, source, u);
}

static void commands_survive_the_list(void **state)
{
	_cleanup_(sut_kbuild_unit_release) struct sut_kbuild_unit u = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	static const char *const cc[] = {"gcc-12", "-nostdinc", "-I./include",
					 "-O2",	   "-pg",	"-DKBUILD_MODNAME=\"unix\""};

	(void)state;
	parse(&b);
	assert_int_equal(find(&b, "net/unix/af_unix.c", &u), 1);
	assert_int_equal(u.kind, SUT_UNIT_BUILT_IN);
	assert_string_equal(u.object, "net/unix/af_unix.o");
	assert_int_equal(u.cc.n, SUT_ARRAY_SIZE(cc));
	for (size_t i = 0; i < u.cc.n; i++)
		assert_string_equal(u.cc.v[i], cc[i]);
	assert_int_equal(u.objtool.n, 3);
	assert_string_equal(u.objtool.v[0], "./tools/objtool/objtool");
	assert_string_equal(u.objtool.v[2], "--orc");
}

static void kind_is_told_by_archives_and_flags(void **state)
{
	static const struct {
		const char *source;
		int found;
		enum sut_unit_kind kind;
	} cases[] = {
		{"net/unix/af_unix.c", 1, SUT_UNIT_BUILT_IN},
		{"net/unix/sub/b.c", 1, SUT_UNIT_BUILT_IN},
		{"net/unix/scm.c", 1, SUT_UNIT_OTHER}, /* compiled, but in no archive */
		{"fs/xfs/xfs_buf.c", 1, SUT_UNIT_MODULE},
		{"lib/string.c", 1, SUT_UNIT_BUILT_IN}, /* also in the boot code */
		{"boot/lib.c", 1, SUT_UNIT_OTHER},	/* in a lib.a that vmlinux does not take */
		{"gen/x.c", 0, 0},
		{"out.c", 0, 0},
		{"net/a.c", 0, 0},
		{"af_unix.c", 0, 0},
	};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	(void)state;
	parse(&b);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_kbuild_unit_release) struct sut_kbuild_unit u = {0};

		assert_int_equal(find(&b, cases[i].source, &u), cases[i].found);
		if (cases[i].found)
			assert_int_equal(u.kind, cases[i].kind);
		if (!strcmp(cases[i].source, "lib/string.c"))
			assert_string_equal(u.object, "lib/string.o");
	}
}

/* What looks like an option is none where the compiler stands. */
static void compiler_is_kept_by_any_name(void **state)
{
	static const char text[] = "-Mgcc -O2 -Wp,-MD -c -o n/a.o /src/n/a.c\n"
				   "'my\tgcc' -c -o n/b.o /src/n/b.c\n"
				   "printf \"n/%s \" a.o b.o | xargs ar cDPrST n/built-in.a\n";
	_cleanup_(sut_kbuild_unit_release) struct sut_kbuild_unit u = {0};
	_cleanup_(sut_kbuild_freep) struct sut_kbuild *k = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(sut_kbuild_parse(text, sizeof(text) - 1, "/src", &k, NULL), 0);
	assert_int_equal(sut_kbuild_format(k, &b), 0);
	assert_int_equal(find(&b, "n/a.c", &u), 1);
	assert_int_equal(u.cc.n, 2);
	assert_string_equal(u.cc.v[0], "-Mgcc");
	assert_string_equal(u.cc.v[1], "-O2");
	/* a name that the list cannot hold */
	assert_int_equal(find(&b, "n/b.c", &u), 0);
}

static void sources_of_a_kind(void **state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_strv_ struct sut_strv l = {0};

	(void)state;
	parse(&b);
	assert_int_equal(sut_kbuild_sources(sut_buf_str(&b), b.len, SUT_UNIT_BUILT_IN, &l), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0], "lib/string.c");
	assert_string_equal(l.v[1], "net/unix/af_unix.c");
	assert_string_equal(l.v[2], "net/unix/sub/b.c");
}

static void damaged_list_is_refused(void **state)
{
	static const char *const bad[] = {
		"built-in\ta.c\ta.o\tgcc\t;\tobjtool", /* cut off */
		"built-in\ta.c\ta.o\tgcc\n",	       /* no end of the compiler's words */
		"built-in\ta.c\ta.o\t;\n",	       /* no compiler */
		"builtin\ta.c\ta.o\tgcc\t;\n",
		"built-in\ta.c\n",
		"built-in\n",
	};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct sut_kbuild_unit u = {0};

		assert_int_equal(sut_kbuild_find(bad[i], strlen(bad[i]), "a.c", &u), -EBADMSG);
		assert_null(u.source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_survive_the_list),
		cmocka_unit_test(kind_is_told_by_archives_and_flags),
		cmocka_unit_test(compiler_is_kept_by_any_name),
		cmocka_unit_test(sources_of_a_kind),
		cmocka_unit_test(damaged_list_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
