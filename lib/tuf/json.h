/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as signed metadata needs it: strict in, canonical out. */
#ifndef SUTURE_TUF_JSON_H
#define SUTURE_TUF_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/parse.h"

enum { SUT_JSON_DEPTH_MAX = 32 };

/* One object and nothing after it. Refuses duplicate keys, real numbers, invalid UTF-8, U+0000
 * and more than SUT_JSON_DEPTH_MAX levels. -EBADMSG; what names it in messages. */
int sut_json_parse(const void *data, size_t len, const char *what, json_t **ret,
		   struct sut_err *err) _must_check_;

/* Adds the canonical form (OLPC canonical JSON): keys sorted by their bytes, no
 * white space, only '"' and '\' escaped, integers only. -EBADMSG for what has none. */
int sut_json_canonical(const json_t *j, struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
