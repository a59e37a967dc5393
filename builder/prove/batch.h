/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling and proving many source files, a few at a time. */
#ifndef SUTURE_BUILDER_BATCH_H
#define SUTURE_BUILDER_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "prove/prove.h"

/* One file that was looked at. */
struct sut_batch_file {
	const char *source;
	double seconds;		     /* to compile it */
	const struct sut_unit *unit; /* NULL: it failed, see err */
	/* From a library, and nothing took it: no function of it is in the image. */
	bool not_linked;
	struct sut_err err;
};

struct sut_batch {
	const struct sut_profile *profile;
	const char *const *sources;
	size_t n;
	const char *text_path; /* compiled in place of every source's text; NULL: none */
	/* Called for each file in the order given, as soon as it is known. */
	void (*done)(void *arg, const struct sut_batch_file *f);
	void *arg;
};

/* A file that cannot be compiled is reported to done() and is no error here. */
int sut_batch_run(const struct sut_batch *b, struct sut_err *err) _must_check_;

/*
 * Picks n of the list at random and moves them to its front, in random order.
 * The same list, n and seed give the same choice everywhere (splitmix64,
 * Fisher-Yates). n is at most l->n.
 */
void sut_batch_sample(struct sut_strv *l, size_t n, uint64_t seed);

#endif
