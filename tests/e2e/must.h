/* SPDX-License-Identifier: Apache-2.0 */
/* For small programs of the tests: what fails ends the program, with the message. */
#ifndef SUTURE_TESTS_MUST_H
#define SUTURE_TESTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static struct sut_err err;

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			fprintf(stderr, "%s: %s\n", #call, err.msg);                               \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#endif
