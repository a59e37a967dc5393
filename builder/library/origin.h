/* SPDX-License-Identifier: Apache-2.0 */
/* Where an object of a link comes from: the recorded call of a compiler that made it, and the command that makes it alone. */
#ifndef SUTURE_BUILDER_LIBRARY_ORIGIN_H
#define SUTURE_BUILDER_LIBRARY_ORIGIN_H

#include <jansson.h>

#include "library/links.h"

/* An object as a link loaded it. */
struct sut_origin {
	const char *hash; /* of the object */
	const struct sut_record *link;
	const struct sut_record_input
		*input; /* of that link: the object, or the archive it is in */
	bool in_archive;
};

/* A call that compiled and linked is found through its linker. NULL when it was not recorded. */
const struct sut_record *sut_origin_find(const struct sut_links *l, const struct sut_origin *o,
					 const char **ret_source);

/* "c", "c++", "asm", or "" */
const char *sut_origin_language(const struct sut_record *r, const char *source);

/* Its command; of a call that compiled and linked, what compiles the one source. */
json_t *sut_origin_argv(const struct sut_record *r, const char *source);

#endif
