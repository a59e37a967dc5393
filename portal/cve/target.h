/* SPDX-License-Identifier: Apache-2.0 */
/* One target of the coverage document: its levels, and what they and a reboot fix. */
#ifndef SUTURE_PORTAL_CVE_TARGET_H
#define SUTURE_PORTAL_CVE_TARGET_H

#include <stdbool.h>

#include "base/buf.h"
#include "cve/knowledge.h"
#include "db/db.h"

struct target_cve {
	char cve[SUT_CVE_ID_MAX];
	int64_t level;
	bool whole;	     /* fixed; else partial or mitigated */
	char *status, *note; /* of the latter */
};

/* Everything but levels, which the caller writes himself. */
struct target {
	char build_id[64];
	char kernel_id[64]; /* "" when it is not known */
	char *product, *name, *arch, *release, *package, *version;
	char *file, *soname, *source_name, *source_version; /* of libraries; "" */
	const struct known_source *source; /* NULL: no changelog has this version */
	uint32_t rank;
	struct target_cve *cves; /* by CVE; of one the whole fix first, then by level */
	size_t ncves;
};

void target_release(struct target *t);

/* Reads what the patches of the target fix. In a transaction. */
int target_load(struct sut_db *db, struct target *t, struct sut_err *err) _must_check_;

enum target_state { TARGET_FIXED, TARGET_PARTIAL, TARGET_PENDING };
typedef int (*target_fn)(void *ctx, enum target_state state, const char *cve,
			 const struct target_cve *patched, const struct known_fix *known);

/* Calls fn for each CVE that matters to the target, in the order of strcmp(). patched: of the patches (NULL
 * when pending); known: of the changelog (NULL when it does not name it, or the package has it). */
int target_walk(const struct target *t, target_fn fn, void *ctx) _must_check_;

#endif
