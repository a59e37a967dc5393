// SPDX-License-Identifier: Apache-2.0
#include "target/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

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
	fprintf(stderr, "[%5.1f s] %s\n", now() - *(double *)arg, text);
}

const struct sut_progress *sut_progress_stderr(void)
{
	static double start;
	static const struct sut_progress p = {say_stderr, &start};

	if (start <= 0)
		start = now();
	return &p;
}
