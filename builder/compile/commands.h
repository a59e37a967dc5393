/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The build system's side of compiling: a private build folder of the
 * profile, and the list of commands made from it.
 *
 * In <profile>/compile/:
 *   obj/   a copy of the profile's O= folder; compilers run here, and headers
 *          that a single source needs are generated here
 *   list   the commands (compile/kbuild.h)
 *   lock   held while either is written
 */
#ifndef SUTURE_BUILDER_COMMANDS_H
#define SUTURE_BUILDER_COMMANDS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "target/profile.h"

enum { SUT_COMMANDS_MAX = 64 << 20 }; /* bytes of the list */

/* Makes obj/ and list when they are not there. */
int sut_commands_prepare(const struct sut_profile *p, struct sut_err *err) _must_check_;

/* Reads the list, made before when needed. */
int sut_commands_read(const struct sut_profile *p, struct sut_buf *ret,
		      struct sut_err *err) _must_check_;

/* Has make build one object in obj/, for the headers generated on the way. */
int sut_commands_make(const struct sut_profile *p, const char *object,
		      struct sut_err *err) _must_check_;

/* The folder compilers run in. Caller frees. */
char *sut_commands_dir(const struct sut_profile *p);

/* "env -i" with the few variables a build may see, so that CPATH, CFLAGS or a
 * make around us have no influence on the code. */
int sut_commands_env(struct sut_strv *argv) _must_check_;

#endif
