// SPDX-License-Identifier: Apache-2.0
/* ETags: optimistic locking and conditional GET (RFC 9110, 8.8.3 and 13.1). */
#include <string.h>

#include "web/job.h"

void web_version(struct web_resp *r, int64_t version)
{
	snprintf(r->etag, sizeof(r->etag), "\"v%lld\"", (long long)version);
}

bool web_etag_in(const char *list, const char *etag, bool weak)
{
	const char *want = etag[0] == 'W' && weak ? etag + 2 : etag;
	size_t len = strlen(want);

	for (const char *p = list; *p;) {
		const char *end;

		p += strspn(p, " \t,");
		if (*p == '*')
			return true;
		if (p[0] == 'W' && p[1] == '/') {
			if (!weak) {
				p += 2;
				p += *p == '"' ? strcspn(p + 1, "\"") + 1 : 0;
				p += *p == '"';
				continue;
			}
			p += 2;
		}
		if (*p != '"')
			return false;
		end = strchr(p + 1, '"');
		if (!end)
			return false;
		if ((size_t)(end + 1 - p) == len && !memcmp(p, want, len))
			return true;
		p = end + 1;
	}
	return false;
}

int web_if_match(struct web_req *q, struct web_resp *r, int64_t version)
{
	const char *list = web_header(q, "If-Match");
	char etag[32];

	if (!list)
		return 0;
	snprintf(etag, sizeof(etag), "\"v%lld\"", (long long)version);
	if (web_etag_in(list, etag, false))
		return 0;
	web_problem(r, 412, "changed",
		    "It has been changed since you read it and is now %s. Read it again", etag);
	return WEB_NO;
}
