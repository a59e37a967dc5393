// SPDX-License-Identifier: Apache-2.0
#include "target/modinfo.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { MODULE_MAX = 64 << 20 };

const char *sut_modinfo_get(const void *data, size_t len, const char *tag)
{
	const uint8_t *d = data;
	size_t n = strlen(tag);
	Elf64_Shdr h, str;
	Elf64_Ehdr e;

	if (len < sizeof(e))
		return NULL;
	memcpy(&e, d, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_shentsize != sizeof(h) ||
	    e.e_shstrndx >= e.e_shnum || e.e_shoff > len ||
	    (size_t)e.e_shnum * sizeof(h) > len - e.e_shoff)
		return NULL;
	memcpy(&str, d + e.e_shoff + (size_t)e.e_shstrndx * sizeof(h), sizeof(str));
	if (str.sh_offset > len || str.sh_size > len - str.sh_offset)
		return NULL;
	for (unsigned int i = 0; i < e.e_shnum; i++) {
		const char *p, *end;

		memcpy(&h, d + e.e_shoff + (size_t)i * sizeof(h), sizeof(h));
		if (h.sh_type != SHT_PROGBITS || h.sh_offset > len ||
		    h.sh_size > len - h.sh_offset || h.sh_name >= str.sh_size ||
		    str.sh_size - h.sh_name < sizeof(".modinfo") ||
		    memcmp(d + str.sh_offset + h.sh_name, ".modinfo", sizeof(".modinfo")))
			continue;
		p = (const char *)d + h.sh_offset;
		end = p + h.sh_size;
		while (p < end) {
			size_t left = (size_t)(end - p), l = strnlen(p, left);

			if (l == left)
				return NULL;
			if (l > n && !memcmp(p, tag, n) && p[n] == '=')
				return p + n + 1;
			p += l + 1;
		}
	}
	return NULL;
}

static void freep_archive(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int read_module(const char *path, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(freep_archive) struct archive *a = archive_read_new();
	struct archive_entry *entry;
	uint8_t chunk[65536];
	la_ssize_t n;

	if (!a)
		return sut_err_oom(err);
	if (archive_read_support_filter_all(a) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_filename(a, path, 65536) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return sut_err_set(err, EBADMSG, "cannot read %s: %s", path,
				   archive_error_string(a));
	while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0)
		if (sut_buf_add(out, chunk, (size_t)n) < 0)
			return sut_err_set(err, EFBIG, "%s is too large for a kernel module", path);
	if (n < 0)
		return sut_err_set(err, EBADMSG, "%s is damaged: %s", path,
				   archive_error_string(a));
	return 0;
}

static void freep_fts(FTS **f)
{
	if (*f)
		fts_close(*f);
}

int sut_modinfo_vermagic(const char *dir, char **ret, struct sut_err *err)
{
	char *const paths[] = {(char *)dir, NULL};
	_cleanup_(freep_fts) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	if (!fts)
		return sut_err_errno(err, "cannot read the folder %s", dir);
	while ((e = fts_read(fts))) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(MODULE_MAX);
		const char *v;
		int r;

		if (e->fts_info != FTS_F ||
		    (!sut_endswith(e->fts_name, ".ko") && !strstr(e->fts_name, ".ko.")))
			continue;
		r = read_module(e->fts_path, &b, err);
		if (r < 0)
			return r;
		v = sut_modinfo_get(b.data, b.len, "vermagic");
		if (!v)
			return sut_err_set(err, EBADMSG, "%s has no vermagic", e->fts_path);
		*ret = strdup(v);
		return *ret ? 0 : sut_err_oom(err);
	}
	return sut_err_set(err, ENOENT, "there is no kernel module below %s", dir);
}
