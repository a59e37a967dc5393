/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apply, revert and verify tell at their end: for people on stdout and
 * stderr, or as one JSON object on stdout (docs/formats/status.md).
 */
#ifndef SUTURE_AGENT_REPORT_H
#define SUTURE_AGENT_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "conflict.h"
#include "loaded.h"
#include "uapi/suture.h"

struct sut_trust;

struct sut_report {
	const char *command; /* "apply" */
	bool json;
	bool dry_run;
	int exit;			 /* SUT_EXIT_* */
	const char *outcome;		 /* word of docs/formats/status.md; NULL: from err */
	const struct sut_loaded *loaded; /* the patch at hand, parsed, or NULL */
	const struct sut_trust *trust;	 /* who vouches for it; NULL when it was not looked at */
	struct {
		char id[SUTURE_ID_MAX]; /* "" when no patch was applied before */
		uint32_t level;
	} before;
	unsigned int attempts; /* of the switch */
	bool verified;	       /* VERIFY was answered; its numbers follow */
	uint32_t compared, ignored;
	struct suture_result result; /* of the last ioctl */
	struct sut_conflicts conflicts;
	char culprit[256];  /* who changed the byte of a mismatch; "" unknown */
	struct sut_err err; /* code 0: none */
};

void sut_report_release(struct sut_report *r);

/* The object of docs/formats/status.md ("suture-result"); the caller's, NULL when memory is short. */
json_t *sut_report_result(const struct sut_report *r);

/* Prints it; returns r->exit. */
int sut_report_emit(const struct sut_report *r);

/* err from an outcome of the engine other than SUTURE_OK: cause and advice, and as reason the
 * word of docs/formats/status.md. code: its errno. Returns -code. */
int sut_report_explain(const struct suture_result *res, int code, struct sut_err *err);

/* The exit status for a failure. */
int sut_report_exit(const struct sut_err *err);

/* "suture: apply: cause" and "  advice" on stderr. The cause is the first sentence. */
void sut_report_error(const char *command, const struct sut_err *err);

/* One line on stderr while it works. */
void sut_report_progress(const char *command, const char *fmt, ...) _printf_(2, 3);

/* A JSON string of any bytes; what is not UTF-8 becomes '?'. */
json_t *sut_report_text(const char *s);

/* Prints j on stdout with a newline and drops it; SUT_EXIT_ERROR when that fails, else exit. */
int sut_report_json(json_t *j, int exit);

/* RFC 3339 in UTC. */
void sut_report_time(int64_t seconds, char ret[static 32]);

/* And back; -EINVAL when it is not of that form. */
int sut_report_parse_time(const char *s, int64_t *ret) _must_check_;

#endif
