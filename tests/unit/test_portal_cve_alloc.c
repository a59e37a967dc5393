// SPDX-License-Identifier: Apache-2.0
/* Changelogs, coverage and CVEs when memory is short: each allocation fails once. A call then fails
 * whole, or is right. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cve/changelog.h"
#include "fault.h"
#include "sample_portal.h"

enum { ALLOCATIONS_MAX = 400000 };

#define TRAILER " -- A Person <person@suture.example>  Mon, 02 Mar 2026 10:00:00 +0100\n\n"
static const char changelog[] =
	"linux-signed-amd64 (6.1.3+1) stable; urgency=high\n\n  * Sign kernel from linux 6.1.3-1\n"
	"  * Revert \"[x86] lamps: dim\"\n  * doors: close (CVE-2026-1002)\n\n" TRAILER
	"linux (6.1.2-1) stable; urgency=high\n\n  * [x86] lamps: dim (CVE-2026-1001)\n"
	"  * bells: ring (CVE-2026-1003) (CVE-2026-1004)\n\n" TRAILER;

static int call(struct sample_server *s, const char *method, const char *target, const char *body,
		struct web_resp *r)
{
	char auth[SUT_TOKEN_MAX + 32];
	const char *headers[] = {auth, NULL};
	struct web_call c = {.method = method,
			     .target = target,
			     .headers = headers,
			     .body = body,
			     .len = body ? strlen(body) : 0};

	snprintf(auth, sizeof(auth), "Authorization: Bearer %s", s->staff);
	web_handle(s->p, &c, r);
	return r->status;
}

/* Every allocation of the call fails in turn; what is answered with 200 is right. */
static void squeeze(struct sample_server *s, const char *method, const char *target,
		    const char *body, const char *before,
		    void (*check)(struct sample_server *s, const struct web_resp *r))
{
	uint64_t n, count = 0;

	for (n = 1; n < ALLOCATIONS_MAX; n += 1 + n / 100) {
		struct web_resp r = {0};
		int status;

		sample_sql(s, before);
		fault_alloc_arm(n);
		status = call(s, method, target, body, &r);
		count = fault_alloc_disarm();
		if (status == 200)
			check(s, &r);
		else if (status != 500 && status != 503)
			fail_msg("%s %s: status %d when allocation %llu fails: %s", method, target,
				 status, (unsigned long long)n, sut_buf_str(&r.raw));
		web_resp_release(&r);
		if (n > count)
			break;
	}
	assert_true(n > 20);
	assert_true(n > count);
}

static void imported(struct sample_server *s, const struct web_resp *r _unused_)
{
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM cve_fixes"), 3);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM source_versions"), 2);
	/* for the next round */
	sample_sql(s, "DELETE FROM sources");
}

static void importing_is_all_or_nothing(void **state)
{
	struct sample_server *s = *state;

	squeeze(s, "POST", "/v1/sources/debian/linux/changelog", changelog, "SELECT 1", imported);
}

static const char *want;

static void same(struct sample_server *s _unused_, const struct web_resp *r)
{
	if (!sut_streq(sut_buf_str(&r->raw), want))
		fail_msg("%s\ninstead of\n%s", sut_buf_str(&r->raw), want);
}

static void answers_are_whole_or_none(void **state)
{
	static const char touch[] = "UPDATE meta SET value = value + 1 WHERE name = 'generation'";
	static const char *const targets[] = {
		"/v1/coverage", "/v1/coverage?build_id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"/v1/cves?source=linux&since=6.1.1-1", "/v1/cves/CVE-2026-1003", "/v1/sources"};
	struct sample_server *s = *state;
	struct web_resp r = {0};

	assert_int_equal(call(s, "POST", "/v1/sources/debian/linux/changelog", changelog, &r), 200);
	web_resp_release(&r);
	sample_sql(s, "INSERT INTO patchsets (id, name, product, created, seen) VALUES "
		      "(1, 'K20260401_01', 'kernel', 1775000000, 1775000000)");
	sample_sql(
		s,
		"INSERT INTO patch_targets (id, patchset, build_id, level, path, length, sha256, "
		"target, arch, release, package, package_version, manifest) VALUES (1, 1, "
		"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 'x', 1, '', 'debian/a', "
		"'x86_64', 'r', 'linux-image-a', '6.1.2-1', '{}')");
	sample_sql(
		s,
		"INSERT INTO patch_cves (target, cve, status, note) VALUES "
		"(1, 'CVE-2026-1002', 'partial', 'a \"note\"'), (1, 'CVE-2026-9000', 'fixed', '')");
	sample_sql(s, touch);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(targets); i++) {
		struct web_resp good = {0};

		assert_int_equal(call(s, "GET", targets[i], NULL, &good), 200);
		want = sut_buf_str(&good.raw);
		assert_non_null(strstr(want, i == 4 ? "6.1.3-1" : "CVE-2026-100"));
		squeeze(s, "GET", targets[i], NULL, touch, same);
		web_resp_release(&good);
	}
}

static void parsing_is_right_or_fails(void **state _unused_)
{
	uint64_t n, count = 0;

	for (n = 1; n == 1 || n <= count + 1; n++) {
		struct sut_changelog *c = NULL;
		struct sut_err err = {0};
		int r;

		fault_alloc_arm(n);
		r = sut_changelog_parse(changelog, strlen(changelog), &c, &err);
		count = fault_alloc_disarm();
		if (r == 0) {
			assert_string_equal(c->source, "linux");
			assert_int_equal(c->nfixes, 3);
			sut_changelog_free(c);
		} else {
			assert_int_equal(r, -ENOMEM);
			assert_null(c);
		}
	}
	assert_true(n > 20);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, SUT_DB_SQLITE                                                         \
	}
	static const struct sample_server_case cases[] = {
		CASE(parsing_is_right_or_fails),
		CASE(importing_is_all_or_nothing),
		CASE(answers_are_whole_or_none),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
