// SPDX-License-Identifier: Apache-2.0
/* Compression of answers (RFC 1952; RFC 9110, 12.5.3). */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "web/job.h"

/* Is the weight after "gzip" zero? ";q=0", ";q=0.000" */
static bool refused(const char *params, size_t len)
{
	const char *end = params + len, *p = params;

	while (p < end && (*p == ' ' || *p == '\t' || *p == ';'))
		p++;
	if (end - p < 3 || (*p | 0x20) != 'q' || p[1] != '=' || p[2] != '0')
		return false;
	for (p += 3; p < end; p++)
		if (*p >= '1' && *p <= '9')
			return false;
	return true;
}

bool web_takes_gzip(const char *accept)
{
	for (const char *p = accept; p && *p;) {
		size_t len, name;

		p += strspn(p, " \t,");
		len = strcspn(p, ",");
		name = strcspn(p, ";, \t");
		if ((name == 4 && !strncasecmp(p, "gzip", 4)) ||
		    (name == 6 && !strncasecmp(p, "x-gzip", 6)))
			return !refused(p + name, len - name);
		p += len;
	}
	return false;
}

int web_gzip(struct sut_buf *b, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(b->max);
	z_stream z = {0};
	int rc;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return sut_err_oom(err);
	rc = sut_buf_reserve(&out, deflateBound(&z, b->len));
	if (rc == 0) {
		z.next_in = b->data;
		z.avail_in = (unsigned int)b->len;
		z.next_out = out.data;
		z.avail_out = (unsigned int)(out.cap - 1);
		rc = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -EIO;
		out.len = z.total_out;
	}
	deflateEnd(&z);
	if (rc < 0)
		return sut_err_set(err, -rc, "cannot compress the answer");
	out.data[out.len] = '\0';
	sut_buf_release(b);
	*b = out;
	out = (struct sut_buf){0};
	return 0;
}
