// SPDX-License-Identifier: Apache-2.0
/*
 * Calls when memory is short: each allocation fails once. The answer is the right one, or 503 or 500; what was not
 * acknowledged has left nothing behind, what was is there; and the portal goes on.
 */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "sample_frame.h"
#include "sample_portal.h"

enum { ALLOCATIONS_MAX = 20000 };

struct one {
	const char *method, *target, *body;
	const char *headers[4];
	int status;
	bool by_operator, writes;
};

static const struct one calls[] = {
	{"GET", "/t/allow/public", NULL, {NULL}, 200, false, false},
	{"GET", "/t/nothing", NULL, {NULL}, 404, false, false},
	{"GET", "/t/allow/any", NULL, {NULL}, 200, true, false},
	{"GET", "/t/allow/admin", NULL, {NULL}, 403, true, false},
	{"GET", "/t/list?limit=1&cursor=0&x=%C3%A4", NULL, {NULL}, 200, true, false},
	{"GET", "/t/big", NULL, {"Accept-Encoding: gzip"}, 200, false, false},
	{"GET", "/t/etag", NULL, {"If-None-Match: \"v7\""}, 304, false, false},
	{"POST", "/t/open", "{\"text\": 1, \"a\": 2}", {NULL}, 422, false, false},
	{"POST", "/t/open", "{\"text\": \"x\", \"mode\": \"event\"}", {NULL}, 201, false, true},
	{"POST", "/t/many", "{\"text\": \"x\"}", {NULL}, 201, false, true},
	{"POST", "/t/prepared", "{\"text\": \"x\"}", {NULL}, 201, true, true},
	{"POST", "/t/note", "{\"text\": \"x\"}", {"Idempotency-Key: KEY"}, 201, true, true},
};

static int64_t notes(struct sample_server *s)
{
	return sample_number(s, "SELECT COUNT(*) FROM notes");
}

/* The call with allocation n failing. False: there were not so many. */
static bool run(struct sample_server *s, const struct one *o, uint64_t n)
{
	char authorization[SUT_TOKEN_MAX + 32], key[64];
	const char *headers[5] = {NULL};
	const struct web_call c = {.method = o->method,
				   .target = o->target,
				   .headers = headers,
				   .body = o->body,
				   .len = o->body ? strlen(o->body) : 0};
	int64_t before = notes(s);
	struct web_resp r;
	uint64_t count;
	size_t k = 0;

	snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
		 s->tenant[0].token[SAMPLE_OPERATOR]);
	snprintf(key, sizeof(key), "Idempotency-Key: %llu", (unsigned long long)n);
	if (o->by_operator)
		headers[k++] = authorization;
	if (o->headers[0])
		headers[k++] = strstr(o->headers[0], "KEY") ? key : o->headers[0];
	fault_alloc_arm(n);
	web_handle(s->p, &c, &r);
	count = fault_alloc_disarm();
	if (r.status != o->status && r.status != 503 && r.status != 500)
		fail_msg("%s %s, allocation %llu: %d %s", o->method, o->target,
			 (unsigned long long)n, r.status, sut_buf_str(&r.raw));
	assert_int_equal(notes(s) - before, o->writes && r.status == o->status);
	/* What is cut short is not JSON. */
	if (r.raw.len && r.type && strstr(r.type, "json") && r.headers.n < 2 &&
	    r.raw.data[0] == '{') {
		json_t *j = json_loadb((const char *)r.raw.data, r.raw.len, 0, NULL);

		assert_non_null(j);
		json_decref(j);
	}
	web_resp_release(&r);
	return n <= count;
}

static void short_memory_is_survived(void **state)
{
	struct sample_server *s = *state;
	int saved, null;

	sample_frame(s);
	/* It tells the log each time. */
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!getenv("SHOW"))
		dup2(null, STDERR_FILENO);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(calls); i++) {
		uint64_t n = 1;

		/* Statements are prepared and caches filled once. */
		run(s, &calls[i], ALLOCATIONS_MAX);
		while (n < ALLOCATIONS_MAX && run(s, &calls[i], n))
			n++;
		assert_in_range(n, 3, ALLOCATIONS_MAX - 1);
		assert_int_equal(sample_call(s, "GET", "/t/allow/any", s->staff, NULL), 200);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"short_memory_is_survived", short_memory_is_survived, NULL, SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
