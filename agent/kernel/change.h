/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to the running kernel: verify, apply, revert. The one implementation below `suture apply FILE` and
 * suture-apply. Every check comes before the first change, and whatever fails leaves nothing behind: neither
 * the payload, nor an engine that was only loaded for it.
 *
 * Rights and the lock (session.h) are the caller's business, and so is who vouches for the patch. What happened
 * is in the report, whose `loaded` and `trust` are not taken over; `exit` and `culprit` are filled too.
 */
#ifndef SUTURE_AGENT_KERNEL_CHANGE_H
#define SUTURE_AGENT_KERNEL_CHANGE_H

#include <stdbool.h>

#include "engine.h"
#include "loaded.h"
#include "report.h"
#include "trust.h"

struct sut_change {
	const struct sut_loaded *patch;	   /* parsed; apply and verify */
	const struct sut_trust *trust;	   /* goes into the record of what is applied (applied.h) */
	const struct sut_trust_opts *opts; /* an engine to load; what has to be logged */
	bool force;			   /* also to a lower level */
	unsigned int attempts;
};

/* All return 0 or -rep->err.code. */
int sut_change_verify(const struct sut_change *c, struct sut_report *rep) _must_check_;
int sut_change_apply(const struct sut_change *c, struct sut_report *rep) _must_check_;
int sut_change_revert(unsigned int attempts, struct sut_report *rep) _must_check_;

#endif
