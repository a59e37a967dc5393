/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a view from the database; only for this folder. */
#ifndef SUTURE_PORTAL_FEED_VIEW_H
#define SUTURE_PORTAL_FEED_VIEW_H

#include <stdatomic.h>

#include "base/str.h"
#include "feed/decisions.h"

struct view {
	struct feed_view pub; /* first: they are cast into each other */
	atomic_uint refs;
	struct sut_strv strings; /* that the entries point to */
	size_t bytes;		 /* of memory, about */
};

/* With one reference. -ENOENT: no such feed. */
int view_read(struct sut_db *db, int64_t feed, const char *build_id, struct view **ret,
	      struct sut_err *err) _must_check_;
void view_free(struct view *v);
void view_freep(struct view **v);

#endif
