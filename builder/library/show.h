/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed about library targets: `target show`, and the proof of `prove`. */
#ifndef SUTURE_BUILDER_LIBRARY_SHOW_H
#define SUTURE_BUILDER_LIBRARY_SHOW_H

#include <stdbool.h>

/* file: one of the target's, NULL for all. Exit status of the command. */
int sut_lib_show(const char *cache, const char *target, const char *file, bool json);

/* SUT_EXIT_PROOF when a function or datum differs. list: also name those that are proven. */
int sut_lib_prove(const char *cache, const char *target, const char *file, bool json, bool list);

#endif
