/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a recorded build, as suture-record.c writes it: records one behind the other, each
 *
 *   "SUTREC1 KIND LENGTH\n"    KIND "cc" (compiler) or "ld" (linker)
 *   LENGTH bytes               "key=value" strings, each ended by NUL
 *
 * Keys: cwd, epoch (SOURCE_DATE_EPOCH), arg (several), source (several), out, hash (of out), deps (a rule of make), call (joins a
 * compiler that also linked with its linker), map (hash of the link map), in (several: "HASH path", each followed by `at` with the
 * path without links when that is another).
 */
#ifndef SUTURE_BUILDER_LIBRARY_RECORD_H
#define SUTURE_BUILDER_LIBRARY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
	SUT_RECORD_LOG_MAX = 1 << 30,
	SUT_RECORDS_MAX = 4 << 20,
	SUT_RECORD_HASH_TEXT = 16 + 16 + 1 + 8 + 1, /* bytes of a hash as text, with its NUL */
};

struct sut_record_input {
	const char *hash, *path; /* path as the linker named it */
};

struct sut_record {
	bool link;
	const char *cwd, *epoch, *out, *hash, *deps, *call, *map; /* "" when not there */
	const char **argv;					  /* ends with NULL */
	size_t argc;
	const char **sources; /* ends with NULL */
	size_t nsources;
	struct sut_record_input *in;
	size_t nin;
};

struct sut_record_log {
	struct sut_record *v; /* in the order in which the calls ended */
	size_t n;
	char *text;
};

/* -EBADMSG: not such a log. A last record that is cut off is left out. */
int sut_record_parse(const void *data, size_t len, struct sut_record_log **ret,
		     struct sut_err *err) _must_check_;
void sut_record_free(struct sut_record_log *l);
void sut_record_freep(struct sut_record_log **l);

/*
 * What a rule of make depends on: "a.o: a.c b\ c.h \<newline> d.h". Only the first rule counts, -MP adds others. Paths are made
 * absolute with cwd and freed of "." and "..", by their letters.
 */
int sut_record_deps(const char *rule, const char *cwd, struct sut_strv *ret) _must_check_;

/* "/a/./b/../c" → "/a/c"; a relative path begins at cwd. NULL: no memory. */
char *sut_record_path(const char *cwd, const char *path);

/* The hash that suture-record gives to contents. */
void sut_record_hash(const uint8_t *p, size_t len, char out[static SUT_RECORD_HASH_TEXT]);

#endif
