/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether anything may be applied on this machine at all: the kernel's command line, the administrator's mode,
 * the disable file. The strictest counts: off by command line, off by mode, the file (off for what is new, while
 * what runs is left alone until the next boot), no-apply by command line, no-apply by mode.
 */
#ifndef SUTURE_AGENT_APPLY_SWITCH_H
#define SUTURE_AGENT_APPLY_SWITCH_H

#include "apply.h"
#include "common/choice.h"

struct switch_state {
	enum choice_mode mode;
	const char *by;	    /* "cmdline", "file", "choice"; "" when mode is normal */
	bool leave_running; /* off, and yet what runs is left alone until the next boot */
};

/* A pure function. "suture=off" and "suture=no-apply" are words of cmdline; of several the strictest. */
void switch_decide(const char *cmdline, bool disabled_file, enum choice_mode chosen,
		   struct switch_state *ret);

/* For this machine. A disable file that cannot be looked at is there. */
void switch_read(struct apply *a, const struct machine_kernel *k, const struct choice *c,
		 struct switch_state *ret);

/* 0 when something new may be applied; else -EPERM, reason "mode" or "disabled", and how to allow it. */
int switch_check(const struct switch_state *s, struct sut_err *err) _must_check_;

#endif
