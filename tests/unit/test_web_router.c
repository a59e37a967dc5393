// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "web/job.h"
#include "web/router.h"

static int run(struct web_req *q _unused_, struct web_resp *r, struct sut_err *err _unused_)
{
	r->status = 204;
	return 0;
}

#define ROUTE(m, p)                                                                                \
	{                                                                                          \
		.method = m, .path = p, .allow = WEB_PUBLIC, .run = run                            \
	}

static const struct web_route routes[] = {
	ROUTE("GET", "/{kernel}/latest.v1"),	ROUTE("GET", "/repo/{*}"),
	ROUTE("GET", "/v1/systems/{system}"),	ROUTE("GET", "/v1/systems/summary"),
	ROUTE("PATCH", "/v1/systems/{system}"), ROUTE("POST", "/v1/systems/{system}/transfer"),
	ROUTE("GET", "/v1/a/{one}/b/{two}"),	{0},
};
static const struct web_table tables[] = {{"test", routes}, {0}};

struct found {
	int rc;
	const struct web_route *route;
	char *params[WEB_PARAMS_MAX];
	char allow[WEB_ALLOW_MAX];
};

static struct found find(const char *method, const char *path)
{
	struct web_router *r = NULL;
	struct sut_err err = {0};
	struct found f = {0};

	assert_ok(web_router_new(tables, &r, &err), err);
	f.rc = web_route_find(r, method, path, &f.route, f.params, f.allow);
	web_router_free(r);
	return f;
}

static void drop(struct found *f)
{
	for (size_t i = 0; i < WEB_PARAMS_MAX; i++)
		free(f->params[i]);
}

#define assert_found(m, p, want)                                                                   \
	do {                                                                                       \
		struct found f_ = find(m, p);                                                      \
		assert_int_equal(f_.rc, 0);                                                        \
		assert_string_equal(f_.route->path, want);                                         \
		drop(&f_);                                                                         \
	} while (0)

static void what_is_written_out_goes_before_a_parameter(void **state _unused_)
{
	assert_found("GET", "/v1/systems/summary", "/v1/systems/summary");
	assert_found("GET", "/v1/systems/summar", "/v1/systems/{system}");
	assert_found("PATCH", "/v1/systems/summary", "/v1/systems/{system}");
	assert_found("GET", "/v1/latest.v1", "/{kernel}/latest.v1");
}

static void parameters_come_decoded_and_in_order(void **state _unused_)
{
	struct found f = find("GET", "/v1/a/x%2fy%20/b/%c3%a4");

	assert_int_equal(f.rc, 0);
	assert_string_equal(f.params[0], "x/y ");
	assert_string_equal(f.params[1], "\xc3\xa4");
	assert_null(f.params[2]);
	drop(&f);
}

static void the_rest_of_a_path_is_one_parameter(void **state _unused_)
{
	struct found f = find("GET", "/repo/a/b/c/d/e/f/g/h/i/j/k.json");

	assert_int_equal(f.rc, 0);
	assert_string_equal(f.params[0], "a/b/c/d/e/f/g/h/i/j/k.json");
	drop(&f);
	assert_int_equal(find("GET", "/repo/").rc, -ENOENT);
	assert_int_equal(find("GET", "/repo").rc, -ENOENT);
}

static void other_methods_are_listed(void **state _unused_)
{
	struct found f = find("DELETE", "/v1/systems/x");

	assert_int_equal(f.rc, -EBADRQC);
	assert_string_equal(f.allow, "GET, HEAD, PATCH");
	f = find("GET", "/v1/systems/x/transfer");
	assert_int_equal(f.rc, -EBADRQC);
	assert_string_equal(f.allow, "POST");
}

static void head_is_what_get_is(void **state _unused_)
{
	assert_found("HEAD", "/v1/systems/x", "/v1/systems/{system}");
	assert_int_equal(find("HEAD", "/v1/systems/x/transfer").rc, -EBADRQC);
}

static void what_is_not_exactly_a_route_is_none(void **state _unused_)
{
	static const char *const paths[] = {
		"",
		"/",
		"*",
		"v1/systems/x",
		"/v1/systems",
		"/v1/systems/",
		"/v1/systems/x/",
		"/v1//systems/x",
		"//v1/systems/x",
		"/V1/systems/x",
		"/v1/systems/x/y",
		"/v1/systems/x/transfer/1/2/3/4/5/6/7/8/9",
		"/v1%2fsystems%2fx",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++)
		assert_int_equal(find("GET", paths[i]).rc, -ENOENT);
}

static void malformed_escapes_are_refused(void **state _unused_)
{
	static const char *const paths[] = {"/v1/systems/%", "/v1/systems/%4", "/v1/systems/%zz",
					    "/v1/systems/a%00b", "/repo/a/%g0"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++)
		assert_int_equal(find("GET", paths[i]).rc, -EINVAL);
}

static void routes_that_clash_or_lack_something_are_found_at_the_start(void **state _unused_)
{
	static const struct web_route twice[] = {
		ROUTE("GET", "/a/{x}"), ROUTE("GET", "/a/{y}"), {0}};
	static const struct web_route nobody[] = {{.method = "GET", .path = "/a", .run = run}, {0}};
	static const struct web_route inside[] = {ROUTE("GET", "/a/{*}/b"), {0}};
	const struct web_table bad[][2] = {{{"x", twice}}, {{"x", nobody}}, {{"x", inside}}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct web_router *r = NULL;
		struct sut_err err = {0};

		assert_int_equal(web_router_new(bad[i], &r, &err), -EINVAL);
		assert_null(r);
	}
}

static void all_routes_of_the_portal_can_be_told_apart(void **state _unused_)
{
	struct web_router *r = NULL;
	struct sut_err err = {0};

	assert_ok(web_router_new(api_tables, &r, &err), err);
	assert_true(web_router_count(r) > 3);
	web_router_free(r);
}

/* --- arguments --- */

static void arguments_are_decoded(void **state _unused_)
{
	struct web_args a = {0};

	assert_int_equal(web_args_parse("a=1&b=x+y%26&&c&=d&a=2", &a), 0);
	assert_int_equal(a.n, 5);
	assert_string_equal(a.v[1].name, "b");
	assert_string_equal(a.v[1].value, "x y&");
	assert_string_equal(a.v[2].name, "c");
	assert_string_equal(a.v[2].value, "");
	assert_string_equal(a.v[3].name, "");
	web_args_release(&a);
	assert_int_equal(web_args_parse("", &a), 0);
	assert_int_equal(a.n, 0);
}

static void malformed_and_endless_queries_are_refused(void **state _unused_)
{
	char many[WEB_ARGS_MAX * 2 + 8] = "";
	struct web_args a = {0};

	assert_int_equal(web_args_parse("a=%", &a), -EINVAL);
	assert_int_equal(web_args_parse("%0=1", &a), -EINVAL);
	assert_int_equal(web_args_parse("a=%00", &a), -EINVAL);
	for (size_t i = 0; i < WEB_ARGS_MAX; i++)
		memcpy(many + 2 * i, "a&", 3);
	assert_int_equal(web_args_parse(many, &a), 0);
	assert_int_equal(a.n, WEB_ARGS_MAX);
	web_args_release(&a);
	memcpy(many + 2 * WEB_ARGS_MAX, "a", 2);
	assert_int_equal(web_args_parse(many, &a), -EINVAL);
	assert_int_equal(a.n, 0);
}

/* --- ETags, encodings, times --- */

static void etags_compare_as_the_rfc_says(void **state _unused_)
{
	/* RFC 9110, 8.8.3.2: If-None-Match compares weakly, If-Match strongly. */
	assert_true(web_etag_in("\"v1\"", "\"v1\"", false));
	assert_true(web_etag_in("\"x\", \"v1\"", "\"v1\"", false));
	assert_true(web_etag_in("*", "\"v1\"", false));
	assert_true(web_etag_in("W/\"v1\"", "\"v1\"", true));
	assert_false(web_etag_in("W/\"v1\"", "\"v1\"", false));
	assert_true(web_etag_in("W/\"v1\", \"v1\"", "\"v1\"", false));
	assert_false(web_etag_in("\"v11\"", "\"v1\"", false));
	assert_false(web_etag_in("v1", "\"v1\"", false));
	assert_false(web_etag_in("\"v1", "\"v1\"", false));
	assert_false(web_etag_in("W/", "\"v1\"", false));
	assert_false(web_etag_in("W/\"", "\"v1\"", false));
	assert_false(web_etag_in("", "\"v1\"", false));
	assert_false(web_etag_in(",,,", "\"v1\"", true));
}

static void gzip_is_used_when_it_is_accepted(void **state _unused_)
{
	assert_true(web_takes_gzip("gzip"));
	assert_true(web_takes_gzip("deflate, GZIP;q=0.5"));
	assert_true(web_takes_gzip("br;q=1.0, gzip ; q=0.001"));
	assert_false(web_takes_gzip("gzip;q=0"));
	assert_false(web_takes_gzip("gzip;q=0.000, deflate"));
	assert_false(web_takes_gzip("notgzip"));
	assert_false(web_takes_gzip("deflate"));
	assert_false(web_takes_gzip(""));
	assert_false(web_takes_gzip(NULL));
}

static void times_go_both_ways(void **state _unused_)
{
	static const struct {
		const char *text;
		int64_t t;
	} cases[] = {
		{"2026-11-22T12:00:00Z", 1795348800},	   {"1970-01-01T00:00:00Z", 0},
		{"2000-02-29T23:59:59Z", 951868799},	   {"9999-12-31T23:59:59Z", 253402300799},
		{"2026-11-22T13:30:00+01:30", 1795348800}, {"2026-11-22t12:00:00.123z", 1795348800},
		{"2026-11-22 07:00:00-05:00", 1795348800},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		int64_t t = -1;

		assert_int_equal(web_time_parse(cases[i].text, &t), 0);
		assert_int_equal(t, cases[i].t);
		if (i < 4 && t) {
			json_t *j = web_time(t);

			assert_string_equal(json_string_value(j), cases[i].text);
			json_decref(j);
		}
	}
}

static void what_is_no_time_is_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11-22",
		"2026-11-22T12:00:00",
		"2026-02-29T12:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00Zx",
		"2026-01-01T00:00:00+25:00",
		"2026-1-01T00:00:00Z",
		"0000-01-01T00:00:00Z",
		"2026-01-01T00:00:00+0100",
		"26-01-01T00:00:00Z",
		"2026-01-01T00:00:00+01:00Z",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		int64_t t = 7;

		assert_int_equal(web_time_parse(bad[i], &t), -EINVAL);
		assert_int_equal(t, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_out_goes_before_a_parameter),
		cmocka_unit_test(parameters_come_decoded_and_in_order),
		cmocka_unit_test(the_rest_of_a_path_is_one_parameter),
		cmocka_unit_test(other_methods_are_listed),
		cmocka_unit_test(head_is_what_get_is),
		cmocka_unit_test(what_is_not_exactly_a_route_is_none),
		cmocka_unit_test(malformed_escapes_are_refused),
		cmocka_unit_test(routes_that_clash_or_lack_something_are_found_at_the_start),
		cmocka_unit_test(all_routes_of_the_portal_can_be_told_apart),
		cmocka_unit_test(arguments_are_decoded),
		cmocka_unit_test(malformed_and_endless_queries_are_refused),
		cmocka_unit_test(etags_compare_as_the_rfc_says),
		cmocka_unit_test(gzip_is_used_when_it_is_accepted),
		cmocka_unit_test(times_go_both_ways),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests_name("web_router", tests, NULL, NULL);
}
