/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling struct suture_result; see uapi/suture.h for its meaning. */
#ifndef SUTURE_RESULT_H
#define SUTURE_RESULT_H

#include <linux/errno.h>
#include <linux/string.h>

#include "uapi/suture.h"

static inline int suture_outcome_errno(u32 outcome)
{
	switch (outcome) {
	case SUTURE_OK:
		return 0;
	case SUTURE_E_TABLE:
		return -EINVAL;
	case SUTURE_E_BUILD_ID:
	case SUTURE_E_SYMBOL:
		return -ENOEXEC;
	case SUTURE_E_MISMATCH:
	case SUTURE_E_CHANGED:
		return -EILSEQ;
	case SUTURE_E_BUSY:
	case SUTURE_E_UNRELIABLE:
		return -EBUSY;
	case SUTURE_E_NOT_FOUND:
		return -ENOENT;
	case SUTURE_E_NOMEM:
		return -ENOMEM;
	case SUTURE_E_REACH:
		return -ERANGE;
	}
	return -EIO;
}

/* Notes the outcome and the function it is about (may be NULL); returns the matching -errno. */
static inline int suture_fail(struct suture_result *res, u32 outcome, const char *func)
{
	res->outcome = outcome;
	if (func)
		strscpy(res->func, func, sizeof(res->func));
	return suture_outcome_errno(outcome);
}

#endif
