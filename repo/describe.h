/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change in plain words, for the person who is to sign it: every difference between the files before
 * and after, also of fields that this version does not know. Text from the files is shown
 * without control characters.
 */
#ifndef SUTURE_REPO_DESCRIBE_H
#define SUTURE_REPO_DESCRIBE_H

#include "change.h"

enum { SUT_DESCRIBE_MAX = 64 << 20 };

/* One paragraph for each role, from root down. */
int sut_describe_change(const struct sut_change *c, int64_t now, struct sut_buf *out,
			struct sut_err *err) _must_check_;

/* Who is still to sign, and how; or that nothing is missing. */
int sut_describe_needs(const struct sut_change *c, struct sut_buf *out,
		       struct sut_err *err) _must_check_;

/* "2027-02-19 (in 90 days)" */
void sut_describe_time(int64_t t, int64_t now, char ret[static 64]);

#endif
