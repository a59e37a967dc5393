// SPDX-License-Identifier: Apache-2.0
#include "cve/zipper.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "crypto/digest.h"

enum { CHUNK = 64 << 10 };

struct zipper {
	z_stream z;
	struct sut_digest *digest;
	struct sut_buf gz;
	size_t plain;
};

int zipper_new(struct zipper **ret, struct sut_err *err)
{
	struct zipper *z = calloc(1, sizeof(*z));
	int r;

	if (!z)
		return sut_err_oom(err);
	/* 16 asks for the header of gzip, which has no time and no name unless one is set. */
	if (deflateInit2(&z->z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return sut_err_oom(err);
	}
	z->gz = SUT_BUF_INIT(ZIPPER_GZ_MAX);
	r = sut_digest_new(SUT_DIGEST_SHA256, &z->digest, err);
	if (r < 0) {
		zipper_free(z);
		return r;
	}
	*ret = z;
	return 0;
}

void zipper_free(struct zipper *z)
{
	if (!z)
		return;
	deflateEnd(&z->z);
	sut_digest_free(z->digest);
	sut_buf_release(&z->gz);
	free(z);
}

void zipper_freep(struct zipper **z)
{
	zipper_free(*z);
}

static int press(struct zipper *z, int flush, struct sut_err *err)
{
	unsigned char chunk[CHUNK];
	int r, end;

	do {
		z->z.next_out = chunk;
		z->z.avail_out = sizeof(chunk);
		end = deflate(&z->z, flush);
		if (end != Z_OK && end != Z_STREAM_END && end != Z_BUF_ERROR)
			return sut_err_set(err, EIO, "zlib cannot compress");
		r = sut_buf_add(&z->gz, chunk, sizeof(chunk) - z->z.avail_out);
		if (r == -ENOBUFS)
			return sut_err_set(err, EFBIG,
					   "compressed, the document is larger than %d bytes",
					   ZIPPER_GZ_MAX);
		if (r < 0)
			return sut_err_oom(err);
	} while (z->z.avail_out == 0);
	return 0;
}

int zipper_add(struct zipper *z, struct sut_buf *b, struct sut_err *err)
{
	int r;

	if (b->len == 0)
		return 0;
	if (b->len > ZIPPER_PLAIN_MAX - z->plain)
		return sut_err_set(err, EFBIG, "the document is larger than %d bytes",
				   ZIPPER_PLAIN_MAX);
	r = sut_digest_add(z->digest, b->data, b->len, err);
	if (r < 0)
		return r;
	z->plain += b->len;
	z->z.next_in = b->data;
	z->z.avail_in = (uInt)b->len;
	r = press(z, Z_NO_FLUSH, err);
	b->len = 0;
	return r;
}

int zipper_end(struct zipper *z, struct sut_buf *ret_gz, size_t *ret_plain,
	       char ret_hash[static 33], struct sut_err *err)
{
	char hex[SUT_DIGEST_HEX_MAX];
	int r;

	z->z.avail_in = 0;
	r = press(z, Z_FINISH, err);
	if (r == 0)
		r = sut_digest_hex(z->digest, hex, err);
	if (r < 0)
		return r;
	memcpy(ret_hash, hex, 32);
	ret_hash[32] = 0;
	*ret_plain = z->plain;
	*ret_gz = z->gz;
	z->gz = SUT_BUF_INIT(ZIPPER_GZ_MAX);
	return 0;
}

int zipper_open(const struct sut_buf *gz, size_t plain, struct sut_buf *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(plain);
	z_stream z = {.next_in = gz->data, .avail_in = (uInt)gz->len};
	int end;

	if (sut_buf_addzero(&out, plain) < 0 || inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return sut_err_oom(err);
	z.next_out = out.data;
	z.avail_out = (uInt)plain;
	end = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (end != Z_STREAM_END || z.avail_out)
		return sut_err_set(err, EIO, "the kept document cannot be unpacked");
	*ret = out;
	out = (struct sut_buf){0};
	return 0;
}

int json_text(struct sut_buf *b, const char *s)
{
	int r = sut_buf_add(b, "\"", 1);

	while (r == 0 && *s) {
		size_t n = 0;

		while (s[n] && (unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
			n++;
		r = n ? sut_buf_add(b, s, n) : 0;
		s += n;
		if (r == 0 && *s) {
			r = *s == '"' || *s == '\\' ? sut_buf_addf(b, "\\%c", *s)
						    : sut_buf_addf(b, "\\u%04x", (unsigned char)*s);
			s++;
		}
	}
	return r < 0 ? r : sut_buf_add(b, "\"", 1);
}
