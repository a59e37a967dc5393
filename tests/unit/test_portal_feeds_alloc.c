// SPDX-License-Identifier: Apache-2.0
/* Reading the repository, feeds and what is shown of them when memory is short: each allocation fails once. A
 * call then fails whole, or is right. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "sample_portal.h"
#include "sample_release.h"

enum { ALLOCATIONS_MAX = 400000 };

static void reset(struct sample_server *s)
{
	sample_sql(s, "DELETE FROM feed_entries");
	sample_sql(s, "DELETE FROM patch_cves");
	sample_sql(s, "DELETE FROM patch_targets");
	sample_sql(s, "DELETE FROM patchsets");
	sample_sql(s, "DELETE FROM feeds WHERE tenant <> 0");
	sample_sql(s, "UPDATE repository SET timestamp_sha256 = '', error = ''");
}

static int call(struct sample_server *s, const char *method, const char *target, const char *body,
		struct web_resp *r)
{
	char auth[SUT_TOKEN_MAX + 32];
	const char *headers[] = {auth, "Content-Type: application/json", NULL};
	struct web_call c = {.method = method,
			     .target = target,
			     .headers = headers,
			     .body = body,
			     .len = body ? strlen(body) : 0};

	snprintf(auth, sizeof(auth), "Authorization: Bearer %s", s->staff);
	if (!body)
		headers[1] = NULL;
	web_handle(s->p, &c, r);
	return r->status;
}

/* Every allocation of the call fails in turn; check looks at what the successful ones left. */
static void squeeze(struct sample_server *s, const char *method, const char *target,
		    const char *body, int good, void (*before)(struct sample_server *s),
		    void (*check)(struct sample_server *s, const struct web_resp *r))
{
	uint64_t n, count = 0;

	for (n = 1; n < ALLOCATIONS_MAX; n += 1 + n / 100) {
		struct web_resp r = {0};
		int status;

		before(s);
		fault_alloc_arm(n);
		status = call(s, method, target, body, &r);
		count = fault_alloc_disarm();
		if (status == good)
			check(s, &r);
		/* jansson does not always say that it was memory. */
		else if (status != 500 && status != 503 && !strstr(sut_buf_str(&r.raw), "bad-json"))
			fail_msg("%s %s: status %d when allocation %llu fails: %s", method, target,
				 status, (unsigned long long)n, sut_buf_str(&r.raw));
		web_resp_release(&r);
		if (n > count)
			break;
	}
	assert_true(n > 20);
	assert_true(n > count);
}

static void all_or_nothing(struct sample_server *s, const struct web_resp *r)
{
	int64_t targets = sample_number(s, "SELECT COUNT(*) FROM patch_targets");
	int64_t entries = sample_number(s, "SELECT COUNT(*) FROM feed_entries");

	/* A look that failed is told in the answer. */
	if (strstr(sut_buf_str(&r->raw), "\"broken\"")) {
		assert_int_equal(targets, 0);
		assert_int_equal(entries, 0);
		return;
	}
	assert_int_equal(targets, 3);
	assert_int_equal(entries, 2);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM patch_cves"), 3);
}

static void released(struct sample_server *s)
{
	for (unsigned int i = 1; i <= 2; i++)
		sample_release_add(
			sample_release_now,
			&(struct sample_patch_opts){.build_id = SAMPLE_KERNEL_A, .level = i});
	sample_release_add(sample_release_now,
			   &(struct sample_patch_opts){.build_id = SAMPLE_KERNEL_B, .level = 2});
	sample_release_publish(sample_release_now);
	(void)s;
}

static void the_repository_is_read_whole_or_not_at_all(void **state)
{
	struct sample_server *s = *state;

	released(s);
	squeeze(s, "POST", "/v1/repository/sync", NULL, 200, reset, all_or_nothing);
}

static void nothing(struct sample_server *s)
{
	(void)s;
}

static void with_follower(struct sample_server *s)
{
	sample_sql(s, "DELETE FROM feed_entries WHERE feed IN (SELECT id FROM feeds WHERE"
		      " name IN ('stable', 'ring'))");
	(void)s;
}

static void both_feeds_have_it(struct sample_server *s, const struct web_resp *r)
{
	(void)r;
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM feed_entries e JOIN feeds f ON"
					  " f.id = e.feed WHERE f.name IN ('stable', 'ring')"),
			 2);
}

static const char *needle;

static void shows_all(struct sample_server *s, const struct web_resp *r)
{
	(void)s;
	assert_non_null(strstr(sut_buf_str(&r->raw), needle));
}

static void a_patchset_comes_to_all_feeds_or_to_none(void **state)
{
	struct sample_server *s = *state;

	released(s);
	sample_call(s, "POST", "/v1/repository/sync", s->staff, NULL);
	assert_status(s, 200);
	sample_call(s, "POST", "/v1/feeds", s->tenant[0].token[SAMPLE_RELEASE],
		    "{\"name\":\"ring\",\"follows\":\"stable\",\"auto\":true}");
	assert_status(s, 201);
	squeeze(s, "POST", "/v1/feeds/stable/promote", "{\"patchset\":\"K1\"}", 200, with_follower,
		both_feeds_have_it);
	needle = "\"candidate\"";
	squeeze(s, "GET", "/v1/feeds", NULL, 200, nothing, shows_all);
	needle = "unix_ioctl";
	squeeze(s, "GET", "/v1/patches?build_id=" SAMPLE_KERNEL_A, NULL, 200, nothing, shows_all);
	needle = "CVE-2026-1002";
	squeeze(s, "GET", "/v1/patchsets/K2", NULL, 200, nothing, shows_all);
	needle = "kpatch-cve: CVE-2026-1001";
	squeeze(s, "GET", "/" SAMPLE_KERNEL_A "/1/kpatch.info", NULL, 200, nothing, shows_all);
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"the_repository_is_read_whole_or_not_at_all",
		 the_repository_is_read_whole_or_not_at_all, sample_release_fresh, SUT_DB_SQLITE},
		{"a_patchset_comes_to_all_feeds_or_to_none",
		 a_patchset_comes_to_all_feeds_or_to_none, sample_release_fresh, SUT_DB_SQLITE},
	};
	int r = SAMPLE_PORTAL_RUN(cases);

	sample_release_free(sample_release_now);
	return r;
}
