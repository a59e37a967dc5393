/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small TUF repository for tests: documents are edited as JSON, then signed with whatever keys
 * the test likes. It never fails: it aborts.
 */
#ifndef SUTURE_SAMPLE_TUF_H
#define SUTURE_SAMPLE_TUF_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "tuf/meta.h"

#define SAMPLE_TUF_NOW INT64_C(1795000000) /* 2026-11-18T11:06:40Z */
#define SAMPLE_TUF_DAY INT64_C(86400)

struct sample_tuf_key {
	struct sut_privkey *priv;
	json_t *json; /* {"keytype", "scheme", "keyval"} */
	char id[SUT_DIGEST_HEX_MAX];
};

struct sample_tuf_key *sample_tuf_key(enum sut_key_type type);
void sample_tuf_key_free(struct sample_tuf_key *k);

/* The "signed" parts of version 1 of the four files, good for a day from SAMPLE_TUF_NOW, each with one Ed25519 key
 * and threshold 1. timestamp and snapshot name version 1 without length and hash; targets is empty and delegates
 * nothing. By enum sut_tuf_type. */
struct sample_tuf {
	json_t *signed_[5];
	struct sample_tuf_key *key[5];
};

struct sample_tuf *sample_tuf_new(void);
void sample_tuf_free(struct sample_tuf *s);
void sample_tuf_freep(struct sample_tuf **s);
#define _cleanup_sample_tuf_ _cleanup_(sample_tuf_freep)

/* Another targets file: version 1, no targets, no delegations. The caller's. */
json_t *sample_tuf_targets(void);

/* Sets the value (JSON text; NULL: removes it) at a path like "roles/root/threshold" or "keyids/0". A
 * list takes "-" for "after the last". */
void sample_tuf_set(json_t *j, const char *path, const char *value);
void sample_tuf_set_version(json_t *j, int64_t version);
void sample_tuf_set_expires(json_t *j, int64_t expires);

/* Puts the key into "keys" of holder, and its id into keyids of the role. Holder: the root or "delegations". */
void sample_tuf_trust(json_t *holder, json_t *role, const struct sample_tuf_key *k);

/* An entry of "delegations" in the targets file, for all paths that match pattern. Borrowed. */
json_t *sample_tuf_delegate(json_t *targets, const char *name, const char *pattern,
			    const struct sample_tuf_key *k);

/* {"signatures": [...], "signed": ...}: a document; a reference to signed_ is taken. */
json_t *sample_tuf_sign(json_t *signed_, const struct sample_tuf_key *const keys[], size_t n);

/* The bytes of a document. */
void sample_tuf_bytes(const json_t *doc, struct sut_buf *out);

/* One of the four, signed with its key. */
void sample_tuf_file(const struct sample_tuf *s, enum sut_tuf_type type, struct sut_buf *out);

/* Puts length and SHA-256 of data into entry `name` of "meta". */
void sample_tuf_hash(json_t *signed_, const char *name, const void *data, size_t len);

#endif
