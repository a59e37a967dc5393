/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target: one function that gives hostile bytes to one parser.
 *
 * It must accept every input, leave nothing behind, and abort (FUZZ_ASSERT)
 * when the parser breaks a promise of its header. The sanitizers find the rest.
 */
#ifndef SUTURE_TESTS_FUZZ_H
#define SUTURE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Always returns 0 (the interface of libFuzzer). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ASSERT(cond)                                                                          \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
