/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host and its findings, for documents that others read (openvex.h, csaf.h): which products they speak of, and what
 * is said of each CVE in each product. Pure functions of what is passed in.
 *
 * A product is a package of one version on this host. A live patch makes a statement true for one host in one boot, and
 * not for others with the same package: so every document names the host, is good for EXPORT_VALID_S, and says so.
 */
#ifndef SUTURE_CONSOLE_EXPORT_HOST_H
#define SUTURE_CONSOLE_EXPORT_HOST_H

#include <jansson.h>

#include "base/err.h"
#include "cve/purl.h"
#include "map/verdict.h"

enum {
	EXPORT_VALID_S = 24 * 60 * 60,
	EXPORT_CLAIMS_MAX = 100000, /* of one document */
	EXPORT_TIME_MAX = 24,
};

/* Texts are never NULL; "": not known. */
struct export_host {
	const char *uid, *system_id; /* here, and of the portal */
	const char *name;	     /* FQDN, else host name */
	const char *os;		     /* "Debian 12", as agents and scanners write it */
	const char *machine;	     /* "x86_64" */
	const char *release, *build_id, *boot_id;
	const char *package, *package_version; /* of the running kernel */
	const char *patchset;
	uint32_t level;
	const char *scanner;
	int64_t scanned_at, last_seen; /* 0: never */
	bool portal_ok;		       /* else what is known of it may be old */
};

struct export_finding {
	const char *cve; /* "CVE-2026-1234" */
	const char *package, *version;
	struct verdict_answer answer; /* its texts have to live as long */
};

/* What a document is made of besides: who makes it, and when. */
struct export_by {
	const char *name; /* of who publishes: the tenant */
	const char *url;  /* of the console, without '/' at the end; "" */
	int64_t now;
};

/* --- for the files of this folder --- */

struct export_product {
	const char *package, *version; /* "": the host itself */
};

enum export_status {
	EXPORT_FIXED,
	EXPORT_AFFECTED,
	EXPORT_NOT_AFFECTED,
	EXPORT_INVESTIGATED,
	EXPORT_STATUSES
};

struct export_claim {
	const char *cve;
	size_t product; /* index */
	const struct export_finding *finding;
};

/* Each CVE once for each product, in this order; of several findings the worse counts. */
struct export_claims {
	struct export_product *products;
	size_t nproducts;
	struct export_claim *v;
	size_t n;
};
#define _cleanup_claims_ _cleanup_(export_claims_release)
void export_claims_release(struct export_claims *c);
/* -E2BIG: more than EXPORT_CLAIMS_MAX. */
int export_claims_make(const struct export_host *h, const struct export_finding *v, size_t n,
		       struct export_claims *ret, struct sut_err *err) _must_check_;

enum export_status export_status_of(const struct verdict_answer *a);
/* Of not affected: a word that OpenVEX and CSAF share. */
const char *export_justification(const struct verdict_answer *a);
/* What is to be done, as a sentence; of those that are affected. */
enum { EXPORT_TEXT_MAX = VERDICT_TEXT_MAX + 256 };
void export_action(const struct verdict_answer *a, char ret[static EXPORT_TEXT_MAX]);
/* What is so, as a sentence; of all. */
void export_reason(const struct verdict_answer *a, char ret[static EXPORT_TEXT_MAX]);
/* For whom and until when; to be freed. */
char *export_scope(const struct export_host *h, int64_t now) _must_check_;
/* "web1.example (System ID k3…)"; to be freed. */
char *export_host_title(const struct export_host *h) _must_check_;

/* "2026-11-22T20:15:00Z" */
void export_time(int64_t t, char ret[static EXPORT_TIME_MAX]);
/* "20261122t201500z", for names of documents. */
void export_stamp(int64_t t, char ret[static EXPORT_TIME_MAX]);

/* The package URL of a product. false: it has none (no package, or no known distribution). b: SUT_PURL_MAX, emptied first. */
bool export_purl(const struct export_host *h, const struct export_product *p, struct sut_buf *b);
/* The name of one that has none: "urn:suture:host:UID:PACKAGE:VERSION", whatever is in these. b as above; EXPORT_URN_MAX. */
enum { EXPORT_URN_MAX = 16 << 10 };
int export_urn(const struct export_host *h, const struct export_product *p,
	       struct sut_buf *b) _must_check_;

#endif
