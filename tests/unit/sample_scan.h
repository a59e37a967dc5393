/* SPDX-License-Identifier: Apache-2.0 */
/* Scans for tests: the samples of tests/unit/scan, and what an import gives, as text that can be compared. */
#ifndef SUTURE_TESTS_SAMPLE_SCAN_H
#define SUTURE_TESTS_SAMPLE_SCAN_H

#include "scan/internal.h"

/* A file of tests/unit/scan; fails the test when it is not there. */
void sample_scan_file(const char *name, struct sut_buf *ret);

struct sample_scan {
	struct sut_buf text; /* one line for each call of the sink */
	struct sut_scan_summary sum;
	int result; /* of the call that failed, or of finish */
	struct sut_err err;
	unsigned int fail_at; /* the call of the sink that returns -EIO; 0: none */
	unsigned int calls;
	bool in_host;
};

/*
 * Imports it in pieces of feed bytes, which go to the reader in blocks of block bytes (0: as is usual).
 *   host system=… machine=… fqdn=… name=… os=… kernel=… ip=… mac=… at=…
 *   finding ID [CVE …] title=… package=… version=… fixed=… purl=… severity=… not-running
 *   end
 */
void sample_scan_run(struct sample_scan *r, const struct sut_scan_opts *o, const void *data,
		     size_t len, size_t feed, size_t block);
void sample_scan_release(struct sample_scan *r);
#define _cleanup_sample_scan_ _cleanup_(sample_scan_release)

/* Every size of pieces gives the same as one piece does; and however it is cut off, it neither crashes nor leaves a host open. */
void sample_scan_pieces(const struct sut_scan_opts *o, const void *data, size_t len);
void sample_scan_cuts(const struct sut_scan_opts *o, const void *data, size_t len,
		      bool may_be_fine);

/* A host for formats that name none. */
extern const struct sut_scan_host sample_scan_host;

#endif
