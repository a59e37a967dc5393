// SPDX-License-Identifier: Apache-2.0
/* The commands of suture that ask sutured and suture-apply, with both played by sample_agent. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "common/paths.h"
#include "wire/wire.h"
#include "documents.h"
#include "sample_agent.h"

#define SHA "3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c"
#define SHA2 "aaaa3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c"

static struct sample_said said;
static json_t *schemas;

static int setup(void **state _unused_)
{
	sample_agent_start();
	return 0;
}

static int teardown(void **state _unused_)
{
	sample_agent_stop();
	return 0;
}

#define PATCH                                                                                      \
	"{\"id\": \"K20261121_01\", \"level\": 3, \"cves\": [\"CVE-2026-1234\"], \"sha256\": "     \
	"\"" SHA "\", \"applied_at\": \"2026-11-21T20:15:00Z\", \"pause_ns\": 812345, "            \
	"\"functions\": [\"unix_ioctl\"], \"ours\": true, \"signed_by\": \"vendor\"}"
#define CHOICE "{\"mode\": \"normal\", \"pin\": null, \"hold\": null, \"tags\": [\"site:berlin\"]}"
#define GUARD                                                                                      \
	"[{\"id\": \"K20261121_02\", \"level\": 4, \"sha256\": \"" SHA "\", \"at\": "              \
	"\"2026-11-21T20:15:00Z\", \"why\": \"panic\", \"detail\": \"Oops\\u001b[31m\"}]"

/* The state of suture-apply, with some members as the case wants them. */
static const char *apply_state(const char *sw, const char *by, const char *support,
			       const char *patch, const char *quarantined, bool residue)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "{\"ok\": true, \"format\": \"suture-apply-state\", \"version\": 1, \"at\": "
		 "\"2026-11-21T20:15:00Z\", \"kernel\": {\"release\": \"6.1.0-47-amd64\", "
		 "\"arch\": \"x86_64\", \"build_id\": \"6d1c6d1c\", \"kernel_id\": \"0a4d\", "
		 "\"package_version\": \"6.1.170-3\"}, \"boot_id\": \"b\", \"product_uuid\": "
		 "\"\", \"uptime_s\": 812, \"switch\": {\"state\": \"%s\", \"by\": \"%s\"}, "
		 "\"support\": {\"state\": \"%s\", \"message\": \"a container\"}, \"engine\": "
		 "{\"state\": \"loaded\", \"version\": \"0.1.0\", \"abi\": 1, \"message\": "
		 "\"\"}, \"patch\": %s, \"phase\": \"idle\", \"probation\": null, \"good\": "
		 "null, \"unloaded\": false, \"quarantined\": %s, \"choice\": " CHOICE
		 ", \"residue\": %s, \"errors\": []}",
		 sw, by, support, patch, quarantined, residue ? "true" : "false");
	return text;
}

static const char *plain(void)
{
	return apply_state("normal", "", "supported", PATCH, "[]", false);
}

/* The state of sutured; the last answer of the portal came two hours ago. */
static const char *network_state(const char *state, const char *more, int failures)
{
	static char text[8192];
	time_t last = time(NULL) - 7200;
	struct tm tm;
	char at[32];

	assert_non_null(gmtime_r(&last, &tm));
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(text, sizeof(text),
		 "{\"ok\": true, \"format\": \"suture-agent-state\", \"version\": 1, \"agent\": "
		 "\"0.1.0\", \"registered\": true, \"system_id\": \"7f3k9m2q4r8s1t5v\", "
		 "\"portal\": \"https://portal.example\", \"feed\": \"stable\", "
		 "\"registered_at\": \"2026-11-20T20:15:00Z\", \"trouble\": \"\", \"state\": "
		 "\"%s\", \"checkin\": {\"last\": \"%s\", \"next\": \"\", \"failures\": %d, "
		 "\"error\": \"\"}, \"check\": {\"failures\": 0, \"error\": \"\"}%s%s}",
		 state, at, failures, *more ? ", " : "", more);
	return text;
}

/* Runs with --json, and what is printed fits its schema. The caller's. */
static json_t *document(int (*cmd)(int, char **), const char *words, int exit)
{
	struct schema_error e;
	char all[512];
	json_t *j;

	snprintf(all, sizeof(all), "%s --json", words);
	sample_agent_run(cmd, all, NULL, &said);
	if (said.exit != exit)
		fail_msg("%s ends with %d: %s%s", all, said.exit, said.out, said.err);
	j = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
	if (!j || !documents_fit(schemas, j, &e))
		fail_msg("%s: %s: %s\n%s", all, j ? e.pointer : "", j ? e.text : "no JSON",
			 said.out);
	return j;
}

static const char *text_at(const json_t *j, const char *a, const char *b)
{
	const char *s = json_string_value(json_object_get(json_object_get(j, a), b));

	return s ? s : "";
}

/* --- every command --- */

static const struct {
	int (*run)(int, char **);
	const char *words;
} commands[] = {
	{cmd_check, "check"},
	{cmd_explain, "explain"},
	{cmd_hold, "hold"},
	{cmd_job, "job run"},
	{cmd_lib, "lib apply"},
	{cmd_lib, "lib explain"},
	{cmd_lib, "lib list"},
	{cmd_lib, "lib status"},
	{cmd_lib, "lib unload"},
	{cmd_lib, "lib update"},
	{cmd_mode, "mode"},
	{cmd_pin, "pin"},
	{cmd_preflight, "preflight"},
	{cmd_quarantine, "quarantine"},
	{cmd_register, "register"},
	{cmd_status, "status"},
	{cmd_tag, "tag"},
	{cmd_unload, "unload"},
	{cmd_unregister, "unregister"},
	{cmd_update, "update"},
	{cmd_verify, "verify"},
};

static void test_help_ends_with_0_and_asks_nobody(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++) {
		char words[64];

		snprintf(words, sizeof(words), "%s --help", commands[i].words);
		sample_agent_run(commands[i].run, words, NULL, &said);
		assert_int_equal(said.exit, 0);
		assert_string_equal(said.err, "");
		assert_true(sut_startswith(said.out, "usage: suture "));
		assert_non_null(strstr(said.out, "Exit status: 0"));
		assert_non_null(strstr(said.out, "--json"));
	}
	assert_int_equal(sample_agent_calls(), 0);
}

static void test_wrong_options_are_said_with_the_way_to_the_help(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++) {
		char words[64], want[64];

		snprintf(words, sizeof(words), "%s --nonsense", commands[i].words);
		snprintf(want, sizeof(want), "see 'suture %s --help'", commands[i].words);
		sample_agent_run(commands[i].run, words, NULL, &said);
		assert_int_equal(said.exit, SUT_EXIT_USAGE);
		assert_string_equal(said.out, "");
		assert_non_null(strstr(said.err, want));
	}
	assert_int_equal(sample_agent_calls(), 0);
}

static void test_bad_words_are_usage_errors_and_ask_nobody(void **state _unused_)
{
	static const struct {
		int (*run)(int, char **);
		const char *words;
	} bad[] = {
		{cmd_check, "check now"},
		{cmd_explain, "explain CVE-2026-1234 CVE-2026-1235"},
		{cmd_explain, "explain 2026-1234"},
		{cmd_explain, "explain CVE-"},
		{cmd_hold, "hold --until"},
		{cmd_hold, "hold --until 12"},
		{cmd_hold, "hold --until yesterday"},
		{cmd_hold, "hold --until 2020-01-01"},
		{cmd_hold, "hold --until 0m"},
		{cmd_hold, "hold --release because"},
		{cmd_hold, "hold --release --show"},
		{cmd_hold, "hold a\xc2\x85z"},
		{cmd_job, "job"},
		{cmd_job, "job walk"},
		{cmd_job, "job run"},
		{cmd_job, "job run --manifest x --result - --json"},
		{cmd_mode, "mode on"},
		{cmd_mode, "mode normal off"},
		{cmd_pin, "pin 2026-02-30"},
		{cmd_pin, "pin 4294967296"},
		{cmd_pin, "pin -- -3"},
		{cmd_pin, "pin K/../x"},
		{cmd_preflight, "preflight a b"},
		{cmd_quarantine, "quarantine show"},
		{cmd_quarantine, "quarantine list K20261121_02"},
		{cmd_quarantine, "quarantine release"},
		{cmd_quarantine, "quarantine release K20261121_02 --all"},
		{cmd_register, "register --portal portal.example"},
		{cmd_register, "register --products kernels"},
		{cmd_register, "register --products kernel,,library"},
		{cmd_register, "register --token-file x"},
		{cmd_register, "register --customer-id x --key-file y"},
		{cmd_tag, "tag a:b:c"},
		{cmd_tag, "tag :x"},
		{cmd_update, "update --to 3.5"},
		{cmd_update, "update --to="},
		{cmd_update, "update --dry-run=yes"},
		{cmd_update, "update K20261121_02"},
		{cmd_unload, "unload one two"},
		{cmd_verify, "verify --sig x"},
		{cmd_verify, "verify a b"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		sample_agent_run(bad[i].run, bad[i].words, NULL, &said);
		if (said.exit != SUT_EXIT_USAGE)
			fail_msg("%s ends with %d: %s", bad[i].words, said.exit, said.err);
		if (!*said.err || *said.out)
			fail_msg("%s says nothing, or on standard output", bad[i].words);
	}
	assert_int_equal(sample_agent_calls(), 0);
}

static void test_when_nobody_is_there_the_unit_is_named(void **state _unused_)
{
	static const char *const network[] = {"check", "update", "unregister"};
	static const char *const apply[] = {"mode off", "pin none", "hold",
					    "tag a",	"unload",   "verify"};
	struct sample_said *s = &said;

	sample_agent_listen(SAMPLE_NETWORK, false);
	sample_agent_listen(SAMPLE_APPLY, false);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(network); i++) {
		int (*const run[])(int, char **) = {cmd_check, cmd_update, cmd_unregister};

		sample_agent_run(run[i], network[i], NULL, s);
		assert_int_equal(s->exit, SUT_EXIT_ERROR);
		assert_non_null(strstr(s->err, "\n  Start it: systemctl start sutured.service"));
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(apply); i++) {
		int (*const run[])(int, char **) = {cmd_mode, cmd_pin,	  cmd_hold,
						    cmd_tag,  cmd_unload, cmd_verify};

		sample_agent_run(run[i], apply[i], NULL, s);
		assert_int_equal(s->exit, SUT_EXIT_ERROR);
		assert_non_null(strstr(s->err, "systemctl start suture-apply.socket"));
	}
	json_decref(document(cmd_update, "update", SUT_EXIT_ERROR));
}

static void test_who_ends_without_an_answer_is_named(void **state _unused_)
{
	sample_agent_answer(SAMPLE_NETWORK, "update", "");
	sample_agent_run(cmd_update, "update", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_non_null(strstr(said.err, "sutured ended before it had answered"));
	assert_non_null(strstr(said.err, "suture status"));
}

static void test_an_answer_that_says_no_decides_the_exit_status(void **state _unused_)
{
	static const struct {
		const char *reason;
		int exit;
	} table[] = {
		{"busy", SUT_EXIT_BUSY},
		{"wrong-kernel", SUT_EXIT_NOT_FOR_US},
		{"unsupported", SUT_EXIT_NOT_FOR_US},
		{"container", SUT_EXIT_NOT_FOR_US},
		{"foreign", SUT_EXIT_NOT_FOR_US},
		{"portal-refused", SUT_EXIT_NOT_REGISTERED},
		{"conflict", SUT_EXIT_CONFLICT},
		{"unknown-key", SUT_EXIT_NOT_TRUSTED},
		{"hold", SUT_EXIT_HELD},
		{"pin", SUT_EXIT_HELD},
		{"window", SUT_EXIT_HELD},
		{"not-registered", SUT_EXIT_NOT_REGISTERED},
		{"portal-unreachable", SUT_EXIT_UNREACHABLE},
		{"quarantined", SUT_EXIT_QUARANTINED},
		{"residue", SUT_EXIT_REBOOT_NEEDED},
		{"something-new", SUT_EXIT_ERROR},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(table); i++) {
		char answer[256];
		json_t *j;

		snprintf(answer, sizeof(answer),
			 "{\"ok\": false, \"error\": {\"reason\": \"%s\", \"message\": \"it is so. "
			 "Do that\", \"errno\": 1}}",
			 table[i].reason);
		sample_agent_answer(SAMPLE_NETWORK, "update", answer);
		sample_agent_run(cmd_update, "update", NULL, &said);
		assert_int_equal(said.exit, table[i].exit);
		assert_string_equal(said.err, "suture: update: it is so\n  Do that\n");
		j = document(cmd_update, "update", table[i].exit);
		assert_string_equal(text_at(j, "error", "reason"), table[i].reason);
		json_decref(j);
	}
}

/* --- update --- */

#define RESULT(outcome, exit, error)                                                                \
	"{\"format\": \"suture-result\", \"version\": 1, \"command\": \"apply\", \"outcome\": "     \
	"\"" outcome "\", \"exit\": " exit ", \"dry_run\": false, \"patch\": {\"id\": "             \
	"\"K20261121_01\", \"level\": 3, \"cves\": [\"CVE-2026-1234\"], \"module\": \"m\", "        \
	"\"sha256\": \"" SHA "\"}, \"signature\": null, \"before\": null, \"functions\": 1, "       \
	"\"attempts\": 1, \"switch\": {\"pause_ns\": 1500000, \"stop_ns\": 2000000, "               \
	"\"tasks_before\": 1, \"tasks_inside\": 0}, \"code\": {\"compared\": 10, \"ignored\": 2}, " \
	"\"conflicts\": [], \"mismatch\": null, \"busy\": [], \"error\": " error                    \
	", \"steps\": []}"

static void test_update_tells_progress_and_what_was_applied(void **state _unused_)
{
	sample_agent_answer(
		SAMPLE_NETWORK, "update",
		"{\"progress\": {\"step\": \"download\", \"state\": \"begin\", \"text\": "
		"\"kpatch.bin\"}}\n"
		"{\"progress\": {\"step\": \"download\", \"state\": \"note\", \"text\": "
		"\"kpatch.bin\", \"done\": 5, \"total\": 10}}\n"
		"{\"progress\": {\"step\": \"switch\", \"state\": \"begin\", \"text\": "
		"\"evil\\u001b[2J\"}}\n"
		"{\"ok\": true, \"result\": " RESULT("applied", "0", "null") "}");
	sample_agent_run(cmd_update, "update", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_string_equal(said.err, "suture: update: download: kpatch.bin\n"
				      "suture: update: switch: evil?[2J\n");
	assert_string_equal(said.out, "applied K20261121_01 (level 3)\n  CVE-2026-1234\n"
				      "pause 1.500 ms (whole switch 2.000 ms)\n");
	sample_agent_run(cmd_update, "update --quiet", NULL, &said);
	assert_string_equal(said.err, "");
	json_decref(document(cmd_update, "update", 0));
	assert_string_equal(said.err, "");
}

static void test_update_asks_for_what_was_said(void **state _unused_)
{
	const json_t *q;

	sample_agent_answer(SAMPLE_NETWORK, "update",
			    "{\"ok\": true, \"result\": null, \"reasons\": [{\"code\": "
			    "\"current\", \"text\": \"it runs\", \"advice\": \"\"}]}");
	sample_agent_run(cmd_update, "update", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_string_equal(said.out, "nothing is to be done: it runs\n");
	q = sample_agent_asked(SAMPLE_NETWORK, "update");
	assert_null(json_object_get(q, "to"));
	assert_true(json_is_false(json_object_get(q, "force")));
	sample_agent_run(cmd_update, "update --to 4 --dry-run --force", NULL, &said);
	q = sample_agent_asked(SAMPLE_NETWORK, "update");
	assert_int_equal(json_integer_value(json_object_get(q, "to")), 4);
	assert_true(json_is_true(json_object_get(q, "dry_run")));
	assert_true(json_is_true(json_object_get(q, "force")));
	sample_agent_run(cmd_update, "update --to K20261121_01", NULL, &said);
	q = sample_agent_asked(SAMPLE_NETWORK, "update");
	assert_string_equal(json_string_value(json_object_get(q, "to")), "K20261121_01");
}

static void test_a_result_that_failed_is_never_called_done(void **state _unused_)
{
	json_t *j;

	/* "ok" with a result that says otherwise: the result counts. */
	sample_agent_answer(SAMPLE_NETWORK, "update",
			    "{\"ok\": true, \"result\": " RESULT(
				    "conflict", "4",
				    "{\"reason\": \"conflict\", \"message\": \"a kprobe\"}") "}");
	sample_agent_run(cmd_update, "update", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_CONFLICT);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "suture: update: a kprobe"));
	j = document(cmd_update, "update", SUT_EXIT_CONFLICT);
	assert_string_equal(text_at(j, "result", "outcome"), "conflict");
	json_decref(j);
}

static void test_unload_with_a_residue_asks_for_a_reboot(void **state _unused_)
{
	char answer[12000];
	const json_t *q;

	snprintf(answer, sizeof(answer), "{\"ok\": true, \"result\": %s}",
		 RESULT("reverted", "0", "null"));
	sample_agent_answer(SAMPLE_APPLY, "unload", answer);
	sample_agent_run(cmd_unload, "unload maintenance", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_non_null(strstr(said.out, "taken out"));
	q = sample_agent_asked(SAMPLE_APPLY, "unload");
	assert_string_equal(json_string_value(json_object_get(q, "reason")), "maintenance");
	snprintf(answer, sizeof(answer), "{\"ok\": true, \"result\": %s, \"state\": %s}",
		 RESULT("reverted", "0", "null"),
		 apply_state("normal", "", "supported", "null", "[]", true));
	sample_agent_answer(SAMPLE_APPLY, "unload", answer);
	json_decref(document(cmd_unload, "unload", SUT_EXIT_REBOOT_NEEDED));
}

static void test_verify_prints_the_result_of_suture_apply(void **state _unused_)
{
	sample_agent_answer(SAMPLE_APPLY, "verify",
			    "{\"ok\": true, \"result\": " RESULT("verified", "0", "null") "}");
	sample_agent_run(cmd_verify, "verify", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_non_null(strstr(said.out, "10 bytes compared"));
	json_decref(document(cmd_verify, "verify", 0));
	sample_agent_answer(
		SAMPLE_APPLY, "verify",
		"{\"ok\": true, \"result\": " RESULT(
			"changed", "4", "{\"reason\": \"changed\", \"message\": \"differs\"}") "}");
	sample_agent_run(cmd_verify, "verify", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_CONFLICT);
	json_decref(document(cmd_verify, "verify", SUT_EXIT_CONFLICT));
}

static void test_update_names_all_that_holds_it_back(void **state _unused_)
{
	json_t *j;

	sample_agent_answer(
		SAMPLE_NETWORK, "update",
		"{\"ok\": false, \"error\": {\"reason\": \"hold\", \"message\": \"it is "
		"held. Release it\", \"errno\": 1}, \"result\": null, \"reasons\": "
		"[{\"code\": \"hold\", \"text\": \"it is held\", \"advice\": "
		"\"Release it\"}, {\"code\": \"window\", \"text\": \"not now\", "
		"\"advice\": \"\"}]}");
	sample_agent_run(cmd_update, "update", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_HELD);
	assert_non_null(strstr(said.err, "it is held\n  Release it\n"));
	assert_non_null(strstr(said.err, "  also window: not now\n"));
	j = document(cmd_update, "update", SUT_EXIT_HELD);
	assert_int_equal(json_array_size(json_object_get(j, "reasons")), 2);
	json_decref(j);
}

#define STAGED                                                                                     \
	"{\"ok\": true, \"action\": \"staged\", \"result\": null, \"staged\": {\"sha256\": \"" SHA \
	"\", \"id\": \"K2\", \"level\": 4, \"down\": true}}"

/* sutured has no rights: what it stages is applied only when root forces it, and only what root named. */
static void test_update_applies_with_force_only_what_was_named(void **state _unused_)
{
	const json_t *q;

	sample_agent_answer(SAMPLE_NETWORK, "update", STAGED);
	sample_agent_answer(SAMPLE_APPLY, "apply",
			    "{\"ok\": true, \"result\": " RESULT("applied", "0", "null") "}");
	sample_agent_run(cmd_update, "update", NULL, &said);
	sample_agent_run(cmd_update, "update --to 4", NULL, &said);
	sample_agent_run(cmd_update, "update --force --to 5", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	sample_agent_run(cmd_update, "update --force --to K3", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_null(sample_agent_asked(SAMPLE_APPLY, "apply"));
	json_decref(document(cmd_update, "update --force --to 4 --dry-run", 0));
	q = sample_agent_asked(SAMPLE_APPLY, "apply");
	assert_string_equal(json_string_value(json_object_get(q, "sha256")), SHA);
	assert_true(json_is_true(json_object_get(q, "force")));
	assert_true(json_is_true(json_object_get(q, "down")));
	assert_true(json_is_true(json_object_get(q, "dry_run")));
	sample_agent_run(cmd_update, "update --force", NULL, &said);
	assert_true(json_is_false(
		json_object_get(sample_agent_asked(SAMPLE_APPLY, "apply"), "dry_run")));
	assert_non_null(strstr(said.out, "applied K20261121_01"));
}

/* --- choices --- */

static void expect_choice(int (*cmd)(int, char **), const char *words, const char *member,
			  const char *want)
{
	json_t *value = json_loads(want, JSON_DECODE_ANY, NULL);
	const json_t *q;

	sample_agent_answer(SAMPLE_APPLY, "choose", plain());
	sample_agent_run(cmd, words, NULL, &said);
	if (said.exit != 0)
		fail_msg("%s: %s", words, said.err);
	q = sample_agent_asked(SAMPLE_APPLY, "choose");
	if (!json_equal(json_object_get(q, member), value))
		fail_msg("%s: not %s", words, want);
	/* Only what was meant is set. */
	assert_int_equal(json_object_size(q), 2);
	json_decref(value);
}

static void test_choices_set_only_what_was_said(void **state _unused_)
{
	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	expect_choice(cmd_mode, "mode no-apply", "mode", "\"no-apply\"");
	expect_choice(cmd_pin, "pin 3", "pin", "{\"level\": 3}");
	expect_choice(cmd_pin, "pin 2026-11-21", "pin", "{\"date\": \"2026-11-21\"}");
	expect_choice(cmd_pin, "pin K20261121_01", "pin", "{\"patchset\": \"K20261121_01\"}");
	expect_choice(cmd_pin, "pin none", "pin", "null");
	expect_choice(cmd_hold, "hold a big day", "hold",
		      "{\"until\": null, \"reason\": \"a big day\"}");
	expect_choice(cmd_hold, "hold --until 2099-01-02", "hold",
		      "{\"until\": \"2099-01-02T23:59:59Z\", \"reason\": \"\"}");
	expect_choice(cmd_hold, "hold --until 2099-01-02T03:04:05Z", "hold",
		      "{\"until\": \"2099-01-02T03:04:05Z\", \"reason\": \"\"}");
	expect_choice(cmd_hold, "hold --release", "hold", "null");
	expect_choice(cmd_tag, "tag site:bonn web", "tags", "[\"site:bonn\", \"web\"]");
	expect_choice(cmd_tag, "tag web", "tags", "[\"site:berlin\", \"web\"]");
	expect_choice(cmd_tag, "tag --clear web", "tags", "[\"web\"]");
	expect_choice(cmd_tag, "tag --clear", "tags", "[]");
	json_decref(document(cmd_mode, "mode normal", 0));
}

static void test_a_duration_counts_from_now(void **state _unused_)
{
	int64_t before = time(NULL), t;
	const json_t *q;
	const char *until;
	struct tm tm = {0};

	sample_agent_answer(SAMPLE_APPLY, "choose", plain());
	sample_agent_run(cmd_hold, "hold --until 12h", NULL, &said);
	assert_int_equal(said.exit, 0);
	q = sample_agent_asked(SAMPLE_APPLY, "choose");
	until = text_at(q, "hold", "until");
	assert_non_null(strptime(until, "%Y-%m-%dT%H:%M:%SZ", &tm));
	t = timegm(&tm);
	assert_in_range(t, before + 12 * 3600, time(NULL) + 12 * 3600);
}

static void test_choices_are_shown_without_choosing(void **state _unused_)
{
	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	sample_agent_run(cmd_mode, "mode", NULL, &said);
	assert_string_equal(said.out, "Mode      normal\n");
	sample_agent_run(cmd_pin, "pin", NULL, &said);
	assert_string_equal(said.out, "Pin       none\n");
	sample_agent_run(cmd_hold, "hold --show", NULL, &said);
	assert_string_equal(said.out, "Hold      none\n");
	json_decref(document(cmd_tag, "tag", 0));
	assert_null(sample_agent_asked(SAMPLE_APPLY, "choose"));
}

/* --- quarantine --- */

static void test_quarantine_releases_one_by_its_name(void **state _unused_)
{
	const char *text = apply_state("normal", "", "supported", "null", GUARD, false);
	const json_t *q;

	sample_agent_answer(SAMPLE_APPLY, "status", text);
	sample_agent_answer(SAMPLE_APPLY, "release", "{\"ok\": true}");
	sample_agent_run(cmd_quarantine, "quarantine list", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_non_null(strstr(said.out, "K20261121_02 (level 4): panic"));
	/* Text of a kernel log does not get at the terminal. */
	assert_null(strchr(said.out, '\033'));
	json_decref(document(cmd_quarantine, "quarantine list", 0));
	sample_agent_run(cmd_quarantine, "quarantine release K20261121_02", NULL, &said);
	assert_int_equal(said.exit, 0);
	q = sample_agent_asked(SAMPLE_APPLY, "release");
	assert_string_equal(json_string_value(json_object_get(q, "sha256")), SHA);
	sample_agent_run(cmd_quarantine, "quarantine release --all", NULL, &said);
	q = sample_agent_asked(SAMPLE_APPLY, "release");
	assert_null(json_object_get(q, "sha256"));
	sample_agent_run(cmd_quarantine, "quarantine release K20261121_03", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_non_null(strstr(said.err, "is not quarantined"));
}

static void test_quarantine_does_not_guess_which_one(void **state _unused_)
{
	sample_agent_answer(
		SAMPLE_APPLY, "status",
		apply_state("normal", "", "supported", "null",
			    "[{\"id\": \"K1\", \"level\": 4, \"sha256\": \"" SHA
			    "\", \"at\": \"2026-11-21T20:15:00Z\", \"why\": \"oops\", \"detail\": "
			    "\"\"}, {\"id\": \"K1\", \"level\": 4, \"sha256\": \"" SHA2
			    "\", \"at\": \"2026-11-21T20:15:00Z\", \"why\": \"oops\", \"detail\": "
			    "\"\"}]",
			    false));
	sample_agent_answer(SAMPLE_APPLY, "release", "{\"ok\": true}");
	sample_agent_run(cmd_quarantine, "quarantine release K1", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_null(sample_agent_asked(SAMPLE_APPLY, "release"));
	sample_agent_run(cmd_quarantine, "quarantine release " SHA2, NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_string_equal(json_string_value(json_object_get(
				    sample_agent_asked(SAMPLE_APPLY, "release"), "sha256")),
			    SHA2);
}

/* --- register --- */

#define REGISTERED "{\"ok\": true, \"system_id\": \"7f3k9m2q4r8s1t5v\", \"feed\": \"stable\"}"

static void write_file(const char *name, const char *text)
{
	struct agent_path path = agent_path(sample_agent_root(), name);

	assert_int_equal(sut_file_write(path.s, text, strlen(text), 0600, NULL), 0);
}

static void test_register_takes_the_key_from_standard_input(void **state _unused_)
{
	const json_t *q;

	sample_agent_answer(SAMPLE_NETWORK, "register", REGISTERED);
	sample_agent_run(cmd_register, "register --portal https://portal.example --key-file -",
			 "sutkey_abc\nmore\n", &said);
	assert_int_equal(said.exit, 0);
	assert_non_null(strstr(said.out, "System ID 7f3k9m2q4r8s1t5v, feed stable"));
	assert_null(strstr(said.out, "sutkey"));
	q = sample_agent_asked(SAMPLE_NETWORK, "register");
	assert_string_equal(json_string_value(json_object_get(q, "key")), "sutkey_abc");
	assert_string_equal(json_string_value(json_object_get(q, "portal")),
			    "https://portal.example");
	assert_int_equal(json_object_size(q), 3);
}

static void test_register_finds_the_portal_in_the_settings(void **state _unused_)
{
	char words[256];

	sample_agent_answer(SAMPLE_NETWORK, "register", REGISTERED);
	write_file("/key", "sutkey_abc\n");
	snprintf(words, sizeof(words), "register --key-file %s/key", sample_agent_root());
	sample_agent_run(cmd_register, words, NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_non_null(strstr(said.err, "--portal URL"));
	write_file(AGENT_CONF, "portal = https://other.example\n");
	json_decref(document(cmd_register, words, 0));
	assert_string_equal(json_string_value(json_object_get(
				    sample_agent_asked(SAMPLE_NETWORK, "register"), "portal")),
			    "https://other.example");
}

static void test_register_with_a_customer_id(void **state _unused_)
{
	char words[512];
	const json_t *q;

	sample_agent_answer(SAMPLE_NETWORK, "register", REGISTERED);
	write_file("/token", "suttok_xyz");
	write_file("/ca.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
	snprintf(words, sizeof(words),
		 "register --portal https://p --customer-id acme --token-file %s/token --ca "
		 "%s/ca.pem --external-id vm-7 --products kernel,library",
		 sample_agent_root(), sample_agent_root());
	sample_agent_run(cmd_register, words, NULL, &said);
	assert_int_equal(said.exit, 0);
	q = sample_agent_asked(SAMPLE_NETWORK, "register");
	assert_string_equal(json_string_value(json_object_get(q, "customer_id")), "acme");
	assert_string_equal(json_string_value(json_object_get(q, "token")), "suttok_xyz");
	assert_string_equal(json_string_value(json_object_get(q, "external_id")), "vm-7");
	assert_true(sut_startswith(json_string_value(json_object_get(q, "ca")), "-----BEGIN"));
	assert_int_equal(json_array_size(json_object_get(q, "products")), 2);
	assert_null(json_object_get(q, "key"));
	/* Without a token the portal goes by the network; nobody is asked for a key. */
	sample_agent_run(cmd_register, "register --portal https://p --customer-id acme", NULL,
			 &said);
	assert_int_equal(said.exit, 0);
	assert_null(json_object_get(sample_agent_asked(SAMPLE_NETWORK, "register"), "token"));
}

static void test_register_refuses_what_is_no_key_and_no_certificate(void **state _unused_)
{
	char words[256];

	sample_agent_run(cmd_register, "register --portal https://p --key-file -", "\n", &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	sample_agent_run(cmd_register, "register --portal https://p --key-file /nonexistent", NULL,
			 &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	/* No terminal to ask on. */
	sample_agent_run(cmd_register, "register --portal https://p", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_non_null(strstr(said.err, "--key-file FILE"));
	write_file("/ca.pem", "hello\n");
	snprintf(words, sizeof(words), "register --portal https://p --key-file - --ca %s/ca.pem",
		 sample_agent_root());
	sample_agent_run(cmd_register, words, "sutkey_abc\n", &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_non_null(strstr(said.err, "PEM"));
	assert_int_equal(sample_agent_calls(), 0);
}

static void test_unregister_purges_what_is_kept(void **state _unused_)
{
	json_t *j;

	sample_agent_answer(SAMPLE_NETWORK, "unregister", "{\"ok\": true}");
	sample_agent_answer(SAMPLE_APPLY, "forget", "{\"ok\": true}");
	j = document(cmd_unregister, "unregister", 0);
	assert_true(json_is_true(json_object_get(j, "left")));
	assert_null(sample_agent_asked(SAMPLE_APPLY, "forget"));
	json_decref(j);
	j = document(cmd_unregister, "unregister --purge", 0);
	assert_true(json_is_true(json_object_get(j, "purged")));
	assert_true(json_is_true(
		json_object_get(sample_agent_asked(SAMPLE_NETWORK, "unregister"), "purge")));
	assert_true(
		json_is_true(json_object_get(sample_agent_asked(SAMPLE_APPLY, "forget"), "purge")));
	json_decref(j);
}

static void test_unregister_keeps_all_when_the_portal_is_away(void **state _unused_)
{
	json_t *j;

	sample_agent_answer(SAMPLE_NETWORK, "unregister",
			    "{\"ok\": false, \"error\": {\"reason\": \"portal-unreachable\", "
			    "\"message\": \"no route\", \"errno\": 113}}");
	j = document(cmd_unregister, "unregister --purge", SUT_EXIT_UNREACHABLE);
	assert_true(json_is_false(json_object_get(j, "left")));
	json_decref(j);
	assert_null(sample_agent_asked(SAMPLE_APPLY, "forget"));
	/* One that was never registered can be purged all the same. */
	sample_agent_answer(SAMPLE_NETWORK, "unregister",
			    "{\"ok\": false, \"error\": {\"reason\": \"not-registered\", "
			    "\"message\": \"it is not\", \"errno\": 2}}");
	sample_agent_answer(SAMPLE_APPLY, "forget", "{\"ok\": true}");
	json_decref(document(cmd_unregister, "unregister --purge", 0));
	assert_non_null(sample_agent_asked(SAMPLE_APPLY, "forget"));
	/* A purge that went on without the portal says what is left to do. */
	sample_agent_answer(
		SAMPLE_NETWORK, "unregister",
		"{\"ok\": true, \"system_id\": \"x\", \"warning\": \"delete it there\"}");
	j = document(cmd_unregister, "unregister --purge", 0);
	assert_true(json_is_false(json_object_get(j, "left")));
	json_decref(j);
	sample_agent_run(cmd_unregister, "unregister --purge", NULL, &said);
	assert_non_null(strstr(said.out, "note: delete it there"));
}

/* --- preflight, job, explain, check --- */

#define CHECKS(ok, why)                                                                            \
	"{\"ok\": true, \"checks\": [{\"name\": \"kernel\", \"ok\": true, \"fatal\": true, "       \
	"\"text\": \"fits\"}, {\"name\": \"choice\", \"ok\": " ok                                  \
	", \"fatal\": true, \"text\": \"held\"}], \"fits\": " ok ", \"why\": " why "}"

static void test_preflight_stages_the_file_and_shows_each_check(void **state _unused_)
{
	char words[256];
	json_t *j;

	write_file("/p.bin", "patch");
	write_file("/p.bin.sig", "signature");
	snprintf(words, sizeof(words), "preflight %s/p.bin", sample_agent_root());
	sample_agent_answer(
		SAMPLE_APPLY, "stage",
		"{\"ok\": true, \"patch\": {\"id\": \"K1\", \"level\": 3, \"cves\": [], "
		"\"sha256\": \"" SHA "\", \"signed_by\": \"vendor\"}}");
	sample_agent_answer(SAMPLE_APPLY, "preflight", CHECKS("true", "null"));
	sample_agent_run(cmd_preflight, words, NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_non_null(strstr(said.out, "ok      kernel"));
	assert_string_equal(sample_agent_file(SAMPLE_APPLY, "stage"), "patch");
	assert_int_equal(strlen(json_string_value(json_object_get(
				 sample_agent_asked(SAMPLE_APPLY, "stage"), "sha256"))),
			 64);
	sample_agent_answer(SAMPLE_APPLY, "preflight",
			    CHECKS("false", "{\"reason\": \"hold\", \"message\": \"held\", "
					    "\"errno\": 1}"));
	j = document(cmd_preflight, words, SUT_EXIT_HELD);
	assert_int_equal(json_array_size(json_object_get(j, "checks")), 2);
	json_decref(j);
	sample_agent_run(cmd_preflight, words, NULL, &said);
	assert_non_null(strstr(said.out, "refused choice"));
	snprintf(words, sizeof(words), "preflight %s/none.bin", sample_agent_root());
	sample_agent_run(cmd_preflight, words, NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
}

static void test_preflight_without_a_file_takes_what_is_available(void **state _unused_)
{
	sample_agent_answer(SAMPLE_NETWORK, "status",
			    network_state("pending",
					  "\"available\": {\"id\": \"K2\", \"level\": 4, "
					  "\"sha256\": \"" SHA2 "\"}",
					  0));
	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	sample_agent_answer(SAMPLE_APPLY, "preflight", CHECKS("true", "null"));
	json_decref(document(cmd_preflight, "preflight", 0));
	assert_string_equal(json_string_value(json_object_get(
				    sample_agent_asked(SAMPLE_APPLY, "preflight"), "sha256")),
			    SHA2);
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("current", "", 0));
	json_decref(document(cmd_preflight, "preflight", 0));
	assert_string_equal(json_string_value(json_object_get(
				    sample_agent_asked(SAMPLE_APPLY, "preflight"), "sha256")),
			    SHA);
}

static void test_job_run_writes_the_result_of_a_failure_too(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct agent_path path = agent_path(sample_agent_root(), "/result");
	char words[256];
	json_t *j;

	sample_agent_answer(SAMPLE_NETWORK, "job",
			    "{\"ok\": true, \"result\": \"{\\\"payload\\\": \\\"x\\\"}\", "
			    "\"outcome\": \"held\", \"exit\": 6}");
	snprintf(words, sizeof(words), "job run --manifest - --result %s/result",
		 sample_agent_root());
	sample_agent_run(cmd_job, words, "{\"payload\": \"m\"}", &said);
	assert_int_equal(said.exit, SUT_EXIT_HELD);
	assert_int_equal(sut_file_read(path.s, &b, NULL), 0);
	assert_string_equal(sut_buf_str(&b), "{\"payload\": \"x\"}");
	assert_string_equal(json_string_value(json_object_get(
				    sample_agent_asked(SAMPLE_NETWORK, "job"), "manifest")),
			    "{\"payload\": \"m\"}");
	sample_agent_run(cmd_job, "job run --manifest - --result -", "{}", &said);
	assert_string_equal(said.out, "{\"payload\": \"x\"}\n");
	write_file("/manifest", "{}");
	snprintf(words, sizeof(words), "job run --manifest %s/manifest", sample_agent_root());
	j = document(cmd_job, words, SUT_EXIT_HELD);
	assert_string_equal(text_at(j, "result", "payload"), "x");
	json_decref(j);
}

static void test_job_run_refuses_what_is_no_text(void **state _unused_)
{
	sample_agent_run(cmd_job, "job run --manifest -", "\xff\xfe", &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	sample_agent_run(cmd_job, "job run --manifest -", "", &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	sample_agent_run(cmd_job, "job run --manifest /nonexistent", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	assert_int_equal(sample_agent_calls(), 0);
}

static void test_explain_lists_reasons_and_advice(void **state _unused_)
{
	sample_agent_answer(
		SAMPLE_NETWORK, "explain",
		"{\"ok\": true, \"reasons\": [{\"code\": \"hold\", \"text\": \"it is "
		"held\", \"advice\": \"release it\"}, {\"code\": \"current\", \"text\": "
		"\"a\\nforged line\", \"advice\": \"\"}]}");
	sample_agent_run(cmd_explain, "explain CVE-2026-1234", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_string_equal(said.out, "hold: it is held\n  release it\ncurrent: a?forged line\n");
	assert_string_equal(json_string_value(json_object_get(
				    sample_agent_asked(SAMPLE_NETWORK, "explain"), "cve")),
			    "CVE-2026-1234");
	json_decref(document(cmd_explain, "explain", 0));
}

static void test_explain_says_that_sutured_is_not_there(void **state _unused_)
{
	json_t *j;

	sample_agent_answer(SAMPLE_APPLY, "status",
			    apply_state("off", "file", "supported", "null", "[]", false));
	sample_agent_listen(SAMPLE_NETWORK, false);
	j = document(cmd_explain, "explain", 0);
	assert_int_equal(json_array_size(json_object_get(j, "reasons")), 2);
	json_decref(j);
	sample_agent_run(cmd_explain, "explain", NULL, &said);
	assert_non_null(strstr(said.out, "agent-stopped: "));
	assert_non_null(strstr(said.out, "off: switched off by /etc/suture/disabled"));
}

static void test_check_says_what_there_is(void **state _unused_)
{
	json_t *j;

	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	sample_agent_answer(SAMPLE_NETWORK, "check",
			    network_state("pending",
					  "\"available\": {\"id\": \"K2\", \"level\": 4, "
					  "\"sha256\": \"" SHA2 "\"}, \"held\": [{\"patchset\": "
					  "\"K3\", \"level\": 5, \"reason\": \"delay\", \"until\": "
					  "null}]",
					  0));
	sample_agent_run(cmd_check, "check", NULL, &said);
	assert_int_equal(said.exit, 0);
	assert_non_null(strstr(said.out, "pending: K2 (level 4) is to be applied"));
	assert_non_null(strstr(said.out, "Held      K3 (level 5): delay"));
	sample_agent_run(cmd_check, "check --exit-code", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_PENDING);
	j = document(cmd_check, "check", 0);
	assert_string_equal(text_at(j, "protection", "state"), "pending");
	json_decref(j);
}

/* --- status --- */

static void expect_state(const char *want, int exit)
{
	json_t *j = document(cmd_status, "status --exit-code", exit);

	assert_string_equal(text_at(j, "protection", "state"), want);
	json_decref(j);
	sample_agent_run(cmd_status, "status", NULL, &said);
	assert_int_equal(said.exit, 0);
	if (!sut_startswith(said.out, "State     ") || !sut_startswith(said.out + 10, want))
		fail_msg("%s", said.out);
}

static void test_status_has_an_exit_status_for_each_state(void **state _unused_)
{
	static const struct {
		const char *state;
		int exit;
	} table[] = {
		{"current", 0},
		{"pending", SUT_EXIT_PENDING},
		{"held", SUT_EXIT_HELD},
		{"failed", SUT_EXIT_ERROR},
		{"quarantined", SUT_EXIT_QUARANTINED},
		{"off", SUT_EXIT_HELD},
		{"unsupported", SUT_EXIT_NOT_FOR_US},
		{"reboot-needed", SUT_EXIT_REBOOT_NEEDED},
		{"not-registered", SUT_EXIT_NOT_REGISTERED},
	};

	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	for (size_t i = 0; i < SUT_ARRAY_SIZE(table); i++) {
		sample_agent_answer(SAMPLE_NETWORK, "status", network_state(table[i].state, "", 0));
		expect_state(table[i].state, table[i].exit);
	}
	/* Registered a moment ago; and one whose portal cannot be reached. */
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("unknown", "", 0));
	expect_state("unknown", SUT_EXIT_PENDING);
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("unknown", "", 2));
	expect_state("unknown", SUT_EXIT_UNREACHABLE);
}

static void test_status_believes_the_root_half_first(void **state _unused_)
{
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("current", "", 0));
	sample_agent_answer(SAMPLE_APPLY, "status",
			    apply_state("off", "cmdline", "supported", "null", "[]", false));
	expect_state("off", SUT_EXIT_HELD);
	assert_non_null(strstr(said.out, "kernel command line"));
	sample_agent_answer(SAMPLE_APPLY, "status",
			    apply_state("normal", "", "container", "null", "[]", false));
	expect_state("unsupported", SUT_EXIT_NOT_FOR_US);
	sample_agent_answer(SAMPLE_APPLY, "status",
			    apply_state("normal", "", "supported", PATCH, "[]", true));
	expect_state("reboot-needed", SUT_EXIT_REBOOT_NEEDED);
}

/* text with the first `was` replaced. */
static const char *with(const char *text, const char *was, const char *is)
{
	static char changed[16384];
	const char *at = strstr(text, was);

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, is,
		 at + strlen(was));
	return changed;
}

#define NO_ERRORS "\"errors\": []"

static void test_status_says_what_root_cannot_read(void **state _unused_)
{
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("current", "", 0));
	sample_agent_answer(SAMPLE_APPLY, "status",
			    with(plain(), NO_ERRORS,
				 "\"errors\": [{\"code\": \"guard\", \"message\": \"damaged\", "
				 "\"patchset\": \"\", \"at\": \"2026-11-20T20:15:00Z\"}]"));
	expect_state("failed", SUT_EXIT_ERROR);
	assert_non_null(strstr(said.out, "suture quarantine release --all"));
	/* What is quarantined is not known then, and that is not "nothing". */
	sample_agent_run(cmd_quarantine, "quarantine", NULL, &said);
	assert_null(strstr(said.out, "nothing is quarantined"));
	assert_non_null(strstr(said.out, "not known"));
	sample_agent_answer(SAMPLE_APPLY, "status",
			    with(plain(), NO_ERRORS,
				 "\"errors\": [{\"code\": \"choice\", \"message\": \"damaged\", "
				 "\"patchset\": \"\", \"at\": \"2026-11-20T20:15:00Z\"}]"));
	expect_state("failed", SUT_EXIT_ERROR);
	assert_non_null(strstr(said.out, "suture mode normal"));
}

#define NO_TROUBLE "\"trouble\": \"\""

static void test_status_tells_a_full_disk_from_a_portal_that_refuses(void **state _unused_)
{
	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	sample_agent_answer(
		SAMPLE_NETWORK, "status",
		with(network_state("current", "", 0), NO_TROUBLE, "\"trouble\": \"disk\""));
	expect_state("current", 0);
	sample_agent_run(cmd_status, "status", NULL, &said);
	assert_non_null(strstr(said.out, "/var/lib/suture/agent cannot be written"));
	sample_agent_answer(SAMPLE_NETWORK, "status",
			    with(network_state("not-registered", "", 0), NO_TROUBLE,
				 "\"trouble\": \"identity-damaged\""));
	expect_state("not-registered", SUT_EXIT_NOT_REGISTERED);
	assert_non_null(strstr(said.out, "identity.json"));
	assert_non_null(strstr(said.out, "suture register"));
	sample_agent_answer(SAMPLE_NETWORK, "status",
			    with(network_state("current", "", 0), NO_TROUBLE,
				 "\"trouble\": \"system-deleted\""));
	expect_state("not-registered", SUT_EXIT_NOT_REGISTERED);
	assert_non_null(strstr(said.out, "does not accept this system any more"));
}

static void test_status_says_when_the_portal_is_silent_for_too_long(void **state _unused_)
{
	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("current", "", 3));
	write_file(AGENT_CONF, "grace = 1h\n");
	expect_state("silent", SUT_EXIT_UNREACHABLE);
	/* Within the grace it is no error. */
	write_file(AGENT_CONF, "grace = 3h\n");
	expect_state("current", 0);
}

static void test_status_works_without_the_agent(void **state _unused_)
{
	struct agent_path path = agent_path(sample_agent_root(), AGENT_APPLY_STATE);
	const char *text = plain();
	json_t *j;

	sample_agent_listen(SAMPLE_NETWORK, false);
	sample_agent_listen(SAMPLE_APPLY, false);
	expect_state("unknown", SUT_EXIT_ERROR);
	assert_non_null(strstr(said.out, "systemctl start sutured.service"));
	/* What suture-apply has published counts without it. */
	assert_int_equal(sut_file_write(path.s, text, strlen(text), 0644, NULL), 0);
	j = document(cmd_status, "status", 0);
	assert_string_equal(
		text_at(json_object_get(json_object_get(j, "agent"), "apply"), "state", "boot_id"),
		"b");
	assert_string_equal(text_at(json_object_get(j, "agent"), "apply", "source"), "file");
	assert_non_null(strstr(text_at(j, "protection", "text"), "K20261121_01 (level 3) runs"));
	json_decref(j);
	/* A damaged file is as none. */
	assert_int_equal(sut_file_write(path.s, "{\"format\": 3", 12, 0644, NULL), 0);
	json_decref(document(cmd_status, "status", 0));
}

static void engine_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/suture/%s", name);
	write_file(path, text);
}

static void test_status_goes_by_the_engine_when_all_else_is_missing(void **state _unused_)
{
	struct agent_path folder = agent_path(sample_agent_root(), "/sys/kernel/suture");
	json_t *j;

	assert_int_equal(sut_mkdir_p(folder.s, NULL), 0);
	engine_file("version", "0.1.0\n");
	engine_file("abi", "1\n");
	engine_file("state", "applied\n");
	engine_file("id", "K20261121_01\n");
	engine_file("module", "suture_k\n");
	engine_file("level", "3\n");
	engine_file("applied_at", "1795292100\n");
	engine_file("pause_ns", "812345\n");
	engine_file("stop_ns", "1034567\n");
	engine_file("cves", "CVE-2026-1234 CVE-2026-1235\n");
	engine_file("functions", "unix_ioctl\nunix_open\n");
	sample_agent_listen(SAMPLE_NETWORK, false);
	sample_agent_listen(SAMPLE_APPLY, false);
	j = document(cmd_status, "status", 0);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "applied");
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "patch"), "cves")), 2);
	assert_non_null(strstr(text_at(j, "protection", "text"), "K20261121_01 (level 3) runs"));
	json_decref(j);
	sample_agent_run(cmd_status, "status", NULL, &said);
	assert_non_null(strstr(said.out, "\nPatch     K20261121_01, level 3\n"));
	assert_non_null(strstr(said.out, "\nSignature unknown"));
	engine_file("level", "three\n");
	json_decref(document(cmd_status, "status", SUT_EXIT_ERROR));
}

static void test_answers_of_any_shape_are_survived(void **state _unused_)
{
	static const char *const odd[] = {
		"{\"ok\": true}",
		"{\"ok\": true, \"format\": \"suture-agent-state\"}",
		"{\"ok\": true, \"format\": 3, \"state\": [], \"status\": \"x\"}",
		"{\"ok\": true, \"format\": \"x\", \"result\": [], \"checks\": {}, \"reasons\": 3, "
		"\"held\": {}, \"checkin\": 7, \"switch\": null, \"choice\": [], \"patch\": 1, "
		"\"libraries\": {\"a\": 1}, \"daemon\": 3, \"processes\": 3, \"next\": \"\", \"files\": {}, "
		"\"available\": \"\", \"quarantined\": {\"a\": 1}, \"why\": [], \"state\": {}}",
		"{\"ok\": 1}",
		"{}",
		"[]",
		"\"\"",
		"{\"ok\": false}",
		"{\"ok\": false, \"error\": \"no\"}",
		"\x01\x02",
	};
	static const char *const network[] = {"status",	    "check",	  "update",
					      "explain",    "job",	  "register",
					      "unregister", "lib-update", "lib-explain"};
	static const char *const apply[] = {"status",	  "choose",    "unload",       "verify",
					    "release",	  "forget",    "stage",	       "lib-apply",
					    "lib-unload", "lib-files", "lib-processes"};
	static const char *const words[] = {"check",
					    "explain",
					    "hold",
					    "job run --manifest -",
					    "lib apply /proc/self/status",
					    "lib explain",
					    "lib list",
					    "lib status",
					    "lib unload",
					    "lib update",
					    "mode off",
					    "pin 3",
					    "preflight",
					    "quarantine list",
					    "register --portal https://p --key-file -",
					    "status",
					    "tag",
					    "unload",
					    "unregister --purge",
					    "update",
					    "verify"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(odd); i++) {
		for (size_t k = 0; k < SUT_ARRAY_SIZE(network); k++)
			sample_agent_answer(SAMPLE_NETWORK, network[k], odd[i]);
		for (size_t k = 0; k < SUT_ARRAY_SIZE(apply); k++)
			sample_agent_answer(SAMPLE_APPLY, apply[k], odd[i]);
		for (size_t k = 0; k < SUT_ARRAY_SIZE(commands); k++) {
			char all[128];

			sample_agent_run(commands[k].run, words[k], "x\n", &said);
			assert_in_range(said.exit, 0, SUT_EXIT_USAGE);
			snprintf(all, sizeof(all), "%s --json", words[k]);
			sample_agent_run(commands[k].run, all, "x\n", &said);
			if (*said.out && !strstr(said.out, "\"format\": \"suture-"))
				fail_msg("%s: %s", all, said.out);
		}
	}
}

/* --- libraries --- */

#define LIB "0f1e2d3c4b5a69788796a5b4c3d2e1f000112233"
#define LIB_RESULT(outcome)                                                                        \
	"{\"outcome\": \"" outcome "\", \"build_id\": \"" LIB "\", \"id\": \"U20261121_01\", "     \
	"\"level\": 2, \"processes\": 3, \"patched\": 2, \"reasons\": {\"traced\": 1}}"

static void libraries_applied(const char *daemon)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "%.*s, \"libraries\": [{\"build_id\": \"" LIB "\", \"name\": "
		 "\"libcrypto.so.3\", \"package\": \"libssl3\", \"package_version\": "
		 "\"3.0.17-1\", \"file\": \"/x\", \"id\": \"U20261121_01\", \"level\": 2, "
		 "\"cves\": [\"CVE-2026-31790\"], \"sha256\": \"" SHA "\", \"applied_at\": "
		 "\"2026-11-21T20:15:00Z\", \"signed_by\": \"vendor\", \"processes\": 3, "
		 "\"patched\": 2, \"reasons\": {\"traced\": 1}, \"phase\": \"probation\", "
		 "\"probation\": {\"since\": \"2026-11-21T20:15:00Z\", \"seconds_left\": 1, "
		 "\"seconds\": 900}, \"unloaded\": false}], \"daemon\": {\"state\": \"%s\", "
		 "\"text\": \"it\\u001b[31m\", \"watch\": \"on\"}}",
		 (int)strlen(plain()) - 1, plain(), daemon);
	sample_agent_answer(SAMPLE_APPLY, "status", text);
}

static void test_lib_status_counts_processes(void **state _unused_)
{
	libraries_applied("running");
	json_decref(document(cmd_lib, "lib status", 0));
	sample_agent_run(cmd_lib, "lib status", NULL, &said);
	assert_non_null(strstr(said.out, "new processes are patched before they begin"));
	assert_non_null(strstr(said.out, "U20261121_01 (level 2) runs in 2 of 3 processes "
					 "(1 traced); on probation"));
	assert_non_null(strstr(said.out, "libssl3 3.0.17-1"));
	sample_agent_run(cmd_lib, "lib status --exit-code", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_PENDING);
	sample_agent_run(cmd_status, "status", NULL, &said);
	assert_non_null(strstr(said.out, "libcrypto.so.3: U20261121_01 (level 2) in 2 of 3"));
	libraries_applied("failed");
	sample_agent_run(cmd_lib, "lib status", NULL, &said);
	assert_non_null(strstr(said.out, "failed: it"));
	assert_null(strchr(said.out, '\033'));
	sample_agent_answer(SAMPLE_APPLY, "status", plain());
	sample_agent_run(cmd_lib, "lib status", NULL, &said);
	assert_non_null(strstr(said.out, "no library is patched"));
}

static void test_lib_explain_says_what_to_do_about_each(void **state _unused_)
{
	json_t *j;

	sample_agent_answer(SAMPLE_APPLY, "lib-processes",
			    "{\"ok\": true, \"processes\": [{\"pid\": 7, \"comm\": \"nginx\", "
			    "\"reason\": \"applied\", \"level\": 2}, {\"pid\": 8, \"comm\": "
			    "\"app\", \"unit\": \"app.service\", \"reason\": \"traced\", \"text\": "
			    "\"by gdb (pid 9)\", \"level\": 0}]}");
	j = document(cmd_lib, "lib explain", 0);
	assert_int_equal(json_array_size(json_object_get(j, "processes")), 1);
	json_decref(j);
	sample_agent_run(cmd_lib, "lib explain", NULL, &said);
	assert_non_null(strstr(said.out, "8 app (app.service)"));
	assert_non_null(strstr(said.out, "traced: by gdb (pid 9)"));
	assert_non_null(strstr(said.out, "End the debugger"));
	sample_agent_answer(
		SAMPLE_NETWORK, "lib-explain",
		"{\"ok\": true, \"libraries\": [{\"build_id\": \"" LIB "\", \"name\": "
		"\"libz.so.1\", \"reasons\": [{\"code\": \"delay\", \"text\": \"not yet\", "
		"\"advice\": \"wait\"}]}]}");
	sample_agent_run(cmd_lib, "lib explain", NULL, &said);
	assert_non_null(strstr(said.out, "libz.so.1: not yet"));
	sample_agent_run(cmd_lib, "lib explain nginx", NULL, &said);
	assert_non_null(strstr(said.out, "no such process lacks a patch"));
	j = document(cmd_lib, "lib explain --all 7", 0);
	assert_int_equal(json_array_size(json_object_get(j, "processes")), 1);
	json_decref(j);
}

static void test_lib_list_joins_files_and_patches(void **state _unused_)
{
	json_t *j;

	libraries_applied("running");
	sample_agent_answer(SAMPLE_NETWORK, "status", network_state("current", "", 0));
	sample_agent_answer(
		SAMPLE_APPLY, "lib-files",
		"{\"ok\": true, \"files\": [{\"build_id\": \"" LIB "\", \"path\": "
		"\"/lib/libcrypto.so.3\", \"processes\": 3, \"deleted\": true}, "
		"{\"build_id\": \"aa\", \"path\": \"/lib/libz.so.1\", \"processes\": 9, "
		"\"deleted\": false}]}");
	j = document(cmd_lib, "lib list", 0);
	assert_int_equal(json_array_size(json_object_get(j, "files")), 2);
	json_decref(j);
	sample_agent_run(cmd_lib, "lib list --patched", NULL, &said);
	assert_non_null(strstr(said.out, "/lib/libcrypto.so.3 (deleted)  U20261121_01 (level 2)"));
	assert_null(strstr(said.out, "libz"));
}

static void test_lib_update_and_unload_tell_each_library(void **state _unused_)
{
	const json_t *q;

	sample_agent_answer(SAMPLE_NETWORK, "lib-update",
			    "{\"ok\": true, \"libraries\": [{\"build_id\": \"" LIB "\", \"name\": "
			    "\"libcrypto.so.3\", \"action\": \"apply\", \"result\": " LIB_RESULT(
				    "applied") ", \"reasons\": [], \"error\": null}]}");
	json_decref(document(cmd_lib, "lib update --to 2 --library " LIB, 0));
	q = sample_agent_asked(SAMPLE_NETWORK, "lib-update");
	assert_string_equal(json_string_value(json_object_get(q, "build_id")), LIB);
	assert_int_equal(json_integer_value(json_object_get(q, "to")), 2);
	sample_agent_run(cmd_lib, "lib update", NULL, &said);
	assert_non_null(strstr(said.out, "applied U20261121_01 (level 2): it runs in 2 of 3"));
	sample_agent_answer(
		SAMPLE_NETWORK, "lib-update",
		"{\"ok\": false, \"error\": {\"reason\": \"hold\", \"message\": \"held\", "
		"\"errno\": 1}, \"libraries\": []}");
	sample_agent_run(cmd_lib, "lib update", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_HELD);
	/* What root forces is applied by root, and only what was named. */
	sample_agent_answer(SAMPLE_NETWORK, "lib-update",
			    "{\"ok\": true, \"libraries\": [{\"build_id\": \"" LIB "\", \"name\": "
			    "\"x\", \"action\": \"staged\", \"result\": null, \"reasons\": [], "
			    "\"error\": null, \"staged\": {\"sha256\": \"" SHA
			    "\", \"id\": \"U9\", \"level\": 2, \"down\": false}}]}");
	sample_agent_answer(SAMPLE_APPLY, "lib-apply",
			    "{\"ok\": true, \"result\": " LIB_RESULT("applied") "}");
	json_decref(document(cmd_lib, "lib update --force", 0));
	q = sample_agent_asked(SAMPLE_APPLY, "lib-apply");
	assert_string_equal(json_string_value(json_object_get(q, "sha256")), SHA);
	sample_agent_run(cmd_lib, "lib update --force --to 3", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	libraries_applied("running");
	sample_agent_answer(SAMPLE_APPLY, "lib-unload",
			    "{\"ok\": true, \"result\": " LIB_RESULT("reverted") "}");
	json_decref(document(cmd_lib, "lib unload libcrypto.so.3 maintenance", 0));
	q = sample_agent_asked(SAMPLE_APPLY, "lib-unload");
	assert_string_equal(json_string_value(json_object_get(q, "build_id")), LIB);
	assert_string_equal(json_string_value(json_object_get(q, "reason")), "maintenance");
	sample_agent_run(cmd_lib, "lib unload libnone.so", NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_ERROR);
	sample_agent_run(cmd_lib, "lib unload", NULL, &said);
	q = sample_agent_asked(SAMPLE_APPLY, "lib-unload");
	assert_null(json_object_get(q, "build_id"));
}

static void test_lib_apply_stages_file_and_signature(void **state _unused_)
{
	char file[256], words[600];
	struct sut_err err = {0};

	snprintf(file, sizeof(file), "%s/x.upatch.bin", sample_agent_root());
	assert_ok(sut_file_write(file, "patch", 5, 0644, &err), err);
	snprintf(words, sizeof(words), "lib apply %s", file);
	sample_agent_run(cmd_lib, words, NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_NOT_TRUSTED);
	snprintf(words, sizeof(words), "%s.sig", file);
	assert_ok(sut_file_write(words, "sig", 3, 0644, &err), err);
	sample_agent_answer(SAMPLE_APPLY, "stage",
			    "{\"ok\": true, \"patch\": {\"id\": \"U1\", \"kind\": \"library\"}}");
	sample_agent_answer(SAMPLE_APPLY, "lib-apply",
			    "{\"ok\": true, \"result\": " LIB_RESULT("applied") "}");
	snprintf(words, sizeof(words), "lib apply %s", file);
	json_decref(document(cmd_lib, words, 0));
	assert_string_equal(sample_agent_file(SAMPLE_APPLY, "stage"), "patch");
	/* A kernel's is named as such. */
	sample_agent_answer(SAMPLE_APPLY, "stage", "{\"ok\": true, \"patch\": {\"id\": \"K1\"}}");
	sample_agent_run(cmd_lib, words, NULL, &said);
	assert_int_equal(said.exit, SUT_EXIT_NOT_FOR_US);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_help_ends_with_0_and_asks_nobody),
		CASE(test_wrong_options_are_said_with_the_way_to_the_help),
		CASE(test_bad_words_are_usage_errors_and_ask_nobody),
		CASE(test_when_nobody_is_there_the_unit_is_named),
		CASE(test_who_ends_without_an_answer_is_named),
		CASE(test_an_answer_that_says_no_decides_the_exit_status),
		CASE(test_update_tells_progress_and_what_was_applied),
		CASE(test_update_asks_for_what_was_said),
		CASE(test_update_applies_with_force_only_what_was_named),
		CASE(test_update_names_all_that_holds_it_back),
		CASE(test_a_result_that_failed_is_never_called_done),
		CASE(test_unload_with_a_residue_asks_for_a_reboot),
		CASE(test_verify_prints_the_result_of_suture_apply),
		CASE(test_choices_set_only_what_was_said),
		CASE(test_a_duration_counts_from_now),
		CASE(test_choices_are_shown_without_choosing),
		CASE(test_quarantine_releases_one_by_its_name),
		CASE(test_quarantine_does_not_guess_which_one),
		CASE(test_register_takes_the_key_from_standard_input),
		CASE(test_register_finds_the_portal_in_the_settings),
		CASE(test_register_with_a_customer_id),
		CASE(test_register_refuses_what_is_no_key_and_no_certificate),
		CASE(test_unregister_purges_what_is_kept),
		CASE(test_unregister_keeps_all_when_the_portal_is_away),
		CASE(test_preflight_stages_the_file_and_shows_each_check),
		CASE(test_preflight_without_a_file_takes_what_is_available),
		CASE(test_job_run_writes_the_result_of_a_failure_too),
		CASE(test_job_run_refuses_what_is_no_text),
		CASE(test_explain_lists_reasons_and_advice),
		CASE(test_explain_says_that_sutured_is_not_there),
		CASE(test_check_says_what_there_is),
		CASE(test_status_has_an_exit_status_for_each_state),
		CASE(test_status_believes_the_root_half_first),
		CASE(test_status_says_what_root_cannot_read),
		CASE(test_status_tells_a_full_disk_from_a_portal_that_refuses),
		CASE(test_status_says_when_the_portal_is_silent_for_too_long),
		CASE(test_status_works_without_the_agent),
		CASE(test_status_goes_by_the_engine_when_all_else_is_missing),
		CASE(test_lib_status_counts_processes),
		CASE(test_lib_explain_says_what_to_do_about_each),
		CASE(test_lib_list_joins_files_and_patches),
		CASE(test_lib_update_and_unload_tell_each_library),
		CASE(test_lib_apply_stages_file_and_signature),
		CASE(test_answers_of_any_shape_are_survived),
	};
	struct schema_error e;
	int failed;

	schemas = documents_load(SOURCE_ROOT "/docs/formats/schemas", &e);
	if (!schemas) {
		fprintf(stderr, "%s: %s\n", e.pointer, e.text);
		return 1;
	}
	unsetenv("TERM");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(schemas);
	return failed;
}
