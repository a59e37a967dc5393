/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes first: cmocka with the headers it asks for. */
#ifndef SUTURE_TESTS_UNIT_H
#define SUTURE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A call that must work; on failure its message is shown. */
#define assert_ok(call, err)                                                                       \
	do {                                                                                       \
		int r_ = (call);                                                                   \
		if (r_ < 0)                                                                        \
			fail_msg("%s: %d: %s", #call, r_, (err).msg);                              \
	} while (0)

/* The message of err has this text somewhere. */
#define assert_says(err, text)                                                                     \
	do {                                                                                       \
		if (!strstr((err).msg, text))                                                      \
			fail_msg("\"%s\" does not say \"%s\"", (err).msg, text);                   \
	} while (0)

#endif
