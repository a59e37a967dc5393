/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that live together, each once: equal ones are one pointer. */
#ifndef SUTURE_CONSOLE_MAP_STRINGS_H
#define SUTURE_CONSOLE_MAP_STRINGS_H

#include <stddef.h>

#include "base/cleanup.h"

struct strings;

/* NULL: no memory. */
struct strings *strings_new(void) _must_check_;
void strings_free(struct strings *p);
/* The same text in the pool; NULL when memory is short, so the caller treats NULL and "" before. */
const char *strings_add(struct strings *p, const char *s) _must_check_;

#endif
