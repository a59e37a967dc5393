/* SPDX-License-Identifier: Apache-2.0 */
/* The guard made to agree with what happened since it was written: a suture-apply that was killed, a boot. */
#ifndef SUTURE_AGENT_APPLY_RECOVER_H
#define SUTURE_AGENT_APPLY_RECOVER_H

#include "apply.h"
#include "guard.h"

/* As apply_recover(). *ret_boot: what guard_boot() says when the boot has not been looked at yet; otherwise
 * what a boot would apply now. */
int recover(struct apply *a, const struct machine_kernel *k, struct guard *ret,
	    struct guard_boot *ret_boot, struct sut_err *err) _must_check_;

/* A line of the history. That it cannot be written is logged, and changes nothing of what happened. */
void recover_tell(struct apply *a, const struct machine_kernel *k, const char *by,
		  const char *event, const struct guard_patch *p, const char *detail);

/* A quarantine by a boot, into log and errors of the state. Another success in between would mend it. */
void recover_report(struct apply *a, const struct guard_boot *b);

/* The file for others; a failure is logged. */
void recover_publish(struct apply *a);

/* May anything be applied? When not, err says what keeps it away: -EPERM when the administrator wanted it so. */
int recover_allowed(struct apply *a, const struct machine_kernel *k,
		    struct sut_err *err) _must_check_;

/* Does this patch run? */
int recover_runs(struct apply *a, const struct guard_patch *p, bool *ret,
		 struct sut_err *err) _must_check_;

#endif
