/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find sets in the database: what a scan has of a host takes the place of what the same kind of scanner had of it before.
 * For WRITE transactions.
 */
#ifndef SUTURE_CONSOLE_FIND_KEEP_H
#define SUTURE_CONSOLE_FIND_KEEP_H

#include <stdint.h>

#include "db/db.h"
#include "find/set.h"

struct keep {
	int64_t tenant, host, scan; /* row ids */
	const char *family;	    /* keep_family() */
	const char *tool, *name, *matched_by;
	int64_t scanned_at;
};

/* set: settled. When the host has findings of the same scan already (a file may tell of a host twice), both together
 * stay. Brings hosts.findset, scan, scanned_at, scanner up to date. *ret_n: findings of the host in this scan. */
int keep_findings(struct sut_db *db, const struct keep *k, const struct find_set *set,
		  size_t *ret_n, struct sut_err *err) _must_check_;

/* "oval" and "arf" are of one scanner. */
const char *keep_family(const char *format);

/* Takes what a scan found off its hosts, in portions: 1: there is more. In a WRITE transaction each. */
int keep_drop_scan(struct sut_db *db, int64_t tenant, int64_t scan,
		   struct sut_err *err) _must_check_;
/* Find sets that nobody has any more, in portions: 1: there may be more. */
int keep_sweep(struct sut_db *db, int64_t tenant, struct sut_err *err) _must_check_;

#endif
