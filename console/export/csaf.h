/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CSAF 2.0 document of the VEX profile about one host. CSAF can say "installed on": packages stand in the product tree
 * in relation to the host, and all that is said is said of these relations.
 */
#ifndef SUTURE_CONSOLE_EXPORT_CSAF_H
#define SUTURE_CONSOLE_EXPORT_CSAF_H

#include "export/host.h"

/* -ENODATA (reason "nothing-to-say"): there are no findings; the profile wants at least one vulnerability. -E2BIG. */
int export_csaf(const struct export_host *h, const struct export_finding *v, size_t n,
		const struct export_by *by, json_t **ret, struct sut_err *err) _must_check_;

/* The name that the document is to be stored under (CSAF 2.0, 5.1); to be freed. NULL: no memory. */
char *export_csaf_name(const struct export_host *h, int64_t now) _must_check_;

#endif
