/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading fields of a metadata document; only for this folder. Each function writes its output
 * or says which field of which file is wrong (-EBADMSG, reason "format").
 */
#ifndef SUTURE_TUF_LOAD_H
#define SUTURE_TUF_LOAD_H

#include "tuf/meta.h"

#define SUT_TUF_VERSION_MAX (1LL << 53) /* what every JSON reader can hold */

/* Where we are in the document, for messages. No text of the document is put
 * into the path: it is not verified yet. */
struct sut_tuf_at {
	const json_t *node;
	const char *what; /* the file */
	char path[120];	  /* "signed.roles.root" */
	struct sut_err *err;
};

int sut_tuf_bad(const struct sut_tuf_at *at, const char *key, const char *fmt, ...)
	_printf_(3, 4) _must_check_;

/* The member `key`, with its place. */
struct sut_tuf_at sut_tuf_at(const struct sut_tuf_at *at, const char *key);
/* The same for entry i of a list. */
struct sut_tuf_at sut_tuf_at_index(const struct sut_tuf_at *at, size_t i);
/* An entry of an object whose keys are chosen by others. */
struct sut_tuf_at sut_tuf_at_value(const struct sut_tuf_at *at, json_t *value);

int sut_tuf_get_string(const struct sut_tuf_at *at, const char *key, const char **ret) _must_check_;
int sut_tuf_get_int(const struct sut_tuf_at *at, const char *key, int64_t min, int64_t max,
		    int64_t *ret) _must_check_;
/* Absent: *ret stays. */
int sut_tuf_get_optional_int(const struct sut_tuf_at *at, const char *key, int64_t min, int64_t max,
			     int64_t *ret) _must_check_;
int sut_tuf_get_optional_bool(const struct sut_tuf_at *at, const char *key, bool *ret) _must_check_;
int sut_tuf_get_object(const struct sut_tuf_at *at, const char *key,
		       struct sut_tuf_at *ret) _must_check_;
int sut_tuf_get_array(const struct sut_tuf_at *at, const char *key, size_t max,
		      struct sut_tuf_at *ret) _must_check_;

/* A list of strings with 1 to max_len bytes. *ret is the caller's to free, NULL when it is empty. */
int sut_tuf_get_strings(const struct sut_tuf_at *at, const char *key, size_t max, size_t max_len,
			const char ***ret, size_t *ret_n) _must_check_;

/* 1 when a string is in the list twice, 0 when not, -ENOMEM. */
int sut_tuf_duplicates(const char *const *v, size_t n) _must_check_;

/* len lower-case hexadecimal digits. */
bool sut_tuf_is_hex(const char *s, size_t len);

/* The parts of metadata, each in its file. */
int sut_tuf_keys_load(const struct sut_tuf_at *keys, struct sut_tuf_keys *ret) _must_check_;
void sut_tuf_keys_release(struct sut_tuf_keys *k);
int sut_tuf_role_load(const struct sut_tuf_at *role, struct sut_tuf_role *ret) _must_check_;
void sut_tuf_role_release(struct sut_tuf_role *r);
int sut_tuf_delegations_load(const struct sut_tuf_at *signed_, struct sut_tuf_meta *m) _must_check_;
void sut_tuf_delegation_release(struct sut_tuf_delegation *d);
int sut_tuf_refs_load(const struct sut_tuf_at *signed_, struct sut_tuf_meta *m) _must_check_;
/* Looks at each entry of "targets", keeps none. */
int sut_tuf_targets_check(const struct sut_tuf_at *signed_) _must_check_;

#endif
