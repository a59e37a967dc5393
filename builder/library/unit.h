/* SPDX-License-Identifier: Apache-2.0 */
/* One object of a library on its way into a patch: as recorded, and compiled again without and with the fix. */
#ifndef SUTURE_BUILDER_LIBRARY_UNIT_H
#define SUTURE_BUILDER_LIBRARY_UNIT_H

#include "diff/frames.h"
#include "diff/select.h"
#include "library/profile.h"

/* Where a section of the recorded object is in the file. */
struct sut_lib_home {
	bool placed; /* the linker kept it, at: */
	uint64_t vaddr;
};

struct sut_lib_unit {
	const struct sut_lib_profile *profile;
	const struct sut_lib_object *recorded;
	const char *source; /* "crypto/rsa/rsa_kem.c" */
	/* exact: the recorded object, whose code is the shipped one; orig and patched: with a section for each function. */
	struct sut_object *exact, *orig, *patched;
	struct sut_atoms *exact_atoms, *orig_atoms, *patched_atoms;
	struct sut_frames frames;  /* of patched */
	struct sut_lib_home *home; /* per section of exact */
	struct sut_diff *diff;
	struct sut_selection selection;
	char **differs; /* per atom of orig: how it differs from exact; NULL: not at all. Filled by sut_lib_same() */
};

/* Fills home. -EBADMSG when map and object do not agree. */
int sut_lib_unit_place(struct sut_lib_unit *u, struct sut_err *err) _must_check_;

/* The symbol of exact that an atom of orig is; 0 when there is none. */
uint32_t sut_lib_unit_exact(const struct sut_lib_unit *u, uint32_t orig);

enum sut_lib_found {
	SUT_LIB_FOUND,
	SUT_LIB_ABSENT, /* the file has nothing of that name: the linker left it out */
	SUT_LIB_UNPROVEN,
};

/*
 * Where an atom of orig is in the shipped file. *ret_size: of the shipped one. Something of which the linker kept another
 * object's copy (inline functions of C++, weak definitions) is found there. why: what is wrong when it is not found.
 */
enum sut_lib_found sut_lib_unit_find(const struct sut_lib_unit *u, uint32_t orig,
				     uint64_t *ret_vaddr, uint64_t *ret_size,
				     char why[static SUT_WHY_MAX]);

/* Fills u->differs: functions of the recorded object against those with sections of their own, instruction by instruction. */
int sut_lib_same(struct sut_lib_unit *u, struct sut_err *err) _must_check_;

void sut_lib_unit_release(struct sut_lib_unit *u);

#endif
