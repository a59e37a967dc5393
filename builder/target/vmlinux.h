/* SPDX-License-Identifier: Apache-2.0 */
/* The unpacked kernel: an ELF file with sections and without symbols. */
#ifndef SUTURE_BUILDER_VMLINUX_H
#define SUTURE_BUILDER_VMLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "target/profile.h"

enum { SUT_VMLINUX_SECTIONS_MAX = 4096 };

struct sut_vmlinux_section {
	const char *name;
	uint64_t addr, size;
	const uint8_t *data; /* NULL: no contents in the file */
	bool alloc;	     /* in memory at run time */
};

struct sut_vmlinux {
	struct sut_vmlinux_section *sections; /* in the file's order, without the null section */
	size_t n;
	uint8_t build_id[SUT_BUILD_ID_LEN];
};

/* data must stay as long as the result is used. -EBADMSG for what is no
 * x86-64 executable with section headers and a build-id. */
int sut_vmlinux_parse(const void *data, size_t len, struct sut_vmlinux *ret,
		      struct sut_err *err) _must_check_;
void sut_vmlinux_release(struct sut_vmlinux *v);

/* NULL when there is none of that name. */
const struct sut_vmlinux_section *sut_vmlinux_section(const struct sut_vmlinux *v,
						      const char *name);

/* The run-time section that contains addr; NULL when there is none. */
const struct sut_vmlinux_section *sut_vmlinux_at(const struct sut_vmlinux *v, uint64_t addr);

/* len bytes at addr; NULL when they are not wholly in one section with contents. */
const uint8_t *sut_vmlinux_bytes(const struct sut_vmlinux *v, uint64_t addr, size_t len);

#endif
