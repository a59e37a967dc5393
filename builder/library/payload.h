/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of a library patch: which functions are replaced and how, and the image (patch/library.h). */
#ifndef SUTURE_BUILDER_LIBRARY_PAYLOAD_H
#define SUTURE_BUILDER_LIBRARY_PAYLOAD_H

#include "base/str.h"
#include "library/entry.h"
#include "library/unit.h"

struct sut_lib_replaced {
	const char *name, *source, *why;
	uint64_t vaddr, size, new_size;
	struct sut_lib_entry entry;
	size_t unit;
	uint32_t atom;	  /* of patched */
	char *child_name; /* its .cold part; NULL: none */
	uint64_t child_vaddr, child_size;
};

struct sut_lib_import_name {
	char *name, *version;
};

struct sut_lib_payload {
	struct sut_buf bytes; /* for the patch file */
	struct sut_lib_replaced *replaced;
	size_t nreplaced;
	struct sut_strv new_functions, new_data; /* "name size" */
	struct sut_strv absent;			 /* changed functions that the file does not have */
	struct sut_strv names;			 /* that others point to */
	struct sut_lib_import_name *imports;
	size_t nimports;
	bool frames;
	uint32_t exec_len, data_len; /* of the image; data_len with what is zero */
	size_t nrelocs;
};

/* Plans the redirect of a function of orig (an atom of it). A function that the file does not have counts as one that can be. */
bool sut_lib_redirectable(const struct sut_lib_unit *u, uint32_t orig,
			  char why[static SUT_WHY_MAX]);

/* busy: ends with NULL; may be NULL. 0 also when refusals tell why nothing was made. -EKEYREJECTED: not proven. */
int sut_lib_payload_build(const struct sut_lib_profile *p, struct sut_lib_unit *units, size_t n,
			  const char *const *busy, struct sut_lib_payload *ret,
			  struct sut_refusals *refusals, struct sut_err *err) _must_check_;
void sut_lib_payload_release(struct sut_lib_payload *p);

/* "jump-entry" or "jump-island", as in manifests. */
const char *sut_lib_redirect_name(const struct sut_lib_replaced *r);

#endif
