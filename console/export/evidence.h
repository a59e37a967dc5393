/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was patched where and when, for somebody who trusts neither the console nor us: manifests and results as they
 * were signed, the keys, and a README with the commands of openssl and minisign that check it all. A tar, gzipped:
 *
 *   README.md  index.json  SHA256SUMS  SHA256SUMS.minisig  manifests/NAME.json  results/JOB-SYSTEM.json
 *   keys/console-KEYID.{pub,pem}  keys/system-SYSTEM-KEYID.pem  repository/N.ROLE.json
 */
#ifndef SUTURE_CONSOLE_EXPORT_EVIDENCE_H
#define SUTURE_CONSOLE_EXPORT_EVIDENCE_H

#include "base/buf.h"
#include "export/vendor.h"
#include "web/web.h"

enum { EVIDENCE_MAX = 128 << 20 /* bytes of the archive */ };

/*
 * Results of q->who.tenant that came in [from, to), and what the vendor signed about their patches. In a transaction.
 * -ENOBUFS: it is larger than out may be.
 */
int export_evidence(struct web_req *q, int64_t from, int64_t to, const struct vendor *vendor,
		    struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
