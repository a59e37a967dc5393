/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside the virtual machine: its file system and its plan. */
#ifndef SUTURE_BUILDER_TRY_GUEST_H
#define SUTURE_BUILDER_TRY_GUEST_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { SUT_WORD_LEN = 32 };

struct sut_guest {
	const char *patch;     /* kpatch.bin; NULL in raw mode */
	const char *script;    /* may be NULL unless raw */
	const char *engine;    /* suture.ko; NULL: none */
	const char *suture;    /* the program; NULL: none */
	struct sut_strv files; /* "SRC" or "SRC:DEST" */
};

/* A word that no output holds by chance: 32 random hexadecimal digits. */
int sut_guest_word(char ret[SUT_WORD_LEN + 1], struct sut_err *err) _must_check_;

/* Writes the initramfs to path. */
int sut_guest_write(const struct sut_guest *g, const char *word, const char *path,
		    struct sut_err *err) _must_check_;

#endif
