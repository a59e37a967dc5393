/* SPDX-License-Identifier: Apache-2.0 */
/* Exit statuses of suture's commands (docs/formats/status.md). */
#ifndef SUTURE_AGENT_KERNEL_EXIT_H
#define SUTURE_AGENT_KERNEL_EXIT_H

enum {
	SUT_EXIT_OK = 0,
	SUT_EXIT_ERROR = 1,	     /* anything not named below; the kernel is as it was */
	SUT_EXIT_BUSY = 2,	     /* tasks kept running the old code; try again later */
	SUT_EXIT_NOT_FOR_US = 3,     /* not for this kernel, or nothing can be applied here */
	SUT_EXIT_CONFLICT = 4,	     /* the running code differs, or somebody else changes it */
	SUT_EXIT_NOT_TRUSTED = 5,    /* nobody this machine trusts vouches for it */
	SUT_EXIT_HELD = 6,	     /* mode, pin, hold, window or delay hold it back */
	SUT_EXIT_NOT_REGISTERED = 7, /* at no portal, or the portal does not know us any more */
	SUT_EXIT_UNREACHABLE = 8,    /* portal or repository do not answer */
	SUT_EXIT_QUARANTINED = 9,    /* taken out after the machine or a health check failed */
	SUT_EXIT_PENDING = 10,	     /* something is to be applied and is not yet */
	SUT_EXIT_REBOOT_NEEDED = 11, /* only a reboot helps */
	SUT_EXIT_USAGE = 64,
};

#endif
