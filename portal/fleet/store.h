/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many systems read and written at once. SQLite runs a prepared statement in microseconds, so there it is one
 * statement for each; PostgreSQL is a round trip away, so there it is one for all.
 */
#ifndef SUTURE_PORTAL_FLEET_STORE_H
#define SUTURE_PORTAL_FLEET_STORE_H

#include "fleet/system.h"

/* One system during a group of check-ins. */
struct store_slot {
	int64_t id, tenant;
	bool found;
	struct fleet_system s;
	bool beat;	   /* serial, nonces, clone marks, check-in time or address changed */
	bool reported;	   /* also what it reports; then: */
	char *text;	   /* the report (owned) */
	char *facts;	   /* NULL: as they were (owned) */
	json_t *libraries; /* anew; NULL: as they were (one reference) */
};

struct store {
	struct store_slot *v; /* ordered by id */
	size_t n;
	json_t *events; /* [{"system", "at", "type", "data": text}] */
};

/* Slots for n systems (a system may come several times), read and, on PostgreSQL, locked. */
int store_load(struct sut_db *db, const int64_t (*ids)[2], size_t n, struct store *ret,
	       struct sut_err *err) _must_check_;
struct store_slot *store_find(struct store *st, int64_t id);
/* An entry of its history, written by store_save(). data: owned. */
int store_event(struct store *st, int64_t id, int64_t now, const char *type, json_t *data,
		struct sut_err *err) _must_check_;
int store_save(struct sut_db *db, struct store *st, struct sut_err *err) _must_check_;
void store_release(struct store *st);
#define _cleanup_store_ _cleanup_(store_release)

#endif
