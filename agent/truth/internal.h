/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder. */
#ifndef SUTURE_AGENT_TRUTH_INTERNAL_H
#define SUTURE_AGENT_TRUTH_INTERNAL_H

#include "truth.h"

/* text when it is a word as truth_host says, else "". */
void truth_word(char ret[TRUTH_WORD_MAX], const void *text, size_t len);

/* A text of an object; "" when it has none. */
const char *truth_text(const json_t *object, const char *key);

/* The live patch, or NULL. */
const json_t *truth_patch(const json_t *state);

#endif
