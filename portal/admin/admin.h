/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture-admin: the portal's API on the command line. What one can do is a table: nouns ("key"), their verbs
 * ("create"), and for each the call it is, its options, and what is shown of the answer. Tests compare the
 * tables with docs/formats/openapi.json.
 */
#ifndef SUTURE_PORTAL_ADMIN_H
#define SUTURE_PORTAL_ADMIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
	ADMIN_OK = 0,
	ADMIN_ERROR = 1,
	ADMIN_NOT_FOUND = 2,   /* 404 */
	ADMIN_FORBIDDEN = 3,   /* 401, 403 */
	ADMIN_CONFLICT = 4,    /* 409, 412: it is there already, or has changed */
	ADMIN_UNREACHABLE = 5, /* no portal, or none that can answer now */
	ADMIN_USAGE = 64,
};

struct sut_http;

/* What comes from options, environment and ~/.config/suture/admin.conf. */
struct admin {
	const char *noun, *verb; /* for messages */
	char *conf_file;
	char *url; /* "https://portal.example" or "unix:/run/suture/portal.sock" */
	char *token_file;
	char *ca_file;
	char *tenant;
	char *secret_file; /* secrets of answers go there instead of standard output */
	bool plain_http;   /* http to other machines is fine */
	bool json;
	unsigned int timeout; /* seconds; 0: 60 */
	int64_t limit;	      /* of a list; 0: not said */
	bool all;
	char *cursor;
	char *idempotency_key;
	int64_t if_version; /* 0: none */
	struct sut_http *http;
	char *base; /* what paths are put behind */
};

/* --- the tables --- */

enum admin_type {
	ADMIN_TEXT = 1,
	ADMIN_INT,
	ADMIN_BOOL, /* yes or no */
	ADMIN_TIME, /* RFC 3339, YYYY-MM-DD, or from now: +90d, +12h; or ago: -7d, for arguments of the query */
	ADMIN_LIST, /* may come several times, or a,b,c */
	ADMIN_MAP,  /* NAME=VALUE, may come several times */
};

enum {
	ADMIN_QUERY = 1,    /* an argument of the query; else a field of the body */
	ADMIN_NULL = 2,	    /* "none" is JSON's null */
	ADMIN_REQUIRED = 4, /* the command makes no sense without it */
};

struct admin_opt {
	const char *name, *field; /* --max-systems, max_systems */
	enum admin_type type;
	unsigned int flags;
	const char *arg, *help;
};

struct admin_arg {
	const char *name;  /* "KEY", for the usage */
	const char *field; /* of the body; NULL: the next {…} of the path */
	/* May be NULL. Makes an id of what people type. Returns an exit status. */
	int (*resolve)(struct admin *a, const char *given, char **ret);
};

enum admin_show { ADMIN_PLAIN, ADMIN_AGE, ADMIN_WHEN, ADMIN_COUNT, ADMIN_YES, ADMIN_SHORT };

struct admin_column {
	const char *title, *field; /* "kernel.level" goes into objects */
	enum admin_show show;
};

enum {
	ADMIN_PAGED = 1,    /* the answer is {"items", "next"} */
	ADMIN_MATCH = 2,    /* takes --if-version */
	ADMIN_REPEAT = 4,   /* a POST that takes an Idempotency-Key: safe to repeat */
	ADMIN_NO_TOKEN = 8, /* works without a token */
};

struct admin_input;

struct admin_verb {
	const char *name; /* "": what the noun does without a verb */
	const char *help;
	const char *method, *path;
	const struct admin_arg *args;	    /* ends with a zeroed one; may be NULL */
	const struct admin_opt *opts;	    /* ends with a zeroed one; may be NULL */
	const struct admin_column *columns; /* of a list */
	unsigned int flags;
	const char *secret; /* the field of the answer that is shown only once */
	const char *done;   /* "deleted": said when the answer has no body */
	/* NULL: the call of the table, and its answer is shown. Returns an exit status. */
	int (*run)(struct admin *a, const struct admin_verb *v, const struct admin_input *in);
};

struct admin_noun {
	const char *name, *help;
	const struct admin_verb *verbs; /* ends with a zeroed one */
	const char *more;		/* text at the end of --help; may be NULL */
};

extern const struct admin_noun *const admin_nouns[]; /* ends with NULL */
extern const struct admin_noun admin_login, admin_logout, admin_whoami, admin_password,
	admin_tenant, admin_user, admin_token, admin_key, admin_system, admin_feed, admin_patchset,
	admin_patch, admin_cve, admin_source, admin_coverage, admin_repository, admin_webhook,
	admin_audit, admin_status;

/* What the command line says, made ready. */
struct admin_input {
	struct sut_strv args;  /* as given */
	json_t *body;	       /* NULL: no option or argument is a field of it */
	struct sut_buf *query; /* "a=1&b=2", quoted */
};

/* Runs one verb with its words. argv[0] is ignored. */
int admin_verb_run(struct admin *a, const struct admin_noun *n, const struct admin_verb *v,
		   int argc, char **argv);
/* The call that the table says, with this input. */
int admin_verb_call(struct admin *a, const struct admin_verb *v, const struct admin_input *in);
void admin_noun_help(const struct admin_noun *n);
/* Words for completion: nouns, a noun's verbs, a verb's options. */
void admin_words(int argc, char **argv);

/* "+90d", "2026-11-22", RFC 3339: to RFC 3339 in UTC. */
int admin_time(const char *s, int64_t now, char ret[static 32], struct sut_err *err) _must_check_;

/* Says "suture-admin: …" on standard error. */
void admin_say(const char *fmt, ...) _printf_(1, 2);
/* admin_say() and ADMIN_ERROR. */
int admin_fail(const struct sut_err *err);

#endif
