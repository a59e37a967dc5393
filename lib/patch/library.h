/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a library patch: the member that the manifest's object names, for one shared library or executable
 * (docs/formats/library.md is the contract). suture-build writes it, the process engine reads it.
 *
 * "vaddr" is an address as in the program headers of the target; in a process it is moved by the target's bias.
 */
#ifndef SUTURE_PATCH_LIBRARY_H
#define SUTURE_PATCH_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	SUT_LIBRARY_ABI = 1, /* engine.abi of a library's manifest */
	SUT_LIBRARY_BUILD_ID_LEN = 20,
	SUT_LIBRARY_FUNCS_MAX = 4096,
	SUT_LIBRARY_RANGES_MAX = 16384,
	SUT_LIBRARY_RELOCS_MAX = 1 << 20,
	SUT_LIBRARY_IMPORTS_MAX = 4096,
	SUT_LIBRARY_FUNC_MAX = 1 << 20, /* bytes of one old or new function */
	SUT_LIBRARY_NAME_MAX = 512,	/* bytes of a name with its NUL: C++ names are long */
	SUT_LIBRARY_IMAGE_MAX = 16 << 20,
	SUT_LIBRARY_MAX = 32 << 20, /* the whole payload */
	SUT_LIBRARY_PAGE = 4096,
	/* Room that the engine has at the start of the image for its record in the process: this, and for each function: */
	SUT_LIBRARY_HEAD = 512,
	SUT_LIBRARY_HEAD_FUNC = 64,
};

enum sut_library_redirect {
	SUT_LIBRARY_JUMP = 1, /* e9 rel32 at vaddr + jump_off */
	SUT_LIBRARY_ISLAND =
		2, /* eb rel8 at vaddr + jump_off, to e9 rel32 in padding at `island` */
};

/* A function of the target that is replaced. */
struct sut_library_func {
	const char *name;
	uint64_t vaddr;
	uint32_t size; /* of the original */
	/* Bytes from vaddr that must be there: size, and padding behind it where the jump needs it. */
	uint32_t span;
	const uint8_t *bytes; /* span of them, as shipped */
	uint32_t redirect;    /* enum sut_library_redirect */
	uint32_t jump_off;    /* 4 behind an endbr64, else 0 */
	uint64_t island;      /* vaddr; 0 unless ISLAND */
	uint8_t island_bytes[5];
	uint32_t new_off, new_size; /* in the image, within its executable part */
};

enum sut_library_range_kind {
	SUT_LIBRARY_CHILD = 1, /* split off a replaced function (.cold) */
	SUT_LIBRARY_BUSY = 2,  /* not replaced, and nobody may be inside at the switch */
	SUT_LIBRARY_CHECK = 3, /* only its bytes are compared: what the new code relies on */
};

struct sut_library_range {
	const char *name;
	uint64_t vaddr;
	uint32_t size;
	const uint8_t *bytes; /* size of them */
	uint32_t kind;	      /* enum sut_library_range_kind */
};

enum sut_library_base {
	SUT_LIBRARY_TARGET =
		1, /* S = bias + addend: also PLT stubs, GOT slots, TLS slots that the target has */
	SUT_LIBRARY_IMAGE = 2,	/* S = address of the image + addend */
	SUT_LIBRARY_IMPORT = 3, /* S = address of the import + addend */
};

enum sut_library_field {
	SUT_LIBRARY_ABS64 = 1, /* 8 bytes: S */
	SUT_LIBRARY_PC32 = 2,  /* 4 bytes: S - P, which must fit; any "- 4" is in the addend */
};

struct sut_library_reloc {
	uint32_t off;	 /* of the field, in the image */
	uint32_t field;	 /* enum sut_library_field */
	uint32_t base;	 /* enum sut_library_base */
	uint32_t import; /* index; 0 unless IMPORT */
	int64_t addend;
};

/* A symbol that the target itself does not import: looked up in the process, in the order of its global scope. */
struct sut_library_import {
	const char *name, *version; /* version "" for none */
	bool weak;		    /* may be missing: 0 then */
};

struct sut_library {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	/*
	 * The image: [0, exec_len) is mapped r-x and holds code, constants and unwind tables; from the next page on
	 * [data_off, mem_len) is mapped rw-, and everything from image_len on is zero. data_off is a multiple of the page;
	 * without data data_off == mem_len == image_len rounded up. The first head_len bytes are zero here: the engine's.
	 */
	const uint8_t *image;
	uint32_t head_len, exec_len, data_off, image_len, mem_len;
	uint32_t eh_frame_off,
		eh_frame_len; /* within the executable part; ends with a zero word; len 0: none */
	bool frames; /* exceptions may pass through the new code: eh_frame is to be registered */
	const struct sut_library_func *funcs; /* by vaddr */
	size_t nfuncs;
	const struct sut_library_range *ranges; /* by vaddr; no two of funcs and ranges overlap */
	size_t nranges;
	const struct sut_library_reloc *relocs; /* by off; no two overlap */
	size_t nrelocs;
	const struct sut_library_import *imports;
	size_t nimports;
	void *priv; /* what belongs to sut_library_parse() */
};

/* Room for the engine's record of n functions: a multiple of 64. */
uint32_t sut_library_head_len(size_t n);

/*
 * Checks everything that is promised above, and that every range, field and new function lies where it may. The bytes must
 * outlive the result: image, bytes and names point into them. -EBADMSG (reason "payload"), -EPROTONOSUPPORT (reason "version").
 */
int sut_library_parse(const void *data, size_t len, struct sut_library **ret,
		      struct sut_err *err) _must_check_;
void sut_library_free(struct sut_library *l);
void sut_library_freep(struct sut_library **l);

/*
 * Adds the payload for l to *out (its maximum should be SUT_LIBRARY_MAX). funcs, ranges and relocs are sorted here; what the parser
 * would refuse is refused (-EINVAL). The same input gives the same bytes.
 */
int sut_library_write(const struct sut_library *l, struct sut_buf *out,
		      struct sut_err *err) _must_check_;

#endif
