/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of a portal's public API: JSON in, JSON out, and what a failure means. One client is used by one thread
 * and keeps its connection.
 */
#ifndef SUTURE_CONSOLE_LINK_CLIENT_H
#define SUTURE_CONSOLE_LINK_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	LINK_ANSWER_MAX = 16 << 20,   /* bytes of a JSON answer */
	LINK_COVERAGE_MAX = 60 << 20, /* and of the coverage document, unpacked */
	LINK_CONNECT_SEC = 5,
	LINK_CALL_SEC = 10,  /* of calls that somebody waits for */
	LINK_SYNC_SEC = 120, /* of those nobody waits for */
	LINK_STALL_SEC = 15, /* without an answer for so long: it hangs */
	LINK_URL_MAX = 1024,
	LINK_CA_MAX = 64 << 10,
	LINK_ERROR_MAX = 300, /* bytes of a message that is kept */
	LINK_ASKING_MAX = 2,  /* calls that somebody waits for, at once */
};

struct link_client;

struct link_client_opts {
	const char *url;   /* https://portal.example, with or without '/' at the end */
	const char *token; /* API token */
	const char *ca;	   /* certificates in PEM; NULL or "": the system's authorities */
	unsigned int total_sec;
	int cancel_fd; /* > 0: when it can be read, calls end with -ECANCELED; the caller's */
};

/* -EINVAL (reason "portal-url"): not an address of http or https. */
int link_client_new(const struct link_client_opts *o, struct link_client **ret,
		    struct sut_err *err) _must_check_;
void link_client_free(struct link_client *c);
void link_client_freep(struct link_client **c);

struct link_answer {
	int status;
	json_t *json;	     /* NULL when the body is none; with raw: always */
	struct sut_buf body; /* with raw */
	char code[64];	     /* of a problem; "" */
	char etag[128];
	unsigned int retry_after; /* seconds; 0: not said */
};
void link_answer_release(struct link_answer *a);
#define _cleanup_answer_ _cleanup_(link_answer_release)

struct link_call {
	const char *method, *path; /* "/v1/whoami" */
	const json_t *body;	   /* NULL: none */
	const char *idempotency;   /* value of Idempotency-Key; NULL */
	const char *if_none_match; /* NULL or "" */
	bool raw;		   /* the body stays bytes, up to LINK_COVERAGE_MAX */
};

/*
 * 0 for every answer that is what a portal says: 2xx, 304, and problems of 4xx about the request itself. *ret is filled.
 *   -EHOSTDOWN  (reason "portal-away")     no answer, 5xx, 429, or not the answer of a portal; ret->retry_after is set
 *   -EACCES     (reason "portal-refused")  401, and those of 403 that are about the token; ret->code is set
 *   -ENOMEM
 * The message is for people, on one line.
 */
int link_do(struct link_client *c, const struct link_call *call, struct link_answer *ret,
	    struct sut_err *err) _must_check_;

/* A file that the portal gives to everybody, "/repo/metadata/1.root.json", added to *out. As sut_http_get(). */
int link_get(struct link_client *c, const char *path, size_t max, struct sut_buf *out,
	     struct sut_err *err) _must_check_;

/* What the portal last said the time is; 0: nothing yet. */
int64_t link_date(const struct link_client *c);

#endif
