/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the commands that build a patch: `suture-build kernel` and `suture-build library`. */
#ifndef SUTURE_BUILDER_FRONT_OPTIONS_H
#define SUTURE_BUILDER_FRONT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct sut_build_options {
	const char *target, *file, *output, *id, *cache, *keep,
		*report; /* of argv; NULL: not given */
	struct sut_strv fixes, cves, busy;
	uint64_t level; /* set to the default beforehand; 0: it must be given */
	bool json, quiet, help;
};

/*
 * command: for messages, which go to standard error. files: --file and --report are taken. A negative errno when the options are
 * wrong, which was said then. Release in every case.
 */
int sut_build_options_parse(const char *command, bool files, int argc, char **argv,
			    struct sut_build_options *o) _must_check_;
void sut_build_options_release(struct sut_build_options *o);

#endif
