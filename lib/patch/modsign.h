/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's module signatures of the payloads inside a patch (docs/internals/modsign.md). */
#ifndef SUTURE_PATCH_MODSIGN_H
#define SUTURE_PATCH_MODSIGN_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/modsign.h"
#include "patch/container.h"

/*
 * Adds to *out the patch file with every payload (manifest, objects[].payload) signed by key; a
 * signature that is there is replaced. All else stays: the other members, their order and time, and
 * the manifest but for size and SHA-256 of the payloads. The same input gives the same bytes.
 * p is not changed. Errors of sut_modsign_sign() and sut_patch_pack(). A kpatch.bin.sig made before
 * is no longer right.
 */
int sut_patch_sign_payloads(const struct sut_patch *p, const struct sut_modsign_key *key,
			    struct sut_buf *out, struct sut_err *err) _must_check_;

/* 0 when every payload was signed with the key of the certificate (PEM); errors of
 * sut_modsign_verify(), with the name of the payload in the message. */
int sut_patch_verify_payloads(const struct sut_patch *p, const char *cert_pem, size_t cert_len,
			      struct sut_err *err) _must_check_;

#endif
