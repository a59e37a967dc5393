// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "library/archive.h"
#include "library/record.h"
#include "library/recorded.h"
#include "library/root.h"

/* A record as suture-record writes it. */
static void add_record(struct sut_buf *b, const char *kind, const char *fields, size_t len)
{
	assert_int_equal(sut_buf_addf(b, "SUTREC1 %s %zu\n", kind, len), 0);
	assert_int_equal(sut_buf_add(b, fields, len), 0);
}

static const char cc[] =
	"cwd=/b\0epoch=17\0arg=gcc\0arg=-c\0arg=a=b.c\0source=/b/a=b.c\0out=/b/a.o\0"
	"hash=12-3\0deps=a.o: a.c \\\n h.h\0unknown=x";
static const char ld[] =
	"cwd=/b\0arg=ld\0call=1.2\0out=/b/x.so\0hash=99-1\0map=77-1\0in=12-3 a b.o\0at=/z\0"
	"in=55-1 /usr/lib/libgcc.a";

static void records_are_read(void **state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(65536);
	_cleanup_(sut_record_freep) struct sut_record_log *l = NULL;
	struct sut_err err = {0};

	(void)state;
	add_record(&b, "cc", cc, sizeof(cc));
	add_record(&b, "ld", ld, sizeof(ld));
	assert_int_equal(sut_record_parse(b.data, b.len, &l, &err), 0);
	assert_int_equal(l->n, 2);
	assert_false(l->v[0].link);
	assert_string_equal(l->v[0].cwd, "/b");
	assert_string_equal(l->v[0].epoch, "17");
	assert_int_equal(l->v[0].argc, 3);
	assert_string_equal(l->v[0].argv[2], "a=b.c");
	assert_null(l->v[0].argv[3]);
	assert_int_equal(l->v[0].nsources, 1);
	assert_string_equal(l->v[0].sources[0], "/b/a=b.c");
	assert_string_equal(l->v[0].call, "");
	assert_true(l->v[1].link);
	assert_string_equal(l->v[1].map, "77-1");
	assert_int_equal(l->v[1].nin, 2);
	assert_string_equal(l->v[1].in[0].hash, "12-3");
	assert_string_equal(l->v[1].in[0].path, "a b.o");
	assert_string_equal(l->v[1].in[1].path, "/usr/lib/libgcc.a");
}

static void a_record_that_is_cut_off_at_the_end_is_left_out(void **state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(65536);
	struct sut_record_log *l = NULL;
	size_t whole;

	(void)state;
	add_record(&b, "cc", cc, sizeof(cc));
	whole = b.len;
	add_record(&b, "ld", ld, sizeof(ld));
	for (size_t n = whole; n < b.len; n++) {
		int r = sut_record_parse(b.data, n, &l, NULL);

		/* Either the first record alone, or a head that is no head. */
		if (r == 0)
			assert_int_equal(l->n, 1);
		else
			assert_int_equal(r, -EBADMSG);
		sut_record_free(l);
		l = NULL;
	}
}

static void damage_is_refused(void **state)
{
	static const char *const bad[] = {"x",
					  "SUTREC1 cc x\n",
					  "SUTREC1 xx 1\na",
					  "SUTREC1 cc 3\nabc",
					  "SUTREC1 cc 4\nabc",
					  "SUTREC1 cc 99999999999999999999\n"};
	struct sut_record_log *l = NULL;

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(sut_record_parse(bad[i], strlen(bad[i]) + (i == 4), &l, NULL),
				 -EBADMSG);
	assert_null(l);
}

static void dependencies_are_those_of_the_first_rule(void **state)
{
	_cleanup_strv_ struct sut_strv v = {0};

	(void)state;
	assert_int_equal(
		sut_record_deps(
			"x/a.o x/a.d: ../a.c b\\ c.h \\\n /usr/include/stdio.h $$d.h\n\nb.h:\n",
			"/src/build", &v),
		0);
	assert_int_equal(v.n, 4);
	assert_string_equal(v.v[0], "/src/a.c");
	assert_string_equal(v.v[1], "/src/build/b c.h");
	assert_string_equal(v.v[2], "/usr/include/stdio.h");
	assert_string_equal(v.v[3], "/src/build/$d.h");
}

static void paths_are_made_absolute_and_plain(void **state)
{
	static const struct {
		const char *cwd, *path, *want;
	} cases[] = {
		{"/a/b", "c.c", "/a/b/c.c"},
		{"/a/b", "../c.c", "/a/c.c"},
		{"/a/b", "/x//y/./z", "/x/y/z"},
		{"/", "../../c", "/c"},
		{"/a", "", "/a"},
		{"/a", "..", "/"},
		{"/a/b", "./../b/../../q", "/q"},
		{"/a", "...", "/a/..."},
	};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *p = sut_record_path(cases[i].cwd, cases[i].path);

		assert_string_equal(p, cases[i].want);
	}
}

static void members_of_archives_are_found_with_long_names(void **state)
{
	static const char ar[] =
		"!<arch>\n"
		"/               0           0     0     0       4         `\n\0\0\0\0"
		"//                                              26        `\n"
		"a_name_that_is_long_one.o/"
		"short.o/        0           0     0     644     3         `\nabc\n"
		"/0              0           0     0     644     2         `\nxy";
	struct sut_archive a = {0};

	(void)state;
	assert_int_equal(sut_archive_parse(ar, sizeof(ar) - 1, &a, NULL), 0);
	assert_int_equal(a.n, 2);
	assert_string_equal(a.v[0].name, "short.o");
	assert_memory_equal(a.v[0].data, "abc", 3);
	assert_string_equal(a.v[1].name, "a_name_that_is_long_one.o");
	assert_int_equal(a.v[1].len, 2);
	sut_archive_release(&a);
	assert_int_equal(sut_archive_parse(ar, sizeof(ar) - 2, &a, NULL), -EBADMSG);
	assert_int_equal(sut_archive_parse("!<thin>\n", 8, &a, NULL), -EBADMSG);
}

static void the_build_path_is_seen_in_strings(void **state)
{
	static const char flags[] =
		"x\0compiler: gcc -ffile-prefix-map=/build/reproducible-path/openssl-3.0.17=. -O2\0";
	static const char dbg[] = "/build/glibc-AbC12/glibc-2.36/elf/rtld.c";
	static const char other[] =
		"/srv/me/openssl-3.0.17/x openssl-3.0.17 /build/y/openssl-3.0.170/";
	_cleanup_(sut_freep) char *a = sut_recorded_path(flags, sizeof(flags), "openssl-3.0.17");
	_cleanup_(sut_freep) char *b = sut_recorded_path(dbg, sizeof(dbg), "glibc-2.36");
	_cleanup_(sut_freep) char *c = sut_recorded_path(dbg, sizeof(dbg), "glibc-2.3");

	(void)state;
	assert_string_equal(a, "/build/reproducible-path/openssl-3.0.17");
	assert_string_equal(b, "/build/glibc-AbC12/glibc-2.36");
	assert_null(c);
	assert_null(sut_recorded_path(other, sizeof(other), "openssl-3.0.17"));
	assert_null(sut_recorded_path("openssl", 7, "openssl"));
}

static void versions_tell_upstream_and_suite(void **state)
{
	static const char *const cases[][2] = {
		{"3.0.17-1~deb12u2", "3.0.17"},
		{"1:2.36-9+deb12u7", "2.36"},
		{"7", "7"},
		{"2.9.14+dfsg-1.3", "2.9.14+dfsg"},
	};
	static const char *const suites[][2] = {
		{"3.0.17-1~deb12u2", "bookworm"},
		{"2.36-9+deb12u7", "bookworm"},
		{"1.0-1+deb11u1", "bullseye"},
		{"4.1-1+deb13u1", "trixie"},
	};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *s = sut_recorded_upstream(cases[i][0]);

		assert_string_equal(s, cases[i][1]);
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(suites); i++) {
		_cleanup_(sut_freep) char *s = sut_root_suite(suites[i][0]);

		assert_string_equal(s, suites[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(a_record_that_is_cut_off_at_the_end_is_left_out),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(dependencies_are_those_of_the_first_rule),
		cmocka_unit_test(paths_are_made_absolute_and_plain),
		cmocka_unit_test(members_of_archives_are_found_with_long_names),
		cmocka_unit_test(the_build_path_is_seen_in_strings),
		cmocka_unit_test(versions_tell_upstream_and_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
