/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be known before the kernel is touched: would this patch be applied, and would it work? */
#ifndef SUTURE_AGENT_APPLY_PREFLIGHT_H
#define SUTURE_AGENT_APPLY_PREFLIGHT_H

#include <jansson.h>

#include "act.h"
#include "apply.h"
#include "common/choice.h"
#include "guard.h"
#include "kernel/loaded.h"

enum { PREFLIGHT_DISK_MIN = 1 << 20 }; /* bytes free where the guard is written */

/* Does the administrator let it in: switch, hold, pin? o->force and o->again as act.h says. */
int preflight_choice(struct apply *a, const struct machine_kernel *k, const struct sut_manifest *m,
		     const struct act_opts *o, struct sut_err *err) _must_check_;

/* The same for the patch of a library: pins are the kernel's alone. */
int preflight_library(struct apply *a, const struct machine_kernel *k, const struct act_opts *o,
		      struct sut_err *err) _must_check_;

int preflight_quarantine(const struct guard *g, const char *sha256,
			 struct sut_err *err) _must_check_;

/*
 * All checks, also behind one that fails: adds {"name", "ok", "fatal", "text"} to checks for each of kernel, quarantine, choice,
 * engine, lockdown, memory, disk, conflicts, code. 0, or the first fatal failure. rep (zeroed but for command) is
 * filled by the comparison of the running code.
 */
int preflight_run(struct apply *a, const struct machine_kernel *k, const struct guard *g,
		  const struct sut_loaded *l, const struct act_opts *o, struct sut_report *rep,
		  json_t *checks, struct sut_err *err) _must_check_;

#endif
