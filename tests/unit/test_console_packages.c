// SPDX-License-Identifier: Apache-2.0
/* The lists of packages that agents send. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "fleet/packages.h"
#include "sample_jobs.h"

#define LIST                                                                                       \
	"{\"distribution\":\"debian 12\",\"packages\":[[\"b\",\"2\"],[\"a\",\"1\",\"src\"],[\"c\",\"1+b1\",\"c\",\"1\"]]}"

static int put(struct sample_server *s, const struct sample_host *h, const char *body)
{
	return sample_agent_call(s, h,
				 &(const struct sample_ask){.method = "PUT",
							    .target = "/v1/agent/packages",
							    .body = body});
}

static void a_list_is_kept_in_order(void **state)
{
	struct sample_server *s = *state;
	struct sample_host h = {0};
	struct sut_err err = {0};
	json_t *doc = NULL;
	int64_t at = 0;
	char *text;

	sample_host_new(s, s->tenant[0].id, "web-1", &h);
	assert_int_equal(put(s, &h, LIST), 204);
	assert_int_equal(packages_read(s->c, h.row, &doc, &at, &err), 1);
	text = json_dumps(doc, JSON_COMPACT);
	assert_string_equal(
		text, "{\"distribution\":\"debian 12\",\"packages\":[[\"a\",\"1\",\"src\",\"1\"],"
		      "[\"b\",\"2\",\"b\",\"2\"],[\"c\",\"1+b1\",\"c\",\"1\"]]}");
	assert_int_equal(at, s->now);
	free(text);
	json_decref(doc);
	sample_host_release(&h);
}

static void the_same_list_changes_nothing_but_its_time(void **state)
{
	struct sample_server *s = *state;
	struct sample_host h = {0};
	int64_t generation;

	sample_host_new(s, s->tenant[0].id, "web-1", &h);
	assert_int_equal(put(s, &h, LIST), 204);
	generation = sample_number(s, "SELECT value FROM meta WHERE name = 'generation'");
	s->now += 60;
	assert_int_equal(put(s, &h, LIST), 204);
	assert_int_equal(sample_number(s, "SELECT value FROM meta WHERE name = 'generation'"),
			 generation);
	assert_int_equal(sample_number(s, "SELECT MAX(packages_at) FROM hosts"), s->now);
	sample_host_release(&h);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"distribution\":\"d\",\"packages\":{}}",
		"{\"distribution\":\"d\",\"packages\":[[\"a\"]]}",
		"{\"distribution\":\"d\",\"packages\":[\"a\"]}",
		"{\"distribution\":\"d\",\"packages\":[[\"a\",\"\"]]}",
		"{\"distribution\":\"d\",\"packages\":[[\"a\",\"1\\n2\"]]}",
		"{\"distribution\":\"d\",\"packages\":[[\"a\",\"1\\u202e\"]]}",
		"{\"distribution\":\"d\",\"packages\":[[\"a\",1]]}",
		"{\"distribution\":\"d\",\"packages\":[[\"a\",\"1\",\"s\",\"1\",\"x\"]]}",
		"{\"distribution\":\"d\",\"packages\":[],\"more\":1}",
	};
	struct sample_server *s = *state;
	struct sample_host h = {0};

	sample_host_new(s, s->tenant[0].id, "web-1", &h);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct packages p = {0};
		struct sut_err err = {0};

		assert_int_equal(packages_parse(bad[i], strlen(bad[i]), &p, &err), -EBADMSG);
		assert_string_equal(err.reason, "packages");
	}
	assert_int_equal(put(s, &h, bad[4]), 422);
	assert_string_equal(sample_code(s), "packages");
	sample_host_release(&h);
}

static void nobody_else_brings_one(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "PUT", "/v1/agent/packages", NULL, LIST);
	assert_status(s, 401);
	sample_call(s, "PUT", "/v1/agent/packages", s->tenant[0].token[SAMPLE_ADMIN], LIST);
	assert_status(s, 401);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, sample_jobs_configure, 0                                                    \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_list_is_kept_in_order),
		CASE(the_same_list_changes_nothing_but_its_time),
		CASE(what_is_no_list_is_refused),
		CASE(nobody_else_brings_one),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
