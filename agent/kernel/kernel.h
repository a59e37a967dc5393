/* SPDX-License-Identifier: Apache-2.0 */
/* The running kernel: what it is called and which build it is. */
#ifndef SUTURE_AGENT_KERNEL_H
#define SUTURE_AGENT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "patch/manifest.h"

enum { SUT_NOTES_MAX = 64 << 10 };

struct sut_kernel {
	char release[65]; /* uname -r */
	char machine[65]; /* uname -m */
	uint8_t build_id[SUTURE_BUILD_ID_LEN];
};

/* The GNU build-id among ELF notes (gABI, "Note Section"; 4-byte aligned, in
 * this machine's byte order). -ENOENT without one, -EBADMSG when malformed. */
int sut_notes_build_id(const void *notes, size_t len, uint8_t ret[static SUTURE_BUILD_ID_LEN],
		       struct sut_err *err) _must_check_;

/* From uname(2) and /sys/kernel/notes. */
int sut_kernel_read(struct sut_kernel *ret, struct sut_err *err) _must_check_;

/* 0, or -ENOEXEC (reason "wrong-kernel") when the patch is for another build. */
int sut_kernel_check(const struct sut_kernel *k, const struct sut_manifest *m,
		     struct sut_err *err) _must_check_;

#endif
