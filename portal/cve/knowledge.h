/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the changelogs in the database say, in memory: for a binary package of a known version, which CVEs
 * later versions of its source fix. Versions are ranked once, so that asking compares numbers.
 */
#ifndef SUTURE_PORTAL_CVE_KNOWLEDGE_H
#define SUTURE_PORTAL_CVE_KNOWLEDGE_H

#include <stddef.h>
#include <stdint.h>

#include "cve/changelog.h"
#include "db/db.h"

struct known_fix {
	char cve[SUT_CVE_ID_MAX];
	uint32_t rank;	     /* of the version, in the source's versions */
	const char *subject; /* in the source's memory */
};

struct known_source {
	int64_t id;
	char *distribution, *name;
	char *version, *oldest; /* newest and oldest of what was read */
	int64_t imported;
	char **versions; /* oldest first */
	size_t nversions;
	struct known_fix *fixes; /* by CVE, in the order of strcmp() */
	size_t nfixes;
	char **subjects; /* owns the text of the fixes */
};

struct knowledge {
	struct known_source *sources; /* by distribution and name */
	size_t n;
};

/* In a transaction. */
int knowledge_load(struct sut_db *db, struct knowledge **ret, struct sut_err *err) _must_check_;
void knowledge_free(struct knowledge *k);
void knowledge_freep(struct knowledge **k);

/* A binary package, as the manifest of a patch names it. */
struct known_package {
	/* "debian/6.1.0-47-cloud-amd64": the distribution is the part before '/', and sources of "debian" and of "debian-12"
	 * are looked at. */
	const char *target;
	const char *product; /* "kernel" (sources "linux", "linux-…") or "library" */
	const char *name, *version;
	const char *source, *source_version; /* when they are known, else "" */
};

/*
 * The source whose changelog has exactly this version, and its rank; NULL when there is none. When the source is known, no other
 * one counts, and its version does. A binary package that was only built again ("…+b1") has the version of its source.
 */
const struct known_source *knowledge_source(const struct knowledge *k,
					    const struct known_package *p, uint32_t *ret_rank);

/* Rank of a version, known or not: fixes with a higher one are not in it. */
uint32_t known_rank(const struct known_source *s, const char *version);

#endif
