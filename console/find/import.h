/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans become findings of hosts. A file is read twice: first to see that it is whole and what is in it, then to write; so a
 * file that is cut off or malformed changes nothing. Hosts are written in batches of a fraction of a second. When the process
 * ends in the middle, the scan begins again: what it wrote is written over by the same.
 */
#ifndef SUTURE_CONSOLE_FIND_IMPORT_H
#define SUTURE_CONSOLE_FIND_IMPORT_H

#include "find/scan.h"
#include "web/task.h"

/* The advisory lock of who imports. */
#define SCANS_LOCK 0x7375740021

/* Runs one scan to its end: done, failed, or gone when somebody deleted it; 0 for all of these. Not in a transaction. < 0: the
 * database or this process is at fault; the scan waits, for SCAN_TRIES_MAX tries. */
int import_scan(struct console *c, struct sut_db *db, const struct scan_row *s, int64_t now,
		struct sut_err *err) _must_check_;

/* All scans that wait and whose files are here. */
int import_waiting(struct console *c, struct sut_db *db, int64_t now,
		   struct sut_err *err) _must_check_;

#endif
