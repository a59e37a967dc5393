/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long call has come, on standard error: one line that is rewritten on a terminal, plain lines elsewhere,
 * nothing when it is not wanted. What it is told comes from other processes and is made printable.
 */
#ifndef SUTURE_AGENT_PROGRESS_H
#define SUTURE_AGENT_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { PROGRESS_LINE_MAX = 512 }; /* bytes */

struct progress {
	const char *command;
	FILE *out;    /* NULL: quiet */
	bool rewrite; /* it is a terminal that can do so */
	unsigned int columns;
	bool shown; /* there is a line that is to be erased */
	char last[PROGRESS_LINE_MAX];
};

/* quiet: say nothing. json: say nothing unless there is a terminal to look at. */
void progress_init(struct progress *p, const char *command, bool quiet, bool json);

/* For wire_call(): message is {"progress": …} or the object in it. */
void progress_feed(void *ctx, const json_t *message);

/* Erases the line. Before anything else is printed. */
void progress_end(struct progress *p);

/* The line for one message: "download: kpatch.bin, 43 % of 92 KiB". "" when there is nothing to say. */
void progress_text(const json_t *message, char ret[static PROGRESS_LINE_MAX]);

#endif
