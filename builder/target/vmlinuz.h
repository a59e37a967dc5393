/* SPDX-License-Identifier: Apache-2.0 */
/* The bootable x86 image (bzImage) and the compressed ELF file inside it. */
#ifndef SUTURE_BUILDER_VMLINUZ_H
#define SUTURE_BUILDER_VMLINUZ_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_VMLINUX_MAX = 512 << 20 }; /* bytes of the unpacked kernel */

/*
 * Adds the decompressed payload of a bzImage (boot protocol 2.08 or newer) to
 * *out: the kernel's ELF file, and behind it the relocations for KASLR. Every
 * compression the kernel knows and libarchive reads is fine; out->max bounds
 * what is written. -EBADMSG for what is no such image.
 */
int sut_vmlinuz_unpack(const void *data, size_t len, struct sut_buf *out,
		       struct sut_err *err) _must_check_;

#endif
