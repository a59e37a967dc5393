// SPDX-License-Identifier: Apache-2.0
/* httpd/parse.h: what clients write in targets and headers. The first byte chooses the parser. */
#include <string.h>

#include "fuzz.h"
#include "httpd/httpd.h"
#include "httpd/parse.h"

static void target(char *s)
{
	struct httpd_arg args[SUT_HTTPD_QUERY_MAX];
	char *path, *query, *plain;
	size_t total = strlen(s);
	int n;

	if (httpd_split_target(s, &path, &query) < 0)
		return;
	FUZZ_ASSERT(*path == '/' || !strcmp(path, "*"));
	plain = sut_httpd_unquote(path, strlen(path));
	FUZZ_ASSERT(!plain || strlen(plain) <= strlen(path));
	/* What passes has no way out of its folder. */
	if (plain && httpd_path_is_plain(plain))
		FUZZ_ASSERT(*plain != '/' && !strstr(plain, "//") && strcmp(plain, "..") != 0 &&
			    !strstr(plain, "/../") && strncmp(plain, "../", 3) != 0);
	free(plain);
	n = httpd_parse_query(query, args, SUT_HTTPD_QUERY_MAX);
	for (int i = 0; i < n; i++)
		FUZZ_ASSERT(strlen(args[i].name) + strlen(args[i].value) <= total);
}

static void range(const char *s)
{
	for (uint64_t size = 0; size < 5000; size = size * 3 + 1) {
		uint64_t from = UINT64_MAX, len = 0;

		if (httpd_parse_range(s, size, &from, &len) == HTTPD_RANGE_PART)
			FUZZ_ASSERT(len && from < size && len <= size - from);
		else
			FUZZ_ASSERT(from == UINT64_MAX && !len);
	}
}

static void forwarded(const char *s)
{
	struct sut_cidr proxy = {.addr = {[10] = 0xff, [11] = 0xff, [12] = 10}, .bits = 104};
	struct sut_cidr all = {.bits = 0};
	char address[HTTPD_ADDRESS];

	/* What comes out is an address. */
	if (httpd_forwarded_for(s, &proxy, 1, address) == 0)
		FUZZ_ASSERT(sut_cidr_has(&all, address));
	httpd_forwarded_https(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = size ? malloc(size) : NULL, again[HTTPD_DATE];
	int64_t t;

	if (!s)
		return 0;
	memcpy(s, data + 1, size - 1);
	s[size - 1] = 0;
	switch (*data % 6) {
	case 0:
		target(s);
		break;
	case 1:
		range(s);
		break;
	case 2:
		forwarded(s);
		break;
	case 3:
		httpd_etag_listed(s, "\"a\"");
		FUZZ_ASSERT(!strchr(s, '*') || *s != '*' || httpd_etag_listed(s, "\"a\""));
		break;
	case 4:
		httpd_takes_gzip(s);
		break;
	default:
		if (httpd_parse_date(s, &t) == 0) {
			httpd_format_date(t, again);
			FUZZ_ASSERT(!strcmp(s, again));
		}
	}
	free(s);
	return 0;
}
