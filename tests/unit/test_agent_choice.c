// SPDX-License-Identifier: Apache-2.0
/* What the administrator has chosen: its file and its JSON. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "common/choice.h"
#include "common/paths.h"
#include "common/when.h"

static int set_up(void **state)
{
	return sut_tmpdir("choice", (char **)state, NULL);
}

static int tear_down(void **state)
{
	int r = sut_rm_rf(*state, NULL);

	free(*state);
	return r;
}

static void same_choice(const struct choice *a, const struct choice *b)
{
	json_t *x = choice_json(a), *y = choice_json(b);

	assert_non_null(x);
	assert_true(json_equal(x, y));
	json_decref(x);
	json_decref(y);
}

static void without_a_file_all_is_normal(void **state)
{
	struct choice c = {.mode = CHOICE_OFF};
	struct sut_err err = {0};

	assert_ok(choice_read(*state, &c, &err), err);
	assert_int_equal(c.mode, CHOICE_NORMAL);
	assert_int_equal(c.pin, CHOICE_PIN_NONE);
	assert_false(choice_held(&c, 0));
}

static void what_is_written_is_read(void **state)
{
	struct choice cases[] = {
		{0},
		{.mode = CHOICE_OFF, .pin = CHOICE_PIN_LEVEL, .pin_level = 0},
		{.mode = CHOICE_NO_APPLY, .pin = CHOICE_PIN_DATE, .pin_date = "2028-02-29"},
		{.pin = CHOICE_PIN_PATCHSET, .pin_patchset = "K20261121_01", .hold = true},
		{.hold = true,
		 .hold_until = 1795000000,
		 .hold_reason = "release \"week\", ask Zoë",
		 .tags = {"web", "site:fra-1", "a/b@c.d_e"},
		 .ntags = 3},
	};
	struct choice back;
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		assert_ok(choice_write(*state, &cases[i], &err), err);
		assert_ok(choice_read(*state, &back, &err), err);
		same_choice(&cases[i], &back);
	}
	assert_string_equal(back.hold_reason, "release \"week\", ask Zoë");
	assert_int_equal(back.hold_until, 1795000000);
	assert_int_equal(back.ntags, 3);
	assert_string_equal(back.tags[1], "site:fra-1");
}

static void the_longest_choice_fits(void **state)
{
	struct choice c = {.hold = true, .ntags = CHOICE_TAGS_MAX}, back;
	struct sut_err err = {0};

	memset(c.hold_reason, '"', CHOICE_REASON_MAX);
	for (int i = 0; i < CHOICE_TAGS_MAX; i++)
		snprintf(c.tags[i], sizeof(c.tags[i]), "%0*d", CHOICE_TAG_MAX, i);
	assert_ok(choice_write(*state, &c, &err), err);
	assert_ok(choice_read(*state, &back, &err), err);
	same_choice(&c, &back);
}

static void a_damaged_file_is_an_error(void **state)
{
	static const char *const texts[] = {
		"", "{", "null", "{\"format\": \"suture-choice\", \"version\": 1}",
		("{\"format\": \"suture-choice\", \"version\": 2, \"mode\": \"normal\", \"pin\": null, "
		 "\"hold\": null, \"tags\": []}")};
	struct agent_path path = agent_path(*state, AGENT_CHOICE);
	struct agent_path folder = agent_path(*state, AGENT_APPLY_DIR);
	struct choice c;
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p(folder.s, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		assert_ok(sut_file_write(path.s, texts[i], strlen(texts[i]), 0644, &err), err);
		assert_int_equal(choice_read(*state, &c, &err), -EBADMSG);
		assert_string_equal(err.reason, "choice");
		assert_says(err, "suture mode normal");
	}
	assert_ok(sut_rm_rf(path.s, &err), err);
	assert_ok(sut_mkdir_p(path.s, &err), err);
	assert_int_equal(choice_read(*state, &c, &err), -EISDIR);
}

static void members_out_of_bounds_are_refused_by_name(void **state)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{"mode", "\"on\""},
		{"mode", "null"},
		{"pin", "3"},
		{"pin", "{}"},
		{"pin", "{\"level\": -1}"},
		{"pin", "{\"level\": 2147483648}"},
		{"pin", "{\"level\": \"3\"}"},
		{"pin", "{\"date\": \"2026-02-29\"}"},
		{"pin", "{\"date\": \"2026-2-9\"}"},
		{"pin", "{\"patchset\": \"../../etc/passwd\"}"},
		{"pin", "{\"patchset\": \"\"}"},
		{"pin", "{\"level\": 3, \"date\": \"2026-02-28\"}"},
		{"pin", "{\"other\": 3}"},
		{"hold", "true"},
		{"hold", "{\"until\": null}"},
		{"hold", "{\"until\": \"tomorrow\", \"reason\": \"\"}"},
		{"hold", "{\"until\": \"1970-01-01T00:00:00Z\", \"reason\": \"\"}"},
		{"hold", "{\"until\": null, \"reason\": \"a\\nb\"}"},
		{"hold", "{\"until\": null, \"reason\": \"\", \"more\": 1}"},
		{"tags", "{}"},
		{"tags", "[1]"},
		{"tags", "[\"a b\"]"},
		{"tags", "[\"a\", \"a\"]"},
		{"more", "1"},
	};
	struct choice c;
	struct sut_err err = {0};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		json_t *j = choice_json(&(struct choice){0});

		json_object_set_new(j, bad[i].name,
				    json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		if (choice_from_json(j, &c, &err) != -EBADMSG)
			fail_msg("%s: %s", bad[i].name, bad[i].value);
		assert_says(err, bad[i].name[1] == 'o' && bad[i].name[2] == 'r' ? "only mode"
										: bad[i].name);
		json_decref(j);
	}
	for (size_t i = 0; i < 4; i++) {
		static const char *const must[] = {"mode", "pin", "hold", "tags"};
		json_t *j = choice_json(&(struct choice){0});

		json_object_del(j, must[i]);
		assert_int_equal(choice_from_json(j, &c, &err), -EBADMSG);
		assert_says(err, must[i]);
		json_decref(j);
	}
}

static void a_hold_ends_at_its_moment(void **state)
{
	struct choice c = {.hold = true};

	(void)state;
	assert_true(choice_held(&c, INT64_MAX));
	c.hold_until = 100;
	assert_true(choice_held(&c, 99));
	assert_false(choice_held(&c, 100));
	c.hold = false;
	assert_false(choice_held(&c, 99));
}

static void tags_are_names_or_names_with_a_value(void **state)
{
	static const char *const good[] = {"a", "web:1", "A/b@c.d-e_f"};
	static const char *const bad[] = {"", ":", "a:", ":a", "a:b:c", "a b", "ä", "a\n"};
	char longest[CHOICE_TAG_MAX + 2];

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		assert_true(choice_tag_valid(good[i]));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_false(choice_tag_valid(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[CHOICE_TAG_MAX + 1] = 0;
	assert_false(choice_tag_valid(longest));
	longest[CHOICE_TAG_MAX] = 0;
	assert_true(choice_tag_valid(longest));
}

static void moments_are_read_in_one_form(void **state)
{
	static const char *const bad[] = {"",
					  "2026-11-21",
					  "2026-11-21T20:15:00",
					  "2026-11-21T20:15:00z",
					  "2026-11-21T20:15:00+00:00",
					  "2026-02-30T00:00:00Z",
					  "2026-13-01T00:00:00Z",
					  "2026-11-21T24:00:00Z",
					  "2026-11-21T23:59:60Z",
					  " 2026-11-21T20:15:00Z",
					  "1969-12-31T23:59:59Z"};
	char text[WHEN_MAX];
	int64_t t;

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_false(when_parse(bad[i], &t));
	assert_true(when_parse("9999-12-31T23:59:59Z", &t));
	assert_true(t == WHEN_LAST);
	assert_true(when_parse_day("2026-11-21", &t));
	when_text(t, text);
	assert_string_equal(text, "2026-11-21T23:59:59Z");
	when_text(INT64_MIN, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	when_text(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_file_all_is_normal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_longest_choice_fits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_an_error, set_up, tear_down),
		cmocka_unit_test(members_out_of_bounds_are_refused_by_name),
		cmocka_unit_test(a_hold_ends_at_its_moment),
		cmocka_unit_test(tags_are_names_or_names_with_a_value),
		cmocka_unit_test(moments_are_read_in_one_form),
	};

	return cmocka_run_group_tests_name("agent_choice", tests, NULL, NULL);
}
