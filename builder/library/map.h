/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link map of GNU ld (-Map): where each section of each input went. A pure function of the text: fuzzed.
 */
#ifndef SUTURE_BUILDER_LIBRARY_MAP_H
#define SUTURE_BUILDER_LIBRARY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	SUT_MAP_MAX = 512 << 20, /* bytes of a map */
	SUT_MAP_ENTRIES_MAX = 8 << 20,
};

struct sut_map_entry {
	const char *section; /* of the input: ".text.unlikely" */
	const char *file;    /* as the linker named it: "crypto/a.o", "libx.a" */
	const char *member;  /* of the archive; "" for an object */
	const char *output;  /* the output section; "" for a discarded one */
	uint64_t output_addr,
		output_nth; /* its address, and how many of that name came before it */
	uint64_t addr, size;
};

struct sut_map {
	struct sut_map_entry *placed, *discarded; /* in the order of the map; size 0 left out */
	size_t nplaced, ndiscarded;
	char *text; /* what the strings point into */
};

/* -EBADMSG (reason "map"): no map of GNU ld; -E2BIG. */
int sut_map_parse(const void *text, size_t len, struct sut_map **ret,
		  struct sut_err *err) _must_check_;
void sut_map_free(struct sut_map *m);
void sut_map_freep(struct sut_map **m);

#endif
