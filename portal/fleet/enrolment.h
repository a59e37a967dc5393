/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system comes to the portal: for the first time, once more, or as a clone that was told apart.
 * docs/internals/enrolment.md
 */
#ifndef SUTURE_PORTAL_FLEET_ENROLMENT_H
#define SUTURE_PORTAL_FLEET_ENROLMENT_H

#include "fleet/credential.h"
#include "fleet/key.h"
#include "fleet/machine.h"
#include "fleet/system.h"

struct enrolment_in {
	const struct fleet_key *key;
	const struct machine *machine;
	const struct credential *credential;
	const char *external_id; /* NULL: none was given */
	const char *system_id;	 /* that it believes to have; NULL */
	bool trusted;		 /* a user of the tenant asks, not whoever has the key */
};

struct enrolment {
	bool created;
	int64_t serial;
	char *uid, *feed, *key, *external_id; /* external_id: NULL without one */
};
void enrolment_release(struct enrolment *e);
#define _cleanup_enrolment_ _cleanup_(enrolment_release)

/* 0 and *ret; a problem: "key-limit", "external-id-taken", "credential-taken", "credential-retired"; < 0. */
int enrol(struct web_req *q, struct web_resp *r, const struct enrolment_in *in,
	  struct enrolment *ret, struct sut_err *err) _must_check_;

/* A system of its own for a clone of `parent`, by the same key, with the same feed, policy and tags. 0; a
 * problem as above; < 0. in: without external_id and system_id. */
int enrol_clone(struct web_req *q, struct web_resp *r, const struct fleet_system *parent,
		const struct enrolment_in *in, struct enrolment *ret,
		struct sut_err *err) _must_check_;

/* The answer to either. NULL when memory is short. */
json_t *enrolment_json(const struct web_req *q, const struct enrolment *e,
		       const struct credential *c);

#endif
