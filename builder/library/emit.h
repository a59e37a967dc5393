/* SPDX-License-Identifier: Apache-2.0 */
/* The image of a library patch out of the selected parts of several objects: code, constants, variables, unwind tables. */
#ifndef SUTURE_BUILDER_LIBRARY_EMIT_H
#define SUTURE_BUILDER_LIBRARY_EMIT_H

#include "library/resolve.h"

/* A constant of the target that new code reads directly: its bytes are compared in the process before it is used. */
struct sut_lib_reads {
	const char *name;
	uint64_t vaddr, size;
};

struct sut_lib_emitter {
	const struct sut_lib_profile *profile;
	struct sut_lib_unit *units;
	size_t nunits;
	struct sut_image image;
	struct sut_lib_resolver resolver;
	struct sut_image_place **
		place; /* per unit and atom of patched: where it is in the image, when it is included */
	struct sut_image_place *
		*handlers; /* per unit and section of patched: a table of handlers */
	struct sut_lib_reads *reads;
	size_t nreads;
	uint32_t eh_off, eh_len;
	bool frames; /* exceptions may pass */
	struct sut_refusals *refusals;
};

/* nfuncs: how many will be replaced. */
int sut_lib_emitter_init(struct sut_lib_emitter *e, const struct sut_lib_profile *p,
			 struct sut_lib_unit *units, size_t n, size_t nfuncs,
			 struct sut_refusals *refusals, struct sut_err *err) _must_check_;
/* -EKEYREJECTED: something that is referred to is not proven. What cannot be done at all goes to the refusals; then 0 as well. */
int sut_lib_emit(struct sut_lib_emitter *e, struct sut_err *err) _must_check_;
void sut_lib_emitter_release(struct sut_lib_emitter *e);

#endif
