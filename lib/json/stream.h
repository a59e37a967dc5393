/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as it comes, for documents that are too large to be held: one call for each value, key, begin and end. Strict (RFC 8259):
 * UTF-8 only, no lone surrogates, nothing behind the document. Memory: a few KB and string_max, whatever the document holds.
 * Duplicate keys are passed on.
 */
#ifndef SUTURE_JSON_STREAM_H
#define SUTURE_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	SUT_JSON_STREAM_DEPTH = 64,
	SUT_JSON_STREAM_KEY_MAX = 63, /* bytes of a key; longer ones are cut */
};

enum sut_json_event {
	SUT_JSON_OBJECT,
	SUT_JSON_OBJECT_END,
	SUT_JSON_ARRAY,
	SUT_JSON_ARRAY_END,
	SUT_JSON_STRING,
	SUT_JSON_NUMBER, /* as it is written; cut when it is long */
	SUT_JSON_TRUE,
	SUT_JSON_FALSE,
	SUT_JSON_NULL,
};

struct sut_json_stream;

struct sut_json_stream_opts {
	size_t string_max; /* bytes of a string; longer ones are cut between characters */
	/* text: of strings and numbers, ends with NUL; U+0000 inside is a '?'. A negative value ends the reading, and is returned. Of an object or
	 * list, depth and keys are at its begin and end what they are outside of it. */
	int (*event)(void *ctx, struct sut_json_stream *s, enum sut_json_event e, const char *text);
	void *ctx;
};

int sut_json_stream_open(const struct sut_json_stream_opts *o,
			 struct sut_json_stream **ret) _must_check_;
/* -EBADMSG: why() says it. -ENOMEM. After that only free(). */
int sut_json_stream_feed(struct sut_json_stream *s, const void *bytes, size_t len) _must_check_;
int sut_json_stream_finish(struct sut_json_stream *s) _must_check_;
void sut_json_stream_free(struct sut_json_stream *s);

/* "is cut off", for a message; "" when a callback ended it. */
const char *sut_json_stream_why(const struct sut_json_stream *s);
uint64_t sut_json_stream_line(const struct sut_json_stream *s);	  /* from 1 */
uint64_t sut_json_stream_column(const struct sut_json_stream *s); /* in bytes, from 1 */

/* How many objects and lists the present value is in. */
size_t sut_json_stream_depth(const struct sut_json_stream *s);
/* Key of level 1 to depth; "" when that is a list, or there is no such level. */
const char *sut_json_stream_key(const struct sut_json_stream *s, size_t level);
/* Is the present value at this path? Keys with / between, a * for an entry of a list: "Results/ * /Target" without its spaces. */
bool sut_json_stream_at(const struct sut_json_stream *s, const char *path);

#endif
