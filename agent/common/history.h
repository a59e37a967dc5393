/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to this machine's kernel: one JSON object a line in AGENT_HISTORY, oldest first, written by
 * suture-apply. Beyond HISTORY_MAX bytes the older half goes.
 *
 *   {"at": "2026-11-21T20:15:00Z", "event": "applied", "id": "K…", "level": 3, "build_id": "…", "by": "sutured",
 *    "detail": "…"}
 *
 * event: applied, failed, reverted, good, quarantined, released, mode, pin, hold, tag, boot, engine
 */
#ifndef SUTURE_AGENT_COMMON_HISTORY_H
#define SUTURE_AGENT_COMMON_HISTORY_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

enum { HISTORY_MAX = 1 << 20, HISTORY_LINE_MAX = 4096 };

struct history_entry {
	int64_t at; /* seconds since the epoch */
	const char *event;
	const char *id; /* of the patch; NULL: none */
	uint32_t level;
	const char *build_id; /* NULL: none */
	const char *by;	      /* "sutured", "root", "boot", "job ID" */
	const char *detail;   /* NULL: none */
};

/* Durable when it returns. A last line that was cut off by a power cut is ended first. */
int history_add(const char *root, const struct history_entry *e, struct sut_err *err) _must_check_;

/*
 * A list of objects, oldest first, at most the last `max`; lines that are no such object are left out.
 * No file is an empty list. history_parse() is the pure part.
 */
json_t *history_parse(const void *text, size_t len, size_t max);
int history_read(const char *root, size_t max, json_t **ret, struct sut_err *err) _must_check_;

#endif
