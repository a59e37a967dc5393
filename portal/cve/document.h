/* SPDX-License-Identifier: Apache-2.0 */
/* The coverage document (docs/formats/coverage.md), made from the database. */
#ifndef SUTURE_PORTAL_CVE_DOCUMENT_H
#define SUTURE_PORTAL_CVE_DOCUMENT_H

#include "base/buf.h"
#include "cve/knowledge.h"
#include "db/db.h"

/* A CVE, and to how many targets what applies. */
struct cve_entry {
	char cve[SUT_CVE_ID_MAX];
	int64_t key; /* year and number: the order of lists */
	uint32_t fixed, partial, pending;
};

/* Never changes once it is made. */
struct document {
	int64_t generation; /* of the data it was made from */
	struct sut_buf gz;
	size_t plain;  /* bytes of it unpacked */
	char hash[33]; /* of the plain text */
	size_t targets;
	/* Only of the whole document: */
	struct knowledge *known;
	struct cve_entry *cves; /* by key */
	size_t ncves;
	unsigned int refs; /* of coverage.c */
};

/* All targets, or only those with this build id or kernel id (one of them, or both NULL). In a transaction. */
int document_make(struct sut_db *db, const char *build_id, const char *kernel_id,
		  struct document **ret, struct sut_err *err) _must_check_;
void document_free(struct document *d);
void document_freep(struct document **d);

/* Year and number as one; 0 when it is no CVE. */
int64_t cve_key(const char *cve);

#endif
