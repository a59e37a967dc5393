/* SPDX-License-Identifier: Apache-2.0 */
/* profile.json: the part of a profile that is worked out once. */
#ifndef SUTURE_BUILDER_PROFILE_FILE_H
#define SUTURE_BUILDER_PROFILE_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "target/profile.h"

#define SUT_PROFILE_FILE "profile.json"
enum { SUT_PROFILE_FORMAT = 1 };

/* What only the adding program knows. */
struct sut_profile_origin {
	const char *name, *release, *package, *package_version;
	const char *cache; /* absolute */
	bool verified;	   /* apt verified the packages */
};

/*
 * Works out the rest from the files in dir (vmlinux, image/) and writes
 * dir/profile.json, which makes the target appear. Nothing is written on error.
 */
int sut_profile_file_write(const char *dir, const struct sut_profile_origin *origin,
			   struct sut_err *err) _must_check_;

#endif
