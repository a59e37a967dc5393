/* SPDX-License-Identifier: Apache-2.0 */
/* The structures of a library patch's payload as they lie in its bytes (docs/formats/library.md): for its reader and its writer. */
#ifndef SUTURE_PATCH_LIBRARY_WIRE_H
#define SUTURE_PATCH_LIBRARY_WIRE_H

#include "patch/library.h"

#define WIRE_MAGIC "SUTULIB1"

enum {
	WIRE_VERSION = 1,
	WIRE_MACHINE = 62, /* EM_X86_64 */
	WIRE_FRAMES = 1,   /* flag */
};

struct wire_head {
	char magic[8];
	uint32_t version, machine;
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	uint32_t flags, nfuncs, nranges, nrelocs, nimports, bytes_len, names_len;
	uint32_t head_len, exec_len, data_off, image_len, mem_len, eh_frame_off, eh_frame_len;
	uint8_t zero[36];
};

struct wire_func {
	uint64_t vaddr;
	uint32_t size, span, bytes, redirect, jump_off, new_off, new_size, name;
	uint64_t island;
	uint8_t island_bytes[5], zero[43];
};

struct wire_range {
	uint64_t vaddr;
	uint32_t size, bytes, name, kind;
	uint8_t zero[8];
};

struct wire_reloc {
	uint32_t off;
	uint8_t field, base;
	uint16_t zero1;
	uint32_t import, zero2;
	int64_t addend;
};

struct wire_import {
	uint32_t name, version, weak, zero;
};

_Static_assert(sizeof(struct wire_head) == 128, "no padding");
_Static_assert(sizeof(struct wire_func) == 96, "no padding");
_Static_assert(sizeof(struct wire_range) == 32, "no padding");
_Static_assert(sizeof(struct wire_reloc) == 24, "no padding");
_Static_assert(sizeof(struct wire_import) == 16, "no padding");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "payloads are little-endian");

/* Zeros behind a part of n bytes. */
static inline size_t wire_pad(size_t n)
{
	return (8 - n % 8) % 8;
}

#endif
