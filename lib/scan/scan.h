/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scan import: what a vulnerability scanner reported, from the file it wrote.
 *
 * The format is detected (or forced), the file may be gzip, and it is read as it comes, in pieces of any size: a file of any length
 * passes through SUT_SCAN_KEPT_MAX bytes of memory and small change. What a format tells in another order than it is wanted (OVAL
 * results name the host last) is kept within that limit. The sink sees, for each host: host, then its findings, then host_end. It may see
 * the same host again (the rows of a CSV file need not be together). docs/formats/scans.md tells what is read from each format.
 *
 * All strings are printable UTF-8 on one line and no longer than the limits below; longer ones are cut. What is not known is NULL or 0.
 * CVE ids have the form CVE-YYYY-NNNN (4 to 19 digits), in upper case, each once per finding. What is no such id is no CVE: the finding
 * is given all the same, with ncves 0 when it has none.
 *
 * Errors have the reason "scan" and name the file, the line (text, JSON, XML), the element or member, and what to do. -EBADMSG: the
 * file; -EFBIG: a limit; -ENOMEM; or what a callback of the sink returned. What the sink got before stays what the file says, but is
 * not the whole: take it back (a transaction).
 */
#ifndef SUTURE_SCAN_SCAN_H
#define SUTURE_SCAN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	SUT_SCAN_ID_MAX = 255,	       /* bytes of a native id, purl, package or version */
	SUT_SCAN_TITLE_MAX = 511,      /* and of a title */
	SUT_SCAN_CVE_MAX = 32,	       /* room for "CVE-2026-" and 19 digits, and NUL */
	SUT_SCAN_CVES_MAX = 4096,      /* of one finding */
	SUT_SCAN_LIST_MAX = 64,	       /* addresses, or MACs, of one host; more are left out */
	SUT_SCAN_DEPTH_MAX = 64,       /* levels of elements or JSON */
	SUT_SCAN_TOKEN_MAX = 1 << 20,  /* bytes of one tag, comment or line */
	SUT_SCAN_KEPT_MAX = 128 << 20, /* bytes of what is kept while it is read */
	SUT_SCAN_RATIO_MAX = 300,      /* of gzip, behind the first 16 MiB */
};
#define SUT_SCAN_BYTES_MAX (INT64_C(4) << 30) /* unpacked */

enum sut_scan_format {
	SUT_SCAN_UNKNOWN, /* of options: detect it */
	SUT_SCAN_OVAL,	  /* OVAL results 5.x, as of oscap oval eval --results */
	SUT_SCAN_ARF,	  /* asset-report-collection 1.x, or XCCDF results alone */
	SUT_SCAN_TRIVY,	  /* JSON of SchemaVersion 2 */
	SUT_SCAN_GRYPE,	  /* JSON */
	SUT_SCAN_DEBSECAN,
	SUT_SCAN_NESSUS, /* .nessus, version 2 */
	SUT_SCAN_CSV,	 /* with a header row */
	SUT_SCAN_FORMATS,
};

enum sut_scan_severity {
	SUT_SCAN_SEVERITY_UNKNOWN,
	SUT_SCAN_SEVERITY_NONE, /* "negligible", "unimportant", informational */
	SUT_SCAN_SEVERITY_LOW,
	SUT_SCAN_SEVERITY_MEDIUM,
	SUT_SCAN_SEVERITY_HIGH,
	SUT_SCAN_SEVERITY_CRITICAL,
};

enum sut_scan_flag {
	SUT_SCAN_NOT_RUNNING =
		1 << 0, /* of a kernel that is installed; the scan says that another one runs */
};

struct sut_scan_host {
	const char *system_id, *machine_id;
	const char *fqdn, *hostname;  /* in lower case */
	const char *os;		      /* "Debian GNU/Linux 12 (bookworm)" */
	const char *kernel;	      /* release of the running one: "6.1.0-18-amd64" */
	const char *const *addresses; /* IPv4, IPv6; not those of loopback and link */
	size_t naddresses;
	const char *const *macs; /* "02:fc:00:00:00:01" */
	size_t nmacs;
	int64_t scanned_at; /* seconds since the epoch */
};

struct sut_scan_finding {
	const char *native_id; /* oval:…:def:12, plugin id, rule id, CVE or GHSA id */
	const char *title;
	const char *const *cves;
	size_t ncves;
	const char *package, *version, *fixed_version, *purl;
	enum sut_scan_severity severity;
	unsigned int flags; /* enum sut_scan_flag */
};

/* Each returns 0, or a negative errno with *err filled: that ends the import. Pointers live during the call. */
struct sut_scan_sink {
	int (*host)(void *ctx, const struct sut_scan_host *h, struct sut_err *err);
	int (*finding)(void *ctx, const struct sut_scan_finding *f, struct sut_err *err);
	int (*host_end)(void *ctx, struct sut_err *err); /* may be NULL */
	void *ctx;
};

struct sut_scan_opts {
	enum sut_scan_format format;
	const char *name; /* of the file, for messages; NULL: "the scan" */
	/* The host of a file that names none: of debsecan always, of Trivy and Grype mostly, and of rows of CSV without a
	 * column of hosts. NULL: such a file is refused. Of a file that names hosts it says nothing. */
	const struct sut_scan_host *host;
};

struct sut_scan_summary {
	enum sut_scan_format format;
	uint64_t bytes;	   /* unpacked */
	uint64_t hosts;	   /* calls of host() */
	uint64_t findings; /* calls of finding() */
	uint64_t cves;	   /* CVEs of all findings, each counted for each finding */
	uint64_t without_cve;
	char tool[SUT_SCAN_ID_MAX + 1], tool_version[SUT_SCAN_ID_MAX + 1]; /* "" when not told */
	int64_t scanned_at; /* of the file, or the latest of its hosts; 0: not told */
};

struct sut_scan;

/* Keeps a copy of *o, of what it points to and of *sink. */
int sut_scan_open(const struct sut_scan_opts *o, const struct sut_scan_sink *sink,
		  struct sut_scan **ret, struct sut_err *err) _must_check_;

/* The next bytes of the file, in pieces of any size. After an error there is nothing but sut_scan_free(). */
int sut_scan_feed(struct sut_scan *s, const void *bytes, size_t len,
		  struct sut_err *err) _must_check_;

/* The file is over. Fails when it was cut off, or empty. */
int sut_scan_finish(struct sut_scan *s, struct sut_scan_summary *ret,
		    struct sut_err *err) _must_check_;

void sut_scan_free(struct sut_scan *s);
void sut_scan_freep(struct sut_scan **s);
#define _cleanup_scan_ _cleanup_(sut_scan_freep)

/* The whole of an open file, or of a pipe. */
int sut_scan_read_fd(int fd, const struct sut_scan_opts *o, const struct sut_scan_sink *sink,
		     struct sut_scan_summary *ret, struct sut_err *err) _must_check_;

/* "oval", "arf", "trivy", "grype", "debsecan", "nessus", "csv"; "unknown". */
const char *sut_scan_format_name(enum sut_scan_format f);
/* 0 or -EINVAL; "auto" is SUT_SCAN_UNKNOWN. */
int sut_scan_format_parse(const char *name, enum sut_scan_format *ret) _must_check_;

/* "critical", "high", "medium", "low", "none", "unknown". */
const char *sut_scan_severity_name(enum sut_scan_severity s);

/* Writes the normal form of a CVE id of len bytes; false when it is none. */
bool sut_scan_cve(const char *s, size_t len, char ret[SUT_SCAN_CVE_MAX]);

/*
 * The release of the kernel in a package whose name tells it, inside of that name: "6.1.0-18-amd64" of "linux-image-6.1.0-18-amd64",
 * "linux-modules-extra-…", "linux-image-unsigned-…"; length in *ret_len. NULL for all others.
 */
const char *sut_scan_kernel_of(const char *package, size_t *ret_len);

#endif
