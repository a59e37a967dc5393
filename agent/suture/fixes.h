/* SPDX-License-Identifier: Apache-2.0 */
/* What live patches do about CVEs on this machine: what is fixed in the running code, and what could be. */
#ifndef SUTURE_AGENT_FIXES_H
#define SUTURE_AGENT_FIXES_H

#include <jansson.h>

#include "halves.h"

enum fix {
	FIX_LIVE,      /* fixed in the code that runs */
	FIX_PARTLY,    /* in some of the processes that use the library */
	FIX_AVAILABLE, /* by a patch that may be applied now */
	FIX_HELD,      /* by a patch that is held back: reason, until */
	FIX_NONE,      /* by no patch for this kernel that is known here */
};

struct fix_found {
	enum fix fix;
	char text[160];	  /* PARTLY: "12 of 14 processes"; else "" */
	const json_t *by; /* {"id" or "patchset", "level", …}, borrowed; NULL of FIX_NONE */
};

/* cve: a name in capitals. A pure function of what both halves said. */
void fix_find(const struct halves *h, const char *cve, struct fix_found *ret);

const char *fix_word(enum fix f); /* "live", "partly", "available", "held", "none" */

/* Each CVE that any of them names, once: [{"cve", "state", "patchset", "level", …}]. NULL: no memory. */
json_t *fix_list(const struct halves *h);

#endif
