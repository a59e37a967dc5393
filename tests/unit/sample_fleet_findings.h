/* SPDX-License-Identifier: Apache-2.0 */
/* A console's tenant with coverage (sample_coverage.h), hosts, and scans that are imported at once. */
#ifndef SUTURE_TESTS_SAMPLE_FLEET_FINDINGS_H
#define SUTURE_TESTS_SAMPLE_FLEET_FINDINGS_H

#include "sample_console.h"

/* The portal's coverage is SAMPLE_COVERAGE. */
void sample_coverage(struct sample_server *s, const struct sample_tenant *t);
/* A registered host of the kernel "aa…" at this level, with feed stable. Returns its row id. */
int64_t sample_machine(struct sample_server *s, const struct sample_tenant *t, const char *hostname,
		       int level);
/* Its uid and System ID: the name with zeros behind it. */
void sample_machine_uid(const char *hostname, char ret[static SUT_UID_LEN + 1]);
/* Uploads it and imports what waits. Returns the scan's id, until the next call. */
const char *sample_import(struct sample_server *s, const struct sample_tenant *t, const char *args,
			  const char *file);
/* Imports what waits, and bumps the generation. */
void sample_import_waiting(struct sample_server *s);

#endif
