/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: the lines of a changelog that are not items. */
#ifndef SUTURE_CVE_ENTRY_H
#define SUTURE_CVE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* A line without its end; not terminated. */
struct line {
	const char *s;
	size_t len;
};

struct head {
	struct line source, version;
};

enum line_kind {
	LINE_EMPTY,
	LINE_HEAD,    /* "linux (6.1.170-3) bookworm-security; urgency=high" */
	LINE_TEXT,    /* begins with at least two spaces, or a tab */
	LINE_TRAILER, /* " -- Name <address>  date" */
	LINE_COMMENT, /* what editors, version control and dpkg leave behind */
	LINE_OLD,     /* forms from before the present one: nothing behind it can be read */
	LINE_BAD,
};

/* ret: written for LINE_HEAD only. */
enum line_kind sut_changelog_line(struct line l, struct head *ret);

/* The date of a trailer (RFC 5322, day of the week ignored): seconds since the epoch. -EINVAL. */
int sut_changelog_date(struct line trailer, int64_t *ret) _must_check_;

bool sut_line_starts(struct line l, const char *prefix);

#endif
