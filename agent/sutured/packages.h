/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is installed here, for a console that compares it with what is known of vulnerabilities (docs/formats/console-agent.md).
 * Of dpkg; of rpm, whose database is no text, nothing is told.
 */
#ifndef SUTURE_AGENT_SUTURED_PACKAGES_H
#define SUTURE_AGENT_SUTURED_PACKAGES_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

#define PACKAGES_STATUS "/var/lib/dpkg/status"

enum {
	PACKAGES_COUNT_MAX = 50000, /* more are left out */
	PACKAGES_WORD_MAX =
		255, /* bytes of a name or version; with a longer one, a package is left out */
};

/* Those of a status file of dpkg that are installed: [name, version], and source and its version when they differ from
 * these. NULL when memory is short. Reads as it comes, line by line. */
json_t *packages_of_dpkg(FILE *f);

/* The document for the console; *ret is the caller's. -ENOENT: there is no dpkg here. */
int packages_text(const char *root, char **ret, struct sut_err *err) _must_check_;

/* Changes when the file does; 0: there is none. */
uint64_t packages_stamp(const char *root);

#endif
