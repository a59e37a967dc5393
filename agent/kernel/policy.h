/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/suture/suture.conf: what the owner of a machine allows on it. Lines of
 * "key = value", empty lines, and comments, which begin with '#'. The contract
 * is docs/formats/signature.md.
 *
 * A zeroed struct sut_policy is the strictest one. So a caller that starts with
 * {0} and passes over an error has refused, not allowed.
 */
#ifndef SUTURE_AGENT_POLICY_H
#define SUTURE_AGENT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SUT_POLICY_FILE "/etc/suture/suture.conf"

enum {
	SUT_POLICY_MAX = 64 << 10,  /* bytes of the file */
	SUT_POLICY_LINE_MAX = 1024, /* bytes of a line, without its end */
};

struct sut_policy {
	bool insecure_local; /* users may say what to trust: --insecure-local, --keys, --engine */
};

/* -EBADMSG (reason "policy") names the line and says what to write instead. A
 * setting that is not known is an error: it may have been meant to forbid something. */
int sut_policy_parse(const void *text, size_t len, struct sut_policy *ret,
		     struct sut_err *err) _must_check_;

/*
 * From a file; what a machine without one allows when it is not there. Every
 * other failure has the reason "policy": it cannot be read, it is no plain
 * file, it or its folder belongs to or can be changed by others than root and
 * the caller, or sut_policy_parse() refuses it.
 */
int sut_policy_read(const char *path, struct sut_policy *ret, struct sut_err *err) _must_check_;

#endif
