// SPDX-License-Identifier: Apache-2.0
#include "try/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "try/closure.h"

struct sut_initramfs {
	struct archive *a;
	char *path;
	struct sut_strv seen; /* every path in the archive */
};

static void entry_freep(struct archive_entry **e)
{
	archive_entry_free(*e);
}

static int archive_failed(struct sut_initramfs *fs, struct sut_err *err)
{
	int e = archive_errno(fs->a);

	return sut_err_set(err, e > 0 ? e : EIO, "cannot write %s: %s", fs->path,
			   archive_error_string(fs->a) ? archive_error_string(fs->a) : "?");
}

int sut_initramfs_new(const char *path, struct sut_initramfs **ret, struct sut_err *err)
{
	_cleanup_(sut_initramfs_freep) struct sut_initramfs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return sut_err_oom(err);
	fs->path = strdup(path);
	fs->a = archive_write_new();
	if (!fs->path || !fs->a)
		return sut_err_oom(err);
	if (archive_write_set_format_cpio_newc(fs->a) != ARCHIVE_OK ||
	    archive_write_add_filter_none(fs->a) != ARCHIVE_OK ||
	    archive_write_open_filename(fs->a, path) != ARCHIVE_OK)
		return archive_failed(fs, err);
	*ret = sut_steal(fs);
	return 0;
}

void sut_initramfs_freep(struct sut_initramfs **fs)
{
	if (!*fs)
		return;
	archive_write_free((*fs)->a);
	sut_strv_release(&(*fs)->seen);
	free((*fs)->path);
	free(*fs);
}

static int add_entry(struct sut_initramfs *fs, const char *path, mode_t mode, const void *data,
		     size_t len, struct sut_err *err)
{
	_cleanup_(entry_freep) struct archive_entry *e = archive_entry_new();

	if (!e)
		return sut_err_oom(err);
	archive_entry_set_pathname(e, path + 1); /* relative to the root */
	archive_entry_set_mode(e, mode);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_nlink(e, 1);
	if (S_ISLNK(mode))
		archive_entry_set_symlink(e, data);
	else
		archive_entry_set_size(e, (int64_t)len);
	if (archive_write_header(fs->a, e) != ARCHIVE_OK)
		return archive_failed(fs, err);
	if (!S_ISLNK(mode) && len && archive_write_data(fs->a, data, len) != (la_ssize_t)len)
		return archive_failed(fs, err);
	return 0;
}

/* The path and, first, every folder above it. */
static int add(struct sut_initramfs *fs, const char *path, mode_t mode, const void *data,
	       size_t len, struct sut_err *err)
{
	_cleanup_(sut_freep) char *up = strdup(path);
	int r;

	if (!up)
		return sut_err_oom(err);
	if (path[0] != '/' || !path[1] || strstr(path, "/../"))
		return sut_err_set(err, EINVAL, "'%s' is not an absolute path inside the VM", path);
	if (sut_strv_has(&fs->seen, path))
		return 0;
	for (char *s = strchr(up + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = 0;
		if (!sut_strv_has(&fs->seen, up)) {
			r = add_entry(fs, up, S_IFDIR | 0755, NULL, 0, err);
			if (r < 0)
				return r;
			if (sut_strv_add(&fs->seen, up) < 0)
				return sut_err_oom(err);
		}
		*s = '/';
	}
	if (sut_strv_add(&fs->seen, path) < 0)
		return sut_err_oom(err);
	return add_entry(fs, path, mode, data, len, err);
}

int sut_initramfs_dir(struct sut_initramfs *fs, const char *path, mode_t mode, struct sut_err *err)
{
	return add(fs, path, S_IFDIR | mode, NULL, 0, err);
}

int sut_initramfs_data(struct sut_initramfs *fs, const char *path, mode_t mode, const void *data,
		       size_t len, struct sut_err *err)
{
	return add(fs, path, S_IFREG | mode, data, len, err);
}

int sut_initramfs_symlink(struct sut_initramfs *fs, const char *path, const char *to,
			  struct sut_err *err)
{
	return add(fs, path, S_IFLNK | 0777, to, 0, err);
}

static int add_plain(struct sut_initramfs *fs, const char *path, const char *src,
		     struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_INITRAMFS_FILE_MAX);
	struct stat st;
	int r;

	if (stat(src, &st) < 0)
		return sut_err_errno(err, "cannot read %s", src);
	if (!S_ISREG(st.st_mode))
		return sut_err_set(err, EINVAL, "%s is not a regular file", src);
	r = sut_file_read(src, &b, err);
	if (r < 0)
		return r;
	return sut_initramfs_data(fs, path, st.st_mode & 0777, b.data, b.len, err);
}

int sut_initramfs_file(struct sut_initramfs *fs, const char *path, const char *src,
		       struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv libs = {0};
	int r = add_plain(fs, path, src, err);

	if (r == 0)
		r = sut_closure_add(src, &libs, err);
	for (size_t i = 0; i < libs.n && r == 0; i++)
		r = add_plain(fs, libs.v[i], libs.v[i], err);
	return r;
}

int sut_initramfs_finish(struct sut_initramfs *fs, struct sut_err *err)
{
	return archive_write_close(fs->a) == ARCHIVE_OK ? 0 : archive_failed(fs, err);
}
