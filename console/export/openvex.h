/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenVEX 0.2.0 document about one host, for scanners that suppress what it says is fixed. */
#ifndef SUTURE_CONSOLE_EXPORT_OPENVEX_H
#define SUTURE_CONSOLE_EXPORT_OPENVEX_H

#include "export/host.h"

/* -ENODATA (reason "nothing-to-say"): there are no findings, and OpenVEX has no empty documents. -E2BIG. */
int export_openvex(const struct export_host *h, const struct export_finding *v, size_t n,
		   const struct export_by *by, json_t **ret, struct sut_err *err) _must_check_;

#endif
