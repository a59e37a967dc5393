/* SPDX-License-Identifier: Apache-2.0 */
/* An initramfs: an uncompressed "newc" cpio archive, which the kernel unpacks
 * into its first root file system (Documentation/driver-api/early-userspace/
 * buffer-format.rst in the kernel source). */
#ifndef SUTURE_BUILDER_TRY_INITRAMFS_H
#define SUTURE_BUILDER_TRY_INITRAMFS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { SUT_INITRAMFS_FILE_MAX = 256 << 20 };

struct sut_initramfs;

/* Starts an archive at path; it is complete after sut_initramfs_finish(). */
int sut_initramfs_new(const char *path, struct sut_initramfs **ret,
		      struct sut_err *err) _must_check_;
void sut_initramfs_freep(struct sut_initramfs **fs);

/* Paths inside are absolute; missing parent folders are added. A path that
 * was added before is left as it is. */
int sut_initramfs_dir(struct sut_initramfs *fs, const char *path, mode_t mode,
		      struct sut_err *err) _must_check_;
int sut_initramfs_data(struct sut_initramfs *fs, const char *path, mode_t mode, const void *data,
		       size_t len, struct sut_err *err) _must_check_;
int sut_initramfs_symlink(struct sut_initramfs *fs, const char *path, const char *to,
			  struct sut_err *err) _must_check_;

/* A file of this machine with its mode; of a dynamic program also the
 * interpreter and the libraries it needs, at the paths they have here. */
int sut_initramfs_file(struct sut_initramfs *fs, const char *path, const char *src,
		       struct sut_err *err) _must_check_;

int sut_initramfs_finish(struct sut_initramfs *fs, struct sut_err *err) _must_check_;

#endif
