/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent says at a check-in. Parsing is a pure function of the JSON, with the limits below; every
 * field is described in docs/formats/checkin.md.
 */
#ifndef SUTURE_PORTAL_FLEET_REPORT_H
#define SUTURE_PORTAL_FLEET_REPORT_H

#include <jansson.h>

#include "fleet/check.h"
#include "fleet/line.h"
#include "fleet/machine.h"

enum {
	REPORT_LIBRARIES_MAX = 256,
	REPORT_ERRORS_MAX = 16,
	REPORT_QUARANTINED_MAX = 32,
	REPORT_MESSAGE_MAX = 512, /* bytes of an error's message */
	REPORT_BOOT_ID_MAX = 64,
	REPORT_HASH = 32,
};

struct report {
	int64_t serial;
	const char *nonce;
	char machine_id[MACHINE_ID_MAX + 1], product_uuid[MACHINE_ID_MAX + 1];
	const char *boot_id;
	const char *state;
	struct machine_kernel kernel;
	int64_t level;
	const char *patchset, *agent;
	const char *hostname;  /* NULL: not said */
	int64_t uptime_s;      /* -1: not said */
	int64_t last_pause_ns; /* -1: none */
	size_t errors;	       /* in the list */
	unsigned int products; /* 0: not said */
	bool has_libraries;    /* there are some */
	/* Owned. All that is told to people and does not change by itself, in one form: the same report is
	 * the same text. */
	char *text;
	char *facts; /* the same of "facts"; NULL: not said */
	/* Of the libraries, but for counts (fleet/library.h). */
	uint8_t libraries_hash[REPORT_HASH];
	/* Of all that comes each time but serial, nonce and uptime_s; of the facts. */
	uint8_t hash[REPORT_HASH], facts_hash[REPORT_HASH];
};

/* Texts are borrowed from j. 0; -EINVAL and *c; -ENOMEM. */
int report_parse(const json_t *j, struct report *ret, struct check *c) _must_check_;
void report_release(struct report *r);
#define _cleanup_report_ _cleanup_(report_release)

/* Is it a state that an agent may report? */
bool report_state_ok(const char *s);

#endif
