/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When tokens were last used. A call that only reads has no transaction to write it in, so it leaves the
 * number of its token here, and a task writes it down a little later. No call waits for that.
 */
#ifndef SUTURE_WEB_TOKEN_USE_H
#define SUTURE_WEB_TOKEN_USE_H

#include <stdint.h>

#include "base/err.h"

struct token_use;

enum {
	TOKEN_USE_EXACT_SEC = 60 * 60, /* tokens.last_used is not older than this */
	TOKEN_USE_MAX = 1024, /* tokens between two runs of the task; others have to come again */
};

int token_use_new(struct token_use **ret, struct sut_err *err) _must_check_;
void token_use_free(struct token_use *u);
/* From any thread. */
void token_use_note(struct token_use *u, int64_t token, int64_t now);

#endif
