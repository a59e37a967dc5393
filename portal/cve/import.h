/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A changelog into the database, beside what earlier ones said of the same source.
 *
 * Of two changelogs the one that reaches further, by its newest version, is right wherever it reaches:
 * it knows which fixes were taken back later. The other adds only what lies before its oldest
 * version. So it does not matter in which order changelogs come, and the same one again changes nothing.
 */
#ifndef SUTURE_PORTAL_CVE_IMPORT_H
#define SUTURE_PORTAL_CVE_IMPORT_H

#include <stdbool.h>

#include "cve/changelog.h"
#include "db/db.h"

struct import_done {
	int64_t source; /* row id */
	char *version, *oldest;
	size_t versions, cves;		/* there are now */
	size_t added, changed, removed; /* CVEs */
	size_t new_versions;
	bool any; /* something is different from before */
};

/*
 * In a WRITE transaction. replace: forget what earlier changelogs said. -ESTALE (reason "unrelated"): there is
 * a changelog of that source and the two have no version in common: they are of different branches.
 */
int import_changelog(struct sut_db *db, const char *distribution, const struct sut_changelog *c,
		     bool replace, int64_t now, struct import_done *ret,
		     struct sut_err *err) _must_check_;
void import_done_release(struct import_done *d);

#endif
