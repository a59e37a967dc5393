/* SPDX-License-Identifier: Apache-2.0 */
/* Small string helpers. Returned strings are the caller's to free(). */
#ifndef SUTURE_BASE_STR_H
#define SUTURE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* printf into fresh memory; NULL when memory is short. */
char *sut_sprintf(const char *fmt, ...) _printf_(1, 2) _must_check_;

bool sut_streq(const char *a, const char *b);
bool sut_startswith(const char *s, const char *prefix);
bool sut_endswith(const char *s, const char *suffix);

/* Lower-case hexadecimal of len bytes into out, which has room for 2*len+1. */
void sut_hex(const void *data, size_t len, char *out);

/* 1 to max bytes of [A-Za-z0-9] and extra. */
bool sut_is_token(const char *s, size_t max, const char *extra);

/* Exactly so many lower-case hexadecimal digits. */
bool sut_is_hex(const char *s, size_t digits);

/* Reads exactly 2*len hexadecimal digits. 0 or -EINVAL. */
int sut_unhex(const char *s, void *out, size_t len) _must_check_;

/* The whole of s as an unsigned number in base 10, or 16 after "0x".
 * 0, -EINVAL (not a number) or -ERANGE (more than max). */
int sut_parse_u64(const char *s, uint64_t max, uint64_t *ret) _must_check_;

/* A list of strings that ends with NULL, as in argv. Zero-initialise. */
struct sut_strv {
	char **v; /* NULL, or n strings and a NULL */
	size_t n;
};

int sut_strv_add(struct sut_strv *l, const char *s) _must_check_; /* copies s */
int sut_strv_addf(struct sut_strv *l, const char *fmt, ...) _printf_(2, 3) _must_check_;
bool sut_strv_has(const struct sut_strv *l, const char *s);
void sut_strv_release(struct sut_strv *l);

#define _cleanup_strv_ _cleanup_(sut_strv_release)

#endif
