// SPDX-License-Identifier: Apache-2.0
/*
 * Calls of the portal, as hostile as they come: method, address, headers and body. The first byte says who calls; then
 * "METHOD TARGET\n", header lines, an empty line, and the body. The database stays from one input to the next.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fuzz.h"
#include "sample_portal.h"

enum { HEADERS_MAX = 16 };

static struct sample_server s;

static void clean(void)
{
	sample_server_drop(&s);
}

static void set_up(void)
{
	if (s.p)
		return;
	/* Nothing here has to survive a power cut. */
	if (!getenv("TMPDIR"))
		setenv("TMPDIR", "/dev/shm", 1);
	sample_portal_new(SUT_DB_SQLITE, NULL, &s);
	atexit(clean);
}

/* Cuts the line at *p off; NULL at the end of the text. */
static char *line(char **p)
{
	char *s0 = *p, *nl = strchr(s0, '\n');

	if (!nl)
		return NULL;
	*nl = '\0';
	*p = nl + 1;
	if (nl > s0 && nl[-1] == '\r')
		nl[-1] = '\0';
	return s0;
}

static const char *bearer(uint8_t who)
{
	switch (who % 10) {
	case 0:
		return NULL;
	case 1:
		return s.staff;
	case 2:
		return "sutsys_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	default:
		return s.tenant[0].token[(who % 10 - 3) % SAMPLE_ROLES];
	}
}

static void check(const struct web_resp *r)
{
	FUZZ_ASSERT(r->status >= 200 && r->status <= 599);
	/* The portal itself did something wrong. */
	FUZZ_ASSERT(r->status != 500);
	if (r->status >= 400) {
		json_t *j = json_loadb((const char *)r->raw.data, r->raw.len, 0, NULL);

		FUZZ_ASSERT(json_string_value(json_object_get(j, "code")));
		FUZZ_ASSERT(json_integer_value(json_object_get(j, "status")) == r->status);
		json_decref(j);
	}
	for (size_t i = 0; i < r->headers.n; i++)
		FUZZ_ASSERT(!strpbrk(r->headers.v[i], "\r\n"));
	FUZZ_ASSERT(!strpbrk(r->etag, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *headers[HEADERS_MAX + 2] = {0};
	char authorization[SUT_TOKEN_MAX + 32], *text, *p, *first, *target, *h;
	struct web_call c = {.headers = headers};
	struct web_resp r;
	size_t n = 0;

	if (size < 2 || size > 64 << 10)
		return 0;
	set_up();
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	p = text;
	first = line(&p);
	target = first ? strchr(first, ' ') : NULL;
	if (!target)
		goto out;
	*target++ = '\0';
	if (bearer(data[0])) {
		snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
			 bearer(data[0]));
		headers[n++] = authorization;
	}
	while ((h = line(&p)) && *h)
		if (n < HEADERS_MAX)
			headers[n++] = h;
	c.method = first;
	c.target = target;
	c.body = p;
	c.len = (size_t)(text + size - 1 - p);
	web_handle(s.p, &c, &r);
	check(&r);
	web_resp_release(&r);
out:
	free(text);
	return 0;
}
