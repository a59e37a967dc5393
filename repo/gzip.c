// SPDX-License-Identifier: Apache-2.0
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

int sut_gzip(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) void *buf = NULL;
	z_stream z = {0};
	uLong bound;
	int r = 0;

	if (len > UINT_MAX / 2)
		return sut_err_set(err, EFBIG, "%zu bytes are too many to compress at once", len);
	/* 16 asks for the header of gzip, which has no time and no name unless one is set. */
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 9,
			 Z_DEFAULT_STRATEGY) != Z_OK)
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
