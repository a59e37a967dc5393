/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling others what happened (docs/formats/webhooks.md). An event becomes one delivery for each webhook
 * that asked for its type, in the transaction that moves the webhook past it; a delivery is POSTed until it is
 * taken or a day has passed. A portal that dies between POST and note sends again, with the same webhook-id.
 */
#ifndef SUTURE_ACCOUNT_WEBHOOK_H
#define SUTURE_ACCOUNT_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sut_db;
struct task;

enum {
	WEBHOOK_URL_MAX = 2048,
	WEBHOOK_IN_FLIGHT = 16,		      /* at once, of one portal */
	WEBHOOK_EACH = 4,		      /* of these to one receiver */
	WEBHOOK_ANSWER_SEC = 10,	      /* a receiver has to answer within this */
	WEBHOOK_ANSWER_MAX = 64 << 10,	      /* bytes of its answer, which is not looked at */
	WEBHOOK_TRY_SEC = 24 * 60 * 60,	      /* then a delivery is given up */
	WEBHOOK_FAIL_SEC = 5 * 24 * 60 * 60,  /* without a success: the webhook is disabled */
	WEBHOOK_KEEP_SEC = 14 * 24 * 60 * 60, /* deliveries can be looked at for so long */
	WEBHOOK_SIGNATURE_MAX = 64,	      /* "v1," and 44 characters of base64, NUL */
};

/* May this be called? https; with private_ok also http, and this machine's own addresses. -EINVAL says why
 * not. Names that lead to such addresses are found when connecting. */
int webhook_url_check(const char *url, bool private_ok, struct sut_err *err) _must_check_;
/* "https://host:port/…" for those who may not see the rest, which may be as good as a password. */
char *webhook_url_short(const char *url) _must_check_;

/* "v1,BASE64": HMAC-SHA256 with the secret as it was shown, over "ID.TIMESTAMP.BODY". */
int webhook_sign(const char *secret, const char *id, int64_t timestamp, const char *body,
		 char ret[static WEBHOOK_SIGNATURE_MAX], struct sut_err *err) _must_check_;

/* Makes deliveries of the events that have none yet. Not in a transaction; makes its own. */
int webhook_fan_out(struct sut_db *db, int64_t now, struct sut_err *err) _must_check_;

/* Seconds until the next try, after so many (1, 2, …) that failed. */
int64_t webhook_wait(int64_t attempts);

extern const struct task task_webhooks;

#endif
