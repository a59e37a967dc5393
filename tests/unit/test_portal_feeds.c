// SPDX-License-Identifier: Apache-2.0
/* Feeds: who may do what, and how patchsets come down through them. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "feed/decisions.h"
#include "sample_portal.h"
#include "sample_release.h"

#define A SAMPLE_KERNEL_A

static const char *release_of(struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_RELEASE];
}

/* Levels 1 to n of kernel A are in the repository, and in "test". */
static void release(struct sample_server *s, unsigned int n)
{
	for (unsigned int i = 1; i <= n; i++)
		sample_release_add(sample_release_now,
				   &(struct sample_patch_opts){.build_id = A, .level = i});
	sample_release_publish(sample_release_now);
	sample_call(s, "POST", "/v1/repository/sync", s->staff, NULL);
	assert_status(s, 200);
}

static int act(struct sample_server *s, const char *token, const char *feed, const char *verb,
	       const char *body)
{
	char target[128];

	snprintf(target, sizeof(target), "/v1/feeds/%s/%s", feed, verb);
	return sample_call(s, "POST", target, token, body);
}

static void must_act(struct sample_server *s, const char *token, const char *feed, const char *verb,
		     const char *body)
{
	act(s, token, feed, verb, body);
	assert_status(s, 200);
}

static void make(struct sample_server *s, const char *token, const char *body)
{
	sample_call(s, "POST", "/v1/feeds", token, body);
	assert_status(s, 201);
}

/* The entries of a feed as its tenant sees them: "K1:active K2:held+" ('+': inherited). */
static void assert_entries(struct sample_server *s, const char *token, const char *feed,
			   const char *want)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	char target[128];
	json_t *item;
	size_t i;

	snprintf(target, sizeof(target), "/v1/feeds/%s/patchsets", feed);
	sample_call(s, "GET", target, token, NULL);
	assert_status(s, 200);
	json_array_foreach(json_object_get(s->json, "items"), i, item) {
		assert_int_equal(
			sut_buf_addf(&b, "%s%s:%s%s", i ? " " : "",
				     json_string_value(json_object_get(item, "patchset")),
				     json_string_value(json_object_get(item, "state")),
				     json_is_true(json_object_get(item, "inherited")) ? "+" : ""),
			0);
	}
	assert_string_equal(sut_buf_str(&b), want);
}

static int64_t events(struct sample_server *s, const char *type, int64_t tenant)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT COUNT(*) FROM events WHERE type = '%s' AND tenant = %lld", type,
		 (long long)tenant);
	return sample_number(s, sql);
}

/* ------------------------------------------------------------------ */

static void a_tenant_makes_feeds_of_its_own(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	make(s, t,
	     "{\"name\":\"ring-1\",\"title\":\"First ring\",\"follows\":\"stable\",\"auto\":true,"
	     "\"delay_hours\":24,\"pin\":\"date:2026-11-21\"}");
	assert_string_equal(sample_answer_header(s, "Location"), "/v1/feeds/ring-1");
	assert_string_equal(sample_text(s, "follows"), "stable");
	assert_int_equal(sample_int(s, "delay_hours"), 24);
	assert_string_equal(sample_text(s, "pin"), "date:2026-11-21");
	assert_true(json_is_false(json_object_get(s->json, "portal")));
	sample_call(s, "GET", "/v1/feeds", t, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 4);
	/* Another tenant sees those of the portal only, and may use the same name. */
	sample_call(s, "GET", "/v1/feeds", s->tenant[1].token[SAMPLE_RELEASE], NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 3);
	sample_call(s, "GET", "/v1/feeds/ring-1", s->tenant[1].token[SAMPLE_ADMIN], NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", "/v1/feeds/ring-1", s->tenant[1].token[SAMPLE_ADMIN], NULL);
	assert_problem(s, 404, "not-found");
	act(s, s->tenant[1].token[SAMPLE_RELEASE], "ring-1", "hold",
	    "{\"patchset\":\"K1\",\"reason\":\"x\"}");
	assert_problem(s, 404, "not-found");
	make(s, s->tenant[1].token[SAMPLE_RELEASE], "{\"name\":\"ring-1\"}");
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'feed.create'"), 2);
}

static void wrong_choices_are_refused(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} t[] = {
		{"{\"name\":\"stable\"}", 409, "exists"},
		{"{\"name\":\"Ring\"}", 422, "invalid-field"},
		{"{}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"follows\":\"none\"}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"delay_hours\":-1}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"delay_hours\":8761}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"pin\":\"level:3\"}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"pin\":\"newest\"}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"pin\":\"patchset:K9\"}", 422, "invalid-field"},
		{"{\"name\":\"a\",\"portal\":true}", 403, "staff-only"},
		{"{\"name\":\"a\",\"color\":\"red\"}", 422, "invalid-field"},
	};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(t); i++) {
		sample_call(s, "POST", "/v1/feeds", release_of(s), t[i].body);
		assert_problem(s, t[i].status, t[i].code);
	}
	sample_call(s, "POST", "/v1/feeds", s->tenant[0].token[SAMPLE_VIEWER], "{\"name\":\"a\"}");
	assert_status(s, 403);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM feeds"), 3);
}

static void feeds_of_the_portal_are_for_staff_to_change(void **state)
{
	struct sample_server *s = *state;

	release(s, 1);
	sample_call(s, "PATCH", "/v1/feeds/stable", s->tenant[0].token[SAMPLE_ADMIN],
		    "{\"delay_hours\":1}");
	assert_problem(s, 403, "staff-only");
	act(s, s->tenant[0].token[SAMPLE_ADMIN], "stable", "promote", "{\"patchset\":\"K1\"}");
	assert_problem(s, 403, "staff-only");
	sample_call(s, "PATCH", "/v1/feeds/stable", s->staff, "{\"delay_hours\":1}");
	assert_status(s, 200);
	make(s, s->staff, "{\"name\":\"edge\",\"portal\":true,\"follows\":\"test\",\"auto\":true}");
	sample_call(s, "GET", "/v1/feeds/edge", release_of(s), NULL);
	assert_status(s, 200);
	assert_entries(s, release_of(s), "edge", "K1:active+");
	/* Its name is taken for all. */
	sample_call(s, "POST", "/v1/feeds", release_of(s), "{\"name\":\"edge\"}");
	assert_problem(s, 409, "exists");
	make(s, release_of(s), "{\"name\":\"mine\"}");
	sample_call(s, "POST", "/v1/feeds", s->staff, "{\"name\":\"mine\",\"portal\":true}");
	assert_problem(s, 409, "exists");
	/* It cannot hang on what a tenant does. */
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "POST", "/v1/feeds", s->staff,
		    "{\"name\":\"odd\",\"portal\":true,\"follows\":\"mine\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "DELETE", "/v1/feeds/stable", s->staff, NULL);
	assert_problem(s, 409, "feed-built-in");
}

static void feeds_follow_in_short_chains_without_circles(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	make(s, t, "{\"name\":\"a\",\"follows\":\"stable\"}");
	make(s, t, "{\"name\":\"b\",\"follows\":\"a\"}");
	make(s, t, "{\"name\":\"c\",\"follows\":\"b\"}");
	make(s, t, "{\"name\":\"d\",\"follows\":\"c\"}");
	sample_call(s, "POST", "/v1/feeds", t, "{\"name\":\"e\",\"follows\":\"d\"}");
	assert_problem(s, 409, "feed-depth");
	sample_call(s, "PATCH", "/v1/feeds/a", t, "{\"follows\":\"a\"}");
	assert_problem(s, 409, "feed-cycle");
	sample_call(s, "PATCH", "/v1/feeds/a", t, "{\"follows\":\"d\"}");
	assert_problem(s, 409, "feed-cycle");
	/* What hangs below counts as well. */
	make(s, t, "{\"name\":\"e\",\"follows\":\"candidate\"}");
	sample_call(s, "PATCH", "/v1/feeds/a", t, "{\"follows\":\"e\"}");
	assert_problem(s, 409, "feed-depth");
	sample_call(s, "PATCH", "/v1/feeds/c", t, "{\"follows\":\"e\"}");
	assert_status(s, 200);
	sample_call(s, "PATCH", "/v1/feeds/c", t, "{\"follows\":null}");
	assert_status(s, 200);
	assert_true(json_is_null(json_object_get(s->json, "follows")));
}

/* What staff do in a feed of the portal has to stay quick and possible, whatever one tenant makes. */
static void a_tenant_makes_only_so_many_feeds(void **state)
{
	struct sample_server *s = *state;
	char body[64];

	for (int i = 0; i < 100; i++) {
		snprintf(body, sizeof(body), "{\"name\":\"f%d\",\"follows\":\"stable\"}", i);
		make(s, release_of(s), body);
	}
	sample_call(s, "POST", "/v1/feeds", release_of(s), "{\"name\":\"more\"}");
	assert_problem(s, 409, "too-many");
	make(s, s->tenant[1].token[SAMPLE_RELEASE], "{\"name\":\"more\"}");
	make(s, s->staff, "{\"name\":\"more-of-the-portal\",\"portal\":true}");
	sample_call(s, "DELETE", "/v1/feeds/f0", release_of(s), NULL);
	assert_status(s, 204);
	make(s, release_of(s), "{\"name\":\"another\"}");
}

static void feeds_of_a_tenant_take_no_room_from_those_of_the_portal(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	release(s, 1);
	make(s, t, "{\"name\":\"a\",\"follows\":\"stable\",\"auto\":true}");
	make(s, t, "{\"name\":\"b\",\"follows\":\"a\",\"auto\":true}");
	make(s, t, "{\"name\":\"c\",\"follows\":\"b\",\"auto\":true}");
	make(s, t, "{\"name\":\"d\",\"follows\":\"c\",\"auto\":true}");
	make(s, s->staff, "{\"name\":\"e\",\"portal\":true}");
	make(s, s->staff, "{\"name\":\"f\",\"portal\":true,\"follows\":\"e\"}");
	sample_call(s, "PATCH", "/v1/feeds/test", s->staff, "{\"follows\":\"f\"}");
	assert_status(s, 200);
	sample_call(s, "PATCH", "/v1/feeds/candidate", s->staff,
		    "{\"follows\":\"test\",\"auto\":true}");
	assert_status(s, 200);
	sample_call(s, "PATCH", "/v1/feeds/stable", s->staff,
		    "{\"follows\":\"candidate\",\"auto\":true}");
	assert_status(s, 200);
	assert_entries(s, t, "d", "K1:active+");
	/* Down to the last, over all of them. */
	must_act(s, s->staff, "e", "promote", "{\"patchset\":\"K1\"}");
	must_act(s, s->staff, "e", "withdraw", "{\"patchset\":\"K1\",\"reason\":\"bad\"}");
	assert_entries(s, t, "d", "K1:withdrawn+");
	act(s, t, "d", "promote", "{\"patchset\":\"K1\"}");
	assert_problem(s, 409, "withdrawn");
	make(s, s->staff, "{\"name\":\"g\",\"portal\":true}");
	sample_call(s, "PATCH", "/v1/feeds/e", s->staff, "{\"follows\":\"g\"}");
	assert_problem(s, 409, "feed-depth");
	sample_call(s, "PATCH", "/v1/feeds/g", s->staff, "{\"follows\":\"stable\"}");
	assert_problem(s, 409, "feed-depth");
	sample_call(s, "PATCH", "/v1/feeds/e", s->staff, "{\"follows\":\"stable\"}");
	assert_problem(s, 409, "feed-cycle");
}

static void *promote_meanwhile(void *s)
{
	act(s, release_of(s), "mine", "promote", "{\"patchset\":\"K1\"}");
	return NULL;
}

/* Another portal is just withdrawing it, and has not committed. */
static void what_is_withdrawn_is_not_promoted_at_the_same_time(void **state)
{
	struct sample_server *s = *state;
	pthread_t t;

	release(s, 1);
	make(s, release_of(s), "{\"name\":\"mine\",\"follows\":\"test\"}");
	assert_int_equal(sut_db_begin(s->c, SUT_DB_WRITE, NULL), 0);
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	sample_sql(s, "UPDATE feed_entries SET state = 'withdrawn'");
	assert_int_equal(pthread_create(&t, NULL, promote_meanwhile, s), 0);
	usleep(300000);
	assert_int_equal(sut_db_commit(s->c, NULL), 0);
	pthread_join(t, NULL);
	assert_problem(s, 409, "withdrawn");
	assert_entries(s, release_of(s), "mine", "");
}

static void changes_are_made_by_who_has_seen_the_feed(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	make(s, t, "{\"name\":\"a\",\"title\":\"A\",\"delay_hours\":5}");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/feeds/a", t, "{\"delay_hours\":6}");
	assert_status(s, 200);
	assert_string_equal(s->r.etag, "\"v2\"");
	assert_string_equal(sample_text(s, "title"), "A");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/feeds/a", t, "{\"delay_hours\":7}");
	assert_problem(s, 412, "changed");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "DELETE", "/v1/feeds/a", t, NULL);
	assert_problem(s, 412, "changed");
	sample_call(s, "DELETE", "/v1/feeds/a", t, NULL);
	assert_status(s, 204);
}

static void a_feed_in_use_is_deleted_by_moving_what_uses_it(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	release(s, 1);
	make(s, t, "{\"name\":\"a\",\"follows\":\"test\",\"auto\":true}");
	make(s, t, "{\"name\":\"b\",\"follows\":\"a\",\"auto\":true}");
	make(s, t, "{\"name\":\"c\"}");
	sample_sql(s, "INSERT INTO keys (uid, tenant, kind, feed, created, created_by)"
		      " SELECT 'k', tenant, 'random', id, 1, 'x' FROM feeds WHERE name = 'a'");
	sample_call(s, "DELETE", "/v1/feeds/a", t, NULL);
	assert_problem(s, 409, "feed-in-use");
	sample_call(s, "DELETE", "/v1/feeds/a?move_to=none", t, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", "/v1/feeds/a?move_to=a", t, NULL);
	assert_problem(s, 409, "feed-in-use");
	/* That would be a circle. */
	sample_call(s, "DELETE", "/v1/feeds/a?move_to=b", t, NULL);
	assert_problem(s, 409, "feed-cycle");
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM keys k JOIN feeds f ON f.id = k.feed"
				       " WHERE f.name = 'a'"),
			 1);
	sample_call(s, "DELETE", "/v1/feeds/a?move_to=c", t, NULL);
	assert_status(s, 204);
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM keys k JOIN feeds f ON f.id = k.feed"
				       " WHERE f.name = 'c'"),
			 1);
	sample_call(s, "GET", "/v1/feeds/b", t, NULL);
	assert_string_equal(sample_text(s, "follows"), "c");
}

/* ------------------------------------------------------------------ */

static void a_patchset_is_promoted_from_feed_to_feed(void **state)
{
	struct sample_server *s = *state;

	release(s, 2);
	assert_entries(s, s->staff, "test", "K1:active K2:active");
	act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\",\"from\":\"candidate\"}");
	assert_problem(s, 409, "not-in-feed");
	must_act(s, s->staff, "candidate", "promote", "{\"patchset\":\"K1\",\"from\":\"test\"}");
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\",\"from\":\"candidate\"}");
	assert_string_equal(sample_text(s, "state"), "active");
	assert_entries(s, s->staff, "stable", "K1:active");
	assert_int_equal(sample_number(s, "SELECT entered FROM feed_entries e JOIN feeds f ON"
					  " f.id = e.feed WHERE f.name = 'stable'"),
			 s->now);
	assert_int_equal(events(s, "feed.promoted", 0), 4);
	/* Twice is once, and the delay does not begin anew. */
	s->now += 100;
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\"}");
	assert_int_equal(events(s, "feed.promoted", 0), 4);
	assert_int_equal(sample_number(s, "SELECT MAX(entered) FROM feed_entries"), s->now - 100);
	act(s, s->staff, "stable", "promote", "{\"patchset\":\"K9\"}");
	assert_problem(s, 404, "not-found");
	act(s, s->staff, "nothing", "promote", "{\"patchset\":\"K1\"}");
	assert_problem(s, 404, "not-found");
}

static void a_hold_ends_by_a_person_or_by_its_time(void **state)
{
	struct sample_server *s = *state;

	release(s, 1);
	act(s, s->staff, "stable", "hold", "{\"patchset\":\"K1\",\"reason\":\"x\"}");
	assert_problem(s, 409, "not-in-feed");
	act(s, s->staff, "test", "hold", "{\"patchset\":\"K1\"}");
	assert_problem(s, 422, "invalid-field");
	act(s, s->staff, "test", "hold",
	    "{\"patchset\":\"K1\",\"reason\":\"x\",\"until\":\"2020-01-01T00:00:00Z\"}");
	assert_problem(s, 422, "invalid-field");
	must_act(s, s->staff, "test", "hold", "{\"patchset\":\"K1\",\"reason\":\"breaks NFS\"}");
	assert_string_equal(sample_text(s, "reason"), "breaks NFS");
	act(s, s->staff, "test", "promote", "{\"patchset\":\"K1\"}");
	assert_problem(s, 409, "held");
	/* From here it cannot be taken further. */
	act(s, s->staff, "candidate", "promote", "{\"patchset\":\"K1\",\"from\":\"test\"}");
	assert_problem(s, 409, "not-in-feed");
	must_act(s, s->staff, "test", "release", "{\"patchset\":\"K1\"}");
	assert_entries(s, s->staff, "test", "K1:active");
	assert_int_equal(events(s, "feed.held", 0), 1);
	assert_int_equal(events(s, "feed.released", 0), 1);
	must_act(s, s->staff, "test", "hold",
		 "{\"patchset\":\"K1\",\"reason\":\"x\",\"until\":\"2026-11-20T00:00:00Z\"}");
	assert_entries(s, s->staff, "test", "K1:held");
	s->now += 3 * 86400;
	assert_entries(s, s->staff, "test", "K1:active");
	must_act(s, s->staff, "candidate", "promote", "{\"patchset\":\"K1\",\"from\":\"test\"}");
}

static void followers_get_what_becomes_of_a_patchset(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);
	int64_t alpha = s->tenant[0].id;

	release(s, 2);
	make(s, t, "{\"name\":\"ring\",\"follows\":\"stable\",\"auto\":true}");
	make(s, t, "{\"name\":\"last\",\"follows\":\"ring\",\"auto\":true}");
	make(s, t, "{\"name\":\"hand\",\"follows\":\"stable\"}");
	assert_entries(s, t, "ring", "");
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "ring", "K1:active+");
	assert_entries(s, t, "last", "K1:active+");
	assert_entries(s, t, "hand", "");
	assert_int_equal(events(s, "feed.promoted", alpha), 2);
	must_act(s, s->staff, "stable", "hold", "{\"patchset\":\"K1\",\"reason\":\"look\"}");
	assert_entries(s, t, "last", "K1:held+");
	must_act(s, s->staff, "stable", "release", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "last", "K1:active+");
	/* Who joins later gets what there is, as old as it is. */
	s->now += 50 * 3600;
	make(s, t, "{\"name\":\"late\",\"follows\":\"stable\",\"auto\":true}");
	assert_entries(s, t, "late", "K1:active+");
	assert_int_equal(sample_number(s, "SELECT entered FROM feed_entries e JOIN feeds f ON"
					  " f.id = e.feed WHERE f.name = 'late'"),
			 SAMPLE_NOW);
	/* And who follows something else has that as well. */
	sample_call(s, "PATCH", "/v1/feeds/late", t, "{\"follows\":\"test\"}");
	assert_status(s, 200);
	assert_entries(s, t, "late", "K1:active+ K2:active+");
	sample_call(s, "PATCH", "/v1/feeds/hand", t, "{\"auto\":true}");
	assert_entries(s, t, "hand", "K1:active+");
}

static void a_decision_of_its_own_stands_but_not_against_withdrawal(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	release(s, 1);
	make(s, t, "{\"name\":\"ring\",\"follows\":\"stable\",\"auto\":true}");
	make(s, t, "{\"name\":\"last\",\"follows\":\"ring\",\"auto\":true}");
	make(s, t, "{\"name\":\"hand\",\"follows\":\"last\"}");
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\"}");
	must_act(s, t, "ring", "hold", "{\"patchset\":\"K1\",\"reason\":\"month-end\"}");
	must_act(s, t, "hand", "promote", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "last", "K1:held+");
	must_act(s, s->staff, "stable", "hold", "{\"patchset\":\"K1\",\"reason\":\"look\"}");
	must_act(s, s->staff, "stable", "release", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "ring", "K1:held");
	must_act(s, s->staff, "stable", "withdraw", "{\"patchset\":\"K1\",\"reason\":\"panics\"}");
	assert_entries(s, t, "ring", "K1:withdrawn");
	assert_entries(s, t, "last", "K1:withdrawn+");
	assert_entries(s, t, "hand", "K1:withdrawn");
	act(s, t, "hand", "promote", "{\"patchset\":\"K1\"}");
	assert_problem(s, 409, "withdrawn");
	act(s, t, "ring", "release", "{\"patchset\":\"K1\"}");
	assert_problem(s, 409, "withdrawn");
	/* It comes back above: the tenant's own hold is not passed by. */
	s->now += 10;
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "ring", "K1:withdrawn");
	must_act(s, t, "ring", "promote", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "last", "K1:active+");
	assert_int_equal(sample_number(s,
				       "SELECT MIN(entered) FROM feed_entries e JOIN feeds f ON"
				       " f.id = e.feed WHERE f.name IN ('stable','ring','last')"),
			 s->now);
}

static void an_own_hold_that_ends_is_as_above_again(void **state)
{
	struct sample_server *s = *state;
	const char *t = release_of(s);

	release(s, 1);
	make(s, t, "{\"name\":\"ring\",\"follows\":\"test\",\"auto\":true}");
	must_act(s, t, "ring", "hold", "{\"patchset\":\"K1\",\"reason\":\"month-end\"}");
	must_act(s, s->staff, "test", "hold", "{\"patchset\":\"K1\",\"reason\":\"look\"}");
	must_act(s, t, "ring", "release", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "ring", "K1:held+");
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(s->json, "items"), 0), "reason")),
		"look");
	/* A hold from above ends here alone. */
	must_act(s, t, "ring", "release", "{\"patchset\":\"K1\"}");
	assert_entries(s, t, "ring", "K1:active");
	assert_entries(s, s->staff, "test", "K1:held");
}

static void entries_are_chosen_by_state_and_page(void **state)
{
	struct sample_server *s = *state;

	release(s, 3);
	must_act(s, s->staff, "test", "hold", "{\"patchset\":\"K2\",\"reason\":\"x\"}");
	sample_call(s, "GET", "/v1/feeds/test/patchsets?state=held", s->staff, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	sample_call(s, "GET", "/v1/feeds/test/patchsets?limit=2", s->staff, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 2);
	sample_call(s, "GET", "/v1/feeds/test/patchsets?state=odd", s->staff, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/feeds/none/patchsets", s->staff, NULL);
	assert_problem(s, 404, "not-found");
}

/* ------------------------------------------------------------------ */

/* What a system on kernel A in the feed is told: "apply 2", "keep 1". */
static void assert_decides(struct sample_server *s, const char *feed, unsigned int running,
			   const char *pin, const char *want)
{
	char sql[128], got[64];
	const struct feed_view *view = NULL;
	struct decide_policy policy = {.now = s->now, .running = running, .pin = pin};
	struct decide_in in;
	struct decide_out out;
	struct sut_err err = {0};

	snprintf(sql, sizeof(sql), "SELECT id FROM feeds WHERE name = '%s'", feed);
	assert_ok(decisions_get(sample_portal(s), s->c, sample_number(s, sql), A, &view, &err),
		  err);
	assert_ok(decide_for(s->c, view, &policy, &in, &out, &err), err);
	snprintf(got, sizeof(got), "%s %u", decide_action_name(out.action), out.level);
	assert_string_equal(got, want);
	decisions_put(view);
}

static void decisions_follow_what_happens_in_the_feed(void **state)
{
	struct sample_server *s = *state;

	release(s, 3);
	assert_decides(s, "stable", 0, NULL, "none 0");
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K1\"}");
	must_act(s, s->staff, "stable", "promote", "{\"patchset\":\"K2\"}");
	assert_decides(s, "stable", 0, NULL, "apply 2");
	sample_call(s, "PATCH", "/v1/feeds/stable", s->staff, "{\"delay_hours\":48}");
	assert_status(s, 200);
	assert_decides(s, "stable", 0, NULL, "none 0");
	s->now += 48 * 3600;
	assert_decides(s, "stable", 0, NULL, "apply 2");
	assert_decides(s, "stable", 0, "level:1", "apply 1");
	/* Patchsets of the feed and of others. */
	assert_decides(s, "stable", 0, "patchset:K1", "apply 1");
	assert_decides(s, "stable", 0, "patchset:K3", "apply 2");
	sample_sql(s, "INSERT INTO patchsets (name, product, created, seen)"
		      " VALUES ('K0', 'kernel', 1000, 1000)");
	assert_decides(s, "stable", 0, "patchset:K0", "none 0");
	must_act(s, s->staff, "stable", "withdraw", "{\"patchset\":\"K2\",\"reason\":\"x\"}");
	assert_decides(s, "stable", 2, NULL, "apply 1");
	/* Not in this feed, and fine: it stays. */
	assert_decides(s, "stable", 3, NULL, "keep 3");
	sample_release_withdraw(sample_release_now, A, 3);
	sample_release_publish(sample_release_now);
	s->now = SAMPLE_NOW;
	sample_call(s, "POST", "/v1/repository/sync", s->staff, NULL);
	s->now += 48 * 3600;
	assert_decides(s, "stable", 3, NULL, "apply 1");
	sample_call(s, "PATCH", "/v1/feeds/stable", s->staff, "{\"pin\":\"date:2026-11-20\"}");
	assert_status(s, 200);
	assert_decides(s, "stable", 1, NULL, "unload 0");
}

static void views_are_kept_until_the_generation_changes(void **state)
{
	struct sample_server *s = *state;
	const struct feed_view *a = NULL, *b = NULL, *c = NULL, *none = NULL;
	int64_t feed = sample_number(s, "SELECT id FROM feeds WHERE name = 'test'");
	struct sut_err err = {0};

	release(s, 2);
	assert_ok(decisions_get(sample_portal(s), s->c, feed, A, &a, &err), err);
	assert_ok(decisions_get(sample_portal(s), s->c, feed, A, &b, &err), err);
	assert_ptr_equal(a, b);
	assert_int_equal(a->n, 2);
	assert_int_equal(a->v[1].ncves, 1);
	assert_string_equal(a->v[1].cves[0], "CVE-2026-1002");
	must_act(s, s->staff, "test", "hold", "{\"patchset\":\"K2\",\"reason\":\"x\"}");
	assert_ok(decisions_get(sample_portal(s), s->c, feed, A, &c, &err), err);
	assert_ptr_not_equal(a, c);
	/* Who has the old one may go on with it. */
	assert_int_equal(a->v[1].state, DECIDE_ACTIVE);
	assert_int_equal(c->v[1].state, DECIDE_HELD);
	assert_int_equal(decisions_get(sample_portal(s), s->c, 4711, A, &none, &err), -ENOENT);
	decisions_put(a);
	decisions_put(b);
	decisions_put(c);
	/* Names that do not exist do not fill the memory. */
	for (int i = 0; i < 20000; i++) {
		char id[41];

		snprintf(id, sizeof(id), "%040x", i);
		assert_ok(decisions_get(sample_portal(s), s->c, feed, id, &a, &err), err);
		assert_int_equal(a->n, 0);
		decisions_put(a);
	}
}

struct asker {
	struct sample_server *s;
	struct sut_db *db;
	int64_t feed;
	unsigned int seed;
	int bad;
};

static void *ask(void *arg)
{
	struct asker *a = arg;

	for (int i = 0; i < 3000; i++) {
		const struct feed_view *v = NULL;
		char id[41];

		a->seed = a->seed * 1103515245 + 12345;
		snprintf(id, sizeof(id), "%040x", (a->seed >> 16) % 64);
		if (decisions_get(sample_portal(a->s), a->db, a->feed, i % 3 ? A : id, &v, NULL) <
		    0) {
			a->bad++;
			continue;
		}
		if (strcmp(v->feed, "test") != 0 || v->n != (i % 3 ? 2 : 0))
			a->bad++;
		decisions_put(v);
	}
	return NULL;
}

/* While the generation goes on under them. */
static void threads_share_views(void **state)
{
	enum { THREADS = 4 };
	struct sample_server *s = *state;
	struct asker a[THREADS];
	pthread_t t[THREADS];

	release(s, 2);
	for (unsigned int i = 0; i < THREADS; i++) {
		a[i] = (struct asker){s, sample_db_open(&s->db),
				      sample_number(s, "SELECT id FROM feeds WHERE name = 'test'"),
				      i, 0};
		assert_int_equal(pthread_create(&t[i], NULL, ask, &a[i]), 0);
	}
	for (int i = 0; i < 50; i++) {
		sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
		server_generation(s->p, sample_number(s, "SELECT value FROM meta"
							 " WHERE name = 'generation'"));
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(a[i].bad, 0);
		sut_db_free(a[i].db);
	}
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, sample_release_fresh, 0                                                     \
	}

int main(void)
{
	static const struct sample_server_case cases[] = {
		CASE(a_tenant_makes_feeds_of_its_own),
		CASE(wrong_choices_are_refused),
		CASE(feeds_of_the_portal_are_for_staff_to_change),
		CASE(feeds_follow_in_short_chains_without_circles),
		CASE(a_tenant_makes_only_so_many_feeds),
		CASE(feeds_of_a_tenant_take_no_room_from_those_of_the_portal),
		{"what_is_withdrawn_is_not_promoted_at_the_same_time",
		 what_is_withdrawn_is_not_promoted_at_the_same_time, sample_release_fresh,
		 SUT_DB_PGSQL},
		CASE(changes_are_made_by_who_has_seen_the_feed),
		CASE(a_feed_in_use_is_deleted_by_moving_what_uses_it),
		CASE(a_patchset_is_promoted_from_feed_to_feed),
		CASE(a_hold_ends_by_a_person_or_by_its_time),
		CASE(followers_get_what_becomes_of_a_patchset),
		CASE(a_decision_of_its_own_stands_but_not_against_withdrawal),
		CASE(an_own_hold_that_ends_is_as_above_again),
		CASE(entries_are_chosen_by_state_and_page),
		CASE(decisions_follow_what_happens_in_the_feed),
		CASE(views_are_kept_until_the_generation_changes),
		CASE(threads_share_views),
	};
	int r = SAMPLE_PORTAL_RUN(cases);

	sample_release_free(sample_release_now);
	return r;
}
