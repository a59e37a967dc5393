/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that is kept in a file, ROOT/machine.json, for suture-apply: no kernel is touched, all else is
 * real. README.md has the members of the file and what can be made to fail.
 */
#ifndef SUTURE_TESTS_MACHINE_FILE_H
#define SUTURE_TESTS_MACHINE_FILE_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "suture-apply/apply.h"

#define MACHINE_FILE_BUILD_ID "6d1c0a52d53fbbd2a1d2a4b1c8ae2ecf43fb2a61" /* SAMPLE_BUILD_ID */

/* A machine that was booted just now, with the engine installed. build_id: NULL for the one above. */
int machine_file_new(const char *root, const char *build_id, struct sut_err *err) _must_check_;

/* The next boot: nothing applied, another boot id, ROOT/run/suture empty. cmdline: NULL leaves it. */
int machine_file_boot(const char *root, const char *cmdline, struct sut_err *err) _must_check_;

/* It goes down at this moment, not in order; pstore has the kernel's last words. Then boot it. */
int machine_file_panic(const char *root, const char *words, struct sut_err *err) _must_check_;

/* The kernel says something now. */
int machine_file_say(const char *root, const char *text, struct sut_err *err) _must_check_;

/* So many seconds go by. */
int machine_file_ahead(const char *root, int64_t seconds, struct sut_err *err) _must_check_;

/* A member ("fail.apply"), as JSON text; "null" and a member of fail: takes it away. */
int machine_file_set(const char *root, const char *key, const char *json,
		     struct sut_err *err) _must_check_;
/* The caller's; NULL for the whole. */
int machine_file_get(const char *root, const char *key, json_t **ret,
		     struct sut_err *err) _must_check_;

/* Puts it, and its clock, in the place of the real one. For program_main(), and for tests. */
int machine_file_use(struct apply *a, struct sut_err *err);

#endif
