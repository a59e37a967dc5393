/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process that answers an API: what all such programs share, and the description of what differs. A program embeds
 * struct server as the first member of its own record, and gets from the one to the other by a cast.
 */
#ifndef SUTURE_WEB_SERVER_H
#define SUTURE_WEB_SERVER_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "db/migrate.h"
#include "httpd/httpd.h"
#include "web/conf.h"

/* Of sut_db_notify(): events and changes of the generation. */
#define SERVER_CHANNEL "suture"

struct hold;	/* hold.h: calls that wait */
struct metrics; /* metrics.h */
struct pool;	/* pool.h: reader threads, the writer */
struct server;
struct task;	  /* task.h */
struct tasks;	  /* tasks.h */
struct token_use; /* token_use.h */
struct web_job;	  /* job.h */
struct web_req;	  /* web.h */
struct web_resp;
struct web_router; /* router.h */
struct web_table;

/* What makes a program of it. Everything lives as long as the process. */
struct server_program {
	const char *name; /* "suture-portal": in messages and as user agent */
	const char *
		noun; /* "portal": "this portal", and who acts in the audit log when nobody asked */
	const char *metrics; /* "suture_portal": what names in /metrics begin with */
	const char *login;   /* "suture-admin login": what one logs in with the first time */
	const struct server_conf_desc *conf;
	const struct sut_migration *migrations;
	const size_t *nmigrations;
	const struct web_table *tables;	 /* of the API; ended by one without name */
	const struct task *const *tasks; /* ended by NULL */
	bool cookies;			 /* browsers may log in by a cookie (web/cookie.c) */
	const char *const *events;	 /* the types there are, for webhooks; ended by NULL */
	const unsigned char *openapi;	 /* GET /v1/openapi.json */
	const size_t *openapi_len;

	/* serve and tests: opens a server with these settings, whose record is of conf->size bytes. */
	int (*open)(const struct server_conf *conf, struct server **ret, struct sut_err *err);
	void (*free)(struct server *s);

	/* Any may be NULL. */

	/* After a backup was put into this database: can the server use it as it is? < 0 and a message that says what to
	 * do when what it keeps apart from the database does not fit. */
	int (*restored)(const struct server_conf *conf, struct sut_db *db, struct sut_err *err);

	/* Who has a credential of a system (web/job.h: fills q.who). 0, WEB_NO, < 0. NULL: there are no systems. */
	int (*authenticate_system)(struct web_job *j, const uint8_t *hash, struct sut_err *err);
	/* Another generation was heard of, maybe while calls run. */
	void (*changed)(struct server *s, int64_t generation);
	/* Adds to the answer of GET /healthz; false: something is not well. */
	bool (*health)(struct server *s, json_t *answer);
	/* Before a tenant is deleted, in that transaction: 0 when nothing of the program's is in its way, else what
	 * web_problem() returns. May delete what goes with it. */
	int (*tenant_delete)(struct web_req *q, struct web_resp *r, int64_t tenant,
			     const char *name, struct sut_err *err);
};

struct server {
	const struct server_program *program;
	const struct server_conf *conf; /* the first member of the program's own */
	struct web_router *router;
	struct pool *pool;
	struct hold *hold;
	struct sut_httpd *httpd;
	struct metrics *metrics;
	struct token_use *token_use;
	_Atomic unsigned int hashing; /* passwords that are verified now */
	struct tasks *tasks;	      /* NULL: none run */
	/* Counted up in the database by web_touch(); this process has seen this one. */
	_Atomic int64_t generation;
	_Atomic bool stopping;
	int files_fd; /* the folder that web_resp.file is below, O_PATH; -1 without one */
	int spool_fd; /* the folder for bodies of WEB_SPOOL routes (the server's); -1 without one */
	int64_t (*clock)(void *ctx); /* seconds since the epoch */
	void *clock_ctx;
};

/* s: zeroed. Makes router, metrics and what needs no database, and looks whether the database is migrated. conf: stays
 * the caller's, and has to live as long as s. After a failure too s is closed by server_close(). */
int server_init(struct server *s, const struct server_program *program,
		const struct server_conf *conf, struct sut_err *err) _must_check_;
/* Then, when the program has what its functions need: the pool, in which calls run. No sockets yet. */
int server_open(struct server *s, struct sut_err *err) _must_check_;
/* Ends calls and tasks: afterwards nothing of the program's is used any more. */
void server_halt(struct server *s);
/* Frees all but s and conf. */
void server_close(struct server *s);
/* By program->free. */
void server_freep(struct server **s);

/* This process has heard of a generation: caches follow, and tasks look. */
void server_generation(struct server *s, int64_t generation);

/* A log line on standard error: JSON, one object. Fields come in pairs of name and value, ended by NULL.
 * level: "error", "warning", "info". Values are made printable; nothing secret is ever passed. */
void server_log(const char *level, const char *message, ...) __attribute__((sentinel));

#endif
