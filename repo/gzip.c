// SPDX-License-Identifier: Apache-2.0
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

static int deflate_by(int strategy, const void *data, size_t len, struct sut_buf *out,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) void *buf = NULL;
	z_stream z = {0};
	uLong bound;
	int r = 0;

	/* 16 asks for the header of gzip, which has no time and no name unless one is set. */
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 9, strategy) != Z_OK)
		return sut_err_oom(err);
	bound = deflateBound(&z, (uLong)len);
	buf = malloc(bound);
	z.next_in = (void *)data;
	z.avail_in = (uInt)len;
	z.next_out = buf;
	z.avail_out = (uInt)bound;
	if (!buf)
		r = sut_err_oom(err);
	else if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		r = sut_err_set(err, EIO, "cannot compress %zu bytes", len);
	else if (sut_buf_add(out, buf, bound - z.avail_out) < 0)
		r = sut_err_oom(err);
	deflateEnd(&z);
	return r;
}

/*
 * Metadata is half hashes, in which the usual strategy finds short matches that cost more than they
 * save: without them hash bins and snapshots are a tenth smaller. Delegations are not.
 */
int sut_gzip(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(SIZE_MAX / 2), b = SUT_BUF_INIT(SIZE_MAX / 2);
	int r;

	if (len > UINT_MAX / 2)
		return sut_err_set(err, EFBIG, "%zu bytes are too many to compress at once", len);
	r = deflate_by(Z_DEFAULT_STRATEGY, data, len, &a, err);
	if (r == 0)
		r = deflate_by(Z_FILTERED, data, len, &b, err);
	if (r < 0)
		return r;
	if (sut_buf_add(out, a.len < b.len ? a.data : b.data, a.len < b.len ? a.len : b.len) < 0)
		return sut_err_oom(err);
	return 0;
}

int sut_gunzip(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	unsigned char chunk[32768];
	size_t before = out->len;
	z_stream z = {.next_in = (void *)data, .avail_in = (uInt)len};
	int end, r = 0;

	if (len > UINT_MAX / 2)
		return sut_err_set(err, EFBIG, "%zu bytes are too many to unpack at once", len);
	if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return sut_err_oom(err);
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		end = inflate(&z, Z_NO_FLUSH);
		if (end != Z_OK && end != Z_STREAM_END)
			r = end == Z_MEM_ERROR ? sut_err_oom(err)
					       : sut_err_set(err, EBADMSG, "this is no gzip file");
		else if (sut_buf_add(out, chunk, sizeof(chunk) - z.avail_out) < 0)
			r = sut_err_set(err, EFBIG, "unpacked, it is larger than %zu bytes",
					out->max);
	} while (r == 0 && end != Z_STREAM_END);
	if (r == 0 && z.avail_in)
		r = sut_err_set(err, EBADMSG, "something follows the gzip file");
	inflateEnd(&z);
	if (r < 0 && out->data)
		out->data[out->len = before] = 0;
	return r;
}
