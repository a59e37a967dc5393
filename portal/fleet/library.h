/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libraries that systems use and patches are for: what they report of them (table system_libraries), and what they are
 * told to run.
 */
#ifndef SUTURE_PORTAL_FLEET_LIBRARY_H
#define SUTURE_PORTAL_FLEET_LIBRARY_H

#include <jansson.h>

#include "db/db.h"
#include "feed/decisions.h"
#include "fleet/system.h"

struct portal;

enum {
	LIBRARY_HELD_MAX = 48, /* of all libraries of an answer */
	LIBRARY_FRESH_MAX =
		64, /* libraries of one check-in that are read from the database for its answer */
};

/*
 * What is to be remembered of "libraries" of a report that was checked (may be NULL): the same list is the same text, and
 * numbers that change by themselves make no other one: of the processes their magnitude counts, and how many are not patched.
 * *ret: the caller's.
 */
int library_settle(const json_t *libraries, char **ret) _must_check_;

/* Rows of one system anew. libraries: of a report that was checked, or NULL. */
int library_store(struct sut_db *db, int64_t id, const json_t *libraries,
		  struct sut_err *err) _must_check_;

/* [{"build_id", "name", "version", "level", "patchset", "processes", "patched", "state"}], by name. */
int library_list(struct sut_db *db, int64_t tenant, int64_t id, json_t **ret,
		 struct sut_err *err) _must_check_;

/*
 * The parts of the answer to a check-in: adds {"build_id", "action", …} for each library of the report that there is something to
 * say of to answer, what is held back to held, and "quarantined" to notices.
 * quarantined: of the report. Libraries that the key does not cover, or the agent does not look after, are none of
 * ours: that is the caller's to know.
 */
struct library_answer {
	json_t *list, *held, *notices;
};
int library_decide(struct portal *p, struct sut_db *db, const struct fleet_system *s,
		   const json_t *libraries, const json_t *quarantined, int64_t now,
		   const struct library_answer *ret, struct sut_err *err) _must_check_;

#endif
