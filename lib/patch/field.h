/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of manifest.json, besides those of json/field.h. Only for patch/manifest*.c. */
#ifndef SUTURE_PATCH_FIELD_H
#define SUTURE_PATCH_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json/field.h"

/* The top of the document; own is the longest name of a symbol, without its NUL. */
struct sut_json_at sut_field_top(const json_t *doc, struct sut_err *err);

/* *ret is "" when it is not there. */
int sut_field_optional(const struct sut_json_at *at, const char *key, const char **ret);
/* Not empty. */
int sut_field_string(const struct sut_json_at *at, const char *key, const char **ret);
int sut_field_uint(const struct sut_json_at *at, const char *key, uint32_t min, uint32_t max,
		   uint32_t *ret);
/* "0x" and 1 to 16 lower-case digits: JSON numbers cannot hold 64 bits everywhere. */
int sut_field_address(const struct sut_json_at *at, const char *key, uint64_t *ret);
int sut_field_symbol(const struct sut_json_at *at, const char *key, const char **ret);
int sut_field_member_name(const struct sut_json_at *at, const char *key, const char **ret);
int sut_field_sha256(const struct sut_json_at *at, const char *key, const char **ret);
/* An entry that is an object. */
int sut_field_entry(const struct sut_json_at *list, size_t i, struct sut_json_at *ret);
/* A list of strings; each must pass ok(). *ret: calloc'ed array of strings that belong to the document. */
int sut_field_strings(const struct sut_json_at *at, const char *key, bool must, size_t max,
		      bool (*ok)(const char *s), const char *what, const char ***ret,
		      size_t *ret_n);
/* It must not be there. */
int sut_field_absent(const struct sut_json_at *at, const char *key, const char *why);
/* Text of an unverified file goes to terminals and logs: nothing in it may be a command for them, or make it look like other
 * text. */
int sut_field_check_text(const struct sut_json_at *top, const json_t *v, unsigned int depth);

/* A path inside of a source tree. */
bool sut_is_source_path(const char *s);

#endif
