/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant's manifests are signed with: an Ed25519 key, sealed in the database. Its public half goes to
 * /etc/suture/job-keys.d of the systems (docs/formats/job.md). Made when it is first asked for.
 */
#ifndef SUTURE_CONSOLE_JOB_KEY_H
#define SUTURE_CONSOLE_JOB_KEY_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/key.h"
#include "db/db.h"
#include "job/dsse.h"
#include "job/manifest.h"

struct seal;
struct server;

/* The key to sign with. In a WRITE transaction: it may have to be made. */
int job_key_use(const struct seal *s, struct sut_db *db, int64_t tenant, int64_t now,
		struct sut_privkey **ret, char ret_id[static SUT_DSSE_KEYID],
		struct sut_err *err) _must_check_;

/* {"public": the two lines of a .pub file, "key_id", "created"} of the current key, or JSON null when none was made
 * yet. Only reads. */
int job_key_json(struct sut_db *db, int64_t tenant, json_t **ret, struct sut_err *err) _must_check_;

/* Makes the first one, when there is none. In a WRITE transaction. */
int job_key_ensure(const struct seal *s, struct sut_db *db, int64_t tenant, int64_t now,
		   struct sut_err *err) _must_check_;

/* Another one takes its place. What the old one signed stays good on systems that have its public half; its secret
 * half is forgotten. In a WRITE transaction. */
int job_key_replace(const struct seal *s, struct sut_db *db, int64_t tenant, const char *by,
		    int64_t now, struct sut_err *err) _must_check_;

/* "issuer" of manifests: how the world reaches this console, for people. */
const char *job_issuer(const struct server *s);

#endif
