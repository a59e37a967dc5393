/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: JSON that others made, read strictly, and what a member has to be. */
#ifndef SUTURE_JOB_JSON_H
#define SUTURE_JOB_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { JOB_JSON_DEPTH_MAX = 16, JOB_JSON_PATH_MAX = 96 };

static inline void job_json_freep(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(job_json_freep)

/* Where we are in a document, for messages. */
struct job_at {
	const json_t *node;
	const char *doc;    /* "manifest" */
	const char *reason; /* of every error */
	char path[JOB_JSON_PATH_MAX];
	struct sut_err *err;
};

/* One object and nothing behind it, no duplicate keys, no U+0000, at most JOB_JSON_DEPTH_MAX levels. -EBADMSG with
 * the reason of at, -ENOMEM. The caller owns *ret; at->node is set to it. */
int job_json_parse(struct job_at *at, const void *text, size_t len, json_t **ret) _must_check_;

/* -EBADMSG: "manifest: PATH.key WHAT". */
int job_bad(const struct job_at *at, const char *key, const char *fmt, ...) _printf_(3, 4);

/* Every member is one of those in known (ends with NULL). */
int job_known(const struct job_at *at, const char *const *known) _must_check_;

/* Each writes its output or says which member is wrong. A member that is not there and need not be: NULL, 0,
 * false. Strings live as long as the document. */
int job_text(const struct job_at *at, const char *key, bool must, size_t max,
	     const char **ret) _must_check_; /* printable, 1 to max bytes */
int job_uint(const struct job_at *at, const char *key, bool must, int64_t min, int64_t max,
	     int64_t *ret) _must_check_;
int job_bool(const struct job_at *at, const char *key, bool *ret) _must_check_;
int job_time(const struct job_at *at, const char *key, bool must, int64_t *ret) _must_check_;
int job_object(const struct job_at *at, const char *key, bool must,
	       struct job_at *ret) _must_check_;
/* A list of min to max entries; missing: 0 entries, unless min says otherwise. */
int job_list(const struct job_at *at, const char *key, size_t min, size_t max,
	     struct job_at *ret) _must_check_;
struct job_at job_entry(const struct job_at *list, size_t i);

bool job_is_printable(const char *s);
bool job_is_token(const char *s, size_t max,
		  const char *extra);	       /* 1 to max of A-Z a-z 0-9 and extra */
bool job_is_hex(const char *s, size_t digits); /* so many lower-case ones */

/* A string whatever its bytes are: what is not printable becomes '?'. NULL when memory is short. */
json_t *job_json_text(const char *s);

#endif
