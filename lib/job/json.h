/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: JSON that others made, read strictly, and what a member has to be. */
#ifndef SUTURE_JOB_JSON_H
#define SUTURE_JOB_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "json/field.h"
#include "json/parse.h"

enum { JOB_JSON_DEPTH_MAX = 16 };

/* The top of a document (json/field.h); doc: what it is called, "the manifest"; reason: of every error. */
struct sut_json_at job_top(const char *doc, const char *reason, struct sut_err *err);

/* One object, read strictly (json/parse.h). The caller owns *ret; at->node is set to it. */
int job_json_parse(struct sut_json_at *at, const void *text, size_t len, json_t **ret) _must_check_;

/* Every member is one of those in known (ends with NULL). */
int job_known(const struct sut_json_at *at, const char *const *known) _must_check_;

/* As the getters of json/field.h; a member that is not there and need not be: NULL, 0. */
int job_text(const struct sut_json_at *at, const char *key, bool must, size_t max,
	     const char **ret) _must_check_; /* printable, 1 to max bytes */
int job_time(const struct sut_json_at *at, const char *key, bool must, int64_t *ret) _must_check_;
bool job_is_printable(const char *s);

/* A string whatever its bytes are: what is not printable becomes '?'. NULL when memory is short. */
json_t *job_json_text(const char *s);

#endif
