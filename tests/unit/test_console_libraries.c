// SPDX-License-Identifier: Apache-2.0
/* What results of jobs say of libraries: in sentences, and as what runs on the host now. */
#include "unit.h"

#include "agent/libraries.h"

static void says(const char *list, const char *want)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(4096);
	json_t *said = json_loads(list, JSON_DECODE_ANY, NULL);

	assert_non_null(said);
	assert_int_equal(agent_libraries_text(said, &out), 0);
	assert_string_equal(sut_buf_str(&out), want);
	json_decref(said);
}

static void in_how_many_processes_and_why_not_in_the_others(void **state _unused_)
{
	says("[]", "");
	says("null", "");
	says("{\"a\": 1}", "");
	says("[1, \"a\", null, {}, {\"name\": \"a\"}, {\"name\": 1, \"processes\": \"x\"}]", "");
	says("[{\"name\": \"libssl.so.3\", \"processes\": 14, \"patched\": 14, \"reasons\": {}}]",
	     " libssl.so.3: in 14 of 14 processes.");
	says("[{\"name\": \"libssl.so.3\", \"processes\": 1, \"patched\": 0, \"reasons\": null}]",
	     " libssl.so.3: in 0 of 1 process.");
	says("[{\"name\": \"a\", \"processes\": 2, \"patched\": 2},"
	     " {\"name\": \"b\", \"processes\": 5, \"patched\": 2,"
	     " \"reasons\": {\"traced\": 1, \"none\": 0, \"busy\": 2, \"odd\": \"x\"}}]",
	     " b: in 2 of 5 processes (1 traced, 2 busy). a: in 2 of 2 processes.");
	says("[{\"processes\": 1, \"patched\": -7, \"reasons\": [1]}]",
	     " a library: in 0 of 1 process.");
}

static void of_many_the_rest_is_counted(void **state _unused_)
{
	says("[{\"name\": \"a\", \"processes\": 2, \"patched\": 2},"
	     " {\"name\": \"b\", \"processes\": 2, \"patched\": 2},"
	     " {\"name\": \"c\", \"processes\": 2, \"patched\": 2},"
	     " {\"name\": \"d\", \"processes\": 2, \"patched\": 2},"
	     " {\"name\": \"e\", \"processes\": 2, \"patched\": 1},"
	     " {\"name\": \"f\", \"processes\": 2, \"patched\": 2}]",
	     " e: in 1 of 2 processes. a: in 2 of 2 processes. b: in 2 of 2 processes."
	     " c: in 2 of 2 processes. And 2 more.");
}

static void now(const char *stored, const char *list, const char *want)
{
	json_t *said = json_loads(list, JSON_DECODE_ANY, NULL);
	char *text = agent_libraries_now(stored, said);

	if (want)
		assert_string_equal(text, want);
	else
		assert_null(text);
	free(text);
	json_decref(said);
}

/* A result of "current", of a dry run or of a failure has zeros where it knows nothing. */
static void only_what_was_done_is_taken_over(void **state _unused_)
{
	static const char stored[] = "[{\"build_id\":\"b1\",\"level\":1,\"processes\":5}]";

	now(stored, "[{\"build_id\":\"b1\",\"outcome\":\"current\",\"level\":0,\"processes\":0}]",
	    NULL);
	now(stored, "[{\"build_id\":\"b1\",\"outcome\":\"ready\",\"level\":2,\"processes\":5}]",
	    NULL);
	now(stored, "[{\"build_id\":\"b1\",\"outcome\":\"conflict\",\"level\":0}]", NULL);
	now(stored, "[{\"build_id\":\"b2\",\"outcome\":\"applied\",\"level\":2}]", NULL);
	now(stored, "null", NULL);
	now("no list", "[{\"build_id\":\"b1\",\"outcome\":\"applied\",\"level\":2}]", NULL);
	now(stored,
	    "[{\"build_id\":\"b1\",\"outcome\":\"applied\",\"level\":2,\"processes\":6,\"patched\":4}]",
	    "[{\"build_id\":\"b1\",\"level\":2,\"processes\":6,\"patched\":4}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_how_many_processes_and_why_not_in_the_others),
		cmocka_unit_test(of_many_the_rest_is_counted),
		cmocka_unit_test(only_what_was_done_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
