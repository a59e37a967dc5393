/* SPDX-License-Identifier: Apache-2.0 */
/* Exit statuses of suture's commands that deal with one patch (docs/formats/status.md). */
#ifndef SUTURE_AGENT_KERNEL_EXIT_H
#define SUTURE_AGENT_KERNEL_EXIT_H

enum {
	SUT_EXIT_OK = 0,
	SUT_EXIT_ERROR = 1,	  /* anything not named below; the kernel is as it was */
	SUT_EXIT_BUSY = 2,	  /* tasks kept running the old code; try again later */
	SUT_EXIT_NOT_FOR_US = 3,  /* the patch is for another kernel */
	SUT_EXIT_CONFLICT = 4,	  /* the running code differs, or somebody else changes it */
	SUT_EXIT_NOT_TRUSTED = 5, /* nobody this machine trusts vouches for the patch */
	SUT_EXIT_USAGE = 64,
};

#endif
