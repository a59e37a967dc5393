/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where calls run: reader threads with a connection each, and the one writer, which takes all that wait
 * into one transaction (group.h). Queues are bounded: who finds them full is told so at once.
 */
#ifndef SUTURE_WEB_POOL_H
#define SUTURE_WEB_POOL_H

#include "web/server.h"
#include "web/job.h"

enum {
	POOL_READ_MAX = 4096,  /* calls that wait for a reader */
	POOL_WRITE_MAX = 8192, /* and for the writer */
};

/* readers: 0 makes no threads; calls then run in the thread that brings them, one after the other. */
int pool_new(struct server *p, unsigned int readers, struct pool **ret,
	     struct sut_err *err) _must_check_;
/* Waits for what is in the queues. */
void pool_free(struct pool *pool);

/* Takes the job, which web_begin() has sent to next. Its `done` is called, now or later, in whichever thread. */
void pool_submit(struct pool *pool, struct web_job *j, enum web_next next);

/* What /healthz and /metrics tell. */
struct pool_stats {
	size_t read_queue, write_queue;
	uint64_t commits, grouped, retries; /* transactions, calls in them, tries that failed */
	uint64_t refused;		    /* queue full, or waited too long */
	uint64_t database_errors;
	int reader_rc, writer_rc; /* 0, or what the last transaction failed by */
};
void pool_stats(struct pool *pool, struct pool_stats *ret);

#endif
