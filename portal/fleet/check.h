/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at pieces of JSON that others wrote: their type, their size, what is in them. What is wrong is told
 * with the place (a JSON pointer) and what would be right.
 */
#ifndef SUTURE_PORTAL_FLEET_CHECK_H
#define SUTURE_PORTAL_FLEET_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	FLEET_TAGS_MAX = 64,
	FLEET_TAG_NAME_MAX = 63,
	FLEET_TAG_VALUE_MAX = 255,
	FLEET_NETWORKS_MAX = 64,
	FLEET_CUSTOMER_ID_MAX = 128,
	FLEET_SHORT_MAX = 64, /* bytes of words and names */
	FLEET_EXTERNAL_ID_MAX = 255,
};

/* Bits of a set of products. */
enum { FLEET_KERNEL = 1, FLEET_LIBRARY = 2, FLEET_PRODUCTS_ALL = 3 };

struct check {
	char pointer[128]; /* "/system/hostname"; "" while nothing is wrong */
	char detail[256];
};

/* Says what is wrong, unless something was already. Returns -EINVAL. */
int check_bad(struct check *c, const char *where, const char *name, const char *fmt, ...)
	_printf_(4, 5);

/* All functions: 0, or -EINVAL and *c. `where` is the pointer of the object, `name` that of the value
 * in it; j NULL or JSON's null is "absent": *ret stays as it was. Strings are borrowed from j. */

enum check_kind {
	CHECK_WORD,	 /* A-Z a-z 0-9 . _ - : + ~ / @ */
	CHECK_ID,	 /* A-Z a-z 0-9 - */
	CHECK_NONCE,	 /* A-Z a-z 0-9 _ - */
	CHECK_HEX,	 /* 0-9 a-f */
	CHECK_HOST,	 /* A-Z a-z 0-9 . _ - */
	CHECK_PRINTABLE, /* whatever may be shown: no control characters, nothing that turns text */
};
int check_string(struct check *c, const char *where, const char *name, const json_t *j,
		 enum check_kind kind, size_t min, size_t max, const char **ret) _must_check_;
int check_int(struct check *c, const char *where, const char *name, const json_t *j, int64_t min,
	      int64_t max, int64_t *ret) _must_check_;
/* Every member of j is in the list (NULL at the end). */
int check_only(struct check *c, const char *where, const json_t *j,
	       const char *const *names) _must_check_;
/* {"name": "value"}: at most FLEET_TAGS_MAX. */
int check_tags(struct check *c, const char *where, const json_t *j) _must_check_;
/* ["kernel", "library"]: not empty. */
int check_products(struct check *c, const char *where, const char *name, const json_t *j,
		   unsigned int *ret) _must_check_;
/* ["10.0.0.0/8"]: at most FLEET_NETWORKS_MAX. */
int check_networks(struct check *c, const char *where, const json_t *j) _must_check_;

bool check_printable(const char *s, size_t len);

#endif
