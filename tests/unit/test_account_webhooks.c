// SPDX-License-Identifier: Apache-2.0
/* Webhooks: what may be asked for, and deliveries to a real server. */
#include "unit.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "event_doc.h"
#include "receiver.h"
#include "sample_portal.h"
#include "web/task.h"
#include "web/tasks.h"
#include "account/webhook.h"

#include "accounts.h"

static struct receiver hook;

static const char *operator(const struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_OPERATOR];
}

static void private_ok(struct server_conf *c)
{
	c->private_webhooks = true;
}

/* Runs the task once, as its thread would. */
static void run_task(struct sample_server *s)
{
	struct sut_err err = {0};

	assert_ok(task_webhooks.run(s->p, s->c, s->now, &err), err);
}

/* Makes a webhook to the receiver; id and secret may be NULL. */
static void make(struct sample_server *s, const struct receiver *r, const char *events, char *id,
		 char *secret)
{
	account_call(s, "POST", "/v1/webhooks", operator(s),
		     "{\"url\":\"http://127.0.0.1:%u/in\",\"events\":%s}", r->port, events);
	assert_status(s, 201);
	if (id)
		account_keep(s, "id", id, 32);
	if (secret)
		account_keep(s, "secret", secret, SUT_TOKEN_MAX);
}

static void event(struct sample_server *s, int64_t tenant, const char *type, const char *data)
{
	struct sut_err err = {0};

	assert_ok(sut_db_exec(s->c,
			      "INSERT INTO events (tenant, at, type, data) VALUES ($1, $2, $3, $4)",
			      SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(s->now), SUT_DB_T(type),
					  SUT_DB_T(data)),
			      NULL, &err),
		  err);
}

static const json_t *deliveries(struct sample_server *s, const char *id, size_t *ret_n)
{
	char target[128];
	const json_t *items;

	(void)snprintf(target, sizeof(target), "/v1/webhooks/%s/deliveries", id);
	sample_call(s, "GET", target, operator(s), NULL);
	assert_status(s, 200);
	items = json_object_get(s->json, "items");
	*ret_n = json_array_size(items);
	return json_array_get(items, 0);
}

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* --- what may be asked for --- */

static void urls_that_may_be_called(void **state _unused_)
{
	static const char *const good[] = {
		"https://hooks.example/x",	   "https://hooks.example",
		"https://10.1.2.3:8443/a?b",	   "https://[2001:db8::1]:8443/",
		"https://under_score.example/%20",
	};
	static const char *const bad[] = {
		"http://hooks.example/x",
		"ftp://hooks.example/",
		"hooks.example",
		"https://",
		"https:///path",
		"https://user:pass@hooks.example/",
		"https://hooks.example/#x",
		"https://hooks.example:/",
		"https://hooks.example:0/",
		"https://hooks.example:65536/",
		"https://hooks.example:+1/",
		"https://hooks.example:80x/",
		"https://127.0.0.1/",
		"https://localhost/",
		"https://[::1]/",
		"https://169.254.169.254/latest/meta-data/",
		"https://[fe80::1]/",
		"https://0.0.0.0/",
		"https://[::ffff:127.0.0.1]/",
		"https://hooks.example/a b",
		"https://hooks.example/\n",
		"https://[hooks/",
		"https://a^b.example/",
		"https://h\xc3\xa4.example/",
	};
	struct sut_err err = {0};
	char longest[WEBHOOK_URL_MAX + 2];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		assert_ok(webhook_url_check(good[i], false, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (webhook_url_check(bad[i], false, NULL) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_ok(webhook_url_check("http://127.0.0.1:8080/", true, &err), err);
	assert_ok(webhook_url_check("https://[::1]/", true, &err), err);
	assert_int_equal(webhook_url_check("ftp://127.0.0.1/", true, NULL), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "https://h/", 10);
	longest[WEBHOOK_URL_MAX] = '\0';
	assert_ok(webhook_url_check(longest, false, &err), err);
	longest[WEBHOOK_URL_MAX] = 'a';
	longest[WEBHOOK_URL_MAX + 1] = '\0';
	assert_int_equal(webhook_url_check(longest, false, NULL), -EINVAL);
}

static void malformed_webhooks_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"url\":\"http://hooks.example/\"}",
		"{\"url\":\"https://127.0.0.1/\"}",
		"{\"url\":\"https://hooks.example/\",\"events\":[]}",
		"{\"url\":\"https://hooks.example/\",\"events\":[\"no.such\"]}",
		"{\"url\":\"https://hooks.example/\",\"events\":[1]}",
		"{\"url\":\"https://hooks.example/\",\"secret\":\"mine\"}",
	};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		sample_call(s, "POST", "/v1/webhooks", operator(s), bad[i]);
		assert_status(s, 422);
	}
}

static void the_secret_is_shown_once_and_the_url_to_those_who_may_change_it(void **state)
{
	struct sample_server *s = *state;
	char target[64];

	sample_call(s, "POST", "/v1/webhooks", operator(s),
		    "{\"url\":\"https://hooks.example:8443/T0/secret\",\"note\":\"chat\"}");
	assert_status(s, 201);
	assert_int_equal(sut_token_kind(sample_text(s, "secret")), SUT_TOKEN_HOOK);
	assert_true(json_is_true(json_object_get(s->json, "active")));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(s->json, "events"), 0)), "*");
	(void)snprintf(target, sizeof(target), "%s", sample_answer_header(s, "Location"));
	sample_call(s, "GET", target, operator(s), NULL);
	assert_status(s, 200);
	assert_null(json_object_get(s->json, "secret"));
	assert_string_equal(sample_text(s, "url"), "https://hooks.example:8443/T0/secret");
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_string_equal(sample_text(s, "url"), "https://hooks.example:8443/…");
	sample_call(s, "GET", "/v1/webhooks", s->tenant[0].token[SAMPLE_AUDITOR], NULL);
	assert_null(strstr(sut_buf_str(&s->r.raw), "secret"));
	sample_call(s, "GET", "/v1/audit?action=webhook.create", s->tenant[0].token[SAMPLE_ADMIN],
		    NULL);
	assert_null(strstr(sut_buf_str(&s->r.raw), "secret"));
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", target, operator(s), "{\"events\":[\"system.enrolled\"]}");
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "note"), "chat");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", target, operator(s), "{\"note\":\"x\"}");
	assert_problem(s, 412, "changed");
	sample_call(s, "DELETE", target, operator(s), NULL);
	assert_status(s, 204);
	sample_call(s, "GET", target, operator(s), NULL);
	assert_problem(s, 404, "not-found");
}

/* --- deliveries --- */

static void an_event_arrives_signed_once(void **state)
{
	struct sample_server *s = *state;
	char id[32], secret[SUT_TOKEN_MAX], text[4096], want[128] = "v1,", stamp[32];
	unsigned char mac[32];
	unsigned int len;
	const struct received *got;
	json_t *body;
	size_t n;

	receiver_start(&hook);
	event(s, s->tenant[0].id, "system.enrolled", "{\"system\":\"before\"}");
	make(s, &hook, "[\"system.enrolled\"]", id, secret);
	event(s, s->tenant[0].id, "system.enrolled", "{\"system\":\"0123456789abcdef\"}");
	event(s, s->tenant[0].id, "system.deleted", "{}"); /* did not ask for it */
	event(s, s->tenant[1].id, "system.enrolled", "{\"system\":\"of beta\"}");
	run_task(s);
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	got = &hook.v[0];
	assert_string_equal(got->path, "/in");
	assert_string_equal(got->type, "application/json");
	(void)snprintf(stamp, sizeof(stamp), "%lld", (long long)s->now);
	assert_string_equal(got->timestamp, stamp);
	/* The test's own HMAC, by the recipe of the documentation. */
	(void)snprintf(text, sizeof(text), "%s.%s.%s", got->id, got->timestamp, got->body);
	assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)text,
			     strlen(text), mac, &len));
	EVP_EncodeBlock((unsigned char *)want + 3, mac, (int)len);
	assert_string_equal(got->signature, want);
	body = json_loads(got->body, 0, NULL);
	assert_string_equal(text_of(body, "type"), "system.enrolled");
	assert_string_equal(text_of(body, "tenant"), "alpha");
	assert_string_equal(text_of(body, "timestamp"), "2026-11-18T11:06:40Z");
	assert_string_equal(text_of(json_object_get(body, "data"), "system"), "0123456789abcdef");
	json_decref(body);
	{
		const json_t *d = deliveries(s, id, &n);

		assert_int_equal(n, 1);
		assert_string_equal(text_of(d, "id"), got->id);
		assert_int_equal(json_integer_value(json_object_get(d, "status")), 200);
		assert_int_equal(json_integer_value(json_object_get(d, "attempts")), 1);
		assert_string_equal(text_of(d, "delivered"), "2026-11-18T11:06:40Z");
		assert_true(json_is_null(json_object_get(d, "next_try")));
	}
	receiver_stop(&hook);
}

static void events_of_the_portal_are_for_all(void **state)
{
	struct sample_server *s = *state;

	receiver_start(&hook);
	make(s, &hook, "[\"*\"]", NULL, NULL);
	event(s, 0, "patchset.published", "{\"patchset\":\"K20261121_01\"}");
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	receiver_stop(&hook);
}

static void a_receiver_that_fails_is_tried_again_later_and_later(void **state)
{
	static const int waits[] = {5, 60, 300, 1800, 7200, 14400, 21600, 21600};
	struct sample_server *s = *state;
	int64_t began = s->now;
	char id[32];
	size_t n;

	receiver_start(&hook);
	hook.status = 500;
	make(s, &hook, "[\"*\"]", id, NULL);
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	run_task(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(waits); i++) {
		assert_int_equal(receiver_count(&hook), i + 1);
		s->now += waits[i] - 1;
		run_task(s);
		assert_int_equal(receiver_count(&hook), i + 1);
		s->now += 1;
		run_task(s);
	}
	/* The next would be more than a day after the event. */
	assert_true(s->now - began < 24 * 3600);
	assert_int_equal(receiver_count(&hook), 9);
	s->now += 7 * 3600;
	run_task(s);
	assert_int_equal(receiver_count(&hook), 9);
	{
		const json_t *d = deliveries(s, id, &n);

		assert_true(json_is_null(json_object_get(d, "next_try")));
		assert_true(json_is_null(json_object_get(d, "delivered")));
		assert_int_equal(json_integer_value(json_object_get(d, "status")), 500);
		assert_int_equal(json_integer_value(json_object_get(d, "attempts")), 9);
		assert_string_equal(text_of(d, "error"), "refused by the receiver");
	}
	/* All tries were of the same delivery. */
	for (size_t i = 1; i < 9; i++)
		assert_string_equal(hook.v[i].id, hook.v[0].id);
	receiver_stop(&hook);
}

static void what_was_not_taken_arrives_when_the_receiver_is_back(void **state)
{
	struct sample_server *s = *state;
	char id[32], target[64];
	unsigned int port;
	size_t n;

	/* A port where nobody listens. */
	receiver_start(&hook);
	port = hook.port;
	receiver_stop(&hook);
	account_call(s, "POST", "/v1/webhooks", operator(s), "{\"url\":\"http://127.0.0.1:%u/\"}",
		     port);
	account_keep(s, "id", id, sizeof(id));
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	run_task(s);
	{
		const json_t *d = deliveries(s, id, &n);

		assert_string_equal(text_of(d, "error"), "connection refused");
		assert_true(json_is_null(json_object_get(d, "status")));
		assert_string_equal(text_of(d, "next_try"), "2026-11-18T11:06:45Z");
	}
	receiver_start(&hook);
	(void)snprintf(target, sizeof(target), "/v1/webhooks/%s", id);
	account_call(s, "PATCH", target, operator(s), "{\"url\":\"http://127.0.0.1:%u/\"}",
		     hook.port);
	s->now += 5;
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	sample_call(s, "GET", target, operator(s), NULL);
	assert_true(json_is_null(json_object_get(s->json, "failing_since")));
	receiver_stop(&hook);
}

static void a_receiver_may_ask_for_more_time(void **state)
{
	struct sample_server *s = *state;

	receiver_start(&hook);
	hook.status = 429;
	hook.retry_after = 600;
	make(s, &hook, "[\"*\"]", NULL, NULL);
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	run_task(s);
	s->now += 599;
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	s->now += 1;
	run_task(s);
	assert_int_equal(receiver_count(&hook), 2);
	receiver_stop(&hook);
}

static void redirects_and_broken_and_endless_answers_are_failures(void **state)
{
	struct sample_server *s = *state;
	struct receiver other;
	char id[32], where[64];
	size_t n;

	receiver_start(&hook);
	receiver_start(&other);
	(void)snprintf(where, sizeof(where), "http://127.0.0.1:%u/", other.port);
	hook.status = 302;
	hook.location = where;
	make(s, &hook, "[\"*\"]", id, NULL);
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	run_task(s);
	assert_int_equal(json_integer_value(json_object_get(deliveries(s, id, &n), "status")), 302);
	assert_int_equal(receiver_count(&other), 0);
	hook.location = NULL;
	hook.drop = true;
	s->now += 5;
	run_task(s);
	assert_string_equal(text_of(deliveries(s, id, &n), "error"), "the connection failed");
	hook.drop = false;
	hook.status = 200;
	hook.endless = true;
	s->now += 60;
	run_task(s);
	assert_string_equal(text_of(deliveries(s, id, &n), "error"),
			    "the answer is larger than 64 KiB");
	hook.endless = false;
	s->now += 300;
	run_task(s);
	assert_non_null(text_of(deliveries(s, id, &n), "delivered"));
	receiver_stop(&other);
	receiver_stop(&hook);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct later {
	struct receiver *fast;
	size_t want;
	double at; /* seconds after the start when the fast one had all */
	double start;
};

static void *watch(void *arg)
{
	struct later *l = arg;

	while (receiver_count(l->fast) < l->want && seconds() - l->start < 30)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	l->at = seconds() - l->start;
	return NULL;
}

static void a_slow_receiver_does_not_hold_up_the_others(void **state)
{
	struct sample_server *s = *state;
	struct receiver slow;
	struct later l = {.fast = &hook, .want = 50};
	pthread_t thread;

	receiver_start(&hook);
	receiver_start(&slow);
	slow.delay_ms = 400;
	make(s, &slow, "[\"*\"]", NULL, NULL);
	make(s, &hook, "[\"*\"]", NULL, NULL);
	/* Enough for the slow one to fill all slots, had it no share. */
	assert_int_equal(sut_db_begin(s->c, SUT_DB_WRITE, NULL), 0);
	for (int i = 0; i < 50; i++)
		event(s, s->tenant[0].id, "system.enrolled", "{}");
	assert_int_equal(sut_db_commit(s->c, NULL), 0);
	l.start = seconds();
	assert_int_equal(pthread_create(&thread, NULL, watch, &l), 0);
	run_task(s);
	pthread_join(thread, NULL);
	assert_int_equal(receiver_count(&hook), 50);
	/* The slow one takes 5 s for its fifty, four at a time. */
	if (l.at > 2.5)
		fail_msg("the fast receiver had all after %.1f s", l.at);
	assert_true(slow.most <= WEBHOOK_EACH);
	assert_true(slow.most > 1);
	receiver_stop(&slow);
	receiver_stop(&hook);
}

static void private_addresses_are_refused_when_connecting(void **state)
{
	struct sample_server *s = *state;
	char id[32];
	size_t n;

	receiver_start(&hook);
	/* A name that was harmless when it was set, and leads here now. */
	make(s, &hook, "[\"*\"]", id, NULL);
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	sample_server_again(s, NULL);
	run_task(s);
	assert_int_equal(receiver_count(&hook), 0);
	assert_string_equal(text_of(deliveries(s, id, &n), "error"),
			    "the host is this machine or its link, which is not allowed");
	receiver_stop(&hook);
}

static void after_five_days_of_failures_it_is_disabled(void **state)
{
	struct sample_server *s = *state;
	char id[32], other[32], target[64];
	size_t before, n;

	receiver_start(&hook);
	make(s, &hook, "[\"webhook.disabled\"]", other, NULL);
	{
		struct receiver gone;

		receiver_start(&gone);
		make(s, &gone, "[\"system.enrolled\"]", id, NULL);
		receiver_stop(&gone);
	}
	for (int day = 0; day <= 5; day++) {
		event(s, s->tenant[0].id, "system.enrolled", "{}");
		run_task(s);
		if (day < 5)
			s->now += 24 * 3600;
	}
	(void)snprintf(target, sizeof(target), "/v1/webhooks/%s", id);
	sample_call(s, "GET", target, operator(s), NULL);
	assert_true(json_is_false(json_object_get(s->json, "active")));
	assert_string_equal(sample_text(s, "failing_since"), "2026-11-18T11:06:40Z");
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'webhook.disable' "
				 "AND actor_kind = 'portal'"),
		1);
	/* The others hear of it. */
	s->now += 5;
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	assert_non_null(strstr(hook.v[0].body, id));
	/* Nothing is tried any more, and what happens meanwhile is not made up for. */
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	s->now += 24 * 3600;
	run_task(s);
	(void)deliveries(s, id, &before);
	account_call(s, "PATCH", target, operator(s),
		     "{\"active\":true,\"url\":\"http://127.0.0.1:%u/\"}", hook.port);
	assert_status(s, 200);
	assert_true(json_is_null(json_object_get(s->json, "failing_since")));
	run_task(s);
	(void)deliveries(s, id, &n);
	assert_int_equal(n, before);
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	run_task(s);
	assert_int_equal(receiver_count(&hook), 2);
	receiver_stop(&hook);
}

static void a_test_is_delivered_like_anything_else(void **state)
{
	struct sample_server *s = *state;
	char id[32], target[64];

	receiver_start(&hook);
	make(s, &hook, "[\"system.deleted\"]", id, NULL);
	(void)snprintf(target, sizeof(target), "/v1/webhooks/%s/test", id);
	sample_call(s, "POST", target, operator(s), NULL);
	assert_status(s, 202);
	assert_string_equal(sample_text(s, "type"), "webhook.test");
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	assert_string_equal(hook.v[0].id, sample_text(s, "id"));
	assert_non_null(strstr(hook.v[0].body, "\"type\":\"webhook.test\""));
	(void)snprintf(target, sizeof(target), "/v1/webhooks/%s", id);
	sample_call(s, "PATCH", target, operator(s), "{\"active\":false}");
	(void)snprintf(target, sizeof(target), "/v1/webhooks/%s/test", id);
	sample_call(s, "POST", target, operator(s), NULL);
	assert_problem(s, 409, "webhook-inactive");
	receiver_stop(&hook);
}

static void nothing_is_sent_for_a_disabled_tenant_until_it_is_enabled(void **state)
{
	struct sample_server *s = *state;

	receiver_start(&hook);
	make(s, &hook, "[\"*\"]", NULL, NULL);
	event(s, s->tenant[0].id, "system.enrolled", "{}");
	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"disabled\":true}");
	run_task(s);
	assert_int_equal(receiver_count(&hook), 0);
	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"disabled\":false}");
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1);
	receiver_stop(&hook);
}

static void thousands_of_events_arrive_each_once(void **state)
{
	struct sample_server *s = *state;
	size_t n = 0;

	receiver_start(&hook);
	make(s, &hook, "[\"system.enrolled\"]", NULL, NULL);
	assert_int_equal(sut_db_begin(s->c, SUT_DB_WRITE, NULL), 0);
	for (int i = 0; i < 2600; i++) {
		char data[32];

		(void)snprintf(data, sizeof(data), "{\"n\":%d}", i);
		event(s, s->tenant[0].id, i % 2 ? "system.enrolled" : "system.deleted", data);
	}
	assert_int_equal(sut_db_commit(s->c, NULL), 0);
	run_task(s);
	assert_int_equal(receiver_count(&hook), 1300);
	for (size_t i = 0; i < 1300; i++)
		for (size_t k = i + 1; k < 1300; k++)
			n += strcmp(hook.v[i].body, hook.v[k].body) == 0;
	assert_int_equal(n, 0);
	assert_true(hook.most <= WEBHOOK_EACH);
	/* Two weeks later they are gone from the list. */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM deliveries"), 1300);
	s->now += 15 * 24 * 3600;
	run_task(s);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM deliveries"), 0);
	receiver_stop(&hook);
}

/* On PostgreSQL an event may get its number first and be committed last. */
static void an_event_that_is_committed_late_is_not_passed_over(void **state)
{
	struct sample_server *s = *state;
	struct sut_db *late = sample_db_open(&s->db);
	struct sut_err err = {0};

	receiver_start(&hook);
	make(s, &hook, "[\"*\"]", NULL, NULL);
	assert_ok(sut_db_begin(late, SUT_DB_WRITE, &err), err);
	assert_ok(sut_db_exec(late,
			      "INSERT INTO events (tenant, at, type, data) VALUES ($1, 1, "
			      "'system.enrolled', '{}')",
			      SUT_DB_ARGS(SUT_DB_I(s->tenant[0].id)), NULL, &err),
		  err);
	event(s, s->tenant[0].id, "system.deleted", "{}");
	/* It may fail (the lock is not had in time) or do nothing; but it does not move on. */
	(void)!task_webhooks.run(s->p, s->c, s->now, &err);
	assert_ok(sut_db_commit(late, &err), err);
	run_task(s);
	assert_int_equal(receiver_count(&hook), 2);
	sut_db_free(late);
	receiver_stop(&hook);
}

static size_t different(const struct receiver *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		size_t k = 0;

		while (k < i && strcmp(r->v[k].id, r->v[i].id) != 0)
			k++;
		n += k == i;
	}
	return n;
}

static void wait_for(struct receiver *r, size_t n)
{
	double start = seconds();

	while (receiver_count(r) < n && seconds() - start < 30)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void several_portals_deliver_each_event_once(void **state)
{
	static const struct task *const list[] = {&task_webhooks, NULL};
	struct sample_server *s = *state;
	struct server *portals[3] = {0};
	struct sut_err err = {0};

	receiver_start(&hook);
	make(s, &hook, "[\"*\"]", NULL, NULL);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(portals); i++) {
		assert_ok(portal_program.open(s->p->conf, &portals[i], &err), err);
		assert_ok(tasks_start(portals[i], list, &err), err);
	}
	for (int i = 0; i < 200; i++) {
		event(s, s->tenant[0].id, "system.enrolled", "{}");
		for (size_t k = 0; k < SUT_ARRAY_SIZE(portals); k++)
			tasks_wake(portals[k]->tasks);
	}
	wait_for(&hook, 200);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(portals); i++) {
		atomic_store(&portals[i]->stopping, true);
		tasks_stop(portals[i]->tasks);
		portals[i]->tasks = NULL;
		server_freep(&portals[i]);
	}
	assert_int_equal(hook.n, 200);
	assert_int_equal(different(&hook), 200);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM deliveries"), 200);
	receiver_stop(&hook);
}

/* A portal that dies between POST and note sends again, with the same id; nothing is lost. */
static void a_killed_portal_sends_again_what_it_did_not_note(void **state)
{
	struct sample_server *s = *state;
	pid_t pid;
	int status;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
	skip(); /* it does not start threads in a forked child */
#endif
#endif
	receiver_start(&hook);
	make(s, &hook, "[\"*\"]", NULL, NULL);
	for (int i = 0; i < 20; i++)
		event(s, s->tenant[0].id, "system.enrolled", "{}");
	hook.delay_ms = 100;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sut_db *own = sample_db_open(&s->db);

		(void)!task_webhooks.run(s->p, own, s->now, NULL);
		_exit(0);
	}
	wait_for(&hook, 6);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	hook.delay_ms = 0;
	run_task(s);
	assert_int_equal(different(&hook), 20);
	/* Only those that were in flight may have come twice. */
	assert_true(hook.n <= 20 + WEBHOOK_EACH);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM deliveries WHERE delivered IS NOT NULL"),
		20);
	receiver_stop(&hook);
}

/* --- the documentation --- */

static void the_example_is_signed_as_the_page_says(void **state _unused_)
{
	char signature[WEBHOOK_SIGNATURE_MAX];
	struct sut_err err = {0};

	/* Made by the recipe with openssl. */
	assert_ok(
		webhook_sign("suthook_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
			     "5c9e0w3t8h1v7k2m", 1795000000,
			     "{\"type\":\"system.enrolled\",\"timestamp\":\"2026-11-18T11:06:40Z\","
			     "\"tenant\":\"acme\",\"data\":{\"system\":\"7f3k9m2q4r8s1t5v\"}}",
			     signature, &err),
		err);
	assert_string_equal(signature, "v1,o1+89yZgBUQEAlRF4Pc/5kSCHeIf9Aeby+2P6HJug4E=");
}

static void types_are_documented_and_documented_ones_are_told(void **state _unused_)
{
	event_doc(portal_program.events, "## Types",
		  (const char *const[]){SOURCE_ROOT "/portal", SOURCE_ROOT "/lib/account", NULL});
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, private_ok, 0                                                               \
	}
	static const struct sample_server_case cases[] = {
		{"urls_that_may_be_called", urls_that_may_be_called, NULL, SUT_DB_SQLITE},
		{"malformed_webhooks_are_refused", malformed_webhooks_are_refused, NULL, 0},
		{"the_secret_is_shown_once_and_the_url_to_those_who_may_change_it",
		 the_secret_is_shown_once_and_the_url_to_those_who_may_change_it, NULL, 0},
		CASE(an_event_arrives_signed_once),
		CASE(events_of_the_portal_are_for_all),
		CASE(a_receiver_that_fails_is_tried_again_later_and_later),
		CASE(what_was_not_taken_arrives_when_the_receiver_is_back),
		CASE(a_receiver_may_ask_for_more_time),
		CASE(redirects_and_broken_and_endless_answers_are_failures),
		CASE(a_slow_receiver_does_not_hold_up_the_others),
		CASE(private_addresses_are_refused_when_connecting),
		CASE(after_five_days_of_failures_it_is_disabled),
		CASE(a_test_is_delivered_like_anything_else),
		CASE(nothing_is_sent_for_a_disabled_tenant_until_it_is_enabled),
		CASE(thousands_of_events_arrive_each_once),
		CASE(several_portals_deliver_each_event_once),
		CASE(a_killed_portal_sends_again_what_it_did_not_note),
		{"the_example_is_signed_as_the_page_says", the_example_is_signed_as_the_page_says,
		 NULL, SUT_DB_SQLITE},
		{"types_are_documented_and_documented_ones_are_told",
		 types_are_documented_and_documented_ones_are_told, NULL, SUT_DB_SQLITE},
		{"an_event_that_is_committed_late_is_not_passed_over",
		 an_event_that_is_committed_late_is_not_passed_over, private_ok, SUT_DB_PGSQL},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
