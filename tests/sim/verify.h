/* SPDX-License-Identifier: Apache-2.0 */
/* Does the portal still know what it acknowledged? */
#ifndef SUTURE_SIM_VERIFY_H
#define SUTURE_SIM_VERIFY_H

#include "fleet.h"

struct verify_result {
	uint64_t compared, pending; /* systems; those with a check-in that was never answered */
	uint64_t missing, wrong;    /* systems; the first few are printed to standard error */
};

/* Reads all systems by the API. token: of a user who may see them. */
int verify_run(const struct fleet *f, const char *url, const char *token, struct verify_result *ret,
	       struct sut_err *err) _must_check_;

#endif
