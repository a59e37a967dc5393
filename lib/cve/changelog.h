/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian changelogs (deb-changelog(5)) as a source of CVE data: which version of a source package fixed
 * which CVE, with the subject of the item that says so.
 *
 * The kernel's changelogs name a CVE behind a commit's subject, in parentheses, one or several:
 *     - af_unix: Fix garbage collector racing against connect() (CVE-2024-26923)
 * and sometimes at the head of an item ("CVE-2026-1234: …") or in a line of its own. A CVE counts for
 * the oldest version that names it in a fix which was not taken back later: "Revert "TITLE"" ends what an
 * older item of that title fixed (a revert of the revert brings it back). A revert that names a CVE
 * itself, behind the quotation mark, closes that hole. What a "Drop …" item names does not count.
 *
 * Entries of packages that only sign another one ("Sign kernel from linux 6.1.170-3") count as
 * versions of that. Forms of changelogs older than the present one end the reading.
 */
#ifndef SUTURE_CVE_CHANGELOG_H
#define SUTURE_CVE_CHANGELOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	SUT_CHANGELOG_MAX = 64 << 20, /* bytes */
	SUT_CHANGELOG_VERSIONS_MAX = 10000,
	SUT_CHANGELOG_FIXES_MAX = 200000,
	SUT_CVE_SUBJECT_MAX = 300, /* bytes of a subject; longer ones are cut */
	SUT_CVE_ID_MAX = 24,	   /* "CVE-2026-1234567890" and NUL */
};

struct sut_changelog_fix {
	char cve[SUT_CVE_ID_MAX];
	size_t version; /* index into versions */
	char *subject;	/* printable UTF-8 */
};

struct sut_changelog {
	char *source; /* name of the source package */
	struct {
		char *version;
		int64_t released; /* seconds since the epoch; 0: the date has no usual form */
	} * versions;		  /* newest first, as in the file */
	size_t nversions;
	struct sut_changelog_fix *fixes; /* sorted by CVE */
	size_t nfixes;
};

/* -EBADMSG (reason "changelog") with the line and what is wrong with it. Takes gzip as well. */
int sut_changelog_parse(const void *text, size_t len, struct sut_changelog **ret,
			struct sut_err *err) _must_check_;
void sut_changelog_free(struct sut_changelog *c);
void sut_changelog_freep(struct sut_changelog **c);

/* "CVE-" year "-" at least four digits, five and more not beginning with 0; in upper case. */
int sut_cve_id_ok(const char *s);

/* Order of Debian versions (deb-version(7)): negative, 0, positive. */
int sut_debversion_cmp(const char *a, const char *b);
/* Does it have the form of one? */
int sut_debversion_ok(const char *s);

#endif
