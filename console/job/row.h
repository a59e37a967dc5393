/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs and their systems in the database: reading them, and moving systems from state to state. */
#ifndef SUTURE_CONSOLE_JOB_ROW_H
#define SUTURE_CONSOLE_JOB_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/token.h"
#include "base/err.h"
#include "db/db.h"
#include "job/outcome.h"
#include "job/spec.h"

/* A job as it is in this transaction. Zero-initialise; job_row_release(). */
struct job_row {
	int64_t id, tenant;
	char uid[SUT_UID_LEN + 1], retry_of[SUT_UID_LEN + 1]; /* "": of none */
	char state[16]; /* running, stopped, cancelled, done */
	char *stop_reason, *created_by;
	json_t *doc; /* the stored spec, which `spec` points into */
	struct job_spec spec;
	int64_t created, expires;
	int64_t begun, ended, next_batch; /* 0: not yet; next_batch: nothing is waited for */
	int64_t batch_now, batches;
	int64_t n[JOB_STATES]; /* systems in each state */
	int64_t version;
};

void job_row_release(struct job_row *j);

/* 1: *ret is filled; 0: there is none. */
int job_row_get(struct sut_db *db, int64_t id, struct job_row *ret,
		struct sut_err *err) _must_check_;
int job_row_find(struct sut_db *db, int64_t tenant, const char *uid, struct job_row *ret,
		 struct sut_err *err) _must_check_;

/* Others that change this job wait from here on until the transaction ends. Before anything else of the job is
 * changed: so nobody waits in a circle. */
int job_row_lock(struct sut_db *db, int64_t id, struct sut_err *err) _must_check_;

/* The newest first, those before the id: at most n. What the columns are is for job_row_of(). */
int job_row_list(struct sut_db *db, int64_t tenant, int64_t before, int64_t n,
		 struct sut_db_rows **ret, struct sut_err *err) _must_check_;
int job_row_of(const struct sut_db_rows *rows, struct job_row *ret,
	       struct sut_err *err) _must_check_;

/* Systems that are not final, and all. */
int64_t job_row_open(const struct job_row *j);
int64_t job_row_total(const struct job_row *j);

/* The job of GET /v1/jobs. NULL: memory is short. */
json_t *job_row_json(const struct job_row *j);
/* "counts" of it. */
json_t *job_row_counts(const struct job_row *j);

/* n systems of the job went from one state to another: its counts follow, also those of *j when j is not NULL. */
int job_count(struct sut_db *db, int64_t id, enum job_state from, enum job_state to, int64_t n,
	      struct job_row *j, struct sut_err *err) _must_check_;

/* All systems of the job in that state are moved, with this reason; *ret_n (may be NULL) of them. */
int job_move_all(struct sut_db *db, struct job_row *j, enum job_state from, enum job_state to,
		 const char *reason, int64_t now, int64_t *ret_n, struct sut_err *err) _must_check_;

#endif
