/* SPDX-License-Identifier: Apache-2.0 */
/* Files: bounded reading, the one way of writing, folders, locks. */
#ifndef SUTURE_BASE_FILE_H
#define SUTURE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Adds the whole file to *b, or leaves *b as it was. -EFBIG when it would pass b->max. Works on
 * pipes and on /proc and /sys files, whose size is not known beforehand. */
int sut_file_read(const char *path, struct sut_buf *b, struct sut_err *err) _must_check_;
int sut_file_read_fd(int fd, const char *name, struct sut_buf *b, struct sut_err *err) _must_check_;

/* Writes a temporary file beside path, fsyncs it, renames it over path and
 * fsyncs the folder: after a crash either the old or the new content is there.
 * A path that names a device, a folder or a pipe is refused with -EINVAL. */
int sut_file_write(const char *path, const void *data, size_t len, mode_t mode,
		   struct sut_err *err) _must_check_;

/* Creates path and its parents (0755); an existing folder is fine. */
int sut_mkdir_p(const char *path, struct sut_err *err) _must_check_;

/* Removes path and all under it, without following symbolic links or entering
 * another file system; a path that is not there is fine. */
int sut_rm_rf(const char *path, struct sut_err *err) _must_check_;

bool sut_exists(const char *path);

/* A fresh private folder under $TMPDIR or /var/tmp; the name is returned. */
int sut_tmpdir(const char *tag, char **ret, struct sut_err *err) _must_check_;

/* Takes an exclusive lock on path (created when missing, for its owner only) and waits for it.
 * The lock is held until the returned descriptor is closed. */
int sut_lock(const char *path, int *ret_fd, struct sut_err *err) _must_check_;

#endif
