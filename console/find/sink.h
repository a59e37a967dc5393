/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: where findings of hosts go on their way into the database, whatever they come from. */
#ifndef SUTURE_CONSOLE_FIND_SINK_H
#define SUTURE_CONSOLE_FIND_SINK_H

#include "find/intern.h"
#include "find/scan.h"
#include "find/set.h"
#include "scan/scan.h"

struct sink {
	struct console *c;
	struct sut_db *db;
	const struct scan_row *scan;
	struct web_req q; /* of nobody: the console itself */
	struct intern *in;
	const char *family;
	char tool[SUT_SCAN_ID_MAX + 1];
	int64_t scanned_at; /* of the file; 0 */
	/* the host at work */
	struct find_set set; /* of places of `in` */
	struct sut_scan_host host;
	char *texts[8];
	struct sut_strv addresses, macs;
	bool open;
	/* the transaction */
	bool tx, touched;
	double tx_begun, touched_at;
	/* counted */
	int64_t hosts, findings, unmatched;
	uint64_t done_bytes;
};

int sink_init(struct sink *k, struct console *c, struct sut_db *db, const struct scan_row *s,
	      int64_t now, struct sut_err *err) _must_check_;
void sink_release(struct sink *k);

/* As callbacks of sut_scan_sink; ctx is the sink. */
int sink_host(void *ctx, const struct sut_scan_host *h, struct sut_err *err) _must_check_;
int sink_finding(void *ctx, const struct sut_scan_finding *f, struct sut_err *err) _must_check_;
int sink_host_end(void *ctx, struct sut_err *err) _must_check_;

/* The findings of k->set are of this host (row id). Begins a transaction when none is open. */
int sink_write(struct sink *k, int64_t host, const char *name, const char *matched_by,
	       struct sut_err *err) _must_check_;
/* Now and then: commits what is open for long enough, and tells how far it is. -ECANCELED: the scan was deleted, or
 * this process ends. */
int sink_breathe(struct sink *k, bool now, struct sut_err *err) _must_check_;

/* Names that stand for a row of hosts in place of what a file does not tell. */
#define SINK_DIRECT "console:"

#endif
