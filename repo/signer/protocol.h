/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over the signer's socket (docs/formats/signer.md): one request and one answer
 * per connection, each a length (four bytes, big endian) and a JSON object.
 */
#ifndef SUTURE_REPO_SIGNER_PROTOCOL_H
#define SUTURE_REPO_SIGNER_PROTOCOL_H

#include <stdbool.h>

#include "signer_client.h"

enum {
	SUT_SIGNER_HEAD = 4,		   /* bytes of the length */
	SUT_SIGNER_REQUEST_MAX = 1 << 20,  /* bytes of a request without its length */
	SUT_SIGNER_ANSWER_MAX = 8 << 20,   /* of an answer */
	SUT_SIGNER_SNAPSHOT_MAX = 2000000, /* of a snapshot: what clients accept */
	SUT_SIGNER_TIMESTAMP_MAX = 16384,
	SUT_SIGNER_ROLES_MAX = 16384,
	SUT_SIGNER_NAME_MAX = 100, /* bytes of a role's name */
};

enum sut_signer_op { SUT_SIGNER_SNAPSHOT = 1, SUT_SIGNER_TIMESTAMP, SUT_SIGNER_STATUS };

/* Strings point into doc. */
struct sut_signer_request {
	json_t *doc;
	enum sut_signer_op op;
	struct sut_signer_role *roles; /* each name once, sut_signer_role_ok() */
	size_t nroles;
	const char *root; /* text of the next root, or NULL */
	size_t root_len;
};

/* Can it be part of a file name: letters, digits, '.', '_' and '-', the first one a letter or a digit,
 * and not the name of one of the top roles other than "targets"? */
bool sut_signer_role_ok(const char *name);

/* The length that a message begins with. -EMSGSIZE for 0 and for more than max. */
int sut_signer_head(const uint8_t head[static SUT_SIGNER_HEAD], size_t max, size_t *ret,
		    struct sut_err *err) _must_check_;

/* data has no length in front. -EBADMSG, reason "format". Unknown members are refused: what is asked
 * for and not understood must not be signed. */
int sut_signer_request_parse(const void *data, size_t len, struct sut_signer_request *ret,
			     struct sut_err *err) _must_check_;
void sut_signer_request_release(struct sut_signer_request *r);

/* These add a whole message, length first. */
int sut_signer_request_format(enum sut_signer_op op, const struct sut_signer_role *roles,
			      size_t nroles, const struct sut_buf *root, struct sut_buf *out,
			      struct sut_err *err) _must_check_;
/* j: an object; "ok": true is added to it. */
int sut_signer_answer_format(json_t *j, struct sut_buf *out, struct sut_err *err) _must_check_;
int sut_signer_refusal_format(const struct sut_err *why, struct sut_buf *out,
			      struct sut_err *err) _must_check_;

/* A refusal becomes -EBADMSG with the signer's reason and message; -EPROTO for what is no
 * answer. One reference for the caller. */
int sut_signer_answer_parse(const void *data, size_t len, json_t **ret,
			    struct sut_err *err) _must_check_;

#endif
