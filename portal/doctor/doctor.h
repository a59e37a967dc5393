/* SPDX-License-Identifier: Apache-2.0 */
/* Is all well with this portal? Each check adds lines to a report; none changes anything. */
#ifndef SUTURE_PORTAL_DOCTOR_DOCTOR_H
#define SUTURE_PORTAL_DOCTOR_DOCTOR_H

#include <jansson.h>

#include "conf.h"
#include "db/db.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	const char *config; /* path of the settings */
	struct portal_conf conf;
	struct sut_db *db; /* NULL when it cannot be opened */
	int64_t now;
	/* The report. */
	json_t *lines; /* [{"check", "status", "detail", "advice"}] */
	enum doctor_state worst;
};

/* One line. advice: what to do; NULL when there is nothing to do. */
void doctor_add(struct doctor *d, enum doctor_state state, const char *check, const char *advice,
		const char *fmt, ...) _printf_(5, 6);
const char *doctor_word(enum doctor_state state);

/* Reads the settings: 0, or the other checks have no sense. */
int doctor_conf(struct doctor *d);
void doctor_database(struct doctor *d); /* opens it */
void doctor_clock(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_certificate(struct doctor *d);
void doctor_repository(struct doctor *d);
void doctor_install(struct doctor *d); /* what /install gives to new systems */
void doctor_listeners(struct doctor *d);

#endif
