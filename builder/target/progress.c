// SPDX-License-Identifier: Apache-2.0
#include "target/progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

void sut_progress_say(const struct sut_progress *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!p || !p->say)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->say(p->arg, text);
}

static void say_stderr(void *arg, const char *text)
{
	fprintf(stderr, "[%5.1f s] %s\n", sut_now_s() - *(double *)arg, text);
}

const struct sut_progress *sut_progress_stderr(void)
{
	static double start;
	static const struct sut_progress p = {say_stderr, &start};

	if (start <= 0)
		start = sut_now_s();
	return &p;
}
