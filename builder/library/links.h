/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a build by what they wrote: which link made a file, which call an object. */
#ifndef SUTURE_BUILDER_LIBRARY_LINKS_H
#define SUTURE_BUILDER_LIBRARY_LINKS_H

#include "base/buf.h"
#include "library/linked.h"
#include "library/record.h"

/* A link that wrote something with a build-id. */
struct sut_links_id {
	uint8_t build_id[SUT_LIB_BUILD_ID_LEN];
	char *soname; /* "" for none */
	const struct sut_record *link;
};

struct sut_links {
	const struct sut_record_log *log;
	const char *store;		   /* folder of the kept contents, readable from here */
	const struct sut_record **by_hash; /* of the log, those with a hash; sut_links_index() */
	size_t n;
	struct sut_links_id *ids;
	size_t nids;
};

/* Fills by_hash and ids; log and store are set. Release in every case. */
int sut_links_index(struct sut_links *l, struct sut_err *err) _must_check_;
void sut_links_release(struct sut_links *l);

/* The kept content of that hash. */
int sut_links_read(const struct sut_links *l, const char *hash, struct sut_buf *b,
		   struct sut_err *err) _must_check_;

/* The first of the records that wrote this content, in the order of the log; *ret_n how many there are. */
const struct sut_record *const *sut_links_with_hash(const struct sut_links *l, const char *hash,
						    size_t *ret_n);

/* The last link that wrote this content; NULL when there is none. */
const struct sut_record *sut_links_last(const struct sut_links *l, const char *hash);

/* The same, or with a build-id (may be NULL) the last one whose output has that. */
const struct sut_record *sut_links_made(const struct sut_links *l, const char *hash,
					const uint8_t *build_id);

/*
 * Without a file that the build made for it: of the links with the same soname, or to a file of the same base name, the one whose code is
 * most like the shipped one's. The proof decides anyway. NULL when none is.
 */
const struct sut_record *sut_links_alike(const struct sut_links *l,
					 const struct sut_linked *shipped, const char *path);

#endif
