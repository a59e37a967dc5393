/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call on its way through the server (docs/internals/portal.md): begun where it arrives, run by a reader
 * or the writer, finished, and answered by `done`. For the frame only; resources see web.h.
 */
#ifndef SUTURE_WEB_JOB_H
#define SUTURE_WEB_JOB_H

#include "base/err.h"
#include "web/web.h"

enum {
	WEB_ARGS_MAX = 64,
	WEB_RAW_MAX = 256 << 20, /* bytes of an answer */
	WEB_WAIT_SEC = 10,	 /* what has waited longer in a queue is not run */
	WEB_IDEMPOTENCY_KEY_MAX = 255,
	WEB_IDEMPOTENCY_SEC = 24 * 3600,
};

struct web_args {
	struct {
		char *name, *value;
	} v[WEB_ARGS_MAX];
	size_t n;
};

/* What makes a call repeatable; empty when it is not. */
struct web_idem {
	bool on;
	char scope[80];
	uint8_t key_hash[32], request_hash[32];
	uint8_t cipher_key[32]; /* secret */
};

struct web_job {
	struct web_req q;
	struct web_resp r;
	/* what came in; lives until `done` */
	const char *method, *path, *query;
	const char *(*header)(const struct web_job *j, const char *name);
	const void *source;
	size_t body_limit;
	/* */
	struct web_args args;
	bool args_taken; /* web_only_args() has looked at them */
	struct web_idem idem;
	bool admission; /* asks only whether its body may come: who it is, and whether he may */
	bool admitted;	/* it may */
	bool by_cookie; /* authorization comes from the cookie of a browser */
	char *authorization; /* "Bearer …"'s token; secret; NULL without one */
	int64_t since_ms;    /* when it came to the pool, on the monotonic clock */
	/* effects that others are told of after the commit */
	bool touched, event;
	int64_t generation;
	int64_t token_used; /* row id of a token whose last_used is old; 0: none */
	/* keys that calls wait for, woken after the commit */
	int64_t *wakes;
	size_t nwakes, wakes_max;
	struct {
		bool held;	  /* it comes from there */
		uint64_t seen;	  /* wakes before it ran */
		int64_t until_ms; /* on the monotonic clock; 0: it has not waited yet */
	} hold;			  /* of hold.c */
	/* queues and answer */
	struct web_job *next;
	int rc;
	bool replayed, ran, tried_many;
	void (*done)(struct web_job *j);       /* answers; the job may be gone afterwards */
	bool (*gone)(const struct web_job *j); /* has the client? NULL: that cannot be told */
	/* NULL: the body is in memory. Else names its file: 0 or -errno. */
	int (*keep)(struct web_job *j, const char *name);
};

/* Where a call has to go next. */
enum web_next {
	WEB_ANSWER, /* finished: call done */
	WEB_READER,
	WEB_WRITER,
	WEB_PARK, /* after web_read(): it waits for news */
};

/* Route, parameters, arguments, body; runs what needs no database. q.server, q.request_id, q.peer, q.tls
 * and what came in are set. */
enum web_next web_begin(struct web_job *j);

/* Authentication, prepare, and the function if it only reads. < 0: failed, may be run again or be
 * ended by web_fail(). */
int web_read(struct web_job *j, struct sut_db *db, enum web_next *ret_next, struct sut_err *err);

/* A WEB_WRITE function with idempotency, in a savepoint. 0 or WEB_NO: answered. < 0: failed; the savepoint
 * is gone, unless *ret_lost, when the transaction is. */
int web_write(struct web_job *j, struct sut_db *db, bool *ret_lost, struct sut_err *err);

/* Writes the answer of a call that succeeded, before the commit. -ENOMEM. */
int web_seal(struct web_job *j, struct sut_err *err) _must_check_;

/* Makes a problem of a failure. Logs what is nobody's fault but ours. */
void web_fail(struct web_job *j, int rc, const struct sut_err *err);

/* What is the same for all answers: conditional GET, compression, request id. The body is then in r.raw, unless
 * r.file names one. */
void web_finish(struct web_job *j);

void web_job_release(struct web_job *j);
/* As before it was run; the request stays. */
void web_job_again(struct web_job *j);

/* --- parts --- */

/* 0, -EINVAL (malformed or too many), -ENOMEM. */
int web_args_parse(const char *query, struct web_args *ret) _must_check_;
void web_args_release(struct web_args *a);
/* %XX, and '+' as space when plus. -EINVAL: malformed, or a NUL. */
int web_unquote(const char *s, size_t len, bool plus, char **ret) _must_check_;

/* Once, before the first. */
void web_body_init(void);
/* Fills q->body from q->raw. 0 or WEB_NO. */
int web_body(struct web_job *j) _must_check_;

/* Fills q->who. 0, WEB_NO, < 0. */
int web_authenticate(struct web_job *j, struct sut_err *err) _must_check_;
/* Adds WWW-Authenticate to a 401. WEB_NO. */
int web_challenge(struct web_resp *r);
/* For web_who.name and web_who.tenant_name; cut off at WEB_NAME_MAX. */
void web_who_name(char at[static WEB_NAME_MAX + 1], const char *name);
/* May q->who use the route? 0 or WEB_NO. */
int web_authorize(struct web_job *j) _must_check_;

/* Programs with cookies: a session's token from the cookie, as authorization. 0, -ENOMEM. */
int web_cookie_take(struct web_job *j) _must_check_;
/* A call with a cookie that changes something: does it come from a page of ours? 0; WEB_NO: 403 "csrf". */
int web_csrf(struct web_job *j) _must_check_;

/* Idempotency-Key: 0 (j->idem is set, if there is one), WEB_NO. */
int web_idem_take(struct web_job *j, struct sut_err *err) _must_check_;
/* 0: go on; 1: r has the answer that was given before; WEB_NO + 1: refused; < 0. */
enum { WEB_IDEM_REPLAY = 1, WEB_IDEM_REFUSED = 2 };
int web_idem_look(struct web_job *j, struct sut_err *err) _must_check_;
int web_idem_keep(struct web_job *j, struct sut_err *err) _must_check_;

/* Is the ETag in an If-None-Match or If-Match list? Weak comparison when weak. */
bool web_etag_in(const char *list, const char *etag, bool weak);
/* Does Accept-Encoding allow gzip? */
bool web_takes_gzip(const char *accept);
/* Replaces *b by its gzip form. */
int web_gzip(struct sut_buf *b, struct sut_err *err) _must_check_;

void web_resp_init(struct web_resp *r);
/* Adds "Name: value". */
int web_add_header(struct web_resp *r, const char *fmt, ...) _printf_(2, 3) _must_check_;
bool web_is_problem(const struct web_resp *r);

#endif
