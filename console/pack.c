// SPDX-License-Identifier: Apache-2.0
#include "pack.h"

#include <errno.h>
#include <zstd.h>

enum { LEVEL = 6 };

int pack(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	size_t bound = ZSTD_compressBound(len), n;

	if (sut_buf_reserve(out, bound) < 0)
		return sut_err_oom(err);
	n = ZSTD_compress(out->data + out->len, bound, data, len, LEVEL);
	if (ZSTD_isError(n))
		return sut_err_oom(err);
	out->len += n;
	out->data[out->len] = '\0';
	return 0;
}

int unpack(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	unsigned long long plain = len ? ZSTD_getFrameContentSize(data, len) : 0;
	size_t n;

	if (!len || plain == ZSTD_CONTENTSIZE_UNKNOWN || plain == ZSTD_CONTENTSIZE_ERROR)
		return sut_err_set(err, EBADMSG, "packed data in the database is damaged");
	if (plain > out->max - out->len)
		return sut_err_set(err, EFBIG, "packed data has %llu bytes, which is too much",
				   plain);
	if (sut_buf_reserve(out, plain ? plain : 1) < 0)
		return sut_err_oom(err);
	n = ZSTD_decompress(out->data + out->len, plain, data, len);
	if (ZSTD_isError(n) || n != plain)
		return sut_err_set(err, EBADMSG, "packed data in the database is damaged");
	out->len += n;
	out->data[out->len] = '\0';
	return 0;
}
