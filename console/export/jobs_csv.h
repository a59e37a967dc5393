/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as a table for spreadsheets: one line for each system of each job. */
#ifndef SUTURE_CONSOLE_EXPORT_JOBS_CSV_H
#define SUTURE_CONSOLE_EXPORT_JOBS_CSV_H

#include "base/buf.h"
#include "web/web.h"

/* RFC 4180, with a first line of names. Those of q->who.tenant that were made in [from, to); of one job when job is not
 * NULL. In a transaction. -ENOBUFS: it is larger than out. */
int export_jobs_csv(struct web_req *q, const char *job, int64_t from, int64_t to,
		    struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
