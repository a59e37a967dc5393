/* SPDX-License-Identifier: Apache-2.0 */
/* What a long operation tells while it works; the program decides where it goes. */
#ifndef SUTURE_BUILDER_PROGRESS_H
#define SUTURE_BUILDER_PROGRESS_H

#include "base/cleanup.h"

struct sut_progress {
	void (*say)(void *arg, const char *text);
	void *arg;
};

/* One step begins. p may be NULL: nobody listens. */
void sut_progress_say(const struct sut_progress *p, const char *fmt, ...) _printf_(2, 3);

/* Lines "[  1.2 s] text" on standard error; the seconds count from the first call of
 * sut_progress_stderr(). The result is static. */
const struct sut_progress *sut_progress_stderr(void);

#endif
