/* SPDX-License-Identifier: Apache-2.0 */
/* Module.symvers: what a kernel build exports to modules. */
#ifndef SUTURE_BUILDER_SYMVERS_H
#define SUTURE_BUILDER_SYMVERS_H

#include <stddef.h>

#include "base/err.h"
#include "target/profile.h"

enum { SUT_SYMVERS_MAX = 16 << 20 }; /* bytes of the file */

struct sut_symvers {
	struct sut_export *exports; /* by name, strcmp order */
	size_t n;
	char *text; /* what the names point into */
};

/*
 * Reads lines "CRC <tab> name <tab> module <tab> EXPORT_SYMBOL[_GPL] [<tab>
 * namespace]". -EBADMSG names the first line that is not one.
 */
int sut_symvers_parse(const void *data, size_t len, struct sut_symvers *ret,
		      struct sut_err *err) _must_check_;
const struct sut_export *sut_symvers_find(const struct sut_export *exports, size_t n,
					  const char *name);
void sut_symvers_release(struct sut_symvers *s);

#endif
