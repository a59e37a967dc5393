// SPDX-License-Identifier: Apache-2.0
/* Calls of accounts when memory is short: each allocation fails once. The answer is that of success, or 5xx;
 * then nothing was done, or the same call again gives the answer. Never half of it, and never a crash. */
#include "unit.h"

#include <string.h>

#include "fault.h"
#include "sample_portal.h"

#include "accounts.h"

static const struct {
	const char *method, *target, *body;
	int status;
	const char *table; /* has one row more or less with each success; NULL: it only reads */
} calls[] = {
	{"POST", "/v1/users",
	 "{\"name\":\"n%d\",\"roles\":[\"viewer\",\"operator\"],\"service\":true}", 201, "users"},
	{"POST", "/v1/tokens", "{\"name\":\"n%d\",\"user\":\"alpha-viewer\"}", 201, "tokens"},
	{"POST", "/v1/webhooks",
	 "{\"url\":\"https://hooks.example/%d\",\"events\":[\"system.enrolled\"]}", 201,
	 "webhooks"},
	{"PATCH", "/v1/users/alpha-viewer", "{\"title\":\"t%d\",\"roles\":[\"viewer\"]}", 200,
	 "audit"},
	{"GET", "/v1/users?limit=3", NULL, 200, NULL},
	{"GET", "/v1/tokens", NULL, 200, NULL},
	{"GET", "/v1/webhooks", NULL, 200, NULL},
	{"GET", "/v1/audit?limit=3", NULL, 200, NULL},
};

static int64_t rows(struct sample_server *s, const char *table)
{
	char sql[64];
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct sut_err err = {0};

	if (!table)
		return 0;
	(void)snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s", table);
	/* By the address of its text a statement is kept, so this one is asked by an own connection. */
	{
		_cleanup_(sut_db_freep) struct sut_db *db = sample_db_open(&s->db);
		int64_t n;

		assert_ok(sut_db_one(db, sql, SUT_DB_NONE, &row, &err), err);
		n = sut_db_int(row, 0);
		sut_db_rows_free(sut_steal(row));
		return n;
	}
}

/* The n-th allocation fails. False: there are not so many. */
static bool call_with(struct sample_server *s, size_t i, uint64_t n)
{
	char authorization[SUT_TOKEN_MAX + 32], body[256];
	const char *headers[] = {authorization, "Content-Type: application/json",
				 "Idempotency-Key: key", NULL};
	struct web_call call = {
		.method = calls[i].method,
		.target = calls[i].target,
		.headers = headers,
	};
	int64_t before = rows(s, calls[i].table), after;
	struct web_resp r;
	uint64_t count;
	char key[64];

	(void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
		       s->tenant[0].token[SAMPLE_ADMIN]);
	(void)snprintf(key, sizeof(key), "Idempotency-Key: %zu-%llu", i, (unsigned long long)n);
	headers[2] = key;
	if (calls[i].body) {
		const char *at = strstr(calls[i].body, "%d");

		(void)snprintf(body, sizeof(body), "%.*s%llu%s", (int)(at - calls[i].body),
			       calls[i].body, (unsigned long long)n, at + 2);
		call.body = body;
		call.len = strlen(body);
	}
	fault_alloc_arm(n);
	web_handle(s->p, &call, &r);
	count = fault_alloc_disarm();
	after = rows(s, calls[i].table);
	if (r.status >= 500 && after == before + 1) {
		/* Done, and then there was no memory for the answer: the same again gives it. */
		web_resp_release(&r);
		web_handle(s->p, &call, &r);
		assert_int_equal(r.status, calls[i].status);
		after = rows(s, calls[i].table);
	}
	if (r.status == calls[i].status) {
		assert_int_equal(after, before + (calls[i].table ? 1 : 0));
		assert_true(r.raw.len > 0);
	} else if (r.status >= 500 || strstr(sut_buf_str(&r.raw), "bad-json")) {
		/* (jansson's lexer does not tell short memory from a malformed token.) */
		assert_int_equal(after, before);
	} else {
		fail_msg("%s %s, allocation %llu: %d %s", calls[i].method, calls[i].target,
			 (unsigned long long)n, r.status, sut_buf_str(&r.raw));
	}
	web_resp_release(&r);
	/* There may not be too many of them. */
	sample_sql(s, "DELETE FROM webhooks; DELETE FROM tokens WHERE name LIKE 'n%'");
	return n <= count;
}

static void short_memory_leaves_nothing_half_done(void **state)
{
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(calls); i++) {
		uint64_t n = 1;

		while (call_with(s, i, n))
			n++;
		assert_true(n > 20);
		print_message("# %s %s: %llu allocations\n", calls[i].method, calls[i].target,
			      (unsigned long long)n);
	}
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"short_memory_leaves_nothing_half_done", short_memory_leaves_nothing_half_done,
		 NULL, SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
