/* SPDX-License-Identifier: Apache-2.0 */
/* One portal process: its settings, and what its parts share. */
#ifndef SUTURE_PORTAL_PORTAL_H
#define SUTURE_PORTAL_PORTAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "db/db.h"
#include "httpd/httpd.h"

/* Of sut_db_notify(): events and changes of the generation. */
#define PORTAL_CHANNEL "suture"

struct pool;	   /* pool.h: reader threads, the writer */
struct web_router; /* web/router.h */
struct repo;
struct decisions; /* feed/: what a feed gives for each kernel, kept until the generation changes */
struct coverage;  /* cve/: the compressed document */
struct metrics;	  /* metrics.h */
struct token_use; /* token_use.h */
struct packages;  /* install/packages.h: of the agent */
struct tasks;	  /* tasks.h */

struct portal {
	struct portal_conf conf;
	struct web_router *router;
	struct pool *pool;
	struct sut_httpd *httpd;
	struct decisions *decisions;
	struct repo *repo; /* repo/: what is kept between looks at the signed repository */
	struct coverage *coverage;
	struct metrics *metrics;
	struct token_use *token_use;
	_Atomic unsigned int hashing; /* passwords that are verified now */
	struct packages *packages;
	struct tasks *tasks; /* NULL: none run */
	/* Counted up in the database by web_touch(); this process has seen this one. */
	_Atomic int64_t generation;
	_Atomic bool stopping;
	int repo_fd;		     /* the published repository, O_PATH; -1 without one */
	int64_t (*clock)(void *ctx); /* seconds since the epoch */
	void *clock_ctx;
};

/* Opens the database (which must be migrated), makes pool, router and caches. No sockets yet. */
int portal_open(const struct portal_conf *conf, struct portal **ret,
		struct sut_err *err) _must_check_;
void portal_free(struct portal *p);
void portal_freep(struct portal **p);

/* This process has heard of a generation: caches follow, and tasks look. */
void portal_generation(struct portal *p, int64_t generation);

/* A log line on standard error: JSON, one object. Fields come in pairs of name and value, ended by NULL.
 * level: "error", "warning", "info". Values are made printable; nothing secret is ever passed. */
void portal_log(const char *level, const char *message, ...) __attribute__((sentinel));

#endif
