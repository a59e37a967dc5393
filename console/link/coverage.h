/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's coverage document (docs/formats/coverage.md), kept compressed in its row of `portals`. */
#ifndef SUTURE_CONSOLE_LINK_COVERAGE_H
#define SUTURE_CONSOLE_LINK_COVERAGE_H

#include "link/link.h"

/* Asks whether there is a new one, and keeps it; that bumps the generation. Errors of link_do(); one that is no coverage
 * document is -EHOSTDOWN, and the one before stays. Not in a transaction. */
int link_coverage_take(struct sut_db *db, struct server *s, const struct link *l,
		       struct link_client *client, int64_t now, unsigned int *ret_retry_after,
		       struct sut_err *err) _must_check_;

/* Adds the document to *out, which has a maximum of LINK_COVERAGE_MAX. 1: there is one, with *ret_at (when it came); 0. */
int link_coverage_read(struct sut_db *db, int64_t tenant, struct sut_buf *out, int64_t *ret_at,
		       struct sut_err *err) _must_check_;

#endif
