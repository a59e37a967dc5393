/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which objects of the recorded build are in a linked file, and where: the link's map joined with the records of the compilers. An
 * object is known by its content, so it does not matter through how many archives it went; what `ld -r` joined is taken apart again
 * by the map of that link.
 */
#ifndef SUTURE_BUILDER_LIBRARY_PLACE_H
#define SUTURE_BUILDER_LIBRARY_PLACE_H

#include <jansson.h>

#include "library/linked.h"
#include "library/record.h"

struct sut_place {
	const struct sut_record_log *log;
	const char *store;		   /* folder of the kept contents, readable from here */
	const char *src_dir;		   /* as the build saw it */
	const char *dest;		   /* folder that gets the objects; is there */
	const struct sut_record **by_hash; /* of the log, those with a hash; sut_place_index() */
	size_t n;
	struct sut_place_id *ids; /* of what the links wrote */
	size_t nids;
};

struct sut_place_id {
	uint8_t build_id[SUT_LIB_BUILD_ID_LEN];
	char *soname; /* "" for none */
	const struct sut_record *link;
};

/* Fills by_hash and ids. */
int sut_place_index(struct sut_place *p, struct sut_err *err) _must_check_;
void sut_place_release(struct sut_place *p);

/* The last link that wrote this content, or with a build-id the last one whose output has that; NULL when there is none. */
const struct sut_record *sut_place_link(const struct sut_place *p, const char *hash,
					const uint8_t *build_id);

/*
 * Without a file that the build made for it: of the links with the same soname, or to a file of the same base name, the one whose code is
 * most like the shipped one's. The proof decides anyway. NULL when none is.
 */
const struct sut_record *sut_place_alike(const struct sut_place *p,
					 const struct sut_linked *shipped, const char *path);

/*
 * *ret: {"paths": [...], "objects": [...]}, the part of a profile that profile_file.h documents. linked is the content that the link
 * wrote.
 */
int sut_place_objects(const struct sut_place *p, const struct sut_record *link,
		      const struct sut_linked *linked, json_t **ret,
		      struct sut_err *err) _must_check_;

#endif
