// SPDX-License-Identifier: Apache-2.0
#include "target/vmlinuz.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/* The kernel's Documentation/x86/boot.rst, "The Real-Mode Kernel Header". */
enum {
	SETUP_SECTS = 0x1f1,	/* u8, 0 means 4 */
	HEADER_MAGIC = 0x202,	/* "HdrS" */
	BOOT_VERSION = 0x206,	/* u16 */
	PAYLOAD_OFFSET = 0x248, /* u32, from the end of the setup sectors */
	PAYLOAD_LENGTH = 0x24c, /* u32 */
	HEADER_END = 0x250,
	SECTOR = 512,
};

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void freep_archive(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int decompress(const uint8_t *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(freep_archive) struct archive *a = archive_read_new();
	struct archive_entry *entry;
	uint8_t chunk[65536];
	la_ssize_t n;

	if (!a)
		return sut_err_oom(err);
	if (archive_read_support_filter_all(a) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_memory(a, data, len) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return sut_err_set(
			err, EBADMSG,
			"the compressed kernel is damaged, or its compression is not known: %s",
			archive_error_string(a));
	while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0) {
		int r = sut_buf_add(out, chunk, (size_t)n);

		if (r == -ENOBUFS)
			return sut_err_set(err, EFBIG,
					   "the kernel unpacks to more than the limit of %zu bytes",
					   out->max);
		if (r < 0)
			return sut_err_oom(err);
	}
	if (n < 0)
		return sut_err_set(err, EBADMSG, "the compressed kernel is damaged: %s",
				   archive_error_string(a));
	return 0;
}

int sut_vmlinuz_unpack(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf elf = SUT_BUF_INIT(out->max - out->len);
	const uint8_t *d = data;
	uint64_t start, size;
	uint32_t unpacked;
	int r;

	if (len < HEADER_END || memcmp(d + HEADER_MAGIC, "HdrS", 4))
		return sut_err_set(err, EBADMSG, "this is not a bootable x86 kernel image");
	if ((d[BOOT_VERSION] | d[BOOT_VERSION + 1] << 8) < 0x208)
		return sut_err_set(err, EBADMSG,
				   "the kernel image has a boot protocol before 2.08");
	start = ((uint64_t)(d[SETUP_SECTS] ? d[SETUP_SECTS] : 4) + 1) * SECTOR +
		get32(d + PAYLOAD_OFFSET);
	size = get32(d + PAYLOAD_LENGTH);
	if (size < 8 || start > len || size > len - start)
		return sut_err_set(err, EBADMSG, "the kernel image is cut off");
	/* The last four bytes are the unpacked size. In gzip they are part of
	 * the format; everywhere else kbuild has put them behind it. */
	unpacked = get32(d + start + size - 4);
	if (memcmp(d + start, "\x1f\x8b", 2))
		size -= 4;
	r = decompress(d + start, size, &elf, err);
	if (r < 0)
		return r;
	if (elf.len != unpacked)
		return sut_err_set(err, EBADMSG,
				   "the kernel unpacks to %zu bytes, its header says %u", elf.len,
				   unpacked);
	if (elf.len < sizeof(Elf64_Ehdr) || memcmp(elf.data, ELFMAG, SELFMAG))
		return sut_err_set(err, EBADMSG, "the kernel image does not hold an ELF file");
	return sut_buf_add(out, elf.data, elf.len) < 0 ? sut_err_oom(err) : 0;
}
