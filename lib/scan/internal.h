/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the formats share. */
#ifndef SUTURE_SCAN_INTERNAL_H
#define SUTURE_SCAN_INTERNAL_H

#include "base/buf.h"
#include "base/str.h"
#include "scan/scan.h"

/* ---- memory that is given back as a whole, within SUT_SCAN_KEPT_MAX ---- */

struct scan_pool {
	struct scan_pool_block *blocks;
	size_t used, room; /* of the newest block */
	size_t total;	   /* bytes of all, and what was counted by scan_pool_count() */
};

/* ret: the address of a pointer of any type */
int scan_pool_alloc(struct scan_pool *p, size_t n, void *ret, struct sut_err *err);
/* Counts memory that is held outside of it. */
int scan_pool_count(struct scan_pool *p, size_t n, struct sut_err *err);
void scan_pool_release(struct scan_pool *p);

/* ---- a finding while it is read ---- */

struct scan_found {
	char id[SUT_SCAN_ID_MAX + 1];
	char title[SUT_SCAN_TITLE_MAX + 1];
	char package[SUT_SCAN_ID_MAX + 1], version[SUT_SCAN_ID_MAX + 1];
	char fixed[SUT_SCAN_ID_MAX + 1], purl[SUT_SCAN_ID_MAX + 1];
	enum sut_scan_severity severity;
	char (*cves)[SUT_SCAN_CVE_MAX];
	uint64_t *sums; /* of each of them, so that thousands are compared quickly */
	size_t ncves, cves_cap;
};

void scan_found_clear(struct scan_found *f); /* keeps the memory of cves */
void scan_found_release(struct scan_found *f);
/* Adds it unless it is there or is none. */
int scan_found_cve(struct scan_found *f, const char *s, size_t len, struct sut_err *err);
/* Every CVE id that stands in the text. */
int scan_found_cves(struct scan_found *f, const char *text, struct sut_err *err);

/* A finding that waits for its host: the strings lie behind it, in the order id, title, package, version, fixed, purl, cves. */
struct scan_kept {
	struct scan_kept *next;
	uint32_t hash; /* of the id */
	uint32_t mark; /* the reader's */
	uint16_t severity, ncves;
	char strings[];
};

int scan_keep(struct scan_pool *p, const struct scan_found *f, struct scan_kept **ret,
	      struct sut_err *err);

/* ---- a host while it is read ---- */

struct scan_machine {
	char system_id[SUT_SCAN_ID_MAX + 1], machine_id[SUT_SCAN_ID_MAX + 1];
	char fqdn[SUT_SCAN_ID_MAX + 1], hostname[SUT_SCAN_ID_MAX + 1];
	char os[SUT_SCAN_ID_MAX + 1], kernel[SUT_SCAN_ID_MAX + 1];
	struct sut_strv addresses, macs;
	int64_t scanned_at;
};

void scan_machine_clear(struct scan_machine *m);
/* Puts in what is known and not yet there. */
int scan_machine_address(struct scan_machine *m, const char *text, struct sut_err *err);
int scan_machine_mac(struct scan_machine *m, const char *text, struct sut_err *err);
/* Of several, with space, commas or semicolons between, each. */
typedef int scan_machine_take(struct scan_machine *m, const char *word, struct sut_err *err);
int scan_machine_each(struct scan_machine *m, const char *text, scan_machine_take *take,
		      struct sut_err *err);
/* "db1" or "db1.example.org" */
void scan_machine_name(struct scan_machine *m, const char *text);
/* From "Linux Kernel 6.1.0-18-amd64 on Debian 12.5" */
void scan_machine_kernel(struct scan_machine *m, const char *text);
bool scan_machine_known(const struct scan_machine *m);
int scan_machine_copy(struct scan_machine *m, const struct sut_scan_host *h, struct sut_err *err);

/* ---- text ---- */

/* The text without space around it, in one line, printable, cut to fit between characters. */
void scan_text(char *out, size_t size, const char *s, size_t len);
enum sut_scan_severity scan_severity(const char *text);
/* RFC 3339 with or without a zone (none is UTC), "Mon Nov 23 10:11:12 2026", digits: 0 when it is none of them. */
int64_t scan_time(const char *text);

/* ---- the import ---- */

struct scan_reader {
	void *(*create)(struct sut_scan *s);
	/* Every piece but the last has the size of a block. */
	int (*feed)(void *reader, const char *bytes, size_t len, struct sut_err *err);
	int (*finish)(void *reader, struct sut_err *err);
	void (*free)(void *reader);
};

extern const struct scan_reader scan_reader_oval, scan_reader_nessus, scan_reader_trivy,
	scan_reader_grype, scan_reader_debsecan, scan_reader_csv;

/* What the first bytes of a file say it is; or an error that says what it is instead. */
int scan_detect(const char *s, size_t len, enum sut_scan_format *ret, struct sut_err *err);

/* Of the readers: to the sink. */
int scan_give_host(struct sut_scan *s, const struct scan_machine *m, struct sut_err *err);
int scan_give(struct sut_scan *s, const struct scan_found *f, struct sut_err *err);
/* version: NULL, or instead of that of the finding */
int scan_give_kept(struct sut_scan *s, const struct scan_kept *k, const char *version,
		   struct sut_err *err);
int scan_give_host_end(struct sut_scan *s, struct sut_err *err);
/* The host of the options, or an error that says that the file names none. */
int scan_give_default_host(struct sut_scan *s, const struct scan_machine *known,
			   struct sut_err *err);

struct sut_scan_summary *scan_summary(struct sut_scan *s);
bool scan_has_default_host(const struct sut_scan *s);
/* For tests: pieces of so many bytes go to the reader. */
void scan_set_block(struct sut_scan *s, size_t n);

/* "what" with reason "scan": -EBADMSG, or -EFBIG. */
int scan_bad(struct sut_err *err, const char *fmt, ...) _printf_(2, 3);
int scan_big(struct sut_err *err, const char *fmt, ...) _printf_(2, 3);

#endif
