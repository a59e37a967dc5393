/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of manifest.json. Each getter writes its output, or says which field is wrong and with what: -EBADMSG, reason
 * "manifest". Only for patch/manifest*.c.
 */
#ifndef SUTURE_PATCH_FIELD_H
#define SUTURE_PATCH_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where we are in the document. */
struct sut_field {
	const json_t *node;
	size_t symbol_max; /* bytes of the name of a symbol, without its NUL */
	char path[160];	   /* for messages */
	struct sut_err *err;
};

/* Returns -EBADMSG. The message begins with the path of the field. */
int sut_field_bad(const struct sut_field *at, const char *key, const char *fmt, ...) _printf_(3, 4);

/* *ret is "" when it is not there. */
int sut_field_optional(const struct sut_field *at, const char *key, const char **ret);
/* Not empty. */
int sut_field_string(const struct sut_field *at, const char *key, const char **ret);
int sut_field_uint(const struct sut_field *at, const char *key, uint32_t min, uint32_t max,
		   uint32_t *ret);
/* false when it is not there. */
int sut_field_bool(const struct sut_field *at, const char *key, bool *ret);
/* "0x" and 1 to 16 lower-case digits: JSON numbers cannot hold 64 bits everywhere. */
int sut_field_address(const struct sut_field *at, const char *key, uint64_t *ret);
int sut_field_symbol(const struct sut_field *at, const char *key, const char **ret);
int sut_field_member_name(const struct sut_field *at, const char *key, const char **ret);
int sut_field_sha256(const struct sut_field *at, const char *key, const char **ret);
int sut_field_array(const struct sut_field *at, const char *key, bool must, size_t min, size_t max,
		    struct sut_field *ret);
int sut_field_object(const struct sut_field *at, const char *key, struct sut_field *ret);
int sut_field_entry(const struct sut_field *list, size_t i, struct sut_field *ret);
/* A list of strings; each must pass ok(). *ret: calloc'ed array of strings that belong to the document. */
int sut_field_strings(const struct sut_field *at, const char *key, bool must, size_t max,
		      bool (*ok)(const char *s), const char *what, const char ***ret,
		      size_t *ret_n);
/* It must not be there. */
int sut_field_absent(const struct sut_field *at, const char *key, const char *why);
/* Text of an unverified file goes to terminals and logs: nothing in it may be a command for them, or make it look like other
 * text. */
int sut_field_check_text(const struct sut_field *top, const json_t *v, unsigned int depth);

/* 1 to max bytes of [A-Za-z0-9] and extra. */
bool sut_is_token(const char *s, size_t max, const char *extra);
/* A path inside of a source tree. */
bool sut_is_source_path(const char *s);

#endif
