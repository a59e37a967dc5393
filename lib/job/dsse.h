/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed envelopes: DSSE, https://github.com/secure-systems-lab/dsse, version 1.0. With Ed25519 only.
 *
 *   {"payloadType": TYPE, "payload": BASE64, "signatures": [{"keyid": HINT, "sig": BASE64}]}
 *
 * What is signed is PAE(TYPE, payload), so one kind of document never passes for another, and the payload
 * is signed as the bytes it is: nobody has to agree on a canonical JSON. Members that are not known are
 * ignored, base64 may be of either alphabet, with or without padding, as the specification asks for.
 */
#ifndef SUTURE_JOB_DSSE_H
#define SUTURE_JOB_DSSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"
#include "crypto/sha256.h"

enum {
	SUT_DSSE_MAX = 112 << 10,	 /* bytes of an envelope */
	SUT_DSSE_PAYLOAD_MAX = 80 << 10, /* bytes of what is in it */
	SUT_DSSE_SIGS_MAX = 16,
	SUT_DSSE_TYPE_MAX = 127,	 /* bytes, printable ASCII */
	SUT_DSSE_KEYID_MAX = 127,	 /* bytes; longer ones are cut: it is a hint */
	SUT_DSSE_KEYID = SUT_SHA256_HEX, /* of our own: see sut_dsse_keyid() */
};

struct sut_dsse_sig {
	char keyid[SUT_DSSE_KEYID_MAX + 1]; /* "" when not said; not trusted */
	uint8_t sig[SUT_SIG_MAX];
	size_t len;
};

/* Zero-initialise. */
struct sut_dsse {
	char type[SUT_DSSE_TYPE_MAX + 1];
	struct sut_buf payload; /* decoded */
	struct sut_dsse_sig *sigs;
	size_t nsigs;
};

/* A key somebody trusts. Strings are the caller's. */
struct sut_dsse_key {
	const char *name; /* for people */
	uint8_t key[SUT_ED25519_LEN];
};

/* -EBADMSG (reason "envelope") says what is wrong. A pure function. Nothing of it is trusted before
 * sut_dsse_verify() has returned 0. */
int sut_dsse_parse(const void *text, size_t len, struct sut_dsse *ret,
		   struct sut_err *err) _must_check_;
void sut_dsse_release(struct sut_dsse *d);

/*
 * Is it of this type, and signed by one of the keys? *ret_by (may be NULL) is that one, in keys.
 *   -EBADMSG      reason "envelope": it has another type
 *   -ENOKEY       reason "no-keys": there are none; "unknown-key": no signature names or fits one of them
 *   -EKEYREJECTED reason "signature": it names a key of ours, whose signature it is not
 */
int sut_dsse_verify(const struct sut_dsse *d, const char *type, const struct sut_dsse_key *keys,
		    size_t nkeys, const struct sut_dsse_key **ret_by,
		    struct sut_err *err) _must_check_;

/* Adds the envelope, one line without its end. -EINVAL for another key than Ed25519, a type that is no
 * printable ASCII or too long; -EFBIG for a payload that is. */
int sut_dsse_sign(const struct sut_privkey *key, const char *type, const void *payload, size_t len,
		  struct sut_buf *out, struct sut_err *err) _must_check_;

/* What is signed: "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload. Errors as sut_buf_add(). */
int sut_dsse_pae(const char *type, const void *payload, size_t len,
		 struct sut_buf *out) _must_check_;

/* The key id that we write: SHA-256 of the 32 bytes of the public key, in hexadecimal. */
void sut_dsse_keyid(const uint8_t key[static SUT_ED25519_LEN], char ret[static SUT_DSSE_KEYID]);

#endif
