// SPDX-License-Identifier: Apache-2.0
/* patch/container.h: the file as a whole, well-formed and hostile. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "unit.h"
#include "base/str.h"
#include "patch/container.h"
#include "patch/expect.h"
#include "patch/tar.h"
#include "sample_patch.h"

#define BUF SUT_BUF_INIT(SUT_PATCH_UNPACKED_MAX)

/* The bytes are refused with that reason and those words; nothing is returned.
 * They are copied to memory of exactly that size, so that ASan sees a read past it. */
static void assert_refused(const void *data, size_t len, const char *reason, const char *says)
{
	_cleanup_(sut_freep) uint8_t *copy = malloc(len ? len : 1);
	struct sut_patch *p = NULL;
	struct sut_err err = {0};

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	assert_int_equal(sut_patch_parse(copy, len, &p, &err), -EBADMSG);
	assert_null(p);
	if (reason)
		assert_string_equal(err.reason, reason);
	if (says && !strstr(err.msg, says))
		fail_msg("'%s' is not in '%s'", says, err.msg);
}

static void assert_tar_refused(const struct sut_buf *tar, const char *reason, const char *says)
{
	_cleanup_buf_ struct sut_buf b = BUF;

	sample_compress(tar, &b);
	assert_refused(b.data, b.len, reason, says);
}

static void packed_patch_is_read_back(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	struct sut_err err = {0};
	const struct sut_member *m;

	sample_patch(&b);
	assert_int_equal(sut_patch_parse(b.data, b.len, &p, &err), 0);
	assert_int_equal(p->nmembers, SAMPLE_MEMBERS);
	assert_string_equal(json_string_value(json_object_get(p->manifest, "id")), "K20261121_01");
	m = sut_patch_member(p, "vmlinux.ko");
	assert_non_null(m);
	assert_int_equal(m->len, 700);
	assert_int_equal(m->data[1], 167);
	assert_non_null(sut_patch_member(p, "fix-1.patch"));
	assert_null(sut_patch_member(p, "manifest.json"));
	assert_null(sut_patch_member(p, "vmlinux"));
}

static void same_input_gives_the_same_bytes(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf a = BUF, b = BUF;

	sample_patch(&a);
	sample_patch(&b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

/* A judge that is not ours: any tar must be able to look inside. */
static void another_implementation_reads_it(void **state _unused_)
{
	static const char *const names[] = {"manifest.json", "vmlinux.ko", "vmlinux.expect",
					    "fix-1.patch"};
	_cleanup_buf_ struct sut_buf b = BUF;
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	size_t n = 0;

	sample_patch(&b);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, b.data, b.len), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		assert_in_range(n, 0, SUT_ARRAY_SIZE(names) - 1);
		assert_string_equal(archive_entry_pathname(e), names[n++]);
		assert_int_equal(archive_entry_filetype(e), AE_IFREG);
		assert_int_equal(archive_entry_perm(e), 0644);
		assert_int_equal(archive_entry_mtime(e), SAMPLE_MTIME);
		assert_int_equal(archive_entry_uid(e), 0);
		if (n == 2) {
			uint8_t data[701];

			assert_int_equal(archive_read_data(a, data, sizeof(data)), 700);
			assert_int_equal(data[1], 167);
		}
	}
	assert_int_equal(archive_format(a), ARCHIVE_FORMAT_TAR_USTAR);
	assert_int_equal(n, SUT_ARRAY_SIZE(names));
	archive_read_free(a);
}

static void file_cut_at_any_byte_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;

	sample_patch(&b);
	for (size_t n = 0; n < b.len; n++)
		assert_refused(b.data, n, "truncated", "Download it again");
}

static void any_flipped_bit_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;

	sample_patch(&b);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			b.data[i] ^= (uint8_t)(1 << bit);
			assert_refused(b.data, b.len, NULL, ". ");
			b.data[i] ^= (uint8_t)(1 << bit);
		}
	}
}

/* Behind the digest: an attacker can make a valid file of anything. */
static void any_flipped_bit_of_the_tar_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;
	size_t manifest_end, accepted = 0;

	sample_tar(&tar);
	manifest_end = SUT_TAR_BLOCK + 4096;
	for (size_t i = 0; i < tar.len; i++) {
		_cleanup_buf_ struct sut_buf b = BUF;
		struct sut_patch *p = NULL;
		struct sut_err err = {0};
		unsigned int bit = i % 8;

		tar.data[i] ^= (uint8_t)(1 << bit);
		sample_compress(&tar, &b);
		if (sut_patch_parse(b.data, b.len, &p, &err) == 0) {
			/* Only a value of the manifest can change unseen. */
			assert_in_range(i, SUT_TAR_BLOCK, manifest_end);
			accepted++;
		}
		sut_patch_free(p);
		tar.data[i] ^= (uint8_t)(1 << bit);
	}
	assert_in_range(accepted, 1, 1500);
}

static void tar_cut_at_any_block_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;
	size_t full;

	sample_tar(&tar);
	full = tar.len;
	for (size_t n = 0; n < full; n += SUT_TAR_BLOCK / 2) {
		tar.len = n;
		assert_tar_refused(&tar, "container", NULL);
	}
}

static void wrong_file_is_recognised(void **state _unused_)
{
	static const char html[] = "<html><body>404 Not Found</body></html>";
	static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};

	assert_refused("", 0, "truncated", "empty");
	assert_refused(html, sizeof(html), "format", "not a patch file");
	assert_refused(skippable, sizeof(skippable), "format", "not a patch file");
}

static void bytes_behind_the_end_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF, tar = BUF;
	size_t len;

	sample_patch(&b);
	len = b.len;
	assert_int_equal(sut_buf_add(&b, "x", 1), 0);
	assert_refused(b.data, b.len, "trailing", "1 bytes after its end");
	/* A second frame, valid by itself, is still something behind the end. */
	b.len = len;
	sample_patch(&b);
	assert_refused(b.data, b.len, "trailing", NULL);

	sample_tar(&tar);
	assert_int_equal(sut_buf_addzero(&tar, SUT_TAR_BLOCK), 0);
	assert_tar_refused(&tar, "container", "behind its end");
}

static void frame_without_size_or_checksum_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;
	uint8_t out[16384];
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t n;

	sample_tar(&tar);
	n = ZSTD_compress2(ctx, out, sizeof(out), tar.data, tar.len);
	assert_false(ZSTD_isError(n));
	assert_refused(out, n, "format", "checksum");
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(ctx, out, sizeof(out), tar.data, tar.len);
	assert_false(ZSTD_isError(n));
	assert_refused(out, n, "format", "does not say");
	ZSTD_freeCCtx(ctx);
}

static void decompression_bomb_is_refused_unopened(void **state _unused_)
{
	/* Magic, descriptor (8-byte size, single segment, checksum), 1 TiB. */
	uint8_t bomb[64] = {0x28, 0xb5, 0x2f, 0xfd, 0xe4, 0, 0, 0, 0, 0, 1};

	assert_refused(bomb, sizeof(bomb), "limit", "would unpack to");
	/* 256 MiB is within the limit, but there is nothing behind it. */
	memset(bomb + 5, 0, 8);
	bomb[8] = 0x10;
	assert_refused(bomb, sizeof(bomb), NULL, NULL);
}

static void oversized_file_is_refused(void **state _unused_)
{
	/* Never touched beyond the first byte: calloc gives untouched pages. */
	uint8_t *big = calloc(1, (size_t)SUT_PATCH_FILE_MAX + 1);
	struct sut_patch *p = NULL;
	struct sut_err err = {0};

	assert_non_null(big);
	assert_int_equal(sut_patch_parse(big, (size_t)SUT_PATCH_FILE_MAX + 1, &p, &err), -EBADMSG);
	assert_string_equal(err.reason, "limit");
	free(big);
}

/* ------------------------------------------------------------------ */
/* Archives whose members do not agree with the manifest.              */

static void add(struct sut_buf *tar, const char *name, const void *data, size_t len)
{
	assert_int_equal(sut_tar_add(tar, name, data, len, SAMPLE_MTIME), 0);
}

static void add_manifest(struct sut_buf *tar, json_t *j)
{
	_cleanup_(sut_freep) char *text = json_dumps(j, 0);

	assert_non_null(text);
	add(tar, "manifest.json", text, strlen(text));
}

/* The sample with its members in any order, or other ones. */
static void assert_members_refused(const int *order, size_t n, const char *says)
{
	_cleanup_buf_ struct sut_buf tar = BUF, expect = BUF;
	struct sut_member m[SAMPLE_MEMBERS];
	json_t *j = sample_manifest_full();

	sample_expect(&expect);
	sample_members(&expect, m);
	add_manifest(&tar, j);
	json_decref(j);
	for (size_t i = 0; i < n; i++)
		add(&tar, m[order[i]].name, m[order[i]].data, m[order[i]].len);
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "container", says);
}

static void members_must_be_those_of_the_manifest(void **state _unused_)
{
	assert_members_refused((int[]){0, 1}, 2, "fix-1.patch is missing");
	assert_members_refused((int[]){1, 0, 2}, 3, "holds vmlinux.expect where");
	assert_members_refused((int[]){0, 0, 1, 2}, 4, "holds vmlinux.ko where");
	assert_members_refused((int[]){0, 1, 2, 2}, 4, "does not list");
	assert_members_refused(NULL, 0, "vmlinux.ko is missing");
}

static void changed_member_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;
	static const uint8_t same_size[700];

	for (size_t len = 699; len <= 700; len++) {
		json_t *j = sample_manifest_full();

		tar.len = 0;
		add_manifest(&tar, j);
		json_decref(j);
		add(&tar, "vmlinux.ko", same_size, len);
		assert_int_equal(sut_tar_end(&tar), 0);
		assert_tar_refused(&tar, len == 700 ? "digest" : "container",
				   len == 700 ? "vmlinux.ko has sha256" : "has 699 bytes");
	}
}

static void manifest_must_come_first_and_be_json(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{} x",
		"{\"format\":\"suture-patch\",\"format\":\"suture-patch\"}",
		"{\"format\":\"\\u0000\"}",
		"\xff\xfe",
		"null",
	};

	add(&tar, "vmlinux.ko", "x", 1);
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "container", "first member is not manifest.json");
	tar.len = 0;
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "container", "holds nothing");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		tar.len = 0;
		add(&tar, "manifest.json", texts[i], strlen(texts[i]));
		assert_int_equal(sut_tar_end(&tar), 0);
		assert_tar_refused(&tar, "manifest", "manifest.json");
	}
}

/* The two readers of a patch might believe different ones. */
static void duplicate_key_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF, text = BUF;
	json_t *j = sample_manifest_full();
	_cleanup_(sut_freep) char *good = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	assert_non_null(good);
	assert_int_equal(sut_buf_addf(&text, "{\"level\":3,%s", good + 1), 0);
	add(&tar, "manifest.json", text.data, text.len);
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "manifest", "same member twice");
}

static void deep_or_wide_json_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF, text = BUF;

	for (unsigned int i = 0; i < 100000; i++)
		assert_int_equal(sut_buf_add(&text, "[", 1), 0);
	add(&tar, "manifest.json", text.data, text.len);
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "manifest", NULL);

	tar.len = text.len = 0;
	assert_int_equal(sut_buf_addzero(&text, SUT_PATCH_MANIFEST_MAX + 1), 0);
	add(&tar, "manifest.json", text.data, text.len);
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "limit", "manifest.json has");
}

static void too_many_members_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;
	json_t *j = sample_manifest_full(), *list = json_object_get(j, "members");
	char name[32];

	for (int i = 0; i < SUT_PATCH_MEMBERS_MAX - SAMPLE_MEMBERS + 1; i++) {
		json_t *e = json_deep_copy(json_array_get(list, 0));

		snprintf(name, sizeof(name), "m%d", i);
		json_object_set_new(e, "name", json_string(name));
		json_array_append_new(list, e);
	}
	add_manifest(&tar, j);
	json_decref(j);
	assert_int_equal(sut_tar_end(&tar), 0);
	assert_tar_refused(&tar, "manifest", "members has 257 entries");
}

/* ------------------------------------------------------------------ */
/* Tar headers that are not ours.                                      */

/* Changes the first member's header and mends its checksum. */
static void poke_header(struct sut_buf *tar, size_t at, const void *bytes, size_t len)
{
	unsigned int sum = 0;
	char digits[8];

	memcpy(tar->data + at, bytes, len);
	memset(tar->data + 148, ' ', 8);
	for (size_t i = 0; i < SUT_TAR_BLOCK; i++)
		sum += tar->data[i];
	snprintf(digits, sizeof(digits), "%06o", sum);
	memcpy(tar->data + 148, digits, 7);
}

static void only_plain_files_with_plain_names(void **state _unused_)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t len;
		const char *says;
	} pokes[] = {
		{0, "../x\0", 5, "name that is not allowed"},
		{0, "/etc/x\0", 7, "name that is not allowed"},
		{0, "a/b\0", 4, "name that is not allowed"},
		{0, ".bashrc\0", 8, "name that is not allowed"},
		{0, "\0", 1, "name that is not allowed"},
		{0, "a b\0", 4, "name that is not allowed"},
		{0, "a\nb\0", 4, "name that is not allowed"},
		{156, "1", 1, "regular file"}, /* hard link */
		{156, "2", 1, "regular file"}, /* symbolic link */
		{156, "3", 1, "regular file"}, /* device */
		{156, "5", 1, "regular file"}, /* folder */
		{156, "x", 1, "regular file"}, /* pax header */
		{156, "L", 1, "regular file"}, /* GNU long name */
		{156, "S", 1, "regular file"}, /* GNU sparse */
		{156, "\0", 1, "regular file"},
		{100, "0004755", 7, "other contents"}, /* set-user-id */
		{108, "0001750", 7, "other contents"}, /* owner */
		{265, "root", 4, "other contents"},
		{345, "/etc", 4, "other contents"}, /* prefix of the name */
		{500, "x", 1, "other contents"},
		{157, "/etc/passwd", 11, "other contents"},
		{50, "hidden", 6, "other contents"}, /* behind the name's NUL */
		{124, "\x80\0\0\0\0\0\0\0\0\0\0\x05", 12, "not a number"}, /* base-256 */
		{124, "77777777777", 11, "cut short"},
		{124, "0000000001 ", 12, "not a number"},
		{136, "8", 1, "not a number"},
		{257, "ustar  ", 8, "ustar"}, /* old GNU */
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(pokes); i++) {
		_cleanup_buf_ struct sut_buf tar = BUF;

		sample_tar(&tar);
		poke_header(&tar, pokes[i].at, pokes[i].bytes, pokes[i].len);
		assert_tar_refused(&tar, "container", pokes[i].says);
	}
}

static void times_must_be_equal(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf tar = BUF;

	sample_tar(&tar);
	poke_header(&tar, 136, "00000000001", 11);
	assert_tar_refused(&tar, "container", "different times");
}

/* ------------------------------------------------------------------ */

static void packing_refuses_what_reading_would(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = BUF, expect = BUF;
	struct sut_member m[SAMPLE_MEMBERS];
	struct sut_err err = {0};
	json_t *j = sample_manifest();

	sample_expect(&expect);
	sample_members(&expect, m);
	json_object_del(j, "level");
	assert_int_equal(sut_patch_pack(j, m, SAMPLE_MEMBERS, 0, &out, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "level"));
	json_object_set_new(j, "level", json_integer(1));
	assert_int_equal(sut_patch_pack(j, m, SAMPLE_MEMBERS, -1, &out, &err), -EINVAL);
	m[2].name = (char *)"../x";
	assert_int_equal(sut_patch_pack(j, m, SAMPLE_MEMBERS, 0, &out, &err), -EINVAL);
	assert_int_equal(out.len, 0);
	json_decref(j);
}

static void missing_file_is_named(void **state _unused_)
{
	struct sut_patch *p = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_patch_read("/nonexistent/kpatch.bin", &p, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent/kpatch.bin"));
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_patch_is_read_back),
		cmocka_unit_test(same_input_gives_the_same_bytes),
		cmocka_unit_test(another_implementation_reads_it),
		cmocka_unit_test(file_cut_at_any_byte_is_refused),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(any_flipped_bit_of_the_tar_is_refused),
		cmocka_unit_test(tar_cut_at_any_block_is_refused),
		cmocka_unit_test(wrong_file_is_recognised),
		cmocka_unit_test(bytes_behind_the_end_are_refused),
		cmocka_unit_test(frame_without_size_or_checksum_is_refused),
		cmocka_unit_test(decompression_bomb_is_refused_unopened),
		cmocka_unit_test(oversized_file_is_refused),
		cmocka_unit_test(members_must_be_those_of_the_manifest),
		cmocka_unit_test(changed_member_is_refused),
		cmocka_unit_test(manifest_must_come_first_and_be_json),
		cmocka_unit_test(duplicate_key_is_refused),
		cmocka_unit_test(deep_or_wide_json_is_refused),
		cmocka_unit_test(too_many_members_are_refused),
		cmocka_unit_test(only_plain_files_with_plain_names),
		cmocka_unit_test(times_must_be_equal),
		cmocka_unit_test(packing_refuses_what_reading_would),
		cmocka_unit_test(missing_file_is_named),
	};

	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
