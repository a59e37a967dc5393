// SPDX-License-Identifier: Apache-2.0
/* kernel.h: the build-id among ELF notes; which patch is for this kernel. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/str.h"
#include "kernel/kernel.h"
#include "sample_patch.h"

static void add_note(struct sut_buf *b, uint32_t type, const char *name, uint32_t namesz,
		     const void *desc, uint32_t descsz)
{
	const Elf64_Nhdr n = {namesz, descsz, type};

	assert_int_equal(sut_buf_add(b, &n, sizeof(n)), 0);
	assert_int_equal(sut_buf_add(b, name, namesz), 0);
	assert_int_equal(sut_buf_align(b, 4), 0);
	assert_int_equal(sut_buf_add(b, desc, descsz), 0);
	assert_int_equal(sut_buf_align(b, 4), 0);
}

/* As /sys/kernel/notes has them: others before, odd lengths, then the build-id. */
static void add_sample(struct sut_buf *b, uint8_t id[SUTURE_BUILD_ID_LEN])
{
	for (int i = 0; i < SUTURE_BUILD_ID_LEN; i++)
		id[i] = (uint8_t)(i + 1);
	add_note(b, 6, "Xen", 4, "linux", 6);
	add_note(b, 3, "Xen", 4, "12345678901234567890", 20); /* same type, other owner */
	add_note(b, NT_GNU_ABI_TAG, "GNU", 4, "12345678901234567890", 20);
	add_note(b, 0x100, "Linux", 6, "\0", 1);
	add_note(b, NT_GNU_BUILD_ID, "GNU", 4, id, SUTURE_BUILD_ID_LEN);
	add_note(b, 0x101, "Linux", 6, "x", 1);
}

static void build_id_is_found(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_NOTES_MAX);
	uint8_t id[SUTURE_BUILD_ID_LEN], got[SUTURE_BUILD_ID_LEN];
	struct sut_err err = {0};

	add_sample(&b, id);
	assert_int_equal(sut_notes_build_id(b.data, b.len, got, &err), 0);
	assert_memory_equal(got, id, sizeof(id));
}

static void notes_without_build_id_are_told(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_NOTES_MAX);
	uint8_t got[SUTURE_BUILD_ID_LEN] = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_notes_build_id("", 0, got, &err), -ENOENT);
	add_note(&b, NT_GNU_BUILD_ID, "GNU", 4, "12345678", 8);
	add_note(&b, NT_GNU_BUILD_ID, "GNO", 4, "12345678901234567890", 20);
	assert_int_equal(sut_notes_build_id(b.data, b.len, got, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "no build-id"));
	assert_int_equal(got[0], 0);
}

static void notes_cut_or_flipped_stay_in_bounds(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_NOTES_MAX);
	uint8_t id[SUTURE_BUILD_ID_LEN], got[SUTURE_BUILD_ID_LEN];

	add_sample(&b, id);
	for (size_t n = 0; n < b.len; n++) {
		for (size_t i = 0; i <= n * 8; i++) {
			_cleanup_(sut_freep) uint8_t *p = malloc(n ? n : 1);
			int r;

			assert_non_null(p);
			memcpy(p, b.data, n);
			if (i < n * 8)
				p[i / 8] ^= (uint8_t)(1 << i % 8);
			r = sut_notes_build_id(p, n, got, NULL);
			assert_true(r == 0 || r == -ENOENT || r == -EBADMSG);
		}
	}
}

static void only_the_build_id_decides(void **state _unused_)
{
	json_t *j = sample_manifest_full();
	struct sut_manifest *m = NULL;
	struct sut_err err = {0};
	struct sut_kernel k = {.release = "6.1.0-47-cloud-amd64", .machine = "x86_64"};

	assert_int_equal(sut_manifest_load(j, &m, &err), 0);
	assert_int_equal(sut_kernel_check(&k, m, &err), -ENOEXEC);
	assert_string_equal(err.reason, "wrong-kernel");
	assert_non_null(strstr(err.msg, "6d1c0a52d53f"));
	memcpy(k.build_id, m->target.build_id, sizeof(k.build_id));
	snprintf(k.release, sizeof(k.release), "renamed");
	assert_int_equal(sut_kernel_check(&k, m, &err), 0);
	sut_manifest_free(m);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_id_is_found),
		cmocka_unit_test(notes_without_build_id_are_told),
		cmocka_unit_test(notes_cut_or_flipped_stay_in_bounds),
		cmocka_unit_test(only_the_build_id_decides),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
