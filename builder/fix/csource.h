/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the functions of a C source file are, without compiling it.
 *
 * The text is scanned as it stands: comments, strings and preprocessor lines
 * are skipped; of an #if with several branches each is scanned at the brace
 * depth where the #if began. A function that a macro defines with its body in
 * braces behind it (SYSCALL_DEFINE3(read, …) { … }) counts as one.
 */
#ifndef SUTURE_BUILDER_CSOURCE_H
#define SUTURE_BUILDER_CSOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	SUT_CSOURCE_MAX = 32 << 20, /* bytes of a file */
	SUT_CSOURCE_FUNCTIONS_MAX = 1 << 20,
	SUT_CSOURCE_IF_MAX = 64, /* #if inside #if; deeper ones are scanned flat */
};

struct sut_cfunction {
	char *name;	/* of a system call: "__do_sys_read", "__do_compat_sys_…" */
	uint32_t first; /* line its declaration begins on; lines count from 1 */
	uint32_t body;	/* line of its opening brace */
	uint32_t last;	/* line of its closing brace */
};

struct sut_csource {
	struct sut_cfunction *functions; /* in the file's order; they do not overlap */
	size_t n;
};

/* A pure function of the text; any bytes do. 0, -EFBIG or -ENOMEM. */
int sut_csource_scan(const char *text, size_t len, struct sut_csource *ret) _must_check_;
void sut_csource_release(struct sut_csource *s);

/* The function that line belongs to (from its declaration to its closing
 * brace); NULL between functions. */
const struct sut_cfunction *sut_csource_function_at(const struct sut_csource *s, uint32_t line);

/* Is this the function's name? Of a system call also read, sys_read, __x64_sys_read … */
bool sut_cfunction_is(const struct sut_cfunction *f, const char *name);

#endif
