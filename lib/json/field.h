/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a JSON document that others made. Each getter writes its output, or says which member is wrong and with what
 * (-EBADMSG). Strings live as long as the document.
 */
#ifndef SUTURE_JSON_FIELD_H
#define SUTURE_JSON_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where we are in a document; the caller fills all but path for the top. */
struct sut_json_at {
	const json_t *node;
	const char *doc;    /* what it is called in messages: "manifest.json" */
	const char *reason; /* of every error */
	const char *advice; /* a sentence without its dot, behind every message: what to do next */
	size_t own;	    /* of the reader that uses this; what is below has it, too */
	char path[160];	    /* "signed.roles"; has no text of the document */
	struct sut_err *err;
};

/* Returns -EBADMSG: "manifest.json: objects[0].name is no name. Advice". */
int sut_json_bad(const struct sut_json_at *at, const char *key, const char *fmt, ...)
	_printf_(3, 4);

/* The member of that name, whatever it is; NULL as its node when it is not there. */
struct sut_json_at sut_json_member(const struct sut_json_at *at, const char *key);
/* Entry i of a list. */
struct sut_json_at sut_json_entry(const struct sut_json_at *list, size_t i);

/* What is not there and need not be leaves *ret as it is; of an object or list, the node is NULL then. */
int sut_json_string(const struct sut_json_at *at, const char *key, bool must,
		    const char **ret) _must_check_;
int sut_json_int(const struct sut_json_at *at, const char *key, bool must, int64_t min, int64_t max,
		 int64_t *ret) _must_check_;
int sut_json_bool(const struct sut_json_at *at, const char *key, bool *ret) _must_check_;
int sut_json_object(const struct sut_json_at *at, const char *key, bool must,
		    struct sut_json_at *ret) _must_check_;
int sut_json_list(const struct sut_json_at *at, const char *key, bool must, size_t min, size_t max,
		  struct sut_json_at *ret) _must_check_;

#endif
