/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP Message Signatures (RFC 9421) with Ed25519, and Content-Digest (RFC 9530) with sha-256: how an agent
 * signs what it sends to a console (docs/formats/console-agent.md).
 *
 * Names of components are plain: lower-case names of fields, or derived ones ("@method"), without parameters.
 */
#ifndef SUTURE_JOB_HTTPSIG_H
#define SUTURE_JOB_HTTPSIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"

enum {
	SUT_HTTPSIG_MAX = 4096,	     /* bytes of either header's value */
	SUT_HTTPSIG_COMPONENTS = 16, /* covered by one signature */
	SUT_HTTPSIG_NAME = 64,	     /* bytes of a name, with its NUL */
	SUT_HTTPSIG_WORD = 128,	     /* bytes of a parameter, with its NUL */
	SUT_HTTPSIG_BASE_MAX = 16 << 10,
};

struct sut_httpsig_component {
	const char *name;  /* "@method", "content-digest" */
	const char *value; /* as it stands in the message, without space around it */
};

/* What "Signature-Input" says, and what goes into it. "" and -1: not said. */
struct sut_httpsig_params {
	int64_t created, expires; /* seconds since the epoch */
	char keyid[SUT_HTTPSIG_WORD], alg[SUT_HTTPSIG_WORD], nonce[SUT_HTTPSIG_WORD],
		tag[SUT_HTTPSIG_WORD];
};

/* Adds the values of the headers Signature-Input and Signature, with the label "sig1". Parameters are
 * written in the order above. -EINVAL: a value has a line end or is no printable ASCII, a key that is not Ed25519. */
int sut_httpsig_sign(const struct sut_privkey *key, const struct sut_httpsig_component *c, size_t n,
		     const struct sut_httpsig_params *p, struct sut_buf *ret_input,
		     struct sut_buf *ret_signature, struct sut_err *err) _must_check_;

/* The two headers, read. */
struct sut_httpsig {
	char names[SUT_HTTPSIG_COMPONENTS][SUT_HTTPSIG_NAME];
	size_t n;
	struct sut_httpsig_params params;
	char inner[SUT_HTTPSIG_MAX + 1]; /* the value of "@signature-params", as it came */
	uint8_t sig[SUT_ED25519_SIG_LEN];
};

/* Pure. -EBADMSG (reason "signature-input"): malformed, more than one signature, a component twice, a parameter
 * or an algorithm that is not known here. */
int sut_httpsig_parse(const char *input, const char *signature, struct sut_httpsig *ret,
		      struct sut_err *err) _must_check_;

/*
 * c: what the receiver knows of the message. Those in `must` (ends with NULL) have to be covered.
 *   -EKEYREJECTED reason "signature": it is not good; "not-covered": one of must is not covered
 *   -EBADMSG      reason "signature-input": covers what is not in c
 */
int sut_httpsig_verify(const struct sut_httpsig *s, const struct sut_pubkey *key,
		       const struct sut_httpsig_component *c, size_t n, const char *const *must,
		       struct sut_err *err) _must_check_;

/* Adds "sha-256=:BASE64:" of a body, the value of Content-Digest. */
int sut_content_digest(const void *body, size_t len, struct sut_buf *out) _must_check_;

#endif
