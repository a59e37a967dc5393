/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: what a view is made of comes from the database. */
#ifndef SUTURE_CONSOLE_MAP_LOAD_H
#define SUTURE_CONSOLE_MAP_LOAD_H

#include "db/db.h"
#include "map/build.h"

/* What is kept from one view of a tenant to the next. Zero-initialise. */
struct loaded {
	struct map_index *index;
	int64_t coverage_at;
	char coverage_etag[160];
	struct names *names;
	uint32_t max_cve, max_package, max_native;
	struct kept_set **sets; /* by id */
	size_t nsets;
	int64_t valid_until; /* a hold ends then; INT64_MAX */
};
void loaded_release(struct loaded *l);

/* In a transaction. */
int load_index(struct sut_db *db, int64_t tenant, struct loaded *l,
	       struct sut_err *err) _must_check_;
int load_view(struct sut_db *db, int64_t tenant, int64_t now, struct loaded *l,
	      struct map_view **ret, struct sut_err *err) _must_check_;

#endif
