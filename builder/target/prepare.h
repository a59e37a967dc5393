/* SPDX-License-Identifier: Apache-2.0 */
/* The build folder (O=) of a target: configured as shipped, and prepared. */
#ifndef SUTURE_BUILDER_PREPARE_H
#define SUTURE_BUILDER_PREPARE_H

#include "base/buf.h"
#include "base/err.h"
#include "target/progress.h"

enum { SUT_CONFIG_MAX = 4 << 20 }; /* bytes of a .config */

/*
 * headers: the unpacked header package's usr/src/linux-headers-<release>,
 * where .config, .kernelvariables and Module.symvers come from. build_dir is
 * created and must be at its final place: kbuild writes absolute paths.
 * Fails when this machine's tools would change the configuration.
 */
int sut_prepare(const char *src_dir, const char *build_dir, const char *headers,
		const struct sut_progress *progress, struct sut_err *err) _must_check_;

/*
 * Adds to *out a line for each option that differs between two .config files,
 * other than those that only record the versions of tools. Pure function.
 */
int sut_config_compare(const char *before, const char *after, struct sut_buf *out) _must_check_;

#endif
