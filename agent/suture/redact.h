/* SPDX-License-Identifier: Apache-2.0 */
/* Takes out of a text what nobody else is to read: it is then fit to be given to those who help. */
#ifndef SUTURE_AGENT_REDACT_H
#define SUTURE_AGENT_REDACT_H

#include <stddef.h>

#include "base/buf.h"

#define REDACTED "[redacted]"

/*
 * Adds text to *out, with REDACTED in place of
 *   - registration keys, credentials and tokens of Suture ("sutkey_…", "sutsys_…"),
 *   - PEM blocks of any kind,
 *   - user and password in a URL,
 *   - e-mail addresses,
 *   - what follows a word like password, token, secret, credential, authorization or api-key and "=" or ":", to the end of the
 *     line or of its quotes,
 *   - words of 32 bytes and more that look like base64 (capitals, small letters and digits in one): keys and
 *     tokens of others. Digests in hexadecimal stay.
 * Rather too much than too little. Bytes that are no text become '?'.
 */
int redact(const void *text, size_t len, struct sut_buf *out) _must_check_;

#endif
