// SPDX-License-Identifier: Apache-2.0
/* suture lib list, explain: what is in use, and which processes are not patched. Root only: other users' processes are in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "cmd_lib.h"
#include "halves.h"
#include "options.h"
#include "show.h"
#include "truth/truth.h"

static const char help_list[] =
	"usage: suture lib list [OPTION]...\n\n"
	"Lists the libraries and programs that running processes use, with the patch that runs in\n"
	"them, or that there is for them.\n\n"
	"  --patched  only those that a patch runs in, or is there for\n"
	"  --deleted  only those whose file on disk is another one by now\n"
	"  --json     one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0; 1 error; 64 usage\n";

static const char help_explain[] =
	"usage: suture lib explain [OPTION]... [PID|NAME|CVE]\n\n"
	"Says for each library why no patch, or no further one, is applied, and names each process\n"
	"that uses a patched library and does not run the patch, why, and what to do about it; or\n"
	"only that process, or those of that name. With a CVE: which library's patch fixes it.\n\n"
	"  --all   those that are patched, too\n"
	"  --json  one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0; 1 error; 64 usage\n";

enum { PAGES_MAX = 4096 };

/* What to do: docs/formats/library.md. */
static const struct {
	const char *reason, *advice;
} advices[] = {
	{"gone", ""},
	{"not-mapped", ""},
	{"kernel-thread", ""},
	{"busy", "It is tried again by itself; restart it if it never leaves the old code"},
	{"deadline", "It is tried again by itself"},
	{"traced", "End the debugger or tracer that holds it"},
	{"frozen", "Thaw its cgroup; it is patched then"},
	{"uninterruptible", "It is tried again by itself; it waits for a disk or server"},
	{"no-room", "Restart it"},
	{"memory-limit", "Raise its memory limit, or restart it"},
	{"no-exec", "Restart it: a security policy does not let it map code"},
	{"seccomp", "Restart it: its own filter does not let a mapping be made"},
	{"mismatch", "Find out who changed its code: another patcher, a debugger, a probe"},
	{"import", "Restart it"},
	{"32-bit", "Restart it with the updated package"},
	{"goroutines", "Restart it with the updated package"},
	{"no-gadget", "Restart it with the updated package"},
	{"no-ptrace", "Allow ptrace to root: kernel.yama.ptrace_scope must not be 3"},
	{"init", "Set lib-init = yes in agent.conf, or reboot after the update"},
	{"error",
	 "It is tried again by itself; see 'journalctl -u suture-process' for what is short"},
	{"excluded", "agent.conf excludes it (lib-exclude-…)"},
};

const char *lib_advice(const char *reason)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(advices); i++)
		if (sut_streq(reason, advices[i].reason))
			return advices[i].advice;
	return "Restart it";
}

bool lib_is_well(const char *reason)
{
	static const char *const words[] = {"",		"applied",  "current",
					    "replaced", "reverted", "repaired"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_streq(reason, words[i]))
			return true;
	return false;
}

int lib_processes(const char *build_id, json_t **ret, struct sut_err *err)
{
	json_t *all = json_array();
	json_int_t after = 0, next;
	int r = all ? 0 : sut_err_oom(err);

	for (size_t page = 0; r == 0 && page < PAGES_MAX; page++) {
		_cleanup_(json_decrefp) json_t *answer = NULL;

		r = ask_call(ASK_APPLY,
			     json_pack("{s:s,s:I,s:s*}", "verb", "lib-processes", "after", after,
				       "build_id", build_id),
			     NULL, &answer, err);
		if (r == 0 && json_array_extend(all, json_object_get(answer, "processes")) < 0)
			r = 0; /* a list that is none */
		next = show_int(answer, "next");
		if (next <= after)
			break;
		after = next;
	}
	if (r < 0) {
		json_decref(all);
		return r;
	}
	*ret = all;
	return 0;
}

/* ------------------------------------------------------------------ */
/* list                                                                */

static const json_t *of_build_id(const json_t *list, const char *build_id)
{
	const json_t *l;
	size_t i;

	json_array_foreach(list, i, l)
		if (sut_streq(show_string(l, "build_id"), build_id))
			return l;
	return NULL;
}

static json_t *patch_of(const json_t *l)
{
	if (!l || show_int(l, "level") <= 0)
		return json_null();
	return json_pack("{s:O,s:O,s:O}", "id", json_object_get(l, "id"), "level",
			 json_object_get(l, "level"), "patched", json_object_get(l, "patched"));
}

/* What sutured has seen in the repository for it. */
static json_t *available_of(const json_t *l)
{
	json_t *v = json_object_get(l, "available");

	return json_is_object(v) ? json_incref(v) : json_null();
}

/* The files that are in use, each with what is applied to it and what there is. */
static json_t *join(const json_t *files, const struct halves *h, bool patched, bool deleted)
{
	static const char *const members[] = {"build_id", "path", "processes", "deleted"};
	json_t *list = json_array(), *f;
	size_t i;

	json_array_foreach(files, i, f) {
		const char *build_id = show_string(f, "build_id");
		json_t *patch = patch_of(of_build_id(lib_list(h->apply), build_id));
		json_t *available = available_of(
			of_build_id(json_object_get(h->network, "libraries"), build_id));
		json_t *one = lib_member(f, members, SUT_ARRAY_SIZE(members));

		if (!one || (patched && json_is_null(patch) && json_is_null(available)) ||
		    (deleted && !show_bool(f, "deleted"))) {
			json_decref(one);
			json_decref(patch);
			json_decref(available);
			continue;
		}
		(void)!json_object_set_new(one, "patch", patch);
		(void)!json_object_set_new(one, "available", available);
		(void)!json_array_append_new(list, one);
	}
	return list;
}

static void show_file(const json_t *f)
{
	const json_t *patch = show_object(f, "patch"), *available = show_object(f, "available");
	char name[128] = "";

	if (patch || available)
		show_patch_name(patch ? patch : available, name, sizeof(name));
	show(NULL, "%5" JSON_INTEGER_FORMAT "  %s%s%s%s%s", show_int(f, "processes"),
	     show_string(f, "path"), show_bool(f, "deleted") ? " (deleted)" : "",
	     patch || available ? "  " : "", patch || !available ? "" : "there is ", name);
}

int cmd_lib_list(int argc, char **argv)
{
	bool json = false, patched = false, deleted = false;
	const struct options_row rows[] = {OPTIONS_FLAG("patched", &patched),
					   OPTIONS_FLAG("deleted", &deleted),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"lib list", help_list, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL, *list = NULL;
	_cleanup_(halves_release) struct halves h = {0};
	struct sut_err err = {0};
	const json_t *f;
	char **words;
	size_t n, i;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (ask_need_root("looking at the processes of others", &err) == 0)
		(void)!ask_call(ASK_APPLY, json_pack("{s:s}", "verb", "lib-files"), NULL, &answer,
				&err);
	if (!err.code) {
		halves_read(ask_root(), &h);
		list = join(json_object_get(answer, "files"), &h, patched, deleted);
	}
	if (!json) {
		json_array_foreach(list, i, f) {
			show_file(f);
		}
	}
	return show_end("lib list", json, "suture-lib-list", json_pack("{s:O?}", "files", list),
			&err);
}

/* ------------------------------------------------------------------ */
/* explain                                                             */

static bool is_asked(const json_t *p, const char *which, bool all)
{
	uint64_t pid;

	if (which && sut_parse_u64(which, INT32_MAX, &pid) == 0) {
		if (show_int(p, "pid") != (json_int_t)pid)
			return false;
	} else if (which && !sut_streq(show_string(p, "comm"), which)) {
		return false;
	}
	return all || !lib_is_well(show_string(p, "reason"));
}

/* Those that were asked for, with what is to be done. */
static json_t *explained(const json_t *processes, const char *which, bool all)
{
	json_t *list = json_array(), *p;
	size_t i;

	json_array_foreach(processes, i, p) {
		json_t *one = is_asked(p, which, all) ? json_copy(p) : NULL;

		if (!one)
			continue;
		(void)!json_object_set_new(
			one, "advice",
			json_string(lib_is_well(show_string(p, "reason"))
					    ? ""
					    : lib_advice(show_string(p, "reason"))));
		(void)!json_array_append_new(list, one);
	}
	return list;
}

static void show_process(const json_t *p)
{
	const char *reason = show_string(p, "reason"), *text = show_string(p, "text"),
		   *unit = show_string(p, "unit"), *advice = show_string(p, "advice");

	show(NULL, "%" JSON_INTEGER_FORMAT " %s%s%s%s  %s", show_int(p, "pid"),
	     show_string(p, "comm"), *unit ? " (" : "", unit, *unit ? ")" : "",
	     show_string(p, "file"));
	if (lib_is_well(reason))
		show(NULL, "  level %" JSON_INTEGER_FORMAT, show_int(p, "level"));
	else
		show(NULL, "  %s%s%s", reason, *text ? ": " : "", text);
	if (*advice)
		show(NULL, "  %s", advice);
}

static void show_reasons(const json_t *l)
{
	const json_t *r;
	size_t i;

	json_array_foreach(json_object_get(l, "reasons"), i, r) {
		show(NULL, "%s: %s", show_string(l, "name"), show_string(r, "text"));
		if (*show_string(r, "advice"))
			show(NULL, "  %s", show_string(r, "advice"));
	}
}

/* What sutured says of each library; NULL when it says nothing: processes are told all the same. */
static json_t *reasons_of(const char *cve)
{
	static const char *const members[] = {"build_id", "name", "state", "reasons"};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	json_t *list;

	if (ask_call(ASK_NETWORK, json_pack("{s:s,s:s*}", "verb", "lib-explain", "cve", cve),
		     &(struct ask){.timeout_ms = ASK_SHORT_MS}, &answer, NULL) < 0)
		return NULL;
	list = json_object_get(answer, "libraries");
	return json_is_array(list) ? lib_members(list, members, SUT_ARRAY_SIZE(members)) : NULL;
}

static void explain(const json_t *libraries, const json_t *list, bool one)
{
	const json_t *v;
	size_t i;

	json_array_foreach(libraries, i, v) {
		show_reasons(v);
	}
	json_array_foreach(list, i, v) {
		show_process(v);
	}
	if (list && !json_array_size(list))
		show(NULL, one ? "no such process lacks a patch"
			       : "every process runs the patches of its libraries");
}

int cmd_lib_explain(int argc, char **argv)
{
	bool json = false, all = false;
	const struct options_row rows[] = {OPTIONS_FLAG("all", &all), OPTIONS_FLAG("json", &json)};
	const struct options o = {"lib explain", help_explain, rows, SUT_ARRAY_SIZE(rows), 0, 1,
				  NULL};
	_cleanup_(json_decrefp) json_t *processes = NULL, *list = NULL, *libraries = NULL;
	struct sut_err err = {0};
	const char *word, *cve;
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	word = n ? words[0] : NULL;
	cve = n && truth_is_cve(word) ? word : NULL;
	if (ask_need_root("looking at the processes of others", &err) == 0) {
		libraries = !word || cve ? reasons_of(cve) : NULL;
		if (!cve && lib_processes(NULL, &processes, &err) == 0)
			list = explained(processes, word, all);
	}
	if (cve && !libraries && !err.code)
		(void)!sut_err_reason(&err, EREMOTEIO, "no-answer",
				      "sutured does not say which library's patch fixes %s. Is it "
				      "running? See systemctl status sutured",
				      cve);
	if (!json && !err.code)
		explain(libraries, list, word != NULL);
	return show_end("lib explain", json, "suture-lib-explain",
			json_pack("{s:O?,s:O?}", "processes", list, "libraries", libraries), &err);
}
