// SPDX-License-Identifier: Apache-2.0
/* What the root half and the repository say, as sutured reads it. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "sutured/half.h"
#include "sutured/published.h"
#include "tuf/json.h"

#define BUILD "6d1c000000000000000000000000000000000001"
#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NOW INT64_C(1795300000)

static json_t *json_of(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, 0, &e);

	if (!j)
		fail_msg("%s at %d", e.text, e.position);
	return j;
}

/* ------------------------------------------------------------------ */

static const char state[] =
	"{\"format\": \"suture-apply-state\", \"version\": 1, \"boot_id\": \"b00t\","
	" \"kernel\": {\"release\": \"6.1.0-47\", \"arch\": \"x86_64\", \"build_id\": \"" BUILD
	"\"},"
	" \"switch\": {\"state\": \"no-apply\", \"by\": \"choice\"},"
	" \"support\": {\"state\": \"supported\", \"message\": \"\"},"
	" \"engine\": {\"state\": \"missing\", \"message\": \"none\"},"
	" \"patch\": {\"id\": \"K3\", \"level\": 3, \"sha256\": \"" HASH "\", \"cves\": []},"
	" \"phase\": \"probation\", \"probation\": {\"seconds_left\": 640, \"seconds\": 900},"
	" \"unloaded\": false, \"residue\": true,"
	" \"quarantined\": [{\"id\": \"K4\", \"level\": 4, \"sha256\": \"" HASH
	"\", \"why\": \"panic\"}],"
	" \"choice\": {\"mode\": \"no-apply\", \"pin\": null, \"hold\": null, \"tags\": []}}";

static void the_state_of_the_root_half_is_read_whole(void **unused)
{
	_cleanup_json_ json_t *j = json_of(state);
	struct sut_err err = {0};
	static struct half h;

	(void)unused;
	assert_ok(half_read(j, &h, &err), err);
	assert_true(h.h.known);
	assert_int_equal(h.h.mode, DECIDE_SWITCH_NO_APPLY);
	assert_string_equal(h.h.mode_by, "choice");
	assert_int_equal(h.h.engine, DECIDE_ENGINE_MISSING);
	assert_string_equal(h.h.patch.id, "K3");
	assert_int_equal(h.h.patch.level, 3);
	assert_string_equal(h.h.build_id, BUILD);
	assert_true(h.h.residue);
	assert_false(h.h.unloaded);
	assert_int_equal(h.h.nquarantined, 1);
	assert_string_equal(h.h.quarantined[0].why, "panic");
	assert_true(h.probation);
	assert_int_equal(h.probation_left_s, 640);
	assert_int_equal(h.choice.mode, CHOICE_NO_APPLY);
}

static void nothing_applied_is_no_patch(void **unused)
{
	_cleanup_json_ json_t *j = json_of(state);
	struct sut_err err = {0};
	static struct half h;

	(void)unused;
	json_object_set_new(j, "patch", json_null());
	json_object_set_new(j, "phase", json_string("idle"));
	assert_ok(half_read(j, &h, &err), err);
	assert_string_equal(h.h.patch.id, "");
	assert_false(h.probation);
}

/* The root half says so itself, and that is told: it answers, and has its reason. */
static void a_choice_that_root_cannot_read_is_its_own_reason(void **unused)
{
	_cleanup_json_ json_t *j = json_of(state);
	struct sut_err err = {0};
	static struct half h;

	(void)unused;
	json_object_set_new(j, "choice", json_null());
	json_object_set_new(j, "errors",
			    json_pack("[{s:s, s:s}, {s:s, s:s}]", "code", "conflict", "message",
				      "other", "code", "choice", "message", "it is damaged"));
	assert_ok(half_read(j, &h, &err), err);
	assert_string_equal(h.h.broken, "choice");
	assert_string_equal(h.h.broken_text, "it is damaged");
	json_object_set_new(json_array_get(json_object_get(j, "errors"), 1), "code",
			    json_string("guard"));
	assert_int_equal(half_read(j, &h, &err), -EBADMSG);
}

/* What would be forbidden is not known then. */
static void a_state_that_makes_no_sense_is_no_state(void **unused)
{
	static const struct {
		const char *member, *value;
	} bad[] = {
		{"format", "\"other\""},
		{"switch", "{\"state\": \"perhaps\"}"},
		{"switch", "null"},
		{"engine", "{\"state\": \"gone\"}"},
		{"support", "{}"},
		{"patch", "{\"level\": 3}"},
		{"patch", "{\"id\": \"K3\", \"level\": -1}"},
		{"patch", "{\"id\": \"K3\", \"level\": 4294967297}"},
		{"quarantined", "[{\"id\": \"K3\", \"level\": -1}]"},
		{"choice", "null"},
		{"choice", "{\"mode\": \"sideways\"}"},
	};

	(void)unused;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_t *j = json_of(state);
		json_error_t e;
		struct sut_err err = {0};
		static struct half h;

		json_object_set_new(j, bad[i].member,
				    json_loads(bad[i].value, JSON_DECODE_ANY, &e));
		if (half_read(j, &h, &err) != -EBADMSG)
			fail_msg("%s %s is taken", bad[i].member, bad[i].value);
	}
}

/* ------------------------------------------------------------------ */

static int level_of(const char *path, const char *custom, json_t **ret)
{
	_cleanup_json_ json_t *j = json_of(custom);
	struct sut_tuf_target t = {.path = path, .length = 1000, .hashes = {HASH, ""}, .custom = j};
	struct sut_err err = {0};

	return published_level(&t, BUILD, NOW, ret, &err);
}

static void an_entry_of_the_repository_becomes_a_level(void **unused)
{
	_cleanup_json_ json_t *doc = json_object(), *l = NULL;
	_cleanup_(published_release) struct published p = {0};
	struct sut_err err = {0};

	(void)unused;
	assert_int_equal(level_of("kernel/" BUILD "/3/kpatch.bin",
				  "{\"id\": \"K20261121_01\", \"level\": 3,"
				  " \"created\": \"2026-11-20T20:15:00Z\","
				  " \"cves\": [\"CVE-2026-0001\", \"\\u001b[2J\", 7]}",
				  &l),
			 0);
	json_object_set_new(doc, "levels", json_pack("[O]", l));
	json_object_set_new(doc, "snapshot", json_integer(12));
	json_object_set_new(doc, "build_id", json_string(BUILD));
	json_object_set_new(doc, "expires", json_integer(NOW + 60));
	json_object_set_new(doc, "near", json_string("6.1.0-48"));
	assert_ok(published_read(doc, &p, &err), err);
	assert_int_equal(p.nlevels, 1);
	assert_int_equal(p.snapshot, 12);
	assert_string_equal(p.levels[0].id, "K20261121_01");
	assert_int_equal(p.levels[0].level, 3);
	assert_int_equal(p.levels[0].length, 1000);
	assert_int_equal(p.levels[0].seen, NOW);
	assert_int_equal(p.levels[0].created, 1795205700);
	/* What is no name of a CVE is left out. */
	assert_int_equal(p.levels[0].ncves, 1);
	assert_string_equal(p.levels[0].cves[0], "CVE-2026-0001");
	assert_string_equal(p.near, "6.1.0-48");
}

static void when_a_patch_was_made_is_in_its_name_too(void **unused)
{
	_cleanup_json_ json_t *l = NULL, *other = NULL;

	(void)unused;
	assert_int_equal(level_of("kernel/" BUILD "/3/kpatch.bin",
				  "{\"id\": \"K20261121_01\", \"level\": 3}", &l),
			 0);
	assert_int_equal(json_integer_value(json_object_get(l, "created")), 1795219200);
	assert_int_equal(level_of("kernel/" BUILD "/3/kpatch.bin",
				  "{\"id\": \"K20269999_01\", \"level\": 3}", &other),
			 0);
	assert_int_equal(json_integer_value(json_object_get(other, "created")), 0);
}

static void an_entry_for_something_else_is_refused(void **unused)
{
	static const char *const customs[] = {
		"{\"id\": \"K1\", \"level\": 4}", /* not what the path says */
		"{\"id\": \"K1\", \"level\": 0}",
		"{\"id\": \"K1\", \"level\": 4294967299}",
		"{\"id\": \"../K1\", \"level\": 3}",
		"{\"id\": \"\", \"level\": 3}",
		"{\"level\": 3}",
		"{\"id\": \"K1\"}",
		"{}",
	};
	_cleanup_json_ json_t *l = NULL;

	(void)unused;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(customs); i++)
		if (level_of("kernel/" BUILD "/3/kpatch.bin", customs[i], &l) != -EBADMSG)
			fail_msg("%s is taken", customs[i]);
	assert_int_equal(
		level_of("kernel/" HASH "/3/kpatch.bin", "{\"id\": \"K1\", \"level\": 3}", &l),
		-EBADMSG);
}

static void what_was_kept_is_not_believed_when_it_is_damaged(void **unused)
{
	static const char *const docs[] = {
		"[]",
		"{\"levels\": [7]}",
		"{\"levels\": [{}]}",
		"{\"levels\": [{\"id\": \"K1\", \"level\": 3, \"path\": \"p\", \"sha256\": \"x\"}]}",
		"{\"levels\": [{\"id\": \"K 1\", \"level\": 3, \"path\": \"p\", \"sha256\": \"" HASH
		"\"}]}",
		"{\"levels\": [{\"id\": \"K1\", \"level\": 3, \"path\": \"p\", \"sha256\": \"" HASH
		"\", \"length\": -1}]}",
		"{\"levels\": [{\"id\": \"K1\", \"level\": 3, \"path\": \"p\", \"sha256\": \"" HASH
		"\", \"cves\": [1]}]}",
		"{\"levels\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
	};

	(void)unused;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(docs); i++) {
		_cleanup_json_ json_t *j = json_of(docs[i]);
		struct published p;
		struct sut_err err = {0};

		if (published_read(j, &p, &err) != -EBADMSG)
			fail_msg("%s is taken", docs[i]);
	}
}

static void nothing_read_is_nothing_known(void **unused)
{
	_cleanup_(published_release) struct published p = {0};
	struct sut_err err = {0};

	(void)unused;
	assert_ok(published_read(NULL, &p, &err), err);
	assert_int_equal(p.nlevels, 0);
	assert_int_equal(p.snapshot, 0);
	assert_string_equal(p.near, "");
}

static const char *stop_of(const char *custom)
{
	static char action[16];
	_cleanup_json_ json_t *j = json_of(custom), *stop = published_stop(j, BUILD);

	snprintf(action, sizeof(action), "%s", json_string_value(json_object_get(stop, "action")));
	return action;
}

static void the_stop_flag_counts_for_the_kernels_it_names(void **unused)
{
	_cleanup_json_ json_t *none = published_stop(NULL, BUILD);

	(void)unused;
	assert_string_equal(json_string_value(json_object_get(none, "action")), "none");
	assert_string_equal(stop_of("{\"action\": \"halt\"}"), "halt");
	assert_string_equal(stop_of("{\"action\": \"unload\", \"reason\": \"r\"}"), "unload");
	assert_string_equal(stop_of("{\"action\": \"unload\", \"build_ids\": [\"" BUILD "\"]}"),
			    "unload");
	assert_string_equal(stop_of("{\"action\": \"unload\", \"build_ids\": [\"" HASH "\"]}"),
			    "none");
	assert_string_equal(stop_of("{\"action\": \"unload\", \"build_ids\": []}"), "none");
	assert_string_equal(stop_of("{\"action\": \"none\"}"), "none");
	/* A word of a later version was meant to stop something. */
	assert_string_equal(stop_of("{\"action\": \"pause\"}"), "halt");
}

static void a_reason_that_is_too_long_is_cut_between_characters(void **unused)
{
	_cleanup_json_ json_t *custom = NULL, *stop = NULL;
	char text[DECIDE_TEXT_MAX + 40];
	const char *s;

	(void)unused;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (size_t i = DECIDE_TEXT_MAX - 9; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	custom = json_pack("{s:s, s:s}", "action", "halt", "reason", text);
	stop = published_stop(custom, BUILD);
	s = json_string_value(json_object_get(stop, "reason"));
	assert_non_null(s);
	assert_true(strlen(s) < DECIDE_TEXT_MAX);
	assert_true(strlen(s) > DECIDE_TEXT_MAX - 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_of_the_root_half_is_read_whole),
		cmocka_unit_test(nothing_applied_is_no_patch),
		cmocka_unit_test(a_choice_that_root_cannot_read_is_its_own_reason),
		cmocka_unit_test(a_state_that_makes_no_sense_is_no_state),
		cmocka_unit_test(an_entry_of_the_repository_becomes_a_level),
		cmocka_unit_test(when_a_patch_was_made_is_in_its_name_too),
		cmocka_unit_test(an_entry_for_something_else_is_refused),
		cmocka_unit_test(what_was_kept_is_not_believed_when_it_is_damaged),
		cmocka_unit_test(nothing_read_is_nothing_known),
		cmocka_unit_test(the_stop_flag_counts_for_the_kernels_it_names),
		cmocka_unit_test(a_reason_that_is_too_long_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
