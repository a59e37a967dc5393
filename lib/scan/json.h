/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of JSON share: one document about one host, whose findings may come before what it is. Until the reader knows the host
 * (scan_json_ready()), they are kept.
 */
#ifndef SUTURE_SCAN_JSON_H
#define SUTURE_SCAN_JSON_H

#include "internal.h"
#include "json/stream.h"

struct scan_json;

struct scan_json_reader {
	int (*event)(struct scan_json *j, enum sut_json_event e, const char *text);
	/* The document is over: has it been what it should? May be NULL. */
	int (*check)(struct scan_json *j);
};

struct scan_json {
	struct sut_scan *s;
	const struct scan_json_reader *reader;
	struct sut_json_stream *stream;
	struct scan_found f; /* the finding that is being read */
	struct scan_machine m;
	struct scan_pool pool;
	struct scan_kept *kept, **tail;
	bool host_given;
	unsigned int seen; /* the reader's: parts of the document that were there */
	struct sut_err *err;
};

void *scan_json_create(struct sut_scan *s, const struct scan_json_reader *reader);
int scan_json_feed(void *ctx, const char *bytes, size_t len, struct sut_err *err);
int scan_json_finish(void *ctx, struct sut_err *err);
void scan_json_free(void *ctx);

/* The finding is complete. */
int scan_json_found(struct scan_json *j);
/* m is complete. */
int scan_json_ready(struct scan_json *j);
/* Is it at this path? */
bool scan_json_at(const struct scan_json *j, const char *path);
/* -EBADMSG with the place before the message */
int scan_json_bad(struct scan_json *j, const char *fmt, ...) _printf_(2, 3);

#define scan_json_copy(out, text) scan_text(out, sizeof(out), text, strlen(text))

#endif
