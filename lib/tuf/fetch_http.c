// SPDX-License-Identifier: Apache-2.0
#include "http/http.h"
#include "tuf/client.h"

static int get(void *ctx, const char *url, size_t max, struct sut_buf *out, struct sut_err *err)
{
	return sut_http_get(ctx, url, max, out, err);
}

static int get_file(void *ctx, const char *url, int fd, uint64_t have, uint64_t max,
		    struct sut_err *err)
{
	return sut_http_get_file(ctx, url, fd, have, max, err);
}

struct sut_tuf_fetcher sut_tuf_fetch_http(struct sut_http *h)
{
	return (struct sut_tuf_fetcher){.get = get, .get_file = get_file, .ctx = h};
}
