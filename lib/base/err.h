/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type.
 *
 * A function that can fail returns 0 (or a positive count) on success and a
 * negative errno on failure, and takes a `struct sut_err *` as its last
 * argument, which may be NULL. On failure it fills it with one sentence that
 * says what is wrong, and what the operator can do next. On success the
 * structure is left alone. Output arguments (`ret_…`) are only written on
 * success. Libraries never print: the program prints the message once.
 */
#ifndef SUTURE_BASE_ERR_H
#define SUTURE_BASE_ERR_H

#include "base/cleanup.h"

enum { SUT_ERR_MSG_MAX = 2048, SUT_ERR_REASON_MAX = 40 };

struct sut_err {
	int code;			 /* positive errno; 0 when nothing failed */
	char reason[SUT_ERR_REASON_MAX]; /* machine-readable word, e.g. "changed-data"; may be "" */
	char msg[SUT_ERR_MSG_MAX];	 /* one or more sentences, no newline at the end; printable
					  * UTF-8, newlines and tabs, whatever was put into it */
};

/* Fills *e (when not NULL) and returns -code. The arguments may point into *e. */
int sut_err_set(struct sut_err *e, int code, const char *fmt, ...) _printf_(3, 4);

/* As sut_err_set(), with ": <strerror(errno)>" added. Returns -errno. */
int sut_err_errno(struct sut_err *e, const char *fmt, ...) _printf_(2, 3);

/* As sut_err_set(), with a reason word (cut to SUT_ERR_REASON_MAX - 1 bytes). */
int sut_err_reason(struct sut_err *e, int code, const char *reason, const char *fmt, ...)
	_printf_(4, 5);

/* Puts text and ": " before the message that is there, and keeps code and reason.
 * Returns -e->code; -EIO when e is NULL or holds no error. A caller whose own e may
 * be NULL and who needs the code keeps what the failed function returned. */
int sut_err_prefix(struct sut_err *e, const char *fmt, ...) _printf_(2, 3);

/* Fills *e with "out of memory" and returns -ENOMEM. */
int sut_err_oom(struct sut_err *e);

#endif
