// SPDX-License-Identifier: Apache-2.0
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum {
	LEVEL = 3,
	WINDOW_LOG = 23, /* 8 MiB: what reading may take; level 3 uses 2 */
};

static int digest(EVP_MD_CTX *md, char ret[static LINES_DIGEST_HEX], struct sut_err *err)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	uint8_t sum[32];
	int ok = copy && EVP_MD_CTX_copy_ex(copy, md) && EVP_DigestFinal_ex(copy, sum, NULL);

	EVP_MD_CTX_free(copy);
	if (!ok)
		return sut_err_oom(err);
	sut_hex(sum, sizeof(sum), ret);
	return 0;
}

/* --- writing --- */

int lines_out_open(const char *path, struct lines_out *o, struct sut_err *err)
{
	*o = (struct lines_out){.path = path, .fd = -1};
	o->tmp = sut_sprintf("%s.%ld.tmp", path, (long)getpid());
	o->room_size = ZSTD_CStreamOutSize();
	o->room = malloc(o->room_size);
	o->z = ZSTD_createCCtx();
	o->md = EVP_MD_CTX_new();
	if (!o->tmp || !o->room || !o->z || !o->md ||
	    !EVP_DigestInit_ex(o->md, EVP_sha256(), NULL) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(o->z, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(o->z, ZSTD_c_checksumFlag, 1))) {
		lines_out_release(o);
		return sut_err_oom(err);
	}
	(void)unlink(o->tmp);
	o->fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (o->fd < 0) {
		int r = sut_err_errno(err, "cannot write %s", o->tmp);

		lines_out_release(o);
		return r;
	}
	return 0;
}

static int write_all(struct lines_out *o, size_t len, struct sut_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(o->fd, o->room + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot write %s", o->tmp);
		done += (size_t)n;
	}
	return 0;
}

static int compress(struct lines_out *o, const void *p, size_t len, ZSTD_EndDirective mode,
		    struct sut_err *err)
{
	ZSTD_inBuffer in = {p, len, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {o->room, o->room_size, 0};
		int r;

		left = ZSTD_compressStream2(o->z, &out, &in, mode);
		if (ZSTD_isError(left))
			return sut_err_set(err, EIO, "cannot compress: %s",
					   ZSTD_getErrorName(left));
		r = write_all(o, out.pos, err);
		if (r < 0)
			return r;
	} while (mode == ZSTD_e_end ? left != 0 : in.pos < in.size);
	return 0;
}

int lines_out_add(struct lines_out *o, const void *line, size_t len, struct sut_err *err)
{
	int r;

	if (!EVP_DigestUpdate(o->md, line, len) || !EVP_DigestUpdate(o->md, "\n", 1))
		return sut_err_oom(err);
	r = compress(o, line, len, ZSTD_e_continue, err);
	return r < 0 ? r : compress(o, "\n", 1, ZSTD_e_continue, err);
}

int lines_out_digest(struct lines_out *o, char ret[static LINES_DIGEST_HEX], struct sut_err *err)
{
	return digest(o->md, ret, err);
}

int lines_out_end(struct lines_out *o, struct sut_err *err)
{
	int r = compress(o, NULL, 0, ZSTD_e_end, err);

	if (r == 0 && fsync(o->fd) < 0)
		r = sut_err_errno(err, "cannot write %s", o->tmp);
	return r;
}

int lines_out_publish(struct lines_out *o, struct sut_err *err)
{
	_cleanup_(sut_freep) char *copy = strdup(o->path);
	_cleanup_(sut_closep) int dir = -1;

	if (!copy)
		return sut_err_oom(err);
	if (rename(o->tmp, o->path) < 0)
		return sut_err_errno(err, "cannot replace %s", o->path);
	free(sut_steal(o->tmp));
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return sut_err_errno(err, "cannot fsync the folder of %s", o->path);
	return 0;
}

void lines_out_release(struct lines_out *o)
{
	if (o->fd >= 0) {
		close(o->fd);
		if (o->tmp)
			(void)unlink(o->tmp);
	}
	free(o->tmp);
	free(o->room);
	ZSTD_freeCCtx(o->z);
	EVP_MD_CTX_free(o->md);
	*o = (struct lines_out){.fd = -1};
}

/* --- reading --- */

static int damaged(const struct lines_in *in, const char *what, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "damaged",
			      "%s is no whole backup: %s. Nothing was changed; take another one",
			      in->path, what);
}

int lines_in_open(const char *path, struct lines_in *in, struct sut_err *err)
{
	*in = (struct lines_in){.path = path, .fd = -1, .text = SUT_BUF_INIT(LINES_LINE_MAX + 1)};
	in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (in->fd < 0)
		return sut_err_errno(err, "cannot read %s", path);
	in->room_size = ZSTD_DStreamInSize();
	in->room = malloc(in->room_size);
	in->z = ZSTD_createDCtx();
	in->md = EVP_MD_CTX_new();
	if (!in->room || !in->z || !in->md || !EVP_DigestInit_ex(in->md, EVP_sha256(), NULL) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(in->z, ZSTD_d_windowLogMax, WINDOW_LOG))) {
		lines_in_release(in);
		return sut_err_oom(err);
	}
	return 0;
}

void lines_in_release(struct lines_in *in)
{
	if (in->fd >= 0)
		close(in->fd);
	free(in->room);
	ZSTD_freeDCtx(in->z);
	EVP_MD_CTX_free(in->md);
	sut_buf_release(&in->text);
	*in = (struct lines_in){.fd = -1};
}

/* Compressed bytes. 1: there are some; 0: the end of the file. */
static int fill(struct lines_in *in, struct sut_err *err)
{
	ssize_t n;

	if (in->at < in->have)
		return 1;
	do
		n = read(in->fd, in->room, in->room_size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sut_err_errno(err, "cannot read %s", in->path);
	in->have = (size_t)n;
	in->at = 0;
	return n > 0;
}

/* More text. 1: there is more; 0: the end, where it has to be. */
static int unpack(struct lines_in *in, struct sut_err *err)
{
	uint8_t chunk[65536];
	ZSTD_outBuffer out = {chunk, sizeof(chunk), 0};

	while (out.pos == 0) {
		ZSTD_inBuffer from;
		size_t left;
		int r = fill(in, err);

		if (r < 0)
			return r;
		if (r == 0 && !in->frame_done)
			return damaged(in, "its end is missing", err);
		if (r == 0)
			return 0;
		if (in->frame_done)
			return damaged(in, "something follows its end", err);
		from = (ZSTD_inBuffer){in->room, in->have, in->at};
		left = ZSTD_decompressStream(in->z, &out, &from);
		if (ZSTD_isError(left))
			return damaged(in, ZSTD_getErrorName(left), err);
		in->at = from.pos;
		in->frame_done = left == 0;
	}
	switch (sut_buf_add(&in->text, chunk, out.pos)) {
	case 0:
		return 1;
	case -ENOBUFS:
		return damaged(in, "a line is too long", err);
	default:
		return sut_err_oom(err);
	}
}

int lines_in_next(struct lines_in *in, const char **ret, size_t *ret_len, struct sut_err *err)
{
	size_t searched;
	uint8_t *end = NULL;

	if (in->line) {
		uint8_t *p = in->text.data + in->taken;

		p[in->line - 1] = '\n';
		if (!EVP_DigestUpdate(in->md, p, in->line))
			return sut_err_oom(err);
		in->taken += in->line;
		in->line = 0;
	}
	searched = in->taken;
	for (;;) {
		int r;

		if (in->text.len > searched)
			end = memchr(in->text.data + searched, '\n', in->text.len - searched);
		if (end)
			break;
		/* The beginning of a line moves to the front, once per chunk at most. */
		if (in->taken) {
			memmove(in->text.data, in->text.data + in->taken, in->text.len - in->taken);
			in->text.len -= in->taken;
			in->taken = 0;
		}
		searched = in->text.len;
		r = unpack(in, err);
		if (r < 0)
			return r;
		if (r == 0)
			return in->text.len ? damaged(in, "its last line has no end", err) : 0;
	}
	*end = 0;
	*ret = (const char *)in->text.data + in->taken;
	*ret_len = (size_t)(end - (in->text.data + in->taken));
	in->line = *ret_len + 1;
	return 1;
}

int lines_in_digest(struct lines_in *in, char ret[static LINES_DIGEST_HEX], struct sut_err *err)
{
	return digest(in->md, ret, err);
}
