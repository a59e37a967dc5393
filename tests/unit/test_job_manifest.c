// SPDX-License-Identifier: Apache-2.0
/* Manifests of jobs: what is taken, what is refused and with which word. */
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/str.h"
#include "job/manifest.h"

#define BUILD "6d1c0d2b6d1c0d2b6d1c0d2b6d1c0d2b6d1c0d2b"
#define SHA256 "77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab77ab"

static const char good[] =
	"{\"format\": \"suture-job\", \"version\": 1, \"id\": \"job-0001\", "
	"\"issuer\": \"platform.example\", \"created\": \"2026-11-22T06:00:00Z\", "
	"\"not_before\": \"2026-11-22T07:00:00Z\", \"expires\": \"2026-11-23T06:00:00Z\", "
	"\"systems\": [\"7f3k9m2q4r8s1t5v\"], \"external_ids\": [\"srv-0001\"], "
	"\"action\": \"apply\", \"targets\": [{\"latest\": true}, {\"build_id\": \"" BUILD
	"\", \"level\": 4, \"sha256\": \"" SHA256 "\"}], \"products\": [\"kernel\"], "
	"\"windows\": [\"Mon-Fri 22:00-04:00\"], "
	"\"options\": {\"dry_run\": true, \"down\": false, \"wait\": true}}";

static int64_t at(const char *s)
{
	int64_t t = 0;

	assert_int_equal(sut_job_time_parse(s, &t), 0);
	return t;
}

/* The good manifest with the member replaced by what value says in JSON; NULL: without it. */
static char *with(const char *member, const char *value)
{
	json_t *j = json_loads(good, 0, NULL), *v = NULL;
	char *text;

	assert_non_null(j);
	if (value) {
		v = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_int_equal(json_object_set_new(j, member, v), 0);
	} else {
		json_object_del(j, member);
	}
	text = json_dumps(j, 0);
	assert_non_null(text);
	json_decref(j);
	return text;
}

static void everything_that_is_said_is_read(void **state _unused_)
{
	struct sut_job j = {0};
	struct sut_err err = {0};

	assert_ok(sut_job_parse(good, strlen(good), &j, &err), err);
	assert_string_equal(j.id, "job-0001");
	assert_string_equal(j.issuer, "platform.example");
	assert_int_equal(j.expires - j.created, 86400);
	assert_int_equal(j.not_before - j.created, 3600);
	assert_int_equal(j.action, SUT_JOB_APPLY);
	assert_int_equal(j.systems.n, 1);
	assert_string_equal(j.windows.v[0], "Mon-Fri 22:00-04:00");
	assert_true(j.kernel && !j.library && j.dry_run && !j.down && j.wait);
	assert_int_equal(j.ntargets, 2);
	assert_int_equal(j.targets[0].goal, SUT_JOB_LATEST);
	assert_int_equal(j.targets[1].goal, SUT_JOB_LEVEL);
	assert_int_equal(j.targets[1].level, 4);
	assert_string_equal(j.targets[1].sha256, SHA256);
	sut_job_release(&j);
}

static void the_entry_of_a_build_wins_over_the_general_one(void **state _unused_)
{
	struct sut_job j = {0};
	struct sut_err err = {0};
	char *text;

	assert_ok(sut_job_parse(good, strlen(good), &j, &err), err);
	assert_ptr_equal(sut_job_target(&j, BUILD), &j.targets[1]);
	assert_ptr_equal(sut_job_target(&j, "00"), &j.targets[0]);
	sut_job_release(&j);
	text = with("targets", "[{\"build_id\": \"" BUILD "\", \"patchset\": \"K1_01\"}]");
	assert_ok(sut_job_parse(text, strlen(text), &j, &err), err);
	assert_string_equal(sut_job_target(&j, BUILD)->patchset, "K1_01");
	assert_null(sut_job_target(&j, "00"));
	sut_job_release(&j);
	free(text);
}

static void only_named_systems_are_named(void **state _unused_)
{
	struct sut_job j = {0};
	struct sut_err err = {0};

	assert_ok(sut_job_parse(good, strlen(good), &j, &err), err);
	assert_true(sut_job_names(&j, "7f3k9m2q4r8s1t5v", NULL));
	assert_true(sut_job_names(&j, "other", "srv-0001"));
	assert_true(sut_job_names(&j, "", "srv-0001"));
	assert_false(sut_job_names(&j, "7f3k9m2q4r8s1t5", ""));
	assert_false(sut_job_names(&j, "srv-0001", "7f3k9m2q4r8s1t5v"));
	assert_false(sut_job_names(&j, NULL, NULL));
	sut_job_release(&j);
}

static void time_decides_in_the_stated_order(void **state _unused_)
{
	static const struct {
		const char *now, *reason;
		int r;
	} t[] = {
		{"2026-11-22T07:00:00Z", "", 0},
		{"2026-11-23T05:59:59Z", "", 0},
		{"2026-11-23T06:00:00Z", "expired", -ETIME},
		{"2036-11-23T06:00:00Z", "expired", -ETIME},
		{"2026-11-22T06:59:59Z", "not-yet", -EAGAIN},
		{"2026-11-22T05:50:00Z", "not-yet", -EAGAIN}, /* ten minutes are forgiven */
		{"2026-11-22T05:49:59Z", "clock", -ERANGE},
		{"1970-01-01T00:00:00Z", "clock", -ERANGE},
	};
	struct sut_job j = {0};
	struct sut_err err = {0};

	assert_ok(sut_job_parse(good, strlen(good), &j, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(t); i++) {
		err = (struct sut_err){0};
		assert_int_equal(sut_job_fresh(&j, at(t[i].now), &err), t[i].r);
		assert_string_equal(err.reason, t[i].reason);
	}
	sut_job_release(&j);
}

static void defaults_are_the_careful_ones(void **state _unused_)
{
	static const char *const optional[] = {"not_before", "external_ids", "products", "windows",
					       "options"};
	struct sut_job j = {0};
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(optional); i++) {
		char *text = with(optional[i], NULL);

		assert_ok(sut_job_parse(text, strlen(text), &j, &err), err);
		assert_true(j.kernel && !j.library);
		if (strcmp(optional[i], "options") == 0)
			assert_false(j.down || j.wait || j.dry_run);
		sut_job_release(&j);
		free(text);
	}
}

static void each_mistake_is_named_with_its_place(void **state _unused_)
{
	static const struct {
		const char *member, *value, *says;
	} bad[] = {
		{"format", "\"suture-patch\"", "format"},
		{"format", NULL, "format"},
		{"version", "0", "version"},
		{"version", "\"1\"", "version"},
		{"version", NULL, "version"},
		{"id", NULL, "id"},
		{"id", "\"\"", "id"},
		{"id", "\"a b\"", "id"},
		{"id", "\"../../x\"", "id"},
		{"id", "7", "id"},
		{"issuer", NULL, "issuer"},
		{"issuer", "\"a\\nb\"", "issuer"},
		{"created", NULL, "created"},
		{"created", "\"2026-11-22\"", "created"},
		{"created", "\"2026-11-31T06:00:00Z\"", "created"},
		{"created", "\"2026-11-22T06:00:00+01:00\"", "created"},
		{"created", "\"1969-12-31T06:00:00Z\"", "created"},
		{"expires", NULL, "expires"},
		{"expires", "\"2026-11-22T06:00:00Z\"", "expires is not after"},
		{"expires", "\"2026-12-23T06:00:01Z\"", "at most 31 days"},
		{"not_before", "\"2026-11-23T06:00:00Z\"", "not_before"},
		{"systems", "[]", NULL}, /* external_ids are there */
		{"systems", "{}", "systems"},
		{"systems", "[\"a/b\"]", "systems[0]"},
		{"systems", "[\"a\", 1]", "systems[1]"},
		{"external_ids", "[\"\"]", "external_ids[0]"},
		{"action", NULL, "action"},
		{"action", "\"reboot\"", "action"},
		{"action", "\"unload\"", "targets"},
		{"targets", NULL, "targets"},
		{"targets", "[]", "targets"},
		{"targets", "[{}]", "targets[0]"},
		{"targets", "[{\"latest\": false}]", "targets[0].latest"},
		{"targets", "[{\"latest\": true, \"level\": 1}]", "targets[0]"},
		{"targets", "[{\"level\": 0}]", "targets[0].level"},
		{"targets", "[{\"level\": 2147483648}]", "targets[0].level"},
		{"targets", "[{\"patchset\": \".x\"}]", "targets[0].patchset"},
		{"targets", "[{\"patchset\": \"a/b\"}]", "targets[0].patchset"},
		{"targets", "[{\"latest\": true, \"build_id\": \"00\"}]", "build_id"},
		{"targets", "[{\"latest\": true, \"sha256\": \"00\"}]", "sha256"},
		{"targets", "[{\"latest\": true, \"min\": 1}]", "targets[0].min"},
		{"targets", "[{\"latest\": true}, {\"level\": 2}]", "targets[1]"},
		{"targets", "[1]", "targets[0]"},
		{"products", "[]", "products"},
		{"products", "[\"kernel\", \"kernel\"]", "products[1]"},
		{"products", "[\"firmware\"]", "products[0]"},
		{"windows", "\"daily 02:00-05:00\"", "windows"},
		{"windows", "[\"\"]", "windows[0]"},
		{"windows", "[1]", "windows[0]"},
		{"options", "[]", "options"},
		{"options", "{\"down\": 1}", "options.down"},
		{"options", "{\"force\": true}", "options.force"},
		{"window", "[]", "window"}, /* misspelt: it was meant to hold something back */
	};
	struct sut_job j = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		char *text = with(bad[i].member, bad[i].value);
		struct sut_err err = {0};
		int r = sut_job_parse(text, strlen(text), &j, &err);

		if (!bad[i].says) {
			assert_int_equal(r, 0);
			sut_job_release(&j);
		} else {
			if (r != -EBADMSG || strcmp(err.reason, "format") != 0)
				fail_msg("%s: %d %s", text, r, err.msg);
			assert_says(err, bad[i].says);
		}
		free(text);
	}
}

static void no_system_at_all_is_refused(void **state _unused_)
{
	char *text = with("external_ids", NULL), *p = strstr(text, "\"7f3k9m2q4r8s1t5v\"");
	struct sut_job j = {0};
	struct sut_err err = {0};

	memset(p, ' ', 18);
	assert_int_equal(sut_job_parse(text, strlen(text), &j, &err), -EBADMSG);
	assert_says(err, "names no system");
	free(text);
}

/* Before anything else: what a later version means by a member is not known here. */
static void a_later_version_asks_for_a_newer_suture(void **state _unused_)
{
	static const char later[] = "{\"format\": \"suture-job\", \"version\": 2, \"new\": true}";
	struct sut_job j = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_job_parse(later, strlen(later), &j, &err), -EPROTONOSUPPORT);
	assert_string_equal(err.reason, "version");
	assert_says(err, "Upgrade");
}

static void text_that_is_no_object_is_refused(void **state _unused_)
{
	static const char *const bad[] = {"",
					  " ",
					  "[]",
					  "{",
					  "{}x",
					  "{\"id\":1,\"id\":1}",
					  "nul",
					  "{\"a\":\"\\u0000\"}",
					  "{\"a\":\"\xff\"}"};
	struct sut_job j = {0};
	struct sut_err err = {0};
	char *big = malloc(SUT_JOB_MANIFEST_MAX + 1);

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(sut_job_parse(bad[i], strlen(bad[i]), &j, &err), -EBADMSG);
		assert_string_equal(err.reason, "format");
	}
	assert_non_null(big);
	memset(big, ' ', SUT_JOB_MANIFEST_MAX + 1);
	assert_int_equal(sut_job_parse(big, SUT_JOB_MANIFEST_MAX + 1, &j, &err), -EBADMSG);
	free(big);
}

static void times_are_those_of_rfc_3339(void **state _unused_)
{
	static const char *const bad[] = {"",
					  "2026-11-22T06:00:00",
					  "2026-11-22T06:00:60Z",
					  "2026-11-22T24:00:00Z",
					  "2026-02-29T00:00:00Z",
					  "2026-13-01T00:00:00Z",
					  "0000-01-01T00:00:00Z",
					  "2026-11-22t06:00:00Z",
					  "2026-11-22T06:00:00ZZ",
					  "2026-11-00T06:00:00Z",
					  " 026-11-22T06:00:00Z"};
	char text[32];
	int64_t t;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (sut_job_time_parse(bad[i], &t) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(at("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(at("2024-02-29T12:34:56Z"), 1709210096);
	sut_job_time(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	assert_int_equal(at(text), INT64_C(253402300799));
	sut_job_time(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
}

static void only_what_is_signed_is_opened(void **state _unused_)
{
	struct sut_privkey *k = NULL;
	struct sut_pubkey *p = NULL;
	struct sut_dsse_key key = {.name = "platform"};
	const struct sut_dsse_key *by = NULL;
	struct sut_buf b = SUT_BUF_INIT(SUT_DSSE_MAX);
	char digest[SUT_SHA256_HEX], expected[SUT_SHA256_HEX];
	struct sut_job j = {0};
	struct sut_err err = {0};

	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &k, &err), err);
	assert_ok(sut_privkey_public(k, &p, &err), err);
	assert_ok(sut_dsse_sign(k, SUT_JOB_TYPE, good, strlen(good), &b, &err), err);
	assert_int_equal(sut_pubkey_ed25519(p, key.key), 0);
	assert_ok(sut_job_open(b.data, b.len, &key, 1, &j, digest, &by, &err), err);
	assert_string_equal(by->name, "platform");
	sut_sha256_hex(good, strlen(good), expected);
	assert_string_equal(digest, expected);
	sut_job_release(&j);
	/* Without keys: somebody only looks. */
	assert_ok(sut_job_open(b.data, b.len, NULL, 0, &j, digest, &by, &err), err);
	assert_null(by);
	sut_job_release(&j);
	/* No keys are no permission. */
	assert_int_equal(sut_job_open(b.data, b.len, &key, 0, &j, digest, &by, &err), -ENOKEY);
	assert_string_equal(err.reason, "no-keys");
	assert_int_equal(sut_job_open(good, strlen(good), &key, 1, &j, digest, &by, &err),
			 -EBADMSG);
	assert_string_equal(err.reason, "envelope");
	sut_buf_release(&b);
	sut_pubkey_free(p);
	sut_privkey_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_is_said_is_read),
		cmocka_unit_test(the_entry_of_a_build_wins_over_the_general_one),
		cmocka_unit_test(only_named_systems_are_named),
		cmocka_unit_test(time_decides_in_the_stated_order),
		cmocka_unit_test(defaults_are_the_careful_ones),
		cmocka_unit_test(each_mistake_is_named_with_its_place),
		cmocka_unit_test(no_system_at_all_is_refused),
		cmocka_unit_test(a_later_version_asks_for_a_newer_suture),
		cmocka_unit_test(text_that_is_no_object_is_refused),
		cmocka_unit_test(times_are_those_of_rfc_3339),
		cmocka_unit_test(only_what_is_signed_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
