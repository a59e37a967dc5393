/* SPDX-License-Identifier: Apache-2.0 */
/* A patch file, read and checked as far as that needs no kernel. */
#ifndef SUTURE_AGENT_LOADED_H
#define SUTURE_AGENT_LOADED_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/sha256.h"
#include "patch/container.h"
#include "patch/expect.h"
#include "patch/library.h"
#include "patch/manifest.h"

struct sut_loaded {
	struct sut_buf file; /* its bytes; empty once they are parsed */
	size_t file_size;
	char sha256[SUT_SHA256_HEX]; /* of the file */
	/* What follows is there after sut_loaded_parse(). */
	struct sut_patch *patch;
	struct sut_manifest *manifest;
	const struct sut_manifest_object *object; /* vmlinux, or the library */
	const struct sut_member *payload;
	struct sut_expect_table table; /* kernels only */
	struct sut_library
		*library; /* libraries only: the payload, which says what the manifest says */
};

/* Reads the file into memory, the only time it is read: whatever is done with
 * it, verifying or applying, is done with these bytes. Nothing is unpacked. */
int sut_loaded_open(const char *path, struct sut_loaded **ret, struct sut_err *err) _must_check_;

/* The same with bytes that are in memory already: takes them out of *file. */
int sut_loaded_take(struct sut_buf *file, struct sut_loaded **ret,
		    struct sut_err *err) _must_check_;

/* Container, manifest and expected bytes, each by itself and against each other.
 * Once; path is for messages. The patch of a library is refused (-EMEDIUMTYPE, reason "library"). */
int sut_loaded_parse(struct sut_loaded *l, const char *path, struct sut_err *err) _must_check_;

/* The same for those who know libraries as well: see sut_manifest_is_library(). */
int sut_loaded_parse_any(struct sut_loaded *l, const char *path, struct sut_err *err) _must_check_;
void sut_loaded_free(struct sut_loaded *l);
void sut_loaded_freep(struct sut_loaded **l);

/*
 * What the manifest says and what the engine will do are the same: every
 * record of the table is a function, a piece of one or a busy function of the
 * manifest, and the other way round. -EBADMSG with the name that differs.
 */
int sut_loaded_agree(const struct sut_manifest *m, const struct sut_manifest_object *o,
		     const struct sut_expect_table *t, struct sut_err *err) _must_check_;

#endif
