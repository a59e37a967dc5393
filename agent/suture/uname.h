/* SPDX-License-Identifier: Apache-2.0 */
/* What uname(1) tells, with the version that is in effect in place of the one that was booted. */
#ifndef SUTURE_AGENT_UNAME_H
#define SUTURE_AGENT_UNAME_H

#include <jansson.h>
#include <sys/utsname.h>

#include "truth/truth.h"

enum { /* what is asked for, in the order of printing */
       UNAME_KERNEL = 1 << 0,
       UNAME_NODE = 1 << 1,
       UNAME_RELEASE = 1 << 2,
       UNAME_VERSION = 1 << 3,
       UNAME_MACHINE = 1 << 4,
       UNAME_PROCESSOR = 1 << 5,
       UNAME_PLATFORM = 1 << 6,
       UNAME_OS = 1 << 7,
       UNAME_ALL = 0xff,
};

struct uname_of {
	struct utsname u;
	char effective[2 * TRUTH_WORD_MAX]; /* u.release when no patch is live */
	bool live;
};

/* state: of suture-apply, or NULL. */
void uname_read(const char *root, const json_t *state, struct uname_of *ret);

/* "Linux 6.1.170-3+suture3". With UNAME_ALL what is unknown is left out, else it is "unknown". */
void uname_text(const struct uname_of *u, unsigned int what, char *ret, size_t len);

/* The options of uname(1), short and long, as a set. -1: 'bad' is none of them; 0: none was given. */
int uname_options(int argc, char **argv, const char **bad);

#endif
