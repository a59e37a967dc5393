/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own symbol table (kallsyms), decoded from the image.
 *
 * The tables have no symbols of their own in a stripped image, so they are
 * found by their structure: the token table by the run of one-digit tokens
 * "0" to "9" and its index, the rest by their distances from it. Two layouts
 * are known (docs/internals/target.md): offsets in front of the names (to
 * 6.3) and behind the token index (from 6.4).
 */
#ifndef SUTURE_BUILDER_KALLSYMS_H
#define SUTURE_BUILDER_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "target/profile.h"

enum {
	SUT_KALLSYMS_MAX = 2 << 20,	    /* symbols */
	SUT_KALLSYMS_NAME_MAX = 1023,	    /* bytes of one name */
	SUT_KALLSYMS_NAMES_MAX = 256 << 20, /* bytes of all names */
};

struct sut_kallsyms {
	struct sut_ksym *syms; /* by address, otherwise in the image's order; size is 0 */
	size_t n;
	char *names; /* what syms[].name point into */
};

/*
 * data: the contents of the section that holds the tables (.rodata). A pure
 * function of these bytes. -EBADMSG when no consistent tables are in there.
 */
int sut_kallsyms_decode(const void *data, size_t len, struct sut_kallsyms *ret,
			struct sut_err *err) _must_check_;
void sut_kallsyms_release(struct sut_kallsyms *k);

#endif
