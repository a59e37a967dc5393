/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a library patch while it is made: bytes in two parts (code and constants, variables), and fields that are to be
 * filled in when it is known where everything lies. What the field means can be of the image itself, of the target, or an import.
 */
#ifndef SUTURE_BUILDER_LIBRARY_IMAGE_H
#define SUTURE_BUILDER_LIBRARY_IMAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "patch/library.h"

enum sut_image_part { SUT_IMAGE_EXEC, SUT_IMAGE_DATA, SUT_IMAGE_BSS };

enum sut_image_where {
	SUT_IMAGE_OWN,	  /* of the image: part and off */
	SUT_IMAGE_TARGET, /* vaddr of the target */
	SUT_IMAGE_IMPORT, /* index */
	SUT_IMAGE_NUMBER, /* a constant */
};

struct sut_image_place {
	enum sut_image_where where;
	enum sut_image_part part; /* OWN */
	uint64_t value;		  /* offset in the part, vaddr, index, or the constant */
};

enum sut_image_form {
	SUT_IMAGE_ABS64,
	SUT_IMAGE_PC32,
	SUT_IMAGE_NUM32, /* NUMBER only; must fit, signed */
	SUT_IMAGE_NUM64,
};

struct sut_image_field {
	enum sut_image_part part;
	uint32_t off;
	enum sut_image_form form;
	struct sut_image_place to;
	int64_t addend;
	const char *name; /* for messages; not owned */
};

struct sut_image_slot {
	struct sut_image_place to;
	uint32_t off;  /* of the 8 bytes, in EXEC */
	uint32_t jump; /* of a "jmp *slot", in EXEC; 0: none */
};

struct sut_image {
	uint32_t head_len;
	struct sut_buf exec, data;
	uint32_t bss_len; /* behind data */
	uint32_t bss_align;
	struct sut_image_field *fields;
	size_t nfields, fields_max;
	struct sut_image_slot *slots; /* pointers of the image to elsewhere */
	size_t nslots;
	/* Made by sut_image_finish(). */
	struct sut_buf all;
	struct sut_library_reloc *relocs;
	size_t nrelocs;
	uint32_t data_off, mem_len;
};

/* nfuncs: functions that will be replaced: so large is the room for the engine's record. */
int sut_image_begin(struct sut_image *m, size_t nfuncs) _must_check_;
/* Adds bytes (NULL: zeros; always so in BSS); *ret_off: where in the part. -ENOMEM, -ENOBUFS. */
int sut_image_add(struct sut_image *m, enum sut_image_part part, const void *data, uint64_t len,
		  uint64_t align, uint8_t pad, uint64_t *ret_off) _must_check_;
int sut_image_field(struct sut_image *m, const struct sut_image_field *f) _must_check_;
/* 8 bytes in the image that hold the address (or number): as a slot of a GOT would. */
int sut_image_slot(struct sut_image *m, const struct sut_image_place *to, uint64_t addend,
		   struct sut_image_place *ret) _must_check_;
/* Code that jumps to what `slot` (8 bytes, anywhere in reach) holds. */
int sut_image_jump(struct sut_image *m, const struct sut_image_place *slot,
		   struct sut_image_place *ret) _must_check_;

/* Puts it together: m->all, relocs, data_off, mem_len. -ERANGE: a field does not reach. */
int sut_image_finish(struct sut_image *m, struct sut_err *err) _must_check_;
void sut_image_release(struct sut_image *m);

#endif
