// SPDX-License-Identifier: Apache-2.0
/* Server-sent events, in the form of the HTML standard. */
#include <string.h>

#include "base/str.h"
#include "web/web.h"

enum { SSE_MAX = 1 << 20 /* bytes of an answer */ };

int web_sse_add(struct web_resp *r, int64_t id, const char *event, json_t *data,
		struct sut_err *err)
{
	/* Compact JSON has no line ends. */
	char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
	int rc = text ? 0 : -1;

	json_decref(data);
	r->type = "text/event-stream";
	if (!r->raw.len)
		r->raw.max = SSE_MAX;
	if (rc == 0 && id)
		rc = sut_buf_addf(&r->raw, "id: %lld\n", (long long)id);
	if (rc == 0)
		rc = sut_buf_addf(&r->raw, "event: %s\ndata: ", event);
	if (rc == 0)
		rc = sut_buf_addstr(&r->raw, text);
	if (rc == 0)
		rc = sut_buf_addstr(&r->raw, "\n\n");
	free(text);
	return rc < 0 ? sut_err_oom(err) : 0;
}

int web_sse_end(struct web_resp *r, unsigned int again_ms, struct sut_err *err)
{
	r->type = "text/event-stream";
	r->status = 200;
	return sut_buf_addf(&r->raw, ": \nretry: %u\n\n", again_ms) < 0 ? sut_err_oom(err) : 0;
}

int64_t web_sse_last(const struct web_req *q, int64_t absent)
{
	const char *s = web_header(q, "Last-Event-ID");
	uint64_t v;

	return s && sut_parse_u64(s, INT64_MAX, &v) == 0 ? (int64_t)v : absent;
}
