// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "library/map.h"

static const char text[] =
	"Archive member included to satisfy reference by file (symbol)\n"
	"\n"
	"libx.a(one.o)                 main.o (one)\n"
	"\n"
	"Discarded input sections\n"
	"\n"
	" .group         0x0000000000000000        0x8 xx.o\n"
	" .text._ZN1aC1Ev\n"
	"                0x0000000000000000       0x1b yy.o\n"
	"\n"
	"Memory Configuration\n"
	"\n"
	"Name             Origin             Length             Attributes\n"
	"*default*        0x0000000000000000 0xffffffffffffffff\n"
	"\n"
	"Linker script and memory map\n"
	"\n"
	"LOAD main.o\n"
	"LOAD libx.a\n"
	"                [!provide]                        PROVIDE (__executable_start = 0x1)\n"
	"                0x0000000000000238                . = SIZEOF_HEADERS\n"
	"\n"
	".note.gnu.build-id\n"
	"                0x0000000000000238       0x24\n"
	" .note.gnu.build-id\n"
	"                0x0000000000000238       0x24 /usr/lib/crti.o\n"
	"\n"
	".text           0x0000000000001040      0x1f0\n"
	" *(.text.unlikely .text.*_unlikely .text.unlikely.*)\n"
	" .text.unlikely\n"
	"                0x0000000000001040        0x5 main.o\n"
	" *fill*         0x0000000000001045        0xb \n"
	" .text          0x0000000000001050       0x9f dir with space/main.o\n"
	"                0x0000000000001050                main\n"
	" .text          0x00000000000010f0        0x0 empty.o\n"
	" .text          0x00000000000010f0       0x40 libx.a(one.o)\n"
	"\n"
	".rodata         0x0000000000002000      0x100\n"
	" .rodata.str1.8\n"
	"                0x0000000000002000       0x40 main.o\n"
	"                                         0x60 (size before relaxing)\n"
	"/DISCARD/\n"
	" *(.note.GNU-stack)\n";

static void sections_and_where_they_went_are_read(void **state)
{
	_cleanup_(sut_map_freep) struct sut_map *m = NULL;
	struct sut_err err = {0};

	(void)state;
	assert_int_equal(sut_map_parse(text, strlen(text), &m, &err), 0);
	assert_int_equal(m->ndiscarded, 2);
	assert_string_equal(m->discarded[1].section, ".text._ZN1aC1Ev");
	assert_string_equal(m->discarded[1].file, "yy.o");
	assert_int_equal(m->nplaced, 5);
	assert_string_equal(m->placed[0].output, ".note.gnu.build-id");
	assert_string_equal(m->placed[1].section, ".text.unlikely");
	assert_string_equal(m->placed[1].output, ".text");
	assert_int_equal(m->placed[1].addr, 0x1040);
	assert_int_equal(m->placed[1].output_addr, 0x1040);
	assert_string_equal(m->placed[2].file, "dir with space/main.o");
	assert_int_equal(m->placed[2].size, 0x9f);
	assert_string_equal(m->placed[3].file, "libx.a");
	assert_string_equal(m->placed[3].member, "one.o");
	assert_string_equal(m->placed[4].section, ".rodata.str1.8");
	assert_int_equal(m->placed[4].size, 0x40);
}

static void outputs_of_one_name_are_counted(void **state)
{
	static const char joined[] = "Linker script and memory map\n\n"
				     ".text           0x0000000000000000       0x10\n"
				     " .text          0x0000000000000000       0x10 a.o\n"
				     ".text           0x0000000000000000       0x20\n"
				     " .text          0x0000000000000000       0x20 b.o\n"
				     ".data           0x0000000000000000        0x8\n"
				     " .data          0x0000000000000000        0x8 a.o\n";
	_cleanup_(sut_map_freep) struct sut_map *m = NULL;

	(void)state;
	assert_int_equal(sut_map_parse(joined, strlen(joined), &m, NULL), 0);
	assert_int_equal(m->nplaced, 3);
	assert_int_equal(m->placed[0].output_nth, 0);
	assert_int_equal(m->placed[1].output_nth, 1);
	assert_int_equal(m->placed[2].output_nth, 0);
}

static void what_is_no_map_is_refused(void **state)
{
	struct sut_map *m = NULL;
	struct sut_err err = {0};

	(void)state;
	assert_int_equal(sut_map_parse("LOAD a.o\n", 9, &m, &err), -EBADMSG);
	assert_string_equal(err.reason, "map");
	assert_int_equal(sut_map_parse("a\0b", 3, &m, &err), -EBADMSG);
	assert_int_equal(sut_map_parse("", 0, &m, &err), -EBADMSG);
	assert_null(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_where_they_went_are_read),
		cmocka_unit_test(outputs_of_one_name_are_counted),
		cmocka_unit_test(what_is_no_map_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
