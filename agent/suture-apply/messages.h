/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's messages say about a patch: reports of things that must not happen (BUG, Oops, WARNING, …)
 * in which code of the patch appears, and how many others there were.
 *
 * Only where the kernel itself prints an address is a name looked for: "RIP: 0010:name+0x12/0x40", the lines of a call
 * trace, the place of a WARNING. A process may be called like a function, and "Modules linked in:" names every
 * payload in every report.
 */
#ifndef SUTURE_AGENT_APPLY_MESSAGES_H
#define SUTURE_AGENT_APPLY_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

enum { MESSAGES_MAX = 4 << 20, MESSAGES_TEXT_MAX = 512 };

struct messages {
	bool fatal;		      /* the patch appears in one */
	char text[MESSAGES_TEXT_MAX]; /* fatal: what happened and where; printable */
	unsigned int others;	      /* reports in which it does not appear */
};

/*
 * text: any bytes, one message a line, with or without "<4>" and "[  1.234]" before it.
 * functions: names, one a line, of what the patch replaces; may be NULL. Payloads and the engine are
 * known by their modules, "suture_…" and "suture". A pure function.
 */
void messages_scan(const char *text, size_t len, const char *functions, struct messages *ret);

#endif
