/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The portal of a tenant: its settings (the token sealed), and whether it answers. One row of `portals`.
 *
 * The state is "ok"; "away": it did not answer twice in a row, since the first of these; "refused": it does not take the
 * token. "unset" when there is no row. What was read from it before stays in use in all of them.
 */
#ifndef SUTURE_CONSOLE_LINK_LINK_H
#define SUTURE_CONSOLE_LINK_LINK_H

#include <jansson.h>

#include "console.h"
#include "link/client.h"

enum {
	LINK_EVERY_SEC = 30,	   /* from turn to turn */
	LINK_WHOLE_SEC = 300,	   /* all systems are compared at least so often */
	LINK_RETRY_SEC = 5,	   /* after the first failure; doubles, up to LINK_EVERY_SEC */
	LINK_RETRY_MAX_SEC = 3600, /* that a Retry-After may ask for */
};

struct link {
	int64_t tenant;
	int64_t settings; /* counted up when they change */
	char *url, *ca;
	struct sut_buf token;	   /* secret */
	char state[16], etag[128]; /* etag: of the coverage that is kept */
	int64_t tried, retry_at, wanted, whole_at, systems_at, failures;
};
void link_release(struct link *l);
#define _cleanup_link_ _cleanup_(link_release)

/* 1: *ret is it; 0: none is set. Reason "seal" when the token cannot be opened. */
int link_load(struct console *c, struct sut_db *db, int64_t tenant, struct link *ret,
	      struct sut_err *err) _must_check_;
/* cancel_fd: of link_client_opts; -1 without one. */
int link_open(const struct link *l, unsigned int total_sec, int cancel_fd, struct link_client **ret,
	      struct sut_err *err) _must_check_;

/* In a WRITE transaction: keeps settings in place of those that are there. */
struct link_settings {
	const char *url, *token, *ca; /* ca: "" for none */
};
int link_save(struct web_req *q, const struct link_settings *s, struct sut_err *err) _must_check_;

/* As GET /v1/portal shows it, without job_key. */
int link_json(struct sut_db *db, int64_t tenant, json_t **ret, struct sut_err *err) _must_check_;
/* Is it known to be away or refused? For those who could do without it. */
int link_is_ok(struct sut_db *db, int64_t tenant, bool *ret, struct sut_err *err) _must_check_;

/*
 * In a WRITE transaction: what came of a turn. rc and why: of link_do(), 0 when all went well. The change of state
 * becomes an event ("portal.away", "portal.refused", "portal.back") and bumps the generation.
 */
int link_note(struct web_req *q, const struct link *l, int rc, const struct sut_err *why,
	      unsigned int retry_after, struct sut_err *err) _must_check_;

/* In a WRITE transaction: a turn is wanted now. */
int link_want(struct web_req *q, int64_t tenant, struct sut_err *err) _must_check_;

/* Answers a call that needed the portal: 503 "portal-away", 502 "portal-refused"; others as they are (< 0). */
int link_problem(struct web_resp *r, int rc, const struct sut_err *why) _must_check_;
/* There is none: 409 "portal-unset". */
int link_unset(struct web_resp *r);

#endif
