/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings in the messages of a kernel. */
#ifndef SUTURE_BUILDER_TRY_KLOG_H
#define SUTURE_BUILDER_TRY_KLOG_H

#include <stddef.h>

#include "base/err.h"

enum { SUT_KLOG_WARNINGS_MAX = 64, SUT_KLOG_PHASE_MAX = 48, SUT_KLOG_LINE_MAX = 512 };

struct sut_klog_warning {
	char line[SUT_KLOG_LINE_MAX];	/* the line that says what happened, without its time */
	char phase[SUT_KLOG_PHASE_MAX]; /* the step it happened in; "" outside of all */
	const char *block;		/* the whole report, into the log; not NUL-terminated */
	size_t len;
};

struct sut_klog {
	size_t n;     /* entries in v */
	size_t total; /* warnings found; more than n when there were too many */
	struct sut_klog_warning v[SUT_KLOG_WARNINGS_MAX];
};

/*
 * Finds everything in a console log that a healthy kernel does not print:
 * WARNING, BUG, oops, call traces, unpatched return thunks, ftrace bugs,
 * lockdep and RCU reports, hung tasks, lock-ups, panics. The lines of one
 * report count once. The log may hold any bytes.
 */
void sut_klog_scan(const char *log, size_t len, struct sut_klog *ret);

#endif
