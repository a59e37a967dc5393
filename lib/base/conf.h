/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: lines of "key = value", empty lines, and comments, which begin with '#'. Space
 * around key and value is dropped; a value may hold '#' and '='.
 */
#ifndef SUTURE_BASE_CONF_H
#define SUTURE_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	SUT_CONF_MAX = 64 << 10,  /* bytes of a file */
	SUT_CONF_LINE_MAX = 4096, /* bytes of a line, without its end */
};

/* Called for each setting. A negative return ends the parse with it; the message gets "NAME:LINE: "
 * before it. The strings live during the call. */
typedef int (*sut_conf_fn)(void *ctx, const char *key, const char *value, struct sut_err *err);

/* name: of the file, for messages. -EBADMSG (reason "conf"): a line is none of the above, holds
 * control characters or malformed UTF-8, or is too long. Whether a key may come twice is up to fn. */
int sut_conf_parse(const char *name, const void *text, size_t len, sut_conf_fn fn, void *ctx,
		   struct sut_err *err) _must_check_;

/* "yes"/"no", also "true"/"false", "on"/"off". */
int sut_conf_bool(const char *value, bool *ret, struct sut_err *err) _must_check_;
/* "30", "30s", "5m", "4h", "2d": seconds, at most max. */
int sut_conf_duration(const char *value, int64_t max, int64_t *ret,
		      struct sut_err *err) _must_check_;

#endif
