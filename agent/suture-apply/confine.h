/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What suture-apply takes from itself before it listens to anybody. The unit takes more (packaging/systemd): this
 * counts where it was started by hand, too.
 */
#ifndef SUTURE_AGENT_APPLY_CONFINE_H
#define SUTURE_AGENT_APPLY_CONFINE_H

#include "base/err.h"

/* No core files, no new rights by exec(), and a filter that refuses (EPERM) every socket but unix sockets and
 * system calls that only an intruder would want here. Loading the engine stays possible. */
int confine(struct sut_err *err) _must_check_;

#endif
