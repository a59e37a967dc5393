// SPDX-License-Identifier: Apache-2.0
/* The history: what is added is read, whatever lies before it. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/history.h"
#include "common/paths.h"

static int set_up(void **state)
{
	return sut_tmpdir("history", (char **)state, NULL);
}

static int tear_down(void **state)
{
	int r = sut_rm_rf(*state, NULL);

	free(*state);
	return r;
}

static void add(const char *root, const char *event, const char *detail)
{
	struct history_entry e = {.at = 1795000000,
				  .event = event,
				  .id = "K1",
				  .level = 3,
				  .by = "root",
				  .detail = detail};
	struct sut_err err = {0};

	assert_ok(history_add(root, &e, &err), err);
}

static json_t *all(const char *root, size_t max)
{
	struct sut_err err = {0};
	json_t *list = NULL;

	assert_ok(history_read(root, max, &list, &err), err);
	return list;
}

static const char *text(const json_t *list, size_t i, const char *name)
{
	return json_string_value(json_object_get(json_array_get(list, i), name));
}

static void entries_come_back_oldest_first(void **state)
{
	json_t *list = all(*state, 10);

	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	add(*state, "applied", NULL);
	add(*state, "good", "stood \"15\" minutes");
	add(*state, "reverted", NULL);
	list = all(*state, 10);
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text(list, 0, "event"), "applied");
	assert_string_equal(text(list, 0, "at"), "2026-11-18T11:06:40Z");
	assert_string_equal(text(list, 0, "id"), "K1");
	assert_null(text(list, 0, "detail"));
	assert_string_equal(text(list, 1, "detail"), "stood \"15\" minutes");
	json_decref(list);
	list = all(*state, 1);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text(list, 0, "event"), "reverted");
	json_decref(list);
}

static void a_line_that_was_cut_off_is_ended_first(void **state)
{
	struct agent_path path = agent_path(*state, AGENT_HISTORY);
	struct stat st;
	json_t *list;

	add(*state, "applied", NULL);
	add(*state, "failed", NULL);
	assert_int_equal(stat(path.s, &st), 0);
	assert_int_equal(truncate(path.s, st.st_size - 5), 0);
	add(*state, "good", NULL);
	list = all(*state, 10);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(list, 1, "event"), "good");
	json_decref(list);
}

static void what_is_no_entry_is_left_out(void **state)
{
	static const char lines[] =
		"\n{}\nnot json\n{\"at\": \"yesterday\", \"event\": \"good\"}\n"
		"{\"at\": \"2026-11-18T09:06:40Z\", \"event\": \"good\", \"level\": -1}\n"
		"{\"at\": \"2026-11-18T09:06:40Z\", \"event\": \"\"}\n"
		"{\"at\": \"2026-11-18T09:06:40Z\", \"event\": \"good\", \"detail\": 5}\n"
		"{\"at\": \"2026-11-18T09:06:40Z\", \"event\": \"good\", \"more\": 5}";
	json_t *list = history_parse(lines, strlen(lines), 100);

	(void)state;
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "more")), 5);
	json_decref(list);
}

static void an_entry_is_one_bounded_printable_line(void **state)
{
	struct agent_path path = agent_path(*state, AGENT_HISTORY);
	char detail[10000];
	struct stat st;
	json_t *list;

	memset(detail, '"', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = 0;
	detail[3] = '\n';
	detail[4] = '\xff';
	add(*state, "failed", detail);
	assert_int_equal(stat(path.s, &st), 0);
	assert_in_range(st.st_size, 1000, HISTORY_LINE_MAX);
	list = all(*state, 10);
	assert_int_equal(json_array_size(list), 1);
	assert_memory_equal(text(list, 0, "detail"), "\"\"\"??\"", 6);
	json_decref(list);
}

static void the_older_half_goes(void **state)
{
	struct agent_path path = agent_path(*state, AGENT_HISTORY);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(2 * HISTORY_MAX);
	struct sut_err err = {0};
	struct stat st;
	json_t *list;
	size_t n;

	add(*state, "boot", NULL);
	for (unsigned int i = 0; b.len < HISTORY_MAX - 60; i++)
		assert_ok(sut_buf_addf(
				  &b, "{\"at\":\"2026-11-18T09:06:40Z\",\"event\":\"e%06u\"}\n", i),
			  err);
	n = b.len;
	assert_ok(sut_file_write(path.s, b.data, b.len, 0644, &err), err);
	add(*state, "good", "the last one");
	assert_int_equal(stat(path.s, &st), 0);
	assert_in_range(st.st_size, HISTORY_MAX / 2 - 100, HISTORY_MAX / 2 + 200);
	list = all(*state, SIZE_MAX);
	assert_in_range(json_array_size(list), n / 96 - 5, n / 96 + 5);
	assert_string_equal(text(list, json_array_size(list) - 1, "detail"), "the last one");
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_come_back_oldest_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_that_was_cut_off_is_ended_first, set_up,
						tear_down),
		cmocka_unit_test(what_is_no_entry_is_left_out),
		cmocka_unit_test_setup_teardown(an_entry_is_one_bounded_printable_line, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_older_half_goes, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("agent_history", tests, NULL, NULL);
}
