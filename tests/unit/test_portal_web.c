// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "sample_portal.h"

static void an_unknown_path_is_not_found(void **state)
{
	struct sample_portal *s = *state;

	sample_call(s, "GET", "/v1/nothing-here", NULL, NULL);
	assert_problem(s, 404, "not-found");
	assert_string_equal(sample_text(s, "type"), "urn:suture:problem:not-found");
	assert_string_equal(s->r.type, "application/problem+json");
	assert_int_equal(strlen(sample_text(s, "request_id")), 16);
}

static void another_method_is_told_which_ones_there_are(void **state)
{
	struct sample_portal *s = *state;

	sample_call(s, "DELETE", "/healthz", NULL, NULL);
	assert_problem(s, 405, "method-not-allowed");
	assert_string_equal(sample_answer_header(s, "Allow"), "GET, HEAD");
	sample_call(s, "HEAD", "/healthz", NULL, NULL);
	assert_status(s, 200);
}

static void an_unknown_argument_is_a_mistake(void **state)
{
	struct sample_portal *s = *state;

	sample_call(s, "GET", "/healthz?x=1", NULL, NULL);
	assert_problem(s, 400, "unknown-argument");
}

static void a_malformed_query_is_refused(void **state)
{
	struct sample_portal *s = *state;

	sample_call(s, "GET", "/healthz?x=%zz", NULL, NULL);
	assert_problem(s, 400, "bad-target");
	sample_call(s, "GET", "/healthz?x=%00", NULL, NULL);
	assert_problem(s, 400, "bad-target");
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_portal_case cases[] = {
		CASE(an_unknown_path_is_not_found),
		CASE(another_method_is_told_which_ones_there_are),
		CASE(an_unknown_argument_is_a_mistake),
		CASE(a_malformed_query_is_refused),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
