/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: the machines of a tenant, whether the portal knows them, a scan, or both. One row of `hosts` each, with its names
 * (match.h) and its timeline. All functions that write are for a WRITE transaction.
 */
#ifndef SUTURE_CONSOLE_FLEET_HOST_H
#define SUTURE_CONSOLE_FLEET_HOST_H

#include <jansson.h>

#include "fleet/match.h"
#include "web/web.h"

enum { HOST_HASH = 32 };

/* --- the timeline --- */

/* kind: registered, level, state, boot, scan, job, silent, back, linked, gone. text: a sentence. data: owned; NULL: none. */
int host_event(struct sut_db *db, int64_t tenant, int64_t host, int64_t at, const char *kind,
	       const char *text, json_t *data, struct sut_err *err) _must_check_;

/* --- as the portal tells it --- */

/*
 * A system as GET /v1/systems/{system} of the portal shows it becomes, or changes, a host: the one that has its System ID, else one
 * of scans that it is (match.h), else a new one. What changed goes into the timeline, and what matters to others becomes an
 * event. hash: of what the list of the portal told of it (host_hash()). q->who.tenant counts. *ret: row id.
 */
int host_take(struct web_req *q, const json_t *sys, const uint8_t hash[static HOST_HASH],
	      int64_t *ret, struct sut_err *err) _must_check_;
/* Of an item of the portal's list, without what changes by itself (checkin, address). -ENOMEM. */
int host_hash(const json_t *item, uint8_t ret[static HOST_HASH]) _must_check_;
/* It checked in, and that is all. */
int host_seen(struct sut_db *db, int64_t tenant, int64_t host, int64_t checkin,
	      struct sut_err *err) _must_check_;
/* The portal has forgotten it: it stays as a host of scans. */
int host_gone(struct web_req *q, int64_t host, struct sut_err *err) _must_check_;

/* --- as a scan tells it --- */

struct host_scan {
	struct host_facts facts;
	const char *os, *kernel_release; /* NULL or "": not told */
};
/* The host that a scan speaks of: the one that it is, else a new one. *ret_by: the word of match.h, "new" when it was made. */
int host_of_scan(struct web_req *q, const struct host_scan *s, int64_t *ret, const char **ret_by,
		 struct sut_err *err) _must_check_;

/* --- two that are one --- */

/* What is known of `drop` (scan, names, timeline, packages) goes to `keep`, where keep has nothing newer, and drop is gone. by: who says so. */
int host_merge(struct web_req *q, int64_t keep, int64_t drop, const char *by,
	       struct sut_err *err) _must_check_;

/* 1: row id of the tenant's host with this uid; 0: there is none. */
int host_find(struct sut_db *db, int64_t tenant, const char *uid, int64_t *ret,
	      struct sut_err *err) _must_check_;

#endif
