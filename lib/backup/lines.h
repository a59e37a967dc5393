/* SPDX-License-Identifier: Apache-2.0 */
/* A file of lines, compressed by zstd, with the digest of what was written or read so far. */
#ifndef SUTURE_BACKUP_LINES_H
#define SUTURE_BACKUP_LINES_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	LINES_DIGEST_HEX = 65,
	LINES_LINE_MAX = 256 << 20, /* bytes of a line: bytes take two characters each */
};

/* Writing: into a file beside path, which takes its place at the end. */
struct lines_out {
	const char *path;
	char *tmp;
	int fd;
	ZSTD_CCtx *z;
	EVP_MD_CTX *md;
	uint8_t *room;
	size_t room_size;
};

int lines_out_open(const char *path, struct lines_out *o, struct sut_err *err) _must_check_;
/* len bytes; the newline is added. */
int lines_out_add(struct lines_out *o, const void *line, size_t len,
		  struct sut_err *err) _must_check_;
/* Of all lines so far. */
int lines_out_digest(struct lines_out *o, char ret[static LINES_DIGEST_HEX],
		     struct sut_err *err) _must_check_;
/* All of it is on the disk, in the file o->tmp. */
int lines_out_end(struct lines_out *o, struct sut_err *err) _must_check_;
/* And at its place. */
int lines_out_publish(struct lines_out *o, struct sut_err *err) _must_check_;
/* What was not published is removed. */
void lines_out_release(struct lines_out *o);

struct lines_in {
	const char *path;
	int fd;
	ZSTD_DCtx *z;
	EVP_MD_CTX *md;
	uint8_t *room;
	size_t room_size, have, at; /* compressed bytes, and how many were taken */
	struct sut_buf text;	    /* unpacked */
	size_t taken;		    /* of it: lines that were given out */
	size_t line;		    /* bytes of the current line, which is not in the digest yet */
	bool frame_done, ended;
};

int lines_in_open(const char *path, struct lines_in *in, struct sut_err *err) _must_check_;
/* 1: a line, NUL instead of its newline, until the next call; 0: the end. -EBADMSG (reason "damaged"):
 * truncated, or not such a file. */
int lines_in_next(struct lines_in *in, const char **ret, size_t *ret_len,
		  struct sut_err *err) _must_check_;
/* Of all lines before the current one. */
int lines_in_digest(struct lines_in *in, char ret[static LINES_DIGEST_HEX],
		    struct sut_err *err) _must_check_;
void lines_in_release(struct lines_in *in);

#endif
