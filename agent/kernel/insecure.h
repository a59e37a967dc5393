/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A patch is applied for which no key of this machine vouches. That is said so
 * loudly that nobody does it by mistake, and written where it can be found
 * afterwards: in the system log (authpriv) and in the kernel's log.
 */
#ifndef SUTURE_AGENT_INSECURE_H
#define SUTURE_AGENT_INSECURE_H

#include "loaded.h"
#include "trust.h"

enum { SUT_INSECURE_RECORD_MAX = 800 }; /* bytes; the kernel takes no longer line than 1000 */

/* Before anything is unpacked: several lines on stderr. */
void sut_insecure_warn(const char *path, const struct sut_loaded *l, const struct sut_trust *t);

/* What is logged: "WHAT: by uid 0, login uid 1000: DETAIL", in one printable line.
 * login is SUT_NO_LOGIN when nobody has logged in. */
#define SUT_NO_LOGIN 0xffffffffU
void sut_insecure_record(const char *what, const char *detail, unsigned int uid, unsigned int login,
			 char ret[static SUT_INSECURE_RECORD_MAX]);

/* Writes such a record about this process into both logs, as far as they can be had. */
void sut_insecure_log(const char *what, const char *fmt, ...) _printf_(2, 3);

#endif
