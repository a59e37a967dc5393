/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that live together, each once: equal ones are one pointer. */
#ifndef SUTURE_CONSOLE_MAP_POOL_H
#define SUTURE_CONSOLE_MAP_POOL_H

#include <stddef.h>

#include "base/cleanup.h"

struct map_pool;

/* NULL: no memory. */
struct map_pool *map_pool_new(void) _must_check_;
void map_pool_free(struct map_pool *p);
/* The same text in the pool; NULL when memory is short, so the caller treats NULL and "" before. */
const char *pool_add(struct map_pool *p, const char *s) _must_check_;

#endif
