/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stop flag: the target stop/flag.json, whose entry says in "custom" what servers are to do. They
 * read it with the metadata on each poll; the file is a copy. It is signed by a role of its own
 * whose keys are not online: a stolen online key must not be able to unload patches.
 */
#ifndef SUTURE_REPO_STOP_H
#define SUTURE_REPO_STOP_H

#include "change.h"

#define SUT_STOP_PATH "stop/flag.json"

enum { SUT_STOP_BUILD_IDS_MAX = 1024, SUT_STOP_REASON_MAX = 500 };

enum sut_stop_action {
	SUT_STOP_NONE,	 /* go on */
	SUT_STOP_HALT,	 /* apply nothing more; what is applied stays */
	SUT_STOP_UNLOAD, /* revert what is applied, too */
};

/* "none", "halt", "unload" */
const char *sut_stop_word(enum sut_stop_action a);

/* Puts the flag into the change. build_ids: the kernels that are meant; empty: all. since: seconds since the
 * epoch. -EINVAL for a reason that is empty, too long or no UTF-8, and for what is no build-id. */
int sut_stop_set(struct sut_change *c, enum sut_stop_action action, const char *reason,
		 const struct sut_strv *build_ids, int64_t since, struct sut_err *err) _must_check_;

/* "custom" as it will be with this change; NULL when there is no flag. Borrowed until the next edit. */
const json_t *sut_stop_get(const struct sut_change *c);

#endif
