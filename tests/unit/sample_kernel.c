// SPDX-License-Identifier: Apache-2.0
#include "sample_kernel.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

const uint8_t sample_notes[36] = {4,   0,   0,	 0,  20, 0,  0,	 0,  3,	 0,  0,	 0,
				  'G', 'N', 'U', 0,  1,	 2,  3,	 4,  5,	 6,  7,	 8,
				  9,   10,  11,	 12, 13, 14, 15, 16, 17, 18, 19, 20};

static void must(int ok)
{
	if (!ok)
		abort();
}

void sample_elf(struct sut_buf *out, const struct sample_section *s, size_t n)
{
	_cleanup_buf_ struct sut_buf names = SUT_BUF_INIT(1 << 16), body = SUT_BUF_INIT(1 << 24);
	Elf64_Shdr *h = calloc(n + 2, sizeof(*h));
	Elf64_Ehdr e = {.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_ehsize = sizeof(e),
			.e_shentsize = sizeof(*h),
			.e_shnum = (uint16_t)(n + 2),
			.e_shstrndx = (uint16_t)(n + 1)};

	must(h != NULL);
	memcpy(e.e_ident, ELFMAG, SELFMAG);
	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	e.e_ident[EI_VERSION] = EV_CURRENT;
	must(sut_buf_add(&names, "", 1) == 0);
	for (size_t i = 0; i < n; i++) {
		h[i + 1] = (Elf64_Shdr){.sh_name = (uint32_t)names.len,
					.sh_type = s[i].type,
					.sh_flags = s[i].flags,
					.sh_addr = s[i].addr,
					.sh_offset = sizeof(e) + body.len,
					.sh_size = s[i].size};
		must(sut_buf_add(&names, s[i].name, strlen(s[i].name) + 1) == 0);
		if (s[i].data)
			must(sut_buf_add(&body, s[i].data, s[i].size) == 0);
	}
	h[n + 1] = (Elf64_Shdr){.sh_name = (uint32_t)names.len,
				.sh_type = SHT_STRTAB,
				.sh_offset = sizeof(e) + body.len};
	must(sut_buf_addstr(&names, ".shstrtab") == 0 && sut_buf_addzero(&names, 1) == 0);
	h[n + 1].sh_size = names.len;
	must(sut_buf_add(&body, names.data, names.len) == 0);
	must(sut_buf_align(&body, 8) == 0);
	e.e_shoff = sizeof(e) + body.len;
	must(sut_buf_add(out, &e, sizeof(e)) == 0);
	must(sut_buf_add(out, body.data, body.len) == 0);
	must(sut_buf_add(out, h, (n + 2) * sizeof(*h)) == 0);
	free(h);
}

static la_ssize_t write_out(struct archive *a, void *arg, const void *data, size_t len)
{
	(void)a;
	return sut_buf_add(arg, data, len) < 0 ? -1 : (la_ssize_t)len;
}

void sample_bzimage(struct sut_buf *out, const char *filter, const void *data, size_t len)
{
	_cleanup_buf_ struct sut_buf packed = SUT_BUF_INIT(1 << 24);
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	uint8_t setup[2 * 512] = {[0x1f1] = 1};
	uint32_t v;

	must(a && entry);
	must(archive_write_set_format_raw(a) == ARCHIVE_OK);
	must(archive_write_add_filter_by_name(a, filter) == ARCHIVE_OK);
	must(archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK);
	must(archive_write_open(a, &packed, NULL, write_out, NULL) == ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "kernel");
	must(archive_write_header(a, entry) == ARCHIVE_OK);
	must(archive_write_data(a, data, len) == (la_ssize_t)len);
	must(archive_write_close(a) == ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(a);
	/* kbuild puts the size behind; gzip ends with it already. */
	v = (uint32_t)len;
	if (strcmp(filter, "gzip") != 0)
		must(sut_buf_add(&packed, &v, 4) == 0);
	memcpy(setup + 0x202, "HdrS\x0f\x02", 6);
	v = 16; /* payload_offset: some loader code comes first */
	memcpy(setup + 0x248, &v, 4);
	v = (uint32_t)packed.len;
	memcpy(setup + 0x24c, &v, 4);
	must(sut_buf_add(out, setup, sizeof(setup)) == 0);
	must(sut_buf_addzero(out, 16) == 0);
	must(sut_buf_add(out, packed.data, packed.len) == 0);
	must(sut_buf_addstr(out, "loader code behind the payload") == 0);
}
