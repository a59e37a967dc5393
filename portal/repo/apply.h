/* SPDX-License-Identifier: Apache-2.0 */
/* What a look at the repository found, into the database. */
#ifndef SUTURE_PORTAL_REPO_APPLY_H
#define SUTURE_PORTAL_REPO_APPLY_H

#include "repo/look.h"
#include "web/web.h"

struct repo_changes {
	size_t released, withdrawn; /* patch files that came and went */
};

/*
 * In a WRITE transaction of q->db: patchsets, targets and CVEs that are new, what is no longer a target, feeds
 * that take what is released, events, audit, and the generation when anything changed. The same look twice
 * changes nothing the second time.
 */
int repo_apply(struct web_req *q, const struct repo_look *l, struct repo_changes *ret,
	       struct sut_err *err) _must_check_;

/* Nothing changed: only the time of the look. */
int repo_note_look(struct sut_db *db, int64_t now, struct sut_err *err) _must_check_;
/* The look failed by why. 1 when that is news. */
int repo_note_failure(struct sut_db *db, int64_t now, const struct sut_err *why,
		      struct sut_err *err) _must_check_;

#endif
