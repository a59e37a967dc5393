/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema (2020-12), as far as docs/formats/openapi.json uses it: type, enum, const, properties, required,
 * additionalProperties, propertyNames, minProperties, maxProperties, items, minItems, maxItems, uniqueItems, pattern
 * (POSIX extended), minLength, maxLength, minimum, maximum, format (date-time, uri), anyOf, oneOf, allOf, $ref
 * into the same document. Another keyword is a mistake, not something to be skipped.
 */
#ifndef SUTURE_TESTS_OPENAPI_SCHEMA_H
#define SUTURE_TESTS_OPENAPI_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* An object that says its properties has no others, unless additionalProperties says so. Clients
	 * ignore fields they do not know; the tests do not. */
	SCHEMA_STRICT = 1,
};

struct schema_error {
	char pointer[256]; /* into the value */
	char text[512];
};

/* "#/components/schemas/Key" in doc; NULL: it leads nowhere. */
const json_t *schema_ref(const json_t *doc, const char *ref);
/* The schema behind a chain of $ref, which has no siblings that matter for values. */
const json_t *schema_deref(const json_t *doc, const json_t *schema);

bool schema_check(const json_t *doc, const json_t *schema, const json_t *value, unsigned int flags,
		  struct schema_error *ret);

/* Is it made of the keywords above, and sound? pointer is where in the schema. */
bool schema_sound(const json_t *doc, const json_t *schema, struct schema_error *ret);

/* A random number, for what follows: a generator that gives the same for the same seed (SplitMix64). */
uint64_t schema_random(uint64_t *state);

/* A value that fits; optional properties are there or not as chance says. A string with a pattern is one of
 * its examples. NULL: it cannot be made. */
json_t *schema_make(const json_t *doc, const json_t *schema, uint64_t *state);
/* A value that probably does not fit: something in it has another type, is too long, too large, missing or
 * unknown. */
json_t *schema_spoil(const json_t *doc, const json_t *schema, uint64_t *state);

#endif
