/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading fields of a metadata document; only for this folder. Each function writes its output
 * or says which field of which file is wrong (-EBADMSG, reason "format").
 */
#ifndef SUTURE_TUF_LOAD_H
#define SUTURE_TUF_LOAD_H

#include "json/field.h"
#include "tuf/meta.h"

#define SUT_TUF_VERSION_MAX (1LL << 53) /* what every JSON reader can hold */

/* The top of a document (json/field.h); what: the file, for messages. No text of the document is put into a path: it is not verified yet. */
struct sut_json_at sut_tuf_top(const json_t *doc, const char *what, struct sut_err *err);

/* An entry of an object whose keys are chosen by others. */
struct sut_json_at sut_tuf_at_value(const struct sut_json_at *at, json_t *value);

/* A list of strings with 1 to max_len bytes. *ret is the caller's to free, NULL when it is empty. */
int sut_tuf_get_strings(const struct sut_json_at *at, const char *key, size_t max, size_t max_len,
			const char ***ret, size_t *ret_n) _must_check_;

/* 1 when a string is in the list twice, 0 when not, -ENOMEM. */
int sut_tuf_duplicates(const char *const *v, size_t n) _must_check_;

/* The parts of metadata, each in its file. */
int sut_tuf_keys_load(const struct sut_json_at *keys, struct sut_tuf_keys *ret) _must_check_;
void sut_tuf_keys_release(struct sut_tuf_keys *k);
int sut_tuf_role_load(const struct sut_json_at *role, struct sut_tuf_role *ret) _must_check_;
void sut_tuf_role_release(struct sut_tuf_role *r);
int sut_tuf_delegations_load(const struct sut_json_at *signed_,
			     struct sut_tuf_meta *m) _must_check_;
void sut_tuf_delegation_release(struct sut_tuf_delegation *d);
int sut_tuf_refs_load(const struct sut_json_at *signed_, struct sut_tuf_meta *m) _must_check_;
/* Looks at each entry of "targets", keeps none. */
int sut_tuf_targets_check(const struct sut_json_at *signed_) _must_check_;

#endif
