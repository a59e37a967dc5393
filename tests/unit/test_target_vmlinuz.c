// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "sample_kernel.h"
#include "target/vmlinux.h"
#include "target/vmlinuz.h"

static void make_elf(struct sut_buf *b)
{
	static const uint8_t text[300000] = {0xe8};
	const struct sample_section s[] = {
		{".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0xffffffff81000000, text,
		 sizeof(text)},
		{".notes", SHT_NOTE, SHF_ALLOC, 0xffffffff82000000, sample_notes,
		 sizeof(sample_notes)},
	};

	sample_elf(b, s, SUT_ARRAY_SIZE(s));
}

static void every_compression(void **state)
{
	static const char *const filters[] = {"gzip", "xz", "zstd", "lz4", "bzip2", "lzma"};
	_cleanup_buf_ struct sut_buf elf = SUT_BUF_INIT(1 << 24);

	(void)state;
	make_elf(&elf);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(filters); i++) {
		_cleanup_buf_ struct sut_buf z = SUT_BUF_INIT(1 << 24), out = SUT_BUF_INIT(1 << 24);
		struct sut_err err = {0};

		sample_bzimage(&z, filters[i], elf.data, elf.len);
		assert_ok(sut_vmlinuz_unpack(z.data, z.len, &out, &err), err);
		assert_int_equal(out.len, elf.len);
		assert_memory_equal(out.data, elf.data, elf.len);
	}
}

/* Unpacks with len bytes of z; the error must have this code and text, and *out stays empty. */
static void refuse(const struct sut_buf *z, size_t len, size_t max, int code, const char *says)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(max);
	struct sut_err err = {0};

	assert_int_equal(sut_vmlinuz_unpack(z->data, len, &out, &err), -code);
	assert_says(err, says);
	assert_int_equal(out.len, 0);
}

static void bad_images(void **state)
{
	_cleanup_buf_ struct sut_buf elf = SUT_BUF_INIT(1 << 24), z = SUT_BUF_INIT(1 << 24),
				     other = SUT_BUF_INIT(1 << 16);
	uint8_t keep;

	(void)state;
	make_elf(&elf);
	sample_bzimage(&z, "xz", elf.data, elf.len);
	refuse(&z, 100, 1 << 24, EBADMSG, "not a bootable");
	refuse(&z, z.len - 100, 1 << 24, EBADMSG, "cut off");
	refuse(&z, z.len, elf.len - 1, EFBIG, "limit");
	z.data[0x203] ^= 1;
	refuse(&z, z.len, 1 << 24, EBADMSG, "not a bootable");
	z.data[0x203] ^= 1;
	keep = z.data[0x207];
	z.data[0x207] = 1;
	refuse(&z, z.len, 1 << 24, EBADMSG, "boot protocol");
	z.data[0x207] = keep;
	/* one bit of the payload */
	z.data[1024 + 16 + 60] ^= 1;
	refuse(&z, z.len, 1 << 24, EBADMSG, "damaged");
	sample_bzimage(&other, "gzip",
		       "this is no kernel, but long enough to be an ELF header. "
		       "It goes on for some more bytes.",
		       80);
	refuse(&other, other.len, 1 << 24, EBADMSG, "does not hold an ELF file");
}

static void wrong_size_is_refused(void **state)
{
	_cleanup_buf_ struct sut_buf elf = SUT_BUF_INIT(1 << 24), z = SUT_BUF_INIT(1 << 24);
	uint32_t size;

	(void)state;
	make_elf(&elf);
	sample_bzimage(&z, "xz", elf.data, elf.len);
	memcpy(&size, z.data + 0x24c, 4);
	z.data[1024 + 16 + size - 4]++;
	refuse(&z, z.len, 1 << 24, EBADMSG, "header says");
}

static void sections_and_build_id(void **state)
{
	_cleanup_(sut_vmlinux_release) struct sut_vmlinux v = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);
	const struct sample_section s[] = {
		{".text", SHT_PROGBITS, SHF_ALLOC, 0x1000, "0123456789abcdef", 16},
		{".bss", SHT_NOBITS, SHF_ALLOC, 0x2000, NULL, 0x1000},
		{".data..percpu", SHT_PROGBITS, SHF_ALLOC, 0, "percpu", 6},
		{".comment", SHT_PROGBITS, 0, 0x1004, "gcc", 3},
		{".notes", SHT_NOTE, SHF_ALLOC, 0x3000, sample_notes, sizeof(sample_notes)},
	};
	struct sut_err err = {0};

	(void)state;
	sample_elf(&b, s, SUT_ARRAY_SIZE(s));
	assert_ok(sut_vmlinux_parse(b.data, b.len, &v, &err), err);
	assert_memory_equal(v.build_id, sample_notes + 16, SUT_BUILD_ID_LEN);
	assert_memory_equal(sut_vmlinux_bytes(&v, 0x1004, 4), "4567", 4);
	assert_memory_equal(sut_vmlinux_bytes(&v, 0x100f, 1), "f", 1);
	assert_null(sut_vmlinux_bytes(&v, 0x100f, 2)); /* over the end */
	assert_null(sut_vmlinux_bytes(&v, 0x1010, 1)); /* behind it */
	assert_null(sut_vmlinux_bytes(&v, 0x2000, 1)); /* .bss has no contents */
	assert_memory_equal(sut_vmlinux_bytes(&v, 0, 6), "percpu", 6);
	assert_null(sut_vmlinux_section(&v, ".bss")->data);
	assert_null(sut_vmlinux_section(&v, ".nothing"));
	assert_string_equal(sut_vmlinux_at(&v, 0x2fff)->name, ".bss");
}

static void bad_elf_files(void **state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);
	const struct sample_section no_id[] = {
		{".text", SHT_PROGBITS, SHF_ALLOC, 0x1000, "0123456789abcdef", 16}};
	struct sut_vmlinux v = {0};
	struct sut_err err = {0};
	Elf64_Ehdr e;
	Elf64_Shdr h;

	(void)state;
	sample_elf(&b, no_id, 1);
	assert_int_equal(sut_vmlinux_parse(b.data, b.len, &v, &err), -EBADMSG);
	assert_says(err, "build-id");
	assert_int_equal(sut_vmlinux_parse(b.data, b.len - 1, &v, &err), -EBADMSG);
	assert_says(err, "section headers");
	memcpy(&e, b.data, sizeof(e));
	memcpy(&h, b.data + e.e_shoff + sizeof(h), sizeof(h));
	h.sh_size = UINT64_MAX - 8;
	memcpy(b.data + e.e_shoff + sizeof(h), &h, sizeof(h));
	assert_int_equal(sut_vmlinux_parse(b.data, b.len, &v, &err), -EBADMSG);
	assert_says(err, "outside of the file");
	b.data[EI_CLASS] = ELFCLASS32;
	assert_int_equal(sut_vmlinux_parse(b.data, b.len, &v, &err), -EBADMSG);
	assert_says(err, "x86-64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_compression),	 cmocka_unit_test(bad_images),
		cmocka_unit_test(wrong_size_is_refused), cmocka_unit_test(sections_and_build_id),
		cmocka_unit_test(bad_elf_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
