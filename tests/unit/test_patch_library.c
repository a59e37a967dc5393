// SPDX-License-Identifier: Apache-2.0
/* patch/library.h: what is written is read back, there is one way to write it, everything else is refused. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "patch/library.h"
#include "sample_library.h"

static struct sample_library s;

/* Where the parts of the sample's file begin. */
enum {
	FUNCS = 128,
	RANGES = FUNCS + 96 * SAMPLE_LIBRARY_FUNCS,
	RELOCS = RANGES + 32 * SAMPLE_LIBRARY_RANGES,
	IMPORTS = RELOCS + 24 * SAMPLE_LIBRARY_RELOCS,
	BYTES = IMPORTS + 16 * SAMPLE_LIBRARY_IMPORTS,
	BYTES_LEN = 32 + 3 + 8 + 16 + 4,
	NAMES = BYTES + BYTES_LEN + 1,
};

static void written(struct sut_buf *out)
{
	struct sut_err err = {0};

	sample_library(&s);
	assert_ok(sut_library_write(&s.l, out, &err), err);
}

static void is_read_back(void **state)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	struct sut_err err = {0};

	(void)state;
	written(&out);
	assert_int_equal(out.len % 8, 0);
	assert_ok(sut_library_parse(out.data, out.len, &l, &err), err);
	assert_memory_equal(l->build_id, s.l.build_id, sizeof(l->build_id));
	assert_int_equal(l->head_len, 512 + 2 * 64);
	assert_int_equal(l->exec_len, s.l.exec_len);
	assert_int_equal(l->data_off, 4096);
	assert_int_equal(l->image_len, SAMPLE_LIBRARY_IMAGE);
	assert_int_equal(l->mem_len, 8192);
	assert_true(l->frames);
	assert_memory_equal(l->image, s.image, sizeof(s.image));
	assert_int_equal(l->nfuncs, 2);
	for (size_t i = 0; i < l->nfuncs; i++) {
		const struct sut_library_func *a = &l->funcs[i], *b = &s.funcs[i];

		assert_string_equal(a->name, b->name);
		assert_int_equal(a->vaddr, b->vaddr);
		assert_int_equal(a->size, b->size);
		assert_int_equal(a->span, b->span);
		assert_memory_equal(a->bytes, b->bytes, b->span);
		assert_int_equal(a->redirect, b->redirect);
		assert_int_equal(a->jump_off, b->jump_off);
		assert_int_equal(a->island, b->island);
		assert_memory_equal(a->island_bytes, b->island_bytes, 5);
		assert_int_equal(a->new_off, b->new_off);
		assert_int_equal(a->new_size, b->new_size);
	}
	assert_int_equal(l->nranges, 3);
	for (size_t i = 0; i < l->nranges; i++) {
		const struct sut_library_range *a = &l->ranges[i], *b = &s.ranges[i];

		assert_string_equal(a->name, b->name);
		assert_int_equal(a->vaddr, b->vaddr);
		assert_int_equal(a->size, b->size);
		assert_memory_equal(a->bytes, b->bytes, b->size);
		assert_int_equal(a->kind, b->kind);
	}
	assert_int_equal(l->nrelocs, SAMPLE_LIBRARY_RELOCS);
	for (size_t i = 0; i < l->nrelocs; i++) {
		assert_int_equal(l->relocs[i].off, s.relocs[i].off);
		assert_int_equal(l->relocs[i].field, s.relocs[i].field);
		assert_int_equal(l->relocs[i].base, s.relocs[i].base);
		assert_int_equal(l->relocs[i].import, s.relocs[i].import);
		assert_int_equal(l->relocs[i].addend, s.relocs[i].addend);
	}
	assert_int_equal(l->nimports, 2);
	assert_string_equal(l->imports[0].name, "getauxval");
	assert_string_equal(l->imports[0].version, "GLIBC_2.16");
	assert_false(l->imports[0].weak);
	assert_string_equal(l->imports[1].version, "");
	assert_true(l->imports[1].weak);
	/* A name that is used twice is there once. */
	assert_ptr_equal(l->imports[1].name, l->funcs[0].name);
}

static void order_does_not_matter(void **state)
{
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(SUT_LIBRARY_MAX),
				     b = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	struct sut_err err = {0};

	(void)state;
	written(&a);
	for (size_t i = 0; i < SAMPLE_LIBRARY_FUNCS / 2; i++) {
		struct sut_library_func t = s.funcs[i];

		s.funcs[i] = s.funcs[SAMPLE_LIBRARY_FUNCS - 1 - i];
		s.funcs[SAMPLE_LIBRARY_FUNCS - 1 - i] = t;
	}
	for (size_t i = 0; i < SAMPLE_LIBRARY_RANGES / 2; i++) {
		struct sut_library_range t = s.ranges[i];

		s.ranges[i] = s.ranges[SAMPLE_LIBRARY_RANGES - 1 - i];
		s.ranges[SAMPLE_LIBRARY_RANGES - 1 - i] = t;
	}
	for (size_t i = 0; i < SAMPLE_LIBRARY_RELOCS / 2; i++) {
		struct sut_library_reloc t = s.relocs[i];

		s.relocs[i] = s.relocs[SAMPLE_LIBRARY_RELOCS - 1 - i];
		s.relocs[SAMPLE_LIBRARY_RELOCS - 1 - i] = t;
	}
	assert_ok(sut_library_write(&s.l, &b, &err), err);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void parse_refuses(const uint8_t *data, size_t len, int code, const char *says)
{
	struct sut_library *l = NULL;
	struct sut_err err = {0};
	int r = sut_library_parse(data, len, &l, &err);

	if (r != -code)
		fail_msg("%d instead of %d (\"%s\" expected, \"%s\" said)", r, -code, says,
			 err.msg);
	assert_null(l);
	assert_string_equal(err.reason, code == EPROTONOSUPPORT ? "version" : "payload");
	assert_says(err, says);
}

/* One field of the sample's file with another value. */
static const struct {
	size_t off, len;
	uint64_t value;
	int code;
	const char *says;
} damage[] = {
	{0, 1, 'X', EBADMSG, "does not begin"},
	{8, 4, 2, EPROTONOSUPPORT, "version 2"},
	{12, 4, 183, EPROTONOSUPPORT, "machine 183"},
	{16, 5, 0, EBADMSG, "no build-id"},
	{36, 4, 3, EBADMSG, "reserved field of its head"},
	{40, 4, 0, EBADMSG, ""},
	{40, 4, 4097, EBADMSG, "limit"},
	{44, 4, 16385, EBADMSG, "limit"},
	{48, 4, (1 << 20) + 1, EBADMSG, "limit"},
	{52, 4, UINT32_MAX, EBADMSG, "limit"},
	{56, 4, UINT32_MAX, EBADMSG, "cut short"},
	{56, 4, BYTES_LEN + 1, EBADMSG, "belong to nothing"},
	{60, 4, 0, EBADMSG, ""},
	{64, 4, 704, EBADMSG, "room for the record is 704 bytes"},
	{68, 4, 640, EBADMSG, "executable part is empty"},
	{68, 4, 5000, EBADMSG, "executable part is empty or passes"},
	{72, 4, 8192, EBADMSG, "page behind the code"},
	{80, 4, 4096, EBADMSG, "image ends between"},
	{80, 4, 17 << 20, EBADMSG, "more than"},
	{84, 4, 0, EBADMSG, "unwind tables lie outside"},
	{88, 4, 0, EBADMSG, "unwind tables are announced"},
	{88, 4, 24, EBADMSG, "do not end"},
	{88, 4, 4096, EBADMSG, "unwind tables lie outside"},
	{127, 1, 1, EBADMSG, "reserved field of its head"},
	/* lookup */
	{FUNCS, 8, 0, EBADMSG, "does not lie at an address"},
	{FUNCS, 8, 1ULL << 47, EBADMSG, "does not lie at an address"},
	{FUNCS, 8, 0x1141, EBADMSG, "not in the order"},
	{FUNCS, 8, 0x1130, EBADMSG, "share bytes"},
	{FUNCS, 8, 0x1070, EBADMSG, "share bytes"},
	{FUNCS + 8, 4, 0, EBADMSG, "0 or over the limit"},
	{FUNCS + 8, 4, 33, EBADMSG, "shorter or much longer"},
	{FUNCS + 12, 4, 31, EBADMSG, "bytes are not where"},
	{FUNCS + 16, 4, 1, EBADMSG, "bytes are not where"},
	{FUNCS + 20, 4, 0, EBADMSG, "unknown kind of redirect"},
	{FUNCS + 20, 4, 3, EBADMSG, "unknown kind of redirect"},
	{FUNCS + 24, 4, 0, EBADMSG, "not behind its endbr64"},
	{FUNCS + 24, 4, 5, EBADMSG, "not behind its endbr64"},
	{FUNCS + 28, 4, 639, EBADMSG, "outside of the executable"},
	{FUNCS + 28, 4, UINT32_MAX, EBADMSG, "outside of the executable"},
	{FUNCS + 32, 4, 0, EBADMSG, "outside of the executable"},
	{FUNCS + 32, 4, 125, EBADMSG, "outside of the executable"},
	{FUNCS + 36, 4, 0, EBADMSG, ""},
	{FUNCS + 36, 4, 2, EBADMSG, "a name is not where"},
	{FUNCS + 36, 4, UINT32_MAX, EBADMSG, "a name is not where"},
	{FUNCS + 40, 8, 0x1190, EBADMSG, "an island that it does not use"},
	{FUNCS + 48, 1, 1, EBADMSG, "an island that it does not use"},
	{FUNCS + 95, 1, 1, EBADMSG, "reserved field of a function"},
	/* tiny */
	{FUNCS + 96 + 20, 4, 1, EBADMSG, "passes the bytes"},
	{FUNCS + 96 + 40, 8, 0, EBADMSG, "no address"},
	{FUNCS + 96 + 40, 8, 0x1142 + 128, EBADMSG, "too far"},
	{FUNCS + 96 + 40, 8, 0x1142 - 129, EBADMSG, "too far"},
	{FUNCS + 96 + 40, 8, 0x113e, EBADMSG, "share bytes"},
	/* lookup.cold */
	{RANGES, 8, UINT64_MAX, EBADMSG, "does not lie at an address"},
	{RANGES, 8, 0x1201, EBADMSG, "order"},
	{RANGES + 8, 4, 9, EBADMSG, "bytes are not where"},
	{RANGES + 12, 4, 0, EBADMSG, "bytes are not where"},
	{RANGES + 20, 4, 0, EBADMSG, "unknown kind"},
	{RANGES + 20, 4, 4, EBADMSG, "unknown kind"},
	{RANGES + 31, 1, 1, EBADMSG, "reserved field of a range"},
	/* relocations */
	{RELOCS, 4, 639, EBADMSG, "outside of code and data"},
	{RELOCS, 4, 653, EBADMSG, "share bytes"},
	{RELOCS, 4, 700, EBADMSG, "share bytes"},
	{RELOCS + 4, 1, 0, EBADMSG, "unknown kind"},
	{RELOCS + 4, 1, 3, EBADMSG, "unknown kind"},
	{RELOCS + 5, 1, 0, EBADMSG, "unknown base"},
	{RELOCS + 5, 1, 4, EBADMSG, "unknown base"},
	{RELOCS + 6, 2, 1, EBADMSG, "reserved field of a relocation"},
	{RELOCS + 8, 4, 1, EBADMSG, "does not use"},
	{RELOCS + 12, 4, 1, EBADMSG, "reserved field of a relocation"},
	{RELOCS + 16, 8, (1ULL << 47) + 1, EBADMSG, "leads out"},
	{RELOCS + 24 + 8, 4, 2, EBADMSG, "not there"},
	{RELOCS + 24 + 8, 4, 0, EBADMSG, "used by nothing"},
	{RELOCS + 24 + 16, 8, 1ULL << 32, EBADMSG, "leads out"},
	{RELOCS + 3 * 24, 4, 4092, EBADMSG, "outside of code and data"},
	{RELOCS + 4 * 24, 4, 4106, EBADMSG, "outside of code and data"},
	/* imports */
	{IMPORTS + 4, 4, 0, EBADMSG, ""},
	{IMPORTS + 8, 4, 2, EBADMSG, "reserved field of an import"},
	{IMPORTS + 12, 4, 1, EBADMSG, "reserved field of an import"},
	/* bytes, names, gaps, image */
	{BYTES + 3, 1, 0, EBADMSG, "or at its first byte"},
	{BYTES + BYTES_LEN, 1, 1, EBADMSG, "gap"},
	{NAMES, 1, 'x', EBADMSG, "do not begin with the empty one"},
	{NAMES + 1, 1, ' ', EBADMSG, "no name that a symbol can have"},
	/* "caller" becomes a second "lookup" */
	{NAMES + 25, 6, 0x70756b6f6f6c, EBADMSG, "a name is there twice"},
};

static void every_field_is_checked(void **state)
{
	_cleanup_buf_ struct sut_buf good = SUT_BUF_INIT(SUT_LIBRARY_MAX);

	(void)state;
	written(&good);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(damage); i++) {
		uint8_t *copy = malloc(good.len);

		assert_non_null(copy);
		memcpy(copy, good.data, good.len);
		memcpy(copy + damage[i].off, &damage[i].value, damage[i].len);
		parse_refuses(copy, good.len, damage[i].code, damage[i].says);
		free(copy);
	}
}

static void every_cut_is_noticed(void **state)
{
	_cleanup_buf_ struct sut_buf good = SUT_BUF_INIT(SUT_LIBRARY_MAX);

	(void)state;
	written(&good);
	for (size_t n = 0; n < good.len; n++) {
		/* In memory of exactly that size: a read behind it is seen by the sanitizer. */
		uint8_t *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, good.data, n);
		parse_refuses(copy, n, EBADMSG, "");
		free(copy);
	}
	assert_int_equal(sut_buf_addzero(&good, 8), 0);
	parse_refuses(good.data, good.len, EBADMSG, "goes on behind its end");
}

/* Whatever single byte is another one: refused, or still the only way to write what it says. */
static void there_is_one_way_to_write_it(void **state)
{
	_cleanup_buf_ struct sut_buf good = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	size_t accepted = 0;

	(void)state;
	written(&good);
	for (size_t i = 0; i < good.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			_cleanup_(sut_library_freep) struct sut_library *l = NULL;
			_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_LIBRARY_MAX);
			struct sut_err err = {0};

			/* The image is long, and most of it means nothing here. */
			if (i > NAMES + 1400 && i < good.len - 64)
				continue;
			good.data[i] ^= 1 << bit;
			if (sut_library_parse(good.data, good.len, &l, &err) == 0) {
				accepted++;
				assert_ok(sut_library_write(l, &out, &err), err);
				assert_int_equal(out.len, good.len);
				assert_memory_equal(out.data, good.data, good.len);
			} else {
				assert_true(err.code == EBADMSG || err.code == EPROTONOSUPPORT);
			}
			good.data[i] ^= 1 << bit;
		}
	assert_in_range(accepted, 500, 10000);
}

static void write_refuses(const char *says)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	struct sut_err err = {0};
	int r = sut_library_write(&s.l, &out, &err);

	if (r != -EINVAL)
		fail_msg("%d instead of -EINVAL (\"%s\" expected)", r, says);
	assert_says(err, says);
	assert_int_equal(out.len, 0);
	sample_library(&s);
}

static void the_writer_refuses_what_the_parser_would(void **state)
{
	(void)state;
	sample_library(&s);
	s.l.nfuncs = 0;
	write_refuses("0 functions");
	s.funcs[0].jump_off = 0;
	write_refuses("endbr64");
	s.funcs[1].redirect = SUT_LIBRARY_JUMP;
	s.funcs[1].island = 0;
	memset(s.funcs[1].island_bytes, 0, 5);
	write_refuses("passes the bytes");
	s.funcs[1].name = "a b";
	write_refuses("no name");
	s.funcs[1].vaddr = s.funcs[0].vaddr;
	write_refuses("order");
	s.image[0] = 1;
	write_refuses("not empty");
	s.image[4000] = 1;
	write_refuses("between the parts");
	s.l.exec_len = 4097;
	write_refuses("page behind");
	s.imports[1] = s.imports[0];
	write_refuses("twice");
	s.ranges[0].vaddr = 0x1100;
	write_refuses("share bytes");
	s.image[s.l.eh_frame_off] = 200;
	write_refuses("passes their end");
	memset(s.image + s.l.eh_frame_off, 0, 4);
	write_refuses("zero word");
}

static void code_alone_is_enough(void **state)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	struct sut_err err = {0};

	(void)state;
	sample_library(&s);
	s.l.nfuncs = 1;
	s.l.nranges = s.l.nrelocs = s.l.nimports = 0;
	s.l.head_len = sut_library_head_len(1);
	s.l.exec_len = s.l.image_len = s.l.eh_frame_off;
	s.l.eh_frame_off = s.l.eh_frame_len = 0;
	s.l.frames = false;
	s.l.mem_len = s.l.data_off = 4096;
	assert_ok(sut_library_write(&s.l, &out, &err), err);
	assert_ok(sut_library_parse(out.data, out.len, &l, &err), err);
	assert_int_equal(l->nrelocs, 0);
	assert_int_equal(l->mem_len, 4096);
}

/* An image of exactly whole pages of code, and data that are all zero and so not in the file. */
static void zeroed_data_need_no_bytes(void **state)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	struct sut_err err = {0};

	(void)state;
	sample_library(&s);
	s.l.nrelocs = 3;
	s.l.imports = &s.imports[1];
	s.l.nimports = 1;
	s.relocs[1].import = 0;
	s.l.image_len = s.l.exec_len;
	s.l.mem_len = 65536;
	assert_ok(sut_library_write(&s.l, &out, &err), err);
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1000);
	struct sut_err err = {0};

	(void)state;
	sample_library(&s);
	assert_int_equal(sut_buf_addstr(&out, "before"), 0);
	assert_int_equal(sut_library_write(&s.l, &out, &err), -ENOBUFS);
	assert_string_equal(sut_buf_str(&out), "before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read_back),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(every_field_is_checked),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(there_is_one_way_to_write_it),
		cmocka_unit_test(the_writer_refuses_what_the_parser_would),
		cmocka_unit_test(code_alone_is_enough),
		cmocka_unit_test(zeroed_data_need_no_bytes),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
