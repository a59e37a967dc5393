// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "prove/prove_image.h"
#include "sample_image.h"

/*
 * The object: .text with two functions,
 *   first  at 0x00, 16 bytes: byte 4 on refers to printk (PLT32), byte 12 on to a string (32S)
 *   second at 0x10, 16 bytes: byte 4 on refers to .data+8 (PC32)
 * .data with table (8 bytes, a pointer to second) and count (4 bytes), .rodata.str1.1.
 * In the image .text is at TEXT+0x100 and .data at DATA+0x40.
 */
#define TEXT_AT (SAMPLE_TEXT + 0x100)
#define DATA_AT (SAMPLE_DATA + 0x40)
#define PRINTK (SAMPLE_TEXT + 0x800)
#define STRING (SAMPLE_DATA + 0x203) /* the linker shared the end of "not hello" */

enum { TEXT = 1, DATA, STR }; /* sections */

struct fixture {
	struct sample_image image;
	struct sut_image view;
	struct sut_object *o;
	uint32_t first, second, table, count;
};

static uint32_t must(int r)
{
	assert_true(r >= 0);
	return (uint32_t)r;
}

static struct fixture *make(void)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct sample_image *im = &f->image;
	struct sut_object *o = f->o = sut_object_new();
	uint32_t printk, data_sym, str_sym, text_sym;
	uint8_t text[32], data[16] = {0};

	assert_non_null(o);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(0x90 + i);
	data[8] = 42;
	assert_int_equal(must(sut_object_add_section(o, ".text", SHT_PROGBITS,
						     SHF_ALLOC | SHF_EXECINSTR, 16, 0, text, 32)),
			 TEXT);
	assert_int_equal(must(sut_object_add_section(o, ".data", SHT_PROGBITS,
						     SHF_ALLOC | SHF_WRITE, 8, 0, data, 16)),
			 DATA);
	assert_int_equal(must(sut_object_add_section(o, ".rodata.str1.1", SHT_PROGBITS,
						     SHF_ALLOC | SHF_MERGE | SHF_STRINGS, 1, 1,
						     "xyz\0hello", 10)),
			 STR);
	text_sym = must(sut_object_add_sym(o, "", STB_LOCAL, STT_SECTION, TEXT, 0, 0));
	data_sym = must(sut_object_add_sym(o, "", STB_LOCAL, STT_SECTION, DATA, 0, 0));
	str_sym = must(sut_object_add_sym(o, "", STB_LOCAL, STT_SECTION, STR, 0, 0));
	printk = must(sut_object_add_sym(o, "_printk", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0));
	f->first = must(sut_object_add_sym(o, "first", STB_GLOBAL, STT_FUNC, TEXT, 0, 16));
	f->second = must(sut_object_add_sym(o, "second", STB_LOCAL, STT_FUNC, TEXT, 16, 16));
	f->table = must(sut_object_add_sym(o, "table", STB_LOCAL, STT_OBJECT, DATA, 0, 8));
	f->count = must(sut_object_add_sym(o, "count.5", STB_LOCAL, STT_OBJECT, DATA, 8, 4));
	must(sut_object_add_rela(o, TEXT, 4, R_X86_64_PLT32, printk, -4));
	must(sut_object_add_rela(o, TEXT, 12, R_X86_64_32S, str_sym, 4));
	must(sut_object_add_rela(o, TEXT, 20, R_X86_64_PC32, data_sym, 8 - 4));
	must(sut_object_add_rela(o, DATA, 0, R_X86_64_64, text_sym, 16));

	sample_put(im, TEXT_AT, text, sizeof(text));
	sample_put(im, DATA_AT, data, sizeof(data));
	sample_put(im, STRING - 4, "not hello", 10);
	sample_put_num(im, TEXT_AT + 4, 4, PRINTK - 4 - (TEXT_AT + 4));
	sample_put_num(im, TEXT_AT + 12, 4, STRING);
	sample_put_num(im, TEXT_AT + 20, 4, DATA_AT + 8 - 4 - (TEXT_AT + 20));
	sample_put_num(im, DATA_AT, 8, TEXT_AT + 16);
	sample_sym(im, "_printk", 'T', PRINTK);
	sample_sym(im, "first", 'T', TEXT_AT);
	sample_sym(im, "second", 't', TEXT_AT + 16);
	sample_sym(im, "table", 'd', DATA_AT);
	sample_sym(im, "count.5", 'd', DATA_AT + 8);
	return f;
}

static struct sut_unit *prove(struct fixture *f)
{
	struct sut_unit *u = NULL;

	f->view = sample_view(&f->image);
	assert_int_equal(sut_prove_image(&f->view, f->o, &u, NULL), 0);
	return u;
}

static void done(struct fixture *f, struct sut_unit *u)
{
	sut_unit_free(u);
	test_free(f);
}

static enum sut_difference difference(struct fixture *f, struct sut_unit *u, uint32_t sym)
{
	char text[256];

	return sut_prove_image_explain(&f->view, u, sym, text, sizeof(text));
}

static void everything_identical(void **state)
{
	struct fixture *f = make();
	struct sut_unit *u = prove(f);

	(void)state;
	assert_int_equal(u->functions, 2);
	assert_int_equal(u->identical, 2);
	assert_int_equal(u->data, 2);
	assert_int_equal(u->data_identical, 2);
	assert_true(u->section_addr[TEXT] == TEXT_AT);
	assert_true(u->section_addr[DATA] == DATA_AT);
	assert_true(u->section_addr[STR] == 0);
	assert_true(u->syms[f->second].addr == TEXT_AT + 16);
	assert_true(u->syms[f->count].addr == DATA_AT + 8);
	done(f, u);
}

static void other_byte_is_found_at_its_offset(void **state)
{
	struct fixture *f = make();
	struct sut_unit *u;

	(void)state;
	f->image.text[0x100 + 16 + 9] ^= 1;
	u = prove(f);
	assert_int_equal(u->syms[f->first].proof, SUT_PROOF_IDENTICAL);
	assert_int_equal(u->syms[f->second].proof, SUT_PROOF_DIFFERENT);
	assert_int_equal(u->syms[f->second].diff_offset, 9);
	assert_int_equal(difference(f, u, f->second), SUT_DIFFERENCE_BYTES);
	assert_int_equal(u->different, 1);
	done(f, u);
}

static void other_target_is_a_difference(void **state)
{
	static const struct {
		uint64_t at;
		uint64_t offset;
		bool in_first;
	} cases[] = {{TEXT_AT + 4, 4, true}, {TEXT_AT + 12, 12, true}, {TEXT_AT + 20, 4, false}};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct fixture *f = make();
		uint32_t sym = cases[i].in_first ? f->first : f->second;
		struct sut_unit *u;

		f->image.text[cases[i].at - SAMPLE_TEXT] += 1;
		u = prove(f);
		assert_int_equal(u->syms[sym].proof, SUT_PROOF_DIFFERENT);
		assert_int_equal(u->syms[sym].diff_offset, cases[i].offset);
		assert_int_equal(difference(f, u, sym), SUT_DIFFERENCE_REFERENCE);
		assert_int_equal(u->different, 1);
		done(f, u);
	}
}

static void other_string_is_a_difference(void **state)
{
	struct fixture *f = make();
	struct sut_unit *u;

	(void)state;
	sample_put(&f->image, STRING + 4, "p", 1); /* "hellp" */
	u = prove(f);
	assert_int_equal(u->syms[f->first].proof, SUT_PROOF_DIFFERENT);
	assert_int_equal(u->syms[f->first].diff_offset, 12);
	done(f, u);
}

static void section_without_names_is_placed_by_references(void **state)
{
	struct fixture *f = make();
	struct sut_unit *u;

	(void)state;
	/* .data's names say nothing: they are not in the image, or elsewhere too */
	f->image.syms[3].name = "other";
	f->image.syms[4].addr = DATA_AT + 8;
	sample_sym(&f->image, "count.5", 'd', DATA_AT + 0x108);
	u = prove(f);
	assert_true(u->section_addr[DATA] == DATA_AT);
	assert_int_equal(u->syms[f->count].proof, SUT_PROOF_IDENTICAL);
	assert_true(u->syms[f->count].addr == DATA_AT + 8);
	assert_int_equal(u->syms[f->table].proof, SUT_PROOF_IDENTICAL);
	done(f, u);
}

/* One field that refers elsewhere does not move the section, it is what differs. */
static void most_references_decide(void **state)
{
	(void)state;
	for (uint32_t odd = 0; odd < 3; odd++) {
		static const char *const names[] = {"ptr0", "ptr1", "ptr2"};
		struct fixture *f = make();
		uint32_t sec, buf, user[3];
		struct sut_unit *u;

		sec = must(sut_object_add_section(f->o, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE,
						  8, 0, NULL, 64));
		buf = must(sut_object_add_sym(f->o, "buf", STB_LOCAL, STT_OBJECT, sec, 0, 64));
		for (uint32_t i = 0; i < 3; i++) {
			uint64_t at = SAMPLE_DATA + 0x400 + 8 * i;
			uint32_t own = must(sut_object_add_section(f->o, ".ref.data", SHT_PROGBITS,
								   SHF_ALLOC | SHF_WRITE, 8, 0,
								   "\0\0\0\0\0\0\0\0", 8));

			user[i] = must(sut_object_add_sym(f->o, names[i], STB_GLOBAL, STT_OBJECT,
							  own, 0, 8));
			must(sut_object_add_rela(f->o, own, 0, R_X86_64_64, buf, 0));
			sample_sym(&f->image, names[i], 'D', at);
			sample_put_num(&f->image, at, 8, SAMPLE_DATA + (i == odd ? 0xb00 : 0xa00));
		}
		u = prove(f);
		assert_true(u->section_addr[sec] == SAMPLE_DATA + 0xa00);
		assert_true(u->syms[buf].addr == SAMPLE_DATA + 0xa00);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(u->syms[user[i]].proof,
					 i == odd ? SUT_PROOF_DIFFERENT : SUT_PROOF_IDENTICAL);
		done(f, u);
	}
}

static void namesake_is_told_by_its_content(void **state)
{
	struct fixture *f = make();
	uint32_t sec, init;
	struct sut_unit *u;

	(void)state;
	sec = must(sut_object_add_section(f->o, ".init.text", SHT_PROGBITS,
					  SHF_ALLOC | SHF_EXECINSTR, 1, 0, "\x31\xc0\xc3", 3));
	init = must(sut_object_add_sym(f->o, "init", STB_LOCAL, STT_FUNC, sec, 0, 3));
	sample_put(&f->image, SAMPLE_TEXT + 0x900, "\x31\xdb\xc3", 3);
	sample_put(&f->image, SAMPLE_TEXT + 0x910, "\x31\xc0\xc3", 3);
	sample_sym(&f->image, "init", 't', SAMPLE_TEXT + 0x900);
	sample_sym(&f->image, "init", 't', SAMPLE_TEXT + 0x910);
	u = prove(f);
	assert_int_equal(u->syms[init].proof, SUT_PROOF_IDENTICAL);
	assert_true(u->syms[init].addr == SAMPLE_TEXT + 0x910);
	done(f, u);
}

static void copies_have_no_address(void **state)
{
	struct fixture *f = make();
	uint32_t sec, init;
	struct sut_unit *u;

	(void)state;
	sec = must(sut_object_add_section(f->o, ".exit.text", SHT_PROGBITS,
					  SHF_ALLOC | SHF_EXECINSTR, 1, 0, "\xc3", 1));
	init = must(sut_object_add_sym(f->o, "stub", STB_LOCAL, STT_FUNC, sec, 0, 1));
	for (unsigned int i = 0; i < 2; i++) {
		sample_put(&f->image, SAMPLE_TEXT + 0x900 + 16 * i, "\xc3", 1);
		sample_sym(&f->image, "stub", 't', SAMPLE_TEXT + 0x900 + 16 * i);
	}
	u = prove(f);
	assert_int_equal(u->syms[init].proof, SUT_PROOF_UNPLACED);
	assert_true(u->syms[init].same_everywhere);
	assert_int_equal(difference(f, u, init), SUT_DIFFERENCE_COPIES);
	done(f, u);
}

static void weak_definition_may_be_overridden(void **state)
{
	for (int ours = 0; ours < 2; ours++) {
		struct fixture *f = make();
		uint32_t weak = must(
			sut_object_add_sym(f->o, "arch_hook", STB_WEAK, STT_FUNC, TEXT, 16, 16));
		struct sut_unit *u;

		(void)state;
		sample_sym(&f->image, "arch_hook", ours ? 'W' : 'T',
			   ours ? TEXT_AT + 16 : SAMPLE_TEXT + 0x700);
		u = prove(f);
		assert_int_equal(u->syms[weak].proof,
				 ours ? SUT_PROOF_IDENTICAL : SUT_PROOF_OVERRIDDEN);
		assert_true(u->syms[weak].addr == (ours ? TEXT_AT + 16 : SAMPLE_TEXT + 0x700));
		assert_int_equal(u->overridden, !ours);
		assert_int_equal(u->different, 0);
		done(f, u);
	}
}

static void percpu_addresses_are_offsets(void **state)
{
	struct fixture *f = make();
	uint32_t sec, sym, user;
	struct sut_unit *u;

	(void)state;
	sec = must(sut_object_add_section(f->o, ".data..percpu", SHT_PROGBITS,
					  SHF_ALLOC | SHF_WRITE, 8, 0, "\1\2\3\4\5\6\7\10", 8));
	sym = must(sut_object_add_sym(f->o, "pcpu", STB_GLOBAL, STT_OBJECT, sec, 0, 8));
	user = must(sut_object_add_section(f->o, ".ref.text", SHT_PROGBITS,
					   SHF_ALLOC | SHF_EXECINSTR, 1, 0, "\0\0\0\0", 4));
	must(sut_object_add_sym(f->o, "reader", STB_GLOBAL, STT_FUNC, user, 0, 4));
	must(sut_object_add_rela(f->o, user, 0, R_X86_64_PC32, sym, -4));
	sample_put(&f->image, SAMPLE_PERCPU + 0x80, "\1\2\3\4\5\6\7\10", 8);
	sample_sym(&f->image, "pcpu", 'A', SAMPLE_PERCPU + 0x80);
	sample_sym(&f->image, "reader", 'T', SAMPLE_TEXT + 0xa00);
	sample_put_num(&f->image, SAMPLE_TEXT + 0xa00, 4, 0x80 - 4 - (SAMPLE_TEXT + 0xa00));
	u = prove(f);
	assert_int_equal(u->syms[sym].proof, SUT_PROOF_IDENTICAL);
	assert_true(u->syms[sym].addr == 0x80);
	assert_int_equal(u->identical, 3);
	done(f, u);
}

static void unlisted_symbol_is_explained_only_alone(void **state)
{
	for (int damaged = 0; damaged < 2; damaged++) {
		struct fixture *f = make();
		struct sut_unit *u;

		(void)state;
		f->image.syms[0].name = "other";
		if (damaged)
			f->image.text[0x100 + 11] ^= 1;
		u = prove(f);
		assert_int_equal(u->syms[f->first].proof, SUT_PROOF_DIFFERENT);
		assert_int_equal(u->syms[f->first].diff_offset, damaged ? 11 : 4);
		assert_int_equal(difference(f, u, f->first),
				 damaged ? SUT_DIFFERENCE_BYTES : SUT_DIFFERENCE_UNLISTED);
		done(f, u);
	}
}

static void moved_function_is_no_block(void **state)
{
	struct fixture *f = make();
	struct sut_unit *u;

	(void)state;
	/* as with another version of the source: second lies 16 bytes later */
	memmove(f->image.text + 0x120, f->image.text + 0x110, 16);
	sample_put_num(&f->image, TEXT_AT + 0x24, 4, DATA_AT + 8 - 4 - (TEXT_AT + 0x24));
	f->image.syms[2].addr = TEXT_AT + 0x20;
	u = prove(f);
	assert_true(u->section_addr[TEXT] == 0);
	assert_int_equal(u->syms[f->second].proof, SUT_PROOF_IDENTICAL);
	assert_true(u->syms[f->second].addr == TEXT_AT + 0x20);
	/* the pointer to second is right when it points where second is now */
	assert_int_equal(u->syms[f->table].proof, SUT_PROOF_DIFFERENT);
	assert_int_equal(difference(f, u, f->table), SUT_DIFFERENCE_REFERENCE);
	sut_unit_free(u);
	test_free(f);

	f = make();
	memmove(f->image.text + 0x120, f->image.text + 0x110, 16);
	sample_put_num(&f->image, TEXT_AT + 0x24, 4, DATA_AT + 8 - 4 - (TEXT_AT + 0x24));
	sample_put_num(&f->image, DATA_AT, 8, TEXT_AT + 0x20);
	f->image.syms[2].addr = TEXT_AT + 0x20;
	u = prove(f);
	assert_int_equal(u->syms[f->table].proof, SUT_PROOF_IDENTICAL);
	done(f, u);
}

static void global_names(void **state)
{
	static struct sample_image im;
	struct sut_image v;
	uint64_t a;

	(void)state;
	sample_sym(&im, "twice", 'T', SAMPLE_TEXT);
	sample_sym(&im, "twice", 'T', SAMPLE_TEXT + 16);
	sample_sym(&im, "mixed", 't', SAMPLE_TEXT + 32);
	sample_sym(&im, "mixed", 'T', SAMPLE_TEXT + 48);
	sample_sym(&im, "local", 't', SAMPLE_TEXT + 64);
	sample_sym(&im, "locals", 't', SAMPLE_TEXT + 80);
	sample_sym(&im, "locals", 't', SAMPLE_TEXT + 96);
	v = sample_view(&im);
	assert_int_equal(sut_image_global(&v, "none", &a), -ENOENT);
	assert_int_equal(sut_image_global(&v, "twice", &a), -ENOTUNIQ);
	assert_int_equal(sut_image_global(&v, "locals", &a), -ENOTUNIQ);
	assert_int_equal(sut_image_global(&v, "mixed", &a), 0);
	assert_true(a == SAMPLE_TEXT + 48);
	assert_int_equal(sut_image_global(&v, "local", &a), 0);
	assert_true(a == SAMPLE_TEXT + 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_identical),
		cmocka_unit_test(other_byte_is_found_at_its_offset),
		cmocka_unit_test(other_target_is_a_difference),
		cmocka_unit_test(other_string_is_a_difference),
		cmocka_unit_test(section_without_names_is_placed_by_references),
		cmocka_unit_test(most_references_decide),
		cmocka_unit_test(namesake_is_told_by_its_content),
		cmocka_unit_test(copies_have_no_address),
		cmocka_unit_test(weak_definition_may_be_overridden),
		cmocka_unit_test(percpu_addresses_are_offsets),
		cmocka_unit_test(unlisted_symbol_is_explained_only_alone),
		cmocka_unit_test(moved_function_is_no_block),
		cmocka_unit_test(global_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
