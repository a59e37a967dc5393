/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which objects of the recorded build are in a linked file, and where: the link's map joined with the records of the compilers. An
 * object is known by its content, so it does not matter through how many archives it went; what `ld -r` joined is taken apart again
 * by the map of that link.
 */
#ifndef SUTURE_BUILDER_LIBRARY_PLACE_H
#define SUTURE_BUILDER_LIBRARY_PLACE_H

#include <jansson.h>

#include "library/links.h"

struct sut_lib_placement {
	const struct sut_links *links;
	const char *src_dir; /* as the build saw it */
	const char *dest;    /* folder that gets the objects; is there */
};

/*
 * *ret: {"paths": [...], "objects": [...]}, the part of a profile that profile_file.h documents. linked is the content that the link
 * wrote.
 */
int sut_lib_place_objects(const struct sut_lib_placement *p, const struct sut_record *link,
			  const struct sut_linked *linked, json_t **ret,
			  struct sut_err *err) _must_check_;

#endif
