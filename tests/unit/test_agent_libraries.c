// SPDX-License-Identifier: Apache-2.0
/* Patches of libraries in suture-apply: the store, what suture-process is told, probation, modes. suture-process is a sample. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_machine.h"
#include "sample_patch.h"
#include "suture-apply/library/act.h"
#include "suture-apply/library/faults.h"

static struct sut_err err;

static int set_up(void **state)
{
	struct sample_machine *s = sample_machine_new();

	sample_write(s, "/process.json",
		     "{\"processes\": [{\"pid\": 100, \"comm\": \"nginx\", \"build_id\": "
		     "\"" SAMPLE_LIBRARY_BUILD_ID "\"}, {\"pid\": 101, \"comm\": \"nginx\", "
		     "\"build_id\": \"" SAMPLE_LIBRARY_BUILD_ID
		     "\"}, {\"pid\": 200, \"comm\": \"my (app)[x]\", \"build_id\": "
		     "\"" SAMPLE_LIBRARY_BUILD_ID "\"}]}",
		     0644);
	sample_process_start(s);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	sample_machine_free(*state);
	return 0;
}

static void apply(const struct sample_machine *s, int n)
{
	assert_ok(sample_lib_stage(s, n, &err), err);
	assert_ok(sample_lib_apply(s, n, &err), err);
}

static void settle(const struct sample_machine *s)
{
	assert_ok(sample_lib_settle(s, &err), err);
}

static void ahead(const struct sample_machine *s, int64_t seconds)
{
	assert_ok(machine_file_ahead(s->root, seconds, &err), err);
}

static void say(const struct sample_machine *s, const char *text)
{
	assert_ok(machine_file_say(s->root, text, &err), err);
}

/* The next boot: suture-process comes up anew, knows nothing, and is fed. */
static void boot(struct sample_machine *s, const char *cmdline)
{
	sample_process_stop(s);
	(void)!unlink(agent_path(s->root, "/process-set.json").s);
	sample_next_boot(s, true, cmdline);
	sample_process_start(s);
	assert_ok(sample_lib_feed(s, &err), err);
}

/* The entry of U1 to U3 in the published state; the caller's. */
static json_t *entry(const struct sample_machine *s)
{
	json_t *state = sample_state(s), *l, *found = NULL;
	size_t i;

	json_array_foreach(json_object_get(state, "libraries"), i, l)
		if (sut_streq(json_string_value(json_object_get(l, "build_id")),
			      SAMPLE_LIBRARY_BUILD_ID))
			found = json_incref(l);
	json_decref(state);
	return found;
}

static void member_is(const json_t *j, const char *name, const char *value)
{
	assert_string_equal(json_string_value(json_object_get(j, name)), value);
}

/* Every word of `words` stands in the history, in this order. */
static void history_has(const struct sample_machine *s, const char *const *words)
{
	struct agent_path path = agent_path(s->root, AGENT_HISTORY);
	struct sut_buf b = SUT_BUF_INIT(1 << 20);
	const char *at;

	assert_ok(sut_file_read(path.s, &b, &err), err);
	at = sut_buf_str(&b);
	for (; *words; words++) {
		at = strstr(at, *words);
		if (!at)
			fail_msg("no \"%s\" in %s", *words, sut_buf_str(&b));
	}
	sut_buf_release(&b);
}

static bool quarantined(const struct sample_machine *s, int n)
{
	struct guard g;

	sample_lib_guard(s, n, &g);
	return guard_is_quarantined(&g, s->library[n].sha256);
}

/* ------------------------------------------------------------------ */

static void what_nobody_vouches_for_is_not_staged(void **state)
{
	struct sample_machine *s = *state;
	_cleanup_(sut_closep) int file = sample_sealed(&s->library[1].file),
				  sig = sample_sealed(&s->library[2].sig),
				  kernel = sample_sealed(&s->patch[1].sig);

	assert_int_equal(sample_lib_stage_fds(s, 1, file, sig, false, &err), -EKEYREJECTED);
	assert_string_equal(err.reason, "bad-signature");
	assert_int_equal(sample_lib_stage_fds(s, 1, file, kernel, false, &err), -EKEYREJECTED);
	assert_int_equal(sample_lib_stage_fds(s, 2, file, sig, false, &err), -EBADMSG);
	assert_string_equal(err.reason, "digest");
	assert_int_equal(sample_lib_apply(s, 1, &err), -ENOENT);
	assert_string_equal(err.reason, "not-staged");
	assert_int_equal(sample_process_count(s), -1);
}

static void each_kind_of_patch_has_its_own_way(void **state)
{
	struct sample_machine *s = *state;
	_cleanup_(apply_release) struct apply a;

	assert_ok(sample_lib_stage(s, 1, &err), err);
	assert_ok(sample_stage(s, 1, &err), err);
	apply_init(&a, s->root);
	assert_ok(machine_file_use(&a, &err), err);
	assert_ok(apply_lock(&a, 1000, &err), err);
	assert_int_equal(
		act_apply(&a, s->library[1].sha256, &(struct act_opts){.by = "root"}, NULL, &err),
		-ENOENT);
	assert_int_equal(
		library_apply(&a, s->patch[1].sha256, &(struct act_opts){.by = "root"}, NULL, &err),
		-ENOENT);
	assert_string_equal(err.reason, "not-staged");
}

static void an_apply_is_told_to_the_daemon_and_watched(void **state)
{
	static const char *const words[] = {"applied", "U1", "good", "U1", NULL};
	struct sample_machine *s = *state;
	struct guard g;
	json_t *e;

	apply(s, 1);
	assert_true(sample_process_has(s, 1));
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_PROBATION);
	e = entry(s);
	member_is(e, "id", "U1");
	member_is(e, "name", "libexpat.so.1");
	member_is(e, "package", "libexpat1");
	member_is(e, "package_version", "2.5.0-1+deb12u1");
	member_is(e, "phase", "probation");
	member_is(e, "signed_by", "vendor");
	assert_int_equal(json_integer_value(json_object_get(e, "processes")), 3);
	assert_int_equal(json_integer_value(json_object_get(e, "patched")), 3);
	assert_int_equal(json_array_size(json_object_get(e, "cves")), 1);
	json_decref(e);
	ahead(s, 100);
	settle(s);
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_PROBATION);
	ahead(s, 900);
	settle(s);
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_string_equal(g.good.id, "U1");
	e = entry(s);
	member_is(e, "phase", "good");
	json_decref(e);
	assert_true(sample_process_has(s, 1));
	history_has(s, words);
}

static void without_the_daemon_nothing_is_to_run(void **state)
{
	struct sample_machine *s = *state;
	struct guard g;
	json_t *j;

	sample_process_stop(s);
	assert_ok(sample_lib_stage(s, 1, &err), err);
	assert_true(sample_lib_apply(s, 1, &err) < 0);
	assert_string_equal(err.reason, "no-daemon");
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_string_equal(store_wanted(&g)->id, "");
	j = sample_state(s);
	assert_int_equal(json_array_size(json_object_get(j, "errors")), 1);
	json_decref(j);
	/* And what is mended is told no longer. */
	sample_process_start(s);
	assert_ok(sample_lib_apply(s, 1, &err), err);
	j = sample_state(s);
	assert_int_equal(json_array_size(json_object_get(j, "errors")), 0);
	json_decref(j);
}

static void what_the_daemon_refuses_leaves_what_ran_before(void **state)
{
	struct sample_machine *s = *state;
	struct guard g;

	sample_lib_make_good(s, 1);
	sample_write(s, "/process.json", "{\"fail\": \"payload\"}", 0644);
	assert_ok(sample_lib_stage(s, 2, &err), err);
	assert_true(sample_lib_apply(s, 2, &err) < 0);
	assert_string_equal(err.reason, "payload");
	sample_lib_guard(s, 1, &g);
	assert_string_equal(store_wanted(&g)->id, "U1");
	assert_true(sample_process_has(s, 1));
}

static void a_lower_level_has_to_be_meant(void **state)
{
	struct sample_machine *s = *state;
	_cleanup_(apply_release) struct apply a;
	const struct act_opts down = {.by = "root", .down = true};

	apply(s, 2);
	assert_ok(sample_lib_stage(s, 1, &err), err);
	assert_int_equal(sample_lib_apply(s, 1, &err), -EEXIST);
	assert_string_equal(err.reason, "lower-level");
	assert_true(sample_process_has(s, 2));
	apply_init(&a, s->root);
	assert_ok(machine_file_use(&a, &err), err);
	assert_ok(apply_lock(&a, 1000, &err), err);
	assert_ok(library_apply(&a, s->library[1].sha256, &down, NULL, &err), err);
	assert_true(sample_process_has(s, 1) && !sample_process_has(s, 2));
}

static void more_libraries_than_a_message_holds_are_told(void **state)
{
	struct sample_machine *s = *state;

	apply(s, 1);
	for (int n = 4; n <= SAMPLE_LIBRARIES; n++)
		apply(s, n);
	assert_int_equal(sample_process_count(s), SAMPLE_LIBRARIES - 2);
	for (int n = 4; n <= SAMPLE_LIBRARIES; n++)
		assert_true(sample_process_has(s, n));
	assert_ok(sample_lib_unload(s, SAMPLE_OTHER_BUILD_ID, &err), err);
	assert_int_equal(sample_process_count(s), SAMPLE_LIBRARIES - 3);
	assert_false(sample_process_has(s, 4));
}

static void a_fault_in_patched_code_takes_the_last_good_one_back(void **state)
{
	static const char *const words[] = {"quarantined", "U2", "segfault", NULL};
	struct sample_machine *s = *state;
	json_t *j, *q;

	sample_lib_make_good(s, 1);
	apply(s, 2);
	ahead(s, 10);
	say(s,
	    "nginx[101]: segfault at 8 ip 00007f1122334455 sp 00007ffd00000000 error 4 likely on CPU 1 (core 1, socket 0)");
	ahead(s, 1);
	settle(s);
	assert_true(quarantined(s, 2));
	assert_true(sample_process_has(s, 1) && !sample_process_has(s, 2));
	j = sample_state(s);
	q = json_array_get(json_object_get(j, "quarantined"), 0);
	member_is(q, "id", "U2");
	member_is(q, "why", "fault");
	member_is(q, "build_id", SAMPLE_LIBRARY_BUILD_ID);
	json_decref(j);
	assert_int_equal(sample_lib_apply(s, 2, &err), -EPERM);
	assert_string_equal(err.reason, "quarantined");
	history_has(s, words);
}

static void a_fault_elsewhere_blames_nobody(void **state)
{
	struct sample_machine *s = *state;

	apply(s, 1);
	ahead(s, 10);
	say(s,
	    "nginx[101]: segfault at 8 ip 00007f11 sp 00007ffd error 4 in libc.so.6[7f1100000000+1000]");
	say(s,
	    "other[999]: segfault at 8 ip 00007f11 sp 00007ffd error 4 in libexpat.so.1.8.10[7f1100000000+1000]");
	ahead(s, 900);
	settle(s);
	assert_false(quarantined(s, 1));
	assert_true(sample_process_has(s, 1));
}

static void a_health_check_that_fails_takes_it_out(void **state)
{
	struct sample_machine *s = *state;
	struct guard g;

	apply(s, 1);
	sample_write(s, "/etc/suture/health.d/10-web", "#!/bin/sh\nexit 1\n", 0755);
	ahead(s, 1000);
	settle(s);
	assert_true(quarantined(s, 1));
	assert_int_equal(sample_process_count(s), 0);
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	/* Let go, it may be tried again. */
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "release"), NULL, &err), err);
	assert_false(quarantined(s, 1));
	assert_ok(sample_lib_stage(s, 1, &err), err);
	assert_ok(sample_lib_apply(s, 1, &err), err);
}

static void what_cannot_be_taken_back_is_tried_again(void **state)
{
	struct sample_machine *s = *state;
	struct guard g;

	apply(s, 1);
	sample_write(s, "/etc/suture/health.d/10-web", "#!/bin/sh\nexit 1\n", 0755);
	ahead(s, 1000);
	sample_process_stop(s);
	assert_true(sample_lib_settle(s, &err) < 0);
	assert_true(quarantined(s, 1));
	sample_lib_guard(s, 1, &g);
	assert_string_equal(store_wanted(&g)->id, "");
	sample_process_start(s);
	settle(s);
	assert_int_equal(sample_process_count(s), 0);
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
}

static void an_unload_is_remembered_until_an_apply(void **state)
{
	struct sample_machine *s = *state;
	json_t *e;

	sample_lib_make_good(s, 1);
	assert_ok(sample_lib_unload(s, NULL, &err), err);
	assert_int_equal(sample_process_count(s), 0);
	e = entry(s);
	assert_true(json_is_true(json_object_get(e, "unloaded")));
	assert_int_equal(json_integer_value(json_object_get(e, "level")), 0);
	member_is(e, "name", "libexpat.so.1");
	json_decref(e);
	boot(s, NULL);
	assert_false(sample_process_has(s, 1));
	assert_ok(sample_lib_apply(s, 1, &err), err);
	assert_true(sample_process_has(s, 1));
	e = entry(s);
	assert_false(json_is_true(json_object_get(e, "unloaded")));
	json_decref(e);
}

static void an_unload_that_could_not_be_done_is_done_when_the_daemon_is_back(void **state)
{
	struct sample_machine *s = *state;

	sample_lib_make_good(s, 1);
	sample_process_stop(s);
	assert_true(sample_lib_unload(s, NULL, &err) < 0);
	sample_process_start(s);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_int_equal(sample_process_count(s), 0);
}

static void a_boot_feeds_the_daemon_and_begins_the_probation_anew(void **state)
{
	struct sample_machine *s = *state;
	struct guard g;

	sample_lib_make_good(s, 1);
	apply(s, 4);
	ahead(s, 800);
	boot(s, NULL);
	assert_true(sample_process_has(s, 1) && sample_process_has(s, 4));
	ahead(s, 200);
	settle(s);
	sample_lib_guard(s, 4, &g);
	assert_int_equal(g.phase, GUARD_PROBATION);
	ahead(s, 800);
	settle(s);
	sample_lib_guard(s, 4, &g);
	assert_string_equal(g.good.id, "U4");
}

static void choose(const struct sample_machine *s, const char *mode)
{
	assert_ok(
		sample_verb(s, json_pack("{s:s,s:s}", "verb", "choose", "mode", mode), NULL, &err),
		err);
}

static void the_mode_counts_at_once_and_at_a_boot(void **state)
{
	struct sample_machine *s = *state;

	sample_lib_make_good(s, 1);
	choose(s, "off");
	assert_int_equal(sample_process_count(s), 0);
	assert_int_equal(sample_lib_apply(s, 1, &err), -EPERM);
	choose(s, "normal");
	assert_true(sample_process_has(s, 1));
	/* What runs stays, also when suture-process is started anew; nothing new, nothing after a boot. */
	choose(s, "no-apply");
	(void)!unlink(agent_path(s->root, "/process-set.json").s);
	sample_process_start(s);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_true(sample_process_has(s, 1));
	assert_ok(sample_lib_stage(s, 2, &err), err);
	assert_int_equal(sample_lib_apply(s, 2, &err), -EPERM);
	boot(s, NULL);
	assert_int_equal(sample_process_count(s), -1);
	choose(s, "normal");
	assert_true(sample_process_has(s, 1));
	boot(s, "ro suture=off");
	assert_true(sample_process_count(s) <= 0);
}

static void the_disable_file_keeps_what_runs_until_the_boot(void **state)
{
	struct sample_machine *s = *state;

	sample_lib_make_good(s, 1);
	sample_write(s, AGENT_DISABLED, "", 0644);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_true(sample_process_has(s, 1));
	assert_ok(sample_lib_stage(s, 4, &err), err);
	assert_int_equal(sample_lib_apply(s, 4, &err), -EPERM);
	assert_string_equal(err.reason, "disabled");
	boot(s, NULL);
	assert_int_equal(sample_process_count(s), -1);
}

static void a_hold_keeps_new_ones_away(void **state)
{
	struct sample_machine *s = *state;

	assert_ok(sample_verb(s,
			      json_pack("{s:s,s:{s:s,s:n}}", "verb", "choose", "hold", "reason",
					"freeze", "until"),
			      NULL, &err),
		  err);
	assert_ok(sample_lib_stage(s, 1, &err), err);
	assert_int_equal(sample_lib_apply(s, 1, &err), -EPERM);
	assert_string_equal(err.reason, "hold");
}

static void a_key_that_is_taken_away_takes_its_patches_along(void **state)
{
	struct sample_machine *s = *state;
	json_t *j;

	sample_lib_make_good(s, 1);
	assert_int_equal(unlink(agent_path(s->root, AGENT_KEYS "/vendor.pub").s), 0);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_int_equal(sample_process_count(s), 0);
	j = sample_state(s);
	assert_int_equal(json_array_size(json_object_get(j, "errors")), 1);
	json_decref(j);
}

static void a_file_that_rotted_is_not_told(void **state)
{
	struct sample_machine *s = *state;
	char path[512];
	struct agent_path p;

	sample_lib_make_good(s, 1);
	apply(s, 4);
	snprintf(path, sizeof(path), AGENT_LIBRARIES "/" SAMPLE_LIBRARY_BUILD_ID "/%s.upatch.bin",
		 s->library[1].sha256);
	p = agent_path(s->root, path);
	assert_int_equal(truncate(p.s, 100), 0);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_true(sample_process_has(s, 4));
	assert_int_equal(sample_process_count(s), 1);
}

static void a_damaged_wanted_json_is_told_and_let_go(void **state)
{
	struct sample_machine *s = *state;
	struct guard g;
	json_t *j;

	sample_lib_make_good(s, 1);
	apply(s, 4);
	sample_write(s, AGENT_LIBRARIES "/" SAMPLE_LIBRARY_BUILD_ID "/wanted.json", "{", 0644);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_int_equal(sample_process_count(s), 1);
	j = sample_state(s);
	assert_true(json_array_size(json_object_get(j, "errors")) >= 1);
	json_decref(j);
	assert_int_equal(sample_lib_apply(s, 1, &err), -EBADMSG);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "release"), NULL, &err), err);
	sample_lib_guard(s, 1, &g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_ok(sample_lib_apply(s, 1, &err), err);
}

static void who_leaves_takes_them_out(void **state)
{
	struct sample_machine *s = *state;
	_cleanup_(apply_release) struct apply a;

	sample_lib_make_good(s, 1);
	apply_init(&a, s->root);
	assert_ok(machine_file_use(&a, &err), err);
	assert_ok(apply_leave(&a, &err), err);
	assert_int_equal(sample_process_count(s), 0);
	/* Who comes back goes on. */
	assert_ok(sample_lib_feed(s, &err), err);
	assert_true(sample_process_has(s, 1));
	assert_ok(sample_verb(s, json_pack("{s:s,s:b}", "verb", "forget", "purge", 1), NULL, &err),
		  err);
	assert_int_equal(sample_process_count(s), 0);
	assert_false(sut_exists(agent_path(s->root, AGENT_LIBRARIES).s));
}

static void what_nobody_vouches_for_is_roots_to_apply(void **state)
{
	struct sample_machine *s = *state;
	_cleanup_(sut_closep) int file = sample_sealed(&s->library[1].file),
				  sig = sample_sealed(&s->library[2].sig);
	json_t *e;

	sample_write(s, "/etc/suture/suture.conf", "insecure-local = refuse\n", 0644);
	assert_true(sample_lib_stage_fds(s, 1, file, sig, true, &err) < 0);
	assert_string_equal(err.reason, "policy");
	sample_write(s, "/etc/suture/suture.conf", "insecure-local = allow\n", 0644);
	assert_ok(sample_lib_stage_fds(s, 1, file, sig, true, &err), err);
	assert_ok(sample_lib_apply(s, 1, &err), err);
	assert_true(sample_process_has(s, 1));
	e = entry(s);
	member_is(e, "signed_by", "");
	json_decref(e);
	/* The owner's word counts at once. */
	sample_write(s, "/etc/suture/suture.conf", "insecure-local = refuse\n", 0644);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_int_equal(sample_process_count(s), 0);
}

static void the_daemon_is_told_who_is_excluded(void **state)
{
	struct sample_machine *s = *state;
	json_t *set, *exclude;

	sample_write(s, AGENT_CONF,
		     "lib-exclude-name = java\nlib-exclude-unit = a@*.service\n"
		     "lib-exclude-path = /opt/*\nlib-exclude-user = app\nlib-init = yes\n",
		     0644);
	apply(s, 1);
	set = json_load_file(agent_path(s->root, "/process-set.json").s, 0, NULL);
	exclude = json_object_get(set, "exclude");
	assert_string_equal(json_string_value(json_array_get(json_object_get(exclude, "names"), 0)),
			    "java");
	assert_string_equal(json_string_value(json_array_get(json_object_get(exclude, "units"), 0)),
			    "a@*.service");
	assert_string_equal(json_string_value(json_array_get(json_object_get(exclude, "paths"), 0)),
			    "/opt/*");
	assert_string_equal(json_string_value(json_array_get(json_object_get(exclude, "users"), 0)),
			    "app");
	assert_true(json_is_true(json_object_get(set, "init")));
	json_decref(set);
	/* A file with a mistake: whom it excludes is not known, so nobody is touched. */
	sample_write(s, AGENT_CONF, "lib-exclude-nam = x\n", 0644);
	assert_int_equal(sample_lib_feed(s, &err), -EBADMSG);
}

static void sutured_obeys_agent_conf_and_root_does_not_need_to(void **state)
{
	struct sample_machine *s = *state;
	json_t *q, *answer = NULL;

	sample_write(s, AGENT_CONF, "libraries = no\n", 0644);
	assert_ok(sample_lib_stage(s, 1, &err), err);
	q = json_pack("{s:s,s:s}", "verb", "lib-apply", "sha256", s->library[1].sha256);
	assert_ok(sample_verb(s, q, &answer, &err), err);
	member_is(json_object_get(answer, "result"), "outcome", "applied");
	assert_int_equal(json_array_size(json_object_get(answer, "libraries")), 1);
	json_decref(answer);
}

static void the_verbs_say_what_the_daemon_sees(void **state)
{
	struct sample_machine *s = *state;
	json_t *answer = NULL, *result;

	sample_write(s, "/process.json",
		     "{\"processes\": [{\"pid\": 1, \"comm\": \"a\", \"build_id\": "
		     "\"" SAMPLE_LIBRARY_BUILD_ID
		     "\"}, {\"pid\": 2, \"comm\": \"b\", \"build_id\": "
		     "\"" SAMPLE_LIBRARY_BUILD_ID "\"}], \"unpatched\": {\"traced\": 1}}",
		     0644);
	assert_ok(sample_lib_stage(s, 1, &err), err);
	assert_ok(sample_verb(s,
			      json_pack("{s:s,s:s,s:b}", "verb", "lib-apply", "sha256",
					s->library[1].sha256, "dry_run", 1),
			      &answer, &err),
		  err);
	member_is(json_object_get(answer, "result"), "outcome", "would-apply");
	json_decref(answer);
	assert_int_equal(sample_process_count(s), -1);
	assert_ok(sample_verb(s,
			      json_pack("{s:s,s:s}", "verb", "lib-apply", "sha256",
					s->library[1].sha256),
			      &answer, &err),
		  err);
	result = json_object_get(answer, "result");
	assert_int_equal(json_integer_value(json_object_get(result, "processes")), 2);
	assert_int_equal(json_integer_value(json_object_get(result, "patched")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(result, "reasons"), "traced")),
		1);
	json_decref(answer);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "lib-status"), &answer, &err), err);
	member_is(json_object_get(answer, "daemon"), "state", "running");
	member_is(json_object_get(answer, "daemon"), "watch", "on");
	json_decref(answer);
	assert_ok(sample_verb(s, json_pack("{s:s,s:I}", "verb", "lib-processes", "after", 1),
			      &answer, &err),
		  err);
	assert_int_equal(json_array_size(json_object_get(answer, "processes")), 1);
	json_decref(answer);
	assert_int_equal(
		sample_verb(s, json_pack("{s:s,s:s}", "verb", "lib-unload", "build_id", "../x"),
			    NULL, &err),
		-EINVAL);
	sample_process_stop(s);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "lib-status"), &answer, &err), err);
	member_is(json_object_get(answer, "daemon"), "state", "failed");
	json_decref(answer);
}

/* "0 of 0 processes" would be no lie, and nobody would look further. */
static void a_daemon_that_was_not_told_is_no_good_one(void **state)
{
	struct sample_machine *s = *state;
	json_t *answer = NULL;

	apply(s, 1);
	sample_process_stop(s);
	(void)!unlink(agent_path(s->root, "/process-set.json").s);
	sample_process_start(s);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "lib-status"), &answer, &err), err);
	member_is(json_object_get(answer, "daemon"), "state", "failed");
	assert_non_null(strstr(
		json_string_value(json_object_get(json_object_get(answer, "daemon"), "text")),
		"systemctl start suture-libraries@started"));
	json_decref(answer);
	assert_ok(sample_lib_feed(s, &err), err);
	assert_ok(sample_verb(s, json_pack("{s:s}", "verb", "lib-status"), &answer, &err), err);
	member_is(json_object_get(answer, "daemon"), "state", "running");
	json_decref(answer);
}

/* ------------------------------------------------------------------ */

static bool is_fatal(const char *text)
{
	static const int64_t pids[] = {1234};
	static char comms[2][FAULTS_COMM_MAX] = {"nginx", "a: [b"};
	const struct faults_of of = {.pids = pids,
				     .npids = 1,
				     .comms = comms,
				     .ncomms = 2,
				     .files = {"libssl.so.3", "libcrypto.so.3"}};
	struct faults f;

	faults_scan(text, strlen(text), &of, &f);
	assert_int_equal(f.fatal, f.text[0] != 0);
	return f.fatal;
}

static void faults_are_told_from_other_messages(void **state _unused_)
{
	assert_true(is_fatal("x[1234]: segfault at 0 ip 00 sp 00 error 4 in libssl.so.3[7f+2a]"));
	assert_true(is_fatal("<6>[   12.3] traps: nginx[7] general protection fault ip:7f sp:7f "
			     "error:0 in libcrypto.so.3[7f+2a]\n"));
	assert_true(is_fatal("nginx[7]: segfault at 0 ip 00 sp 00 error 15 likely on CPU 1"));
	assert_true(is_fatal("traps: a: [b[9] trap invalid opcode ip:7f sp:7f error:0"));
	assert_true(is_fatal("hello\nnginx[7] general protection fault ip:0 sp:0 error:0 in "
			     "libssl.so.3 (deleted)[7f+1]\nx"));
	assert_false(is_fatal("x[99]: segfault at 0 ip 00 sp 00 error 4 in libssl.so.3[7f+2a]"));
	assert_false(is_fatal("nginx[7]: segfault at 0 ip 00 sp 00 error 4 in libc.so.6[7f+2a]"));
	assert_false(is_fatal("nginx[7]: segfault at 0 ip 0 sp 0 error 4 in libssl.so.30[7f+2a]"));
	assert_false(is_fatal("audit: nginx[7] does well"));
	assert_false(is_fatal("nginx[x]: segfault at 0 ip 00 sp 00 error 4"));
	assert_false(is_fatal("segfault at 0 ip 00"));
	assert_false(is_fatal(""));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_nobody_vouches_for_is_not_staged),
		TEST(each_kind_of_patch_has_its_own_way),
		TEST(an_apply_is_told_to_the_daemon_and_watched),
		TEST(without_the_daemon_nothing_is_to_run),
		TEST(what_the_daemon_refuses_leaves_what_ran_before),
		TEST(a_lower_level_has_to_be_meant),
		TEST(more_libraries_than_a_message_holds_are_told),
		TEST(a_fault_in_patched_code_takes_the_last_good_one_back),
		TEST(a_fault_elsewhere_blames_nobody),
		TEST(a_health_check_that_fails_takes_it_out),
		TEST(what_cannot_be_taken_back_is_tried_again),
		TEST(an_unload_is_remembered_until_an_apply),
		TEST(an_unload_that_could_not_be_done_is_done_when_the_daemon_is_back),
		TEST(a_boot_feeds_the_daemon_and_begins_the_probation_anew),
		TEST(the_mode_counts_at_once_and_at_a_boot),
		TEST(the_disable_file_keeps_what_runs_until_the_boot),
		TEST(a_hold_keeps_new_ones_away),
		TEST(a_key_that_is_taken_away_takes_its_patches_along),
		TEST(a_file_that_rotted_is_not_told),
		TEST(a_damaged_wanted_json_is_told_and_let_go),
		TEST(who_leaves_takes_them_out),
		TEST(what_nobody_vouches_for_is_roots_to_apply),
		TEST(the_daemon_is_told_who_is_excluded),
		TEST(sutured_obeys_agent_conf_and_root_does_not_need_to),
		TEST(the_verbs_say_what_the_daemon_sees),
		TEST(a_daemon_that_was_not_told_is_no_good_one),
		cmocka_unit_test(faults_are_told_from_other_messages),
	};

	return cmocka_run_group_tests_name("agent_libraries", tests, NULL, NULL);
}
