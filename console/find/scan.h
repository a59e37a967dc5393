/* SPDX-License-Identifier: Apache-2.0 */
/* Scans: one row each, and the file that waits in the spool folder under the scan's uid. */
#ifndef SUTURE_CONSOLE_FIND_SCAN_H
#define SUTURE_CONSOLE_FIND_SCAN_H

#include <jansson.h>

#include "auth/token.h"
#include "console.h"

enum { SCAN_NAME_MAX = 255, SCAN_TRIES_MAX = 3 };

struct scan_row {
	int64_t id, tenant;
	char uid[SUT_UID_LEN + 1];
	char format[16], state[16];
	char *name, *of_host, *systems, *tool, *error, *created_by;
	char error_code[40];
	int64_t bytes, done_bytes, hosts, findings, cves, unmatched, without_cve, created, begun,
		finished, tries;
	bool cancel;
};

void scan_row_release(struct scan_row *s);
#define _cleanup_scan_row_ _cleanup_(scan_row_release)

/* What sut_db_query() has to select, and one row of it. */
#define SCAN_COLUMNS                                                                               \
	"s.id, s.tenant, s.uid, s.format, s.state, s.name, s.system, s.systems, s.tool, s.error,"  \
	" s.created_by, s.error_code, s.bytes, s.done_bytes, s.hosts, s.findings, s.cves,"         \
	" s.unmatched, s.without_cve, s.created, COALESCE(s.begun, 0), COALESCE(s.finished, 0),"   \
	" s.tries, s.cancel"
int scan_row_read(const struct sut_db_rows *row, struct scan_row *ret) _must_check_;
/* 1, or 0: there is none. */
int scan_row_get(struct sut_db *db, int64_t tenant, const char *uid, struct scan_row *ret,
		 struct sut_err *err) _must_check_;

/* As the API has it. NULL: no memory. */
json_t *scan_json(const struct scan_row *s);

/* In a WRITE transaction: a scan that waits. Its file lies in the spool folder already. */
struct scan_new {
	const char *uid, *format, *name, *of_host, *systems; /* the last two: NULL for none */
	int64_t bytes;
};
int scan_add(struct web_req *q, const struct scan_new *n, struct sut_err *err) _must_check_;

#endif
