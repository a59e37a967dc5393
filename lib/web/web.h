/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every call of the API has in common: who asks, the transaction, the body, the answer. A resource is
 * a table of routes and their functions (portal/api/, lib/account/); this is all they see of HTTP.
 *
 * A function that only reads runs in a READ transaction of a reader thread. A function with WEB_WRITE runs
 * in the writer thread, in a savepoint of a transaction that it shares with others (group commit); the
 * answer is sent after the commit. When the commit fails or the database says "again", all functions of
 * the group run once more: so a WEB_WRITE function has no effect but through q->db and *r. What takes long
 * (hashing a password) is done by `prepare`, before, in a reader thread and a READ transaction; `run`
 * looks again whether what it read there still holds.
 *
 * Functions return
 *   0          answered; the savepoint is kept
 *   WEB_NO     answered with a problem (web_problem()); the savepoint is rolled back
 *   WEB_WAIT   (WEB_HOLD) there is nothing to tell yet: runs again when q->wait_key is woken or q->wait_until is there
 *   < 0        failed: 503 with Retry-After for -EAGAIN, -ENOSPC, -EROFS, -ECONNRESET, else 500. What err
 *              says is logged, not sent.
 *
 * Rows of another tenant do not exist: every statement on a table with a column `tenant` has
 * "tenant = $n" with q->who.tenant, and answers 404.
 */
#ifndef SUTURE_WEB_H
#define SUTURE_WEB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/role.h"
#include "auth/token.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

struct server;
struct web_job;
struct web_route;

enum {
	WEB_NO = 1,
	WEB_WAIT = 2,
	WEB_PARAMS_MAX = 4,
	WEB_BODY_MAX = 256 << 10, /* bytes; WEB_BIG_BODY: WEB_BIG_MAX */
	WEB_BIG_MAX = 64 << 20,
	WEB_JSON_DEPTH = 16,
	WEB_PAGE_DEFAULT = 50,
	WEB_PAGE_MAX = 500,
	WEB_NAME_MAX = 63,
	WEB_TEXT_MAX = 1024, /* bytes of a note, a reason, a title */
};

struct web_who {
	enum { WEB_NOBODY, WEB_USER, WEB_SYSTEM } kind;
	int64_t tenant; /* row id. Staff choose it by the header Suture-Tenant: NAME */
	char tenant_name[WEB_NAME_MAX + 1];
	bool staff;	  /* belongs to the operator of the server: may act in every tenant */
	bool must_change; /* has to change his password first (sessions only) */
	unsigned int roles;
	int64_t user, token;	     /* row ids; 0 for systems */
	int64_t system_id;	     /* row id, when kind is WEB_SYSTEM */
	bool next_credential;	     /* the system used credential_next, so it has the new one */
	char name[WEB_NAME_MAX + 1]; /* user name or System ID */
};

struct web_req {
	struct server *server;
	struct sut_db *db; /* the transaction; in prepare a READ transaction of its own */
	const struct web_route *route;
	struct web_who who;
	char *params[WEB_PARAMS_MAX]; /* decoded values of {…} in the route, in order */
	json_t *body;		      /* the JSON body; NULL without one, or with WEB_RAW_BODY */
	const void *raw;	      /* the body's bytes; never NULL */
	size_t raw_len;
	int body_fd;	   /* of a body that went to a file; -1 */
	uint64_t body_len; /* of it */
	int64_t now;	   /* seconds since the epoch, the same throughout the call */
	const char *request_id;
	const char *peer; /* numeric address of the client */
	bool tls;
	/* Of WEB_HOLD: set before WEB_WAIT is returned. */
	int64_t wait_key; /* what web_wake() names: a row id; negative values for what the program numbers itself */
	int64_t wait_until; /* seconds since the epoch; of the first time it waits, HOLD_SEC_MAX from now at most */
	bool last_try;	/* it has to answer now: time is up, the server ends, or too many wait */
	void *prepared; /* of prepare; freed by free_prepared of the route */
	struct web_job *job; /* the frame's own; NULL when a part of the program acts by itself */
};

struct web_resp {
	int status;		   /* 0: 200 */
	json_t *json;		   /* the body (owned), or: */
	struct sut_buf raw;	   /* bytes, with */
	const char *type;	   /* their Content-Type */
	char etag[80];		   /* with quotes; a GET whose If-None-Match has it becomes 304 */
	struct sut_strv headers;   /* further "Name: value" */
	char *file;		   /* a file below server.files_fd instead of a body (owned) */
	int folder;		   /* > 0: a folder (owned) that `file` is below, instead */
	bool file_once;		   /* the file in `folder` is removed when it was sent, or is not */
	const char *cache_control; /* NULL: "no-store" */
};

typedef int (*web_fn)(struct web_req *q, struct web_resp *r, struct sut_err *err);

enum { /* flags of a route */
       WEB_WRITE = 1 << 0,
       WEB_STAFF = 1 << 1,    /* only staff, with one of the roles */
       WEB_RAW_BODY = 1 << 2, /* the body is not JSON */
       WEB_BIG_BODY = 1 << 3,
       WEB_SECRET = 1 << 4,   /* body or answer holds a secret: never logged, "no-store" */
       WEB_NO_TX = 1 << 5,    /* no database at all (q->db is NULL) */
       WEB_COMPRESS = 1 << 6, /* gzip the answer when the client takes it */
       WEB_HOLD = 1 << 8,     /* may wait for news (hold.h); only reads, and has no prepare */
       /* Also for a user with must_change; all else is 403 "password-change-required" for him. */
       WEB_MUST_CHANGE = 1 << 7,
       /* With WEB_RAW_BODY: the body may have WEB_SPOOL_MAX bytes and goes to a file below server.spool_fd, when there is
	* such a folder. Who sends it, and whether he may, is found out before it is taken. `prepare` gives it a name with web_spool_keep();
	* q->raw is empty. Small bodies of calls without a socket are in q->raw as ever. */
       WEB_SPOOL = 1 << 9,
};

/* .allow: a mask of SUT_ROLE_*, or one of these. ADMIN may do whatever any role may. */
enum { WEB_PUBLIC = 1 << 16, WEB_ANY_USER = 1 << 17, WEB_AGENT = 1 << 18 };

struct web_route {
	const char *method;
	const char *path; /* "/v1/keys/{key}"; "/repo/{*}" takes the rest of the path */
	unsigned int allow;
	unsigned int flags;
	web_fn run;
	web_fn prepare;			   /* may be NULL */
	void (*free_prepared)(void *data); /* may be NULL */
	/* May be NULL. All requests of this route in the group at once, instead of run for each: calls
	 * are neither ordered nor in savepoints; rets[i] gets what run would return. A failure (< 0) of
	 * the whole makes the framework fall back to run for each. */
	int (*many)(struct web_req **q, struct web_resp **r, int *rets, size_t n,
		    struct sut_err *err);
};

#define WEB_SPOOL_MAX (UINT64_C(2) << 30)

/* Of a WEB_SPOOL route, in `prepare`: the body as a file of this name below server.spool_fd, wherever it is now.
 * *ret_len: its bytes. -EEXIST, -ENOSPC …; 0 means that the file is the caller's to remove. */
int web_spool_keep(struct web_req *q, const char *name, uint64_t *ret_len,
		   struct sut_err *err) _must_check_;

/* --- answers --- */

/* An RFC 9457 problem: {"type": "urn:suture:problem:CODE", "title", "status", "detail", "code",
 * "request_id"}. code is a stable word of docs/formats/problems.md; detail says what to do next. */
int web_problem(struct web_resp *r, int status, const char *code, const char *fmt, ...)
	_printf_(4, 5);
/* Adds "errors": [{"pointer": "/limit", "detail": …}] and gives 422 "invalid-field". */
int web_bad_field(struct web_resp *r, const char *pointer, const char *fmt, ...) _printf_(3, 4);
/* 404 "not-found": there is no KIND of that name (or none that the caller may see). */
int web_not_found(struct web_resp *r, const char *kind, const char *name);
/* Takes ownership of json (NULL: -ENOMEM). */
int web_json(struct web_resp *r, int status, json_t *json, struct sut_err *err) _must_check_;
/* 201 and Location. */
int web_created(struct web_resp *r, json_t *json, struct sut_err *err, const char *location_fmt,
		...) _printf_(4, 5) _must_check_;
int web_no_content(struct web_resp *r); /* 204 */

/* --- the request --- */

const char *web_arg(const struct web_req *q, const char *name); /* of the query; NULL */
const char *web_header(const struct web_req *q, const char *name);

enum web_type {
	WEB_T_STRING, /* const char *: 1 to max bytes (0: WEB_TEXT_MAX), printable (base/utf8.h), \n and \t too */
	WEB_T_NAME,   /* const char *: [a-z0-9] then [a-z0-9._-], at most WEB_NAME_MAX */
	WEB_T_INT,    /* int64_t, min to max */
	WEB_T_BOOL,   /* bool */
	WEB_T_TIME,   /* int64_t seconds, from RFC 3339 */
	WEB_T_ARRAY,  /* json_t * (borrowed), at most max entries */
	WEB_T_OBJECT, /* json_t * (borrowed) */
};

enum { WEB_REQUIRED = 1, WEB_NULLABLE = 2, WEB_EMPTY_OK = 4 /* strings of 0 bytes */ };

struct web_field {
	const char *name;
	enum web_type type;
	unsigned int flags;
	int64_t min, max;
	void *ret;	 /* written when the field is there and not null */
	bool *ret_given; /* may be NULL; true when the field is there, null or not */
};

/* Reads q->body, an object. A field that is not in the table is a mistake: 422, as are wrong types. Strings
 * live as long as q. 0, or what web_problem() returns. */
int web_take(struct web_req *q, struct web_resp *r, const struct web_field *f,
	     size_t n) _must_check_;
#define WEB_TAKE(q, r, f) web_take(q, r, f, SUT_ARRAY_SIZE(f))

/* Query arguments that are not in the list (NULL at the end) are a mistake: 400 "unknown-argument". */
int web_only_args(struct web_req *q, struct web_resp *r, const char *const *names) _must_check_;
int web_arg_int(struct web_req *q, struct web_resp *r, const char *name, int64_t min, int64_t max,
		int64_t *ret) _must_check_; /* absent: *ret stays */

/* Pages: ?limit=&cursor=. Rows are ordered by a 64-bit key that grows; ask for limit + 1 rows with key >
 * after. web_page_put() answers {"items": […], "next": "…" or null} and a Link header. */
struct web_page {
	int64_t after; /* 0 at the beginning */
	int64_t limit;
};
int web_page_take(struct web_req *q, struct web_resp *r, struct web_page *ret) _must_check_;
/* items: owned; last: the key of the last item; more: there was one row more than limit. */
int web_page_put(struct web_req *q, struct web_resp *r, json_t *items, int64_t last, bool more,
		 struct sut_err *err) _must_check_;

/* The rows of such a query as items; key is the column of the key. For lists that show the newest first
 * the SQL has "id < $n ORDER BY id DESC", with WEB_NEWEST(page.after) as $n. */
#define WEB_NEWEST(id) (INT64_MAX - (id))
enum web_order { WEB_OLDEST_FIRST, WEB_NEWEST_FIRST };
int web_page_rows(struct web_req *q, struct web_resp *r, const struct web_page *page,
		  struct sut_db_rows *rows, int key, enum web_order order,
		  json_t *(*item)(const struct sut_db_rows *row), struct sut_err *err) _must_check_;

/* A list whose only arguments are limit and cursor: sql's own parameters come first, then the cursor and the limit. */
struct web_list {
	const char *sql;
	int key;
	enum web_order order;
	json_t *(*item)(const struct sut_db_rows *row);
};
enum { WEB_LIST_ARGS = 4 }; /* of its own, at most */
int web_list(struct web_req *q, struct web_resp *r, const struct web_list *l,
	     const struct sut_db_arg *args, size_t n, struct sut_err *err) _must_check_;

/* Optimistic locking: rows with a column `version` have the ETag "v7". */
void web_version(struct web_resp *r, int64_t version);
/* 0 when If-Match is absent, "*", or has this version; else 412 "changed". */
int web_if_match(struct web_req *q, struct web_resp *r, int64_t version) _must_check_;

/* RFC 3339 in UTC; json_null() for 0. NULL when memory is short. */
json_t *web_time(int64_t seconds);
/* -EINVAL when it is none. */
int web_time_parse(const char *s, int64_t *ret) _must_check_;

/* Gives the browser the token of a session as its cookie, or takes it away (NULL). Nothing in a program without
 * cookies. */
int web_cookie_set(struct web_req *q, struct web_resp *r, const char *token,
		   struct sut_err *err) _must_check_;
/* Does a browser say that a page of ours makes this call? absent: what when it says nothing. */
bool web_same_site(const struct web_req *q, bool absent);

/* --- effects, in the same transaction --- */

/* The audit log: "key.create", "key", its uid. detail: owned, may be NULL; no secrets. */
int web_audit(struct web_req *q, const char *action, const char *kind, const char *object,
	      json_t *detail, struct sut_err *err) _must_check_;
/* An event for webhooks and other readers: "system.enrolled". data: owned. tenant: row id; 0: all. */
int web_event(struct web_req *q, int64_t tenant, const char *type, json_t *data,
	      struct sut_err *err) _must_check_;
/* What decisions or coverage are made of has changed: wakes caches and schedulers of all processes. */
int web_touch(struct web_req *q, struct sut_err *err) _must_check_;

/* --- calls that wait --- */

/* Those that wait for this key run again, in this process; a call in another waits until its time is up, unless
 * server_program.changed wakes it. From any thread, after the commit of what they are to see. */
void web_wake(struct server *s, int64_t key);
/* In a WEB_WRITE function: after the commit, if there is one. -ENOMEM. */
int web_wake_later(struct web_req *q, int64_t key, struct sut_err *err) _must_check_;

/* Server-sent events: an answer is those there are, and the browser comes again with the last id. Data is owned; one
 * without id (0) leaves the browser's as it is. An answer without any is a comment, so that it comes again. */
int web_sse_add(struct web_resp *r, int64_t id, const char *event, json_t *data,
		struct sut_err *err) _must_check_;
/* 200; the browser comes again after so many milliseconds. */
int web_sse_end(struct web_resp *r, unsigned int again_ms, struct sut_err *err) _must_check_;
/* Last-Event-ID, or `absent` when there is none or it is no number. */
int64_t web_sse_last(const struct web_req *q, int64_t absent);

/* --- without HTTP: for tests, and for the parts of the program that act themselves --- */

struct web_call {
	const char *method, *target; /* "/v1/keys?limit=3" */
	const char *const *headers;  /* "Name: value"; ends with NULL; may be NULL */
	const void *body;
	size_t len;
	const char *peer; /* NULL: "127.0.0.1" */
};

/* Routing, authentication, body, idempotency, transaction, function, answer: all but the socket. r is
 * filled whatever happens. */
void web_handle(struct server *p, const struct web_call *c, struct web_resp *r);
void web_resp_release(struct web_resp *r);

#endif
