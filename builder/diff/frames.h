/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .eh_frame of a relocatable object: how to unwind through each function, and where its exception handlers are described
 * (Linux Standard Base, "Exception Frames"). Pointers are relative to themselves with 4 bytes (DW_EH_PE_pcrel | sdata4), as
 * gcc writes them for x86-64 position-independent code; other forms are an error.
 */
#ifndef SUTURE_BUILDER_FRAMES_H
#define SUTURE_BUILDER_FRAMES_H

#include "elf/object.h"

enum { SUT_FRAMES_MAX = 1 << 20 };

/* What several functions have in common (CIE). Offsets are in the section. */
struct sut_frame_common {
	uint32_t off, len;    /* len: with the length field */
	uint32_t personality; /* offset of the pointer; 0: none */
	bool lsda;	      /* its frames have a pointer to a table of handlers */
};

/* One function, or split-off part of one (FDE). */
struct sut_frame {
	uint32_t off, len;
	uint32_t common;   /* index */
	uint32_t section;  /* of the code; 0: code that is not there */
	uint64_t start;	   /* of the code in it */
	uint64_t size;	   /* of the code */
	uint32_t lsda_at;  /* offset of the pointer to the table of handlers; 0: none */
	uint32_t lsda;	   /* its section; 0: none */
	uint64_t lsda_off; /* place in it */
};

struct sut_frames {
	uint32_t eh; /* index of .eh_frame; 0: none */
	struct sut_frame_common *commons;
	size_t ncommons;
	struct sut_frame *v; /* as in the section */
	size_t n;
};

/* A pure function of the object. -EBADMSG with what is wrong, -EOPNOTSUPP (reason "frames") for forms that are not known here. */
int sut_frames_read(const struct sut_object *o, struct sut_frames *ret,
		    struct sut_err *err) _must_check_;
void sut_frames_release(struct sut_frames *f);

#endif
