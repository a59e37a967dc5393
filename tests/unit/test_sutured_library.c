// SPDX-License-Identifier: Apache-2.0
/* sutured brings libraries to what they are to run: each by itself, beside the kernel, and by the same rules. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_update.h"
#include "sutured/job_library.h"
#include "sutured/library.h"
#include "sutured/report.h"
#include "sutured/told.h"

enum { SSL, EXPAT };

static int setup(void **state)
{
	int r = world_setup(state);

	world.lib[SSL].processes = 14;
	world.lib[EXPAT].processes = 2;
	world.n.on_due[NET_DUE_LIBRARY] = NULL;
	library_part.init(&world.n);
	world_publish();
	return r;
}

/* A look into the repository, and what follows. */
static void look(void)
{
	world_due(NET_DUE_CHECK);
	world_due(NET_DUE_LIBRARY);
}

static void each_is_brought_to_what_is_told(void **state _unused_)
{
	world_release_library(SSL, 1);
	world_release_library(SSL, 2);
	world_release_library(EXPAT, 4);
	world_told("keep", 0, NULL);
	look();
	/* In use, there are patches, and nobody told anything. */
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_lib_state(SSL), "current");
	world_told_library(SSL, "apply", 2);
	world_told_library(EXPAT, "apply", 4);
	world_due(NET_DUE_LIBRARY);
	assert_string_equal(world_asked(), "stage lib-apply stage lib-apply");
	assert_true(world.half.sealed);
	assert_int_equal(world.lib[SSL].level, 2);
	assert_int_equal(world.lib[EXPAT].level, 4);
	assert_string_equal(world_lib_state(SSL), "current");
	assert_int_equal(world.level, 0);
	look();
	assert_string_equal(world_asked(), "");
}

static void what_is_not_in_use_is_left_alone(void **state _unused_)
{
	json_t *all;

	world.lib[EXPAT].processes = 0;
	world_release_library(SSL, 1);
	world_release_library(EXPAT, 1);
	world_told("keep", 0, NULL);
	look();
	all = state_get(&world.n, "libraries");
	assert_int_equal(json_array_size(all), 1);
	json_decref(all);
	assert_string_equal(world_lib_state(EXPAT), "");
}

static void one_that_fails_keeps_no_other_back(void **state _unused_)
{
	world_release(1);
	world_release_library(SSL, 1);
	world_release_library(EXPAT, 1);
	world_told("apply", 1, NULL);
	world_told_library(SSL, "apply", 1);
	world_told_library(EXPAT, "apply", 1);
	world.half.refuse = "lib-apply";
	world.half.reason = "no-daemon";
	look();
	assert_string_equal(world_asked(), "stage apply stage lib-apply stage lib-apply");
	assert_string_equal(world_state(), "current");
	assert_string_equal(world_lib_state(SSL), "failed");
	assert_string_equal(world_lib_why(SSL), "no-daemon");
	/* It is let alone for a while, and then tried again. */
	world.half.refuse = NULL;
	world_due(NET_DUE_LIBRARY);
	assert_string_equal(world_asked(), "");
	assert_in_range(net_due_left(&world.n, NET_DUE_LIBRARY), 1, 15 * 60 + 2);
	world.boot += 15 * 60;
	world_due(NET_DUE_LIBRARY);
	assert_string_equal(world_asked(), "stage lib-apply stage lib-apply");
	assert_string_equal(world_lib_state(EXPAT), "current");
}

/* A path that leads elsewhere, and a kernel's patch that is called a library's, are not obeyed. */
static void a_portal_that_lies_is_not_obeyed(void **state _unused_)
{
	json_t *told;

	world_release(1);
	world_release_library(SSL, 1);
	world_told("keep", 0, NULL);
	look();
	world_told_library(SSL, "apply", 1);
	told = state_get(&world.n, "_told_libraries");
	json_object_set_new(
		json_array_get(told, 0), "sha256",
		json_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	state_set(&world.n, "_told_libraries", told);
	look();
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_lib_why(SSL), "portal-differs");
	told = state_get(&world.n, "_told_libraries");
	json_object_set_new(json_array_get(told, 0), "path",
			    json_string("kernel/" WORLD_BUILD "/1/kpatch.bin"));
	state_set(&world.n, "_told_libraries", told);
	look();
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_lib_why(SSL), "not-in-repository");
}

static void the_stop_flag_takes_it_out(void **state _unused_)
{
	world_release_library(SSL, 1);
	world_told("keep", 0, NULL);
	world_told_library(SSL, "apply", 1);
	look();
	assert_string_equal(world_asked(), "stage lib-apply");
	world_stop_flag("unload");
	look();
	assert_string_equal(world_asked(), "lib-unload");
	assert_int_equal(world.lib[SSL].level, 0);
	world_stop_flag("none");
	look();
	assert_string_equal(world_asked(), "stage lib-apply");
}

static void what_the_portal_takes_back_goes(void **state _unused_)
{
	world_release_library(SSL, 1);
	world_told("keep", 0, NULL);
	world_told_library(SSL, "apply", 1);
	look();
	assert_string_equal(world_asked(), "stage lib-apply");
	state_set(&world.n, "_told_libraries", json_array());
	world_due(NET_DUE_LIBRARY);
	/* One that is not named is left as it is. */
	assert_string_equal(world_asked(), "");
	world_told_library(SSL, "unload", 0);
	world_due(NET_DUE_LIBRARY);
	assert_string_equal(world_asked(), "lib-unload");
	assert_int_equal(world.lib[SSL].level, 0);
}

/* A quarantine is that of one build, and a library's is none of the kernel's. */
static void quarantined_is_not_applied_again(void **state _unused_)
{
	static char entry[512];
	char sha256[SUT_SHA256_HEX];
	json_t *told;

	world_release(1);
	world_release_library(SSL, 1);
	world_told("keep", 0, NULL);
	world_told_library(SSL, "apply", 1);
	told = state_get(&world.n, "_told_libraries");
	snprintf(sha256, sizeof(sha256), "%s",
		 json_string_value(json_object_get(json_array_get(told, 0), "sha256")));
	json_decref(told);
	snprintf(
		entry, sizeof(entry),
		"{\"id\":\"U11\",\"level\":1,\"sha256\":\"%s\",\"why\":\"fault\",\"build_id\":\"" WORLD_SSL
		"\"}",
		sha256);
	world.lib_quarantined = entry;
	world_publish();
	look();
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_lib_state(SSL), "quarantined");
	assert_string_equal(world_state(), "current");
}

static void without_a_portal_the_highest_level_is_run(void **state _unused_)
{
	world.n.id.system_id[0] = 0;
	world.n.id.portal[0] = 0;
	world_release_library(SSL, 1);
	world_release_library(SSL, 3);
	look();
	assert_string_equal(world_asked(), "stage lib-apply");
	assert_int_equal(world.lib[SSL].level, 3);
}

static void agent_conf_takes_libraries_out(void **state _unused_)
{
	json_t *report;

	world.n.conf.libraries = false;
	world_release_library(SSL, 1);
	world_told("keep", 0, NULL);
	world_told_library(SSL, "apply", 1);
	look();
	assert_string_equal(world_asked(), "");
	report = library_report(&world.n, NULL, true);
	assert_null(report);
}

/* What somebody took out by hand waits for a person. */
static void what_root_took_out_stays_out(void **state _unused_)
{
	world_release_library(SSL, 1);
	world.lib[SSL].unloaded = true;
	world_publish();
	world_told("keep", 0, NULL);
	world_told_library(SSL, "apply", 1);
	look();
	assert_string_equal(world_asked(), "");
	assert_string_equal(world_lib_why(SSL), "unloaded");
	assert_string_equal(world_lib_state(SSL), "held");
}

static const struct update_ask *same(void *ctx, const char *build_id _unused_)
{
	return ctx;
}

static void update_of_one_by_name(void **state _unused_)
{
	struct update_ask ask = {.asks = DECIDE_ASKS_ROOT, .level = 1, .by = "root"};
	const struct library_asks asks = {same, &ask};
	struct sut_err err = {0};
	json_t *list = NULL;

	world_release_library(SSL, 1);
	world_release_library(SSL, 2);
	world_release_library(EXPAT, 1);
	world.n.id.system_id[0] = 0;
	world.n.id.portal[0] = 0;
	assert_ok(library_update(&world.n, NULL, &asks, WORLD_SSL, &list, &err), err);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "action")),
			    "apply");
	assert_string_equal(world_asked(), "stage lib-apply");
	assert_int_equal(world.lib[SSL].level, 1);
	assert_int_equal(world.lib[EXPAT].level, 0);
	json_decref(list);
	list = NULL;
	assert_int_equal(library_update(&world.n, NULL, &asks, WORLD_BUILD, &list, &err), -ENOENT);
	assert_string_equal(err.reason, "no-library");
	json_decref(list);
}

/* ------------------------------------------------------------------ */
/* Jobs                                                                */

/* Runs it; *ret: the outcome of the library, "" when it is not among them. */
static const char *job(struct sut_job_target *targets, size_t n, enum sut_job_action action,
		       const char *build_id, const char **ret_all)
{
	struct sut_job j = {.id = "job-1",
			    .issuer = "platform",
			    .action = action,
			    .targets = targets,
			    .ntargets = n,
			    .library = true};
	static char word[64];
	json_t *list = NULL, *e;
	struct sut_err err = {0};
	size_t i;
	int r = job_library_run(&world.n, NULL, &j, "job job-1", &list, ret_all, &err);

	word[0] = 0;
	json_array_foreach(list, i, e)
		if (sut_streq(json_string_value(json_object_get(e, "build_id")), build_id))
			snprintf(word, sizeof(word), "%s",
				 json_string_value(json_object_get(e, "outcome")));
	json_decref(list);
	if (r < 0)
		*ret_all = "failed";
	return word;
}

static void jobs_tell_what_became_of_each(void **state _unused_)
{
	struct sut_job_target latest = {.goal = SUT_JOB_LATEST},
			      level = {.goal = SUT_JOB_LEVEL, .level = 1},
			      named = {.build_id = WORLD_SSL, .goal = SUT_JOB_LEVEL, .level = 1};
	struct sut_job none = {.library = true, .targets = &level, .ntargets = 1};
	const char *all;

	world.n.id.system_id[0] = 0;
	world.n.id.portal[0] = 0;
	world_release_library(SSL, 1);
	world_release_library(SSL, 2);
	world_release_library(EXPAT, 1);
	world.n.conf.policy.update = AGENT_UPDATE_MANUAL;
	look();
	/* A level is one of the kernel, when it is said of everything. */
	assert_false(job_library_named(&world.n, &none));
	assert_string_equal(job(&level, 1, SUT_JOB_APPLY, WORLD_SSL, &all), "");
	assert_string_equal(world_asked(), "");
	assert_string_equal(job(&named, 1, SUT_JOB_PREFLIGHT, WORLD_SSL, &all), "ready");
	assert_string_equal(all, "ready");
	assert_string_equal(world_asked(), "stage lib-apply");
	world.lib[SSL].level = 0;
	world_publish();
	assert_string_equal(job(&named, 1, SUT_JOB_APPLY, WORLD_SSL, &all), "applied");
	assert_string_equal(world_asked(), "stage lib-apply");
	assert_int_equal(world.lib[SSL].level, 1);
	assert_string_equal(job(&latest, 1, SUT_JOB_APPLY, WORLD_EXPAT, &all), "applied");
	assert_int_equal(world.lib[SSL].level, 2);
	assert_int_equal(world.lib[EXPAT].level, 1);
	(void)world_asked();
	assert_string_equal(job(&latest, 1, SUT_JOB_APPLY, WORLD_EXPAT, &all), "current");
	assert_string_equal(all, "current");
	memset(named.sha256, 'a', 64);
	named.goal = SUT_JOB_LATEST;
	world.lib[SSL].level = 0;
	world_publish();
	assert_string_equal(job(&named, 1, SUT_JOB_APPLY, WORLD_SSL, &all), "differs");
	assert_string_equal(all, "failed");
	(void)job(NULL, 0, SUT_JOB_UNLOAD, WORLD_SSL, &all);
	assert_string_equal(all, "reverted");
	assert_int_equal(world.lib[EXPAT].level, 0);
	(void)job(NULL, 0, SUT_JOB_UNLOAD, WORLD_SSL, &all);
	assert_string_equal(all, "nothing-applied");
}

/* ------------------------------------------------------------------ */

static json_t *reported(char what[static SUT_SHA256_HEX])
{
	struct report r = {0};
	struct sut_err err = {0};
	json_t *apply = json_pack("{s:[{s:s, s:s, s:s, s:i, s:i, s:i}]}", "libraries", "build_id",
				  WORLD_SSL, "name", "libssl.so.3", "id", "U11", "level",
				  world.lib[SSL].level, "processes", world.lib[SSL].processes,
				  "patched", world.lib[SSL].processes);
	json_t *list;

	assert_ok(report_make(&world.n, apply, "", &r, &err), err);
	memcpy(what, r.what, SUT_SHA256_HEX);
	list = json_incref(json_object_get(r.body, "libraries"));
	assert_int_equal(json_array_size(json_object_get(r.body, "products")), 2);
	report_release(&r);
	json_decref(apply);
	return list;
}

static void what_is_reported_has_counts_that_are_no_news(void **state _unused_)
{
	char one[SUT_SHA256_HEX], two[SUT_SHA256_HEX];
	json_t *list;

	world_put(world.root, "/etc/machine-id", "5b1c5b1c5b1c5b1c5b1c5b1c5b1c5b1c\n", 33);
	world_release_library(SSL, 1);
	world_release_library(EXPAT, 1);
	world_told("keep", 0, NULL);
	look();
	list = reported(one);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "processes")),
			 14);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "name")),
			    "libexpat.so.1");
	json_decref(list);
	world.lib[SSL].processes = 15;
	json_decref(reported(two));
	assert_string_equal(one, two);
	world.lib[SSL].level = 1;
	json_decref(reported(two));
	assert_string_not_equal(one, two);
}

static void answers_that_make_no_sense_are_not_obeyed(void **state _unused_)
{
#define HEAD "{\"serial\":1,\"next_checkin_s\":1,\"kernel\":{\"action\":\"none\",\"level\":0}"
	static const struct {
		const char *body, *says; /* NULL: it is good */
	} cases[] = {
		{HEAD "}", NULL},
		{HEAD ",\"libraries\":[]}", NULL},
		{HEAD ",\"libraries\":[{\"build_id\":\"" WORLD_SSL
		      "\",\"action\":\"keep\",\"level\":1}]}",
		 NULL},
		{HEAD ",\"libraries\":{}}", "\"libraries\""},
		{HEAD ",\"libraries\":[{\"build_id\":\"6d1c\",\"action\":\"keep\"}]}",
		 "libraries.build_id"},
		{HEAD ",\"libraries\":[{\"build_id\":\"" WORLD_SSL "\",\"action\":\"burn\"}]}",
		 "libraries.action"},
		{HEAD ",\"libraries\":[{\"build_id\":\"" WORLD_SSL
		      "\",\"action\":\"apply\",\"patchset\":\"U1\",\"level\":0}]}",
		 "libraries.level"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		json_t *body = json_loads(cases[i].body, 0, NULL);
		struct told t = {0};
		struct sut_err err = {0};
		int r;

		assert_non_null(body);
		r = told_parse(body, &t, &err);
		assert_int_equal(r, cases[i].says ? -EPROTO : 0);
		if (r < 0)
			assert_says(err, cases[i].says);
		told_release(&t);
		json_decref(body);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		CASE(each_is_brought_to_what_is_told),
		CASE(what_is_not_in_use_is_left_alone),
		CASE(one_that_fails_keeps_no_other_back),
		CASE(a_portal_that_lies_is_not_obeyed),
		CASE(the_stop_flag_takes_it_out),
		CASE(what_the_portal_takes_back_goes),
		CASE(quarantined_is_not_applied_again),
		CASE(without_a_portal_the_highest_level_is_run),
		CASE(agent_conf_takes_libraries_out),
		CASE(what_root_took_out_stays_out),
		CASE(update_of_one_by_name),
		CASE(jobs_tell_what_became_of_each),
		CASE(what_is_reported_has_counts_that_are_no_news),
		CASE(answers_that_make_no_sense_are_not_obeyed),
	};

	return cmocka_run_group_tests_name("sutured_library", tests, NULL, NULL);
}
