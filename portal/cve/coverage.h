/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole coverage document of this process: made once for each generation of the data, by one thread at
 * a time; others meanwhile get the one before.
 */
#ifndef SUTURE_PORTAL_CVE_COVERAGE_H
#define SUTURE_PORTAL_CVE_COVERAGE_H

#include "cve/document.h"

struct coverage;

/* For portal_open() and portal_free(). */
int coverage_new(struct coverage **ret, struct sut_err *err) _must_check_;
void coverage_free(struct coverage *c);

/* A reference, to be given back. db: in a transaction. -EAGAIN: the first one is being made, and takes
 * longer than one can wait. */
int coverage_get(struct coverage *c, struct sut_db *db, const struct document **ret,
		 struct sut_err *err) _must_check_;
void coverage_put(struct coverage *c, const struct document *d);

#endif
