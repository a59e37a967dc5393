/* SPDX-License-Identifier: Apache-2.0 */
/* Looking and applying, by the task and by POST /v1/repository/sync; and what is known of the repository. */
#ifndef SUTURE_PORTAL_REPO_SYNC_H
#define SUTURE_PORTAL_REPO_SYNC_H

#include "repo/apply.h"

/* The whole: transactions of its own on db, until nothing is left to read. What is wrong with the repository is
 * written down and is no error of this function. */
int repo_sync(struct portal *p, struct sut_db *db, int64_t now, struct sut_err *err) _must_check_;

/* As GET /v1/repository shows it. */
int repo_status_json(struct portal *p, struct sut_db *db, int64_t now, json_t **ret,
		     struct sut_err *err) _must_check_;

/* For /metrics: each role of the last good look and when it expires, seconds since the epoch. *ret_good (may
 * be NULL): the last look found nothing wrong. */
int repository_expiry(struct sut_db *db,
		      int (*each)(void *ctx, const char *role, int64_t expires,
				  struct sut_err *err),
		      void *ctx, bool *ret_good, struct sut_err *err) _must_check_;

#endif
